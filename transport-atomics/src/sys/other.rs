//! Any platform that has threads: mutexes and condition variables; no links to other processes.

use crate::doorbell::{Doorbell, WakerSlot};
use crate::layout::Rings;
use crate::region::Region;
use crate::sync::{Condvar, Mutex, lock};
use std::convert::Infallible;
use std::io;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) use crate::region::Region as SharedMemory;

/// Sleeping on a word of shared memory.
pub(crate) struct Parking {
    /// Held from the check of the word until the sleep, and by threads that wake, so that no wake-up is lost in between.
    sleep: Mutex<()>,
    change: Condvar,
}

impl Parking {
    pub(crate) fn threads() -> Self {
        Self { sleep: Mutex::new(()), change: Condvar::new() }
    }

    pub(crate) fn wait(&self, word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let guard = lock(&self.sleep);
        // The lock orders the accesses: a thread that changes the word calls `notify` afterwards.
        if word.load(Ordering::Relaxed) == expected {
            drop(sleep(&self.change, guard, timeout));
        }
    }

    pub(crate) fn notify(&self, _word: &AtomicU32) {
        drop(lock(&self.sleep));
        self.change.notify_all();
    }
}

/// The signal of a [`Doorbell`].
pub(crate) struct Signal {
    rung: Mutex<bool>,
    change: Condvar,
}

impl Signal {
    pub(crate) fn new(_waker: Arc<WakerSlot>) -> io::Result<Self> {
        Ok(Self { rung: Mutex::new(false), change: Condvar::new() })
    }

    pub(crate) fn ring(&self) {
        *lock(&self.rung) = true;
        self.change.notify_all();
    }

    pub(crate) fn is_rung(&self) -> bool {
        *lock(&self.rung)
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut rung = lock(&self.rung);
        if !*rung {
            rung = sleep(&self.change, rung, timeout);
        }
        std::mem::take(&mut *rung)
    }

    pub(crate) fn relay_to_waker(&self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn forget(&self, remote: &RemoteDoorbell) {
        match remote.0 {}
    }
}

/// The doorbell of main in the process at the other end of the link.
#[derive(Clone)]
pub(crate) struct RemoteDoorbell(Infallible);

impl RemoteDoorbell {
    pub(crate) fn ring(&self) {
        match self.0 {}
    }
}

/// A link that no other process has taken yet.
pub(crate) struct Prepared {
    pub(crate) region: Region,
    pub(crate) remote: RemoteDoorbell,
    pub(crate) life: Life,
    pub(crate) handover: Handover,
}

pub(crate) fn prepare(_config: &Rings, _doorbell: &Doorbell) -> io::Result<Prepared> {
    Err(unsupported())
}

/// What a child inherits.
pub(crate) struct Handover(Infallible);

impl Handover {
    pub(crate) fn spawn(self, _command: &mut Command) -> io::Result<Child> {
        match self.0 {}
    }
}

/// A link that the parent process created.
pub(crate) struct Inherited {
    pub(crate) region: Region,
    pub(crate) len: usize,
    pub(crate) remote: RemoteDoorbell,
    pub(crate) life: Life,
    pub(crate) maker: Option<Process>,
}

pub(crate) fn inherit() -> io::Result<Option<Inherited>> {
    Err(unsupported())
}

/// The connection that ends when a process dies.
#[derive(Clone)]
pub(crate) struct Life(Infallible);

impl Life {
    pub(crate) fn wait_for_end(&self, _peer: Option<&Process>) {
        match self.0 {}
    }

    pub(crate) fn end(&self) {
        match self.0 {}
    }
}

/// A process whose death ends a link.
pub(crate) struct Process(Infallible);

impl Process {
    pub(crate) fn child(_child: &Child) -> Self {
        unreachable!("no child was started")
    }
}

fn sleep<'a, T>(
    change: &Condvar,
    guard: crate::sync::MutexGuard<'a, T>,
    timeout: Option<Duration>,
) -> crate::sync::MutexGuard<'a, T> {
    match timeout {
        None => change.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner),
        Some(timeout) => change.wait_timeout(guard, timeout).unwrap_or_else(std::sync::PoisonError::into_inner).0,
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "links to other processes are there on Linux only, so far")
}
