//! What the algorithm uses of `std` that `loom` can take the place of, chosen by `--cfg loom`.
//!
//! The words of shared memory are not here: which atomics they are is the business of a [`Memory`](crate::memory::Memory).

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};
#[cfg(not(loom))]
#[allow(unused_imports, reason = "Linux needs no condition variables")]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};

/// Whether looking again and again before going to sleep makes sense. Under loom it would only multiply the executions.
pub(crate) const SPINNING_PAYS: bool = cfg!(not(any(loom, miri)));

/// Locks, whether or not another thread panicked meanwhile: what the locks of this crate guard is whole after each statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
