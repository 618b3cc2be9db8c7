//! Primitives of `std` that `loom` replaces under `--cfg loom`.
//!
//! The words of shared memory are not here: each [`Memory`](crate::memory::Memory) chooses its atomics.

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};
#[cfg(not(loom))]
#[allow(unused_imports, reason = "Linux needs no condition variables")]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};

/// Whether busy polling is enabled. Under loom it would only multiply the executions.
pub(crate) const SPINNING_PAYS: bool = cfg!(not(any(loom, miri)));

/// Locks a mutex even if it is poisoned: data behind the locks of this crate is consistent after each statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
