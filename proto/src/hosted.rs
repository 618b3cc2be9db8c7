//! Hosted bytes, which lie outside of the memory of this program.

use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;

/// Bytes that the host of a program keeps outside of the program's memory, such as an `ArrayBuffer` of the page around a wasm module.
///
/// A session never reads them. A transport that can reach them by their number copies between them and the memory that both ends share.
/// Other transports copy them by the methods here.
///
/// # Panics
/// Methods may panic if a range is not inside the bytes.
#[allow(clippy::len_without_is_empty, reason = "they are never empty")]
pub trait Hosted: fmt::Debug + Send + Sync {
    /// The number by which the host identifies them.
    fn number(&self) -> u32;

    /// Number of bytes, which never changes; at least one.
    fn len(&self) -> usize;

    /// Copies `target.len()` bytes from offset `at`.
    fn copy_to(&self, at: usize, target: &mut [u8]);

    /// Copies `source` to offset `at`.
    fn copy_from(&self, at: usize, source: &[u8]);

    /// Copies the bytes from offset `from` on, after which the program may change its buffer. Returns whether there was
    /// memory for that.
    fn keep(&self, from: usize) -> bool;
}

/// Hosted bytes of a payload, and the offset in its head where they belong.
pub type HostedSegment = (usize, Arc<dyn Hosted>);

/// A range of hosted bytes.
pub type HostedPart<'a> = (&'a dyn Hosted, Range<usize>);

/// Allocates hosted bytes of the given length. Returns `None` if there is no memory.
pub type Allot = fn(usize) -> Option<Arc<dyn Hosted>>;

/// Calls `copy` for parts of `len` bytes, with the offset of each and a buffer for it.
pub fn in_parts(len: usize, mut copy: impl FnMut(usize, &mut [u8])) {
    let mut part = [0; PART];
    for at in (0..len).step_by(PART) {
        copy(at, &mut part[..PART.min(len - at)]);
    }
}

const PART: usize = 1024;
