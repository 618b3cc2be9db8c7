//! What wakes a main endpoint: one doorbell for all its links.

use crate::sync::{Mutex, lock};
use crate::sys::Signal;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Wakes main. Main owns one doorbell, and all its links ring it.
///
/// A ring is remembered until somebody waits for it, and several rings count as one. Main [arms](coincide_proto::Transport::arm)
/// all its links before it waits, and disarms them when it is awake. How it waits is its own choice:
///
/// * a thread of its own blocks in [`wait`](Self::wait);
/// * a loop over file descriptors (epoll, tokio's `AsyncFd`) watches the doorbell's descriptor on Linux, which is readable from a ring
///   until the next `wait`;
/// * a future registers its waker by [`set_waker`](Self::set_waker).
///
/// ```
/// use coincide_transport_atomics::Doorbell;
/// use std::time::Duration;
///
/// let doorbell = Doorbell::new()?;
/// doorbell.ring();
/// assert!(doorbell.wait(None));
/// assert!(!doorbell.wait(Some(Duration::ZERO)));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Doorbell {
    signal: Signal,
    waker: Arc<WakerSlot>,
}

impl Doorbell {
    /// A doorbell that nobody has rung yet.
    ///
    /// # Errors
    /// When the operating system has no file descriptor left for it.
    pub fn new() -> io::Result<Arc<Self>> {
        let waker = Arc::new(WakerSlot { waker: Mutex::new(None) });
        Ok(Arc::new(Self { signal: Signal::new(Arc::clone(&waker))?, waker }))
    }

    /// Ends a [`wait`](Self::wait) that goes on or comes next, and wakes the registered waker.
    pub fn ring(&self) {
        self.signal.ring();
        self.waker.wake();
    }

    /// Blocks until the doorbell is rung, which takes the ring back and says `true`, or until `timeout` is over; `None` waits for
    /// ever. May return early with `false`.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        self.signal.wait(timeout)
    }

    /// Registers what is to be woken by each ring from now on, or nothing. A ring that nobody has waited for counts as a
    /// ring from now on.
    ///
    /// Rings of other processes reach a waker through a thread, which is started when both are there for the first time.
    ///
    /// # Errors
    /// When that thread can't be started.
    pub fn set_waker(&self, waker: Option<Waker>) -> io::Result<()> {
        let registers = waker.is_some();
        self.waker.set(waker);
        if registers {
            self.signal.relay_to_waker()?;
            if self.signal.is_rung() {
                self.waker.wake();
            }
        }
        Ok(())
    }

    #[cfg(not(target_family = "wasm"))]
    /// Makes sure that rings of other processes reach a waker that is registered already.
    pub(crate) fn hears_processes(&self) -> io::Result<()> {
        if self.waker.is_empty() { Ok(()) } else { self.signal.relay_to_waker() }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }
}

impl std::fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorbell").finish_non_exhaustive()
    }
}

/// Where the waker of a doorbell is kept, for the doorbell and for those who ring it from outside.
pub(crate) struct WakerSlot {
    waker: Mutex<Option<Waker>>,
}

impl WakerSlot {
    pub(crate) fn wake(&self) {
        // A clone, so that the waker runs without the lock: it may run anything, even drop the doorbell.
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[cfg(not(target_family = "wasm"))]
    fn is_empty(&self) -> bool {
        lock(&self.waker).is_none()
    }

    fn set(&self, waker: Option<Waker>) {
        let old = std::mem::replace(&mut *lock(&self.waker), waker);
        drop(old);
    }
}
