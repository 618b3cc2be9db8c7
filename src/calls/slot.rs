//! A call that another thread awaits.

use super::error::{CallError, CallErrorKind, CallResult};
use coincide_proto::{CallId, Closed, Format, Payload, Time};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A call between the thread that awaits it and main.
///
/// ```text
/// Queued -- take --> Taken -- sent --> Sent -- settle --> Settled -- poll --> Over
///    any of them -- abandon --> Over
/// ```
pub(crate) struct Slot {
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    /// Main has not taken it.
    Queued(Outgoing),
    /// Main is about to send it.
    Taken,
    /// Main has sent it.
    Sent(CallId),
    Settled(CallResult),
    /// The result was returned, or is no longer awaited.
    Over,
}

/// A call to be sent.
pub(crate) struct Outgoing {
    pub(crate) function: String,
    pub(crate) format: Format,
    pub(crate) payload: Payload,
    pub(crate) deadline: Option<Time>,
}

impl Slot {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { state: Mutex::new(State { stage: Stage::Queued(outgoing), waker: None }) }
    }

    /// Deadline of the call while it is queued.
    pub(crate) fn deadline(&self) -> Option<Time> {
        match &self.state().stage {
            Stage::Queued(outgoing) => outgoing.deadline,
            _ => None,
        }
    }

    /// Returns the call for main to send; `None` if its result is no longer awaited.
    pub(crate) fn take(&self) -> Option<Outgoing> {
        let mut state = self.state();
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Queued(outgoing) => Some(outgoing),
            stage => {
                state.stage = stage;
                None
            }
        }
    }

    /// Records that main has sent the call. Returns `false` if its result is no longer awaited.
    pub(crate) fn sent(&self, call: CallId) -> bool {
        let mut state = self.state();
        let wanted = matches!(state.stage, Stage::Taken);
        if wanted {
            state.stage = Stage::Sent(call);
        }
        wanted
    }

    /// Settles the call. Returns the waker to wake.
    pub(crate) fn settle(&self, result: CallResult) -> Option<Waker> {
        let mut state = self.state();
        if matches!(state.stage, Stage::Over) {
            return None;
        }
        state.stage = Stage::Settled(result);
        state.waker.take()
    }

    /// Ends the call before it was sent, because of a closed link.
    pub(crate) fn refuse(&self, closed: &Closed) {
        let error = CallError::new("", CallErrorKind::Closed(closed.clone()));
        if let Some(waker) = self.settle(Err(error.into())) {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<CallResult> {
        let mut state = self.state();
        match std::mem::replace(&mut state.stage, Stage::Over) {
            Stage::Settled(result) => Poll::Ready(result),
            Stage::Over => panic!("the future of a call was polled after it had given its result"),
            stage => {
                state.stage = stage;
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Drops interest in the result. Returns the call for main to cancel, if it was sent.
    pub(crate) fn abandon(&self) -> Option<CallId> {
        let mut state = self.state();
        let waker = state.waker.take();
        let before = std::mem::replace(&mut state.stage, Stage::Over);
        // Wakers and payloads may run code of the program when they are dropped.
        drop(state);
        drop(waker);
        match before {
            Stage::Sent(call) => Some(call),
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
