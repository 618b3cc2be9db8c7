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
    Ready,
    Release,
}

/// A body of which parts are missing.
#[derive(Debug)]
pub(crate) struct Assembly {
    id: u32,
    pub(crate) format: Format,
    pub(crate) purpose: Purpose,
    /// The function of a notification; empty for all else.
    pub(crate) name: Vec<u8>,
    total: u64,
    /// Bytes that have arrived. Invariant: `filled <= total`.
    filled: u64,
    /// Invariant: unless the bytes are dropped, the first `filled` bytes are those of the body; what follows is stale.
    pub(crate) body: Vec<u8>,
}

impl Assembly {
    /// `body` may have stale contents.
    pub(crate) fn new(id: u32, format: Format, purpose: Purpose, total: u64, body: Vec<u8>) -> Self {
        Self { id, format, purpose, name: Vec::new(), total, filled: 0, body }
    }

    /// Adds the bytes of `frame` from `at`. With `more` the body must still be incomplete then, otherwise complete.
    ///
    /// Memory grows with what has arrived, not with what was announced.
    pub(crate) fn append(
        &mut self,
        frame: &(impl FrameBytes + ?Sized),
        at: usize,
        more: bool,
    ) -> Result<(), ProtocolError> {
        let part = frame.len() - at;
        let end = self.filled + part as u64;
        if part == 0 || end > self.total || more == (end == self.total) {
            return Err(ProtocolError("the parts of a body do not add up to its length".into()));
        }
        if self.purpose != Purpose::DroppedAnswer {
            let (start, end) = (self.filled as usize, end as usize);
            if self.body.len() < end {
                self.body.resize(end, 0);
            }
            frame.copy_to(at, &mut self.body[start..end]);
            if !more {
                self.body.truncate(end);
            }
        }
        self.filled = end;
        Ok(())
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
            assembly.purpose = Purpose::DroppedAnswer;
            pool.give(core::mem::take(&mut assembly.body));
        }
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        for assembly in self.list.drain(..) {
            pool.give(assembly.body);
        }
    }
}
