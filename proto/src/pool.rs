//! Buffers that are used again, so that a call which fits allocates nothing; and the account of the bodies in flight.

use crate::budget::Account;
use alloc::vec::Vec;

/// Spare buffers, the last returned first.
///
/// A returned buffer keeps its stale contents: whoever receives into it overwrites them, and skips zeroing memory that is
/// about to be overwritten anyway.
#[derive(Debug)]
pub(crate) struct Pool {
    spare: Vec<Vec<u8>>,
    /// Sum of the capacities in `spare`. Invariant: `bytes <= limit`.
    bytes: usize,
    limit: usize,
    /// What the bodies in flight of the session are charged to. Spare buffers are not charged.
    pub(crate) account: Account,
}

impl Pool {
    pub(crate) fn new(limit: usize) -> Self {
        Self { spare: Vec::new(), bytes: 0, limit, account: Account::new() }
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
}

/// Most buffers kept: each look-up is a walk over them.
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
    fn prefers_a_stale_buffer_that_is_large_enough() {
        let mut pool = Pool::new(1000);
        pool.give(Vec::with_capacity(500));
        pool.give(Vec::with_capacity(10));
        assert_eq!(pool.take_stale(300).capacity(), 500);
        assert_eq!(pool.take_stale(300).capacity(), 10);
    }
}
