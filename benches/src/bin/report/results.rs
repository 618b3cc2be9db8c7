//! What was measured, and as the rows of the JSON file.

use coincide_benches::report::{Figures, Row, time};

use crate::case::Case;

#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Nanoseconds of a call.
    pub(crate) times: Vec<Measured>,
    /// Allocations of a call, on both sides together.
    pub(crate) allocations: Vec<Measured>,
    pub(crate) failures: Vec<Failure>,
    /// Nanoseconds of the limit at 32 bytes when the run began.
    pub(crate) limit_before: f64,
    /// The same when it ended.
    pub(crate) limit_after: f64,
}

impl Results {
    pub(crate) fn time(&self, case: &Case, subject: &str) -> Option<&Figures> {
        find(&self.times, case, subject)
    }

    pub(crate) fn allocations(&self, case: &Case, subject: &str) -> Option<&Figures> {
        find(&self.allocations, case, subject)
    }

    /// How far apart the two cores were. On a virtual machine that changes when the host moves them.
    pub(crate) fn distance(&self) -> String {
        let (before, after) = (time(self.limit_before), time(self.limit_after));
        format!("between the two cores: 32 bytes there and back in {before} when the run began, {after} when it ended")
    }

    /// All figures, in the order in which they were measured.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |measured: &Measured, group: &str, unit: &str, median, p99, samples| Row {
            group: group.to_owned(),
            case: measured.case.to_string(),
            subject: measured.subject.to_owned(),
            unit: unit.to_owned(),
            median,
            p99,
            samples,
        };
        let times = self.times.iter().map(|measured| {
            let figures = &measured.figures;
            row(measured, "native", "ns", figures.median, figures.p99, figures.samples)
        });
        let means = self.times.iter().filter(|measured| measured.case.condition.wants_mean()).map(|measured| {
            let figures = &measured.figures;
            row(measured, "native-mean", "ns", figures.mean, figures.mean_p99, figures.batches())
        });
        let allocations = self.allocations.iter().map(|measured| {
            let figures = &measured.figures;
            row(measured, "native", "allocations", figures.median, figures.p99, figures.samples)
        });
        times.chain(means).chain(allocations).collect()
    }
}

/// The figures of one subject at one case.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) case: Case,
    pub(crate) subject: &'static str,
    pub(crate) figures: Figures,
}

/// A subject that could not be measured at a case.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) case: Case,
    pub(crate) subject: &'static str,
    pub(crate) error: anyhow::Error,
}

fn find<'a>(measured: &'a [Measured], case: &Case, subject: &str) -> Option<&'a Figures> {
    measured.iter().find(|measured| measured.case == *case && measured.subject == subject).map(|found| &found.figures)
}
