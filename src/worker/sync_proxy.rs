//! The sync proxy: blocking calls of main.

use super::cancel::CancelToken;
use super::endpoint::WorkerEndpoint;
use crate::calls::error::{CallError, RawError};
use crate::calls::interface::Caller;
use crate::calls::payload::{self, Args, Schema};
use coincide_codec::EncodeError;
use coincide_proto::{Format, Payload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

/// Calls functions of main. Each call blocks the worker until main has answered, even when main's function is asynchronous.
///
/// While it waits, the worker runs those of its exports that main calls.
///
/// ```
/// use coincide::{CallErrorKind, Main, Thrown};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     let sync = scope.sync();
///     let sum: i64 = sync.call("add", (1, 2))?;
///     assert_eq!(sum, 3);
///     // What main's function throws is an error of this call.
///     let error = sync.call::<i64>("add", (i64::MAX, 1)).unwrap_err();
///     assert!(matches!(error.kind, CallErrorKind::Threw(_)));
///     assert_eq!(error.to_string(), "`add` threw RangeError: the sum is too large");
///     Ok::<(), Thrown>(())
/// })?;
/// worker.register("add", |a: i64, b: i64| a.checked_add(b).ok_or_else(|| Thrown::new("RangeError", "the sum is too large")));
/// main.block_on(worker.ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SyncProxy {
    endpoint: Rc<WorkerEndpoint>,
    timeout: Option<Duration>,
    cancel: Option<CancelToken>,
}

impl SyncProxy {
    pub(crate) fn new(endpoint: &Rc<WorkerEndpoint>) -> Self {
        Self { endpoint: Rc::clone(endpoint), timeout: None, cancel: None }
    }

    /// The same proxy, whose calls end with [`CallErrorKind::TimedOut`](crate::CallErrorKind::TimedOut) after `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    /// The same proxy, whose calls end with [`CallErrorKind::Cancelled`](crate::CallErrorKind::Cancelled) once `token` is cancelled.
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Self {
        Self { cancel: Some(token.clone()), ..self.clone() }
    }

    /// Calls a function of main and waits for its result; `args` is a tuple.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call<R: DeserializeOwned>(&self, function: &str, args: impl Args) -> Result<R, CallError> {
        let host = &self.endpoint.host;
        self.run(function, None, move |payload| payload::encode_args(Some(host), &args, None, payload))
    }

    /// Calls a function that takes and returns raw bytes (see [`Worker::register_bytes`](crate::Worker::register_bytes)). The result replaces the
    /// argument in `bytes`; large results are moved, not copied.
    ///
    /// # Errors
    /// See [`CallError`]; `bytes` is then empty.
    pub fn call_bytes(&self, function: &str, bytes: &mut Vec<u8>) -> Result<(), CallError> {
        let argument = mem::take(bytes);
        let result = self.endpoint.call(function, self.timeout, self.cancel.as_ref(), |payload| {
            // The caller's buffer is exchanged for the spare one of the link.
            *bytes = mem::replace(&mut payload.head, argument);
            Ok(Format::Bytes)
        });
        let result = result.map_err(|error| error.into_call_error(function))?;
        let spare = mem::replace(bytes, payload::bytes(&self.endpoint.host, function, result)?);
        self.endpoint.host.recycle(spare);
        Ok(())
    }

    /// Calls a function of main with arguments that `encode` appends to a buffer, and returns the result as bytes (see
    /// [`raw`](crate::raw)).
    ///
    /// # Errors
    /// Why there is no result.
    pub fn call_raw(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Vec<u8>) -> Format,
    ) -> Result<(Format, Vec<u8>), RawError> {
        let call =
            self.endpoint.call(function, self.timeout, self.cancel.as_ref(), |payload| Ok(encode(&mut payload.head)));
        let (format, payload) = call?;
        Ok((format, payload::whole(&self.endpoint.host, function, payload)?))
    }

    /// Returns the buffer of a raw result to the link, so that the next call allocates nothing.
    pub fn recycle(&self, buffer: Vec<u8>) {
        self.endpoint.host.recycle(buffer);
    }

    /// Calls a function of main without waiting for an answer, with arguments that are already bytes (see [`raw`](crate::raw)).
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn notify_raw(&self, function: &str, format: Format, arguments: Vec<u8>) -> Result<(), CallError> {
        let mut exchanged = arguments;
        let sent = self.endpoint.notify(function, |payload| {
            mem::swap(&mut payload.head, &mut exchanged);
            Ok(format)
        });
        self.endpoint.host.recycle(exchanged);
        sent
    }

    /// Calls a function of main without waiting for an answer. Errors of the function are not reported.
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn notify(&self, function: &str, args: impl Args) -> Result<(), CallError> {
        let host = &self.endpoint.host;
        self.endpoint.notify(function, |payload| payload::encode_args(Some(host), &args, None, payload))
    }

    fn run<R: DeserializeOwned>(
        &self,
        function: &str,
        schema: Option<Schema>,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> Result<R, CallError> {
        let result = self.endpoint.call(function, self.timeout, self.cancel.as_ref(), encode);
        let (format, mut payload) = result.map_err(|error| error.into_call_error(function))?;
        let result = payload::decode_result(Some(&self.endpoint.host), function, format, &mut payload, schema);
        self.endpoint.host.recycle(payload);
        result
    }
}

impl Caller for SyncProxy {
    type Output<R: DeserializeOwned> = Result<R, CallError>;

    fn call_typed<A: Serialize, R: DeserializeOwned>(
        &self,
        function: &str,
        schema: Schema,
        args: A,
    ) -> Result<R, CallError> {
        let host = &self.endpoint.host;
        self.run(function, Some(schema), move |payload| payload::encode_args(Some(host), &args, Some(schema), payload))
    }
}

impl std::fmt::Debug for SyncProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncProxy")
            .field("timeout", &self.timeout)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
