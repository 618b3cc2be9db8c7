//! The worker's own side: its scope, and the loops in which it waits and serves.

use crate::end::{Effect, End, Task};
use crate::error::{CallError, Stop};
use crate::functions::{Failure, Function, Handler, Reply};
use crate::interface::Interface;
use crate::main_loop::MEMORY_BUDGET;
use crate::payload::EncodeError;
use crate::pending::Caller;
use crate::raw::{RawError, RawReply};
use crate::window::Reflection;
use crate::{CancelToken, Closed, Exports, Sync, Thrown};
use coincide_proto::engine::{self, Action};
use coincide_proto::{Budget, CallId, CloseReason, Config, Format, Outcome, Role, SendError, Session, Transport};
use coincide_transport_atomics::Bell;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use web_time::Instant;

/// What a worker sees of its link: the functions of main, and those that it exports itself.
///
/// It belongs to the worker's thread. Cloning gives another handle.
#[derive(Clone)]
pub struct Scope {
    pub(crate) inner: Rc<Inner>,
}

impl Scope {
    /// `ring` wakes the worker while it waits for the transport.
    pub(crate) fn new(transport: Box<dyn Transport>, ring: Ring, limits: Config, bell: Option<Arc<Bell>>) -> Self {
        let session = Session::new(Role::Worker, limits).with_budget(&Budget::new(MEMORY_BUDGET));
        let inner = Inner {
            end: Rc::new(End::new(session, transport)),
            tasks_woken: Arc::new(Woken { set: AtomicBool::new(false), ring: Arc::clone(&ring) }),
            ring,
            bell,
            closed: Cell::new(false),
            #[cfg(target_family = "wasm")]
            linger: RefCell::new(coincide_transport_atomics::Patience::lingering(crate::main_loop::LINGER)),
            tasks: RefCell::default(),
            reflection: RefCell::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// The functions of main. Calling one blocks.
    pub fn sync(&self) -> Sync {
        Sync::new(self)
    }

    /// The functions of main, awaited: for asynchronous code in the worker, and for workers that can't block because frames reach them
    /// only in their event loop. The futures make progress while the worker serves, and while it is blocked in a call.
    pub fn remote(&self) -> Exports {
        Exports::new(Rc::clone(&self.inner) as Rc<dyn Caller>)
    }

    /// Exports a function to main, in place of the one that had the name before.
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
    /// Futures run only when the worker serves; calls that arrive while it is blocked are deferred until then. If the function of main for
    /// which the worker is blocked made the call, and has not returned within [`Limits::deadlock_timeout`](crate::Limits::deadlock_timeout), it is assumed to wait for the call:
    /// the call ends with [`CallError::Deadlock`] and the function is not run.
    pub fn export_async<Args, Kind, H>(&self, name: &str, function: H)
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        self.insert(name, Function::asynchronous(function));
    }

    /// Exports a function of bytes, called with [`Exports::call_bytes`](crate::Exports::call_bytes): it finds its argument in the buffer and leaves its result there.
    pub fn export_bytes(&self, name: &str, function: impl Fn(&mut Vec<u8>) -> Result<(), Thrown> + 'static) {
        self.insert(name, Function::bytes(function));
    }

    /// Exports a function of payloads (see [`raw`](crate::raw)): it finds its arguments in the slice and appends its result to the
    /// buffer, or answers later.
    pub fn export_raw(
        &self,
        name: &str,
        function: impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static,
    ) {
        self.insert(name, Function::raw(function));
    }

    /// Removes an export. Returns whether the name was exported.
    pub fn unexport(&self, name: &str) -> bool {
        self.inner.end.remove(name)
    }

    /// Exports all functions of a typed interface (see [`interface!`](crate::interface!)).
    pub fn export_interface(&self, interface: Interface) {
        for (name, function) in interface.functions {
            self.insert(name, function);
        }
    }

    /// Tells main that references of its objects, which have come in payloads, are not held here any more: each id once for each time
    /// that it has come.
    ///
    /// # Errors
    /// When the link is closed, or there are more of them than main takes in one message.
    pub fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.inner.end.release(references)?;
        self.inner.flush();
        Ok(())
    }

    /// Adds a listener for the references that main no longer holds: it receives each id once for each time that main gives it back.
    /// Listeners are called in the order in which they were added.
    pub fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.inner.end.on_released(listener);
    }

    /// Sets how many bytes the bodies in flight of this worker may take together; see [`Main::set_memory_budget`](crate::Main::set_memory_budget), which
    /// has the same default.
    pub fn set_memory_budget(&self, bytes: usize) {
        if let Some(budget) = self.inner.end.engine.borrow().session().budget() {
            budget.set_limit(bytes);
        }
    }

    /// Tells main that the worker is ready, and what it exports. [`serve`](Self::serve) does so by itself; only the first time counts.
    ///
    /// # Errors
    /// When the names of the exports can't be sent.
    pub fn ready(&self) -> Result<(), SendError> {
        self.inner.ready()
    }

    /// Serves the exports until the link is closed; gives who closed it, and why.
    pub fn serve(&self) -> Closed {
        self.inner.serve()
    }

    /// Checks whether main wants the worker to stop. Call it now and then in a long computation; it costs a few nanoseconds
    /// while there is nothing.
    ///
    /// # Errors
    /// [`Stop::Interrupted`] once for each interrupt, [`Stop::Closed`] from when the link is closed. [`Stop::Cancelled`] when main has cancelled
    /// the call that this code runs for, or a call on whose behalf main made that one: once for each running function, by `check`,
    /// [`sleep`](Self::sleep) or the call in which it is blocked, whichever is first.
    pub fn check(&self) -> Result<(), Stop> {
        self.inner.check()
    }

    /// Sleeps for `duration` without burning a core; what main calls meanwhile runs there and then, as it does while the worker waits in a call.
    ///
    /// # Errors
    /// [`Stop::Interrupted`], [`Stop::Cancelled`] and [`Stop::Closed`] end the sleep early, as they do in [`check`](Self::check). [`Stop::CannotBlock`] when the worker can't wait for main.
    pub fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        self.inner.sleep(duration)
    }

    /// The call of main that the running function serves, by its id on the wire; 0 if there is none. For runtimes that tell a worker
    /// by other ways than its link that a call is cancelled.
    pub fn current_call(&self) -> u32 {
        self.inner.end.engine.borrow().current().map_or(0, CallId::to_wire)
    }

    /// Who closed the link, and why; `None` while it is open.
    pub fn closed(&self) -> Option<Closed> {
        self.inner.end.engine.borrow().session().closed().cloned()
    }

    /// Closes the link once everything queued has been sent; main sees that the worker is done.
    pub fn close(&self) {
        self.inner.close(CloseReason::DONE, "");
    }

    /// Closes the link because the worker can't do what it is there for, such as when a runtime that it starts is missing: all that main
    /// awaits of it fails, with `why`. Prefer an `Err` of the worker's own code where that still runs.
    pub fn fail(&self, why: &str) {
        self.inner.fail(why);
    }

    fn insert(&self, name: &str, function: Function) {
        self.inner.end.insert(name, function);
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = self.inner.end.engine.borrow();
        f.debug_struct("Scope").field("exports", &engine.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) end: Rc<End>,
    ring: Ring,
    /// The bell of the event loop that the worker lives in, if it does.
    bell: Option<Arc<Bell>>,
    /// The end of the link has been handled.
    closed: Cell<bool>,
    #[cfg(target_family = "wasm")]
    linger: RefCell<coincide_transport_atomics::Patience>,
    tasks: RefCell<FuturesUnordered<Task>>,
    tasks_woken: Arc<Woken>,
    /// What the worker has of main's objects, if it has ever had any.
    pub(crate) reflection: RefCell<Option<Rc<dyn Reflection>>>,
}

/// Wakes a worker that waits, from any thread.
pub(crate) type Ring = Arc<dyn Fn() + Send + std::marker::Sync>;

impl Inner {
    /// Calls a function of main and waits for its result.
    pub(crate) fn call(
        &self,
        function: &str,
        timeout: Option<Duration>,
        cancel: Option<&CancelToken>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, EncodeError>,
    ) -> Result<(Format, Vec<u8>), RawError> {
        {
            let mut engine = self.end.engine.borrow_mut();
            match engine.take_stop() {
                Some(engine::Stop::Interrupted) => {
                    return Err(CallError::Interrupted { function: function.into() }.into());
                }
                Some(engine::Stop::Cancelled) => return Err(CallError::Cancelled { function: function.into() }.into()),
                Some(engine::Stop::Closed) | None => {}
            }
            if !engine.can_wait() {
                return Err(CallError::CannotBlock { function: function.into() }.into());
            }
        }
        let id = self.end.call(function, timeout, encode)?;
        self.end.engine.borrow_mut().wait_for(id);
        let outcome = self.wait_for(id, cancel);
        self.look_again();
        match outcome {
            Outcome::Returned { format, payload } => Ok((format, payload)),
            outcome => Err(RawError::from_outcome(function, outcome, self.end.engine.borrow().session())),
        }
    }

    pub(crate) fn notify(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, EncodeError>,
    ) -> Result<(), CallError> {
        self.end.notify(function, encode)?;
        self.end.engine.borrow_mut().drain();
        self.look_again();
        Ok(())
    }

    /// Schedules another turn of the event loop: a wait has taken back what [`turn`](Self::turn) announced.
    fn look_again(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn turn(&self, budget: Duration) -> crate::Turn {
        use crate::Turn;

        if let Some(bell) = &self.bell {
            bell.wait(Some(Duration::ZERO));
        }
        self.end.engine.borrow_mut().disarm();
        let start = Instant::now();
        let mut answered = false;
        loop {
            self.end.expire();
            match self.end.poll() {
                Some(action) => {
                    self.perform(action);
                    answered = true;
                }
                None if self.poll_tasks() => {}
                None if answered && self.tasks.borrow().is_empty() && self.linger() => {}
                None => {
                    if self.end.engine.borrow_mut().arm() {
                        return Turn::Idle { timeout: self.end.until_deadline() };
                    }
                }
            }
            if start.elapsed() >= budget {
                return Turn::More;
            }
        }
    }

    /// Polls for main's next call a little longer, since an awaited function is often followed by the next call. Returns whether there is input.
    #[cfg(target_family = "wasm")]
    fn linger(&self) -> bool {
        let engine = self.end.engine.borrow();
        self.linger.borrow_mut().wait_until(|| engine.has_input())
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn has_left(&self) -> bool {
        self.end.engine.borrow().has_left()
    }

    /// Performs actions until this call has ended.
    fn wait_for(&self, id: CallId, cancel: Option<&CancelToken>) -> Outcome {
        let _ring = cancel.map(|token| token.ring_on_cancel(Arc::clone(&self.ring)));
        loop {
            match self.end.poll() {
                Some(Action::Settle { call, outcome }) if call == id => return outcome,
                Some(action) => self.perform(action),
                None if cancel.is_some_and(CancelToken::is_cancelled) => self.end.engine.borrow_mut().cancel(id),
                None => self.end.wait(None),
            }
        }
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        {
            let mut engine = self.end.engine.borrow_mut();
            if !engine.can_wait() {
                return Err(Stop::CannotBlock);
            }
            engine.fall_asleep();
        }
        let start = Instant::now();
        let slept = self.sleep_until(|| duration.checked_sub(start.elapsed()).filter(|left| !left.is_zero()));
        self.end.engine.borrow_mut().wake_up();
        self.look_again();
        slept
    }

    /// Sleeps for as long as `left` says.
    fn sleep_until(&self, left: impl Fn() -> Option<Duration>) -> Result<(), Stop> {
        self.stop()?;
        loop {
            let action = self.end.poll();
            let is_idle = action.is_none();
            if let Some(action) = action {
                self.perform(action);
            }
            // An interrupt is no action.
            self.stop()?;
            if is_idle {
                let left = left();
                if left.is_none() {
                    return Ok(());
                }
                self.end.wait(left);
            }
        }
    }

    fn ready(&self) -> Result<(), SendError> {
        self.end.engine.borrow_mut().ready()?;
        self.look_again();
        Ok(())
    }

    fn serve(&self) -> Closed {
        if let Err(error) = self.ready() {
            self.end.engine.borrow_mut().close(CloseReason::FAILED, &error.to_string());
        }
        loop {
            if self.closed.get()
                && let Some(closed) = self.end.engine.borrow().session().closed()
            {
                return closed.clone();
            }
            match self.end.poll() {
                Some(action) => self.perform(action),
                None if self.poll_tasks() => {}
                None => self.end.wait(None),
            }
        }
    }

    fn check(&self) -> Result<(), Stop> {
        self.end.engine.borrow_mut().look();
        loop {
            let action = self.end.engine.borrow_mut().poll_aside();
            match action {
                Some(action) => self.perform(action),
                None => return self.stop(),
            }
        }
    }

    /// Whether the running function is to stop.
    fn stop(&self) -> Result<(), Stop> {
        let mut engine = self.end.engine.borrow_mut();
        match engine.take_stop() {
            None => Ok(()),
            Some(engine::Stop::Interrupted) => Err(Stop::Interrupted),
            Some(engine::Stop::Cancelled) => Err(Stop::Cancelled),
            Some(engine::Stop::Closed) => Err(Stop::Closed(crate::error::closed(engine.session()))),
        }
    }

    /// Runs something short when the worker serves and has nothing else to do.
    pub(crate) fn when_idle(&self, action: impl Future<Output = ()> + 'static) {
        self.spawn(Box::pin(action));
        self.look_again();
    }

    /// Closes the link: the worker's own code has failed.
    pub(crate) fn fail(&self, why: &str) {
        self.close(CloseReason::FAILED, why);
    }

    /// Closes the link after what is queued has been sent, even if that takes until main has made room. Where that can't be waited for,
    /// turns send the rest.
    fn close(&self, reason: CloseReason, text: &str) {
        {
            let mut engine = self.end.engine.borrow_mut();
            engine.close(reason, text);
            engine.drain();
        }
        // What is awaited has ended, and what is left does not run.
        loop {
            let action = self.end.engine.borrow_mut().poll_aside();
            match action {
                Some(action) => self.perform(action),
                None => break,
            }
        }
        self.look_again();
    }

    fn perform(&self, action: Action) {
        match self.end.perform(action) {
            Effect::None | Effect::Ready(_) => {}
            Effect::Spawn(task) => self.spawn(task),
            Effect::Wake(waker) => waker.wake(),
            Effect::Closed(_) => {
                self.closed.set(true);
                let reflection = self.reflection.borrow().clone();
                if let Some(reflection) = reflection {
                    reflection.close();
                }
            }
        }
    }

    fn spawn(&self, task: Task) {
        self.tasks.borrow_mut().push(task);
        self.tasks_woken.set.store(true, Ordering::Release);
    }

    /// Runs asynchronous exports as far as they get. `false`: none was woken.
    fn poll_tasks(&self) -> bool {
        // Acquire pairs with the release in `Woken::wake`: what the waker did before it woke is seen by the poll.
        if !self.tasks_woken.set.swap(false, Ordering::Acquire) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.tasks_woken));
        let mut context = Context::from_waker(&waker);
        let mut tasks = self.tasks.take();
        while let Poll::Ready(Some(())) = tasks.poll_next_unpin(&mut context) {}
        // What was spawned meanwhile waits in a set of its own.
        tasks.extend(self.tasks.take());
        *self.tasks.borrow_mut() = tasks;
        true
    }
}

impl Caller for Inner {
    fn end(&self) -> &End {
        &self.end
    }

    /// The event loop takes a turn in any case, since it may have to wait for room, or for a new deadline.
    fn flush(&self) {
        self.end.engine.borrow_mut().flush();
        self.look_again();
    }
}

/// Wakes the worker's asynchronous exports.
struct Woken {
    set: AtomicBool,
    ring: Ring,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set.store(true, Ordering::Release);
        (self.ring)();
    }
}
