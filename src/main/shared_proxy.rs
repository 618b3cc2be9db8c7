//! A proxy for other threads.

use super::mailbox::{Address, Job, Notification};
use crate::calls::clock;
use crate::calls::error::{CallError, CallErrorKind};
use crate::calls::functions::{Function, Handler, Reply};
use crate::calls::interface::Caller;
use crate::calls::payload::{self, Args, Schema};
use crate::calls::slot::{Outgoing, Slot};
use coincide_codec::EncodeError;
use coincide_proto::{Format, Payload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::Thread;
use std::time::Duration;

/// Proxy of a worker for threads other than main's: calls its exports, and registers functions of main that it calls. From
/// [`Worker::shared_proxy`](crate::Worker::shared_proxy).
///
/// It is `Send`, `Sync` and cheap to clone, so a handler of a web server can hold one. The calling thread encodes arguments and decodes
/// results, and main passes them on in its turns. Main must therefore be driven. At most 256 calls of one worker are in flight for shared
/// proxies. Further calls are queued in order.
///
/// Calls end with [`Closed`](CallErrorKind::Closed) when the worker has ended or main was dropped. Functions and streams
/// belong to main's thread, so arguments and results that contain one are errors: register a function, and pass its name.
///
/// ```
/// use coincide::{Main, SharedProxy};
///
/// /// A handler that a web framework calls for each request, on any thread.
/// async fn handler(proxy: SharedProxy, name: String) -> String {
///     match proxy.call::<String>("render", (name,)).await {
///         Ok(page) => page,
///         Err(error) => format!("500: {error}"),
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("render", |name: String| format!("<p>Hello, {name}"));
///     Ok(())
/// })?;
/// let proxy = worker.shared_proxy();
/// let requests = async {
///     let page = tokio::spawn(handler(proxy.clone(), "PyScript".into())).await?;
///     assert_eq!(page, "<p>Hello, PyScript");
///     // Code that isn't asynchronous waits.
///     let again = move || proxy.call_blocking::<String>("render", ("again",));
///     assert_eq!(tokio::task::spawn_blocking(again).await??, "<p>Hello, again");
///     Ok(())
/// };
/// tokio::select! {
///     result = requests => result,
///     () = main.run() => unreachable!("there is a handle of main"),
/// }
/// # })
/// # .map_err(|error: Box<dyn std::error::Error>| error)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SharedProxy {
    address: Arc<Address>,
    timeout: Option<Duration>,
}

impl SharedProxy {
    pub(crate) fn new(address: Arc<Address>) -> Self {
        Self { address, timeout: None }
    }

    /// The same proxy, whose calls end with [`TimedOut`](CallErrorKind::TimedOut) after `timeout`. The time in the queue counts.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { address: Arc::clone(&self.address), timeout: Some(timeout) }
    }

    /// Calls an export of the worker; `args` is a tuple. The call is sent at once, even if its future is not polled, and is cancelled when
    /// the future is dropped.
    pub fn call<R: DeserializeOwned>(&self, function: &str, args: impl Args) -> SharedFuture<R> {
        self.start(function, None, move |payload| payload::encode_args(None, &args, None, payload))
    }

    /// Calls an export of the worker and blocks this thread until it has ended.
    ///
    /// Do not use it on threads that run tasks of an executor. On the worker's own thread, the worker is blocked until the timeout of the call.
    ///
    /// # Errors
    /// See [`CallError`]. On main's own thread, which would wait for itself, the kind is [`CannotBlock`](CallErrorKind::CannotBlock) and nothing
    /// was sent.
    pub fn call_blocking<R: DeserializeOwned>(&self, function: &str, args: impl Args) -> Result<R, CallError> {
        if self.address.is_here() {
            return Err(CallError::new(function, CallErrorKind::CannotBlock));
        }
        wait_for(self.call(function, args))
    }

    /// Calls an export of the worker without waiting for an answer. Errors of the function are not reported.
    ///
    /// # Errors
    /// When the arguments can't be sent or the link is closed. [`Busy`](CallErrorKind::Busy) when 1,024 notifications and registrations are
    /// queued. A call that is awaited ends after the notifications before it have left.
    pub fn notify(&self, function: &str, args: impl Args) -> Result<(), CallError> {
        let mut payload = Payload::default();
        let format = payload::encode_args(None, &args, None, &mut payload)
            .map_err(|error| CallError::arguments(function, error))?;
        let notification = Notification { function: function.into(), format, payload };
        self.address.send_limited(function, Job::Notify(notification))
    }

    /// Registers a function that the worker calls, as [`Worker::register`](crate::Worker::register) does. It runs on main's thread.
    ///
    /// Main registers it in one of its next turns, before it sends later calls of this proxy.
    ///
    /// # Errors
    /// When the link is closed. [`Busy`](CallErrorKind::Busy) when too many notifications and registrations are queued.
    pub fn register<Args, Kind, H>(&self, name: &str, function: H) -> Result<(), CallError>
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>> + Send,
    {
        self.insert(name, move || Function::plain(function))
    }

    /// Registers a function that returns a future, as [`Worker::register_async`](crate::Worker::register_async) does. The future runs on main's thread, so
    /// only the function must be `Send`.
    ///
    /// # Errors
    /// When the link is closed. [`Busy`](CallErrorKind::Busy) when too many notifications and registrations are queued.
    pub fn register_async<Args, Kind, H>(&self, name: &str, function: H) -> Result<(), CallError>
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static> + Send,
    {
        self.insert(name, move || Function::asynchronous(function))
    }

    /// Removes a function that the worker calls, whichever thread has registered it.
    ///
    /// # Errors
    /// When the link is closed. [`Busy`](CallErrorKind::Busy) when too many notifications and registrations are queued.
    pub fn unregister(&self, name: &str) -> Result<(), CallError> {
        let function = name.to_owned();
        let change = Job::Change(Box::new(move |host| {
            host.remove(&function);
        }));
        self.address.send_limited(name, change)
    }

    fn insert(&self, name: &str, make: impl FnOnce() -> Function + Send + 'static) -> Result<(), CallError> {
        let function = name.to_owned();
        let change = Job::Change(Box::new(move |host| host.insert(&function, make())));
        self.address.send_limited(name, change)
    }

    fn start<R>(
        &self,
        function: &str,
        schema: Option<Schema>,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> SharedFuture<R> {
        let mut payload = Payload::default();
        let state = match encode(&mut payload) {
            Ok(format) => {
                let deadline = self.timeout.map(|timeout| clock::now().after(timeout));
                let slot = Arc::new(Slot::new(Outgoing { function: function.into(), format, payload, deadline }));
                self.address.send(Job::Call(Arc::clone(&slot)));
                State::Waiting(slot)
            }
            Err(error) => State::Failed(Some(Box::new(CallError::arguments(function, error)))),
        };
        SharedFuture {
            address: Arc::clone(&self.address),
            function: function.into(),
            schema,
            state,
            result: PhantomData,
        }
    }
}

impl Caller for SharedProxy {
    type Output<R: DeserializeOwned> = SharedFuture<R>;

    fn call_typed<A: Serialize, R: DeserializeOwned>(
        &self,
        function: &str,
        schema: Schema,
        args: A,
    ) -> SharedFuture<R> {
        self.start(function, Some(schema), move |payload| payload::encode_args(None, &args, Some(schema), payload))
    }
}

impl std::fmt::Debug for SharedProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedProxy").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The result of a call of a [`SharedProxy`], or a [`CallError`], once the worker has answered. Any task on any thread may await it. Dropping it
/// cancels the call.
#[must_use = "a call is cancelled when its future is dropped"]
pub struct SharedFuture<R> {
    address: Arc<Address>,
    function: String,
    schema: Option<Schema>,
    state: State,
    result: PhantomData<fn() -> R>,
}

enum State {
    Failed(Option<Box<CallError>>),
    Waiting(Arc<Slot>),
}

impl<R: DeserializeOwned> Future for SharedFuture<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let result = match &mut this.state {
            State::Failed(error) => {
                Err(*error.take().expect("the future of a call was polled after it had given its result"))
            }
            State::Waiting(slot) => ready!(slot.poll(context)).map_err(|error| error.into_call_error(&this.function)),
        };
        let value = result.and_then(|(format, mut payload)| {
            payload::decode_result(None, &this.function, format, &mut payload, this.schema)
        });
        Poll::Ready(value)
    }
}

impl<R> Drop for SharedFuture<R> {
    fn drop(&mut self) {
        if let State::Waiting(slot) = &self.state
            && let Some(call) = slot.abandon()
        {
            self.address.send(Job::Cancel(call, Arc::clone(slot)));
        }
    }
}

impl<R> std::fmt::Debug for SharedFuture<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedFuture").field("function", &self.function).finish_non_exhaustive()
    }
}

/// Blocks this thread until the future is ready.
fn wait_for<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
