//! Main: the endpoint that never blocks, with a handle for each of its workers.

mod builder;
mod endpoint;
mod flag;
mod handle;
mod mailbox;
mod names;
mod pool;
mod queue;
mod shared_proxy;
mod turns;
mod workers;

pub use builder::WorkerBuilder;
pub use handle::Worker;
pub use pool::{Pool, PoolFuture, PoolProxy};
pub use shared_proxy::{SharedFuture, SharedProxy};
pub use workers::Workers;

#[cfg(target_family = "wasm")]
pub(crate) use endpoint::MainEndpoint;
pub(crate) use endpoint::Runner;
pub(crate) use turns::Shared;

use crate::calls::turn::{self, TURN, Turn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The main endpoint: it serves any number of workers on one thread and never blocks in a call.
///
/// Workers are served only while main is driven, in one of these ways:
/// - [`block_on`](Self::block_on) waits for a future and serves workers until it is ready.
/// - [`run`](Self::run) is a future for the executor of the program, such as tokio's, or `wasm_bindgen_futures` on a page.
/// - An event loop of your own calls [`turn`](Self::turn). The next turn is due when the last one returned [`Turn::More`], when its timeout has
///   passed, or when main is woken. Then the file descriptor of [`as_fd`](std::os::fd::AsFd::as_fd) is readable (Linux), and the waker given
///   to [`set_waker`](Self::set_waker) was called.
///
/// Cloning creates another handle of the same endpoint. When the last one is dropped, its workers are terminated. A clone that a registered
/// function has captured counts: see [`Worker::register`](crate::Worker::register).
///
/// ```
/// use coincide::{Main, Thrown};
/// use std::time::Duration;
///
/// let main = Main::new()?;
/// let squares: Vec<_> = (1..=3)
///     .map(|number| {
///         let worker = main.spawn(move |scope| {
///             let square: u64 = scope.sync().call("square", (number,))?;
///             scope.export("result", move || square);
///             Ok::<(), Thrown>(())
///         })?;
///         worker.register("square", |number: u64| number * number);
///         Ok(worker.proxy().with_timeout(Duration::from_secs(60)).call::<u64>("result", ()))
///     })
///     .collect::<Result<_, coincide::SpawnError>>()?;
/// let sum = main.block_on(async {
///     let mut sum = 0;
///     for square in squares {
///         sum += square.await?;
///     }
///     Ok::<_, coincide::CallError>(sum)
/// })?;
/// assert_eq!(sum, 14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Main {
    pub(crate) shared: Rc<Shared>,
}

impl Main {
    /// Creates a main endpoint without workers.
    ///
    /// # Errors
    /// When the system refuses the event counter behind the doorbell.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { shared: Rc::new(Shared::new()?) })
    }

    /// Returns a builder that starts a worker with a name or other settings.
    pub fn worker(&self) -> WorkerBuilder<'_> {
        WorkerBuilder::new(&self.shared)
    }

    /// Returns the workers by name.
    pub fn workers(&self) -> Workers {
        Workers::new(Rc::clone(&self.shared))
    }

    /// Sets the budget in bytes for the bodies in flight of all links. Bodies that arrive in parts count as far as they have arrived, and
    /// bodies that wait to be sent count as a whole. The first 64 KiB of each link are free. A body that exceeds the budget ends its call with
    /// [`CallErrorKind::OutOfMemory`](crate::CallErrorKind::OutOfMemory) at the worker, or [`SendError::OutOfMemory`](crate::SendError::OutOfMemory)
    /// here; the link stays open.
    ///
    /// Default: 1 GiB on wasm, a quarter of its address space. Natively `usize::MAX`, which is no limit: set one if the program
    /// does not trust its workers.
    pub fn set_memory_budget(&self, bytes: usize) {
        self.shared.budget.set_limit(bytes);
    }

    /// Sets the waker that is woken when there is something to do after an idle turn. `None` removes it.
    ///
    /// # Errors
    /// When the system refuses the thread that wakes on behalf of worker processes.
    pub fn set_waker(&self, waker: Option<Waker>) -> std::io::Result<()> {
        self.shared.doorbell.set_waker(waker)
    }

    /// Wakes the loop that drives main, which then takes a turn.
    pub fn ring(&self) {
        self.shared.doorbell.ring();
    }

    /// Serves the workers without blocking until there is nothing to do or `budget` is used up. Returns early when a task that waits for a
    /// worker was woken.
    ///
    /// # Panics
    /// When called within a turn, for example by a registered function.
    pub fn turn(&self, budget: Duration) -> Turn {
        self.shared.turn(budget, &|| false)
    }
}

impl Main {
    /// Drives main while a handle of it exists: takes turns when work is pending, and lets other tasks of the executor run in between.
    ///
    /// Main stays on its thread, so the executor must be a local one, such as tokio's `LocalSet` or its current-thread runtime. The future
    /// replaces the waker of [`set_waker`](Self::set_waker).
    ///
    /// ```
    /// use coincide::Main;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let main = Main::new()?;
    /// let worker = main.spawn(|scope| {
    ///     scope.export("double", |k: i32| 2 * k);
    ///     Ok(())
    /// })?;
    /// tokio::select! {
    ///     doubled = worker.proxy().call::<i32>("double", (21,)) => assert_eq!(doubled?, 42),
    ///     () = main.run() => unreachable!("there is a handle of main"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&self) -> impl Future<Output = ()> + use<> {
        let shared = Rc::downgrade(&self.shared);
        turn::take_turns(Arc::clone(&self.shared.doorbell), move || Some(shared.upgrade()?.turn(TURN, &|| false)))
    }
}

impl std::fmt::Debug for Main {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Main").field("workers", &self.shared.endpoints.borrow()).finish_non_exhaustive()
    }
}
