//! A worker's end of its link: the loops in which it waits and serves.

use super::cancel::CancelToken;
use super::ring::{Ring, Woken};
use super::suspend::Suspender;
use crate::calls::clock;
use crate::calls::defaults::MEMORY_BUDGET;
use crate::calls::endpoint::{Encode, Endpoint};
use crate::calls::error::{self, CallError, CallErrorKind, CallResult, RawError, Stop};
use crate::calls::handles;
use crate::calls::host::{Effect, Host, Task};
use crate::calls::turn::{Pace, Paced, Turn};
use crate::window;
use coincide_codec::EncodeError;
use coincide_proto::engine::{self, Action, FiberId};
use coincide_proto::{
    Budget, CallId, CloseReason, Closed, Config, Format, Outcome, Payload, Role, SendError, Session, Time, Transport,
};
use coincide_transport_atomics::{BusyPoll, Doorbell};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) struct WorkerEndpoint {
    pub(crate) host: Rc<Host>,
    ring: Ring,
    /// The doorbell of the event loop that the worker lives in, if it does.
    doorbell: Option<Arc<Doorbell>>,
    /// Suspends code instead of blocking the thread; `None` on tiers that block.
    suspender: Option<Box<dyn Suspender>>,
    /// Number of the last turn. A turn in which code was suspended ends when another one begins.
    turns: Cell<u32>,
    /// Number of functions that are suspended in `check`. No other function runs until they have resumed.
    checks: Cell<u32>,
    /// Time at which the event loop last ran, as far as known.
    visited: Cell<Time>,
    /// The closing of the link has been handled.
    closed: Cell<bool>,
    /// A turn is being taken.
    turning: Cell<bool>,
    /// The last turn was idle: the transport rings the doorbell.
    armed: Cell<bool>,
    busy_poll: RefCell<BusyPoll>,
    pace: Rc<Pace>,
    /// Actions since the tasks were polled.
    actions: Cell<u32>,
    tasks: RefCell<FuturesUnordered<Paced>>,
    tasks_woken: Arc<Woken>,
    /// Main's objects in this worker; `None` until it uses one.
    pub(crate) reflection: RefCell<Option<Rc<dyn Reflection>>>,
}

/// Main's objects in a scope; see [`window`](crate::window). Created on first use.
pub(crate) trait Reflection {
    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;

    /// Handles the closing of the link.
    fn close(&self);

    /// Number of main's objects that the worker holds, and of its functions that main holds.
    fn sizes(&self) -> (usize, usize);
}

impl WorkerEndpoint {
    /// `ring` wakes the worker while it waits for the transport.
    pub(crate) fn new(
        transport: Box<dyn Transport>,
        ring: Ring,
        config: Config,
        doorbell: Option<Arc<Doorbell>>,
    ) -> Self {
        Self::suspending(transport, ring, config, doorbell, None)
    }

    /// Creates an endpoint. With a suspender, code is suspended where it would block.
    pub(crate) fn suspending(
        transport: Box<dyn Transport>,
        ring: Ring,
        config: Config,
        doorbell: Option<Arc<Doorbell>>,
        suspender: Option<Box<dyn Suspender>>,
    ) -> Self {
        let session = Session::new(Role::Worker, config).with_budget(&Budget::new(MEMORY_BUDGET));
        Self {
            host: Rc::new(Host::new(session, transport)),
            tasks_woken: Arc::new(Woken::new(&ring)),
            ring,
            doorbell,
            suspender,
            turns: Cell::new(0),
            checks: Cell::new(0),
            visited: Cell::new(clock::now()),
            closed: Cell::new(false),
            turning: Cell::new(false),
            armed: Cell::new(false),
            busy_poll: RefCell::new(BusyPoll::main()),
            pace: Rc::default(),
            actions: Cell::new(0),
            tasks: RefCell::default(),
            reflection: RefCell::default(),
        }
    }

    /// Calls a function of main and waits for its result.
    pub(crate) fn call(
        &self,
        function: &str,
        timeout: Option<Duration>,
        cancel: Option<&CancelToken>,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> CallResult {
        self.may_wait().map_err(|kind| CallError::new(function, kind))?;
        let id = self.host.call(function, timeout, encode)?;
        self.block(function, id, cancel)
    }

    /// Fails with the reason if this end may not wait for a call.
    fn may_wait(&self) -> Result<(), CallErrorKind> {
        let stop = self.host.engine.borrow_mut().take_stop();
        match stop {
            Some(engine::Stop::Interrupted) => Err(CallErrorKind::Interrupted),
            Some(engine::Stop::Cancelled) => Err(CallErrorKind::Cancelled),
            Some(engine::Stop::Closed) | None => self.why_no_wait().map_or(Ok(()), Err),
        }
    }

    /// Waits for the result of a call that has been made.
    fn block(&self, function: &str, id: CallId, cancel: Option<&CancelToken>) -> CallResult {
        self.host.engine.borrow_mut().wait_for(id);
        if let Some(suspender) = &self.suspender {
            return self.wait_suspended(&**suspender, id, cancel);
        }
        let outcome = self.wait_for(id, cancel);
        self.request_turn();
        match outcome {
            Outcome::Returned { format, payload } => Ok((format, payload)),
            outcome => Err(RawError::from_outcome(function, outcome, self.host.engine.borrow().session())),
        }
    }

    /// Why the running code can't wait for main. `None` if no reason is known.
    pub(crate) fn why_no_wait(&self) -> Option<CallErrorKind> {
        match &self.suspender {
            Some(suspender) => suspender.hindrance().map(|why| CallErrorKind::CannotSuspend(why.into())),
            None => (!self.host.engine.borrow().can_wait()).then_some(CallErrorKind::CannotBlock),
        }
    }

    pub(crate) fn notify(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> Result<(), CallError> {
        self.host.notify(function, encode)?;
        self.host.engine.borrow_mut().drain();
        self.request_turn();
        Ok(())
    }

    /// Schedules another turn of the event loop, because a wait has disarmed the transport. No-op inside a turn, which polls anyway.
    fn request_turn(&self) {
        if let Some(doorbell) = &self.doorbell
            && !self.turning.get()
        {
            doorbell.ring();
        }
    }

    /// Serves main until there is nothing to do or `budget` is over.
    pub(super) fn turn(&self, budget: Duration) -> Turn {
        assert!(!self.turning.replace(true), "the worker takes a turn already: an export must not call `turn`");
        let _turning = Reset(&self.turning);
        if self.checks.get() > 0 {
            // The doorbell rings when the check is over.
            return Turn::Idle { timeout: None };
        }
        let turn = self.turns.get().wrapping_add(1);
        self.turns.set(turn);
        self.visited.set(self.pace.begin(budget));
        if self.armed.replace(false) {
            self.host.engine.borrow_mut().disarm();
            if let Some(doorbell) = &self.doorbell {
                doorbell.wait(Some(Duration::ZERO));
            }
        }
        self.busy_poll.borrow_mut().woke();
        let mut answered = false;
        loop {
            match self.next_action() {
                Some(action) => {
                    self.perform(action);
                    if self.turns.get() != turn {
                        // The function was suspended, which has ended this turn.
                        return Turn::More;
                    }
                    self.pace.add(1);
                    answered = true;
                }
                None if self.poll_tasks() => {}
                None if answered && self.suspender.is_none() && self.tasks.borrow().is_empty() && self.busy_poll() => {}
                None => {
                    self.stop_sleepers();
                    self.armed.set(true);
                    self.pace.add(1);
                    if self.host.engine.borrow_mut().arm() && !self.tasks_woken.is_set() {
                        return Turn::Idle { timeout: self.host.until_deadline() };
                    }
                }
            }
            if self.pace.is_over() {
                return Turn::More;
            }
        }
    }

    /// The next action of a worker that serves. `None`: nothing is to be done, or tasks are polled first, so that a flood of calls does not delay them.
    fn next_action(&self) -> Option<Action> {
        let actions = self.actions.get();
        if actions >= BATCH && self.tasks_woken.is_set() {
            return None;
        }
        self.actions.set(actions + 1);
        self.poll()
    }

    /// The next action. Deadlines are checked first, so that a flood of calls does not delay them.
    fn poll(&self) -> Option<Action> {
        self.host.expire();
        self.host.poll()
    }

    /// Polls briefly for main's next call, which often follows an awaited one. Returns whether there is input.
    fn busy_poll(&self) -> bool {
        let engine = self.host.engine.borrow();
        self.busy_poll.borrow_mut().poll(|| engine.has_input())
    }

    /// Whether the link is closed, and everything that was queued before has been sent.
    pub(super) fn is_done(&self) -> bool {
        self.closed.get() && self.host.engine.borrow().has_left()
    }

    pub(super) fn why_closed(&self) -> Closed {
        error::closed(self.host.engine.borrow().session())
    }

    /// Closes the link without waiting for anything, and drops everything of the program, which may hold handles of this endpoint.
    pub(crate) fn dismiss(&self) {
        {
            let mut engine = self.host.engine.borrow_mut();
            engine.close(CloseReason::DONE, "");
            if !engine.has_left() {
                // There is no room for the queued frames, and no later turn that would send them.
                engine.abort(CloseReason::DONE, "");
            }
        }
        self.settle();
        self.host.abort_running();
        drop(self.tasks.take());
        self.host.forget_program();
        // It holds callbacks of the program, which may hold objects of main.
        let reflection = self.reflection.take();
        if let Some(reflection) = reflection {
            reflection.close();
        }
    }

    /// Performs actions until this call has ended.
    fn wait_for(&self, id: CallId, cancel: Option<&CancelToken>) -> Outcome {
        let _ring = cancel.map(|token| token.ring_on_cancel(Arc::clone(&self.ring)));
        loop {
            if cancel.is_some_and(CancelToken::is_cancelled) {
                self.host.engine.borrow_mut().cancel(id);
            }
            match self.poll() {
                Some(Action::Settle { call, outcome }) if call == id => {
                    self.host.handle_thrown(&outcome);
                    return outcome;
                }
                Some(action) => self.perform(action),
                None => self.host.wait(None),
            }
        }
    }

    /// Suspends the running code until this call has ended.
    fn wait_suspended(&self, suspender: &dyn Suspender, id: CallId, cancel: Option<&CancelToken>) -> CallResult {
        let pending = self.host.pending.expect(id);
        loop {
            if cancel.is_some_and(CancelToken::is_cancelled) {
                self.host.engine.borrow_mut().cancel(id);
            }
            let suspended = self.suspended(|fiber| {
                let waker = suspender.waker(fiber);
                let _ = pending.poll(&Context::from_waker(&waker));
                let _ring = cancel.map(|token| token.ring_on_cancel(Arc::new(move || waker.wake_by_ref())));
                suspender.suspend(fiber, None)
            });
            if let Err(why) = suspended {
                self.forget(id);
                return Err(CallError::new("", CallErrorKind::CannotSuspend(why)).into());
            }
            if let Poll::Ready(result) = pending.poll(&Context::from_waker(Waker::noop())) {
                return result;
            }
        }
    }

    /// Ends a call whose wait could not begin.
    fn forget(&self, id: CallId) {
        self.host.engine.borrow_mut().cancel(id);
        self.settle();
        // It is the innermost frame, so it ends now.
        let due = self.host.engine.borrow_mut().poll();
        if let Some(action) = due {
            self.perform(action);
        }
        self.host.pending.forget(id);
    }

    /// Calls `suspend`, during which other code of this worker runs.
    fn suspended<T>(&self, suspend: impl FnOnce(FiberId) -> T) -> T {
        let _handles = handles::Aside::of(&self.host.handles);
        let _objects = window::Aside::of(self);
        self.turning.set(false);
        // That turn sends what is queued. Later arrivals ring the doorbell.
        self.request_turn();
        let fiber = self.host.engine.borrow_mut().suspend();
        let result = suspend(fiber);
        self.host.engine.borrow_mut().resume_fiber(fiber);
        self.visited.set(clock::now());
        result
    }

    fn sleep_suspended(&self, suspender: &dyn Suspender, end: Time) -> Result<(), Stop> {
        loop {
            let left = end.since(clock::now());
            self.suspended(|fiber| suspender.suspend(fiber, Some(left))).map_err(Stop::CannotSuspend)?;
            let stop = self.host.engine.borrow_mut().take_stop();
            match stop {
                Some(engine::Stop::Interrupted) => return Err(Stop::Interrupted),
                Some(engine::Stop::Cancelled) => return Err(Stop::Cancelled),
                Some(engine::Stop::Closed) => return Err(Stop::Closed(self.why_closed())),
                None if end.since(clock::now()).is_zero() => return Ok(()),
                None => {}
            }
        }
    }

    /// Wakes sleeping code that has to stop.
    fn stop_sleepers(&self) {
        if let Some(suspender) = &self.suspender {
            let sleepers = self.host.engine.borrow().sleepers_to_stop();
            sleepers.into_iter().for_each(|fiber| suspender.waker(fiber).wake());
        }
    }

    /// Lets the event loop receive what main has sent, if this tier needs that and the loop has not run for `VISIT_EVERY`.
    fn visit_event_loop(&self) {
        let Some(suspender) = &self.suspender else {
            return;
        };
        if suspender.hindrance().is_some() || clock::now().since(self.visited.get()) < VISIT_EVERY {
            return;
        }
        self.checks.set(self.checks.get() + 1);
        // On failure, JavaScript has called this code: frames wait until the event loop runs.
        let _ = self.suspended(|_| suspender.visit_event_loop());
        self.visited.set(clock::now());
        self.checks.set(self.checks.get() - 1);
        self.request_turn();
    }

    pub(super) fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        if let Some(suspender) = &self.suspender {
            if let Some(why) = suspender.hindrance() {
                return Err(Stop::CannotSuspend(why.into()));
            }
            self.host.engine.borrow_mut().fall_asleep();
            let slept = self.sleep_suspended(&**suspender, clock::now().after(duration));
            self.host.engine.borrow_mut().wake_up();
            return slept;
        }
        {
            let mut engine = self.host.engine.borrow_mut();
            if !engine.can_wait() {
                return Err(Stop::CannotBlock);
            }
            engine.fall_asleep();
        }
        let slept = self.sleep_until(clock::now().after(duration));
        self.host.engine.borrow_mut().wake_up();
        self.request_turn();
        slept
    }

    fn sleep_until(&self, end: Time) -> Result<(), Stop> {
        // Actions since the time was over: a flood of calls must not delay the end.
        let mut late = 0;
        loop {
            let is_idle = !self.poll_control()?;
            let left = end.since(clock::now());
            if left.is_zero() {
                late += 1;
                if is_idle || late >= MOST_LATE {
                    return Ok(());
                }
            } else if is_idle {
                self.host.wait(Some(left));
            }
        }
    }

    pub(super) fn ready(&self) -> Result<(), SendError> {
        self.host.engine.borrow_mut().ready()?;
        self.request_turn();
        Ok(())
    }

    pub(super) fn serve(&self) -> Closed {
        if let Err(error) = self.ready() {
            self.host.engine.borrow_mut().close(CloseReason::FAILED, &error.to_string());
        }
        self.pace.lift();
        loop {
            if self.closed.get()
                && let Some(closed) = self.host.engine.borrow().session().closed()
            {
                return closed.clone();
            }
            match self.next_action() {
                Some(action) => self.perform(action),
                None if self.poll_tasks() => {}
                None => self.host.wait(None),
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), Stop> {
        self.visit_event_loop();
        while self.poll_control()? {}
        Ok(())
    }

    /// Performs the next action of a worker that computes or sleeps. Returns whether there was one.
    fn poll_control(&self) -> Result<bool, Stop> {
        self.host.expire();
        let polled = self.host.engine.borrow_mut().poll_control();
        match polled {
            Ok(None) => Ok(false),
            Ok(Some(action)) => {
                self.perform(action);
                Ok(true)
            }
            Err(engine::Stop::Interrupted) => Err(Stop::Interrupted),
            Err(engine::Stop::Cancelled) => Err(Stop::Cancelled),
            Err(engine::Stop::Closed) => Err(Stop::Closed(self.why_closed())),
        }
    }

    /// Runs a short task when the worker serves and is idle.
    pub(crate) fn when_idle(&self, action: impl Future<Output = ()> + 'static) {
        self.spawn(Box::pin(action));
        self.request_turn();
    }

    /// Closes the link because the worker's own code has failed.
    pub(crate) fn fail(&self, why: &str) {
        self.close(CloseReason::FAILED, why);
    }

    /// Closes the link after the queued frames have been sent, and waits for room if necessary. In an event loop,
    /// later turns send the rest.
    pub(super) fn close(&self, reason: CloseReason, text: &str) {
        {
            let mut engine = self.host.engine.borrow_mut();
            engine.close(reason, text);
            engine.drain();
        }
        self.settle();
        self.request_turn();
    }

    /// Performs the actions of a closed link that run no function.
    fn settle(&self) {
        loop {
            let action = self.host.engine.borrow_mut().poll_aside();
            match action {
                Some(action) => self.perform(action),
                None => break,
            }
        }
    }

    fn perform(&self, action: Action) {
        match self.host.perform(action) {
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
        if let Some(suspender) = &self.suspender {
            return suspender.spawn(task);
        }
        self.tasks.borrow_mut().push(Paced { task, pace: Rc::clone(&self.pace) });
        self.tasks_woken.set();
    }

    /// Polls the asynchronous exports. Returns whether any was woken.
    fn poll_tasks(&self) -> bool {
        self.actions.set(0);
        if !self.tasks_woken.take() {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.tasks_woken));
        let mut context = Context::from_waker(&waker);
        let mut tasks = self.tasks.take();
        while let Poll::Ready(Some(())) = tasks.poll_next_unpin(&mut context) {
            if self.pace.is_over() {
                // There may be more, in the next turn.
                self.tasks_woken.set();
                break;
            }
        }
        // Tasks spawned during the poll are in a separate set.
        tasks.extend(self.tasks.take());
        *self.tasks.borrow_mut() = tasks;
        true
    }
}

impl Endpoint for WorkerEndpoint {
    fn host(&self) -> &Host {
        &self.host
    }

    fn call_blocking(&self, function: &str, timeout: Option<Duration>, encode: &mut Encode<'_>) -> CallResult {
        self.call(function, timeout, None, encode)
    }

    fn wait_blocking(&self, call: CallId) -> CallResult {
        self.may_wait().map_err(|kind| CallError::new("", kind))?;
        self.host.pending.forget(call);
        self.block("", call, None)
    }

    fn spawn(&self, task: Task) {
        self.when_idle(task);
    }

    /// Schedules a turn of the event loop, which may have to wait for room or for a new deadline.
    fn flush(&self) {
        self.host.engine.borrow_mut().flush();
        self.request_turn();
    }
}

struct Reset<'a>(&'a Cell<bool>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Interval at which `check` lets the event loop run, which takes about 20 µs.
const VISIT_EVERY: Duration = Duration::from_millis(10);

/// Maximum number of actions before the tasks are polled.
const BATCH: u32 = 64;

/// Maximum number of actions that a sleep performs after its time is over.
const MOST_LATE: u32 = 64;
