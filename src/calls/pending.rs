//! Calls whose results are awaited, on either end of a link.

use super::error::{CallResult, RawError};
use super::slot::Slot;
use coincide_proto::{CallId, Outcome, Session};
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A call, between its future and its link.
#[derive(Default)]
pub(crate) struct Pending {
    result: RefCell<Option<CallResult>>,
    waker: RefCell<Option<Waker>>,
}

impl Pending {
    /// The result, if it has arrived and was not polled.
    pub(crate) fn take(&self) -> Option<CallResult> {
        self.result.take()
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<CallResult> {
        let Some(result) = self.result.take() else {
            *self.waker.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        };
        Poll::Ready(result)
    }
}

/// The awaited calls of one end.
#[derive(Default)]
pub(crate) struct PendingCalls {
    calls: RefCell<HashMap<CallId, Awaiting>>,
    /// How many of them other threads await.
    shared: Cell<usize>,
}

/// Awaits a call.
enum Awaiting {
    /// A future on this thread.
    Here(Rc<Pending>),
    /// Another thread, or a task that may move between threads.
    Shared(Arc<Slot>),
}

impl PendingCalls {
    /// Registers interest in the end of a call.
    pub(crate) fn expect(&self, id: CallId) -> Rc<Pending> {
        let pending = Rc::new(Pending::default());
        self.calls.borrow_mut().insert(id, Awaiting::Here(Rc::clone(&pending)));
        pending
    }

    /// The same on behalf of another thread.
    pub(crate) fn expect_shared(&self, id: CallId, slot: Arc<Slot>) {
        self.calls.borrow_mut().insert(id, Awaiting::Shared(slot));
        self.shared.set(self.shared.get() + 1);
    }

    /// Whether this thread awaits a call.
    pub(crate) fn is_read_here(&self, id: CallId) -> bool {
        matches!(self.calls.borrow().get(&id), Some(Awaiting::Here(_)))
    }

    /// Number of calls that other threads await.
    pub(crate) fn shared(&self) -> usize {
        self.shared.get()
    }

    /// Drops interest in a call. Returns `false` if it has ended.
    pub(crate) fn forget(&self, id: CallId) -> bool {
        self.calls.borrow_mut().remove(&id).is_some()
    }

    /// The same for a call of another thread, whose id may have been used again since.
    pub(crate) fn forget_shared(&self, id: CallId, slot: &Arc<Slot>) -> bool {
        let mut calls = self.calls.borrow_mut();
        let awaited = matches!(calls.get(&id), Some(Awaiting::Shared(known)) if Arc::ptr_eq(known, slot));
        if awaited {
            calls.remove(&id);
            self.shared.set(self.shared.get() - 1);
        }
        awaited
    }

    /// Settles a call and returns the waker to wake. Results that are no longer awaited are dropped.
    pub(crate) fn resolve(&self, id: CallId, outcome: Outcome, session: &Session) -> Option<Waker> {
        let awaiting = self.calls.borrow_mut().remove(&id)?;
        let result = match outcome {
            Outcome::Returned { format, payload } => Ok((format, payload)),
            // The future fills in the name of the function.
            outcome => Err(RawError::from_outcome("", outcome, session)),
        };
        match awaiting {
            Awaiting::Here(pending) => {
                pending.result.replace(Some(result));
                pending.waker.take()
            }
            Awaiting::Shared(slot) => {
                self.shared.set(self.shared.get() - 1);
                slot.settle(result)
            }
        }
    }
}
