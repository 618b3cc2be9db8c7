//! Spare buffers, so that calls of the usual sizes do not allocate, and the account of the bodies in flight.

#![allow(clippy::box_collection, reason = "small payloads are moved more often than large ones are made")]

use crate::budget::Account;
use crate::{Allot, Payload, Segment};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Spare buffers, the last returned first.
///
/// A returned buffer keeps its stale contents: receiving overwrites them, which avoids zeroing memory first.
#[derive(Debug)]
pub(crate) struct Pool {
    spare: Vec<Vec<u8>>,
    /// Buffers of segments. Invariant: no other handle to them exists.
    spare_segments: Vec<Arc<Vec<u8>>>,
    /// Empty lists of segments.
    #[allow(clippy::vec_box, reason = "what moves between payloads is the box")]
    spare_lists: Vec<Box<Vec<Segment>>>,
    /// Sum of the capacities in `spare` and `spare_segments`. Invariant: `bytes <= limit`.
    bytes: usize,
    limit: usize,
    /// The account to which bodies in flight are charged. Spare buffers are not charged.
    pub(crate) account: Account,
    /// Smallest length in bytes of segments that are received as hosted bytes, and how to allocate them. Smaller segments are received with the head.
    pub(crate) hosts: Option<(usize, Allot)>,
}

impl Pool {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            spare: Vec::new(),
            spare_segments: Vec::new(),
            spare_lists: Vec::new(),
            bytes: 0,
            limit,
            account: Account::new(),
            hosts: None,
        }
    }

    /// An empty buffer.
    #[inline]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer.clear();
        buffer
    }

    /// A buffer with stale contents of any length, large enough for `size` bytes if there is one such.
    #[inline]
    pub(crate) fn take_stale(&mut self, size: usize) -> Vec<u8> {
        let fits = self.spare.iter().rposition(|spare| spare.capacity() >= size);
        if let Some(index) = fits
            && index + 1 < self.spare.len()
        {
            let buffer = self.spare.remove(index);
            self.bytes -= buffer.capacity();
            return buffer;
        }
        let buffer = self.spare.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }

    #[inline]
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        let bytes = self.bytes + buffer.capacity();
        if buffer.capacity() > 0 && bytes <= self.limit && self.spare.len() < MOST {
            self.bytes = bytes;
            self.spare.push(buffer);
        }
    }

    /// A spare list for segments, if there is one.
    #[inline]
    pub(crate) fn take_list(&mut self) -> Option<Box<Vec<Segment>>> {
        self.spare_lists.pop()
    }

    /// A buffer for a segment of `size` bytes, to which no other handle exists. It is empty, or has stale contents of any length and at most
    /// twice the necessary size, since the program may keep it.
    pub(crate) fn take_segment(&mut self, size: usize) -> Arc<Vec<u8>> {
        let suitable = size..=size.saturating_mul(2);
        let fits = |spare: &Arc<Vec<u8>>| suitable.contains(&spare.capacity());
        let index = self.spare_segments.iter().rposition(fits);
        let index = index.or_else(|| self.spare_segments.iter().rposition(|spare| spare.capacity() == 0));
        let segment = index.map(|index| self.spare_segments.remove(index)).unwrap_or_default();
        self.bytes -= segment.capacity();
        segment
    }

    /// Keeps the buffers of a payload, except those of segments to which other handles exist.
    #[inline]
    pub(crate) fn give_payload(&mut self, payload: Payload) {
        if let Some(list) = payload.segments {
            self.give_segments(list);
        }
        self.give(payload.head);
    }

    fn give_segments(&mut self, mut list: Box<Vec<Segment>>) {
        for mut segment in list.drain(..).filter_map(|(_, segment)| segment) {
            if Arc::get_mut(&mut segment).is_none() || segment.capacity() > self.limit {
                continue;
            }
            // The oldest ones may be of sizes that are no longer used.
            while !self.spare_segments.is_empty()
                && (self.spare_segments.len() == MOST || self.bytes + segment.capacity() > self.limit)
            {
                self.bytes -= self.spare_segments.remove(0).capacity();
            }
            if self.bytes + segment.capacity() <= self.limit {
                self.bytes += segment.capacity();
                self.spare_segments.push(segment);
            }
        }
        if self.spare_lists.len() < MOST {
            self.spare_lists.push(list);
        }
    }
}

/// Maximum number of spare buffers: each look-up is a linear search.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_more_bytes_than_the_limit() {
        let mut pool = Pool::new(100);
        pool.give(Vec::with_capacity(80));
        pool.give(Vec::with_capacity(80));
        assert_eq!(pool.take().capacity(), 80);
        assert_eq!(pool.take().capacity(), 0);
    }

    #[test]
    fn keeps_segments_without_other_handles() {
        let mut pool = Pool::new(1000);
        let [alone, held] = [100, 200].map(|size| Arc::new(Vec::with_capacity(size)));
        let other = Arc::clone(&held);
        let segments = Some(Box::new(alloc::vec![(0..0, Some(alone)), (0..0, Some(held))]));
        pool.give_payload(Payload { segments, ..Payload::default() });
        assert_eq!(pool.take_list().map(|list| list.len()), Some(0));
        assert_eq!(pool.take_segment(49).capacity(), 0);
        assert_eq!(pool.take_segment(50).capacity(), 100);
        assert_eq!(pool.take_segment(50).capacity(), 0);
        drop(other);
    }

    #[test]
    fn prefers_a_stale_buffer_that_is_large_enough() {
        let mut pool = Pool::new(1000);
        pool.give(Vec::with_capacity(500));
        pool.give(Vec::with_capacity(10));
        assert_eq!(pool.take_stale(300).capacity(), 500);
        assert_eq!(pool.take_stale(300).capacity(), 10);
    }
}
