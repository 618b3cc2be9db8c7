//! Goals of coincide, each checked within one run.

use super::noise::{self, Figure, Ratio};
use super::{Row, Run, Table, Unit, ratio, text};

/// The goals that were measured, with their results.
pub fn table(run: &Run) -> Table {
    let header = ["goal", "group", "case", "at most", "measured", ""];
    let mut table = Table::new("Goals", header.map(String::from).to_vec());
    for group in &run.groups {
        let goals = if group.name == NATIVE { native() } else { WEB.iter().map(Goal::of_web).collect() };
        table.rows.extend(goals.iter().filter_map(|goal| goal.judge(run, &group.name)));
    }
    if let Some(ours) = run.shipped.iter().find(|shipped| shipped.subject == "coincide window") {
        let worker = ours.sizes.get("worker").map(|size| ("the script of its worker", size.brotli, WORKER));
        for (what, weight, limit) in [("what coincide ships", ours.total().brotli, SHIPPED)].into_iter().chain(worker) {
            let verdict = if weight <= limit { REACHED } else { MISSED };
            let [limit, weight] = [limit, weight].map(text::kilobytes);
            table.rows.push([what, "", "brotli, with `window`", &limit, &weight, verdict].map(String::from).to_vec());
        }
    }
    table
}

/// How many goals there are of each verdict, in a sentence.
pub(super) fn sums(goals: &Table) -> String {
    let count = |verdict| goals.rows.iter().filter(|row| row.last().is_some_and(|last| last == verdict)).count();
    let [reached, missed, undecided] = [REACHED, MISSED, UNDECIDED].map(count);
    format!(
        "Of {} goals, {reached} are reached and {missed} are missed; {undecided} are within noise.",
        goals.rows.len()
    )
}

/// A limit of coincide's figure, by itself or as a ratio to that of another subject.
struct Goal {
    case: String,
    against: Option<&'static str>,
    figure: Of,
    limit: f64,
    /// Another limit.
    firefox: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Median,
    Mean,
    P99,
    /// Of this subject.
    Allocations(&'static str),
}

impl Goal {
    fn judge(&self, run: &Run, group: &str) -> Option<Vec<String>> {
        let limit = if group == FIREFOX { self.firefox } else { self.limit };
        if limit.is_infinite() {
            return None;
        }
        let case = run.cases.iter().find(|case| case.group == group && case.name == self.case)?;
        let cells = |goal: String, limit: String, measured: String, verdict: &str| {
            Some(vec![goal, group.to_owned(), self.case.clone(), limit, measured, verdict.to_owned()])
        };
        if let Of::Allocations(subject) = self.figure {
            let count = run.count(group, &self.case, subject)?.median;
            let verdict = if count <= limit { REACHED } else { MISSED };
            return cells(format!("allocations of {subject}"), format!("{limit}"), format!("{count}"), verdict);
        }
        let ours = run.ours(case)?;
        let Some(against) = self.against else {
            let show = |value| ours.unit.show(value);
            let verdict = if ours.median <= limit { REACHED } else { MISSED };
            return cells(ours.subject.clone(), show(limit), show(ours.median), verdict);
        };
        let theirs = run.row(group, &self.case, against)?;
        let (what, found) = match self.figure {
            Of::Mean => ("mean of ", Ratio::within_run(ours, theirs, Figure::Mean, noise::of_group(run, group))),
            Of::P99 => ("99th percentile of ", of_tails(ours, theirs)),
            _ => ("", Ratio::within_run(ours, theirs, Figure::Median, noise::of_group(run, group))),
        };
        let verdict = match found {
            Ratio { low, high, .. } if low <= limit && high > limit => UNDECIDED,
            Ratio { value, .. } if value <= limit => REACHED,
            _ => MISSED,
        };
        cells(format!("{what}{} / {against}", ours.subject), ratio(limit), ratio(found.value), verdict)
    }

    fn of_web(&(case, against, limit, firefox): &(&str, Option<&'static str>, f64, f64)) -> Self {
        Self { case: case.into(), against, figure: Of::Median, limit, firefox }
    }
}

/// A percentile of all samples has no batches to resample.
fn of_tails(ours: &Row, theirs: &Row) -> Ratio {
    debug_assert!(ours.unit == Unit::Nanoseconds);
    let value = ours.p99 / theirs.p99;
    Ratio { value, low: value, high: value, noise: 0.0 }
}

fn native() -> Vec<Goal> {
    let mut goals = vec![];
    let mut add = |case: String, against, figure, limit| {
        goals.push(Goal { case, against, figure, limit, firefox: limit });
    };
    for ends in ["threads", "processes"] {
        for (size, limit) in [("32B", 1.5), ("4KiB", 1.2), ("1MiB", 1.1)] {
            add(format!("call/{size}/hot/{ends}"), Some("raw-ring"), Of::Median, limit);
        }
        for (against, limit) in [("iceoryx2-poll", 1.0 / 2.0), ("ipc-channel", 1.0 / 15.0), ("tarpc", 1.0 / 15.0)] {
            add(format!("call/32B/hot/{ends}"), Some(against), Of::Median, limit);
        }
        for (condition, against, figure, limit) in [
            ("cold", "futex", Of::Median, 1.15),
            ("one-core", "futex", Of::Median, 2.0),
            ("hogged", "futex", Of::Mean, 3.0),
            ("hogged", "futex", Of::P99, 3.0),
            ("two-links", "coincide-alone", Of::Median, 1.2),
            ("two-links-busy", "coincide-alone", Of::Median, 1.2),
        ] {
            add(format!("call/32B/{condition}/{ends}"), Some(against), figure, limit);
        }
    }
    add("inc/hot/threads".into(), None, Of::Allocations("coincide"), 0.0);
    add("call/32B/hot/threads".into(), None, Of::Allocations("coincide-bytes"), 0.0);
    goals
}

/// Case, peer, and limits: in general and in Firefox. An infinite limit means no goal.
const WEB: [(&str, Option<&str>, f64, f64); 24] = [
    ("inc", Some("limit"), 4.0, 4.0),
    ("inc", Some("coincident"), 1.0 / 20.0, 1.0 / 10.0),
    ("echo/8-values", Some("coincident"), 1.0 / 10.0, 1.0 / 5.0),
    ("echo/100-records", Some("coincident"), 1.0 / 5.0, 1.0 / 2.5),
    ("echo/1MiB", Some("limit"), 1.25, 1.25),
    ("echo/1MiB", Some("coincident"), 1.0 / 2.5, 1.0 / 1.6),
    ("window/property", Some("coincident window"), 1.0 / 15.0, 1.0 / 7.5),
    ("window/path", Some("coincident window"), 1.0 / 15.0, 1.0 / 7.5),
    ("await", Some("coincident"), 1.0 / 2.0, 1.0),
    ("await", Some("comlink"), 1.0 / 2.0, 1.0),
    ("start", Some("coincident"), 1.5, 1.5),
    ("start/first", Some("coincident"), 1.15, 1.15),
    ("flood/hold-up", None, 8e6, 8e6),
    ("messages/await", Some("comlink"), 1.0, 1.0),
    ("messages/call", Some("comlink"), 1.0, 1.0),
    ("messages/await", Some("post"), 1.5, 1.5),
    ("messages/call", Some("post"), 1.5, 1.5),
    ("service-worker/inc", Some("floor"), 1.15, f64::INFINITY),
    ("service-worker/inc", Some("coincident sw"), 1.0, 1.0),
    ("service-worker/echo/8-values", Some("floor"), 1.15, f64::INFINITY),
    ("service-worker/window/several", Some("coincident window sw"), 1.0 / 5.0, 1.0 / 5.0),
    // Per call: less than the smallest object that could stay behind.
    ("memory/main", None, 1.0, 1.0),
    ("memory/worker", None, 1.0, 1.0),
    ("memory/wasm", None, 1.0, 1.0),
];

const NATIVE: &str = "native";
const FIREFOX: &str = "firefox";

const REACHED: &str = "reached";
const MISSED: &str = "missed";
/// The limit lies in the interval of the ratio.
const UNDECIDED: &str = "within noise";

/// Bytes of main, worker and wasm together.
const SHIPPED: u64 = 60_000;

/// Bytes of the worker's script.
const WORKER: u64 = 15_000;

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn goals_are_judged_as_far_as_they_were_measured() {
        let table = table(&sample::run());
        let goals: Vec<_> = table.rows.iter().map(|row| format!("{} {}: {}", row[1], row[0], row[5])).collect();
        let expected = [
            "native coincide / tarpc: reached",
            "chromium coincide / limit: reached",
            "chromium coincide / coincident: missed",
            " what coincide ships: reached",
            " the script of its worker: reached",
        ];
        assert_eq!(goals, expected);
    }

    #[test]
    fn goal_whose_limit_lies_within_the_interval_is_undecided() {
        let mut run = sample::run();
        let ours = run.rows.iter_mut().find(|row| row.group == "chromium" && row.subject == "coincide").unwrap();
        ours.medians = vec![500.0, 700.0, 900.0];
        let table = table(&run);
        let limit = table.rows.iter().find(|row| row[0] == "coincide / limit").unwrap();
        assert_eq!(limit[3..], ["4.00", "3.50", "within noise"]);
    }
}
