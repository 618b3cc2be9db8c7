//! The report as Markdown.

use coincide_benches::report::{Table, ratio};

use crate::case::{Condition, Ends};
use crate::goals;
use crate::results::Results;
use crate::subjects;
use crate::table::{self, Cell};

/// The whole report. `charts` are file names with what they show.
pub(crate) fn report(results: &Results, machine: &[String], quick: bool, charts: &[Chart]) -> String {
    let mut text = String::from("# coincide beside its peers\n\n");
    text += "Every figure is a round trip: a request there and a response back. Compare ratios within this report, not times between machines.\n\n";
    for line in machine {
        text += &format!("- {line}\n");
    }
    if quick {
        text += "- a quick run: few samples, so small differences mean nothing\n";
    }

    let goals = goals::table(results);
    if !goals.rows.is_empty() {
        text += "\n## Goals\n\nEach is a ratio of two medians unless it says otherwise.\n\n";
        text += &goals.to_markdown();
    }

    text += "\n## Where a peer is faster\n\n";
    text += &faster_peers(results);

    text += "\n## Times\n";
    let p99s = table::tables(results, Cell::P99);
    let means = table::tables(results, Cell::Mean);
    for (condition, ends, medians) in table::tables(results, Cell::Median) {
        text += &format!("\n### {}, {}\n\n{}\n", condition.name(), ends.name(), condition.about());
        for chart in charts.iter().filter(|chart| chart.shows == Some((condition, ends))) {
            text += &format!("\n![{}, {}]({})\n", condition.name(), ends.name(), chart.file);
        }
        let mut add = |about: &str, table: &Table| text += &format!("\n{about}\n\n{}", table.to_markdown());
        let yardstick = condition.yardstick();
        add(&format!("Median, then how many times `{yardstick}` and how many times `coincide` that is:"), &medians);
        let of = |tables: &'_ [(Condition, Ends, Table)]| {
            tables.iter().position(|(other, others, _)| (*other, *others) == (condition, ends))
        };
        if condition.wants_mean()
            && let Some(index) = of(&means)
        {
            add(&format!("Mean, then how many times that of `{yardstick}` that is:"), &means[index].2);
        }
        if let Some(index) = of(&p99s) {
            add("99th percentile:", &p99s[index].2);
        }
    }
    for chart in charts.iter().filter(|chart| chart.shows.is_none()) {
        text += &format!("\n![{}]({})\n", chart.file, chart.file);
    }

    if !results.allocations.is_empty() {
        text += "\n## Allocations\n\nPer round trip, on both sides together, hot between threads.\n\n";
        text += &allocations(results).to_markdown();
    }
    if !results.failures.is_empty() {
        text += "\n## Not measured\n\n";
        for failure in &results.failures {
            text += &format!("- {} at {}: {:#}\n", failure.subject, failure.case, failure.error);
        }
    }
    text += "\n## Subjects\n\n";
    for subject in subjects::ALL {
        text += &format!("- `{}`: {}\n", subject.name(), subject.about());
    }
    text
}

/// A chart, and the condition that it belongs to if it is one's.
pub(crate) struct Chart {
    pub(crate) file: String,
    pub(crate) shows: Option<(Condition, Ends)>,
}

/// A table of allocations per round trip.
pub(crate) fn allocations(results: &Results) -> Table {
    let mut table =
        Table::new("Allocations per round trip", vec!["subject".into(), "case".into(), "allocations".into()]);
    table.rows = results
        .allocations
        .iter()
        .map(|measured| {
            vec![measured.subject.into(), measured.case.to_string(), format!("{:.2}", measured.figures.median)]
        })
        .collect();
    table
}

fn faster_peers(results: &Results) -> String {
    let lost = table::lost(results);
    if !results.times.iter().any(|measured| measured.subject == "coincide") {
        return "coincide was not part of this run.\n".into();
    }
    if lost.is_empty() {
        return "Nowhere in this run.\n".into();
    }
    let mut table = Table::new("", vec!["case".into(), "peer".into(), "coincide / peer".into()]);
    table.rows =
        lost.into_iter().map(|(case, peer, times)| vec![case.to_string(), peer.into(), ratio(times)]).collect();
    table.to_markdown()
}
