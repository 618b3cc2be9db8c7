//! Pools: several workers with the same exports.

use super::Main;
use super::builder::WorkerBuilder;
use super::endpoint::{MainEndpoint, Owner};
use super::handle::Worker;
use super::queue::{Due, Queue};
use super::turns::Shared;
use crate::calls::clock;
use crate::calls::endpoint::Endpoint;
use crate::calls::error::{CallError, CallErrorKind, CallResult, LinkClosed, RawError, SpawnError};
use crate::calls::interface::Caller;
use crate::calls::local::Local;
use crate::calls::payload::{self, Args, Schema};
use crate::calls::pending::Pending;
use coincide_codec::EncodeError;
use coincide_proto::{CallId, CloseReason, Closed, ClosedBy, Format, Payload, Time};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

impl Main {
    /// Starts a pool of `size` workers. `create` starts each worker, including later replacements, and registers the functions of main
    /// that it calls.
    ///
    /// # Errors
    /// Those of `create`.
    ///
    /// # Panics
    /// When `size` is 0.
    pub fn pool<F>(&self, size: usize, create: F) -> Result<Pool, SpawnError>
    where
        F: Fn(WorkerBuilder<'_>) -> Result<Worker, SpawnError> + 'static,
    {
        assert!(size > 0, "a pool has at least one worker");
        let state = Rc::new(State {
            main: Rc::downgrade(&self.shared),
            create: Box::new(create),
            is_creating: Cell::new(false),
            size,
            longest: Cell::new(QUEUE),
            members: RefCell::default(),
            queue: Queue::default(),
            failures: Cell::new(0),
            is_terminated: Cell::new(false),
        });
        self.shared.add_pool(Rc::downgrade(&state));
        let pool = Pool { handle: Rc::new(Handle(state)) };
        let state = &pool.handle.0;
        for _ in 0..size {
            state.start()?;
        }
        Ok(pool)
    }
}

/// Several workers with the same exports; from [`Main::pool`].
///
/// A call is sent to the first worker that is ready and has no call in flight. If no worker is idle, the call waits in a queue. Cloning returns another handle. When
/// the last handle and the last proxy are dropped, the workers are terminated.
///
/// - At most 1,024 calls wait ([`with_queue`](Self::with_queue)); a further one ends with [`Busy`](CallErrorKind::Busy).
/// - A call whose future is dropped or whose timeout has expired ends at once. Its worker is idle again once it answers.
/// - If its worker ends, a call ends with [`Closed`](CallErrorKind::Closed), unless its proxy [retries](PoolProxy::with_retry). The next call that needs a worker
///   starts another one.
/// - If three workers in a row fail to start and none is left, waiting calls end with that error. Each later call makes one attempt.
///
/// ```
/// use coincide::{Main, Thrown};
/// use futures_util::future::join_all;
///
/// let main = Main::new()?;
/// let pool = main.pool(2, |worker| {
///     let worker = worker.spawn(|scope| {
///         let sync = scope.sync();
///         scope.export("total", move |price: u64| Ok::<_, Thrown>(price + sync.call::<u64>("tax", (price,))?));
///         Ok(())
///     })?;
///     worker.register("tax", |price: u64| price / 5);
///     Ok(worker)
/// })?;
/// let proxy = pool.proxy();
/// let totals = (1..=5).map(|price| proxy.call::<u64>("total", (10 * price,)));
/// let totals: Result<Vec<_>, _> = main.block_on(join_all(totals)).into_iter().collect();
/// assert_eq!(totals?, [12, 24, 36, 48, 60]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    handle: Rc<Handle>,
}

impl Pool {
    /// Sets the maximum number of calls that wait for a worker. Default 1,024.
    #[must_use]
    pub fn with_queue(self, longest: usize) -> Self {
        self.handle.0.longest.set(longest);
        self
    }

    /// Returns a proxy whose calls of the workers' exports are awaited.
    pub fn proxy(&self) -> PoolProxy {
        PoolProxy { handle: Rc::clone(&self.handle), timeout: None, retry: false }
    }

    /// Waits until all current workers are ready. Returns the names of their exports.
    ///
    /// # Errors
    /// When one of them ends before it is ready.
    pub fn ready(&self) -> impl Future<Output = Result<Vec<String>, LinkClosed>> + use<> {
        let all: Vec<_> = self.handle.0.live().iter().map(|member| member.worker.ready()).collect();
        async move {
            let mut names = Vec::new();
            for ready in all {
                names = ready.await?;
            }
            Ok(names)
        }
    }

    /// Calls an export of each worker without waiting for answers.
    ///
    /// # Errors
    /// When the arguments can't be sent, or the pool is terminated.
    pub fn notify(&self, function: &str, args: impl Args) -> Result<(), CallError> {
        if self.handle.0.is_terminated.get() {
            return Err(CallError::new(function, terminated()));
        }
        for member in self.handle.0.live() {
            let endpoint = &member.worker.endpoint;
            let host = &endpoint.host;
            host.notify(function, |payload| payload::encode_args(Some(host), &args, None, payload))?;
            endpoint.flush();
        }
        Ok(())
    }

    /// Number of workers.
    pub fn size(&self) -> usize {
        self.handle.0.live().len()
    }

    /// Number of workers that are ready and have no call in flight.
    pub fn idle(&self) -> usize {
        self.handle.0.live().iter().filter(|member| member.is_free.get()).count()
    }

    /// Number of calls that wait for a worker.
    pub fn queued(&self) -> usize {
        self.handle.0.queue.len()
    }

    /// Terminates all workers. Calls that are in flight or wait end with [`Closed`](CallErrorKind::Closed). Idempotent.
    pub fn terminate(&self) {
        self.handle.0.terminate();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (size, idle, queued) = (self.size(), self.idle(), self.queued());
        f.debug_struct("Pool")
            .field("size", &size)
            .field("idle", &idle)
            .field("queued", &queued)
            .finish_non_exhaustive()
    }
}

/// Calls the functions that the workers of a [`Pool`] export. Arguments are encoded when a call is made. A call is sent when a worker is idle,
/// even if its future is not polled.
///
/// Arguments may contain [`Callback`](crate::Callback)s and [`Source`](crate::Source)s of main, and results those of the worker. A
/// [`RemoteFunction`](crate::RemoteFunction) belongs to one worker, so it cannot be an argument: pass a `Callback` that calls it. A call that is
/// repeated on another worker continues with the unread rows of a stream.
#[derive(Clone)]
pub struct PoolProxy {
    handle: Rc<Handle>,
    timeout: Option<Duration>,
    retry: bool,
}

impl PoolProxy {
    /// The same proxy, whose calls end with [`TimedOut`](CallErrorKind::TimedOut) after `timeout`, which includes the time that they wait for a worker.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    /// The same proxy, whose calls are made again on another worker if theirs ends before it has answered, up to three attempts. They may run more than once.
    #[must_use]
    pub fn with_retry(&self) -> Self {
        Self { retry: true, ..self.clone() }
    }

    /// Calls a function; `args` is a tuple.
    pub fn call<R: DeserializeOwned>(&self, function: &str, args: impl Args) -> PoolFuture<R> {
        self.start(function, None, |payload| payload::encode_args_for_pool(&args, None, payload))
    }

    fn start<R>(
        &self,
        function: &str,
        schema: Option<Schema>,
        encode: impl FnOnce(&mut Payload) -> Result<(Format, Vec<Rc<Local>>), EncodeError>,
    ) -> PoolFuture<R> {
        let state = &self.handle.0;
        let mut payload = Payload::default();
        let (format, given, refused) = match encode(&mut payload) {
            Ok((format, given)) => (format, given, None),
            Err(error) => (Format::Value, Vec::new(), Some(CallError::arguments(function, error))),
        };
        let job = Rc::new(Job {
            function: function.into(),
            format,
            payload: RefCell::new(payload),
            given: RefCell::new(given),
            deadline: self.timeout.map(|timeout| clock::now().after(timeout)),
            retry: self.retry,
            attempts: Cell::new(0),
            stage: RefCell::new(Stage::Queued),
            waker: RefCell::default(),
            task: RefCell::default(),
        });
        match refused {
            None => state.make(&job),
            Some(error) => job.end(Err(error.into())),
        }
        PoolFuture { pool: Rc::downgrade(state), job, schema, result: PhantomData }
    }
}

impl Caller for PoolProxy {
    type Output<R: DeserializeOwned> = PoolFuture<R>;

    fn call_typed<A: Serialize, R: DeserializeOwned>(&self, function: &str, schema: Schema, args: A) -> PoolFuture<R> {
        self.start(function, Some(schema), |payload| payload::encode_args_for_pool(&args, Some(schema), payload))
    }
}

impl std::fmt::Debug for PoolProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PoolProxy").field("timeout", &self.timeout).field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// The result of a call of a [`PoolProxy`], or a [`CallError`], once a worker has answered. Dropping it cancels the call.
#[must_use = "a call is cancelled when its future is dropped"]
pub struct PoolFuture<R> {
    pool: Weak<State>,
    job: Rc<Job>,
    schema: Option<Schema>,
    result: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Future for PoolFuture<R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let function = &self.job.function;
        let (endpoint, result) = ready!(self.job.poll(context));
        let result = result.map_err(|error| error.into_call_error(function));
        Poll::Ready(result.and_then(|(format, mut payload)| {
            let host = endpoint.as_ref().map(|endpoint| &*endpoint.host);
            let value = payload::decode_result(host, function, format, &mut payload, self.schema);
            if let Some(host) = host {
                host.recycle(payload);
            }
            value
        }))
    }
}

impl<R> Drop for PoolFuture<R> {
    fn drop(&mut self) {
        match self.job.stage.replace(Stage::Over) {
            Stage::Queued => {
                if let Some(pool) = self.pool.upgrade() {
                    pool.forget(&self.job);
                }
            }
            Stage::Sent(endpoint, call) => {
                if endpoint.host.pending.forget(call) {
                    endpoint.host.engine.borrow_mut().cancel(call);
                    endpoint.flush();
                }
                let task = self.job.task.take();
                task.into_iter().for_each(Waker::wake);
            }
            Stage::Ended(Some(endpoint), Ok((format, payload))) => endpoint.host.release_unread(format, &payload),
            Stage::Ended(..) | Stage::Over => {}
        }
    }
}

impl<R> std::fmt::Debug for PoolFuture<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PoolFuture").field("function", &self.job.function).finish_non_exhaustive()
    }
}

/// Terminates the workers with the last handle of the pool.
struct Handle(Rc<State>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

/// A flag that is lowered when this is dropped, also by a panic.
struct Raised<'a>(&'a Cell<bool>);

impl<'a> Raised<'a> {
    fn raise(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// State of a pool. Nothing is borrowed while code of the program runs.
pub(super) struct State {
    main: Weak<Shared>,
    create: Box<Create>,
    /// Whether `create` runs. Calls that it makes start no further workers.
    is_creating: Cell<bool>,
    size: usize,
    /// Maximum number of waiting calls.
    longest: Cell<usize>,
    /// Workers not known to be closed.
    members: RefCell<Vec<Rc<Member>>>,
    /// Calls that wait for a worker, oldest first.
    queue: Queue<Rc<Job>>,
    /// Number of consecutive workers that ended before they were ready.
    failures: Cell<usize>,
    is_terminated: Cell<bool>,
}

type Create = dyn Fn(WorkerBuilder<'_>) -> Result<Worker, SpawnError>;

struct Member {
    worker: Worker,
    is_ready: Cell<bool>,
    is_free: Cell<bool>,
    /// The call in flight.
    job: RefCell<Option<Rc<Job>>>,
}

impl Member {
    fn is_closed(&self) -> bool {
        self.worker.endpoint.host.engine.borrow().session().closed().is_some()
    }
}

impl State {
    /// Starts a worker.
    fn start(self: &Rc<Self>) -> Result<(), SpawnError> {
        let Some(main) = self.main.upgrade() else {
            return Err(io::Error::other("main is gone").into());
        };
        let creating = Raised::raise(&self.is_creating);
        let worker = (self.create)(WorkerBuilder::new(&main))?;
        drop(creating);
        if self.live().iter().any(|member| Rc::ptr_eq(&member.worker.endpoint, &worker.endpoint)) {
            let text = "the function that starts workers of a pool has returned a worker of the pool again: start a new one in each call";
            return Err(io::Error::other(text).into());
        }
        if self.is_terminated.get() {
            worker.terminate();
        }
        let ready = worker.ready();
        let member =
            Rc::new(Member { worker, is_ready: Cell::new(false), is_free: Cell::new(false), job: RefCell::default() });
        self.members.borrow_mut().push(Rc::clone(&member));
        let pool = Rc::downgrade(self);
        self.spawn(async move {
            let result = ready.await;
            let Some(pool) = pool.upgrade() else { return };
            match result {
                Ok(_) => {
                    pool.failures.set(0);
                    member.is_ready.set(true);
                    pool.free(&member);
                }
                Err(error) => {
                    pool.members.borrow_mut().retain(|other| !Rc::ptr_eq(other, &member));
                    pool.handle_failure(&error);
                }
            }
        });
        Ok(())
    }

    /// Counts a worker that ended before it was ready, or was not started.
    fn handle_failure(self: &Rc<Self>, error: &dyn std::error::Error) {
        if self.is_terminated.get() {
            return;
        }
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if failures < MOST_FAILURES {
            return self.pump();
        }
        if self.live().is_empty() {
            let text = format!("the last {failures} workers of the pool have failed to start: {error}");
            let closed = Closed { by: ClosedBy::Here, reason: CloseReason::FAILED, text };
            self.end_queue(&CallErrorKind::Closed(closed));
        }
    }

    /// Ends the calls that wait.
    fn end_queue(&self, kind: &CallErrorKind) {
        for job in self.queue.take() {
            self.end(&job, Err(CallError::new(&job.function, kind.clone()).into()));
        }
    }

    fn live(&self) -> Vec<Rc<Member>> {
        let mut members = self.members.borrow_mut();
        members.retain(|member| !member.is_closed());
        members.clone()
    }

    fn free_member(&self) -> Option<Rc<Member>> {
        self.live().into_iter().find(|member| member.is_free.get())
    }

    /// Makes a call, now or when a worker is free.
    fn make(self: &Rc<Self>, job: &Rc<Job>) {
        let refused = |kind| Err(CallError::new(&job.function, kind).into());
        if self.is_terminated.get() {
            return job.end(refused(terminated()));
        }
        if let Some(member) = self.free_member() {
            return self.send(job, &member);
        }
        let longest = self.longest.get();
        if self.queue.len() >= longest {
            return job.end(refused(CallErrorKind::Busy(longest)));
        }
        self.queue(job);
    }

    fn queue(self: &Rc<Self>, job: &Rc<Job>) {
        if self.queue.push(Rc::clone(job))
            && let Some(main) = self.main.upgrade()
        {
            main.ring_outside_of_turn();
        }
        self.pump();
    }

    /// Sends waiting calls to idle workers, and replaces workers that have ended.
    fn pump(self: &Rc<Self>) {
        while self.queue.len() > 0
            && let Some(member) = self.free_member()
        {
            let job = self.queue.pop();
            job.into_iter().for_each(|job| self.send(&job, &member));
        }
        if self.is_creating.get() {
            return;
        }
        let live = self.live();
        let starting = live.iter().filter(|member| !member.is_ready.get()).count();
        let waiting = self.queue.len().saturating_sub(starting);
        // Counted once: a worker may end before `create` returns it.
        for _ in 0..waiting.min(self.size.saturating_sub(live.len())) {
            if let Err(error) = self.start() {
                return self.handle_failure(&error);
            }
        }
    }

    fn free(self: &Rc<Self>, member: &Member) {
        member.is_free.set(true);
        self.pump();
    }

    fn send(self: &Rc<Self>, job: &Rc<Job>, member: &Rc<Member>) {
        member.is_free.set(false);
        let (payload, given) = if job.retry {
            (job.payload.borrow().clone(), job.given.borrow().clone())
        } else {
            (job.payload.take(), job.given.take())
        };
        let endpoint = &member.worker.endpoint;
        let given = endpoint.host.give_all(&given);
        match endpoint.host.call_encoded(&job.function, job.format, payload, job.deadline) {
            Ok(call) => {
                let pending = endpoint.host.pending.expect(call);
                job.stage.replace(Stage::Sent(Rc::clone(endpoint), call));
                member.job.replace(Some(Rc::clone(job)));
                endpoint.flush();
                self.spawn(watch(Rc::downgrade(self), Rc::clone(job), Rc::clone(member), pending));
            }
            Err(error) => {
                endpoint.host.handles.take_back(&given);
                member.is_free.set(true);
                self.end_or_retry(job, member, Err(error.into()));
            }
        }
    }

    fn end_or_retry(self: &Rc<Self>, job: &Rc<Job>, member: &Member, result: CallResult) {
        let is_lost = matches!(&result, Err(RawError::Failed(CallError { kind: CallErrorKind::Closed(_), .. })));
        let attempts = job.attempts.get() + 1;
        job.attempts.set(attempts);
        if is_lost
            && job.retry
            && attempts < MOST_ATTEMPTS
            && member.is_closed()
            && !self.is_terminated.get()
            && job.is_wanted()
        {
            job.stage.replace(Stage::Queued);
            self.queue(job);
        } else {
            self.end(job, result);
        }
    }

    fn end(&self, job: &Job, result: CallResult) {
        if let Some(main) = self.main.upgrade() {
            main.end_turn();
        }
        job.end(result);
    }

    /// Drops a waiting call whose future was dropped.
    fn forget(&self, job: &Rc<Job>) {
        self.queue.retain(|other| !Rc::ptr_eq(other, job));
    }

    /// Ends all workers and calls.
    pub(super) fn terminate(&self) {
        if self.is_terminated.replace(true) {
            return;
        }
        self.end_queue(&terminated());
        for member in self.members.take() {
            let job = member.job.take();
            member.worker.terminate();
            if let Some(job) = job {
                self.end(&job, Err(CallError::new(&job.function, terminated()).into()));
            }
        }
    }

    /// Time until [`expire`](Self::expire) has something to do. Reads the clock only if there are deadlines.
    pub(super) fn until_deadline(&self) -> Option<Duration> {
        self.queue.until_deadline()
    }

    /// Ends the calls that have waited until their deadline.
    pub(super) fn expire(&self) {
        for job in self.queue.take_expired() {
            self.end(&job, Err(CallError::new(&job.function, CallErrorKind::TimedOut).into()));
        }
    }

    /// Runs a task in turns of main.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        if let Some(main) = self.main.upgrade() {
            main.spawn(Box::pin(task));
            main.ring_outside_of_turn();
        }
    }
}

/// Waits for the end of a call, then for the worker to be free. Keeps no pool.
async fn watch(pool: Weak<State>, job: Rc<Job>, member: Rc<Member>, pending: Rc<Pending>) {
    let result = poll_fn(|context| {
        if !job.is_wanted() {
            return Poll::Ready(None);
        }
        job.task.replace(Some(context.waker().clone()));
        pending.poll(context).map(Some)
    })
    .await;
    member.job.take();
    let has_ended = !matches!(
        &result,
        None | Some(Err(RawError::Failed(CallError { kind: CallErrorKind::TimedOut | CallErrorKind::Cancelled, .. })))
    );
    if let Some(Ok((format, payload))) = pending.take() {
        // The result of a call that is no longer awaited.
        member.worker.endpoint.host.release_unread(format, &payload);
    }
    if let Some(result) = result
        && let Some(pool) = pool.upgrade()
    {
        pool.end_or_retry(&job, &member, result);
    }
    drop(job);
    if !has_ended {
        probe(&member.worker.endpoint).await;
    }
    if let Some(pool) = pool.upgrade() {
        pool.free(&member);
    }
}

/// Waits until a worker answers again. It may still compute the result of a call that is no longer awaited.
async fn probe(endpoint: &MainEndpoint) {
    if let Ok(call) = endpoint.host.call(PROBE, None, |payload| payload::encode_args(None, &(), None, payload)) {
        let pending = endpoint.host.pending.expect(call);
        endpoint.flush();
        // How it ends does not matter.
        let _ = poll_fn(|context| pending.poll(context)).await;
    }
}

/// A call, between its future and the pool.
struct Job {
    function: String,
    format: Format,
    /// Its arguments; empty once it is sent, unless it may be sent again.
    payload: RefCell<Payload>,
    /// The functions and streams in the arguments.
    given: RefCell<Vec<Rc<Local>>>,
    deadline: Option<Time>,
    retry: bool,
    attempts: Cell<u32>,
    stage: RefCell<Stage>,
    /// Wakes the future of the call.
    waker: RefCell<Option<Waker>>,
    /// Wakes the task of the pool that watches the call.
    task: RefCell<Option<Waker>>,
}

enum Stage {
    Queued,
    Sent(Rc<MainEndpoint>, CallId),
    /// Includes the end of the link by which the result arrives, if the call was sent.
    Ended(Option<Rc<MainEndpoint>>, CallResult),
    /// The result was returned, or is no longer awaited.
    Over,
}

impl Due for Rc<Job> {
    fn deadline(&self) -> Option<Time> {
        self.deadline
    }
}

impl Job {
    fn is_wanted(&self) -> bool {
        matches!(&*self.stage.borrow(), Stage::Queued | Stage::Sent(..))
    }

    fn end(&self, result: CallResult) {
        if self.is_wanted() {
            let sent = self.stage.replace(Stage::Over);
            let endpoint = if let Stage::Sent(endpoint, _) = sent { Some(endpoint) } else { None };
            self.stage.replace(Stage::Ended(endpoint, result));
            let waker = self.waker.take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<(Option<Rc<MainEndpoint>>, CallResult)> {
        if self.is_wanted() {
            self.waker.replace(Some(context.waker().clone()));
            return Poll::Pending;
        }
        match self.stage.replace(Stage::Over) {
            Stage::Ended(endpoint, result) => Poll::Ready((endpoint, result)),
            _ => panic!("the future of a call was polled after it had given its result"),
        }
    }
}

fn terminated() -> CallErrorKind {
    let text = "the pool was terminated".into();
    CallErrorKind::Closed(Closed { by: ClosedBy::Here, reason: CloseReason::TERMINATED, text })
}

/// Default of [`Pool::with_queue`].
const QUEUE: usize = 1024;

/// Maximum number of consecutive failed starts while calls wait.
const MOST_FAILURES: usize = 3;

/// Maximum number of attempts of a call that is retried.
const MOST_ATTEMPTS: u32 = 3;

/// A name that no worker exports: it refuses the call as soon as it serves.
const PROBE: &str = "coincide:probe";
