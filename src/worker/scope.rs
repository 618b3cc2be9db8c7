//! A worker's side of its link.

use super::endpoint::WorkerEndpoint;
use super::sync_proxy::SyncProxy;
use crate::calls::endpoint::Endpoint;
use crate::calls::error::Stop;
use crate::calls::functions::{Failure, Function, Handler, RawReply, Reply};
use crate::calls::interface::Interface;
use crate::calls::proxy::Proxy;
use crate::calls::thrown::Thrown;
use coincide_proto::{CloseReason, Closed, Format, SendError};
use serde::de::DeserializeOwned;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// A worker's side of its link: calls functions of main, and exports functions to main.
///
/// It belongs to the worker's thread. Cloning creates another handle. To find leaks, its `Debug` output names the exports, and counts the
/// objects of main that the worker holds and the callbacks that main holds.
///
/// ```
/// use coincide::{Main, Stop, Thrown};
/// use std::time::Duration;
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     let computing = scope.clone();
///     scope.export("compute", move || {
///         for step in 0.. {
///             // Ends the loop when main no longer waits for the result, or terminates the worker.
///             computing.check()?;
///             computing.sync().notify("progress", (step,))?;
///         }
///         Ok::<(), Thrown>(())
///     });
///     Ok::<(), Thrown>(())
/// })?;
/// worker.register("progress", |_step: u64| ());
/// let computation = worker.proxy().with_timeout(Duration::from_millis(50)).call::<()>("compute", ());
/// assert!(main.block_on(computation).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scope {
    pub(crate) endpoint: Rc<WorkerEndpoint>,
}

impl Scope {
    pub(crate) fn new(endpoint: WorkerEndpoint) -> Self {
        let endpoint = Rc::new(endpoint);
        let as_endpoint: Weak<dyn Endpoint> = Rc::downgrade(&endpoint) as _;
        endpoint.host.handles.belong_to(as_endpoint);
        Self { endpoint }
    }

    /// Returns a proxy of main whose calls block.
    pub fn sync(&self) -> SyncProxy {
        SyncProxy::new(&self.endpoint)
    }

    /// Returns a proxy of main whose calls are awaited.
    ///
    /// It is for asynchronous code in the worker, and for workers that cannot block because frames reach them only in their event loop. The
    /// futures make progress while the worker serves, and while it is blocked in a call.
    pub fn proxy(&self) -> Proxy {
        Proxy::new(Rc::clone(&self.endpoint) as Rc<dyn Endpoint>)
    }

    /// Exports a function to main. It replaces the one of the same name.
    ///
    /// It runs when the worker serves, and also while the worker is blocked in a call of main.
    pub fn export<Args, Kind, H>(&self, name: &str, function: H)
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        self.insert(name, Function::plain(function));
    }

    /// Exports a function that returns a future.
    ///
    /// Futures run only when the worker serves. Calls that arrive while it is blocked are deferred until then. The function of main for which
    /// the worker is blocked may have made such a call. If it has not returned within
    /// [`Config::deadlock_timeout`](crate::Config::deadlock_timeout), it is assumed to wait for the call. The call then ends with
    /// [`CallErrorKind::Deadlock`](crate::CallErrorKind::Deadlock), and the export is not run.
    pub fn export_async<Args, Kind, H>(&self, name: &str, function: H)
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        self.insert(name, Function::asynchronous(function));
    }

    /// Exports a function of bytes, called with [`Proxy::call_bytes`](crate::Proxy::call_bytes). The buffer contains its argument, and receives its result.
    pub fn export_bytes(&self, name: &str, function: impl Fn(&mut Vec<u8>) -> Result<(), Thrown> + 'static) {
        self.insert(name, Function::bytes(function));
    }

    /// Exports a function of payloads (see [`raw`](crate::raw)). It takes its arguments as a slice and appends its result to the
    /// buffer, or answers later.
    pub fn export_raw(
        &self,
        name: &str,
        function: impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static,
    ) {
        self.insert(name, Function::raw(function));
    }

    /// Removes an export. Returns whether the name was exported.
    ///
    /// ```
    /// # let main = coincide::Main::new()?;
    /// let worker = main.spawn(|scope| {
    ///     scope.export("setup", || ());
    ///     assert!(scope.unexport("setup"));
    ///     assert!(!scope.unexport("setup"));
    ///     Ok(())
    /// })?;
    /// assert_eq!(main.block_on(worker.ready())?, Vec::<String>::new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unexport(&self, name: &str) -> bool {
        self.endpoint.host.remove(name)
    }

    /// Exports all functions of a typed interface (see [`interface!`](crate::interface!)).
    pub fn export_interface(&self, interface: Interface) {
        for (name, function) in interface.functions {
            self.insert(name, function);
        }
    }

    /// Runs a future when the worker serves.
    ///
    /// A call of [`sync`](Self::sync) in the future blocks the worker. On the tier `suspending` it suspends this future only; futures of other executors,
    /// such as `spawn_local`, cannot make such calls there.
    ///
    /// ```
    /// # use coincide::Main;
    /// # let main = Main::new()?;
    /// let worker = main.spawn(|scope| {
    ///     let (sync, own) = (scope.sync(), scope.clone());
    ///     scope.export("begin", move || {
    ///         let sync = sync.clone();
    ///         own.spawn(async move { sync.call::<()>("done", ()).expect("main is there") });
    ///     });
    ///     Ok(())
    /// })?;
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// worker.register("done", move || sender.send(()).expect("the test waits"));
    /// main.block_on(worker.proxy().call::<()>("begin", ()))?;
    /// while receiver.try_recv().is_err() {
    ///     let _ = main.turn(std::time::Duration::from_millis(1));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.endpoint.when_idle(task);
    }

    /// Releases references to objects of main that were received in payloads. Each id is listed as often as it was received.
    ///
    /// # Errors
    /// When the link is closed, or the list is longer than main accepts in one message.
    pub fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.endpoint.host.release(references)?;
        self.endpoint.flush();
        Ok(())
    }

    /// Adds a listener for references that main releases. It receives each id once for each release.
    /// Listeners are called in the order in which they were added.
    pub fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.endpoint.host.on_released(listener);
    }

    /// Sets the budget in bytes for all bodies in flight of this worker; see [`Main::set_memory_budget`](crate::Main::set_memory_budget), which
    /// has the same default.
    pub fn set_memory_budget(&self, bytes: usize) {
        if let Some(budget) = self.endpoint.host.engine.borrow().session().budget() {
            budget.set_limit(bytes);
        }
    }

    /// Reports to main that the worker is ready, with the names of its exports. [`serve`](Self::serve) calls it. Idempotent.
    ///
    /// # Errors
    /// When the names of the exports can't be sent.
    pub fn ready(&self) -> Result<(), SendError> {
        self.endpoint.ready()
    }

    /// Serves the exports until the link is closed. Returns which end closed it, and why.
    pub fn serve(&self) -> Closed {
        self.endpoint.serve()
    }

    /// Checks whether the worker has to stop. Call it regularly in a long computation: it takes a few nanoseconds if nothing is pending.
    ///
    /// # Errors
    /// - [`Stop::Interrupted`] once for each interrupt.
    /// - [`Stop::Closed`] once the link is closed.
    /// - [`Stop::Cancelled`] when main has cancelled the call that this code runs for, or a call on whose behalf main made that one. Each running
    ///   function receives it once: by `check`, [`sleep`](Self::sleep) or the call in which it is blocked, whichever is first.
    pub fn check(&self) -> Result<(), Stop> {
        self.endpoint.check()
    }

    /// Sleeps for `duration` without using the processor. Exports that main calls run during the sleep, as in a blocked call.
    ///
    /// # Errors
    /// [`Stop::Interrupted`], [`Stop::Cancelled`] and [`Stop::Closed`] end the sleep early: see [`check`](Self::check).
    /// [`Stop::CannotBlock`] or [`Stop::CannotSuspend`] when the worker can't wait for main.
    pub fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        self.endpoint.sleep(duration)
    }

    /// Which end closed the link, and why; `None` while it is open.
    pub fn closed(&self) -> Option<Closed> {
        self.endpoint.host.engine.borrow().session().closed().cloned()
    }

    /// Closes the link with the reason [`CloseReason::DONE`](crate::CloseReason::DONE), after everything queued has been sent.
    pub fn close(&self) {
        self.endpoint.close(CloseReason::DONE, "");
    }

    /// Closes the link because the worker cannot continue, for example because its language runtime is missing. Pending calls of main
    /// fail with `why`. While the setup function is still running, return `Err` from it instead.
    pub fn fail(&self, why: &str) {
        self.endpoint.fail(why);
    }

    fn insert(&self, name: &str, function: Function) {
        self.endpoint.host.insert(name, function);
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = self.endpoint.host.engine.borrow();
        let reflection = self.endpoint.reflection.borrow();
        let (objects, callbacks) = reflection.as_ref().map_or((0, 0), |reflection| reflection.sizes());
        f.debug_struct("Scope")
            .field("exports", &engine.names().collect::<Vec<_>>())
            .field("objects", &objects)
            .field("callbacks", &callbacks)
            .finish_non_exhaustive()
    }
}
