//! What can go wrong with a call, by whose fault it is.

use super::thrown::Thrown;
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::{CloseReason, Closed, ClosedBy, ErrorCode, Format, Outcome, SendError, Session};

/// Why a call gave no result.
///
/// Each variant names the function as it was called. Variants are grouped by blame: the remote function, the caller, time or
/// somebody's wish, the link, the protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The function ran and threw.
    #[error("`{function}` threw {thrown}")]
    Threw {
        /// The function that was called.
        function: String,
        /// What it threw.
        thrown: Box<Thrown>,
    },
    /// The function panicked, or the runtime that ran it failed.
    #[error("`{function}` failed: {message}")]
    Panicked {
        /// The function that was called.
        function: String,
        /// What the other end says.
        message: String,
    },
    /// What the function returned or threw can't be sent, or is larger than this end takes. The function is to blame.
    #[error("the result of `{function}` cannot be sent: {message}")]
    BadResult {
        /// The function that was called.
        function: String,
        /// What the other end says.
        message: String,
    },
    /// The other end has no function of that name.
    #[error("`{function}` is unknown to the other end: {message}")]
    UnknownFunction {
        /// The function that was called.
        function: String,
        /// What the other end says; it lists the functions that it has.
        message: String,
    },
    /// The function takes other arguments.
    #[error("`{function}` does not take these arguments: {message}")]
    BadArguments {
        /// The function that was called.
        function: String,
        /// What the other end expected and what it got.
        message: String,
    },
    /// Both ends declare the function, with different types.
    #[error("`{function}` is declared with different types by the two ends: {message}")]
    SchemaMismatch {
        /// The function that was called.
        function: String,
        /// What the other end says.
        message: String,
    },
    /// The arguments can't be sent. Nothing was.
    #[error("the arguments of `{function}` cannot be sent: {source}")]
    Arguments {
        /// The function that was to be called.
        function: String,
        /// Where in the arguments, and why.
        source: EncodeError,
    },
    /// The function returned another type than the caller expects.
    #[error("the result of `{function}` is of another type than expected: {source}")]
    Result {
        /// The function that was called.
        function: String,
        /// Where in the result, and why.
        source: DecodeError,
    },
    /// The call exceeds a limit of the other end. Nothing was sent. The limits are known when the link is open: an earlier call may fail so later.
    #[error("`{function}` was not called: {source}")]
    NotSent {
        /// The function that was to be called.
        function: String,
        /// Why.
        source: SendError,
    },
    /// This end can't block, so it can't wait for the result. Nothing was sent.
    #[error(
        "`{function}` was not called: this end cannot block, because frames reach it only in its event loop; await the call instead"
    )]
    CannotBlock {
        /// The function that was to be called.
        function: String,
    },
    /// The call was refused because calls are nested too deep.
    #[error("`{function}` was not run: {message}")]
    TooDeep {
        /// The function that was called.
        function: String,
        /// The chain of calls.
        message: String,
    },
    /// The function can end only after the call for which the worker is blocked, whose function made this call and is assumed to wait for
    /// it (see [`Limits::deadlock_timeout`](crate::Limits::deadlock_timeout)).
    #[error("`{function}` would wait for itself: {message}")]
    Deadlock {
        /// The function that was called.
        function: String,
        /// The cycle of calls.
        message: String,
    },
    /// One of the ends has no memory to write, keep or read the arguments or the result, or its memory budget is used up. Later calls, or smaller ones, may succeed.
    #[error("`{function}` gave no result for lack of memory: {message}")]
    OutOfMemory {
        /// The function that was called.
        function: String,
        /// Which end, and what to do.
        message: String,
    },
    /// The deadline passed first.
    #[error("`{function}` did not return in time")]
    TimedOut {
        /// The function that was called.
        function: String,
    },
    /// The call was cancelled, or main has cancelled the call whose function made it.
    #[error("the call of `{function}` was cancelled")]
    Cancelled {
        /// The function that was called.
        function: String,
    },
    /// Main interrupted the worker.
    #[error("the call of `{function}` was interrupted")]
    Interrupted {
        /// The function that was called.
        function: String,
    },
    /// The link is closed, so the function can't answer.
    #[error("`{function}` cannot answer: {}", describe(closed))]
    Closed {
        /// The function that was called.
        function: String,
        /// Who closed the link, and why.
        closed: Closed,
    },
    /// The other end refused the call for a reason that this version doesn't know.
    #[error("the other end refused `{function}` for a reason that this version does not know, {code:?}: {message}")]
    Refused {
        /// The function that was called.
        function: String,
        /// The reason.
        code: ErrorCode,
        /// What the other end says.
        message: String,
    },
}

impl CallError {
    /// The function that was called.
    pub fn function(&self) -> &str {
        match self {
            Self::Threw { function, .. }
            | Self::Panicked { function, .. }
            | Self::BadResult { function, .. }
            | Self::UnknownFunction { function, .. }
            | Self::BadArguments { function, .. }
            | Self::SchemaMismatch { function, .. }
            | Self::Arguments { function, .. }
            | Self::Result { function, .. }
            | Self::NotSent { function, .. }
            | Self::TooDeep { function, .. }
            | Self::Deadlock { function, .. }
            | Self::OutOfMemory { function, .. }
            | Self::CannotBlock { function }
            | Self::TimedOut { function }
            | Self::Cancelled { function }
            | Self::Interrupted { function }
            | Self::Closed { function, .. }
            | Self::Refused { function, .. } => function,
        }
    }

    /// What the remote function threw, if it did.
    pub fn thrown(&self) -> Option<&Thrown> {
        match self {
            Self::Threw { thrown, .. } => Some(thrown),
            _ => None,
        }
    }

    /// What the remote function threw, as it is; any other error as `?` makes it a thrown one. For a function that passes on why a call
    /// of its own failed, so that its caller sees the class of the first error.
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
        match self {
            Self::Threw { thrown, .. } => *thrown,
            other => other.into(),
        }
    }

    /// The same error under another name of the function: for a function that calls another one on behalf of its own caller.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        match &mut self {
            Self::Threw { function, .. }
            | Self::Panicked { function, .. }
            | Self::BadResult { function, .. }
            | Self::UnknownFunction { function, .. }
            | Self::BadArguments { function, .. }
            | Self::SchemaMismatch { function, .. }
            | Self::Arguments { function, .. }
            | Self::Result { function, .. }
            | Self::NotSent { function, .. }
            | Self::TooDeep { function, .. }
            | Self::Deadlock { function, .. }
            | Self::OutOfMemory { function, .. }
            | Self::CannotBlock { function }
            | Self::TimedOut { function }
            | Self::Cancelled { function }
            | Self::Interrupted { function }
            | Self::Closed { function, .. }
            | Self::Refused { function, .. } => name.clone_into(function),
        }
        self
    }

    /// The arguments of a call can't be written.
    pub(crate) fn arguments(function: &str, source: EncodeError) -> Self {
        let function = function.into();
        if source.is_out_of_memory() {
            return Self::OutOfMemory { function, message: format!("its arguments cannot be written: {source}") };
        }
        Self::Arguments { function, source }
    }

    /// The result of a call can't be read.
    pub(crate) fn result(function: &str, source: DecodeError) -> Self {
        let function = function.into();
        if source.is_out_of_memory() {
            return Self::OutOfMemory { function, message: format!("its result cannot be read: {source}") };
        }
        Self::Result { function, source }
    }

    pub(crate) fn not_sent(function: &str, source: SendError, session: &Session) -> Self {
        match session.closed() {
            Some(closed) => Self::Closed { function: function.into(), closed: closed.clone() },
            None => Self::NotSent { function: function.into(), source },
        }
    }

    /// The error of a call that ended without a result, and not by throwing a value.
    pub(crate) fn from_outcome(function: &str, outcome: &Outcome, session: &Session) -> Self {
        let function = function.to_owned();
        match outcome {
            Outcome::Threw { code, format, payload } => {
                let thrown = Thrown::from_text(*format, payload);
                Self::from_code(function, *code, thrown)
            }
            Outcome::NotSent(source) => Self::NotSent { function, source: source.clone() },
            Outcome::TimedOut => Self::TimedOut { function },
            Outcome::Cancelled => Self::Cancelled { function },
            Outcome::Interrupted => Self::Interrupted { function },
            Outcome::Closed | Outcome::Returned { .. } => Self::Closed { function, closed: closed(session) },
        }
    }

    fn from_code(function: String, code: ErrorCode, thrown: Thrown) -> Self {
        if code == ErrorCode::THROWN {
            return Self::Threw { function, thrown: Box::new(thrown) };
        }
        let message = thrown.message;
        match code {
            ErrorCode::UNKNOWN_FUNCTION => Self::UnknownFunction { function, message },
            ErrorCode::BAD_ARGUMENTS => Self::BadArguments { function, message },
            ErrorCode::SCHEMA_MISMATCH => Self::SchemaMismatch { function, message },
            ErrorCode::BAD_RESULT | ErrorCode::TOO_LARGE => Self::BadResult { function, message },
            ErrorCode::TOO_DEEP => Self::TooDeep { function, message },
            ErrorCode::DEADLOCK => Self::Deadlock { function, message },
            ErrorCode::OUT_OF_MEMORY => Self::OutOfMemory { function, message },
            ErrorCode::CANCELLED => Self::Cancelled { function },
            ErrorCode::INTERRUPTED => Self::Interrupted { function },
            ErrorCode::PANICKED => Self::Panicked { function, message },
            _ => Self::Refused { function, code, message },
        }
    }
}

/// Why a raw call gave no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RawError {
    /// The function threw: the bytes of a value.
    #[error("{}", Thrown::from_payload(.0))]
    Threw(Vec<u8>),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl RawError {
    pub(crate) fn from_outcome(function: &str, outcome: Outcome, session: &Session) -> Self {
        match outcome {
            Outcome::Threw { code: ErrorCode::THROWN, format: Format::Value, payload } => Self::Threw(payload),
            outcome => Self::Failed(CallError::from_outcome(function, &outcome, session)),
        }
    }

    pub(crate) fn into_call_error(self, function: &str) -> CallError {
        match self {
            Self::Threw(payload) => {
                CallError::Threw { function: function.into(), thrown: Box::new(Thrown::from_payload(&payload)) }
            }
            Self::Failed(error) => error.named(function),
        }
    }
}

/// Why a link is closed; before it is, that its other end has left.
pub(crate) fn closed(session: &Session) -> Closed {
    session.closed().cloned().unwrap_or(Closed { by: ClosedBy::Gone, reason: CloseReason::FAILED, text: String::new() })
}

/// A sentence about a closed link.
pub(crate) fn describe(closed: &Closed) -> String {
    let Closed { by, reason, text } = closed;
    let what = match (by, *reason) {
        (ClosedBy::Gone, _) if text.is_empty() => {
            return "the other end is gone without a close frame: it crashed, was killed, or cannot be reached any more"
                .into();
        }
        (ClosedBy::Gone, _) => "the other end cannot be reached any more",
        // This end says so of a worker whose failure it has heard of elsewhere.
        (ClosedBy::Here, CloseReason::FAILED) if !text.is_empty() => return text.clone(),
        (ClosedBy::Peer, CloseReason::FAILED) => "the other end has failed",
        (ClosedBy::Here, CloseReason::TERMINATED) => "this end has terminated the worker",
        (ClosedBy::Peer, CloseReason::TERMINATED) => "the other end has terminated the worker",
        (ClosedBy::Here, _) => return with_reason("this end closed the link", *reason, text),
        (ClosedBy::Peer, _) => return with_reason("the other end closed the link", *reason, text),
    };
    if text.is_empty() { what.into() } else { format!("{what}: {text}") }
}

fn with_reason(what: &str, reason: CloseReason, text: &str) -> String {
    let reason = reason.name();
    if text.is_empty() { format!("{what} ({reason})") } else { format!("{what} ({reason}): {text}") }
}

/// A link was closed while something other than a call waited for it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", describe(.0))]
pub struct LinkClosed(pub Closed);

/// Why a worker should stop what it is computing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// Main has interrupted the worker.
    #[error("main has interrupted the worker")]
    Interrupted,
    /// Main has cancelled the call that the worker is running, or its timeout is over.
    #[error("main has cancelled the call that is running")]
    Cancelled,
    /// The link is closed: nobody waits for the result any more.
    #[error("{}", describe(.0))]
    Closed(Closed),
    /// The worker can't wait for main here, and so can't be stopped either.
    #[error("this worker cannot block")]
    CannotBlock,
}

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Another worker has that name.
    #[error("a worker named `{0}` is running already: terminate it first, or choose another name")]
    NameTaken(String),
    /// The page can't share memory with workers, so that they could not block: what it lacks.
    #[error("workers cannot block here: {0}")]
    NotIsolated(String),
    /// The system refused a thread, a process or shared memory; the browser refused a Web Worker.
    #[error("the worker could not be started: {0}")]
    System(#[from] std::io::Error),
}
