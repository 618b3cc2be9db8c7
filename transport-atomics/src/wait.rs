//! Busy polling: how long an endpoint polls for input before it parks.
//!
//! # Rationale
//! Waking a parked thread takes 7 µs on bare hardware and up to 50 µs on a virtual machine. In a browser it takes 20 µs for a worker, and 50 to 80 µs for a
//! page, which returns to its event loop. A reply often takes less than 1 µs. Polling for longer than a wake-up therefore saves time when a reply is
//! likely to arrive soon. With a shorter budget, two endpoints that both park before the other's wake-up arrives park on every call.
//!
//! Polling also has costs. A polling thread occupies a core. If its peer needs that core, polling delays the reply. If a third thread needs the core, a
//! thread that yields gets it back only after milliseconds. The number of cores available to an endpoint is unknown and changes every millisecond. Each
//! phase is therefore kept while it succeeds, as measured by the endpoint's own waits alone.
//!
//! # Phases
//!
//! | phase | lasts until | natively | in wasm, where threads cannot yield |
//! |---|---|---|---|
//! | first polls | 16 polls, in wasm 32 | without reading the clock | the same, always |
//! | spin | `spin`: 2 µs | kept while it succeeds | none |
//! | poll | `total`: worker 20 µs, main 50 µs | yields; after a yield of more than 100 µs it holds the core instead, for 64 times the time lost | spins |
//! | reach | `reach`: worker 100 µs (150 µs), main 100 µs (200 µs) | as poll, kept while it succeeds | the same |
//! | park | | until woken | |
//!
//! A phase that has failed twice in a row is skipped 4 times, then tried once. If that fails as well, it is skipped 8 times, and so on up to 64 times. In wasm, and
//! natively while the core is held, this applies to polling as a whole. If both ends share a core, both soon park at once, and one wait in 64
//! detects a second core.
//!
//! After 4 consecutive waits of more than 500 µs, polling is skipped until a wait has been shorter. No phase could have shortened these waits.

use crate::sync::SPINNING_PAYS;
use crate::sys::Instant;
use std::time::Duration;

/// Busy polling of an endpoint before it parks, which adapts to the durations of earlier waits. The source has a table of the phases.
///
/// Call [`poll`](Self::poll) before parking, and [`woke`](Self::woke) after waking up.
///
/// ```
/// use coincide_transport_atomics::BusyPoll;
///
/// let mut busy_poll = BusyPoll::main();
/// assert!(busy_poll.poll(|| true));
/// assert!(!busy_poll.poll(|| false));
/// // Here the endpoint parks.
/// busy_poll.woke();
/// ```
#[derive(Clone, Debug)]
pub struct BusyPoll {
    spin: Duration,
    total: Duration,
    reach: Duration,
    spinning: Backoff,
    /// Polling without yielding the core.
    holding: Backoff,
    reaching: Backoff,
    /// When yielding is allowed again after a yield that took too long.
    yield_after: Option<Instant>,
    /// Start of the wait that parked, and whether the core was held before.
    parked: Option<(Instant, bool)>,
    /// Consecutive long waits.
    long: u32,
}

impl BusyPoll {
    /// No polling: the endpoint parks at once.
    pub const NONE: Self = Self::new(Duration::ZERO, Duration::ZERO);

    /// Spins for `spin`, then yields until `total` has passed since the start.
    pub const fn new(spin: Duration, total: Duration) -> Self {
        Self {
            spin,
            total,
            reach: total,
            spinning: Backoff::NEW,
            holding: Backoff::NEW,
            reaching: Backoff::NEW,
            yield_after: None,
            parked: None,
            long: 0,
        }
    }

    /// For main, which waits for the next call: 50 µs, and up to 100 µs (200 µs in wasm) while that succeeds.
    pub fn main() -> Self {
        Self::spinning(MAIN_TOTAL).reaching(MAIN_REACH)
    }

    /// For a worker, which waits for a reply: 20 µs, and up to 100 µs (150 µs in wasm) while that succeeds.
    pub fn worker() -> Self {
        Self::spinning(WORKER_TOTAL).reaching(WORKER_REACH)
    }

    /// Polls for `total`, and spins for the first 2 µs of it.
    fn spinning(total: Duration) -> Self {
        Self::new(total.min(SPIN), total)
    }

    /// Polls for `reach` in total while replies arrive between `total` and `reach`.
    fn reaching(self, reach: Duration) -> Self {
        Self { reach, ..self }
    }

    /// Polls `ready` until it returns `true`. Returns `false` when the budget is spent and the endpoint should park.
    ///
    /// `ready` is called at least once, and many times per microsecond: it should read no more than a few words.
    pub fn poll(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        self.parked = None;
        if ready() {
            return true;
        }
        if !SPINNING_PAYS || self.total.is_zero() {
            return false;
        }
        // Most replies of a busy peer arrive before a clock could be read.
        let spins = CAN_YIELD && !self.spin.is_zero() && self.spinning.allows();
        if (spins || !CAN_YIELD) && poll_times(&mut ready, FIRST_POLLS) {
            self.spinning.succeeded();
            self.long = 0;
            return true;
        }
        let start = Instant::now();
        let holds = !CAN_YIELD || self.yield_after.is_some_and(|after| start < after);
        let polls = self.long < MANY_LONG_WAITS && (!holds || self.holding.allows());
        let is_ready = polls && self.poll_phases(&mut ready, start, spins, holds);
        if is_ready {
            self.long = 0;
        } else {
            self.parked = Some((start, polls && holds));
        }
        is_ready
    }

    /// Records the duration of a wait after [`poll`](Self::poll) returned `false`. Call it when the endpoint is awake again.
    pub fn woke(&mut self) {
        let Some((start, held)) = self.parked.take() else {
            return;
        };
        self.waited(start.elapsed(), held);
    }

    /// `held`: the core was held before, without success.
    fn waited(&mut self, time: Duration, held: bool) {
        if time > LONG_WAIT {
            // A long wait says nothing about shorter ones.
            self.long = self.long.saturating_add(1);
        } else {
            self.long = 0;
            if held {
                self.holding.failed();
            }
        }
    }

    fn poll_phases(&mut self, ready: &mut impl FnMut() -> bool, start: Instant, spins: bool, holds: bool) -> bool {
        if spins {
            let is_ready = spin_until(ready, start, self.spin);
            self.spinning.record(is_ready);
            if is_ready {
                return true;
            }
        }
        let mut polled = self.poll_until(ready, start, self.total, holds);
        if polled == Polled::TimedOut && self.reach > self.total && self.reaching.allows() {
            polled = self.poll_until(ready, start, self.reach, holds);
            self.reaching.record(polled == Polled::Ready);
        }
        let is_ready = polled == Polled::Ready;
        if holds && is_ready {
            self.holding.succeeded();
        }
        is_ready
    }

    /// Polls until `budget` has passed since `start`; `holds`: without yielding.
    fn poll_until(
        &mut self,
        ready: &mut impl FnMut() -> bool,
        start: Instant,
        budget: Duration,
        holds: bool,
    ) -> Polled {
        if holds {
            return if spin_until(ready, start, budget) { Polled::Ready } else { Polled::TimedOut };
        }
        self.yield_after = None;
        let mut now = Instant::now();
        while now - start < budget {
            std::thread::yield_now();
            let is_ready = ready();
            let after = Instant::now();
            if after - now > LONG_YIELD {
                self.yield_after = after.checked_add(YIELD_BACKOFF * (after - now));
                return if is_ready { Polled::Ready } else { Polled::LostCore };
            }
            if is_ready {
                return Polled::Ready;
            }
            now = after;
        }
        Polled::TimedOut
    }
}

/// How a phase of polling ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    Ready,
    TimedOut,
    /// Another thread had the core for so long that more polling is pointless.
    LostCore,
}

/// Backoff of a phase: skips it after consecutive failures.
#[derive(Clone, Debug)]
struct Backoff {
    /// Consecutive failures.
    failures: u32,
    /// Number of times to skip the phase.
    skips: u32,
}

impl Backoff {
    const NEW: Self = Self { failures: 0, skips: 0 };

    fn allows(&mut self) -> bool {
        let allowed = self.skips == 0;
        self.skips = self.skips.saturating_sub(1);
        allowed
    }

    fn record(&mut self, succeeded: bool) {
        if succeeded {
            self.succeeded();
        } else {
            self.failed();
        }
    }

    fn succeeded(&mut self) {
        *self = Self::NEW;
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.skips = 1 << self.failures.min(LONGEST_BACKOFF);
        }
    }
}

/// Spins until `ready`, or until `budget` has passed since `start`: `false`.
fn spin_until(ready: &mut impl FnMut() -> bool, start: Instant, budget: Duration) -> bool {
    while start.elapsed() < budget {
        if poll_times(ready, ROUND) {
            return true;
        }
    }
    false
}

fn poll_times(ready: &mut impl FnMut() -> bool, times: u32) -> bool {
    for _ in 0..times {
        std::hint::spin_loop();
        if ready() {
            return true;
        }
    }
    false
}

/// Whether threads can yield their core. In wasm they cannot.
const CAN_YIELD: bool = !cfg!(target_family = "wasm");

/// Polls before the clock is read first.
const FIRST_POLLS: u32 = if CAN_YIELD { 16 } else { 32 };

/// Polls between two readings of the clock.
const ROUND: u32 = 16;

/// How long an endpoint spins before it yields.
const SPIN: Duration = Duration::from_micros(2);

/// `total`: longer for main, because the next call of a busy worker follows a reply soon.
const WORKER_TOTAL: Duration = Duration::from_micros(20);
const MAIN_TOTAL: Duration = Duration::from_micros(50);

/// `reach`: longer than waking the endpoint takes.
const WORKER_REACH: Duration = Duration::from_micros(if CAN_YIELD { 100 } else { 150 });
const MAIN_REACH: Duration = Duration::from_micros(if CAN_YIELD { 100 } else { 200 });

/// A yield that takes longer than this shows that another thread needs the core.
const LONG_YIELD: Duration = Duration::from_micros(100);

/// After a long yield, yielding is disabled for this multiple of its duration, which limits such losses to 1/64 of the time.
const YIELD_BACKOFF: u32 = 64;

/// Consecutive failures before a phase is skipped.
const FAILURES: u32 = 2;

/// A phase is skipped for at most two to the power of this number of waits.
const LONGEST_BACKOFF: u32 = 6;

/// Polling cannot shorten a wait of more than this by much.
const LONG_WAIT: Duration = Duration::from_micros(500);

/// Consecutive long waits before polling is skipped.
const MANY_LONG_WAITS: u32 = 4;

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MOMENT: Duration = Duration::from_nanos(1);

    /// Ready at this poll, counted from 1.
    fn at_poll(number: u32) -> impl FnMut() -> bool {
        let mut polls = 0;
        move || {
            polls += 1;
            polls >= number
        }
    }

    /// Busy polling that holds its core, so that the scheduler has no influence.
    fn holding(total: Duration, reach: Duration) -> BusyPoll {
        let yield_after = Instant::now().checked_add(HOUR);
        BusyPoll { yield_after, ..BusyPoll::new(Duration::ZERO, total).reaching(reach) }
    }

    /// A wait of this length that ends after the endpoint has parked. Returns whether the endpoint polled before.
    fn wait(busy_poll: &mut BusyPoll, length: Duration) -> bool {
        assert!(!busy_poll.poll(|| false));
        let (_, polled) = busy_poll.parked.take().expect("it parks");
        busy_poll.waited(length, polled);
        polled
    }

    const SHORT: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_millis(3);

    /// Number of consecutive waits without polling, at most 1000.
    fn skipped(busy_poll: &mut BusyPoll, length: Duration) -> usize {
        (0..1000).take_while(|_| !wait(busy_poll, length)).count()
    }

    #[test]
    fn input_that_arrives_while_the_core_is_held_is_found_each_time() {
        let mut busy_poll = holding(HOUR, HOUR);
        for _ in 0..100 {
            assert!(busy_poll.poll(at_poll(1000)));
        }
    }

    #[test]
    fn polling_that_fails_is_skipped_for_increasing_numbers_of_waits() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        assert!(wait(&mut busy_poll, SHORT) && wait(&mut busy_poll, SHORT));
        let rests: Vec<usize> = (0..7).map(|_| skipped(&mut busy_poll, SHORT)).collect();
        assert_eq!(rests, [4, 8, 16, 32, 64, 64, 64]);
    }

    #[test]
    fn polling_that_succeeds_again_is_kept() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        while busy_poll.holding.failures < 10 {
            wait(&mut busy_poll, SHORT);
        }
        skipped(&mut busy_poll, SHORT);
        busy_poll.holding.skips = 0;
        busy_poll.total = HOUR;
        for _ in 0..100 {
            assert!(busy_poll.poll(at_poll(1000)));
        }
    }

    #[test]
    fn polling_is_skipped_after_long_waits_until_one_is_shorter() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        for _ in 0..MANY_LONG_WAITS {
            assert!(wait(&mut busy_poll, LONG));
        }
        assert_eq!(skipped(&mut busy_poll, LONG), 1000);
        assert!(!wait(&mut busy_poll, SHORT));
        assert!(wait(&mut busy_poll, SHORT));
    }

    #[test]
    fn success_of_the_first_polls_counts_as_a_short_wait() {
        let mut busy_poll = BusyPoll { spin: SPIN, ..holding(MOMENT, MOMENT) };
        for _ in 0..MANY_LONG_WAITS {
            wait(&mut busy_poll, LONG);
        }
        assert!(!wait(&mut busy_poll, LONG));
        // Each wait counted as a failed spin as well; this test is about the first polls.
        busy_poll.spinning = Backoff::NEW;
        assert!(busy_poll.poll(at_poll(3)));
        assert!(wait(&mut busy_poll, SHORT));
    }

    #[test]
    fn single_long_waits_do_not_disable_polling() {
        // One wait in 10 lasts as long as a time slice of the scheduler.
        let mut busy_poll = holding(HOUR, HOUR);
        for number in 0..1000 {
            if number % 10 == 0 {
                busy_poll.total = MOMENT;
                busy_poll.reach = MOMENT;
                assert!(wait(&mut busy_poll, LONG), "{number}");
                (busy_poll.total, busy_poll.reach) = (HOUR, HOUR);
            } else {
                assert!(busy_poll.poll(at_poll(1000)), "{number}");
            }
        }
    }

    #[test]
    fn reach_is_polled_while_input_arrives_beyond_the_budget() {
        let mut reaching = holding(MOMENT, HOUR);
        for _ in 0..100 {
            assert!(reaching.poll(at_poll(1000)));
        }
        assert!(!holding(MOMENT, MOMENT).poll(at_poll(1000)));
    }

    #[test]
    fn reach_that_fails_is_skipped() {
        let mut busy_poll = holding(MOMENT, MOMENT * 2);
        for _ in 0..FAILURES {
            assert!(!busy_poll.poll(|| false));
        }
        assert_eq!(busy_poll.reaching.skips, 1 << FAILURES);
        busy_poll.reach = HOUR;
        let misses = (0..1000).take_while(|_| !busy_poll.poll(at_poll(1000))).count();
        assert_eq!(misses, 1 << FAILURES);
    }
}
