//! How long to look before going to sleep.

use crate::sync::SPINNING_PAYS;
use std::time::Duration;
use web_time::Instant;

/// Decides how an endpoint passes the time until something happens: by looking again and again, by offering its core
/// to others in between, and at last by giving up, so that its owner goes to sleep.
///
/// Waking an idle core takes about seven microseconds, so it pays to look for longer than that when an answer is likely to come soon.
/// But a thread that spins on the core that its peer needs keeps the answer from coming, and one that yields a core that a third
/// thread wants gets it back after milliseconds. So spinning lasts for `spin` and yielding until `total` at most, and both are cut
/// short while experience says that they don't help. Spinning, when what was waited for came later two times in a row: one in 32
/// waits then tries again. Yielding, when the core was gone for long: not again before 64 times as long has passed, so that
/// such losses stay below a sixtieth of the time.
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
    spinning: Habit,
    /// When yielding may be tried again, if it has cost too much.
    yield_after: Option<Instant>,
    /// For how long spinning goes on where threads can't yield, as long as that pays.
    reach: Duration,
    reaching: Habit,
}

impl Patience {
    /// No patience at all: whoever waits goes to sleep at once.
    pub const NONE: Self = Self::new(Duration::ZERO, Duration::ZERO);

    /// Spins for `spin`, then yields until `total` has passed since the start.
    pub const fn new(spin: Duration, total: Duration) -> Self {
        Self { spin, total, spinning: Habit::NEW, yield_after: None, reach: total, reaching: Habit::NEW }
    }

    /// Looks for `total`, and spins for the first 2 microseconds of it.
    pub fn lingering(total: Duration) -> Self {
        Self::new(total.min(Duration::from_micros(2)), total)
    }

    /// Where threads can't yield, goes on for `reach` in all for as long as that pays.
    #[must_use]
    pub fn reaching(self, reach: Duration) -> Self {
        Self { reach, ..self }
    }

    /// Looks for about a microsecond, without a look at the clock.
    pub(crate) fn glance(mut ready: impl FnMut() -> bool) -> bool {
        ready() || (SPINNING_PAYS && look(&mut ready, GLANCE))
    }

    /// Waits until `ready` is true, which it says, or until patience is over: `false`.
    ///
    /// `ready` is called at least once, and many times a microsecond, so it should only look at something.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        if ready() {
            return true;
        }
        if !SPINNING_PAYS || self.total.is_zero() {
            return false;
        }
        if cfg!(target_family = "wasm") {
            return spin(&mut ready, self.total) || self.reaches_further(&mut ready);
        }
        // The first rounds go by without a look at the clock: most answers of a chatty peer come within them.
        let spins = !self.spin.is_zero() && self.spinning.allows();
        if spins && look(&mut ready, ROUND) {
            self.spinning.paid();
            return true;
        }
        let start = Instant::now();
        if spins {
            while start.elapsed() < self.spin {
                if look(&mut ready, ROUND) {
                    self.spinning.paid();
                    return true;
                }
            }
            self.spinning.failed();
        }
        let mut now = start;
        if self.yield_after.is_some_and(|after| now < after) {
            return false;
        }
        self.yield_after = None;
        loop {
            std::thread::yield_now();
            let came = ready();
            let after = Instant::now();
            if after - now > LONG_YIELD {
                // Somebody else needs the core, and took it for longer than a wake-up costs.
                self.yield_after = after.checked_add(AMENDS * (after - now));
                return came;
            }
            if came {
                return true;
            }
            if after - start >= self.total {
                return false;
            }
            now = after;
        }
    }
}

impl Patience {
    /// Two ends that both fall asleep before a wake-up reaches them stay in step that way for ever, at the price of two wake-ups for each call. So the one
    /// that may burn a core tries now and then whether it can outlast its peer's wake-up, and goes on while it can.
    fn reaches_further(&mut self, ready: &mut impl FnMut() -> bool) -> bool {
        let further = self.reach.saturating_sub(self.total);
        if further.is_zero() || !self.reaching.allows() {
            return false;
        }
        let came = spin(ready, further);
        if came {
            self.reaching.paid();
        } else {
            self.reaching.failed();
        }
        came
    }
}

impl Default for Patience {
    /// What suits a worker that waits for an answer: 20 microseconds; in a browser up to 150 while that helps.
    fn default() -> Self {
        Self::lingering(Duration::from_micros(20)).reaching(Duration::from_micros(150))
    }
}

/// Whether something is worth doing, judged by how it went before.
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

    fn paid(&mut self) {
        self.failures = 0;
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }
}

/// Where threads can't yield, spinning is all that there is. Both ends have to keep it up: if each learned from the other's sleep that
/// it doesn't pay, they would never meet awake again.
fn spin(ready: &mut impl FnMut() -> bool, total: Duration) -> bool {
    if look(ready, ROUND) {
        return true;
    }
    let start = Instant::now();
    while start.elapsed() < total {
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

/// Looks between two readings of the clock.
const ROUND: u32 = 16;

/// Looks of a glance.
const GLANCE: u32 = 32;

/// A yield that takes longer than this means that the core is in demand.
const LONG_YIELD: Duration = Duration::from_micros(100);

/// A yield that took too long is made up for by doing without for so many times as long.
const AMENDS: u32 = 64;

const GIVE_UP_AFTER: u32 = 2;

const TRY_AGAIN_AFTER: u32 = 32;
