//! JavaScript: memory is a `SharedArrayBuffer`, doorbells ring in an event loop, and there are no processes.

use crate::doorbell::WakerSlot;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) use crate::web::SharedBuffer as SharedMemory;

/// The signal of a [`Doorbell`](crate::Doorbell). One thread rings it and waits for it, so the order of its accesses is plain.
pub(crate) struct Signal {
    rung: AtomicBool,
}

impl Signal {
    pub(crate) fn new(_waker: Arc<WakerSlot>) -> io::Result<Self> {
        Ok(Self { rung: AtomicBool::new(false) })
    }

    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    /// Clears a ring. Never blocks: there is no other thread that could ring.
    pub(crate) fn wait(&self, _timeout: Option<Duration>) -> bool {
        self.rung.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn relay_to_waker(&self) -> io::Result<()> {
        Ok(())
    }
}
