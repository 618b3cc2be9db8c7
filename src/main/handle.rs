//! Main's handle of a worker.

use super::endpoint::{MainEndpoint, ready};
use super::shared_proxy::SharedProxy;
use crate::calls::endpoint::Endpoint;
use crate::calls::error::LinkClosed;
use crate::calls::functions::{Failure, Function, Handler, RawReply, Reply};
use crate::calls::interface::Interface;
use crate::calls::proxy::Proxy;
use crate::calls::thrown::Thrown;
use coincide_proto::{CloseReason, Closed, Format, SendError};
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// Main's handle of a worker. Cloning creates another handle. The worker keeps running when all handles are dropped.
///
/// ```
/// use coincide::{CallErrorKind, Main, Thrown};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("shout", |text: String| text.to_uppercase());
///     Ok::<(), Thrown>(())
/// })?;
/// // An asynchronous function: the worker stays blocked until its future is ready, main does not.
/// worker.register_async("slow", async |name: String| Ok::<_, Thrown>(format!("Hello, {name}")));
/// main.block_on(async {
///     assert_eq!(worker.ready().await?, ["shout"]);
///     assert_eq!(worker.proxy().call::<String>("shout", ("hello",)).await?, "HELLO");
///     worker.terminate();
///     let error = worker.proxy().call::<String>("shout", ("again",)).await.unwrap_err();
///     assert!(matches!(error.kind, CallErrorKind::Closed(_)));
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    pub(crate) endpoint: Rc<MainEndpoint>,
}

impl Worker {
    pub(crate) fn new(endpoint: Rc<MainEndpoint>) -> Self {
        Self { endpoint }
    }

    /// The name given by [`WorkerBuilder::name`](crate::WorkerBuilder::name).
    pub fn name(&self) -> Option<&str> {
        self.endpoint.name()
    }

    /// Registers a function that the worker calls with [`SyncProxy::call`](crate::SyncProxy::call). It replaces the one of the same name.
    ///
    /// It runs in a turn of main and must not block: no worker is served until it returns. It may be registered at any time. A call runs the
    /// function that is registered when it arrives.
    ///
    /// The function is dropped when it is replaced or unregistered, or when the link is closed. A function that captures a clone of
    /// [`Main`](crate::Main) therefore keeps main and all its workers alive, even if no other handle is left. To end them,
    /// [`terminate`](Self::terminate) the worker, or [`unregister`](Self::unregister) the function. The same applies to the other kinds of
    /// functions below, and to listeners of [`on_released`](Self::on_released). A captured clone of a `Worker` keeps nothing alive once main
    /// is dropped.
    pub fn register<Args, Kind, H>(&self, name: &str, function: H)
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        self.insert(name, Function::plain(function));
    }

    /// Registers a function that returns a future. The worker is blocked until it resolves, main is not.
    pub fn register_async<Args, Kind, H>(&self, name: &str, function: H)
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        self.insert(name, Function::asynchronous(function));
    }

    /// Registers a function of bytes, called with [`SyncProxy::call_bytes`](crate::SyncProxy::call_bytes). The buffer contains its argument, and receives its result.
    pub fn register_bytes(&self, name: &str, function: impl Fn(&mut Vec<u8>) -> Result<(), Thrown> + 'static) {
        self.insert(name, Function::bytes(function));
    }

    /// Registers a function of payloads (see [`raw`](crate::raw)). It takes its arguments as a slice and appends its result to the
    /// buffer, or answers later.
    pub fn register_raw(
        &self,
        name: &str,
        function: impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static,
    ) {
        self.insert(name, Function::raw(function));
    }

    /// Registers all functions of a typed interface (see [`interface!`](crate::interface!)).
    pub fn register_interface(&self, interface: Interface) {
        for (name, function) in interface.functions {
            self.insert(name, function);
        }
    }

    /// Removes a function. Returns whether the name was registered.
    pub fn unregister(&self, name: &str) -> bool {
        self.endpoint.host.remove(name)
    }

    /// Returns a proxy whose calls of the worker's exports are awaited.
    pub fn proxy(&self) -> Proxy {
        Proxy::new(Rc::clone(&self.endpoint) as Rc<dyn Endpoint>)
    }

    /// Returns a proxy of the worker for other threads, and for tasks that executors move between threads.
    pub fn shared_proxy(&self) -> SharedProxy {
        SharedProxy::new(self.endpoint.address())
    }

    /// Waits until the worker is ready: its setup function has returned, or it has called [`Scope::ready`](crate::Scope::ready). Returns the names of its exports.
    ///
    /// # Errors
    /// When the link is closed before the worker is ready: it failed, was terminated, or crashed.
    pub fn ready(&self) -> impl Future<Output = Result<Vec<String>, LinkClosed>> + use<> {
        ready(Rc::clone(&self.endpoint))
    }

    /// Releases references to objects of the worker that were received in payloads. Each id is listed as often as it was received.
    ///
    /// # Errors
    /// When the link is closed, or the list is longer than the worker accepts in one message.
    pub fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.endpoint.host.release(references)?;
        self.endpoint.flush();
        Ok(())
    }

    /// Adds a listener for references that the worker releases. It receives each id once for each release.
    /// Listeners are called in the order in which they were added, and dropped when the link is closed.
    pub fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.endpoint.host.on_released(listener);
    }

    /// Interrupts the worker: the call in which it is blocked ends with
    /// [`CallErrorKind::Interrupted`](crate::CallErrorKind::Interrupted). If it computes, its next [`Scope::check`](crate::Scope::check) or call does.
    /// No-op on a worker that serves.
    pub fn interrupt(&self) {
        self.endpoint.host.engine.borrow_mut().interrupt();
        self.endpoint.flush();
    }

    /// Ends the worker. Every pending call ends with an error at both ends, and the name is free again. A worker process or Web Worker is
    /// killed. A thread can't be killed: its next call or [`Scope::check`](crate::Scope::check) fails. Idempotent.
    pub fn terminate(&self) {
        self.endpoint.terminate();
    }

    /// Closes the link because the program has detected that the worker cannot continue. Pending calls fail with `why`.
    pub fn fail(&self, why: &str) {
        self.endpoint.abort(CloseReason::FAILED, why);
    }

    /// Whether the handshake is complete and the link is not closed.
    pub fn is_open(&self) -> bool {
        self.endpoint.host.engine.borrow().session().is_open()
    }

    /// Which end closed the link, and why; `None` while it is open.
    pub fn closed(&self) -> Option<Closed> {
        self.endpoint.closed()
    }

    fn insert(&self, name: &str, function: Function) {
        self.endpoint.host.insert(name, function);
    }
}
