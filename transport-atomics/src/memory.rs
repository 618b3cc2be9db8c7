//! The memory that two endpoints share, seen through the few operations that the algorithm needs.

use std::time::Duration;

/// A range of bytes that two endpoints share: 32-bit words that are atomic, and bytes that are copied.
///
/// Offsets are in bytes from the start; those of words are multiples of four. A clone is another handle to the same bytes.
///
/// # Who may copy when
/// [`copy_in`](Self::copy_in) and [`copy_out`](Self::copy_out) are not atomic. The ring hands each stretch of bytes from one
/// endpoint to the other: a length word stored with release and loaded with acquire gives it to the consumer, a head word
/// stored with release and loaded with acquire gives it back. Code of this crate copies only what it has been given so; a peer in
/// another process that doesn't keep to this gets torn bytes to its reader, which judges what it has copied out and never looks twice.
///
/// # Panics
/// All operations panic if the offset or the range is not inside the memory, or a word isn't aligned.
pub(crate) trait Memory: Clone {
    /// Reads a word, with acquire.
    fn load(&self, word: usize) -> u32;

    /// Writes a word, with release.
    fn store(&self, word: usize, value: u32);

    /// Writes a word that a later [`store`](Self::store) publishes.
    fn store_relaxed(&self, word: usize, value: u32);

    /// Writes a word and gives what was there, with acquire and release in one step.
    fn swap(&self, word: usize, value: u32) -> u32;

    /// Copies `bytes` to the offset `at`.
    fn copy_in(&self, at: usize, bytes: &[u8]);

    /// Copies `target.len()` bytes from the offset `at`.
    fn copy_out(&self, at: usize, target: &mut [u8]);

    /// Sleeps while the word is `expected`, until [`notify`](Self::notify) or the end of `timeout`. May return early.
    fn wait(&self, word: usize, expected: u32, timeout: Option<Duration>);

    /// Wakes who sleeps on the word.
    fn notify(&self, word: usize);
}
