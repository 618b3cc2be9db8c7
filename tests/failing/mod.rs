//! An allocator that fails on demand. It is the allocator of the whole process, so its tests are in separate files.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Makes allocations of this thread of more than `largest` bytes fail. `usize::MAX` restores the default.
pub(crate) fn fail_above(largest: usize) {
    LARGEST.set(largest);
}

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Failing;

// SAFETY: each method does what the system's allocator does, or fails as allocators may.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LARGEST.try_with(|largest| layout.size() > largest.get()).unwrap_or(false) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;
