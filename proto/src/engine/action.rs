//! What an engine asks of its host, and the names that both use.

use crate::{CallId, Closed, Format, Outcome, Payload};
use alloc::{string::String, vec::Vec};

/// What the host has to do, in the order in which it is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Run a function of the program.
    ///
    /// The host answers with [`reply`](super::Engine::reply), [`throw`](super::Engine::throw) or
    /// [`throw_text`](super::Engine::throw_text) before it polls again from outside of the function. If the result comes later, it
    /// says [`started`](super::Engine::started) instead, and answers then. If posted objects have not arrived, it says
    /// [`not_now`](super::Engine::not_now), and the same run comes again. The same holds for a notification, whose answer
    /// goes nowhere.
    Run {
        /// Names the run in the answer.
        call: Ticket,
        /// What [`register`](super::Engine::register) returned.
        function: FunctionId,
        /// How `payload` is to be read.
        format: Format,
        /// The arguments.
        payload: Payload,
    },
    /// Resolve the call: it has ended. Each call that was made here is settled exactly once.
    Settle {
        /// What [`call`](super::Engine::call) returned.
        call: CallId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Stop what was [started](super::Engine::started) for this call if that is possible, and answer all the same, usually with
    /// [`answer_cancelled`](super::Engine::answer_cancelled).
    Abort {
        /// The call that the peer has cancelled.
        call: Ticket,
    },
    /// The worker has run its own code and offers these exports (main only).
    Ready(Vec<String>),
    /// The peer no longer holds these references, each once for each time that it was sent.
    Released(Vec<u64>),
    /// Release the objects of the peer in this payload, which is in the value format and is not read. It is the answer to a call that had ended, or the arguments
    /// of a call or notification that does not run.
    Unread(Payload),
    /// Take back the objects of this end in this payload, which is in the value format and does not reach the peer.
    Unsent(Payload),
    /// The link is closed. This is the last action: every call has been settled before, and
    /// what was started for calls of the peer can be dropped.
    Closed(Closed),
}

/// Names one run of a function, for a call or a notification, from [`Action::Run`] until its answer.
///
/// It is not used again for another run: an answer that comes late is dropped, even if the peer uses the id of the call again.
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

    /// The ticket that had these numbers.
    pub fn new(call: Option<CallId>, serial: u32) -> Self {
        Self { call, serial }
    }
}

/// Index of a registered function: small, and free again once the function is unregistered. A host keeps its functions in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);

/// When a function may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Runs {
    /// Also while the worker is blocked in a call or asleep.
    #[default]
    Anytime,
    /// Notifications of it also while a function computes: within [`poll_control`](super::Engine::poll_control). Calls of it run as those of [`Anytime`](Self::Anytime).
    AtControlPoll,
    /// Only while the worker serves: its result makes progress only there, as that of a native future does.
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
