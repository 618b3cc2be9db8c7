//! The tables of times.

use coincide_benches::report::{Figures, Kind, Table, ratio, time};

use crate::case::{Case, Condition, Ends};
use crate::results::Results;
use crate::subjects;

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
