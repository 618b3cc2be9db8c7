//! Reassembly of bodies that arrive in several frames.

use crate::budget::Account;
use crate::pool::Pool;
use crate::{ErrorCode, Format, FrameBytes, Payload, ProtocolError};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The use of a body once it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Call,
    Notify,
    Return,
    Throw(ErrorCode),
    /// The answer to a call that has ended here, which may contain objects to release.
    LateAnswer,
    /// The same without such objects, or without memory for it: its bytes are not kept.
    DroppedAnswer,
    /// A call for whose arguments there is no memory: its bytes are not kept. In their place is the text of the error that answers it once it
    /// has arrived completely.
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
    pub(crate) id: u32,
    pub(crate) format: Format,
    pub(crate) purpose: Purpose,
    /// The function of a notification; empty for all else.
    pub(crate) name: Vec<u8>,
    pub(crate) total: u64,
    /// Bytes that have arrived. Invariant: `filled <= total`.
    filled: u64,
    /// The buffers being received into. Until the body is complete the range of a segment in the head is as long as the segment.
    ///
    /// Invariant: unless the bytes are dropped, those that have arrived are at the beginning of each buffer; what follows is stale.
    pub(crate) body: Payload,
    head: Progress,
    /// The segment that is received now, or next: its index, and how far it has come.
    current: usize,
    segment: Progress,
    /// Segments for memory of the host: the offset in the head of each, and its length. Memory is allocated with the first byte of a segment.
    hosted: Vec<(usize, usize)>,
    /// Bytes that the account is charged with. Invariant: unless the bytes are dropped, `filled <= charged <= total`.
    charged: usize,
}

/// How far a buffer has been filled.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes that have arrived. Invariant: `filled <= room`.
    filled: usize,
    /// Bytes that the account is charged with for the buffer, which has a capacity of as many at least.
    room: usize,
}

impl Progress {
    /// Makes room for the first `end` bytes of `total`. Returns `false` if there is no memory for them, or the budget is exceeded.
    ///
    /// Memory grows with the bytes that have arrived, not with the announced total. The first step has at least `first` bytes.
    fn make_room(
        &mut self,
        buffer: &mut Vec<u8>,
        end: usize,
        total: usize,
        first: usize,
        account: &mut Account,
    ) -> bool {
        if end <= self.room {
            return true;
        }
        let doubled = self.room.saturating_mul(2).max(buffer.capacity()).max(first);
        for room in [doubled, self.room + self.room / 8, end] {
            let room = room.clamp(end, total);
            if !account.charge(room - self.room) {
                continue;
            }
            if buffer.try_reserve_exact(room.saturating_sub(buffer.len())).is_ok() {
                self.room = room;
                return true;
            }
            account.release(room - self.room);
        }
        false
    }

    /// Charges the first `end` bytes of `total` to the account, for memory that is there and is committed as it is written.
    fn charge(&mut self, end: usize, total: usize, account: &mut Account) -> bool {
        let doubled = self.room.saturating_mul(2).max(FIRST);
        let rooms = [doubled, end].map(|room| room.clamp(end, total));
        let charged = rooms.into_iter().find(|room| *room <= self.room || account.charge(room - self.room));
        self.room = self.room.max(charged.unwrap_or(0));
        charged.is_some()
    }

    /// Copies the next bytes, up to `end` of `total`, from a frame. They have [room](Self::make_room).
    fn append(&mut self, buffer: &mut Vec<u8>, frame: &dyn FrameBytes, at: usize, end: usize, total: usize) {
        if let Some(stale) = buffer.get_mut(self.filled..end) {
            frame.copy_to(at, stale);
        } else {
            buffer.truncate(self.filled);
            frame.append_to(at, end - self.filled, buffer);
        }
        self.filled = end;
        if end == total {
            buffer.truncate(end);
        }
    }
}

impl Assembly {
    /// The head of `body` may have stale contents, and so may its segments, whose ranges are as long as they will be.
    pub(crate) fn new(id: u32, format: Format, purpose: Purpose, total: u64, body: Payload) -> Self {
        let (head, segment) = (Progress::default(), Progress::default());
        Self {
            id,
            format,
            purpose,
            name: Vec::new(),
            total,
            filled: 0,
            body,
            head,
            current: 0,
            segment,
            hosted: Vec::new(),
            charged: 0,
        }
    }

    /// The same for segments that the host keeps, of which `body` has none yet.
    pub(crate) fn with_hosted(mut self, hosted: Vec<(usize, usize)>) -> Self {
        self.hosted = hosted;
        self
    }

    /// Where a further part of `part` bytes ends. With `more` the body must still be incomplete then, otherwise complete.
    pub(crate) fn end_of(&self, part: usize, more: bool) -> Result<u64, ProtocolError> {
        let end = self.filled + part as u64;
        if part == 0 || end > self.total || more == (end == self.total) {
            return Err(ProtocolError("the parts of a body do not add up to its length".into()));
        }
        Ok(end)
    }

    /// Bytes up to `end` have arrived, and were not kept.
    pub(crate) fn skip_to(&mut self, end: u64) {
        self.filled = end;
    }

    /// Drops the bytes from now on, for this purpose. Returns the buffers of those that have arrived.
    pub(crate) fn stop_keeping(&mut self, purpose: Purpose, pool: &mut Pool) -> Payload {
        self.purpose = purpose;
        self.settle(pool);
        core::mem::take(&mut self.body)
    }

    /// Releases what the account is charged for this body.
    pub(crate) fn settle(&mut self, pool: &mut Pool) {
        pool.account.release(core::mem::take(&mut self.charged));
    }

    /// Adds the bytes of `frame` from `at`, which [end](Self::end_of) at `end`. `false`: there is no memory for them, or the budget is exceeded.
    pub(crate) fn append(&mut self, frame: &dyn FrameBytes, mut at: usize, end: u64, pool: &mut Pool) -> bool {
        if !self.purpose.keeps_bytes() {
            self.filled = end;
            return true;
        }
        // A body of which bytes are kept was accepted as fitting the account, and so the address space.
        let Payload { head, segments, hosted } = &mut self.body;
        let segments = segments.as_mut().map_or(&mut [][..], |segments| &mut segments[..]);
        let outside: usize = segments.iter().map(|(range, _)| range.len()).sum();
        let outside = outside + self.hosted.iter().map(|(_, len)| len).sum::<usize>();
        let head_total = self.total as usize - outside;
        while self.filled < end {
            let left = (end - self.filled) as usize;
            let next_hosted = self.hosted.get(self.current).copied();
            if let Some((start, total)) = next_hosted
                && start == self.head.filled
            {
                let list = hosted.get_or_insert_default();
                if list.len() == self.current {
                    let Some(bytes) = pool.hosts.and_then(|(_, allot)| allot(total)) else {
                        return false;
                    };
                    list.push((start, bytes));
                }
                let progress = &mut self.segment;
                let part = left.min(total - progress.filled);
                let room = progress.room;
                let fits = progress.charge(progress.filled + part, total, &mut pool.account);
                self.charged += progress.room - room;
                if !fits {
                    return false;
                }
                frame.copy_to_hosted(at, &*list[self.current].1, progress.filled, part);
                progress.filled += part;
                at += part;
                self.filled += part as u64;
                if progress.filled == total {
                    self.current += 1;
                    self.segment = Progress::default();
                }
                continue;
            }
            let next = segments.get_mut(self.current);
            let (progress, buffer, stop, total, first) = match next {
                Some((range, Some(bytes))) if range.start == self.head.filled => {
                    let bytes = Arc::get_mut(bytes).expect("no other handle exists while a segment is received");
                    (&mut self.segment, bytes, range.len(), range.len(), FIRST)
                }
                next => {
                    let stop = next.map(|(range, _)| range.start).or(next_hosted.map(|(start, _)| start));
                    let stop = stop.unwrap_or(head_total);
                    (&mut self.head, &mut *head, stop, head_total, 0)
                }
            };
            let part = left.min(stop - progress.filled);
            let (to, room) = (progress.filled + part, progress.room);
            let fits = progress.make_room(buffer, to, total, first, &mut pool.account);
            self.charged += progress.room - room;
            if !fits {
                return false;
            }
            progress.append(buffer, frame, at, to, total);
            at += part;
            self.filled += part as u64;
            if first > 0 && to == total {
                self.current += 1;
                self.segment = Progress::default();
            }
        }
        if end == self.total {
            if head_total == 0 {
                head.clear();
            }
            segments.iter_mut().for_each(|(range, _)| range.end = range.start);
        }
        true
    }
}

/// The unfinished bodies of a link; usually at most one.
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
    /// If no assembly has that id.
    pub(crate) fn remove(&mut self, id: u32) -> Assembly {
        let index = self.list.iter().position(|assembly| assembly.id == id);
        self.list.swap_remove(index.expect("the assembly was looked up before"))
    }

    /// Records that the call `id` has ended here: its answer is not needed.
    pub(crate) fn discard_answer(&mut self, id: u32, pool: &mut Pool) {
        if let Some(assembly) = self.get_mut(id) {
            if assembly.format == Format::Value {
                assembly.purpose = Purpose::LateAnswer;
                return;
            }
            let body = assembly.stop_keeping(Purpose::DroppedAnswer, pool);
            pool.give_payload(body);
        }
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        for mut assembly in self.list.drain(..) {
            assembly.settle(pool);
            pool.give_payload(assembly.body);
        }
    }
}

/// Bytes that are allotted for a segment when it begins to arrive, if it has as many: growing may copy what has arrived.
const FIRST: usize = 1 << 20;
