//! The worker's own side: its scope, and the loops in which it waits and serves.

use crate::end::{End, InCall, Served};
use crate::error::{CallError, Stop};
use crate::functions::{Answer, Failure, Function, Handler, Reply};
use crate::interface::Interface;
use crate::main_loop::MEMORY_BUDGET;
use crate::payload::EncodeError;
use crate::pending::Caller;
use crate::port::Port;
use crate::raw::{RawError, RawReply};
use crate::window::Reflection;
use crate::{CancelToken, Closed, Exports, Sync, Thrown, clock};
use coincide_proto::{
    Budget, CallId, CloseReason, ClosedBy, Config, ErrorCode, Event, Format, Outcome, Role, SendError, Session,
    Transport,
};
use coincide_transport_atomics::Bell;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use hashbrown::HashMap;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
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
        let max_depth = limits.max_depth;
        let session = Session::new(Role::Worker, limits).with_budget(&Budget::new(MEMORY_BUDGET));
        let inner = Inner {
            end: Rc::new(End::new(Port::new(session, transport))),
            tasks_woken: Arc::new(Woken { set: AtomicBool::new(false), ring: Arc::clone(&ring) }),
            ring,
            bell,
            max_depth,
            depth: Cell::new(0),
            ready: Cell::new(false),
            interrupted: Cell::new(false),
            closed: RefCell::default(),
            later: RefCell::default(),
            waiting: RefCell::default(),
            sleeps: Cell::new(0),
            ended: RefCell::default(),
            #[cfg(target_family = "wasm")]
            linger: RefCell::new(coincide_transport_atomics::Patience::lingering(crate::main_loop::LINGER)),
            tasks: RefCell::default(),
            running: RefCell::default(),
            reflection: RefCell::default(),
        };
        inner.end.port.borrow_mut().flush();
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

    /// Removes an export. `false`: there was none of that name.
    pub fn unexport(&self, name: &str) -> bool {
        self.inner.end.functions.borrow_mut().remove(name)
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
        if let Some(budget) = self.inner.end.port.borrow().session.budget() {
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
        self.inner.end.current.get().map_or(0, CallId::to_wire)
    }

    /// Who closed the link, and why; `None` while it is open.
    pub fn closed(&self) -> Option<Closed> {
        self.inner.closed.borrow().clone()
    }

    /// Closes the link once everything queued has been sent; main sees that the worker is done.
    pub fn close(&self) {
        self.inner.end.port.borrow_mut().session.close(CloseReason::DONE, "");
        self.inner.drain();
    }

    /// Closes the link because the worker can't do what it is there for, such as when a runtime that it starts is missing: all that main
    /// awaits of it fails, with `why`. Prefer an `Err` of the worker's own code where that still runs.
    pub fn fail(&self, why: &str) {
        self.inner.fail(why);
    }

    fn insert(&self, name: &str, function: Function) {
        self.inner.end.functions.borrow_mut().insert(name, function);
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("exports", &self.inner.end.functions.borrow().names()).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) end: Rc<End>,
    ring: Ring,
    /// The bell of the event loop that the worker lives in, if it does.
    bell: Option<Arc<Bell>>,
    max_depth: u16,
    /// Exports that are running, one inside the other.
    depth: Cell<u16>,
    ready: Cell<bool>,
    interrupted: Cell<bool>,
    closed: RefCell<Option<Closed>>,
    later: RefCell<Later>,
    /// Calls of main in which the worker is blocked, one inside the other.
    waiting: RefCell<Vec<Blocked>>,
    /// Sleeps that have not ended, one inside the other.
    sleeps: Cell<u32>,
    /// Those of the calls that ended while a call inside of them was waited for.
    ended: RefCell<Vec<(CallId, Outcome)>>,
    #[cfg(target_family = "wasm")]
    linger: RefCell<coincide_transport_atomics::Patience>,
    tasks: RefCell<FuturesUnordered<Task>>,
    tasks_woken: Arc<Woken>,
    /// Calls whose functions are among the tasks.
    running: RefCell<HashMap<CallId, Running>>,
    /// What the worker has of main's objects, if it has ever had any.
    pub(crate) reflection: RefCell<Option<Rc<dyn Reflection>>>,
}

/// A call of main in which the worker is blocked.
#[derive(Clone, Copy)]
struct Blocked {
    call: CallId,
    /// The call of main whose function made it.
    caller: Option<CallId>,
}

/// A call whose function is a task.
struct Running {
    abort: AbortHandle,
    /// The call that the task answers; `None` once that has been answered.
    answers: Rc<Cell<Option<CallId>>>,
}

/// Calls and notifications of main that wait, oldest first.
#[derive(Default)]
struct Later {
    /// Came while the worker computed: nobody has looked at them.
    heard: VecDeque<Event>,
    /// For functions that run only when the worker serves.
    deferred: VecDeque<Event>,
    /// For functions that are not there, and may be until the worker is ready.
    early: VecDeque<Event>,
}

impl Later {
    /// `false`: there is no such call.
    fn cancel(&mut self, id: CallId) -> bool {
        [&mut self.heard, &mut self.deferred, &mut self.early].into_iter().any(|events| take(events, id).is_some())
    }

    /// A call that waits for more than the worker's attention.
    fn take_deferred(&mut self, id: CallId) -> Option<(Format, Vec<u8>)> {
        take(&mut self.deferred, id).or_else(|| take(&mut self.early, id))
    }
}

/// Removes a call.
fn take(events: &mut VecDeque<Event>, id: CallId) -> Option<(Format, Vec<u8>)> {
    let index = events.iter().position(|event| matches!(event, Event::Call { id: other, .. } if *other == id))?;
    match events.remove(index) {
        Some(Event::Call { format, payload, .. }) => Some((format, payload)),
        _ => None,
    }
}

/// Wakes a worker that waits, from any thread.
pub(crate) type Ring = Arc<dyn Fn() + Send + std::marker::Sync>;

/// An asynchronous export that runs, for a call or a notification.
type Task = LocalBoxFuture<'static, (Option<CallId>, Answer)>;

impl Inner {
    /// Calls a function of main and waits for its result.
    pub(crate) fn call(
        &self,
        function: &str,
        timeout: Option<Duration>,
        cancel: Option<&CancelToken>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, EncodeError>,
    ) -> Result<(Format, Vec<u8>), RawError> {
        if self.interrupted.take() {
            return Err(CallError::Interrupted { function: function.into() }.into());
        }
        if self.take_cancellation() {
            return Err(CallError::Cancelled { function: function.into() }.into());
        }
        if !self.end.port.borrow().can_wait() {
            return Err(CallError::CannotBlock { function: function.into() }.into());
        }
        let id = self.end.call(function, timeout, encode)?;
        let _ring = cancel.map(|token| token.ring_on_cancel(Arc::clone(&self.ring)));
        self.waiting.borrow_mut().push(Blocked { call: id, caller: self.end.current.get() });
        let outcome = self.wait_for(id, cancel);
        self.waiting.borrow_mut().pop();
        self.look_again();
        match outcome {
            Outcome::Returned { format, payload } => Ok((format, payload)),
            outcome => Err(RawError::from_outcome(function, outcome, &self.end.port.borrow().session)),
        }
    }

    pub(crate) fn notify(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, EncodeError>,
    ) -> Result<(), CallError> {
        self.end.notify(function, encode)?;
        let mut port = self.end.port.borrow_mut();
        port.flush();
        while port.can_wait() && port.is_blocked() && port.session.closed().is_none() {
            port.wait_for_room();
            port.flush();
        }
        drop(port);
        self.look_again();
        Ok(())
    }

    /// A wait has taken back what [`turn`](Self::turn) announced: the event loop has to take another one.
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
        self.end.port.borrow_mut().disarm();
        let start = Instant::now();
        let mut answered = false;
        loop {
            let event = self.next_event();
            match event {
                Some(Event::Interrupted) => {} // There is nothing to abandon.
                Some(event) => {
                    self.handle(event);
                    answered = true;
                }
                None if self.poll_tasks() => {}
                None if answered && self.tasks.borrow().is_empty() && self.linger() => {}
                None => {
                    let mut port = self.end.port.borrow_mut();
                    port.flush();
                    port.expire();
                    if port.arm() {
                        return Turn::Idle { timeout: port.until_deadline() };
                    }
                }
            }
            if start.elapsed() >= budget {
                return Turn::More;
            }
        }
    }

    /// Looks for main's next call a little longer: whoever awaits one function often calls the next at once. `true`: there is something.
    #[cfg(target_family = "wasm")]
    fn linger(&self) -> bool {
        let mut port = self.end.port.borrow_mut();
        port.flush();
        self.linger.borrow_mut().wait_until(|| port.has_input())
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn has_left(&self) -> bool {
        self.end.port.borrow().has_left()
    }

    pub(crate) fn recycle(&self, buffer: Vec<u8>) {
        self.end.port.borrow_mut().session.recycle(buffer);
    }

    fn wait_for(&self, id: CallId, cancel: Option<&CancelToken>) -> Outcome {
        loop {
            match self.next_unseen() {
                Some(Event::Ended { id: ended, outcome }) if ended == id => return outcome,
                Some(event) => {
                    self.handle(event);
                    if let Some(outcome) = self.take_ended(id) {
                        return outcome;
                    }
                    if self.interrupted.take() {
                        self.end.port.borrow_mut().session.interrupt_call(id);
                    }
                }
                None => {
                    let mut port = self.end.port.borrow_mut();
                    if cancel.is_some_and(CancelToken::is_cancelled) {
                        port.session.cancel(id);
                    } else {
                        port.wait(None);
                        port.expire();
                    }
                }
            }
        }
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        if !self.end.port.borrow().can_wait() {
            return Err(Stop::CannotBlock);
        }
        let start = Instant::now();
        self.sleeps.update(|sleeps| sleeps + 1);
        let slept = self.sleep_until(|| duration.checked_sub(start.elapsed()).filter(|left| !left.is_zero()));
        self.sleeps.update(|sleeps| sleeps - 1);
        self.look_again();
        slept
    }

    /// Sleeps for as long as `left` says.
    fn sleep_until(&self, left: impl Fn() -> Option<Duration>) -> Result<(), Stop> {
        loop {
            if let Some(closed) = &*self.closed.borrow() {
                return Err(Stop::Closed(closed.clone()));
            }
            if self.interrupted.take() {
                return Err(Stop::Interrupted);
            }
            if self.take_cancellation() {
                return Err(Stop::Cancelled);
            }
            match (self.next_unseen(), left()) {
                (Some(event), _) => self.handle(event),
                (None, None) => return Ok(()),
                (None, left) => {
                    let mut port = self.end.port.borrow_mut();
                    port.wait(left);
                    port.expire();
                }
            }
        }
    }

    fn take_ended(&self, id: CallId) -> Option<Outcome> {
        let mut ended = self.ended.borrow_mut();
        let index = ended.iter().position(|(other, _)| *other == id)?;
        Some(ended.swap_remove(index).1)
    }

    fn ready(&self) -> Result<(), SendError> {
        if !self.ready.replace(true) {
            let functions = self.end.functions.borrow();
            let mut port = self.end.port.borrow_mut();
            port.session.ready(functions.names())?;
            port.flush();
            let later = &mut *self.later.borrow_mut();
            later.early.append(&mut later.heard);
            std::mem::swap(&mut later.early, &mut later.heard);
            self.look_again();
        }
        Ok(())
    }

    fn serve(&self) -> Closed {
        if let Err(error) = self.ready() {
            self.end.port.borrow_mut().session.close(CloseReason::FAILED, &error.to_string());
        }
        loop {
            if let Some(closed) = &*self.closed.borrow() {
                return closed.clone();
            }
            let event = self.next_event();
            match event {
                Some(Event::Interrupted) => {} // There is nothing to abandon.
                Some(event) => self.handle(event),
                None if self.poll_tasks() => {}
                None => {
                    let mut port = self.end.port.borrow_mut();
                    port.flush();
                    port.wait(None);
                    port.expire();
                }
            }
        }
    }

    fn next_event(&self) -> Option<Event> {
        let deferred = self.later.borrow_mut().deferred.pop_front();
        deferred.or_else(|| self.next_unseen())
    }

    /// The next event that nobody has looked at.
    fn next_unseen(&self) -> Option<Event> {
        let heard = self.later.borrow_mut().heard.pop_front();
        heard.or_else(|| {
            let mut port = self.end.port.borrow_mut();
            port.flush();
            port.next_event()
        })
    }

    fn check(&self) -> Result<(), Stop> {
        self.end.port.borrow_mut().look();
        loop {
            let event = self.end.port.borrow_mut().next_event();
            match event {
                Some(event @ (Event::Call { .. } | Event::Notify { .. })) => {
                    self.later.borrow_mut().heard.push_back(event);
                }
                Some(event) => self.handle(event),
                None => break,
            }
        }
        self.end.port.borrow_mut().flush();
        if let Some(closed) = &*self.closed.borrow() {
            return Err(Stop::Closed(closed.clone()));
        }
        if self.interrupted.take() {
            return Err(Stop::Interrupted);
        }
        if self.take_cancellation() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Whether the running function is to stop, because main has cancelled its call. `true` once for each call.
    fn take_cancellation(&self) -> bool {
        self.end
            .current
            .get()
            .is_some_and(|call| self.is_withdrawn(call) && self.end.port.borrow_mut().session.stop(call))
    }

    /// Whether main has cancelled a call, or a call on whose behalf main made that one.
    fn is_withdrawn(&self, call: CallId) -> bool {
        let port = self.end.port.borrow();
        let waiting = self.waiting.borrow();
        let mut next = Some(call);
        // Parents are what main says: they may form a circle.
        for _ in 0..=waiting.len() {
            let Some(call) = next else {
                break;
            };
            if port.session.is_cancelled(call) {
                return true;
            }
            let parent = port.session.parent(call);
            next = parent.and_then(|parent| waiting.iter().find(|blocked| blocked.call == parent)?.caller);
        }
        false
    }

    /// Sends what is queued, even if that takes until main has made room; gives up when main is gone. Where that can't be waited for,
    /// turns send the rest.
    pub(crate) fn drain(&self) {
        let mut port = self.end.port.borrow_mut();
        port.flush();
        while port.can_wait() && port.is_blocked() {
            port.wait_for_room();
            port.flush();
        }
        let mut closed_here = None;
        while let Some(event) = port.session.poll_event() {
            if let Event::Closed(closed) = event {
                closed_here = Some(closed);
            }
        }
        drop(port);
        if let Some(closed) = closed_here {
            self.handle_closed(closed);
        }
    }

    fn handle_closed(&self, closed: Closed) {
        *self.closed.borrow_mut() = Some(closed);
        let reflection = self.reflection.borrow().clone();
        if let Some(reflection) = reflection {
            reflection.close();
        }
    }

    /// Runs something short when the worker serves and has nothing else to do.
    pub(crate) fn when_idle(&self, action: impl Future<Output = ()> + 'static) {
        self.spawn(async move {
            action.await;
            (None, Ok((Format::Value, Vec::new())))
        });
        self.look_again();
    }

    /// Closes the link: the worker's own code has failed.
    pub(crate) fn fail(&self, why: &str) {
        self.end.port.borrow_mut().session.close(CloseReason::FAILED, why);
        self.drain();
    }

    fn handle(&self, event: Event) {
        match event {
            Event::Call { id, format, payload } => self.handle_call(id, format, payload),
            Event::Notify { name, format, payload } => self.handle_notification(name, format, payload),
            Event::Ended { id, outcome } => self.handle_end(id, outcome),
            Event::Interrupted => self.interrupted.set(true),
            Event::Closed(closed) => self.handle_closed(closed),
            Event::Cancelled(id) => self.handle_cancel(id),
            Event::Deadlock(id) => self.handle_deadlock(id),
            Event::Released(references) => self.end.handle_released(&references),
            Event::Opened | Event::Ready(_) => {}
        }
    }

    fn handle_end(&self, id: CallId, outcome: Outcome) {
        if self.waiting.borrow().iter().any(|blocked| blocked.call == id) {
            self.ended.borrow_mut().push((id, outcome));
        } else if let Some(waker) = self.end.pending.resolve(id, outcome, &self.end.port.borrow().session) {
            waker.wake();
        }
    }

    fn handle_call(&self, id: CallId, format: Format, payload: Vec<u8>) {
        let function = self.end.function(id);
        if self.end.port.borrow().session.is_cancelled(id) {
            self.recycle(payload);
            return self.end.answer(id, Err(Failure::cancelled()));
        }
        let asynchronous = function.as_ref().is_some_and(Function::is_async);
        let too_early = function.is_none() && !self.ready.get();
        let serving = !self.is_blocked() && self.depth.get() == 0;
        if !too_early && (serving || !asynchronous && !self.is_too_deep()) {
            return self.run(id, function, format, payload);
        }
        self.defer(id);
        let mut later = self.later.borrow_mut();
        let events = if too_early { &mut later.early } else { &mut later.deferred };
        events.push_back(Event::Call { id, format, payload });
    }

    fn is_too_deep(&self) -> bool {
        self.depth.get() >= self.max_depth
    }

    fn is_blocked(&self) -> bool {
        !self.waiting.borrow().is_empty() || self.sleeps.get() > 0
    }

    /// The call can't end yet. If the worker is blocked in the call whose handler made it, it counts as a deadlock after a while.
    fn defer(&self, id: CallId) {
        let mut port = self.end.port.borrow_mut();
        let parent = port.session.parent(id);
        if self.waiting.borrow().iter().any(|blocked| Some(blocked.call) == parent) {
            port.session.defer(id, clock::now());
        }
    }

    /// A call was deferred for as long as that is allowed.
    fn handle_deadlock(&self, id: CallId) {
        let deferred = self.later.borrow_mut().take_deferred(id);
        let Some((format, payload)) = deferred else {
            if let Some(running) = self.running.borrow_mut().remove(&id) {
                running.answers.set(None);
                self.end.answer(id, Err(self.deadlock(id, "has begun, and its result is dropped")));
            }
            return;
        };
        let function = self.end.function(id);
        let failure = match &function {
            Some(function) if function.is_async() => self.deadlock(id, "was not run"),
            Some(_) if self.is_too_deep() => {
                let chain = self.end.port.borrow().session.chain(id);
                let most = self.max_depth;
                let text = format!("{most} functions are running inside each other and no more are allowed: {chain}");
                Failure::Refused(ErrorCode::TOO_DEEP, text)
            }
            _ => return self.run(id, function, format, payload), // If there is no such function, this answers so.
        };
        self.recycle(payload);
        self.end.answer(id, Err(failure));
    }

    fn deadlock(&self, id: CallId, state: &str) -> Failure {
        let chain = self.end.port.borrow().session.chain(id);
        let text = format!(
            "the function {state}: asynchronous functions make progress only while the worker is not blocked, and it is blocked in \
             the function of main that made this call and has not returned since: {chain}; do not await the call there, or make \
             the function synchronous"
        );
        Failure::Refused(ErrorCode::DEADLOCK, text)
    }

    fn run(&self, id: CallId, function: Option<Function>, format: Format, payload: Vec<u8>) {
        self.depth.set(self.depth.get() + 1);
        let served = self.end.serve(id, function, format, payload);
        self.depth.set(self.depth.get() - 1);
        if let Served::Started(future) = served {
            self.defer(id);
            let (future, abort) = abortable(InCall::new(&self.end, id, future));
            let answers = Rc::new(Cell::new(Some(id)));
            self.running.borrow_mut().insert(id, Running { abort, answers: Rc::clone(&answers) });
            self.spawn(async move {
                let answer = future.await.unwrap_or_else(|_| Err(Failure::cancelled()));
                (answers.get(), answer)
            });
        }
    }

    fn handle_notification(&self, name: String, format: Format, payload: Vec<u8>) {
        let serving = !self.is_blocked() && self.depth.get() == 0;
        let function = self.end.functions.borrow().get(&name);
        let later = match &function {
            None => !self.ready.get(),
            Some(function) => !serving && (function.is_async() || self.depth.get() >= self.max_depth),
        };
        if later {
            let mut later = self.later.borrow_mut();
            let events = if function.is_none() { &mut later.early } else { &mut later.deferred };
            return events.push_back(Event::Notify { name, format, payload });
        }
        let Some(function) = function else {
            return self.recycle(payload);
        };
        self.depth.set(self.depth.get() + 1);
        let future = self.end.serve_notification(&function, format, payload);
        self.depth.set(self.depth.get() - 1);
        if let Some(future) = future {
            self.spawn(async move { (None, future.await) });
        }
    }

    fn handle_cancel(&self, id: CallId) {
        if self.later.borrow_mut().cancel(id) {
            return self.end.answer(id, Err(Failure::cancelled()));
        }
        if let Some(running) = self.running.borrow().get(&id) {
            running.abort.abort();
        }
        // What is blocked on behalf of the call stops here; what computes or sleeps asks.
        let waiting = self.waiting.borrow().clone();
        for Blocked { call, caller } in waiting {
            if let Some(caller) = caller.filter(|caller| self.is_withdrawn(*caller)) {
                let session = &mut self.end.port.borrow_mut().session;
                if session.is_pending(call) && session.stop(caller) {
                    session.cancel(call);
                }
            }
        }
    }

    fn spawn(&self, task: impl Future<Output = (Option<CallId>, Answer)> + 'static) {
        self.tasks.borrow_mut().push(Box::pin(task));
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
        while let std::task::Poll::Ready(Some((id, answer))) = tasks.poll_next_unpin(&mut context) {
            if let Some(id) = id {
                self.running.borrow_mut().remove(&id);
                self.end.answer(id, answer);
            }
        }
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
        self.end.port.borrow_mut().flush();
        self.look_again();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut port = self.end.port.borrow_mut();
        if port.session.closed().is_none_or(|closed| closed.by == ClosedBy::Here) {
            port.session.close(CloseReason::DONE, "");
            port.flush();
        }
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
