//! A ring of records for one producer and one consumer.
//!
//! The algorithm is based on `OneToOneRingBuffer` of Agrona, the base library of Aeron (Real Logic). A record starts with its length, which is
//! written last. The consumer polls the length of the next record instead of a tail counter, so a small frame is in the cache line that announces
//! it. Agrona's consumer clears the records that it has consumed. Here the producer clears the length word behind its record before it publishes
//! the record. The consumer thus writes only its head word, and the lines of the ring are written by one side.
//!
//! Invariants: `0 <= tail - head <= capacity - 64` (modulo 2^32), both are multiples of 64, and the length word at `tail` is 0. `tail` is local to
//! the producer. `head` is a shared word.

use crate::layout::{PADDING, RECORD_ALIGN, RECORD_HEADER, Ring};
use crate::memory::Memory;
use coincide_proto::{FrameBytes, Hosted, ProtocolError, Transmit};
use std::borrow::Cow;

/// The writing end of a ring.
pub(crate) struct Producer {
    ring: Ring,
    /// Bytes produced, modulo 2^32.
    tail: u32,
    /// The consumer's head as last read. The current head may be further on, which means more room.
    head: u32,
    /// Bytes that must be free for the frame that was refused last, or for any frame if none was.
    wanted: u32,
}

impl Producer {
    pub(crate) fn new(ring: Ring) -> Self {
        Self { ring, tail: 0, head: 0, wanted: most_needed(&ring) }
    }

    /// The same in a ring in which all bytes up to `position`, a multiple of 64, have been produced and consumed.
    #[cfg(any(fuzzing, all(test, not(loom))))]
    pub(crate) fn at(self, position: u32) -> Self {
        Self { tail: position, head: position, ..self }
    }

    /// Publishes a frame. `Ok(false)`: there is no room for it.
    ///
    /// # Errors
    /// When the consumer's head is invalid.
    ///
    /// # Panics
    /// If the frame is empty or longer than [`Ring::max_frame`].
    pub(crate) fn write<M: Memory>(&mut self, memory: &M, frame: &Transmit<'_>) -> Result<bool, ProtocolError> {
        let Ring { data, capacity, .. } = self.ring;
        let len = frame.len();
        assert!((1..=self.ring.max_frame()).contains(&len), "a frame of {len} bytes doesn't fit the ring");
        let size = record_size(len);
        let at = self.tail & (capacity - 1);
        let padding = if size <= capacity - at { 0 } else { capacity - at };
        // A record also needs room for the next length word.
        let needed = padding + size + RECORD_ALIGN;
        if self.free_after(self.head) < needed {
            self.head = self.read_head(memory)?;
            if self.free_after(self.head) < needed {
                self.wanted = needed;
                return Ok(false);
            }
        }

        let start = (at + padding) & (capacity - 1);
        let next = (start + size) & (capacity - 1);
        let (record, next) = (data + start as usize, data + next as usize);
        match frame.body {
            _ if frame.hosted.is_some() => memory.publish_hosted(record, next, frame),
            [body, [], _] => memory.publish(record, next, frame.head, body),
            _ => memory.publish_pieces(record, next, &frame.pieces()),
        }
        if padding > 0 {
            // Last: a consumer that sees the padding also sees the record that follows it.
            memory.store(data + at as usize, PADDING | padding);
        }
        self.tail = self.tail.wrapping_add(padding + size);
        self.wanted = most_needed(&self.ring);
        Ok(true)
    }

    /// Whether the frame that was refused last fits now. Also true when the consumer's head is invalid: the next
    /// write reports that.
    pub(crate) fn has_room<M: Memory>(&self, memory: &M) -> bool {
        self.read_head(memory).map_or(true, |head| self.free_after(head) >= self.wanted)
    }

    /// The word to swap to 1 before sleeping until there is room.
    pub(crate) fn room_wanted(&self) -> usize {
        self.ring.room_wanted
    }

    fn free_after(&self, head: u32) -> u32 {
        self.ring.capacity - self.tail.wrapping_sub(head)
    }

    fn read_head<M: Memory>(&self, memory: &M) -> Result<u32, ProtocolError> {
        // Acquire: records that the consumer has copied out before it stored its head may be overwritten. Pairs with `Consumer::release`.
        let head = memory.load(self.ring.head);
        // A valid head lies between its previous value and the tail.
        if head.wrapping_sub(self.head) > self.tail.wrapping_sub(self.head) || !head.is_multiple_of(RECORD_ALIGN) {
            return Err(ProtocolError(Cow::Borrowed("the ring's head is not where it can be")));
        }
        Ok(head)
    }
}

/// The reading end of a ring.
pub(crate) struct Consumer {
    ring: Ring,
    /// Bytes consumed, modulo 2^32.
    head: u32,
    /// Bytes consumed since the last check whether the producer waits for room.
    unreported: u32,
}

impl Consumer {
    pub(crate) fn new(ring: Ring) -> Self {
        Self { ring, head: 0, unreported: 0 }
    }

    /// The same in a ring from which all bytes up to `position`, a multiple of 64, have been consumed.
    #[cfg(any(fuzzing, all(test, not(loom))))]
    pub(crate) fn at(self, position: u32) -> Self {
        Self { head: position, ..self }
    }

    /// Whether [`peek`](Self::peek) would return a record or an error.
    #[inline]
    pub(crate) fn has_record<M: Memory>(&self, memory: &M) -> bool {
        memory.load(self.ring.data + self.offset() as usize) != 0
    }

    /// The next record, if it is there.
    ///
    /// # Errors
    /// When the bytes there cannot be a record.
    pub(crate) fn peek<M: Memory>(&self, memory: &M) -> Result<Option<Record>, ProtocolError> {
        let Ring { data, capacity, .. } = self.ring;
        let at = self.offset();
        // Acquire, here and below: pairs with the stores at the end of `Producer::write`. Each word is loaded once, then validated.
        let word = memory.load(data + at as usize);
        if word == 0 {
            return Ok(None);
        }
        let (start, len, padding) = if word & PADDING == 0 {
            (at, word, 0)
        } else {
            let padding = word & !PADDING;
            if at == 0 || padding != capacity - at {
                return Err(ProtocolError(Cow::Borrowed("padding in the ring doesn't end where the ring ends")));
            }
            (0, memory.load(data), padding)
        };
        // A zero or another padding behind padding is out of this range as well.
        if len == 0 || len as usize > self.ring.max_frame() || record_size(len as usize) > capacity - start {
            return Err(ProtocolError(Cow::Borrowed("a record in the ring has an impossible length")));
        }
        Ok(Some(Record {
            at: data + start as usize + RECORD_HEADER,
            len: len as usize,
            advance: padding + record_size(len as usize),
        }))
    }

    /// Returns the bytes of a record to the producer.
    pub(crate) fn release<M: Memory>(&mut self, memory: &M, record: &Record) {
        self.head = self.head.wrapping_add(record.advance);
        self.unreported += record.advance;
        // Release: the copies out of the record are done. Pairs with `Producer::read_head`.
        memory.store(self.ring.head, self.head);
    }

    /// Whether a quarter of the ring was consumed since the last report, so that a report of room is due.
    ///
    /// This suffices. A frame needs at most a quarter of the ring and 128 bytes. If less than that is free, more than half of the ring is not
    /// consumed yet, so a report follows. If there is still too little room then, a second report follows for the same reason. There is enough
    /// room by then: 64 bytes are always free, the first report came after at least 64 more, and the second after a quarter.
    pub(crate) fn owes_report(&self) -> bool {
        self.unreported >= self.ring.capacity / 4
    }

    /// Whether the producer waits for room, and must be woken.
    pub(crate) fn report_room<M: Memory>(&mut self, memory: &M) -> bool {
        // The wake-up rule: `release` came before this swap. See `Endpoint`.
        self.unreported = 0;
        memory.swap(self.ring.room_wanted, 0) != 0
    }

    fn offset(&self) -> u32 {
        self.head & (self.ring.capacity - 1)
    }
}

/// Position of a frame that was published and is not released yet.
pub(crate) struct Record {
    at: usize,
    len: usize,
    advance: u32,
}

impl Record {
    /// The bytes of the record. They are copied to `near` if they are few and the memory is distant.
    #[inline]
    pub(crate) fn frame<'a, M: Memory>(&self, memory: &'a M, near: &'a mut Vec<u8>) -> Frame<'a, M> {
        let mut frame = Frame { memory, at: self.at, len: self.len, near: None };
        if M::DISTANT && self.len <= MOST_NEAR {
            near.resize(self.len, 0);
            memory.copy_out(self.at, near);
            frame.near = Some(near);
        }
        frame
    }
}

/// The bytes of a frame in the ring.
pub(crate) struct Frame<'a, M> {
    memory: &'a M,
    at: usize,
    len: usize,
    /// A copy of all bytes.
    near: Option<&'a [u8]>,
}

impl<M: Memory> FrameBytes for Frame<'_, M> {
    fn len(&self) -> usize {
        self.len
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        let fits = at.checked_add(target.len()).is_some_and(|end| end <= self.len);
        assert!(fits, "{} bytes at {at} are not inside a frame of {}", target.len(), self.len);
        match self.near {
            Some(near) => target.copy_from_slice(&near[at..][..target.len()]),
            None => self.memory.copy_out(self.at + at, target),
        }
    }

    fn append_to(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        let fits = at.checked_add(len).is_some_and(|end| end <= self.len);
        assert!(fits, "{len} bytes at {at} are not inside a frame of {}", self.len);
        match self.near {
            Some(near) => target.extend_from_slice(&near[at..][..len]),
            None => self.memory.append_out(self.at + at, len, target),
        }
    }

    fn copy_to_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        let fits = at.checked_add(len).is_some_and(|end| end <= self.len);
        assert!(fits, "{len} bytes at {at} are not inside a frame of {}", self.len);
        match self.near {
            Some(near) => target.copy_from(to, &near[at..][..len]),
            None => self.memory.copy_out_hosted(self.at + at, target, to, len),
        }
    }
}

/// Longest frame that is copied as a whole before it is parsed.
const MOST_NEAR: usize = 4096;

fn record_size(len: usize) -> u32 {
    // At most an eighth of a ring of 2^30 bytes, and a header.
    ((len + RECORD_HEADER) as u32).next_multiple_of(RECORD_ALIGN)
}

/// Free bytes with which the longest frame fits at any place: padding is shorter than the record that it makes room for.
fn most_needed(ring: &Ring) -> u32 {
    2 * record_size(ring.max_frame())
}

#[cfg(all(test, not(loom)))]
mod vectors;
