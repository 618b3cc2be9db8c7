//! Code that is suspended while the endpoint serves.

use super::Engine;
use super::stack::Stack;
use crate::{CallId, Outcome, Session};
use alloc::vec::Vec;

/// Code that is suspended, in the order in which it was.
#[derive(Debug, Default)]
pub(super) struct Strands {
    strands: Vec<Strand>,
    /// Number of the last one.
    last: u32,
    /// The call whose function runs again and was cancelled while it was suspended, and does not know yet.
    cancelled: Option<CallId>,
}

/// Code that is suspended, with a stack of its own.
#[derive(Debug)]
struct Strand {
    id: StrandId,
    stack: Stack,
    /// The peer's call whose function is suspended.
    current: Option<CallId>,
    /// Main has interrupted it while it slept, or after its call had ended.
    interrupted: bool,
    /// Main has cancelled the call of `current`, or one on whose behalf it was made, while it slept, or after its call had ended.
    cancelled: bool,
}

/// Code that is suspended, from [`Engine::suspend`] to [`Engine::resume_strand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StrandId(u32);

impl StrandId {
    /// A number that no other strand of this engine has had in the last 2^32 suspensions.
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

    /// The call of a suspended strand has ended. Returns the outcome if the strand is to have it now, or if no strand is suspended in the call.
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

    /// The peer's call whose function is strand number `index`, unless it is suspended in a call, which says itself that it was cancelled.
    pub(super) fn outside_of_calls(&self, index: usize) -> Option<Option<CallId>> {
        let strand = self.strands.get(index)?;
        Some(strand.current.filter(|_| strand.stack.innermost_wait().is_none()))
    }

    /// The function of strand number `index` is to stop.
    pub(super) fn cancel(&mut self, index: usize) {
        if let Some(strand) = self.strands.get_mut(index) {
            strand.cancelled = true;
        }
    }

    /// Whether the function of this call was cancelled while it was suspended; once.
    pub(super) fn take_cancelled(&mut self, current: Option<CallId>) -> bool {
        let cancelled = self.cancelled.is_some() && self.cancelled == current;
        if cancelled {
            self.cancelled = None;
        }
        cancelled
    }

    /// Main has interrupted the worker while no code runs, which concerns what was suspended last.
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
    /// The running code is suspended until [`resume_strand`](Self::resume_strand), with the functions inside of which it runs and the call or the
    /// sleep that it has begun. Until then the endpoint serves: nothing is blocked. The call ends with its [`Settle`](super::Action::Settle) at once,
    /// whatever has been suspended since.
    pub fn suspend(&mut self) -> StrandId {
        let strands = &mut self.strands;
        strands.last = strands.last.wrapping_add(1);
        let id = StrandId(strands.last);
        let (stack, current) = (core::mem::take(&mut self.stack), self.current.take());
        strands.strands.push(Strand { id, stack, current, interrupted: false, cancelled: false });
        id
    }

    /// The suspended code runs again, and no other code does.
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

    /// Strands that sleep and have to stop: [`take_stop`](Self::take_stop) says why once they are resumed.
    pub fn sleepers_to_stop(&self) -> Vec<StrandId> {
        let has_closed = self.port.session.closed().is_some();
        let sleepers = self.strands.strands.iter().filter(|strand| strand.stack.is_asleep());
        let stopped = sleepers.filter(|strand| has_closed || strand.interrupted || strand.cancelled);
        stopped.map(|strand| strand.id).collect()
    }
}
