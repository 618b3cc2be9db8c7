//! Whether a worker polls for its answer before it parks, judged by what waits have cost.
//!
//! Where threads can't yield, polling is expensive when both ends share a core: the worker that polls keeps main from answering, and main, when it
//! polls for the next call, keeps the worker from making it. Schedulers put both ends on one core whenever other threads want the second one, and
//! move them apart within milliseconds when it is free again. So a worker tries from time to time what the other way costs, and keeps the
//! cheaper one. It announces in the word that it parks on which way it goes, and main does not linger for a worker that parks at once.
//!
//! Costs are compared as means of windows of up to 4 waits. A wait counts as 200 µs at most: one that took longer was preempted, which says nothing
//! about the way of waiting. A window ends early once it has cost too much to be the better way, so that a trial at the wrong moment costs one wait.

use std::time::Duration;

/// Chooses between polling first and parking at once.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    sleeps_at_once: bool,
    /// Waits of the current window, and their total time.
    waits: u32,
    time: Duration,
    /// Mean of a wait when this way was chosen.
    expected: Duration,
    /// Mean of a wait before, while the other way is on trial.
    trial: Option<Duration>,
    /// Expensive windows in a row.
    dear: u32,
    /// Windows until the next trial, and windows between the last trials.
    rest: u32,
    hold: u32,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            sleeps_at_once: false,
            waits: 0,
            time: Duration::ZERO,
            expected: DEAR,
            trial: None,
            dear: 0,
            rest: 0,
            hold: SHORT_HOLD,
        }
    }

    /// Whether to park without polling first.
    pub(crate) fn sleeps_at_once(&self) -> bool {
        self.sleeps_at_once
    }

    /// Takes in how long a wait took, the time parked included.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.time += time.min(PREEMPTED);
        self.waits += 1;
        if self.waits == WINDOW || self.time > self.trial.unwrap_or(DEAR) * WINDOW {
            let mean = std::mem::take(&mut self.time) / std::mem::take(&mut self.waits);
            self.choose(mean);
        }
    }

    fn choose(&mut self, mean: Duration) {
        if let Some(before) = self.trial.take() {
            let better = if self.sleeps_at_once { mean < before * 3 / 4 } else { mean <= before };
            self.sleeps_at_once ^= !better;
            let longest = if self.sleeps_at_once { LONG_HOLD_PARKING } else { LONG_HOLD_POLLING };
            self.hold = if better { SHORT_HOLD } else { (self.hold * 2).min(longest) };
            self.rest = self.hold;
            self.expected = if better { mean } else { before };
            return;
        }
        self.dear = if mean > DEAR { self.dear + 1 } else { 0 };
        // Parking costs more all of a sudden when there is a core for each end again.
        let changed = self.sleeps_at_once && mean > self.expected * 2;
        if self.rest > 0 && !changed {
            self.rest -= 1;
        } else if self.sleeps_at_once || self.dear >= NO_ACCIDENT {
            self.dear = 0;
            self.trial = Some(mean);
            self.sleeps_at_once ^= true;
        }
    }
}

/// Most waits of a window.
const WINDOW: u32 = 4;

/// Mean of a wait above which the other way is considered: far more than a main that polls and has little to do needs for an answer.
const DEAR: Duration = Duration::from_micros(20);

/// Most that a single wait counts for.
const PREEMPTED: Duration = Duration::from_micros(200);

/// Expensive windows in a row before the other way is tried; a single one may be noise.
const NO_ACCIDENT: u32 = 3;

/// Windows between two trials, after one that succeeded.
const SHORT_HOLD: u32 = 4;

/// Most windows between two trials. Shorter while the worker parks at once: a second core may be free again at any moment, and a trial of polling
/// costs one wait.
const LONG_HOLD_POLLING: u32 = 64;
const LONG_HOLD_PARKING: u32 = 16;

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use super::*;

    /// Mean of a wait over `waits`, in microseconds, where polling first and parking at once cost that much.
    fn mean(pace: &mut Pace, waits: u32, polling: u64, parking: u64) -> u64 {
        mean_of(pace, waits, |_| polling, |_| parking)
    }

    /// The same where the costs depend on the number of the wait.
    fn mean_of(pace: &mut Pace, waits: u32, polling: impl Fn(u32) -> u64, parking: impl Fn(u32) -> u64) -> u64 {
        let mut all = 0;
        for number in 0..waits {
            let cost = if pace.sleeps_at_once() { parking(number) } else { polling(number) };
            all += cost;
            pace.waited(Duration::from_micros(cost));
        }
        all / u64::from(waits)
    }

    #[test]
    fn short_waits_are_polled_for() {
        assert_eq!(mean(&mut Pace::new(), 10_000, 2, 1), 2);
    }

    #[test]
    fn on_one_core_parking_is_soon_found_to_be_cheaper() {
        let mut pace = Pace::new();
        assert!(mean(&mut pace, 200, 70, 10) < 20);
        assert!(mean(&mut pace, 10_000, 70, 10) < 15);
    }

    #[test]
    fn where_parking_is_no_cheaper_it_is_seldom_tried() {
        let mut pace = Pace::new();
        mean(&mut pace, 5000, 1000, 1050);
        assert!(mean(&mut pace, 100_000, 1000, 1050) <= 1005);
        assert!(!pace.sleeps_at_once() || pace.trial.is_some());
    }

    #[test]
    fn a_second_core_is_noticed() {
        let mut pace = Pace::new();
        mean(&mut pace, 10_000, 70, 10);
        mean(&mut pace, 80, 2, 50);
        assert_eq!(mean(&mut pace, 1000, 2, 50), 2);
    }

    #[test]
    fn a_second_core_is_noticed_even_if_parking_costs_what_it_did() {
        let mut pace = Pace::new();
        mean(&mut pace, 10_000, 70, 20);
        mean(&mut pace, WINDOW * (LONG_HOLD_PARKING + 2), 2, 20);
        assert_eq!(mean(&mut pace, 1000, 2, 20), 2);
    }

    #[test]
    fn preempted_waits_do_not_end_polling() {
        // One wait in 40 lasts as long as a time slice of the scheduler, whichever way the worker waits.
        let polling = |number: u32| if number.is_multiple_of(40) { 3000 } else { 3 };
        let parking = |number: u32| if number.is_multiple_of(40) { 3000 } else { 20 };
        let mean = mean_of(&mut Pace::new(), 100_000, polling, parking);
        assert!(mean <= 3000 / 40 + 4, "{mean}");
    }
}
