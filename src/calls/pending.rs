//! Calls whose results are awaited, on either end of a link.

use super::error::RawError;
use coincide_proto::{CallId, Format, Outcome, Session};
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A result and its format, or why there is none.
pub(crate) type CallResult = Result<(Format, Vec<u8>), RawError>;

/// A call, between its future and its link.
#[derive(Default)]
pub(crate) struct Pending {
    result: RefCell<Option<CallResult>>,
    waker: RefCell<Option<Waker>>,
}

impl Pending {
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
    calls: RefCell<HashMap<CallId, Rc<Pending>>>,
}

impl PendingCalls {
    /// Registers interest in the end of a call.
    pub(crate) fn expect(&self, id: CallId) -> Rc<Pending> {
        let pending = Rc::new(Pending::default());
        self.calls.borrow_mut().insert(id, Rc::clone(&pending));
        pending
    }

    /// Nobody waits any more for the end of this call. `false`: it has ended.
    pub(crate) fn forget(&self, id: CallId) -> bool {
        self.calls.borrow_mut().remove(&id).is_some()
    }

    /// Hands over the end of a call; gives whom to wake. Calls that nobody awaits any more are dropped.
    pub(crate) fn resolve(&self, id: CallId, outcome: Outcome, session: &Session) -> Option<Waker> {
        let pending = self.calls.borrow_mut().remove(&id)?;
        let result = match outcome {
            Outcome::Returned { format, payload } => Ok((format, payload)),
            // The future knows the name of the function and fills it in.
            outcome => Err(RawError::from_outcome("", outcome, session)),
        };
        pending.result.replace(Some(result));
        pending.waker.take()
    }
}
