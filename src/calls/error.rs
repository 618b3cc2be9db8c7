//! Errors of calls, grouped by cause.

use super::thrown::Thrown;
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::{CloseReason, Closed, ClosedBy, ErrorCode, Format, Outcome, Payload, SendError, Session};
use std::fmt;

/// Error of a call: the name of the function, and the cause.
///
/// ```
/// use coincide::{CallError, CallErrorKind, Main};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     match scope.sync().call::<()>("nope", ()) {
///         Err(CallError { kind: CallErrorKind::UnknownFunction(_), function }) => assert_eq!(function, "nope"),
///         other => panic!("{other:?}"),
///     }
///     Ok(())
/// })?;
/// main.block_on(worker.ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CallError {
    /// The function that was called, or was to be called.
    pub function: String,
    /// The cause.
    pub kind: CallErrorKind,
}

/// Cause of a [`CallError`].
///
/// Variants are grouped by cause: the remote function, the caller, a timeout or cancellation, the link, the protocol. Messages are those of the other end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The function ran and threw.
    Threw(Box<Thrown>),
    /// The function panicked, or the runtime that ran it failed.
    Panicked(String),
    /// The function returned or threw a value that cannot be sent, or that exceeds the limit of this end. The fault is the function's.
    BadResult(String),
    /// The other end has no function of that name. The text lists the functions that it has.
    UnknownFunction(String),
    /// The arguments do not match the parameters of the function. The text says what the other end expected and what it received.
    BadArguments(String),
    /// Both ends declare the function, with different types.
    SchemaMismatch(String),
    /// The arguments can't be sent: where in them, and why. Nothing was sent.
    Arguments(EncodeError),
    /// The function returned another type than the caller expects: where in the result, and why.
    Result(DecodeError),
    /// The call exceeds a limit of the other end. Nothing was sent. The limits are known when the link is open, so an earlier call may fail
    /// later.
    NotSent(SendError),
    /// Refused, because the queue is full. The number is its limit: calls that wait for a worker of a [`Pool`](crate::Pool), or notifications and
    /// registrations of other threads (see [`SharedProxy`](crate::SharedProxy)). Nothing was sent.
    Busy(usize),
    /// This end can't block, so it can't wait for the result. Nothing was sent.
    CannotBlock,
    /// The function or stream belongs to this end: it was made from a [`Callback`](crate::Callback) or a [`Source`](crate::Source), for the other end
    /// to use. Nothing was sent.
    Local,
    /// On the tier `suspending`, the code that made the call can't be suspended. The event loop has entered it directly, or a JavaScript
    /// function has called it. Nothing was sent. The text names the cause and the remedy.
    CannotSuspend(String),
    /// The call was refused because calls are nested too deep. The text is the chain of calls.
    TooDeep(String),
    /// A cycle of calls: the worker can run the function only after the call in which it is blocked. The function of that call is assumed to
    /// wait for this one (see [`Config::deadlock_timeout`](crate::Config::deadlock_timeout)). The text is the cycle.
    Deadlock(String),
    /// One of the ends has no memory to write, keep or read the arguments or the result, or its memory budget is used up. The text names the end
    /// and the remedy. Later calls, or smaller ones, may succeed.
    OutOfMemory(String),
    /// The timeout expired before the call ended.
    TimedOut,
    /// The call was cancelled, or main has cancelled the call whose function made it.
    Cancelled,
    /// Main interrupted the worker.
    Interrupted,
    /// The link is closed: which end closed it, and why.
    Closed(Closed),
    /// The other end refused the call for a reason that is unknown to this version.
    Refused {
        /// The reason.
        code: ErrorCode,
        /// The message of the other end.
        message: String,
    },
}

impl CallError {
    pub(crate) fn new(function: &str, kind: CallErrorKind) -> Self {
        Self { function: function.into(), kind }
    }

    /// The error that the remote function threw; `None` for other kinds.
    pub fn thrown(&self) -> Option<&Thrown> {
        match &self.kind {
            CallErrorKind::Threw(thrown) => Some(thrown),
            _ => None,
        }
    }

    /// Returns what the remote function threw unchanged, and any other error as `?` converts it.
    ///
    /// For a function that propagates the error of a call of its own: its caller then receives the class of the original error.
    ///
    /// ```
    /// # use coincide::{CallError, Main, Thrown};
    /// # let main = Main::new()?;
    /// let worker = main.spawn(|scope| {
    ///     let sync = scope.sync();
    ///     scope.export("relay", move || sync.call::<i32>("fail", ()).map_err(CallError::into_thrown));
    ///     Ok(())
    /// })?;
    /// worker.register("fail", || Err::<i32, _>(Thrown::new("RangeError", "too far")));
    /// let error = main.block_on(worker.proxy().call::<i32>("relay", ())).unwrap_err();
    /// assert_eq!(error.to_string(), "`relay` threw RangeError: too far");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_thrown(self) -> Thrown {
        match self.kind {
            CallErrorKind::Threw(thrown) => *thrown,
            kind => Self { kind, ..self }.into(),
        }
    }

    /// Returns the error with another name of the function, for a function that calls another one on behalf of its own caller.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.function);
        self
    }

    /// The arguments of a call can't be written.
    pub(crate) fn arguments(function: &str, source: EncodeError) -> Self {
        let kind = if source.is_out_of_memory() {
            CallErrorKind::OutOfMemory(format!("its arguments cannot be written: {source}"))
        } else {
            CallErrorKind::Arguments(source)
        };
        Self::new(function, kind)
    }

    /// The result of a call can't be read.
    pub(crate) fn result(function: &str, source: DecodeError) -> Self {
        let kind = if source.is_out_of_memory() {
            CallErrorKind::OutOfMemory(format!("its result cannot be read: {source}"))
        } else {
            CallErrorKind::Result(source)
        };
        Self::new(function, kind)
    }

    pub(crate) fn not_sent(function: &str, source: SendError, session: &Session) -> Self {
        let kind = match session.closed() {
            Some(closed) => CallErrorKind::Closed(closed.clone()),
            None => CallErrorKind::NotSent(source),
        };
        Self::new(function, kind)
    }
}

impl CallErrorKind {
    /// The error of a call that ended without a result, and not by throwing a value.
    pub(crate) fn from_outcome(outcome: &Outcome, session: &Session) -> Self {
        match outcome {
            Outcome::Threw { code, format, payload } => {
                Self::from_code(*code, Thrown::from_text(*format, &payload.head))
            }
            Outcome::NotSent(source) => Self::NotSent(source.clone()),
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Interrupted => Self::Interrupted,
            Outcome::Closed | Outcome::Returned { .. } => Self::Closed(closed(session)),
        }
    }

    fn from_code(code: ErrorCode, thrown: Thrown) -> Self {
        if code == ErrorCode::THROWN {
            return Self::Threw(Box::new(thrown));
        }
        let message = thrown.message;
        match code {
            ErrorCode::UNKNOWN_FUNCTION => Self::UnknownFunction(message),
            ErrorCode::BAD_ARGUMENTS => Self::BadArguments(message),
            ErrorCode::SCHEMA_MISMATCH => Self::SchemaMismatch(message),
            ErrorCode::BAD_RESULT | ErrorCode::TOO_LARGE => Self::BadResult(message),
            ErrorCode::TOO_DEEP => Self::TooDeep(message),
            ErrorCode::DEADLOCK => Self::Deadlock(message),
            ErrorCode::OUT_OF_MEMORY => Self::OutOfMemory(message),
            ErrorCode::CANCELLED => Self::Cancelled,
            ErrorCode::INTERRUPTED => Self::Interrupted,
            ErrorCode::PANICKED => Self::Panicked(message),
            _ => Self::Refused { code, message },
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CallErrorKind as Kind;

        let function = &self.function;
        match &self.kind {
            Kind::Threw(thrown) => write!(f, "`{function}` threw {thrown}"),
            Kind::Panicked(message) => write!(f, "`{function}` failed: {message}"),
            Kind::BadResult(message) => write!(f, "the result of `{function}` cannot be sent: {message}"),
            Kind::UnknownFunction(message) => write!(f, "`{function}` is unknown to the other end: {message}"),
            Kind::BadArguments(message) => write!(f, "`{function}` does not take these arguments: {message}"),
            Kind::SchemaMismatch(message) => {
                write!(f, "`{function}` is declared with different types by the two ends: {message}")
            }
            Kind::Arguments(source) => write!(f, "the arguments of `{function}` cannot be sent: {source}"),
            Kind::Result(source) => write!(f, "the result of `{function}` is of another type than expected: {source}"),
            Kind::NotSent(source) => write!(f, "`{function}` was not called: {source}"),
            Kind::Busy(queued) => write!(
                f,
                "`{function}` was not called: {queued} others are queued already, which is the limit; await a call before \
                 sending more"
            ),
            Kind::CannotBlock => write!(
                f,
                "`{function}` was not called: this end cannot block, because frames reach it only in its event loop; \
                 await the call instead"
            ),
            Kind::Local => write!(
                f,
                "`{function}` was not called: it belongs to this end; pass it to the other end, which can use it"
            ),
            Kind::CannotSuspend(why) => write!(f, "`{function}` was not called: {why}"),
            Kind::TooDeep(message) => write!(f, "`{function}` was not run: {message}"),
            Kind::Deadlock(message) => write!(f, "`{function}` would wait for itself: {message}"),
            Kind::OutOfMemory(message) => write!(f, "`{function}` gave no result for lack of memory: {message}"),
            Kind::TimedOut => write!(f, "`{function}` did not return in time"),
            Kind::Cancelled => write!(f, "the call of `{function}` was cancelled"),
            Kind::Interrupted => write!(f, "the call of `{function}` was interrupted"),
            Kind::Closed(closed) => write!(f, "`{function}` cannot answer: {closed}"),
            Kind::Refused { code, message } => write!(
                f,
                "the other end refused `{function}` for a reason that this version does not know, {code:?}: {message}"
            ),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            CallErrorKind::Arguments(source) => Some(source),
            CallErrorKind::Result(source) => Some(source),
            CallErrorKind::NotSent(source) => Some(source),
            _ => None,
        }
    }
}

/// Error of a raw call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RawError {
    /// The function threw: the bytes of a value.
    #[error("{}", Thrown::from_payload(.0))]
    Threw(Vec<u8>),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] CallError),
}

/// A result and its format, or the reason for its absence.
pub(crate) type CallResult = Result<(Format, Payload), RawError>;

impl RawError {
    pub(crate) fn from_outcome(function: &str, outcome: Outcome, session: &Session) -> Self {
        match outcome {
            Outcome::Threw { code: ErrorCode::THROWN, format: Format::Value, mut payload } => match payload.join() {
                Ok(()) => Self::Threw(payload.head),
                Err(_) => Self::Failed(CallError::result(function, DecodeError::out_of_memory())),
            },
            outcome => Self::Failed(CallError::new(function, CallErrorKind::from_outcome(&outcome, session))),
        }
    }

    pub(crate) fn into_call_error(self, function: &str) -> CallError {
        match self {
            Self::Threw(payload) => {
                CallError::new(function, CallErrorKind::Threw(Box::new(Thrown::from_payload(&payload))))
            }
            Self::Failed(error) => error.named(function),
        }
    }
}

/// Reason for which a link is closed. Before it is closed: that the other end has left.
pub(crate) fn closed(session: &Session) -> Closed {
    session.closed().cloned().unwrap_or(Closed { by: ClosedBy::Gone, reason: CloseReason::FAILED, text: String::new() })
}

/// Error of a wait for a worker, such as [`Worker::ready`](crate::Worker::ready), whose link was closed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct LinkClosed(pub Closed);

/// Reason for a worker to stop its computation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// Main has interrupted the worker.
    #[error("main has interrupted the worker")]
    Interrupted,
    /// Main has cancelled the call that the worker is running, or its timeout is over.
    #[error("main has cancelled the call that is running")]
    Cancelled,
    /// The link is closed, so the result is no longer awaited.
    #[error("{0}")]
    Closed(Closed),
    /// The worker cannot wait for main here, so it cannot sleep.
    #[error("this worker cannot block: frames reach it only in its event loop")]
    CannotBlock,
    /// On the tier `suspending`, the code that sleeps can't be suspended; see [`CallErrorKind::CannotSuspend`].
    #[error("{0}")]
    CannotSuspend(String),
}

/// Error of starting a worker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Another worker has that name.
    #[error("a worker named `{0}` is running already: terminate it first, or choose another name")]
    NameTaken(String),
    /// No tier, or not the requested one, lets a worker call main synchronously on this page. The text names what is missing.
    #[error("workers cannot call main synchronously here: {0}")]
    NoTier(String),
    /// The system refused a thread, a process or shared memory; the browser refused a Web Worker.
    #[error("the worker could not be started: {0}")]
    System(#[from] std::io::Error),
}
