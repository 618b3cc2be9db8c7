//! Native memory that two threads or two processes share, and every access to it.

use crate::memory::Memory;
use crate::sys::Parking;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A range of shared bytes. Clones share it; the last one frees it.
#[derive(Clone)]
pub(crate) struct Region {
    /// Start of the range, aligned to [`REGION_ALIGN`].
    base: NonNull<u8>,
    /// Bytes of the range, all of them valid for reads and writes as long as `owner` lives.
    len: usize,
    owner: Arc<Owner>,
}

/// Alignment of a region: words of two lines never share one.
pub(crate) const REGION_ALIGN: usize = 128;

struct Owner {
    parking: Parking,
    /// Frees the bytes when it is dropped.
    _bytes: Box<dyn Send + Sync>,
}

// SAFETY: the memory at `base` belongs to no particular thread. Words are accessed by atomics, and bytes by raw copies of ranges that the
// copying endpoint owns (see `Memory`).
unsafe impl Send for Region {}

// SAFETY: as for `Send`; no operation through `&Region` needs more than the rules that `Memory` sets for all clones together.
unsafe impl Sync for Region {}

impl Region {
    /// Takes over a range of bytes, which `bytes` frees when it is dropped.
    ///
    /// # Safety
    /// From now until `bytes` is dropped, the range of `len` bytes at `base` is valid for reads and writes of any thread. It starts at a multiple
    /// of [`REGION_ALIGN`]. This process accesses it through this region and its clones only.
    pub(crate) unsafe fn new(
        base: NonNull<u8>,
        len: usize,
        parking: Parking,
        bytes: impl Send + Sync + 'static,
    ) -> Self {
        Self { base, len, owner: Arc::new(Owner { parking, _bytes: Box::new(bytes) }) }
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at < self.len && self.len - at >= 4, "no word at {at}");
        // SAFETY: the four bytes are inside the range, and aligned since the base is. They live as long as `owner`, so longer than the borrow
        // of `self`. While a word is shared, it is accessed by atomics only. Bytes of frames overlap with length words of other laps, which the
        // ring's release and acquire separate from this access.
        unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(at).cast()) }
    }

    #[inline]
    fn bytes(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at <= self.len && self.len - at >= len, "no {len} bytes at {at}");
        // SAFETY: the offset is inside the range or right behind it.
        unsafe { self.base.as_ptr().add(at) }
    }
}

impl Memory for Region {
    #[inline]
    fn load(&self, word: usize) -> u32 {
        self.word(word).load(Ordering::Acquire)
    }

    #[inline]
    fn store(&self, word: usize, value: u32) {
        self.word(word).store(value, Ordering::Release);
    }

    #[inline]
    fn store_relaxed(&self, word: usize, value: u32) {
        self.word(word).store(value, Ordering::Relaxed);
    }

    #[inline]
    fn swap(&self, word: usize, value: u32) -> u32 {
        self.word(word).swap(value, Ordering::AcqRel)
    }

    #[inline]
    fn copy_in(&self, at: usize, bytes: &[u8]) {
        let target = self.bytes(at, bytes.len());
        // SAFETY: `bytes` checked the range. The source is private memory, so the two don't overlap. Within this process no other thread
        // accesses the range at that time, since the caller owns it (see `Memory`). A peer in another process that violates the rules reads torn
        // bytes.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) }
    }

    #[inline]
    fn copy_out(&self, at: usize, target: &mut [u8]) {
        let source = self.bytes(at, target.len());
        // SAFETY: `bytes` checked the range. The target is private memory, so the two don't overlap. Within this process no thread
        // writes to the range at that time, since the caller owns it (see `Memory`). If a peer in another process violates the rules, the target
        // has arbitrary bytes, which are valid for `u8` and are validated by the reader.
        unsafe { ptr::copy_nonoverlapping(source, target.as_mut_ptr(), target.len()) }
    }

    #[inline]
    fn append_out(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        let source = self.bytes(at, len);
        target.reserve(len);
        // SAFETY: as in `copy_out`. `reserve` has made room for `len` bytes behind those of the target.
        unsafe { ptr::copy_nonoverlapping(source, target.spare_capacity_mut().as_mut_ptr().cast(), len) };
        // SAFETY: the copy has initialized these bytes, since all bytes of the memory are initialized.
        unsafe { target.set_len(target.len() + len) };
    }

    fn wait(&self, word: usize, expected: u32, timeout: Option<Duration>) {
        self.owner.parking.wait(self.word(word), expected, timeout);
    }

    fn notify(&self, word: usize) {
        self.owner.parking.notify(self.word(word));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::heap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Instant;

    #[test]
    fn words_and_bytes_are_where_they_were_put() {
        let region = heap::allocate(256);
        region.store(4, 0x0403_0201);
        assert_eq!(region.swap(4, 7), 0x0403_0201);
        region.store_relaxed(4, u32::from_ne_bytes([1, 2, 3, 4]));
        region.copy_in(8, &[5, 6, 7]);
        let mut bytes = [0; 8];
        region.copy_out(3, &mut bytes);
        assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7]);
        let mut bytes = vec![9];
        region.append_out(3, 8, &mut bytes);
        region.append_out(256, 0, &mut bytes);
        assert_eq!(bytes, [9, 0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn nothing_outside_is_reached() {
        let region = heap::allocate(256);
        for word in [1, 2, 255, 256, usize::MAX, usize::MAX - 3] {
            assert!(catch_unwind(AssertUnwindSafe(|| region.load(word))).is_err(), "word {word}");
        }
        for (at, len) in [(256, 1), (0, 257), (255, 2), (usize::MAX, 1), (usize::MAX, 0)] {
            assert!(
                catch_unwind(AssertUnwindSafe(|| region.copy_in(at, &vec![0; len]))).is_err(),
                "{len} bytes at {at}"
            );
            assert!(
                catch_unwind(AssertUnwindSafe(|| region.copy_out(at, &mut vec![0; len]))).is_err(),
                "{len} bytes at {at}"
            );
            let append = || region.append_out(at, len, &mut Vec::new());
            assert!(catch_unwind(AssertUnwindSafe(append)).is_err(), "{len} bytes at {at}");
        }
        region.copy_in(256, &[]);
    }

    #[test]
    fn wait_ends() {
        let region = heap::allocate(256);
        let long = Some(Duration::from_secs(3600));
        region.wait(0, 1, long);
        let start = Instant::now();
        region.wait(0, 0, Some(Duration::from_millis(2)));
        assert!(start.elapsed() >= Duration::from_millis(1));

        std::thread::scope(|scope| {
            scope.spawn(|| {
                region.store(0, 1);
                region.notify(0);
            });
            while region.load(0) == 0 {
                region.wait(0, 0, long);
            }
        });
    }
}
