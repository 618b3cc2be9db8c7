//! Tables of figures, as text for a terminal and as Markdown.

use std::fmt::Write;

use crate::case::{Case, Condition, Ends};
use crate::measure::Figures;
use crate::results::Results;
use crate::subjects::{self, Kind};

/// A table whose first column is text and whose other columns are figures.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, header: Vec<String>) -> Self {
        Self { title: title.into(), header, rows: vec![] }
    }

    /// With columns that are aligned by spaces.
    pub(crate) fn to_text(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in lines() {
            let mut row = String::new();
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                let _ = if column == 0 { write!(row, "  {cell:<width$}") } else { write!(row, "  {cell:>width$}") };
            }
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text
    }

    pub(crate) fn to_markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.header);
        text += "|---|";
        text += &"---:|".repeat(self.header.len() - 1);
        text.push('\n');
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

/// What the cells of a table of times say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The median, then its ratios to the yardstick and to coincide.
    Median,
    P99,
    Mean,
}

/// One table for each condition and kind of ends: a row per subject, fastest first, and a column per call.
pub(crate) fn tables(results: &Results, cell: Cell) -> Vec<(Condition, Ends, Table)> {
    let mut tables = vec![];
    for condition in Condition::ALL {
        for ends in [Ends::Threads, Ends::Processes] {
            let cases: Vec<Case> =
                Case::all().into_iter().filter(|case| case.condition == condition && case.ends == ends).collect();
            let cases: Vec<Case> =
                cases.into_iter().filter(|case| results.times.iter().any(|measured| measured.case == *case)).collect();
            if !cases.is_empty() {
                tables.push((condition, ends, table(results, cell, &cases)));
            }
        }
    }
    tables
}

/// Where a peer is faster than coincide: the case, the peer, and coincide's time over the peer's.
pub(crate) fn lost(results: &Results) -> Vec<(Case, &'static str, f64)> {
    let is_peer = |name| subjects::ALL.iter().any(|subject| subject.name() == name && subject.kind() == Kind::Peer);
    let mut lost: Vec<_> = results
        .times
        .iter()
        .filter(|measured| is_peer(measured.subject))
        .filter_map(|measured| {
            let ours = results.time(&measured.case, "coincide")?;
            let ratio = ours.ratio(&measured.figures);
            (ratio > 1.0).then_some((measured.case, measured.subject, ratio))
        })
        .collect();
    lost.sort_by(|a, b| b.2.total_cmp(&a.2));
    lost
}

/// Nanoseconds for people.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{} µs", three_digits(ns / 1e3)),
        ns => format!("{} ms", three_digits(ns / 1e6)),
    }
}

/// A ratio for people.
pub(crate) fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { three_digits(ratio) }
}

fn table(results: &Results, cell: Cell, cases: &[Case]) -> Table {
    let (condition, ends) = (cases[0].condition, cases[0].ends);
    let yardstick = condition.yardstick();
    let title = match cell {
        Cell::Median => format!(
            "{}, {}: median of a round trip, then how many times {yardstick} and how many times coincide",
            condition.name(),
            ends.name()
        ),
        Cell::P99 => format!("{}, {}: 99th percentile", condition.name(), ends.name()),
        Cell::Mean => format!("{}, {}: mean, then how many times {yardstick}", condition.name(), ends.name()),
    };
    let mut header = vec!["subject".into()];
    header.extend(cases.iter().map(Case::call_name));
    let mut table = Table::new(title, header);

    let mut subjects: Vec<&'static str> = subjects::ALL.iter().map(|subject| subject.name()).collect();
    subjects.retain(|subject| cases.iter().any(|case| results.time(case, subject).is_some()));
    // By a size that everybody has, if there is one.
    let sorter = cases.iter().find(|case| case.bytes() == 32).unwrap_or(&cases[0]);
    subjects.sort_by(|a, b| {
        let median = |subject| results.time(sorter, subject).map_or(f64::INFINITY, |figures| figures.median);
        median(a).total_cmp(&median(b))
    });
    for subject in subjects {
        let mut row = vec![subject.into()];
        for case in cases {
            let Some(figures) = results.time(case, subject) else {
                row.push("–".into());
                continue;
            };
            let against = |other: &str, compare: fn(&Figures, &Figures) -> f64| {
                results.time(case, other).map_or("–".into(), |other| ratio(compare(figures, other)))
            };
            row.push(match cell {
                Cell::Median => {
                    let [bound, ours] = [yardstick, "coincide"].map(|other| against(other, Figures::ratio));
                    format!("{} {bound} {ours}", time(figures.median))
                }
                Cell::P99 => time(figures.p99),
                Cell::Mean => format!("{} {}", time(figures.mean), against(yardstick, Figures::mean_ratio)),
            });
        }
        table.rows.push(row);
    }
    table
}

fn three_digits(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let times = [540.4, 1184.0, 21_200.0, 389_000.0, 8_500_000.0].map(time);
        assert_eq!(times, ["540 ns", "1.18 µs", "21.2 µs", "389 µs", "8.50 ms"]);
        assert_eq!([0.066, 0.5, 1.5, 15.04, 310.2].map(ratio), ["0.066", "0.50", "1.50", "15.0", "310"]);
    }

    #[test]
    fn text_is_aligned() {
        let mut table = Table::new("Title", vec!["subject".into(), "32B".into()]);
        table.rows.push(vec!["a".into(), "1.18 µs".into()]);
        assert_eq!(table.to_text(), "Title\n  subject      32B\n  a        1.18 µs\n");
        assert_eq!(table.to_markdown(), "| subject | 32B |\n|---|---:|\n| a | 1.18 µs |\n");
    }
}
