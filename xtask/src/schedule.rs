//! Where `cargo xtask bench` measures, how long each part may take, and how much time is left.

use std::time::{Duration, Instant};

use crate::report::{DIM, HEAD, say};
use crate::web::Browser;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Native,
    /// The criterion benches.
    Criterion,
    Node,
    Browser(Browser),
}

impl Place {
    /// Everything, in the order of a run.
    pub(crate) fn all() -> Vec<Self> {
        [Self::Native, Self::Criterion, Self::Node].into_iter().chain(Browser::ALL.map(Self::Browser)).collect()
    }

    /// Name of its group in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Criterion => "criterion",
            Self::Node => "node",
            Self::Browser(browser) => browser.name(),
        }
    }

    /// The time after which no round begins. Programs are built before.
    pub(crate) fn budget(self, quick: bool) -> Duration {
        let seconds = match (self, quick) {
            (Self::Native, true) => 65,
            (Self::Criterion, true) => 15,
            (Self::Node, true) => 25,
            (Self::Browser(_), true) => 58,
            (Self::Native, false) => 12 * 60,
            (Self::Criterion, false) => 60,
            (Self::Node, false) => 4 * 60,
            (Self::Browser(_), false) => 9 * 60,
        };
        Duration::from_secs(seconds)
    }
}

/// The parts of a run and how far it is.
pub(crate) struct Schedule {
    places: Vec<Place>,
    budgets: Vec<Duration>,
    current: usize,
    began: Instant,
}

impl Schedule {
    pub(crate) fn new(places: &[Place], quick: bool) -> Self {
        let budgets = places.iter().map(|place| place.budget(quick)).collect();
        Self { places: places.to_vec(), budgets, current: 0, began: Instant::now() }
    }

    /// Begins a part. Prints its name and the remaining time.
    pub(crate) fn begin(&mut self, place: Place) {
        self.current = self.places.iter().position(|known| *known == place).unwrap_or_default();
        self.began = Instant::now();
        let (number, all) = (self.current + 1, self.places.len());
        say!("\n{HEAD}{}{HEAD:#} {DIM}part {number} of {all}, {}{DIM:#}", place.name(), self.left(0.0));
    }

    /// Budgets of the parts after the current one.
    pub(crate) fn later(&self) -> Duration {
        self.budgets.iter().skip(self.current + 1).sum()
    }

    /// Remaining time when this share of the current part is done.
    pub(crate) fn left(&self, share: f64) -> String {
        in_words(left(&self.budgets[self.current..], self.began.elapsed(), share))
    }
}

/// Time of the current part at its pace, within its budget, and the budgets of the parts after it.
fn left(budgets: &[Duration], elapsed: Duration, share: f64) -> Duration {
    let Some((budget, later)) = budgets.split_first() else { return Duration::ZERO };
    let most = budget.saturating_sub(elapsed);
    let current = if share < 0.1 { most } else { elapsed.mul_f64((1.0 - share).max(0.0) / share).min(most) };
    current + later.iter().sum::<Duration>()
}

fn in_words(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..90 => format!("about {seconds} s left"),
        seconds => format!("about {} min left", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_fits_into_six_minutes_or_three_quarters_of_an_hour() {
        let sum = |quick| Place::all().into_iter().map(|place| place.budget(quick)).sum::<Duration>();
        // The rest is for the ends of parts: what has begun within the budget, the start of browsers, and peers that hang.
        assert!(sum(true) <= Duration::from_secs(6 * 60 - 75), "{:?}", sum(true));
        assert!(sum(false) <= Duration::from_secs(45 * 60 - 60), "{:?}", sum(false));
    }

    #[test]
    fn time_left_follows_the_budget_and_then_the_pace() {
        let seconds = Duration::from_secs;
        let budgets = [seconds(100), seconds(50)];
        // Elapsed, share done, left.
        for (elapsed, share, expected) in
            [(0, 0.0, 150), (40, 0.05, 110), (40, 0.5, 90), (400, 0.8, 50), (60, 0.5, 90), (40, 1.0, 50)]
        {
            assert_eq!(left(&budgets, seconds(elapsed), share), seconds(expected), "{elapsed} {share}");
        }
        assert_eq!(left(&[], seconds(1), 0.5), Duration::ZERO);
    }

    #[test]
    fn times_are_in_seconds_or_minutes() {
        assert_eq!(in_words(Duration::from_secs(59)), "about 59 s left");
        assert_eq!(in_words(Duration::from_secs(121)), "about 3 min left");
    }
}
