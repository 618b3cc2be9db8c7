//! Flags that signal work to main.

use coincide_transport_atomics::Doorbell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::thread::ThreadId;

/// Work is pending. Wakers set it, and ring main's doorbell if main may be asleep.
pub(crate) struct Flag {
    set: AtomicBool,
    doorbell: Arc<Doorbell>,
    thread: Arc<Thread>,
}

impl Flag {
    pub(super) fn new(doorbell: &Arc<Doorbell>, thread: &Arc<Thread>) -> Self {
        Self { set: AtomicBool::new(false), doorbell: Arc::clone(doorbell), thread: Arc::clone(thread) }
    }

    pub(crate) fn set(&self) {
        // Release pairs with the acquire in `take`: the poll sees all writes made before the wake.
        self.set.store(true, Ordering::Release);
    }

    /// Sets the flag and rings the doorbell, unless main checks the flag anyway.
    pub(super) fn raise(&self) {
        // The first to set it rings. Release pairs with the acquire in `take`.
        if !self.set.swap(true, Ordering::AcqRel) && !self.thread.is_turning_here() {
            self.doorbell.ring();
        }
    }

    /// Whether the caller is main's thread.
    pub(super) fn is_here(&self) -> bool {
        self.thread.is_here()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> bool {
        self.is_set() && self.set.swap(false, Ordering::Acquire)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
        if !self.thread.is_turning_here() {
            self.doorbell.ring();
        }
    }
}

/// The thread that drives main.
pub(crate) struct Thread {
    id: ThreadId,
    /// Written by that thread alone, so relaxed accesses suffice: it sees its own writes, and for others it is a hint.
    turning: AtomicBool,
}

impl Thread {
    /// The current thread.
    pub(super) fn new() -> Self {
        Self { id: std::thread::current().id(), turning: AtomicBool::new(false) }
    }

    /// Begins a turn. `false`: one is being taken.
    pub(super) fn begin(&self) -> bool {
        !self.turning.swap(true, Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.turning.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_turning(&self) -> bool {
        self.turning.load(Ordering::Relaxed)
    }

    fn is_here(&self) -> bool {
        std::thread::current().id() == self.id
    }

    /// Whether the caller runs inside a turn. Main then checks its flags before it sleeps.
    fn is_turning_here(&self) -> bool {
        self.is_turning() && self.is_here()
    }
}
