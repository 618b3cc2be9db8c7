//! Wakers of a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// Wakes a worker that waits, from any thread.
pub(crate) type Ring = Arc<dyn Fn() + Send + Sync>;

/// Wakes the worker's asynchronous exports.
pub(super) struct Woken {
    set: AtomicBool,
    ring: Ring,
}

impl Woken {
    pub(super) fn new(ring: &Ring) -> Self {
        Self { set: AtomicBool::new(false), ring: Arc::clone(ring) }
    }

    /// Requests a poll of the tasks from the worker itself, which is awake.
    pub(super) fn set(&self) {
        self.set.store(true, Ordering::Release);
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Whether a task was woken since the last time.
    pub(super) fn take(&self) -> bool {
        // Acquire pairs with the release in `set`: the poll sees all writes made before the wake.
        self.set.swap(false, Ordering::Acquire)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
        (self.ring)();
    }
}
