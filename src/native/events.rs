//! Interface of native event loops for endpoints.

use coincide_transport_atomics::Doorbell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Whether a user waits for main to react to a key or a click. Always `false` in native programs.
pub(crate) const fn input_pending() -> bool {
    false
}

/// Lets the executor run other tasks.
pub(crate) async fn next_task() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Awaits `rung`, and rings the doorbell after `timeout`. Executors have no timer in common, so one thread of this process rings for all.
pub(crate) async fn within(timeout: Duration, doorbell: &Arc<Doorbell>, rung: impl Future<Output = ()>) {
    match Timer::set(timeout, doorbell) {
        Ok(_timer) => rung.await,
        // Without a thread, the loop polls until the deadline.
        Err(_) => next_task().await,
    }
}

/// Rings a doorbell at a time, unless it is dropped before.
struct Timer {
    key: Key,
}

/// Time at which a doorbell rings, and a number that distinguishes timers of the same time.
type Key = (Instant, u64);

#[derive(Default)]
struct Timers {
    due: BTreeMap<Key, Arc<Doorbell>>,
    last: u64,
    has_thread: bool,
}

static TIMERS: Mutex<Timers> = Mutex::new(Timers { due: BTreeMap::new(), last: 0, has_thread: false });

/// Notified when a timer is set that is due before all others.
static EARLIER: Condvar = Condvar::new();

impl Timer {
    fn set(timeout: Duration, doorbell: &Arc<Doorbell>) -> io::Result<Self> {
        let mut timers = lock();
        if !timers.has_thread {
            std::thread::Builder::new().name("coincide-timers".into()).spawn(ring_when_due)?;
            timers.has_thread = true;
        }
        timers.last += 1;
        let now = Instant::now();
        let key = (now.checked_add(timeout).unwrap_or(now + FAR), timers.last);
        if timers.due.first_key_value().is_none_or(|(first, _)| key < *first) {
            EARLIER.notify_one();
        }
        timers.due.insert(key, Arc::clone(doorbell));
        Ok(Self { key })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        lock().due.remove(&self.key);
    }
}

fn ring_when_due() {
    let mut timers = lock();
    loop {
        let now = Instant::now();
        let wait = timers.due.first_key_value().map(|((at, _), _)| at.saturating_duration_since(now));
        match wait {
            Some(Duration::ZERO) => {
                if let Some((_, doorbell)) = timers.due.pop_first() {
                    drop(timers);
                    doorbell.ring();
                    timers = lock();
                }
            }
            Some(wait) => {
                timers = EARLIER.wait_timeout(timers, wait).unwrap_or_else(PoisonError::into_inner).0;
            }
            None => timers = EARLIER.wait(timers).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

fn lock() -> MutexGuard<'static, Timers> {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Upper bound for deadlines that overflow the clock. A loop that wakes then waits again.
const FAR: Duration = Duration::from_secs(1 << 30);
