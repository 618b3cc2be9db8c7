//! Fibers: code that is suspended while the endpoint serves.
//!
//! Without the feature `fibers` the list of fibers is an array of length 0, and the rules for fibers compile to nothing.

#[cfg(feature = "fibers")]
use super::Engine;
use super::stack::Stack;
use crate::{CallId, Outcome, Session};
#[cfg(feature = "fibers")]
use alloc::vec::Vec;

#[cfg(feature = "fibers")]
type List<T> = Vec<T>;
#[cfg(not(feature = "fibers"))]
type List<T> = [T; 0];

/// Fibers, in the order in which they were suspended.
#[derive(Debug, Default)]
pub(super) struct Fibers {
    fibers: List<Fiber>,
    /// Number of the last fiber.
    #[cfg(feature = "fibers")]
    last: u32,
    /// The call whose function was cancelled while suspended, and has been resumed without receiving the cancellation.
    cancelled: Option<CallId>,
}

/// Suspended code with its own stack.
#[derive(Debug)]
#[cfg_attr(not(feature = "fibers"), expect(dead_code, reason = "none is created"))]
struct Fiber {
    id: u32,
    stack: Stack,
    /// The peer's call whose function is suspended.
    current: Option<CallId>,
    /// Whether main has interrupted it while it slept, or after its call had ended.
    interrupted: bool,
    /// Whether main has cancelled the call of `current`, or an outer one, while it slept or after its call had ended.
    cancelled: bool,
}

impl Fibers {
    /// Number of frames of all fibers.
    pub(super) fn len(&self) -> usize {
        self.fibers.iter().map(|fiber| fiber.stack.len()).sum()
    }

    /// As [`Stack::wait_at`], over the frames of all fibers.
    pub(super) fn wait_at(&self, mut index: usize) -> Option<(CallId, Option<CallId>)> {
        for Fiber { stack, .. } in &self.fibers {
            if index < stack.len() {
                return stack.wait_at(index);
            }
            index -= stack.len();
        }
        None
    }

    /// The peer's call whose function is suspended in this call.
    pub(super) fn caller_of(&self, call: CallId) -> Option<CallId> {
        self.fibers.iter().find_map(|fiber| fiber.stack.caller_of(call))
    }

    /// Ends a call. Returns the outcome if its fiber can receive it now, or if no fiber is suspended in the call.
    pub(super) fn end(&mut self, call: CallId, mut outcome: Outcome) -> Option<Outcome> {
        for Fiber { stack, .. } in &mut self.fibers {
            if stack.innermost_wait() == Some(call) {
                stack.pop();
                break;
            }
            match stack.keep(call, outcome) {
                Ok(()) => return None,
                Err(returned) => outcome = returned,
            }
        }
        Some(outcome)
    }

    /// The peer's call whose function is fiber number `index`, unless the fiber is suspended in a call, whose outcome reports the cancellation.
    pub(super) fn outside_of_calls(&self, index: usize) -> Option<Option<CallId>> {
        let fiber = self.fibers.get(index)?;
        Some(fiber.current.filter(|_| fiber.stack.innermost_wait().is_none()))
    }

    /// Marks the function of fiber number `index` as cancelled.
    pub(super) fn cancel(&mut self, index: usize) {
        if let Some(fiber) = self.fibers.get_mut(index) {
            fiber.cancelled = true;
        }
    }

    /// Whether the function of this call was cancelled while it was suspended. Returns `true` once.
    pub(super) fn take_cancelled(&mut self, current: Option<CallId>) -> bool {
        let cancelled = self.cancelled.is_some() && self.cancelled == current;
        if cancelled {
            self.cancelled = None;
        }
        cancelled
    }

    /// Interrupts the newest fiber, as no code runs.
    pub(super) fn interrupt(&mut self, session: &mut Session) {
        let Some(fiber) = self.fibers.last_mut() else {
            return;
        };
        match fiber.stack.innermost_wait() {
            Some(call) if session.is_pending(call) => session.interrupt_call(call),
            _ => fiber.interrupted = true,
        }
    }
}

/// Identifies suspended code, from [`Engine::suspend`] to [`Engine::resume_fiber`].
#[cfg(feature = "fibers")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FiberId(u32);

#[cfg(feature = "fibers")]
impl FiberId {
    /// Number of the fiber, unique among 2^32 consecutive suspensions of the engine.
    pub fn number(self) -> u32 {
        self.0
    }
}

#[cfg(feature = "fibers")]
impl Engine {
    /// Suspends the running code until [`resume_fiber`](Self::resume_fiber), with its outer functions and the call or the sleep that it has begun.
    ///
    /// Until then the endpoint serves, and no call is blocked. A call that ends returns its [`Settle`](super::Action::Settle) at once, independent of later
    /// suspensions.
    pub fn suspend(&mut self) -> FiberId {
        let fibers = &mut self.fibers;
        fibers.last = fibers.last.wrapping_add(1);
        let id = fibers.last;
        let (stack, current) = (core::mem::take(&mut self.stack), self.current.take());
        fibers.fibers.push(Fiber { id, stack, current, interrupted: false, cancelled: false });
        FiberId(id)
    }

    /// Resumes suspended code. No other code may run at that time.
    pub fn resume_fiber(&mut self, fiber: FiberId) {
        let fibers = &mut self.fibers;
        if let Some(index) = fibers.fibers.iter().position(|other| other.id == fiber.0) {
            let Fiber { stack, current, interrupted, cancelled, .. } = fibers.fibers.remove(index);
            fibers.cancelled = current.filter(|_| cancelled);
            self.stack.append(stack);
            self.current = current;
            self.interrupted |= interrupted;
        }
    }

    /// Sleeping fibers that must stop. [`take_stop`](Self::take_stop) returns the reason after each is resumed.
    pub fn sleepers_to_stop(&self) -> Vec<FiberId> {
        let has_closed = self.port.session.closed().is_some();
        let sleepers = self.fibers.fibers.iter().filter(|fiber| fiber.stack.is_asleep());
        let stopped = sleepers.filter(|fiber| has_closed || fiber.interrupted || fiber.cancelled);
        stopped.map(|fiber| FiberId(fiber.id)).collect()
    }
}
