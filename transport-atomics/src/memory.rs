//! The memory that two endpoints share, reduced to the operations that the algorithm uses.

use crate::layout::RECORD_HEADER;
use coincide_proto::{Hosted, Transmit, in_parts};
use std::time::Duration;

/// A range of bytes that two endpoints share: 32-bit words that are atomic, and bytes that are copied.
///
/// Offsets are in bytes from the start; those of words are multiples of four. A clone is another handle to the same bytes.
///
/// # Ownership of ranges
/// [`copy_in`](Self::copy_in) and [`copy_out`](Self::copy_out) are not atomic. The ring transfers the ownership of each range of bytes. A length
/// word, stored with release and loaded with acquire, gives it to the consumer. A head word, stored with release and loaded with acquire, gives
/// it back. Code of this crate copies only ranges that it owns. A peer in another process that violates this causes torn bytes. A reader
/// therefore validates the bytes that it has copied out, and reads nothing twice.
///
/// # Panics
/// All operations panic if the offset or the range is not inside the memory, or a word isn't aligned.
pub(crate) trait Memory: Clone {
    /// Whether each operation is expensive: a small frame is then copied out as a whole instead of in parts.
    const DISTANT: bool = false;

    /// Reads a word, with acquire.
    fn load(&self, word: usize) -> u32;

    /// Writes a word, with release.
    fn store(&self, word: usize, value: u32);

    /// Writes a word that a later [`store`](Self::store) publishes.
    fn store_relaxed(&self, word: usize, value: u32);

    /// Writes a word and returns its previous value, in one atomic step with acquire and release.
    fn swap(&self, word: usize, value: u32) -> u32;

    /// Copies `bytes` to the offset `at`.
    fn copy_in(&self, at: usize, bytes: &[u8]);

    /// Copies `target.len()` bytes from the offset `at`.
    fn copy_out(&self, at: usize, target: &mut [u8]);

    /// Appends `len` bytes from the offset `at` to `target`.
    fn append_out(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        let end = target.len();
        target.resize(end + len, 0);
        self.copy_out(at, &mut target[end..]);
    }

    /// Publishes a record at `record`. The word at `next` becomes 0, then `head` and `body` are copied behind the record's length word, which is
    /// stored last, with release.
    #[inline]
    fn publish(&self, record: usize, next: usize, head: &[u8], body: &[u8]) {
        self.publish_pieces(record, next, &[head, body]);
    }

    /// The same for a frame in any number of pieces.
    #[inline]
    fn publish_pieces(&self, record: usize, next: usize, pieces: &[&[u8]]) {
        // First, so that the cache line is fetched while the frame is copied.
        self.store_relaxed(next, 0);
        let mut len = 0;
        for piece in pieces {
            self.copy_in(record + RECORD_HEADER + len, piece);
            len += piece.len();
        }
        // Release: an end that reads the length also sees the frame and the zero after it. Pairs with the loads in `Consumer::peek`.
        self.store(record, len as u32);
    }

    /// The same for a frame with hosted bytes, of which it has at most one other piece.
    fn publish_hosted(&self, record: usize, next: usize, frame: &Transmit<'_>) {
        let bytes = frame.to_vec();
        self.publish(record, next, &bytes, &[]);
    }

    /// Copies `len` bytes from the offset `at` to offset `to` of hosted bytes.
    fn copy_out_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        in_parts(len, |from, part| {
            self.copy_out(at + from, part);
            target.copy_from(to + from, part);
        });
    }

    /// Makes a wake-up of the word ring the doorbell of this endpoint, which sleeps in an event loop. Returns `false` if the word is no
    /// longer `expected`. A no-op where the peer rings the doorbell itself.
    fn listen(&self, _word: usize, _expected: u32) -> bool {
        true
    }

    /// Sleeps while the word is `expected`, until [`notify`](Self::notify) or the end of `timeout`. May return early.
    fn wait(&self, word: usize, expected: u32, timeout: Option<Duration>);

    /// Wakes one thread that sleeps on the word.
    fn notify(&self, word: usize);
}
