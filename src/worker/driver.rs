//! A worker in an event loop.

use super::endpoint::WorkerEndpoint;
use super::ring::Ring;
use super::scope::Scope;
use crate::calls::turn::{TURN, Turn, take_turns};
use coincide_proto::{Closed, Config, Transport};
use coincide_transport_atomics::Doorbell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Drives a worker that shares an event loop with other work.
///
/// Either [`run`](Self::run) it in an executor, or call [`turn`](Self::turn) from a loop of your own. The next turn is due when the last one
/// returned [`Turn::More`], when its timeout has passed, or when the worker is woken. Then the file descriptor of
/// [`as_fd`](std::os::fd::AsFd::as_fd) is readable (Linux), and the waker given to [`set_waker`](Self::set_waker) was called.
///
/// Exports run in turns, asynchronous ones as well. A call of a [`SyncProxy`](crate::SyncProxy) blocks the whole loop, as it blocks any
/// worker. Calls of [`Scope::proxy`] do not.
///
/// Dropping the driver closes the link: pending calls of both ends fail with [`Closed`](crate::CallErrorKind::Closed).
///
/// ```
/// use coincide::{Main, Turn};
/// use std::time::Duration;
///
/// // Both ends on one thread, which takes turns of both.
/// let main = Main::new()?;
/// let (worker, detached) = main.worker().detached()?;
/// let driver = detached.attach();
/// driver.scope().export("double", |number: u32| 2 * number);
/// driver.scope().ready()?;
/// let mut call = Box::pin(worker.proxy().call::<u32>("double", (21,)));
/// let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// let doubled = loop {
///     let _: Turn = driver.turn(Duration::from_millis(1));
///     let _: Turn = main.turn(Duration::from_millis(1));
///     if let std::task::Poll::Ready(result) = call.as_mut().poll(&mut context) {
///         break result?;
///     }
/// };
/// assert_eq!(doubled, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the link is closed when its driver is dropped"]
pub struct Driver {
    scope: Scope,
    doorbell: Arc<Doorbell>,
}

impl Scope {
    /// Attaches to a link and returns its driver, for an event loop. For links between threads, use
    /// [`WorkerBuilder::detached`](crate::WorkerBuilder::detached).
    ///
    /// The transport rings `doorbell` where it would otherwise wake a thread, and its `wait` returns when the doorbell is rung.
    pub fn attach(transport: Box<dyn Transport>, doorbell: Arc<Doorbell>, config: Config) -> Driver {
        let rung = Arc::clone(&doorbell);
        Driver::new(transport, Arc::new(move || rung.ring()), doorbell, config)
    }
}

impl Driver {
    /// `ring` wakes the worker wherever it sleeps, in its loop or in a blocked call.
    pub(crate) fn new(transport: Box<dyn Transport>, ring: Ring, doorbell: Arc<Doorbell>, config: Config) -> Self {
        let scope = Scope::new(WorkerEndpoint::new(transport, ring, config, Some(Arc::clone(&doorbell))));
        Self { scope, doorbell }
    }

    /// Creates a driver whose code is suspended where it would block.
    #[cfg(all(target_family = "wasm", feature = "suspending"))]
    pub(crate) fn suspending(
        transport: Box<dyn Transport>,
        ring: Ring,
        doorbell: Arc<Doorbell>,
        config: Config,
        suspender: Box<dyn super::Suspender>,
    ) -> Self {
        let endpoint =
            WorkerEndpoint::suspending(transport, ring, config, Some(Arc::clone(&doorbell)), Some(suspender));
        Self { scope: Scope::new(endpoint), doorbell }
    }

    /// Returns the worker's side of the link. Call [`ready`](Scope::ready) on it when the worker is ready.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the doorbell that requests turns of the event loop.
    pub fn doorbell(&self) -> &Arc<Doorbell> {
        &self.doorbell
    }

    /// Sets the waker that is woken when there is work after an idle turn. `None` removes it.
    ///
    /// # Errors
    /// When the system refuses the thread that wakes on behalf of other processes.
    pub fn set_waker(&self, waker: Option<Waker>) -> std::io::Result<()> {
        self.doorbell.set_waker(waker)
    }

    /// Serves main until there is nothing to do or `budget` is used up. Does not block, unless an export blocks in a call of main.
    ///
    /// # Panics
    /// When called within a turn, for example by an export.
    pub fn turn(&self, budget: Duration) -> Turn {
        self.scope.endpoint.turn(budget)
    }

    /// Whether the link is closed and all frames have been sent, so that no further turn is needed.
    pub fn is_done(&self) -> bool {
        self.scope.endpoint.is_done()
    }

    /// Takes turns until the link is closed, and lets other tasks of the executor run in between. Returns which end closed the link, and why.
    ///
    /// Its waker replaces that of [`set_waker`](Self::set_waker).
    pub async fn run(self) -> Closed {
        take_turns(Arc::clone(&self.doorbell), || {
            let turn = self.turn(TURN);
            // If this turn has closed the link, the doorbell does not ring again.
            (!self.is_done()).then_some(turn)
        })
        .await;
        self.scope.endpoint.why_closed()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let endpoint = Rc::clone(&self.scope.endpoint);
        endpoint.dismiss();
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Driver {
    /// Readable when there is something to do after an idle turn. Only [`Driver::turn`] may read from it.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.doorbell.as_fd()
    }
}

/// A worker's part of a link that is not driven yet; from [`WorkerBuilder::detached`](crate::WorkerBuilder::detached). It can be moved to the thread of the loop.
#[cfg(not(target_family = "wasm"))]
#[must_use = "the link is closed when the worker's part is dropped"]
pub struct Detached {
    transport: Box<dyn Transport + Send>,
    doorbell: Arc<Doorbell>,
    config: Config,
}

#[cfg(not(target_family = "wasm"))]
impl Detached {
    pub(crate) fn new(transport: Box<dyn Transport + Send>, doorbell: Arc<Doorbell>, config: Config) -> Self {
        Self { transport, doorbell, config }
    }

    /// Attaches to the link on this thread.
    pub fn attach(self) -> Driver {
        Scope::attach(self.transport, self.doorbell, self.config)
    }
}

#[cfg(not(target_family = "wasm"))]
impl std::fmt::Debug for Detached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detached").field("name", &self.config.name).finish_non_exhaustive()
    }
}
