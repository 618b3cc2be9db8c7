//! Bodies that arrive in several frames.

use crate::pool::Pool;
use crate::{ErrorCode, Format, FrameBytes, ProtocolError};
use alloc::vec::Vec;

/// What a body is for once it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Call,
    Notify,
    Return,
    Throw(ErrorCode),
    /// The answer to a call that has ended here: its bytes are not kept.
    DroppedAnswer,
    /// A call for whose arguments there is no memory: its bytes are not kept. In their place is the text of the error that answers it once it
    /// has come completely.
    RefusedCall,
    /// A notification for which there is no memory: its bytes are not kept.
    DroppedNotification,
    Ready,
    Release,
}

impl Purpose {
    fn keeps_bytes(self) -> bool {
        !matches!(self, Self::DroppedAnswer | Self::RefusedCall | Self::DroppedNotification)
    }
}

/// A body of which parts are missing.
#[derive(Debug)]
pub(crate) struct Assembly {
    id: u32,
    pub(crate) format: Format,
    pub(crate) purpose: Purpose,
    /// The function of a notification; empty for all else.
    pub(crate) name: Vec<u8>,
    pub(crate) total: u64,
    /// Bytes that have arrived. Invariant: `filled <= total`.
    filled: u64,
    /// Invariant: unless the bytes are dropped, the first `filled` bytes are those of the body; what follows is stale.
    pub(crate) body: Vec<u8>,
    /// Bytes that the account is charged with. Invariant: unless the bytes are dropped, `filled <= room <= total`, and `body` has a
    /// capacity of `room` bytes at least.
    room: usize,
}

impl Assembly {
    /// `body` may have stale contents.
    pub(crate) fn new(id: u32, format: Format, purpose: Purpose, total: u64, body: Vec<u8>) -> Self {
        Self { id, format, purpose, name: Vec::new(), total, filled: 0, body, room: 0 }
    }

    /// Where a further part of `part` bytes ends. With `more` the body must still be incomplete then, otherwise complete.
    pub(crate) fn end_of(&self, part: usize, more: bool) -> Result<u64, ProtocolError> {
        let end = self.filled + part as u64;
        if part == 0 || end > self.total || more == (end == self.total) {
            return Err(ProtocolError("the parts of a body do not add up to its length".into()));
        }
        Ok(end)
    }

    /// Makes room for the first `end` bytes. `false`: there is no memory for them, or the budget is exceeded.
    ///
    /// Memory grows with what has arrived, not with what was announced.
    pub(crate) fn make_room(&mut self, end: u64, pool: &mut Pool) -> bool {
        if !self.purpose.keeps_bytes() || end <= self.room as u64 {
            return true;
        }
        // A body of which bytes are kept was accepted as fitting the account, and so the address space.
        let (end, total) = (end as usize, self.total as usize);
        let doubled = self.room.saturating_mul(2).max(self.body.capacity());
        for room in [doubled, self.room + self.room / 8, end] {
            let room = room.clamp(end, total);
            if !pool.account.charge(room - self.room) {
                continue;
            }
            if self.body.try_reserve_exact(room.saturating_sub(self.body.len())).is_ok() {
                self.room = room;
                return true;
            }
            pool.account.release(room - self.room);
        }
        false
    }

    /// Bytes are not kept from now on, for this purpose. Returns the buffer of those that have arrived.
    pub(crate) fn stop_keeping(&mut self, purpose: Purpose, pool: &mut Pool) -> Vec<u8> {
        self.purpose = purpose;
        self.settle(pool);
        core::mem::take(&mut self.body)
    }

    /// The account is no longer charged with this body.
    pub(crate) fn settle(&mut self, pool: &mut Pool) {
        pool.account.release(core::mem::take(&mut self.room));
    }

    /// Adds the bytes of `frame` from `at`, which [end](Self::end_of) at `end`. Those that are kept have [room](Self::make_room).
    pub(crate) fn append(&mut self, frame: &(impl FrameBytes + ?Sized), at: usize, end: u64) {
        if self.purpose.keeps_bytes() {
            let (start, end) = (self.filled as usize, end as usize);
            if self.body.len() < end {
                self.body.resize(end, 0);
            }
            frame.copy_to(at, &mut self.body[start..end]);
            if end as u64 == self.total {
                self.body.truncate(end);
            }
        }
        self.filled = end;
    }
}

/// The unfinished bodies of a link; seldom more than one.
#[derive(Debug, Default)]
pub(crate) struct Assemblies {
    list: Vec<Assembly>,
}

impl Assemblies {
    /// Sum of the announced lengths.
    pub(crate) fn bytes(&self) -> u64 {
        self.list.iter().map(|assembly| assembly.total).sum()
    }

    /// `false`: there is one with the same id.
    pub(crate) fn insert(&mut self, assembly: Assembly) -> bool {
        let new = !self.contains(assembly.id);
        if new {
            self.list.push(assembly);
        }
        new
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.list.iter().any(|assembly| assembly.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Assembly> {
        self.list.iter_mut().find(|assembly| assembly.id == id)
    }

    /// # Panics
    /// If there is none with that id.
    pub(crate) fn remove(&mut self, id: u32) -> Assembly {
        let index = self.list.iter().position(|assembly| assembly.id == id);
        self.list.swap_remove(index.expect("the assembly was looked up before"))
    }

    /// Nobody waits any more for the answer to the call `id`.
    pub(crate) fn discard_answer(&mut self, id: u32, pool: &mut Pool) {
        if let Some(assembly) = self.get_mut(id) {
            let body = assembly.stop_keeping(Purpose::DroppedAnswer, pool);
            pool.give(body);
        }
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        for mut assembly in self.list.drain(..) {
            assembly.settle(pool);
            pool.give(assembly.body);
        }
    }
}
