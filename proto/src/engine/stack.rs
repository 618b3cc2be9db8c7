//! The stack of the endpoint's thread, as far as the rules depend on it.

use crate::{CallId, Outcome};
use alloc::vec::Vec;

/// Running functions, blocked calls and sleeps, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Stack {
    frames: Vec<Frame>,
    /// Number of functions among the frames.
    runs: usize,
    /// Number of blocked calls among the frames.
    waits: usize,
}

#[derive(Debug)]
pub(super) enum Frame {
    /// A function runs.
    Run {
        /// Number of its ticket.
        serial: u32,
        /// The call whose function was running before.
        outer: Option<CallId>,
    },
    /// The endpoint is blocked in a call.
    Wait {
        call: CallId,
        /// The peer's call whose function made it.
        caller: Option<CallId>,
        /// How it ended, while frames above it remain.
        outcome: Option<Outcome>,
    },
    /// The endpoint sleeps.
    Sleep,
}

impl Stack {
    #[inline]
    pub(super) fn push(&mut self, frame: Frame) {
        match frame {
            Frame::Run { .. } => self.runs += 1,
            Frame::Wait { .. } => self.waits += 1,
            Frame::Sleep => {}
        }
        self.frames.push(frame);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop();
        match frame {
            Some(Frame::Run { .. }) => self.runs -= 1,
            Some(Frame::Wait { .. }) => self.waits -= 1,
            Some(Frame::Sleep) | None => {}
        }
        frame
    }

    /// Puts the frames of another stack on top.
    #[cfg(feature = "fibers")]
    pub(super) fn append(&mut self, mut other: Self) {
        self.frames.append(&mut other.frames);
        self.runs += other.runs;
        self.waits += other.waits;
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Number of nested functions.
    #[inline]
    pub(super) fn depth(&self) -> usize {
        self.runs
    }

    #[inline]
    pub(super) fn has_waits(&self) -> bool {
        self.waits > 0
    }

    /// Whether the innermost frame is a sleep.
    pub(super) fn is_asleep(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Sleep))
    }

    /// The call in which the innermost frame is blocked.
    #[inline]
    pub(super) fn innermost_wait(&self) -> Option<CallId> {
        match self.frames.last() {
            Some(Frame::Wait { call, .. }) => Some(*call),
            _ => None,
        }
    }

    /// Whether the innermost frame is blocked in a call that has ended.
    #[inline]
    pub(super) fn has_outcome(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Wait { outcome: Some(_), .. }))
    }

    /// Position of the function with this serial.
    #[inline]
    pub(super) fn position_of_run(&self, serial: u32) -> Option<usize> {
        self.frames.iter().rposition(|frame| matches!(frame, Frame::Run { serial: other, .. } if *other == serial))
    }

    /// Position of the innermost sleep.
    pub(super) fn position_of_sleep(&self) -> Option<usize> {
        self.frames.iter().rposition(|frame| matches!(frame, Frame::Sleep))
    }

    /// Position of the frame that is blocked in this call.
    pub(super) fn position_of_wait(&self, call: CallId) -> Option<usize> {
        self.frames.iter().rposition(|frame| matches!(frame, Frame::Wait { call: other, .. } if *other == call))
    }

    /// The call in which the frame at `index` is blocked, and the peer's call whose function made it.
    pub(super) fn wait_at(&self, index: usize) -> Option<(CallId, Option<CallId>)> {
        match self.frames.get(index) {
            Some(Frame::Wait { call, caller, .. }) => Some((*call, *caller)),
            _ => None,
        }
    }

    /// The peer's call whose function is blocked in this call.
    pub(super) fn caller_of(&self, call: CallId) -> Option<CallId> {
        self.position_of_wait(call).and_then(|index| self.wait_at(index)?.1)
    }

    /// Keeps the outcome of a blocked call until its frame is the innermost one. Returns it if the endpoint is not blocked in the call.
    pub(super) fn keep(&mut self, id: CallId, ended: Outcome) -> Result<(), Outcome> {
        for frame in self.frames.iter_mut().rev() {
            if let Frame::Wait { call, outcome, .. } = frame
                && *call == id
            {
                *outcome = Some(ended);
                return Ok(());
            }
        }
        Err(ended)
    }
}
