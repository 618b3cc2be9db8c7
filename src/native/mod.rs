//! Workers as threads and processes, and the blocking loop of main.

use crate::calls::error::SpawnError;
use crate::calls::failure::panic_message;
use crate::calls::thrown::Thrown;
use crate::calls::turn::{TURN, Turn};
use crate::main::{Main, Runner, Worker, WorkerBuilder};
use crate::worker::{Detached, Ring, Scope, WorkerEndpoint};
use coincide_proto::{Config, Transport};
use coincide_transport_atomics::{self as atomics, Doorbell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::{Child, Command};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

impl Main {
    /// Starts a worker on a thread of its own: see [`WorkerBuilder::spawn`].
    ///
    /// # Errors
    /// When the system refuses a thread or memory.
    pub fn spawn<F>(&self, setup: F) -> Result<Worker, SpawnError>
    where
        F: FnOnce(&Scope) -> Result<(), Thrown> + Send + 'static,
    {
        self.worker().spawn(setup)
    }

    /// Serves the workers until `future` is ready, and returns its output. Sleeps when there is nothing to do.
    ///
    /// # Panics
    /// When called within a turn, for example by a registered function. Register that function by
    /// [`register_async`](crate::Worker::register_async) instead, and await the future there.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let shared = &*self.shared;
        let woken = Arc::new(shared.flag());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        woken.set();
        loop {
            if woken.take()
                && let Poll::Ready(output) = future.as_mut().poll(&mut context)
            {
                return output;
            }
            if let Turn::Idle { timeout } = shared.turn(TURN, &|| woken.is_set()) {
                shared.doorbell.wait(timeout);
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Main {
    /// Readable when there is something to do after an idle turn. Only [`Main::turn`] may read from it.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.shared.doorbell.as_fd()
    }
}

impl WorkerBuilder<'_> {
    /// Starts the worker on a thread of its own. It runs `setup`, then reports that it is ready, then serves its exports
    /// until the link is closed. If `setup` fails or panics, the link is closed with its error as the reason.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses a thread or memory.
    pub fn spawn<F>(self, setup: F) -> Result<Worker, SpawnError>
    where
        F: FnOnce(&Scope) -> Result<(), Thrown> + Send + 'static,
    {
        self.check_name()?;
        let (main_end, worker_end) = atomics::pair(self.rings, Arc::clone(&self.main.doorbell));
        let config = self.worker_config();
        let name = self.name.clone().unwrap_or_else(|| "coincide-worker".into());
        std::thread::Builder::new().name(name).spawn(move || {
            let ringer = worker_end.ringer();
            run(Box::new(worker_end), Arc::new(move || ringer.ring()), config, setup);
        })?;
        Ok(self.connect(Box::new(main_end)))
    }

    /// Creates a link whose worker runs in an event loop of the program, such as an executor on another thread. Move the worker's part
    /// to that thread and [attach](Detached::attach) it there.
    ///
    /// Calls of main wait until it is attached. Dropping the worker's part closes the link.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses the event counter behind the worker's doorbell.
    ///
    /// ```
    /// use coincide::Main;
    ///
    /// let main = Main::new()?;
    /// let (worker, detached) = main.worker().name("executor").detached()?;
    /// let thread = std::thread::spawn(move || {
    ///     let driver = detached.attach();
    ///     driver.scope().export_async("later", |k: i32| async move {
    ///         tokio::task::yield_now().await;
    ///         k + 1
    ///     });
    ///     driver.scope().ready().unwrap();
    ///     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    ///     runtime.block_on(driver.run())
    /// });
    /// assert_eq!(main.block_on(worker.proxy().call::<i32>("later", (41,)))?, 42);
    /// worker.terminate();
    /// thread.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detached(self) -> Result<(Worker, Detached), SpawnError> {
        self.check_name()?;
        let doorbell = Doorbell::new()?;
        let (main_end, worker_end) =
            atomics::pair_of_loops(self.rings, Arc::clone(&self.main.doorbell), Arc::clone(&doorbell));
        let config = self.worker_config();
        Ok((self.connect(Box::new(main_end)), Detached::new(Box::new(worker_end), doorbell, config)))
    }

    /// Starts the worker as a process, on Linux. The program of the process calls [`serve_process`](crate::serve_process).
    ///
    /// The process dies with the worker: it is killed by [`Worker::terminate`] and when main is dropped.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses the process or memory. On other systems, [`SpawnError::System`] of kind
    /// [`Unsupported`](std::io::ErrorKind::Unsupported).
    pub fn spawn_process(self, command: &mut Command) -> Result<Worker, SpawnError> {
        self.check_name()?;
        if let Some(name) = &self.name {
            command.env(NAME_VARIABLE, name);
        }
        let (process, main_end) = atomics::process::spawn(command, self.rings, &self.main.doorbell)?;
        let worker = self.connect(Box::new(main_end));
        worker.endpoint.run_in(process);
        Ok(worker)
    }
}

/// Serves as a worker in a process that [`WorkerBuilder::spawn_process`](crate::WorkerBuilder::spawn_process) has started: runs `setup`, then
/// serves its exports until the link is closed.
///
/// Call it first in `main`. Returns `Ok(true)` when the link is closed. Returns `Ok(false)` in other processes, where `setup` does not run.
///
/// # Errors
/// When the process cannot attach to its link, or `setup` failed.
pub fn serve_process<F>(setup: F) -> Result<bool, Box<dyn std::error::Error>>
where
    F: FnOnce(&Scope) -> Result<(), Thrown>,
{
    let Some(transport) = atomics::process::from_env()? else {
        return Ok(false);
    };
    let name = std::env::var(NAME_VARIABLE).unwrap_or_default();
    let ringer = transport.ringer();
    let config = Config { name, ..Config::default() };
    match run(Box::new(transport), Arc::new(move || ringer.ring()), config, setup) {
        Some(failure) => Err(failure.into()),
        None => Ok(true),
    }
}

/// Runs a worker from its handshake to its end. Returns the error of `setup`.
fn run<F>(transport: Box<dyn Transport>, ring: Ring, config: Config, setup: F) -> Option<String>
where
    F: FnOnce(&Scope) -> Result<(), Thrown>,
{
    let scope = Scope::new(WorkerEndpoint::new(transport, ring, config, None));
    let failure = match catch_unwind(AssertUnwindSafe(|| setup(&scope))) {
        Ok(Ok(())) => {
            scope.serve();
            None
        }
        Ok(Err(thrown)) => Some(thrown.to_string()),
        Err(panic) => Some(format!("the worker panicked: {}", panic_message(&*panic))),
    };
    if let Some(failure) = &failure {
        scope.endpoint.fail(failure);
    }
    // Exports may hold the scope and its proxies, which would leak them.
    scope.endpoint.dismiss();
    failure
}

impl Runner for Child {
    fn end(mut self: Box<Self>, orderly: bool) {
        if orderly {
            // The process may take long to exit, and main must not wait for it. If no thread can be started, the process remains
            // a zombie until main's process exits.
            let _ = std::thread::Builder::new().name("coincide-reaper".into()).spawn(move || self.wait());
        } else {
            // Both fail only if it has ended already.
            let _ = self.kill();
            let _ = self.wait();
        }
    }
}

/// Environment variable with the name of a worker process.
const NAME_VARIABLE: &str = "COINCIDE_NAME";
