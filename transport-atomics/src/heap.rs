//! Memory of the heap, shared by two threads.

use crate::region::{REGION_ALIGN, Region};
use crate::sys::Parking;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A region of `len` zero bytes.
///
/// The operating system provides pages when they are first touched, so an idle link stays small.
pub(crate) fn allocate(len: usize) -> Region {
    // With a large alignment, an allocator clears the memory itself and touches all of it. Without one, it
    // returns zero pages of the operating system. The alignment is therefore made here.
    let layout =
        Layout::from_size_align(len + REGION_ALIGN, align_of::<u32>()).expect("rings are limited to 2^30 bytes");
    // SAFETY: the layout has a size, since `REGION_ALIGN` is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
    let skip = start.addr().get().next_multiple_of(REGION_ALIGN) - start.addr().get();
    // SAFETY: `skip` is less than `REGION_ALIGN`, so this is inside the allocation.
    let base = unsafe { start.add(skip) };
    // SAFETY: `len` bytes follow `base` inside the allocation, which lives as long as the `Block`, zeroed and thus initialized. `base` is
    // a multiple of `REGION_ALIGN`, and no other pointer to it exists.
    unsafe { Region::new(base, len, Parking::threads(), Block { start, layout }) }
}

struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the allocation belongs to no thread, and a block is only ever dropped.
unsafe impl Send for Block {}

// SAFETY: a shared block offers no operation.
unsafe impl Sync for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this layout, and the region is no longer used when the block is dropped.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
