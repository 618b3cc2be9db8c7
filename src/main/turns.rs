//! Main's loop: turns in which it serves its workers.

use super::endpoint::{MainEndpoint, Owner};
use super::flag::{Flag, Thread};
use super::mailbox::{BATCH, Mailbox};
use super::names::Names;
use super::pool;
use crate::calls::defaults::MEMORY_BUDGET;
use crate::calls::host::Task;
use crate::calls::turn::{Pace, Paced, Turn};
use coincide_proto::Budget;
use coincide_transport_atomics::{BusyPoll, Doorbell};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) struct Shared {
    pub(crate) doorbell: Arc<Doorbell>,
    /// Budget for the bodies in flight of all links.
    pub(crate) budget: Budget,
    pub(super) endpoints: RefCell<Vec<Rc<MainEndpoint>>>,
    /// The pools that may have handles left.
    pools: RefCell<Vec<Weak<pool::State>>>,
    /// Asynchronous functions that are running.
    tasks: RefCell<FuturesUnordered<Paced>>,
    /// Those that were started since the tasks were last polled.
    new_tasks: RefCell<Vec<Task>>,
    tasks_woken: Arc<Flag>,
    /// Jobs of other threads.
    mailbox: Arc<Mailbox>,
    pub(crate) names: Names,
    busy_poll: RefCell<BusyPoll>,
    thread: Arc<Thread>,
    pace: Rc<Pace>,
    /// Next share of a round: 0 for other threads, then the links, then the tasks.
    place: Cell<usize>,
    /// A task was woken that runs only after the turn.
    turn_over: Cell<bool>,
    /// A worker was served that may call again soon.
    polls_busily: Cell<bool>,
    /// The links will ring the doorbell.
    armed: Cell<bool>,
}

impl Shared {
    pub(super) fn new() -> std::io::Result<Self> {
        let doorbell = Doorbell::new()?;
        let thread = Arc::new(Thread::new());
        Ok(Self {
            tasks_woken: Arc::new(Flag::new(&doorbell, &thread)),
            mailbox: Arc::new(Mailbox::new(Flag::new(&doorbell, &thread))),
            doorbell,
            thread,
            budget: Budget::new(MEMORY_BUDGET),
            endpoints: RefCell::default(),
            pools: RefCell::default(),
            tasks: RefCell::default(),
            new_tasks: RefCell::default(),
            names: Names::default(),
            busy_poll: RefCell::new(BusyPoll::main()),
            pace: Rc::default(),
            place: Cell::new(0),
            turn_over: Cell::new(false),
            polls_busily: Cell::new(false),
            armed: Cell::new(false),
        })
    }

    /// A flag whose waker makes main take a turn.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn flag(&self) -> Flag {
        Flag::new(&self.doorbell, &self.thread)
    }

    pub(super) fn add(&self, endpoint: Rc<MainEndpoint>) {
        self.endpoints.borrow_mut().push(endpoint);
        // The new endpoint is not armed, so it is polled before main sleeps.
        self.doorbell.ring();
    }

    pub(super) fn add_pool(&self, pool: Weak<pool::State>) {
        let mut pools = self.pools.borrow_mut();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(pool);
    }

    /// The pools in which calls with deadlines wait, and the time until the first deadline of each.
    fn until_deadlines(&self) -> Vec<(Rc<pool::State>, Duration)> {
        let pools = self.pools.borrow();
        let deadlines = pools.iter().filter_map(Weak::upgrade).filter_map(|pool| {
            let deadline = pool.until_deadline()?;
            Some((pool, deadline))
        });
        deadlines.collect()
    }

    /// Ends calls that have waited for a worker until their deadline. `false`: there were none.
    fn expire_pools(&self) -> bool {
        let mut progress = false;
        for (pool, deadline) in self.until_deadlines() {
            if deadline.is_zero() {
                pool.expire();
                progress = true;
            }
        }
        progress
    }

    pub(crate) fn turn(&self, budget: Duration, woken: &dyn Fn() -> bool) -> Turn {
        assert!(
            self.thread.begin(),
            "main is taking a turn already: a function registered for a worker must not call `turn` or `block_on`"
        );
        let _turning = Reset(&self.thread);
        self.disarm();
        self.turn_over.set(false);
        self.pace.begin(budget);
        loop {
            if !self.step() {
                if self.polls_busily.take()
                    && self.tasks.borrow().is_empty()
                    && let Some(polls) = self.busy_poll(woken)
                {
                    self.pace.add(polls / POLLS_PER_ACTION);
                } else {
                    return self.arm();
                }
            }
            if self.pace.is_over() || self.turn_over.get() || woken() {
                return Turn::More;
            }
        }
    }

    /// Polls busily. Returns the number of polls when there is something to do.
    fn busy_poll(&self, woken: &dyn Fn() -> bool) -> Option<u32> {
        let busy = || self.endpoints.borrow().iter().any(|endpoint| endpoint.is_busy());
        let mut polls = 0_u32;
        let came = self.busy_poll.borrow_mut().poll(|| {
            polls = polls.saturating_add(1);
            busy() || self.tasks_woken.is_set() || self.mailbox.flag().is_set() || woken()
        });
        came.then_some(polls)
    }

    /// Performs one round of work: jobs of other threads, the links, the tasks. Returns whether there was any.
    ///
    /// A round stops when the turn is over. The next turn continues it, so that short turns serve all shares.
    fn step(&self) -> bool {
        let mut progress = false;
        // One place before those of the links, and one behind them.
        let places = self.endpoints.borrow().len() + 2;
        for _ in 0..places {
            if self.pace.is_over() {
                return true;
            }
            let place = self.place.get();
            let endpoint = {
                let endpoints = self.endpoints.borrow();
                self.place.set(if place > endpoints.len() { 0 } else { place + 1 });
                place.checked_sub(1).and_then(|index| endpoints.get(index)).cloned()
            };
            match endpoint {
                Some(endpoint) if endpoint.is_busy() && endpoint.pump(&self.pace) => {
                    progress = true;
                    if endpoint.is_polled() {
                        self.polls_busily.set(true);
                    }
                }
                Some(_) => {}
                None if place == 0 => progress |= self.perform_jobs() | self.expire_pools(),
                None => {
                    if self.poll_tasks() {
                        progress = true;
                        self.polls_busily.set(true);
                    }
                }
            }
        }
        progress
    }

    /// Performs jobs of other threads. `false`: there were none.
    fn perform_jobs(&self) -> bool {
        if !self.mailbox.flag().take() {
            return false;
        }
        for _ in 0..BATCH {
            if self.pace.is_over() {
                break;
            }
            let Some((address, job)) = self.mailbox.take() else {
                return true;
            };
            let endpoint = self.endpoints.borrow().iter().find(|endpoint| endpoint.has_address(&address)).cloned();
            match endpoint {
                Some(endpoint) => endpoint.perform_job(job),
                None => address.refuse(job),
            }
            self.pace.add(1);
        }
        // There may be more. The links are served first.
        self.mailbox.flag().set();
        true
    }

    fn poll_tasks(&self) -> bool {
        if !self.tasks_woken.take() {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.tasks_woken));
        let mut context = Context::from_waker(&waker);
        let mut tasks = self.tasks.borrow_mut();
        loop {
            let new_tasks = self.new_tasks.take();
            tasks.extend(new_tasks.into_iter().map(|task| Paced { task, pace: Rc::clone(&self.pace) }));
            match tasks.poll_next_unpin(&mut context) {
                Poll::Ready(Some(())) if self.pace.is_over() => {
                    // There may be more, in the next turn.
                    self.tasks_woken.set();
                    return true;
                }
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending if self.new_tasks.borrow().is_empty() => return true,
                _ => {}
            }
        }
    }

    /// Makes every link ring the doorbell from now on, unless there is something to do.
    fn arm(&self) -> Turn {
        self.armed.set(true);
        let mut timeout: Option<Duration> = None;
        for endpoint in self.endpoints.borrow().iter() {
            if !endpoint.host.engine.borrow_mut().arm() {
                return Turn::More;
            }
            if let Some(deadline) = endpoint.until_deadline() {
                timeout = Some(timeout.map_or(deadline, |timeout| timeout.min(deadline)));
            }
        }
        if self.tasks_woken.is_set() || self.mailbox.flag().is_set() {
            return Turn::More;
        }
        for (_, deadline) in self.until_deadlines() {
            timeout = Some(timeout.map_or(deadline, |timeout| timeout.min(deadline)));
        }
        Turn::Idle { timeout }
    }

    fn disarm(&self) {
        if self.armed.replace(false) {
            for endpoint in self.endpoints.borrow().iter() {
                endpoint.host.engine.borrow_mut().disarm();
            }
            self.doorbell.wait(Some(Duration::ZERO));
            self.busy_poll.borrow_mut().woke();
        }
    }
}

impl Owner for Shared {
    fn spawn(&self, task: Task) {
        self.new_tasks.borrow_mut().push(task);
        self.tasks_woken.set();
    }

    fn end_turn(&self) {
        self.turn_over.set(true);
    }

    fn ring_outside_of_turn(&self) {
        if !self.thread.is_turning() {
            self.doorbell.ring();
        }
    }

    fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    fn remove(&self, endpoint: &Rc<MainEndpoint>) {
        self.endpoints.borrow_mut().retain(|other| !Rc::ptr_eq(other, endpoint));
        if let Some(name) = endpoint.name() {
            self.names.remove(name, endpoint);
        }
    }
}

impl Drop for Shared {
    /// Workers are no longer served, even if handles of them exist.
    fn drop(&mut self) {
        for pool in self.pools.take() {
            if let Some(pool) = pool.upgrade() {
                pool.terminate();
            }
        }
        for endpoint in self.endpoints.take() {
            endpoint.terminate();
        }
        self.mailbox.close();
        // Ends `Main::run`.
        self.doorbell.ring();
    }
}

struct Reset<'a>(&'a Thread);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Number of polls that take about as long as an action.
const POLLS_PER_ACTION: u32 = 32;
