//! Proxies whose calls are awaited.

use super::endpoint::Endpoint;
use super::error::{CallError, RawError};
use super::interface::Caller;
use super::payload::{self, Args, Schema};
use super::pending::Pending;
use coincide_codec::EncodeError;
use coincide_proto::{CallId, Format, Payload};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// Calls functions of the other end and awaits them: those that a worker exports (from [`Worker::proxy`](crate::Worker::proxy)), or those of
/// main (from [`Scope::proxy`](crate::Scope::proxy)).
///
/// A call is sent at once, even if its future is not polled. Dropping the future cancels the call, and so does its timeout. A worker that runs
/// the function stops at its next [`Scope::check`](crate::Scope::check), [`Scope::sleep`](crate::Scope::sleep) or blocked call. A call made
/// before the worker is ready waits until it is. A call that main makes while the worker is blocked runs at once, unless the export is
/// [asynchronous](crate::Scope::export_async).
///
/// ```
/// use coincide::{Main, Thrown};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("double", |number: u32| number * 2);
///     Ok::<(), Thrown>(())
/// })?;
/// let proxy = worker.proxy();
/// // Both calls are on their way before the first is awaited.
/// let (one, two) = (proxy.call::<u32>("double", (1,)), proxy.call::<u32>("double", (2,)));
/// assert_eq!(main.block_on(async { Ok::<_, coincide::CallError>((one.await?, two.await?)) })?, (2, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    endpoint: Rc<dyn Endpoint>,
    timeout: Option<Duration>,
}

impl Proxy {
    pub(crate) fn new(endpoint: Rc<dyn Endpoint>) -> Self {
        Self { endpoint, timeout: None }
    }

    /// The same proxy, whose calls end with [`CallErrorKind::TimedOut`](crate::CallErrorKind::TimedOut) after `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { endpoint: Rc::clone(&self.endpoint), timeout: Some(timeout) }
    }

    /// Calls a function; `args` is a tuple.
    pub fn call<R: DeserializeOwned>(&self, function: &str, args: impl Args) -> CallFuture<R> {
        self.start(function, None, move |payload| {
            payload::encode_args(Some(self.endpoint.host()), &args, None, payload)
        })
    }

    /// The same for a function without a name, which errors call `shown`.
    pub(super) fn operate<R>(
        &self,
        shown: &str,
        function: &str,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> CallFuture<R> {
        let mut call = self.start(function, None, encode);
        shown.clone_into(&mut call.function);
        if let State::Failed(error) = &mut call.state {
            shown.clone_into(&mut error.function);
        }
        call
    }

    /// The same proxy under an optional time limit.
    pub(super) fn limited(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }

    /// Calls a function that takes and returns raw bytes (see [`Scope::export_bytes`](crate::Scope::export_bytes)).
    pub fn call_bytes(&self, function: &str, bytes: Vec<u8>) -> BytesFuture {
        let mut exchanged = bytes;
        let call = self.start(function, None, |payload| {
            mem::swap(&mut payload.head, &mut exchanged);
            Ok(Format::Bytes)
        });
        self.recycle(exchanged);
        BytesFuture(call)
    }

    /// Calls a function with arguments that `encode` appends to a buffer, and returns the result as bytes (see [`raw`](crate::raw)).
    pub fn call_raw(&self, function: &str, encode: impl FnOnce(&mut Vec<u8>) -> Format) -> RawFuture {
        RawFuture(self.start(function, None, |payload| Ok(encode(&mut payload.head))))
    }

    /// Returns the buffer of a raw result to the link, so that the next call allocates nothing.
    pub fn recycle(&self, buffer: Vec<u8>) {
        self.endpoint.host().recycle(buffer);
    }

    /// Calls a function without waiting for an answer, with arguments that are already bytes (see [`raw`](crate::raw)).
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn notify_raw(&self, function: &str, format: Format, arguments: Vec<u8>) -> Result<(), CallError> {
        let mut exchanged = arguments;
        let sent = self.endpoint.host().notify(function, |payload| {
            mem::swap(&mut payload.head, &mut exchanged);
            Ok(format)
        });
        self.recycle(exchanged);
        sent?;
        self.endpoint.flush();
        Ok(())
    }

    /// Calls a function without waiting for an answer. Errors of the function are not reported.
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn notify(&self, function: &str, args: impl Args) -> Result<(), CallError> {
        let host = self.endpoint.host();
        host.notify(function, |payload| payload::encode_args(Some(host), &args, None, payload))?;
        self.endpoint.flush();
        Ok(())
    }

    fn start<R>(
        &self,
        function: &str,
        schema: Option<Schema>,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> CallFuture<R> {
        let state = match self.endpoint.host().call(function, self.timeout, encode) {
            Ok(id) => {
                let pending = self.endpoint.host().pending.expect(id);
                self.endpoint.flush();
                State::Waiting(Rc::clone(&self.endpoint), id, pending)
            }
            Err(error) => State::Failed(Box::new(error)),
        };
        CallFuture { function: function.into(), schema, state, result: PhantomData }
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Caller for Proxy {
    type Output<R: DeserializeOwned> = CallFuture<R>;

    fn call_typed<A: Serialize, R: DeserializeOwned>(&self, function: &str, schema: Schema, args: A) -> CallFuture<R> {
        self.start(function, Some(schema), move |payload| {
            payload::encode_args(Some(self.endpoint.host()), &args, Some(schema), payload)
        })
    }
}

/// The result of a call, or a [`CallError`], once the other end has answered. Dropping it cancels the call.
#[must_use = "a call is cancelled when its future is dropped"]
pub struct CallFuture<R> {
    function: String,
    schema: Option<Schema>,
    state: State,
    result: PhantomData<fn() -> R>,
}

enum State {
    Failed(Box<CallError>),
    Waiting(Rc<dyn Endpoint>, CallId, Rc<Pending>),
    Done,
}

/// The end of the link that has made a call, and the result of the call.
type Answered<E> = Result<(Rc<dyn Endpoint>, Format, Payload), E>;

impl<R> CallFuture<R> {
    /// A call that could not be made.
    pub(super) fn failed(error: CallError) -> Self {
        Self {
            function: error.function.clone(),
            schema: None,
            state: State::Failed(Box::new(error)),
            result: PhantomData,
        }
    }

    fn poll_payload(&mut self, context: &Context<'_>) -> Poll<Answered<CallError>> {
        self.poll_raw(context).map_err(|error| error.into_call_error(&self.function))
    }

    fn poll_raw(&mut self, context: &Context<'_>) -> Poll<Answered<RawError>> {
        match mem::replace(&mut self.state, State::Done) {
            State::Failed(error) => Poll::Ready(Err(RawError::Failed(*error))),
            State::Waiting(endpoint, id, pending) => match pending.poll(context) {
                Poll::Ready(result) => Poll::Ready(result.map(|(format, payload)| (endpoint, format, payload))),
                Poll::Pending => {
                    self.state = State::Waiting(endpoint, id, pending);
                    Poll::Pending
                }
            },
            State::Done => panic!("the future of a call was polled after it had given its result"),
        }
    }
}

impl<R: DeserializeOwned> CallFuture<R> {
    /// Blocks until the call has ended.
    pub(super) fn block(mut self) -> Result<R, CallError> {
        if let Poll::Ready(result) = self.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
        let State::Waiting(endpoint, id, _) = &self.state else { unreachable!("a call without a result is awaited") };
        let (format, payload) = endpoint.wait_blocking(*id).map_err(|error| error.into_call_error(&self.function))?;
        self.decode(&**endpoint, format, payload)
    }

    fn decode(&self, endpoint: &dyn Endpoint, format: Format, mut payload: Payload) -> Result<R, CallError> {
        let host = endpoint.host();
        let value = payload::decode_result(Some(host), &self.function, format, &mut payload, self.schema);
        host.recycle(payload);
        value
    }
}

impl<R: DeserializeOwned> Future for CallFuture<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (endpoint, format, payload) = ready!(self.poll_payload(context))?;
        Poll::Ready(self.decode(&*endpoint, format, payload))
    }
}

impl<R> Drop for CallFuture<R> {
    fn drop(&mut self) {
        let State::Waiting(endpoint, id, pending) = &self.state else {
            return;
        };
        let host = endpoint.host();
        if host.pending.forget(*id) {
            host.engine.borrow_mut().cancel(*id);
            endpoint.flush();
        } else if let Some(Ok((format, payload))) = pending.take() {
            host.release_unread(format, &payload);
        }
    }
}

impl<R> std::fmt::Debug for CallFuture<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallFuture").field("function", &self.function).finish_non_exhaustive()
    }
}

/// The result of a raw call and its format, or a [`RawError`]. Dropping it cancels the call.
#[derive(Debug)]
#[must_use = "a call is cancelled when its future is dropped"]
pub struct RawFuture(CallFuture<()>);

impl Future for RawFuture {
    type Output = Result<(Format, Vec<u8>), RawError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_raw(context).map(|result| match result {
            Ok((endpoint, format, payload)) => {
                Ok((format, payload::whole(endpoint.host(), &self.0.function, payload)?))
            }
            Err(RawError::Failed(error)) => Err(RawError::Failed(error.named(&self.0.function))),
            Err(threw) => Err(threw),
        })
    }
}

/// The bytes that a function returned, or a [`CallError`]. Dropping it cancels the call.
#[derive(Debug)]
#[must_use = "a call is cancelled when its future is dropped"]
pub struct BytesFuture(CallFuture<()>);

impl Future for BytesFuture {
    type Output = Result<Vec<u8>, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let payload = self.0.poll_payload(context);
        payload.map(|result| {
            let (endpoint, format, payload) = result?;
            payload::bytes(endpoint.host(), &self.0.function, (format, payload))
        })
    }
}
