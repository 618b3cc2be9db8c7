//! Events of a session.

use crate::{CloseReason, ErrorCode, Format, Payload, SendError};
use alloc::{string::String, vec::Vec};
use core::fmt;
use core::time::Duration;

/// The end of a link that a session represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The endpoint that must never block.
    Main,
    /// The endpoint that may block.
    Worker,
}

impl Role {
    /// The lowest bit of the ids of this role's calls.
    pub(crate) fn parity(self) -> u32 {
        match self {
            Self::Main => 0,
            Self::Worker => 1,
        }
    }

    /// `main` or `worker`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Worker => "worker",
        }
    }

    /// The other end.
    pub fn peer(self) -> Self {
        match self {
            Self::Main => Self::Worker,
            Self::Worker => Self::Main,
        }
    }
}

/// Id of a call, valid while the call is unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub(crate) u32);

impl CallId {
    /// The id as it is sent.
    pub fn to_wire(self) -> u32 {
        self.0
    }

    /// Converts a number back, for hosts that keep ids as numbers. Operations on the id of no call are no-ops.
    pub fn from_wire(id: u32) -> Self {
        Self(id)
    }
}

/// A point in time on a monotonic clock, in nanoseconds since an origin that the owner of the session chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The point `duration` later. Saturates.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Duration from `earlier` until this point. Zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// An event of a session. Events are returned in the order in which they happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake is complete. Calls are sent from now on.
    Opened,
    /// The worker has run its own code and offers these exports. Main only.
    Ready(Vec<String>),
    /// The peer calls a function and waits for [`Session::reply`](crate::Session::reply) or [`Session::throw`](crate::Session::throw).
    /// Its name is [`Session::function`](crate::Session::function).
    Call {
        /// Names the call in the answer.
        id: CallId,
        /// Format of `payload`.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// The peer calls a function without an answer.
    Notify {
        /// Name of the function.
        name: String,
        /// Format of `payload`.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// A call made here has ended.
    Ended {
        /// Id that [`Session::call`](crate::Session::call) returned.
        id: CallId,
        /// How the call ended.
        outcome: Outcome,
    },
    /// The peer has cancelled this call. Stop the function if possible, and answer the call in any case.
    Cancelled(CallId),
    /// This call of the peer was deferred until now (see [`Session::defer`](crate::Session::defer)), and the call whose handler made it has not
    /// ended. Each is assumed to wait for the other. Answer it with an error, usually of code [`DEADLOCK`](ErrorCode::DEADLOCK).
    Deadlock(CallId),
    /// Main requests that the worker abandon its current work. Worker only.
    Interrupted,
    /// The peer no longer holds these references.
    Released(Vec<u64>),
    /// A payload in the value format that has arrived and is not read. It may contain objects of the peer, which must be released. It is the
    /// answer to a call that has ended, or arguments that were refused.
    Unread(Payload),
    /// A payload of this end in the value format that was accepted and does not reach the peer completely. Objects in it were not sent.
    Unsent(Payload),
    /// The link is closed. The last event, after the ends of all calls.
    Closed(Closed),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function returned.
    Returned {
        /// Format of `payload`.
        format: Format,
        /// The result.
        payload: Payload,
    },
    /// The function threw or could not run.
    Threw {
        /// Which of the two, and the reason.
        code: ErrorCode,
        /// Format of `payload`.
        format: Format,
        /// The error.
        payload: Payload,
    },
    /// The call was queued before the peer's limits were known, and exceeds one of them. Nothing was sent.
    NotSent(SendError),
    /// The deadline passed before an answer arrived.
    TimedOut,
    /// [`Session::cancel`](crate::Session::cancel) was called before an answer arrived.
    Cancelled,
    /// The call was interrupted before an answer arrived.
    Interrupted,
    /// The link was closed before an answer arrived. [`Session::closed`](crate::Session::closed) is the reason.
    Closed,
}

/// By which end a link was closed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The end that closed it.
    pub by: ClosedBy,
    /// The reason.
    pub reason: CloseReason,
    /// Explanatory text of the closing end. May be empty.
    pub text: String,
}

/// A sentence about the closed link.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, reason, text } = self;
        let (what, named) = match (by, *reason) {
            (ClosedBy::Gone, _) if text.is_empty() => (
                "the other end is gone without a close frame: it crashed, was killed, or cannot be reached any more",
                None,
            ),
            (ClosedBy::Gone, _) => ("the other end cannot be reached any more", None),
            // This end reports the failure of a worker that it detected by other means.
            (ClosedBy::Here, CloseReason::FAILED) if !text.is_empty() => return f.write_str(text),
            (ClosedBy::Peer, CloseReason::FAILED) => ("the other end has failed", None),
            (ClosedBy::Here, CloseReason::TERMINATED) => ("this end has terminated the worker", None),
            (ClosedBy::Peer, CloseReason::TERMINATED) => ("the other end has terminated the worker", None),
            (ClosedBy::Here, _) => ("this end closed the link", Some(reason.name())),
            (ClosedBy::Peer, _) => ("the other end closed the link", Some(reason.name())),
        };
        f.write_str(what)?;
        if let Some(name) = named {
            f.write_str(" (")?;
            f.write_str(name)?;
            f.write_str(")")?;
        }
        if text.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
        f.write_str(text)
    }
}

/// The end that closed a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This end.
    Here,
    /// The peer, by a `close` frame.
    Peer,
    /// Neither: the peer is gone without a `close` frame.
    Gone,
}
