//! How long an endpoint looks for what it waits for before it parks.
//!
//! # Why look at all
//! Waking a parked thread takes 7 µs on bare hardware and up to 50 µs on a virtual machine; in a browser it takes a worker 20 µs and a page, which
//! has to return to its event loop, 50 to 80 µs. An answer often takes less than one. So it pays to look for longer than a wake-up takes when an answer is likely to come
//! soon: two ends that both park before the other one's wake-up arrives would park on every call.
//!
//! # Why not always
//! A thread that looks has a core. If its peer needs that core, looking delays what is looked for. If a third thread wants it, a thread that yields
//! it gets it back after milliseconds. And a thread that looks in vain has burnt it. Nothing tells an endpoint how many cores there are for it, and that
//! changes by the millisecond. So each phase of looking is kept while it finds something, judged by this endpoint's own waits alone.
//!
//! # The phases
//!
//! | phase | lasts until | natively | in wasm, where threads cannot yield |
//! |---|---|---|---|
//! | glance | 16 looks, in wasm 32 | without reading the clock | the same, always |
//! | spin | `spin`: 2 µs | kept while it finds something | none |
//! | look | `total`: worker 20 µs, main 50 µs | yields; after a yield of more than 100 µs it holds the core instead, for 64 times as long as was lost | spins |
//! | reach | `reach`: worker 100 µs (150 µs), main 100 µs (200 µs) | as look, kept while it finds something | the same |
//! | park | | until woken | |
//!
//! A phase that has found nothing twice in a row is left out 4 times, then tried once; if that fails too, 8 times, and so on up to 64. In wasm, and
//! natively while the core is held, that goes for looking as a whole: where both ends share a core, both soon park at once, and one wait in 64 shows
//! whether there is a second core by now.
//!
//! After 4 waits in a row that took more than 500 µs each, looking is left out until a wait has been shorter: no phase could have helped, and the core is free for others.

use crate::sync::SPINNING_PAYS;
use crate::sys::Instant;
use std::time::Duration;

/// How an endpoint waits before it parks: see the table in the source.
///
/// [`poll`](Self::poll) before parking, and [`woke`](Self::woke) afterwards, from which it learns.
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
    spinning: Habit,
    /// Looking while the core is not yielded.
    holding: Habit,
    reaching: Habit,
    /// When yielding is allowed again after a yield that took too long.
    yield_after: Option<Instant>,
    /// When the wait began that has not been looked for, or not been found, and whether it was looked for.
    parked: Option<(Instant, bool)>,
    /// Long waits in a row.
    long: u32,
}

impl BusyPoll {
    /// Parks at once.
    pub const NONE: Self = Self::new(Duration::ZERO, Duration::ZERO);

    /// Spins for `spin`, then yields until `total` has passed since the start.
    pub const fn new(spin: Duration, total: Duration) -> Self {
        Self {
            spin,
            total,
            reach: total,
            spinning: Habit::NEW,
            holding: Habit::NEW,
            reaching: Habit::NEW,
            yield_after: None,
            parked: None,
            long: 0,
        }
    }

    /// Suits a main that waits for the next call: 50 µs, and up to 100 µs (in a browser 200 µs) while that helps.
    pub fn main() -> Self {
        Self::spinning(MAIN_TOTAL).reaching(MAIN_REACH)
    }

    /// Suits a worker that waits for an answer: 20 µs, and up to 100 µs (in a browser 150 µs) while that helps.
    pub fn worker() -> Self {
        Self::spinning(WORKER_TOTAL).reaching(WORKER_REACH)
    }

    /// Looks for `total`, and spins for the first 2 µs of it.
    fn spinning(total: Duration) -> Self {
        Self::new(total.min(SPIN), total)
    }

    /// Looks for `reach` in all while something comes between `total` and `reach`.
    fn reaching(self, reach: Duration) -> Self {
        Self { reach, ..self }
    }

    /// Looks until `ready`, or until it is time to park: `false`.
    ///
    /// `ready` is called at least once, and many times per microsecond, so it should only read a word or two.
    pub fn poll(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        self.parked = None;
        if ready() {
            return true;
        }
        if !SPINNING_PAYS || self.total.is_zero() {
            return false;
        }
        // Most answers of a busy peer come before a clock could be read.
        let spins = CAN_YIELD && !self.spin.is_zero() && self.spinning.allows();
        if (spins || !CAN_YIELD) && look(&mut ready, GLANCE) {
            self.spinning.paid();
            self.long = 0;
            return true;
        }
        let start = Instant::now();
        let holds = !CAN_YIELD || self.yield_after.is_some_and(|after| start < after);
        let looks = self.long < MANY_LONG_WAITS && (!holds || self.holding.allows());
        let came = looks && self.poll_phases(&mut ready, start, spins, holds);
        if came {
            self.long = 0;
        } else {
            self.parked = Some((start, looks && holds));
        }
        came
    }

    /// Takes in how long the wait took that [`poll`](Self::poll) has given up: to be called when the endpoint is awake again.
    pub fn woke(&mut self) {
        let Some((start, held)) = self.parked.take() else {
            return;
        };
        self.waited(start.elapsed(), held);
    }

    /// `held`: the core was held in vain before.
    fn waited(&mut self, time: Duration, held: bool) {
        if time > LONG_WAIT {
            // Nothing is known of shorter ones.
            self.long = self.long.saturating_add(1);
        } else {
            self.long = 0;
            if held {
                self.holding.missed();
            }
        }
    }

    fn poll_phases(&mut self, ready: &mut impl FnMut() -> bool, start: Instant, spins: bool, holds: bool) -> bool {
        if spins {
            let came = spin_until(ready, start, self.spin);
            self.spinning.judge(came);
            if came {
                return true;
            }
        }
        let mut polled = self.poll_until(ready, start, self.total, holds);
        if polled == Polled::TimedOut && self.reach > self.total && self.reaching.allows() {
            polled = self.poll_until(ready, start, self.reach, holds);
            self.reaching.judge(polled == Polled::Came);
        }
        let came = polled == Polled::Came;
        if holds && came {
            self.holding.paid();
        }
        came
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
            return if spin_until(ready, start, budget) { Polled::Came } else { Polled::TimedOut };
        }
        self.yield_after = None;
        let mut now = Instant::now();
        while now - start < budget {
            std::thread::yield_now();
            let came = ready();
            let after = Instant::now();
            if after - now > LONG_YIELD {
                self.yield_after = after.checked_add(AMENDS * (after - now));
                return if came { Polled::Came } else { Polled::LostCore };
            }
            if came {
                return Polled::Came;
            }
            now = after;
        }
        Polled::TimedOut
    }
}

/// How a phase of polling ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    Came,
    TimedOut,
    /// Another thread had the core for so long that more polling is pointless.
    LostCore,
}

/// Whether a phase is worth its cost, judged by its last outcomes.
#[derive(Clone, Debug)]
struct Habit {
    misses: u32,
    /// How many times it is left out.
    rest: u32,
}

impl Habit {
    const NEW: Self = Self { misses: 0, rest: 0 };

    fn allows(&mut self) -> bool {
        let allowed = self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        allowed
    }

    fn judge(&mut self, paid: bool) {
        if paid {
            self.paid();
        } else {
            self.missed();
        }
    }

    fn paid(&mut self) {
        *self = Self::NEW;
    }

    fn missed(&mut self) {
        self.misses = self.misses.saturating_add(1);
        if self.misses >= MISSES {
            self.rest = 1 << self.misses.min(LONGEST_REST);
        }
    }
}

/// Spins until `ready`, or until `budget` has passed since `start`: `false`.
fn spin_until(ready: &mut impl FnMut() -> bool, start: Instant, budget: Duration) -> bool {
    while start.elapsed() < budget {
        if look(ready, ROUND) {
            return true;
        }
    }
    false
}

fn look(ready: &mut impl FnMut() -> bool, times: u32) -> bool {
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

/// Looks of a glance.
const GLANCE: u32 = if CAN_YIELD { 16 } else { 32 };

/// Looks between two readings of the clock.
const ROUND: u32 = 16;

/// How long an endpoint spins before it yields.
const SPIN: Duration = Duration::from_micros(2);

/// `total`: longer for main, which polls after each reply because the next call of a busy worker follows soon.
const WORKER_TOTAL: Duration = Duration::from_micros(20);
const MAIN_TOTAL: Duration = Duration::from_micros(50);

/// `reach`: beyond the time that waking the endpoint takes.
const WORKER_REACH: Duration = Duration::from_micros(if CAN_YIELD { 100 } else { 150 });
const MAIN_REACH: Duration = Duration::from_micros(if CAN_YIELD { 100 } else { 200 });

/// A yield that takes longer than this means that another thread wants the core.
const LONG_YIELD: Duration = Duration::from_micros(100);

/// After a long yield, yielding is off for this multiple of its duration, so that such losses stay below 1/64 of the time.
const AMENDS: u32 = 64;

/// Misses in a row before a phase is left out.
const MISSES: u32 = 2;

/// A phase is left out for at most two to the power of this many waits.
const LONGEST_REST: u32 = 6;

/// A wait that takes longer than this is beyond what looking can shorten by much.
const LONG_WAIT: Duration = Duration::from_micros(500);

/// Long waits in a row before looking is left out.
const MANY_LONG_WAITS: u32 = 4;

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MOMENT: Duration = Duration::from_nanos(1);

    /// Ready at this look, counted from 1.
    fn at_look(number: u32) -> impl FnMut() -> bool {
        let mut looks = 0;
        move || {
            looks += 1;
            looks >= number
        }
    }

    /// BusyPoll that holds its core, so that no scheduler has a say.
    fn holding(total: Duration, reach: Duration) -> BusyPoll {
        let yield_after = Instant::now().checked_add(HOUR);
        BusyPoll { yield_after, ..BusyPoll::new(Duration::ZERO, total).reaching(reach) }
    }

    /// A wait of this length, for something that comes once the endpoint has parked. Returns whether it was looked for.
    fn wait(busy_poll: &mut BusyPoll, length: Duration) -> bool {
        assert!(!busy_poll.poll(|| false));
        let (_, looked) = busy_poll.parked.take().expect("it parks");
        busy_poll.waited(length, looked);
        looked
    }

    const SHORT: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_millis(3);

    /// How many waits, at most 1000, are not looked for in a row.
    fn left_out(busy_poll: &mut BusyPoll, length: Duration) -> usize {
        (0..1000).take_while(|_| !wait(busy_poll, length)).count()
    }

    #[test]
    fn what_comes_while_the_core_is_held_is_found_each_time() {
        let mut busy_poll = holding(HOUR, HOUR);
        for _ in 0..100 {
            assert!(busy_poll.poll(at_look(1000)));
        }
    }

    #[test]
    fn looking_in_vain_is_left_out_longer_and_longer() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        assert!(wait(&mut busy_poll, SHORT) && wait(&mut busy_poll, SHORT));
        let rests: Vec<usize> = (0..7).map(|_| left_out(&mut busy_poll, SHORT)).collect();
        assert_eq!(rests, [4, 8, 16, 32, 64, 64, 64]);
    }

    #[test]
    fn looking_that_finds_something_again_is_kept() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        while busy_poll.holding.misses < 10 {
            wait(&mut busy_poll, SHORT);
        }
        left_out(&mut busy_poll, SHORT);
        busy_poll.holding.rest = 0;
        busy_poll.total = HOUR;
        for _ in 0..100 {
            assert!(busy_poll.poll(at_look(1000)));
        }
    }

    #[test]
    fn long_waits_are_not_looked_for_until_one_is_shorter() {
        let mut busy_poll = holding(MOMENT, MOMENT);
        for _ in 0..MANY_LONG_WAITS {
            assert!(wait(&mut busy_poll, LONG));
        }
        assert_eq!(left_out(&mut busy_poll, LONG), 1000);
        assert!(!wait(&mut busy_poll, SHORT));
        assert!(wait(&mut busy_poll, SHORT));
    }

    #[test]
    fn a_glance_that_finds_something_is_a_shorter_wait() {
        let mut busy_poll = BusyPoll { spin: SPIN, ..holding(MOMENT, MOMENT) };
        for _ in 0..MANY_LONG_WAITS {
            wait(&mut busy_poll, LONG);
        }
        assert!(!wait(&mut busy_poll, LONG));
        // Each wait was a miss of the spin as well, which is not what is tried here.
        busy_poll.spinning = Habit::NEW;
        assert!(busy_poll.poll(at_look(3)));
        assert!(wait(&mut busy_poll, SHORT));
    }

    #[test]
    fn single_long_waits_do_not_end_looking() {
        // One wait in 10 lasts as long as a time slice of the scheduler.
        let mut busy_poll = holding(HOUR, HOUR);
        for number in 0..1000 {
            if number % 10 == 0 {
                busy_poll.total = MOMENT;
                busy_poll.reach = MOMENT;
                assert!(wait(&mut busy_poll, LONG), "{number}");
                (busy_poll.total, busy_poll.reach) = (HOUR, HOUR);
            } else {
                assert!(busy_poll.poll(at_look(1000)), "{number}");
            }
        }
    }

    #[test]
    fn what_comes_beyond_the_budget_is_reached_while_it_comes() {
        let mut reaching = holding(MOMENT, HOUR);
        for _ in 0..100 {
            assert!(reaching.poll(at_look(1000)));
        }
        assert!(!holding(MOMENT, MOMENT).poll(at_look(1000)));
    }

    #[test]
    fn reaching_in_vain_is_left_out() {
        let mut busy_poll = holding(MOMENT, MOMENT * 2);
        for _ in 0..MISSES {
            assert!(!busy_poll.poll(|| false));
        }
        assert_eq!(busy_poll.reaching.rest, 1 << MISSES);
        busy_poll.reach = HOUR;
        let misses = (0..1000).take_while(|_| !busy_poll.poll(at_look(1000))).count();
        assert_eq!(misses, 1 << MISSES);
    }
}
