//! An allocator that counts the bytes of each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Peak memory in bytes of this thread during `action`.
pub(crate) fn peak_of(action: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    action();
    (PEAK.get() - before).try_into().expect("the peak is not below the start")
}

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    /// Bytes that this thread has allocated, minus those that it has freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// Maximum of `LIVE`.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: all calls are passed on unchanged to the system's allocator. The counters are plain cells without destructors, so they
// do not allocate, and are usable during the whole life of a thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: The caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: The caller keeps to the contract of `dealloc`, and all pointers come from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks exist during the move.
        count(size as isize);
        // SAFETY: The caller keeps to the contract of `realloc`, and all pointers come from the system's allocator.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        count(-(layout.size() as isize));
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
