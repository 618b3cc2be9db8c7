//! What main holds of a worker, and how it starts one.

use crate::end::End;
use crate::exports::Exports;
use crate::functions::{Function, Handler, Reply};
use crate::interface::Interface;
use crate::link::{Link, ready};
use crate::pending::Caller;
use crate::raw::{Failure, Format, RawReply};
use crate::{Closed, LinkClosed, Main, SendError, SpawnError, Thrown};
use coincide_proto::{CallId, CloseReason, Config, Role, Session, Transport};
use coincide_transport_atomics::LinkConfig;
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// Main's handle of a worker. Cloning gives another handle; dropping them all leaves the worker running.
#[derive(Clone, Debug)]
pub struct Worker {
    pub(crate) link: Rc<Link>,
}

impl Worker {
    pub(crate) fn new(link: Rc<Link>) -> Self {
        Self { link }
    }

    /// The name given by [`WorkerBuilder::name`].
    pub fn name(&self) -> Option<&str> {
        self.link.name()
    }

    /// Registers a function that the worker calls with [`Sync::call`](crate::Sync::call), in place of the one that had the name before.
    ///
    /// It runs in a turn of main and must return at once. It may be registered at any time; a call finds what is registered then.
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

    /// Registers a function of bytes, called with [`Sync::call_bytes`](crate::Sync::call_bytes): it finds its argument in the buffer and leaves its result there.
    pub fn register_bytes(&self, name: &str, function: impl Fn(&mut Vec<u8>) -> Result<(), Thrown> + 'static) {
        self.insert(name, Function::bytes(function));
    }

    /// Registers a function of payloads (see [`raw`](crate::raw)): it finds its arguments in the slice and appends its result to the
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

    /// Removes a function. `false`: there was none of that name.
    pub fn unregister(&self, name: &str) -> bool {
        self.link.end.remove(name)
    }

    /// The functions that the worker exports.
    pub fn exports(&self) -> Exports {
        Exports::new(Rc::clone(&self.link) as Rc<dyn Caller>)
    }

    /// Waits until the worker has run its own code; gives the names of its exports.
    ///
    /// # Errors
    /// When the link is closed before: the worker failed, was terminated, or crashed.
    pub fn ready(&self) -> impl Future<Output = Result<Vec<String>, LinkClosed>> + use<> {
        ready(Rc::clone(&self.link))
    }

    /// Tells the worker that references of its objects, which have come in payloads, are not held here any more: each id once for each time
    /// that it has come.
    ///
    /// # Errors
    /// When the link is closed, or there are more of them than the worker takes in one message.
    pub fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.link.end.release(references)?;
        self.link.flush();
        Ok(())
    }

    /// Adds a listener for the references that the worker no longer holds: it receives each id once for each time that the worker gives
    /// it back. Listeners are called in the order in which they were added, and dropped when the link is closed.
    pub fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.link.end.on_released(listener);
    }

    /// Asks the worker to abandon what it is doing: the call in which it is blocked ends with
    /// [`CallError::Interrupted`](crate::CallError::Interrupted); if it computes, its next [`Scope::check`](crate::Scope::check) or call says so.
    pub fn interrupt(&self) {
        self.link.end.engine.borrow_mut().interrupt();
        self.link.flush();
    }

    /// The call of an export that was made last, by its id on the wire; 0 if there is none.
    pub fn latest_call(&self) -> u32 {
        self.link.end.latest.get().map_or(0, CallId::to_wire)
    }

    /// Whether the worker has not answered the call with this id on the wire, which may have ended here.
    pub fn is_unanswered(&self, call: u32) -> bool {
        self.link.end.engine.borrow().session().is_unanswered(call)
    }

    /// Ends the worker: every pending call ends with an error on both sides, the name is free again, and a worker process is
    /// killed. A thread can't be killed: it sees the end at its next call or [`Scope::check`](crate::Scope::check). Twice is fine.
    pub fn terminate(&self) {
        self.link.terminate();
    }

    /// Ends the link because the worker can't go on, as whoever runs it knows: all that is awaited of it fails, with `why`.
    pub fn fail(&self, why: &str) {
        self.link.abort(CloseReason::FAILED, why);
    }

    /// Whether both ends have greeted each other, and the link is not closed.
    pub fn is_open(&self) -> bool {
        self.link.end.engine.borrow().session().is_open()
    }

    /// Who closed the link, and why; `None` while it is open.
    pub fn closed(&self) -> Option<Closed> {
        self.link.closed()
    }

    fn insert(&self, name: &str, function: Function) {
        self.link.end.insert(name, function);
    }
}

/// Settings of a worker that is about to start; from [`Main::worker`].
#[derive(Debug)]
#[must_use = "nothing is started before `spawn`, `spawn_process` or `attach`"]
pub struct WorkerBuilder<'a> {
    pub(crate) main: &'a Main,
    pub(crate) name: Option<String>,
    pub(crate) session: Config,
    pub(crate) link: LinkConfig,
}

impl<'a> WorkerBuilder<'a> {
    pub(crate) fn new(main: &'a Main) -> Self {
        Self { main, name: None, session: Config::default(), link: LinkConfig::default() }
    }

    /// Gives the worker a name, under which [`Main::workers`] finds it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the limits of both ends.
    pub fn limits(mut self, limits: Config) -> Self {
        self.session = limits;
        self
    }

    /// Sets the sizes of the rings.
    pub fn rings(mut self, rings: LinkConfig) -> Self {
        self.link = rings;
        self
    }

    /// Takes a worker on whose end of `transport` somebody else looks after.
    ///
    /// The transport must ring the bell of this main endpoint when it is armed, or main must be turned often enough.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn attach(self, transport: Box<dyn Transport>) -> Result<Worker, SpawnError> {
        self.check_name()?;
        Ok(self.connect(transport))
    }

    /// The limits of the worker's end, which introduces itself by its name.
    pub(crate) fn worker_limits(&self) -> Config {
        Config { name: self.name.clone().unwrap_or_default(), ..self.session.clone() }
    }

    pub(crate) fn check_name(&self) -> Result<(), SpawnError> {
        self.name.as_ref().map_or(Ok(()), |name| self.main.shared.names.check(name))
    }

    pub(crate) fn connect(self, transport: Box<dyn Transport>) -> Worker {
        let main = &self.main.shared;
        let session = Session::new(Role::Main, self.session).with_budget(&main.budget);
        let link = Rc::new(Link::new(End::new(session, transport), main, self.name));
        main.add(Rc::clone(&link));
        if let Some(name) = link.name() {
            main.names.insert(name, &link);
        }
        Worker::new(link)
    }
}
