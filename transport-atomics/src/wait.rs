//! How long to poll before parking.

use crate::sync::SPINNING_PAYS;
use std::time::Duration;
use web_time::Instant;

/// How an endpoint waits before it parks: it spins, then yields its core, then gives up so that its owner parks.
///
/// Waking a parked thread takes 7 µs on bare hardware and up to 50 µs on a virtual machine, so it pays to poll for longer than that when
/// an answer is likely to come soon. Two costs limit polling. A thread that spins on the core that its peer needs delays the answer. A
/// thread that yields a core that a third thread wants gets it back after milliseconds. Each phase is therefore kept only while it helps:
///
/// | phase | lasts until | kept while |
/// |---|---|---|
/// | spin | `spin` (2 µs) | answers come within it |
/// | yield | `total` (20 µs; main: 50 µs) | no yield takes longer than 100 µs; after one that did, the endpoint holds its core instead, for 64 times as long as was lost |
/// | hold: spin where yielding is off | `total` | answers come within it |
/// | reach: the same beyond `total` | `reach` (100 µs) | answers come within it |
///
/// A phase is dropped after two misses in a row. One wait in 32 tries it again. Without `reach`, two ends that both park before a wake-up
/// arrives would park on every call from then on.
///
/// ```
/// use coincide_transport_atomics::Patience;
/// use std::time::Duration;
///
/// let mut linger = Patience::new(Duration::from_micros(2), Duration::from_micros(50));
/// assert!(linger.wait_until(|| true));
/// assert!(!linger.wait_until(|| false));
/// ```
#[derive(Clone, Debug)]
pub struct Patience {
    spin: Duration,
    total: Duration,
    reach: Duration,
    spinning: Habit,
    holding: Habit,
    reaching: Habit,
    /// When yielding is allowed again after a yield that took too long.
    yield_after: Option<Instant>,
}

impl Patience {
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
        }
    }

    /// Polls for `total`, and spins for the first 2 µs of it.
    pub fn lingering(total: Duration) -> Self {
        Self::new(total.min(Duration::from_micros(2)), total)
    }

    /// Polls for `reach` in all while answers come between `total` and `reach`.
    #[must_use]
    pub fn reaching(self, reach: Duration) -> Self {
        Self { reach, ..self }
    }

    /// Polls for about 1 µs without reading the clock.
    pub(crate) fn glance(mut ready: impl FnMut() -> bool) -> bool {
        ready() || (SPINNING_PAYS && look(&mut ready, GLANCE))
    }

    /// Polls `ready` until it is true, or until the budget is spent: `false`.
    ///
    /// `ready` is called at least once, and many times per microsecond, so it should only read a word or two.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        if ready() {
            return true;
        }
        if !SPINNING_PAYS || self.total.is_zero() {
            return false;
        }
        // The first rounds pass without reading the clock: most answers of a busy peer come within them.
        let spins = CAN_YIELD && !self.spin.is_zero() && self.spinning.allows();
        if (spins || !CAN_YIELD) && look(&mut ready, ROUND) {
            self.spinning.paid();
            return true;
        }
        let start = Instant::now();
        if spins {
            let came = spin_until(&mut ready, start, self.spin);
            self.spinning.judge(came);
            if came {
                return true;
            }
        }
        let holds = CAN_YIELD && self.yield_after.is_some_and(|after| Instant::now() < after);
        if holds && !self.holding.allows() {
            return false;
        }
        let mut polled = self.poll_until(&mut ready, start, self.total, holds);
        if polled == Polled::TimedOut && self.reach > self.total && self.reaching.allows() {
            polled = self.poll_until(&mut ready, start, self.reach, holds);
            self.reaching.judge(polled == Polled::Came);
        }
        let came = polled == Polled::Came;
        if holds {
            self.holding.judge(came);
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
        if holds || !CAN_YIELD {
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

impl Default for Patience {
    /// Suits a worker that waits for an answer: 20 µs, and up to 100 µs (in a browser 150 µs) while that helps.
    fn default() -> Self {
        Self::lingering(Duration::from_micros(20)).reaching(REACH)
    }
}

/// Whether a phase is worth its cost, judged by its last outcomes.
#[derive(Clone, Debug)]
struct Habit {
    failures: u32,
    skipped: u32,
}

impl Habit {
    const NEW: Self = Self { failures: 0, skipped: 0 };

    fn allows(&mut self) -> bool {
        if self.failures < GIVE_UP_AFTER {
            return true;
        }
        self.skipped += 1;
        if self.skipped < TRY_AGAIN_AFTER {
            return false;
        }
        self.skipped = 0;
        true
    }

    fn judge(&mut self, paid: bool) {
        if paid {
            self.paid();
        } else {
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn paid(&mut self) {
        self.failures = 0;
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

/// Looks between two readings of the clock.
const ROUND: u32 = 16;

/// Looks of a glance.
const GLANCE: u32 = 32;

/// Default of `reach` for a worker: beyond the time that waking a thread takes.
const REACH: Duration = Duration::from_micros(if CAN_YIELD { 100 } else { 150 });

/// A yield that takes longer than this means that another thread wants the core.
const LONG_YIELD: Duration = Duration::from_micros(100);

/// After a long yield, yielding is off for this multiple of its duration, so that such losses stay below 1/64 of the time.
const AMENDS: u32 = 64;

/// Misses in a row before a phase is dropped.
const GIVE_UP_AFTER: u32 = 2;

/// Waits between two trials of a phase that was dropped.
const TRY_AGAIN_AFTER: u32 = 32;

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Ready at this look, counted from 1.
    fn at_look(number: u32) -> impl FnMut() -> bool {
        let mut looks = 0;
        move || {
            looks += 1;
            looks >= number
        }
    }

    /// Patience in which yielding is off, so that no scheduler has a say, and which misses as often as a phase may.
    fn after_misses(total: Duration, reach: Duration) -> Patience {
        let yield_after = Instant::now().checked_add(HOUR);
        let mut patience = Patience { yield_after, ..Patience::new(Duration::ZERO, total).reaching(reach) };
        for _ in 0..GIVE_UP_AFTER {
            assert!(!patience.wait_until(|| false));
        }
        patience
    }

    fn misses_until_it_comes(patience: &mut Patience) -> u32 {
        (0..).find(|_| patience.wait_until(at_look(1000))).unwrap()
    }

    #[test]
    fn after_a_long_yield_the_core_is_held_instead() {
        let yield_after = Instant::now().checked_add(HOUR);
        let mut patience = Patience { yield_after, ..Patience::new(Duration::ZERO, HOUR) };
        for _ in 0..100 {
            assert!(patience.wait_until(at_look(1000)));
        }
    }

    #[test]
    fn holding_the_core_stops_after_misses_and_is_tried_again() {
        let mut patience = after_misses(Duration::from_nanos(1), Duration::ZERO);
        patience.total = HOUR;
        assert_eq!(misses_until_it_comes(&mut patience), TRY_AGAIN_AFTER - 1);
        assert_eq!(misses_until_it_comes(&mut patience), 0);
    }

    #[test]
    fn answers_beyond_the_budget_are_reached_while_they_come() {
        let yield_after = Instant::now().checked_add(HOUR);
        let short = Patience { yield_after, ..Patience::new(Duration::ZERO, Duration::from_nanos(1)) };
        let mut reaching = short.clone().reaching(HOUR);
        for _ in 0..100 {
            assert!(reaching.wait_until(at_look(1000)));
        }
        assert!(!short.clone().wait_until(at_look(1000)));
    }

    #[test]
    fn reaching_stops_after_misses_and_is_tried_again() {
        let mut patience = after_misses(Duration::from_nanos(1), Duration::from_nanos(2));
        patience.holding = Habit::NEW;
        patience.reach = HOUR;
        // Each miss counts against holding the core as well, which is not what is tried here.
        let misses = (0..).find(|_| {
            patience.holding = Habit::NEW;
            patience.wait_until(at_look(1000))
        });
        assert_eq!(misses, Some(TRY_AGAIN_AFTER - 1));
        assert_eq!(misses_until_it_comes(&mut patience), 0);
    }
}
