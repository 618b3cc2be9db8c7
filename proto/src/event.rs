//! What a session tells its owner.

use crate::{CloseReason, ErrorCode, Format, Payload, SendError};
use alloc::{string::String, vec::Vec};
use core::fmt;
use core::time::Duration;

/// Which end of a link a session is.
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

/// Names a call for as long as it is unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub(crate) u32);

impl CallId {
    /// The id as it travels.
    pub fn to_wire(self) -> u32 {
        self.0
    }

    /// The call with this id, for hosts that keep ids as numbers. An id of no call is harmless: what is done to it has no effect.
    pub fn from_wire(id: u32) -> Self {
        Self(id)
    }
}

/// A point on a monotonic clock, in nanoseconds since any moment that the owner of the session chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The point `duration` later; saturates at the end of time.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `earlier` until this point; zero if it is over.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// What happened, in the order in which it happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshakes are exchanged; calls travel from now on.
    Opened,
    /// The worker has run its own code and offers these exports (main only).
    Ready(Vec<String>),
    /// The peer calls a function and waits for [`Session::reply`](crate::Session::reply) or [`Session::throw`](crate::Session::throw).
    /// Its name is [`Session::function`](crate::Session::function).
    Call {
        /// Names the call in the answer.
        id: CallId,
        /// How `payload` is to be read.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// The peer calls a function and wants no answer.
    Notify {
        /// Name of the function.
        name: String,
        /// How `payload` is to be read.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// A call made here has ended.
    Ended {
        /// What [`Session::call`](crate::Session::call) had returned.
        id: CallId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The peer no longer wants the answer to this call. Stop the function if that is possible, and answer all the same.
    Cancelled(CallId),
    /// This call of the peer was deferred until now (see [`Session::defer`](crate::Session::defer)), and the call whose handler made it has not
    /// ended: each is assumed to wait for the other. Answer it with an error, usually of code [`DEADLOCK`](ErrorCode::DEADLOCK).
    Deadlock(CallId),
    /// Main asks the worker to abandon what it is doing (worker only).
    Interrupted,
    /// The peer no longer holds these references.
    Released(Vec<u64>),
    /// A payload in the value format that has arrived and is not read: the answer to a call that has ended, or arguments that were refused. It may contain
    /// objects of the peer that have to be released.
    Unread(Payload),
    /// A payload in the value format of this end that the peer does not receive completely, after it was accepted. Objects in it were not sent.
    Unsent(Payload),
    /// The link is closed; this is the last event. All calls have ended before it.
    Closed(Closed),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function returned.
    Returned {
        /// How `payload` is to be read.
        format: Format,
        /// The result.
        payload: Payload,
    },
    /// The function threw or could not run.
    Threw {
        /// Which of the two, and why.
        code: ErrorCode,
        /// How `payload` is to be read.
        format: Format,
        /// The error.
        payload: Payload,
    },
    /// It was queued before the peer's limits were known, and exceeds one of them. Nothing was sent.
    NotSent(SendError),
    /// The deadline passed first.
    TimedOut,
    /// [`Session::cancel`](crate::Session::cancel) was first.
    Cancelled,
    /// An interrupt was first.
    Interrupted,
    /// The link was closed first; [`Session::closed`](crate::Session::closed) says why.
    Closed,
}

/// Why and by whom a link was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Who closed it.
    pub by: ClosedBy,
    /// Why.
    pub reason: CloseReason,
    /// What the closing end says about it; may be empty.
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
            // This end reports the failure of a worker, which it knows from elsewhere.
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

/// Who closed a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This end.
    Here,
    /// The peer, by a `close` frame.
    Peer,
    /// Nobody: the peer is gone without a word.
    Gone,
}
