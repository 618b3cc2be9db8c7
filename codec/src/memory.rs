//! Fallible allocation, for memory whose size depends on a value or the peer.
//!
//! Memory that a constant bounds for a whole payload, such as the text of an error, is allocated infallibly.

use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;

/// A lack of memory. Converts into the errors of both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfMemory;

impl From<TryReserveError> for OutOfMemory {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

/// Appends to a list.
#[inline]
pub(crate) fn push<T>(list: &mut Vec<T>, entry: T) -> Result<(), OutOfMemory> {
    list.try_reserve(1)?;
    list.push(entry);
    Ok(())
}

/// Copies a slice.
pub(crate) fn copied<T: Copy>(slice: &[T]) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(slice.len())?;
    list.extend_from_slice(slice);
    Ok(list)
}

/// Copies a text.
pub(crate) fn text(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len())?;
    copy.push_str(text);
    Ok(copy)
}

/// Collects an iterator into a list.
pub(crate) fn collected<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(items.len())?;
    list.extend(items);
    Ok(list)
}

/// Moves a value to the heap.
pub(crate) fn boxed<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    probe::<T>(1)?;
    Ok(Box::new(value))
}

/// Predicts when a list grows that a visitor of serde fills: serde reserves an initial capacity, then the list doubles.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// Entries that the list has room for; 0 before the first.
    room: usize,
}

impl Growth {
    /// Checks that there is memory for the growth of the list, if adding the entry `index` makes it grow. `hint` is the size hint that serde
    /// got.
    #[inline]
    pub(crate) fn foresee<T>(&mut self, index: usize, hint: usize) -> Result<(), OutOfMemory> {
        if index < self.room { Ok(()) } else { self.grow::<T>(index, hint) }
    }

    fn grow<T>(&mut self, index: usize, hint: usize) -> Result<(), OutOfMemory> {
        if size_of::<T>() == 0 {
            self.room = usize::MAX;
        } else if self.room == 0 {
            self.room = hint.clamp(1, (RESERVED_BY_SERDE / size_of::<T>()).max(1));
        } else {
            self.room = index.saturating_mul(2);
            if self.room.saturating_mul(size_of::<T>()) >= LARGE {
                probe::<T>(self.room)?;
            }
        }
        Ok(())
    }
}

/// Largest initial capacity that serde reserves, in bytes.
const RESERVED_BY_SERDE: usize = 1 << 20;

/// Smaller lists, in bytes, are not probed for.
const LARGE: usize = 64 << 10;

/// Checks that there is memory for a list of `count` entries, which other code then allocates infallibly. In between, another thread may
/// take that memory; a wasm module has one thread.
pub(crate) fn probe<T>(count: usize) -> Result<(), OutOfMemory> {
    let mut list: Vec<T> = Vec::new();
    list.try_reserve_exact(count)?;
    // Otherwise the compiler removes the allocation, which is not used.
    black_box(&mut list);
    Ok(())
}
