//! Actions of an engine, and the identifiers that it shares with its host.

use crate::{CallId, Closed, Format, Outcome, Payload};
use alloc::{string::String, vec::Vec};

/// An action for the host. Actions must be performed in the order in which they are returned.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Run a function of the program.
    ///
    /// The host answers with [`reply`](super::Engine::reply), [`throw`](super::Engine::throw) or
    /// [`throw_text`](super::Engine::throw_text) before it polls again from outside of the function. If the result comes later, it
    /// calls [`started`](super::Engine::started) instead, and answers then. If posted objects have not arrived, it calls
    /// [`not_now`](super::Engine::not_now), and the same run is returned again. The same applies to a notification, whose answer
    /// is discarded.
    Run {
        /// Identifies the run in the answer.
        call: Ticket,
        /// Index that [`register`](super::Engine::register) returned.
        function: FunctionId,
        /// Format of `payload`.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// Resolve the call: it has ended. Each call that was made here is settled exactly once.
    Settle {
        /// Id that [`call`](super::Engine::call) returned.
        call: CallId,
        /// How the call ended.
        outcome: Outcome,
    },
    /// Stop the [started](super::Engine::started) function of this call if possible, and answer in any case, usually with
    /// [`answer_cancelled`](super::Engine::answer_cancelled).
    Abort {
        /// The call that the peer has cancelled.
        call: Ticket,
    },
    /// The worker has run its own code and offers these exports. Main only.
    Ready(Vec<String>),
    /// The peer has released these references, each once per occurrence.
    Released(Vec<u64>),
    /// Release the objects of the peer in this payload, which is in the value format and is not read. It is the answer to a call that had ended,
    /// or the arguments of a call or notification that does not run.
    Unread(Payload),
    /// Take back the objects of this end in this payload, which is in the value format and does not reach the peer.
    Unsent(Payload),
    /// The link is closed. This is the last action: every call has been settled before, and
    /// functions that were started for calls of the peer can be dropped.
    Closed(Closed),
}

/// Identifies one run of a function, for a call or a notification, from [`Action::Run`] until its answer.
///
/// A ticket is never reused: a late answer is dropped, even if the peer has reused the id of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) call: Option<CallId>,
    pub(super) serial: u32,
}

impl Ticket {
    /// The call that the function runs for; `None` for a notification.
    pub fn call(self) -> Option<CallId> {
        self.call
    }

    /// Number of the run, for hosts that keep tickets as numbers.
    pub fn serial(self) -> u32 {
        self.serial
    }

    /// Converts numbers back to a ticket.
    pub fn new(call: Option<CallId>, serial: u32) -> Self {
        Self { call, serial }
    }
}

/// Index of a registered function, for an array of functions in the host. Small; reused once the function is unregistered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);

/// The states in which a function may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Runs {
    /// While the worker serves, is blocked in a call, or sleeps.
    #[default]
    Anytime,
    /// As [`Anytime`](Self::Anytime); notifications also within [`poll_control`](super::Engine::poll_control), while a function computes.
    AtControlPoll,
    /// Only while the worker serves, since its result makes progress only there, like a native future.
    WhileServing,
}

/// Why the running function should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Main has interrupted the worker.
    Interrupted,
    /// The peer has cancelled the call that the function runs for, or a call on whose behalf it made that one.
    Cancelled,
    /// The link is closed.
    Closed,
}

/// The function that was running before [`enter`](super::Engine::enter).
#[derive(Debug)]
#[must_use = "give it to `leave` when the function is suspended again"]
pub struct Outer(pub(super) Option<CallId>);
