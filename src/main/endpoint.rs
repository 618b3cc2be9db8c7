//! Main's end of the link to one worker.

use super::mailbox::{Address, Job, Mailbox, Notification, WINDOW};
use super::queue::{Due, Queue};
use crate::calls::endpoint::{Encode, Endpoint};
use crate::calls::error::{CallError, CallErrorKind, CallResult, LinkClosed, RawError};
use crate::calls::host::{Effect, Host, Task};
use crate::calls::slot::Slot;
use crate::calls::turn::Pace;
use coincide_proto::engine::Action;
use coincide_proto::{CallId, CloseReason, Closed, ClosedBy, Outcome, Time};
#[cfg(target_family = "wasm")]
use std::cell::Cell;
use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) struct MainEndpoint {
    pub(crate) host: Rc<Host>,
    main: Weak<dyn Owner>,
    name: Option<String>,
    stage: RefCell<Stage>,
    runner: RefCell<Option<Box<dyn Runner>>>,
    /// This endpoint as other threads see it, once one of them has a proxy.
    address: OnceCell<Arc<Address>>,
    /// What other threads have queued to be sent, in order.
    queue: Queue<Queued>,
    /// Tier of a page's worker.
    #[cfg(target_family = "wasm")]
    pub(crate) tier: Cell<Option<crate::Tier>>,
}

enum Queued {
    Call(Arc<Slot>),
    Notification(Notification),
}

impl Due for Queued {
    fn deadline(&self) -> Option<Time> {
        match self {
            Self::Call(slot) => slot.deadline(),
            Self::Notification(_) => None,
        }
    }
}

/// The process or Web Worker that a worker runs in. It ends with the link.
pub(crate) trait Runner {
    /// Ends it and releases its resources. `orderly`: the worker has closed the link and ends by itself.
    fn end(self: Box<Self>, orderly: bool);
}

/// Interface of main for its endpoints.
pub(crate) trait Owner {
    /// Runs an asynchronous function in turns of main.
    fn spawn(&self, task: Task);

    /// Ends the current turn, so that a woken task runs soon.
    fn end_turn(&self);

    /// Makes main take a turn soon, unless it is taking one.
    fn ring_outside_of_turn(&self);

    /// Mailbox for the jobs of other threads.
    fn mailbox(&self) -> Arc<Mailbox>;

    /// Removes an endpoint whose link is closed, and frees its name.
    fn remove(&self, endpoint: &Rc<MainEndpoint>);
}

enum Stage {
    Starting(Vec<Waker>),
    Ready(Vec<String>),
    Closed(Closed),
}

impl MainEndpoint {
    pub(crate) fn new(host: Host, main: Weak<dyn Owner>, name: Option<String>) -> Self {
        Self {
            host: Rc::new(host),
            main,
            name,
            stage: RefCell::new(Stage::Starting(Vec::new())),
            runner: RefCell::default(),
            address: OnceCell::new(),
            queue: Queue::default(),
            #[cfg(target_family = "wasm")]
            tier: Cell::new(None),
        }
    }

    /// Ends the runner with the link.
    pub(crate) fn run_in(&self, runner: impl Runner + 'static) {
        self.runner.replace(Some(Box::new(runner)));
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Performs up to [`BATCH`] actions of the engine until the turn is over, so that links share main fairly. Returns whether
    /// there was one.
    pub(crate) fn pump(self: &Rc<Self>, pace: &Pace) -> bool {
        self.host.expire();
        let mut progress = false;
        for _ in 0..BATCH {
            let Some(action) = self.host.poll() else {
                break;
            };
            progress = true;
            self.perform(action);
            if pace.add(1) {
                break;
            }
        }
        if progress {
            self.host.engine.borrow_mut().flush();
        }
        self.send_queued() || progress
    }

    /// Whether the next frame may arrive during a turn, so that it is worth polling for.
    pub(crate) fn is_polled(&self) -> bool {
        #[cfg(target_family = "wasm")]
        return self.tier.get() != Some(crate::Tier::Suspending);
        #[cfg(not(target_family = "wasm"))]
        true
    }

    /// Whether [`pump`](Self::pump) may have something to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.host.engine.borrow().is_busy() || self.until_deadline().is_some_and(|rest| rest.is_zero())
    }

    /// Time until [`pump`](Self::pump) has something to do because a deadline has passed.
    pub(crate) fn until_deadline(&self) -> Option<Duration> {
        self.host.until_deadline().into_iter().chain(self.queue.until_deadline()).min()
    }

    /// Address for jobs of other threads for this endpoint.
    pub(crate) fn address(&self) -> Arc<Address> {
        let address = self.address.get_or_init(|| {
            let address = Address::new(self.main.upgrade().map(|main| main.mailbox()));
            if let Some(closed) = self.closed() {
                address.close(&closed);
            }
            Arc::new(address)
        });
        Arc::clone(address)
    }

    pub(crate) fn has_address(&self, address: &Arc<Address>) -> bool {
        self.address.get().is_some_and(|own| Arc::ptr_eq(own, address))
    }

    /// Performs a job of another thread.
    pub(crate) fn perform_job(&self, job: Job) {
        match job {
            Job::Call(slot) => {
                self.queue.push(Queued::Call(slot));
            }
            Job::Notify(notification) => {
                self.queue.push(Queued::Notification(notification));
            }
            Job::Change(change) => {
                change(&self.host);
                self.address().performed();
            }
            Job::Cancel(call, slot) => {
                if self.host.pending.forget_shared(call, &slot) {
                    let mut engine = self.host.engine.borrow_mut();
                    engine.cancel(call);
                    engine.flush();
                }
            }
        }
        self.send_queued();
    }

    /// Sends what other threads have queued, as far as there is room for it. Returns whether anything was sent.
    fn send_queued(&self) -> bool {
        if self.queue.len() == 0 {
            return false;
        }
        self.expire_queued();
        let mut progress = false;
        while self.host.pending.shared() < WINDOW && !self.host.engine.borrow().is_blocked() {
            let Some(queued) = self.queue.pop() else {
                break;
            };
            progress = true;
            match queued {
                Queued::Call(slot) => self.send_call(slot),
                Queued::Notification(Notification { function, format, payload }) => {
                    // Dropped if the link is closed or it exceeds a limit.
                    let _ = self.host.notify_encoded(&function, format, payload);
                    self.address().performed();
                }
            }
            self.host.engine.borrow_mut().flush();
        }
        progress
    }

    fn send_call(&self, slot: Arc<Slot>) {
        let Some(outgoing) = slot.take() else {
            return;
        };
        match self.host.call_encoded(&outgoing.function, outgoing.format, outgoing.payload, outgoing.deadline) {
            Ok(call) if slot.sent(call) => self.host.pending.expect_shared(call, slot),
            Ok(call) => self.host.engine.borrow_mut().cancel(call),
            Err(error) => self.settle(&slot, error.into()),
        }
    }

    /// Ends the queued calls whose deadline has passed.
    fn expire_queued(&self) {
        for queued in self.queue.take_expired() {
            let Queued::Call(slot) = queued else {
                continue;
            };
            let error = RawError::from_outcome("", Outcome::TimedOut, self.host.engine.borrow().session());
            self.settle(&slot, error);
        }
    }

    fn settle(&self, slot: &Slot, error: RawError) {
        if let Some(waker) = slot.settle(Err(error)) {
            self.wake(waker);
        }
    }

    /// The names of the exports once the worker is ready.
    pub(crate) fn poll_ready(&self, context: &Context<'_>) -> Poll<Result<Vec<String>, LinkClosed>> {
        match &mut *self.stage.borrow_mut() {
            Stage::Ready(exports) => Poll::Ready(Ok(exports.clone())),
            Stage::Closed(closed) => Poll::Ready(Err(LinkClosed(closed.clone()))),
            Stage::Starting(wakers) => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        match &*self.stage.borrow() {
            Stage::Closed(closed) => Some(closed.clone()),
            _ => None,
        }
    }

    /// Closes the link at once, and ends the process or Web Worker.
    pub(crate) fn terminate(self: &Rc<Self>) {
        self.abort(CloseReason::TERMINATED, "");
    }

    /// The same for another reason.
    pub(crate) fn abort(self: &Rc<Self>, reason: CloseReason, text: &str) {
        self.host.engine.borrow_mut().abort(reason, text);
        while self.pump(&Pace::default()) {}
    }

    fn perform(self: &Rc<Self>, action: Action) {
        match self.host.perform(action) {
            Effect::None => {}
            Effect::Spawn(task) => {
                if let Some(main) = self.main.upgrade() {
                    main.spawn(task);
                }
            }
            Effect::Wake(waker) => self.wake(waker),
            Effect::Ready(exports) => self.advance(Stage::Ready(exports)),
            Effect::Closed(closed) => self.handle_closed(closed),
        }
    }

    fn advance(&self, stage: Stage) {
        if let Stage::Starting(wakers) = self.stage.replace(stage) {
            wakers.into_iter().for_each(|waker| self.wake(waker));
        }
    }

    /// Wakes a task that awaits this link. Main's turn ends early, so that the task runs soon.
    fn wake(&self, waker: Waker) {
        if let Some(main) = self.main.upgrade() {
            main.end_turn();
        }
        waker.wake();
    }

    fn handle_closed(self: &Rc<Self>, closed: Closed) {
        self.host.abort_running();
        let orderly = closed.by == ClosedBy::Peer && closed.reason == CloseReason::DONE;
        if let Some(runner) = self.runner.borrow_mut().take() {
            runner.end(orderly);
        }
        // They may hold handles of this worker, which would keep it alive.
        self.host.forget_program();
        if let Some(address) = self.address.get() {
            address.close(&closed);
            for queued in self.queue.take() {
                match queued {
                    Queued::Call(slot) => address.refuse(Job::Call(slot)),
                    Queued::Notification(notification) => address.refuse(Job::Notify(notification)),
                }
            }
        }
        self.advance(Stage::Closed(closed));
        if let Some(main) = self.main.upgrade() {
            main.remove(self);
        }
    }
}

impl Endpoint for MainEndpoint {
    fn host(&self) -> &Host {
        &self.host
    }

    fn call_blocking(&self, function: &str, _: Option<Duration>, _: &mut Encode<'_>) -> CallResult {
        Err(CallError::new(function, CallErrorKind::CannotBlock).into())
    }

    fn wait_blocking(&self, _: CallId) -> CallResult {
        Err(CallError::new("", CallErrorKind::CannotBlock).into())
    }

    fn spawn(&self, task: Task) {
        if let Some(main) = self.main.upgrade() {
            main.spawn(task);
            main.ring_outside_of_turn();
        }
    }

    /// Outside of a turn, a frame without room, a new deadline or an event, such as arguments that were not sent, needs another turn.
    fn flush(&self) {
        let mut engine = self.host.engine.borrow_mut();
        engine.flush();
        if (engine.is_blocked() || engine.poll_timeout().is_some() || engine.session().has_events())
            && let Some(main) = self.main.upgrade()
        {
            main.ring_outside_of_turn();
        }
    }
}

impl Drop for MainEndpoint {
    fn drop(&mut self) {
        // Remaining tasks may still hold the host.
        self.host.engine.borrow_mut().abort(CloseReason::TERMINATED, "");
        if let Some(runner) = self.runner.get_mut().take() {
            runner.end(false);
        }
    }
}

/// Resolves when a link is ready; the output is the list of the worker's exports.
pub(crate) async fn ready(endpoint: Rc<MainEndpoint>) -> Result<Vec<String>, LinkClosed> {
    std::future::poll_fn(|context| endpoint.poll_ready(context)).await
}

impl std::fmt::Debug for MainEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &*self.stage.borrow() {
            Stage::Starting(_) => "starting".into(),
            Stage::Ready(_) => "ready".into(),
            Stage::Closed(closed) => closed.to_string(),
        };
        f.debug_struct("Worker").field("name", &self.name).field("state", &state).finish()
    }
}

/// Maximum number of actions of one link before the next link is served.
const BATCH: usize = 64;
