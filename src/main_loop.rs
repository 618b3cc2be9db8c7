//! Main: the endpoint that never blocks, and the loop that serves its workers.

use crate::Workers;
use crate::link::Link;
use crate::names::Names;
#[cfg(not(target_family = "wasm"))]
use crate::native::input_pending;
#[cfg(target_family = "wasm")]
use crate::web::input_pending;
use crate::worker::WorkerBuilder;
use coincide_proto::Budget;
use coincide_transport_atomics::{Bell, Patience};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::Duration;
use web_time::Instant;

/// The main endpoint: it serves any number of workers on one thread and never blocks in a call.
///
/// Something has to drive it. Either [`block_on`](Self::block_on), which waits for a future and serves workers meanwhile. Or an event
/// loop of your own: call [`turn`](Self::turn) whenever the file descriptor of [`as_fd`](std::os::fd::AsFd::as_fd) is readable (Linux) or the waker given to
/// [`set_waker`](Self::set_waker) is woken, and after the time that the last turn named.
///
/// Cloning gives another handle to the same endpoint. When the last one is dropped, its workers are terminated.
#[derive(Clone)]
pub struct Main {
    pub(crate) shared: Rc<Shared>,
}

/// What a turn of [`Main::turn`] left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the next turn is due"]
pub enum Turn {
    /// There is more to do: take the next turn as soon as others had theirs.
    More,
    /// There is nothing to do until the bell rings: the file descriptor is readable, or the waker is woken.
    Idle {
        /// Take a turn after this time even if the bell has not rung: a deadline passes then.
        timeout: Option<Duration>,
    },
}

impl Main {
    /// A main endpoint without workers.
    ///
    /// # Errors
    /// When the system refuses the event counter behind the bell.
    pub fn new() -> std::io::Result<Self> {
        let bell = Bell::new()?;
        let thread = Arc::new(Thread { id: std::thread::current().id(), turning: AtomicBool::new(false) });
        let shared = Shared {
            tasks_woken: Arc::new(Flag::of(&bell, &thread)),
            bell,
            thread,
            budget: Budget::new(MEMORY_BUDGET),
            links: RefCell::default(),
            tasks: RefCell::default(),
            new_tasks: RefCell::default(),
            names: Names::default(),
            linger: RefCell::new(Patience::lingering(LINGER).reaching(REACH)),
            turn_over: Cell::new(false),
            lingers: Cell::new(false),
            armed: Cell::new(false),
        };
        Ok(Self { shared: Rc::new(shared) })
    }

    /// Starts a worker after giving it a name or other settings.
    pub fn worker(&self) -> WorkerBuilder<'_> {
        WorkerBuilder::new(self)
    }

    /// The workers by name.
    pub fn workers(&self) -> Workers {
        Workers::new(Rc::clone(&self.shared))
    }

    /// Sets for how long a turn goes on looking for the next call after it has answered one. Default 50 µs, and up to 100 µs
    /// (in a browser 200 µs) while that finds one.
    ///
    /// A chatty worker's next call follows at once, and finding it so saves two wake-ups. Zero turns it off.
    pub fn set_linger(&self, linger: Duration) {
        self.shared.linger.replace(Patience::lingering(linger));
    }

    /// Sets how many bytes the bodies in flight of all links may take together: those that arrive in parts, as far as they have arrived, and
    /// those that wait to be sent. The first 64 KiB of each link are not counted. What exceeds the budget ends its call with
    /// [`CallError::OutOfMemory`](crate::CallError::OutOfMemory) at the worker, or [`SendError::OutOfMemory`](crate::SendError::OutOfMemory)
    /// here; the link stays open.
    ///
    /// Default 1 GiB on wasm, a quarter of the memory that its addresses reach. Natively `usize::MAX`, which is no limit: a program whose
    /// workers it does not trust sets one.
    pub fn set_memory_budget(&self, bytes: usize) {
        self.shared.budget.set_limit(bytes);
    }

    /// Sets whom to wake when there is something to do after an idle turn.
    ///
    /// # Errors
    /// When the system refuses the thread that wakes on behalf of worker processes.
    pub fn set_waker(&self, waker: Option<Waker>) -> std::io::Result<()> {
        self.shared.bell.set_waker(waker)
    }

    /// Makes whoever drives main take a turn soon.
    pub fn ring(&self) {
        self.shared.bell.ring();
    }

    /// Serves the workers without blocking until there is nothing to do or `budget` is over. Returns early when somebody was woken who
    /// waits for a worker.
    ///
    /// # Panics
    /// When called from within a turn, as by a function that serves a worker.
    pub fn turn(&self, budget: Duration) -> Turn {
        self.shared.turn(budget, &|| false)
    }
}

impl std::fmt::Debug for Main {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Main").field("workers", &self.shared.links.borrow()).finish_non_exhaustive()
    }
}

pub(crate) struct Shared {
    pub(crate) bell: Arc<Bell>,
    /// What the bodies in flight of all links are charged to.
    pub(crate) budget: Budget,
    links: RefCell<Vec<Rc<Link>>>,
    /// Asynchronous functions that are running.
    tasks: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Those that were started since the tasks were last polled.
    new_tasks: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    tasks_woken: Arc<Flag>,
    pub(crate) names: Names,
    linger: RefCell<Patience>,
    thread: Arc<Thread>,
    /// Somebody was woken who does not run before the turn is over.
    turn_over: Cell<bool>,
    /// Somebody was served who may call again soon.
    lingers: Cell<bool>,
    /// The links will ring the bell.
    armed: Cell<bool>,
}

impl Shared {
    pub(crate) fn add(&self, link: Rc<Link>) {
        self.links.borrow_mut().push(link);
        // The new link is not armed: look at it before going to sleep.
        self.bell.ring();
    }

    pub(crate) fn remove(&self, link: &Rc<Link>) {
        self.links.borrow_mut().retain(|other| !Rc::ptr_eq(other, link));
        if let Some(name) = link.name() {
            self.names.remove(name, link);
        }
    }

    pub(crate) fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.new_tasks.borrow_mut().push(task);
        self.tasks_woken.set();
    }

    pub(crate) fn is_turning(&self) -> bool {
        self.thread.turning.load(Ordering::Relaxed)
    }

    pub(crate) fn end_turn(&self) {
        self.turn_over.set(true);
    }

    pub(crate) fn turn(&self, budget: Duration, woken: &dyn Fn() -> bool) -> Turn {
        assert!(
            !self.thread.turning.swap(true, Ordering::Relaxed),
            "main is serving a worker already: a function that serves one must not call `turn` or `block_on`"
        );
        let _turning = Reset(&self.thread.turning);
        self.disarm();
        self.turn_over.set(false);
        let mut start = None;
        // Since the clock was read.
        let mut steps = 0_u32;
        loop {
            if self.step() {
                steps += 1;
                if steps >= STEPS_PER_LOOK {
                    steps = 0;
                    if start.get_or_insert_with(Instant::now).elapsed() >= budget || input_pending() {
                        return Turn::More;
                    }
                }
            } else if self.lingers.take()
                && self.tasks.borrow().is_empty()
                && let Some(glances) = self.wait_a_little(woken)
            {
                steps += glances / GLANCES_PER_STEP;
            } else {
                return self.arm();
            }
            if self.turn_over.get() || woken() {
                return Turn::More;
            }
        }
    }

    /// Lingers, and says how often it has looked when there is something to do.
    fn wait_a_little(&self, woken: &dyn Fn() -> bool) -> Option<u32> {
        let busy = || self.links.borrow().iter().any(|link| link.is_busy());
        let mut glances = 0_u32;
        let came = self.linger.borrow_mut().wait_until(|| {
            glances = glances.saturating_add(1);
            busy() || self.tasks_woken.is_set() || woken()
        });
        came.then_some(glances)
    }

    /// Does what there is to do now. `false`: there was nothing.
    fn step(&self) -> bool {
        let mut progress = false;
        let mut index = 0;
        loop {
            let link = match self.links.borrow().get(index) {
                Some(link) if link.is_busy() => Rc::clone(link),
                Some(_) => {
                    index += 1;
                    continue;
                }
                None => break,
            };
            if link.pump() {
                progress = true;
                self.linger_for(&link);
            }
            index += 1;
        }
        if self.poll_tasks() {
            progress = true;
            self.links.borrow().iter().for_each(|link| self.linger_for(link));
        }
        progress
    }

    /// A worker that was served may call again soon.
    fn linger_for(&self, link: &Link) {
        self.lingers.set(self.lingers.get() || link.end.engine.borrow().is_worth_lingering());
    }

    fn poll_tasks(&self) -> bool {
        if !self.tasks_woken.take() {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.tasks_woken));
        let mut context = Context::from_waker(&waker);
        let mut tasks = self.tasks.borrow_mut();
        loop {
            tasks.extend(self.new_tasks.borrow_mut().drain(..));
            match tasks.poll_next_unpin(&mut context) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending if self.new_tasks.borrow().is_empty() => return true,
                _ => {}
            }
        }
    }

    /// Makes every link ring the bell from now on, unless there is something to do.
    fn arm(&self) -> Turn {
        self.armed.set(true);
        let mut timeout: Option<Duration> = None;
        for link in self.links.borrow().iter() {
            if !link.end.engine.borrow_mut().arm() {
                return Turn::More;
            }
            if let Some(deadline) = link.end.until_deadline() {
                timeout = Some(timeout.map_or(deadline, |timeout| timeout.min(deadline)));
            }
        }
        if self.tasks_woken.is_set() {
            return Turn::More;
        }
        Turn::Idle { timeout }
    }

    fn disarm(&self) {
        if self.armed.replace(false) {
            for link in self.links.borrow().iter() {
                link.end.engine.borrow_mut().disarm();
            }
            self.bell.wait(Some(Duration::ZERO));
        }
    }
}

impl Drop for Shared {
    /// Nobody will serve the workers any more, even if handles of them are left.
    fn drop(&mut self) {
        for link in self.links.take() {
            link.terminate();
        }
    }
}

/// The thread that drives main.
struct Thread {
    id: ThreadId,
    /// Written by that thread alone, so relaxed accesses suffice: it sees its own writes, and for others it is a hint.
    turning: AtomicBool,
}

impl Thread {
    /// Whether the caller runs inside a turn: then main is awake and will look at its flags before it sleeps.
    fn is_turning_here(&self) -> bool {
        self.turning.load(Ordering::Relaxed) && std::thread::current().id() == self.id
    }
}

struct Reset<'a>(&'a AtomicBool);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Something is to be polled: set by wakers, which also ring main's bell where main may be asleep.
pub(crate) struct Flag {
    set: AtomicBool,
    bell: Arc<Bell>,
    thread: Arc<Thread>,
}

impl Flag {
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn new(main: &Shared) -> Self {
        Self::of(&main.bell, &main.thread)
    }

    fn of(bell: &Arc<Bell>, thread: &Arc<Thread>) -> Self {
        Self { set: AtomicBool::new(false), bell: Arc::clone(bell), thread: Arc::clone(thread) }
    }

    pub(crate) fn set(&self) {
        // Release pairs with the acquire in `take`: whatever the waker did before it woke is seen by the poll.
        self.set.store(true, Ordering::Release);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> bool {
        self.is_set() && self.set.swap(false, Ordering::Acquire)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
        if !self.thread.is_turning_here() {
            self.bell.ring();
        }
    }
}

/// Default of [`Main::set_linger`].
pub(crate) const LINGER: Duration = Duration::from_micros(50);

/// Default of [`Main::set_memory_budget`] and [`Scope::set_memory_budget`](crate::Scope::set_memory_budget). A wasm memory has 4 GiB at most, and a
/// body that outgrows its buffer takes up to twice its size for a moment.
pub(crate) const MEMORY_BUDGET: usize = if cfg!(target_family = "wasm") { 1 << 30 } else { usize::MAX };

/// Longest linger while the next call comes within it: longer than waking main takes, natively and in a browser.
const REACH: Duration = Duration::from_micros(if cfg!(target_family = "wasm") { 200 } else { 100 });

/// Longest turn of the loops that drive main.
pub(crate) const TURN: Duration = Duration::from_millis(2);

/// The clock is read, and the user is thought of, once in so many steps.
const STEPS_PER_LOOK: u32 = 64;

/// Looking for the next call so often takes about as long as a step.
const GLANCES_PER_STEP: u32 = 32;
