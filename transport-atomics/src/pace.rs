//! Whether a worker looks for its answer before it sleeps: what either costs is measured.
//!
//! Where threads can't yield, looking is dear when both ends are on one core: the worker that looks keeps main from answering, and main, when it
//! looks for the next call, keeps the worker from making it. Systems put both on one core whenever others want the second, and leave them
//! there for long. So a worker tries now and then what it costs to sleep at once, and goes on so while that is cheaper. It says so by the
//! word that it sleeps on, and main does not look for its next call then.

use std::time::Duration;

/// Chooses between looking first and sleeping at once, by what waits have cost of late.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    sleeps_at_once: bool,
    /// Waits since the last choice, and how long they took.
    waits: u32,
    time: Duration,
    /// What as many waits took when this way was chosen.
    expected: Duration,
    /// What the waits before took, while the other way is on trial.
    trial: Option<Duration>,
    /// Windows in a row that were dear.
    dear: u32,
    /// Choices until the other way may be tried, and how many there were before the last trial.
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

    /// Whether to sleep without looking first.
    pub(crate) fn sleeps_at_once(&self) -> bool {
        self.sleeps_at_once
    }

    /// Hears how long a wait took, sleep included.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.time += time;
        self.waits += 1;
        if self.waits == WINDOW {
            self.waits = 0;
            let time = std::mem::take(&mut self.time);
            self.choose(time);
        }
    }

    fn choose(&mut self, time: Duration) {
        if let Some(before) = self.trial.take() {
            let better = if self.sleeps_at_once { time < before * 3 / 4 } else { time <= before };
            self.hold = if better { SHORT_HOLD } else { (self.hold * 2).min(LONG_HOLD) };
            self.rest = self.hold;
            self.expected = if better { time } else { before };
            self.sleeps_at_once ^= !better;
            return;
        }
        self.dear = if time > DEAR { self.dear + 1 } else { 0 };
        // Sleeping costs more all of a sudden when there is a core for each end again.
        let changed = self.sleeps_at_once && time > self.expected * 2;
        if self.rest > 0 && !changed {
            self.rest -= 1;
        } else if self.sleeps_at_once || self.dear >= NO_ACCIDENT {
            self.dear = 0;
            self.trial = Some(time);
            self.sleeps_at_once ^= true;
        }
    }
}

/// So many waits are judged together.
const WINDOW: u32 = 4;

/// What so many waits may take before it is asked whether they could take less: far more than answers of a main that looks and has little to do.
const DEAR: Duration = Duration::from_micros(80);

/// One window is dear when the system did something else for a moment.
const NO_ACCIDENT: u32 = 3;

/// So many windows pass until the other way is tried again: where the last trial was a success, and at most.
const SHORT_HOLD: u32 = 4;
const LONG_HOLD: u32 = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The mean of so many waits, in microseconds, where looking and sleeping at once cost that much.
    fn mean(pace: &mut Pace, waits: u32, looking: u64, sleeping: u64) -> u64 {
        let cost = |pace: &Pace| if pace.sleeps_at_once() { sleeping } else { looking };
        let mut all = 0;
        for _ in 0..waits {
            all += cost(pace);
            pace.waited(Duration::from_micros(cost(pace)));
        }
        all / u64::from(waits)
    }

    #[test]
    fn answers_that_come_at_once_are_looked_for() {
        assert_eq!(mean(&mut Pace::new(), 10_000, 2, 1), 2);
    }

    #[test]
    fn on_one_core_sleeping_is_soon_found_to_be_cheaper() {
        let mut pace = Pace::new();
        assert!(mean(&mut pace, 200, 70, 10) < 40);
        assert!(mean(&mut pace, 10_000, 70, 10) < 25);
    }

    #[test]
    fn where_sleeping_is_no_cheaper_it_is_hardly_ever_tried() {
        let mut pace = Pace::new();
        mean(&mut pace, 5000, 1000, 1050);
        assert!(mean(&mut pace, 100_000, 1000, 1050) <= 1001);
        assert!(!pace.sleeps_at_once() || pace.trial.is_some());
    }

    #[test]
    fn a_second_core_is_noticed() {
        let mut pace = Pace::new();
        mean(&mut pace, 10_000, 70, 10);
        mean(&mut pace, 32, 2, 50);
        assert_eq!(mean(&mut pace, 1000, 2, 50), 2);
    }
}
