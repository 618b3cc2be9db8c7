//! What the checks found: counts, failures, and what was skipped and why.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

/// Prints a line of our own to standard output.
macro_rules! say {
    ($($argument:tt)*) => { anstream::println!($($argument)*) };
}
pub(crate) use say;

/// What a step found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    /// How many failed; at least as many as [`failures`](Self::failures) names.
    pub(crate) failed: u64,
    pub(crate) failures: Vec<String>,
    pub(crate) skipped: Vec<Skip>,
}

/// Something that was not checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    pub(crate) what: String,
    pub(crate) why: String,
}

impl Tally {
    /// Counts one check by its result.
    pub(crate) fn check(&mut self, what: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => self.fail(format!("{what}: {error:#}")),
        }
    }

    /// Counts one failure and says so at once.
    pub(crate) fn fail(&mut self, failure: String) {
        say!("{BAD}failed{BAD:#} {failure}");
        self.failed += 1;
        self.failures.push(failure);
    }

    /// Counts one check that could not be made and says so at once.
    pub(crate) fn skip(&mut self, what: &str, why: impl Into<String>) {
        let why = why.into();
        say!("{ODD}skipped{ODD:#} {what}: {why}");
        self.skipped.push(Skip { what: what.to_owned(), why });
    }
}

/// A step that has run.
pub(crate) struct Ran {
    pub(crate) step: &'static str,
    pub(crate) tally: Tally,
    pub(crate) took: Duration,
}

/// The report's lines: a table of the steps, the failures, what was skipped and why, and as the last one
/// `N passed, N failed, N skipped`.
pub(crate) fn lines(ran: &[Ran]) -> Vec<String> {
    let mut lines = Vec::new();
    for Ran { step, tally, took } in ran {
        let (style, mark) = match tally {
            Tally { failed: 1.., .. } => (BAD, "failed "),
            Tally { passed: 0, .. } => (ODD, "skipped"),
            _ => (GOOD, "passed "),
        };
        let counts = format!("{} of {}", tally.passed, tally.passed + tally.failed + tally.skipped.len() as u64);
        lines.push(format!("{style}{mark}{style:#} {step:<10} {counts:>12} {:>8.1} s", took.as_secs_f64()));
    }
    for Ran { step, tally, .. } in ran {
        lines.extend(tally.failures.iter().map(|failure| format!("{BAD}failed{BAD:#} {step}: {failure}")));
    }
    for Ran { step, tally, .. } in ran {
        let skipped = tally.skipped.iter();
        lines.extend(skipped.map(|Skip { what, why }| format!("{ODD}skipped{ODD:#} {step}: {what}: {why}")));
    }
    let passed: u64 = ran.iter().map(|ran| ran.tally.passed).sum();
    let skipped: usize = ran.iter().map(|ran| ran.tally.skipped.len()).sum();
    lines.push(format!("{passed} passed, {} failed, {skipped} skipped", failed(ran)));
    lines
}

/// How many checks failed.
pub(crate) fn failed(ran: &[Ran]) -> u64 {
    ran.iter().map(|ran| ran.tally.failed).sum()
}

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEAD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn counts_come_last_and_skips_name_their_reasons() {
        let mut good = Tally::default();
        good.check("format", Ok(()));
        good.check("style", Ok(()));
        let mut mixed = Tally { passed: 40, ..Tally::default() };
        mixed.check("build", Err(anyhow!("exit status: 101")));
        mixed.skip("fuzz targets", "cargo-fuzz is not installed");
        let ran = [ran("fmt", good), ran("tests", mixed)];
        let lines: Vec<_> = lines(&ran).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(
            lines,
            [
                "passed  fmt              2 of 2      1.5 s",
                "failed  tests          40 of 42      1.5 s",
                "failed tests: build: exit status: 101",
                "skipped tests: fuzz targets: cargo-fuzz is not installed",
                "42 passed, 1 failed, 1 skipped",
            ]
        );
        assert_eq!(failed(&ran), 1);
    }

    #[test]
    fn step_without_a_result_is_skipped() {
        let mut tally = Tally::default();
        tally.skip("vectors", "node is not installed");
        let lines = lines(&[ran("vectors", tally)]);
        assert!(anstream::adapter::strip_str(&lines[0]).to_string().starts_with("skipped vectors"));
        assert_eq!(lines.last().unwrap(), "0 passed, 0 failed, 1 skipped");
    }

    fn ran(step: &'static str, tally: Tally) -> Ran {
        Ran { step, tally, took: Duration::from_millis(1500) }
    }
}
