//! The doorbell that wakes an endpoint in an event loop: one for all links of main.

use crate::sync::{Mutex, lock};
use crate::sys::Signal;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Wakes an endpoint in an event loop. All links of a main endpoint ring the same doorbell.
///
/// A ring is remembered until the next wait, and several rings count as one. Main [arms](coincide_proto::Transport::arm)
/// all its links before it waits, and disarms them when it is awake. It can wait in three ways:
///
/// * a dedicated thread blocks in [`wait`](Self::wait);
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
    /// Creates a doorbell that has not been rung.
    ///
    /// # Errors
    /// When the operating system has no file descriptor left for it.
    pub fn new() -> io::Result<Arc<Self>> {
        let waker = Arc::new(WakerSlot { waker: Mutex::new(None) });
        Ok(Arc::new(Self { signal: Signal::new(Arc::clone(&waker))?, waker }))
    }

    /// Ends the current or the next [`wait`](Self::wait), and wakes the registered waker.
    pub fn ring(&self) {
        self.signal.ring();
        self.waker.wake();
    }

    /// Blocks until the doorbell is rung, or until `timeout` is over. `None` waits indefinitely.
    ///
    /// Returns `true` if the doorbell was rung, and clears the ring. May return `false` early.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        self.signal.wait(timeout)
    }

    /// Registers the waker that each ring wakes from now on. `None` removes it. A ring that is still pending wakes
    /// the waker at once.
    ///
    /// Rings of other processes reach a waker through a thread, which starts with the first link to a process that needs it.
    ///
    /// # Errors
    /// When that thread cannot be started.
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
    /// Makes rings of other processes reach a waker that is registered already.
    pub(crate) fn relay_processes(&self) -> io::Result<()> {
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

/// The waker of a doorbell, shared with the thread that relays rings of other processes.
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
