//! Strands: code that is suspended while the endpoint serves.

use super::Engine;
use super::stack::Stack;
use crate::{CallId, Outcome, Session};
use alloc::vec::Vec;

/// Strands, in the order in which they were suspended.
#[derive(Debug, Default)]
pub(super) struct Strands {
    strands: Vec<Strand>,
    /// Number of the last strand.
    last: u32,
    /// The call whose function was cancelled while it was suspended, has been resumed, and has not received the cancellation.
    cancelled: Option<CallId>,
}

/// Suspended code with its own stack.
#[derive(Debug)]
struct Strand {
    id: StrandId,
    stack: Stack,
    /// The peer's call whose function is suspended.
    current: Option<CallId>,
    /// Whether main has interrupted it while it slept, or after its call had ended.
    interrupted: bool,
    /// Whether main has cancelled the call of `current`, or an outer one, while it slept or after its call had ended.
    cancelled: bool,
}

/// Identifies suspended code, from [`Engine::suspend`] to [`Engine::resume_strand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StrandId(u32);

impl StrandId {
    /// Number of the strand, unique among 2^32 consecutive suspensions of the engine.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Strands {
    /// Number of frames of all strands.
    pub(super) fn len(&self) -> usize {
        self.strands.iter().map(|strand| strand.stack.len()).sum()
    }

    /// As [`Stack::wait_at`], counting through the frames of all strands.
    pub(super) fn wait_at(&self, mut index: usize) -> Option<(CallId, Option<CallId>)> {
        for Strand { stack, .. } in &self.strands {
            if index < stack.len() {
                return stack.wait_at(index);
            }
            index -= stack.len();
        }
        None
    }

    /// The peer's call whose function is suspended in this call.
    pub(super) fn caller_of(&self, call: CallId) -> Option<CallId> {
        self.strands.iter().find_map(|strand| strand.stack.caller_of(call))
    }

    /// Ends a call. Returns the outcome if its strand can receive it now, or if no strand is suspended in the call.
    pub(super) fn end(&mut self, call: CallId, mut outcome: Outcome) -> Option<Outcome> {
        for Strand { stack, .. } in &mut self.strands {
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

    /// The peer's call whose function is strand number `index`, unless the strand is suspended in a call, whose outcome reports the cancellation.
    pub(super) fn outside_of_calls(&self, index: usize) -> Option<Option<CallId>> {
        let strand = self.strands.get(index)?;
        Some(strand.current.filter(|_| strand.stack.innermost_wait().is_none()))
    }

    /// Marks the function of strand number `index` as cancelled.
    pub(super) fn cancel(&mut self, index: usize) {
        if let Some(strand) = self.strands.get_mut(index) {
            strand.cancelled = true;
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

    /// Interrupts the newest strand, as no code runs.
    pub(super) fn interrupt(&mut self, session: &mut Session) {
        let Some(strand) = self.strands.last_mut() else {
            return;
        };
        match strand.stack.innermost_wait() {
            Some(call) if session.is_pending(call) => session.interrupt_call(call),
            _ => strand.interrupted = true,
        }
    }
}

impl Engine {
    /// Suspends the running code until [`resume_strand`](Self::resume_strand), with its outer functions and the call or the sleep that it has begun.
    ///
    /// Until then the endpoint serves, and no call is blocked. A call that ends returns its [`Settle`](super::Action::Settle) at once, whatever has
    /// been suspended since.
    pub fn suspend(&mut self) -> StrandId {
        let strands = &mut self.strands;
        strands.last = strands.last.wrapping_add(1);
        let id = StrandId(strands.last);
        let (stack, current) = (core::mem::take(&mut self.stack), self.current.take());
        strands.strands.push(Strand { id, stack, current, interrupted: false, cancelled: false });
        id
    }

    /// Resumes suspended code. No other code may be running.
    pub fn resume_strand(&mut self, strand: StrandId) {
        let strands = &mut self.strands;
        if let Some(index) = strands.strands.iter().position(|other| other.id == strand) {
            let Strand { stack, current, interrupted, cancelled, .. } = strands.strands.remove(index);
            strands.cancelled = current.filter(|_| cancelled);
            self.stack.append(stack);
            self.current = current;
            self.interrupted |= interrupted;
        }
    }

    /// Strands that sleep and have to stop. [`take_stop`](Self::take_stop) returns the reason after each is resumed.
    pub fn sleepers_to_stop(&self) -> Vec<StrandId> {
        let has_closed = self.port.session.closed().is_some();
        let sleepers = self.strands.strands.iter().filter(|strand| strand.stack.is_asleep());
        let stopped = sleepers.filter(|strand| has_closed || strand.interrupted || strand.cancelled);
        stopped.map(|strand| strand.id).collect()
    }
}
