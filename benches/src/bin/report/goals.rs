//! What coincide sets out to reach, each as a ratio of two figures of the same run.

use coincide_benches::report::{Table, ratio, verdict};

use crate::case::{Call, Case, Condition, Ends};
use crate::results::Results;

/// A ratio that is to stay below a limit.
struct Goal {
    case: Case,
    subject: &'static str,
    against: &'static str,
    figure: Figure,
    /// Largest ratio of the subject's figure to the other's.
    limit: f64,
}

#[derive(Clone, Copy)]
enum Figure {
    Median,
    Mean,
    P99,
}

/// The goals and what became of them, as far as they were measured.
pub(crate) fn table(results: &Results) -> Table {
    let header = ["goal", "case", "at most", "measured", ""];
    let mut table = Table::new("Goals", header.map(String::from).to_vec());
    for goal in goals() {
        let figures = |subject| results.time(&goal.case, subject);
        let (Some(ours), Some(theirs)) = (figures(goal.subject), figures(goal.against)) else { continue };
        let measured = match goal.figure {
            Figure::Median => ours.ratio(theirs),
            Figure::Mean => ours.mean_ratio(theirs),
            Figure::P99 => ours.p99 / theirs.p99,
        };
        let what = match goal.figure {
            Figure::Median => "",
            Figure::Mean => "mean of ",
            Figure::P99 => "99th percentile of ",
        };
        table.rows.push(vec![
            format!("{what}{} / {}", goal.subject, goal.against),
            goal.case.to_string(),
            ratio(goal.limit),
            ratio(measured),
            verdict(measured <= goal.limit),
        ]);
    }
    for (call, subject) in [(Call::Increment, "coincide"), (Call::Echo { bytes: 32 }, "coincide-bytes")] {
        let case = Case { call, condition: Condition::Hot, ends: Ends::Threads };
        if let Some(figures) = results.allocations(&case, subject) {
            table.rows.push(vec![
                format!("allocations of {subject}"),
                case.to_string(),
                "0".into(),
                format!("{}", figures.median),
                verdict(figures.median == 0.0),
            ]);
        }
    }
    table
}

fn goals() -> Vec<Goal> {
    let echo = |bytes| Call::Echo { bytes };
    let mut goals = vec![];
    let mut add = |call, condition, ends, against, figure, limit| {
        goals.push(Goal { case: Case { call, condition, ends }, subject: "coincide", against, figure, limit });
    };
    for ends in [Ends::Threads, Ends::Processes] {
        for (bytes, limit) in [(32, 1.5), (4 << 10, 1.2), (1 << 20, 1.1)] {
            add(echo(bytes), Condition::Hot, ends, "raw-ring", Figure::Median, limit);
        }
        for (against, limit) in [("iceoryx2-poll", 1.0 / 2.0), ("ipc-channel", 1.0 / 15.0), ("tarpc", 1.0 / 15.0)] {
            add(echo(32), Condition::Hot, ends, against, Figure::Median, limit);
        }
        add(echo(32), Condition::Cold, ends, "futex", Figure::Median, 1.15);
        add(echo(32), Condition::OneCore, ends, "futex", Figure::Median, 2.0);
        add(echo(32), Condition::Hogged, ends, "futex", Figure::Mean, 3.0);
        add(echo(32), Condition::Hogged, ends, "futex", Figure::P99, 3.0);
        for condition in [Condition::TwoLinks, Condition::TwoLinksBusy] {
            add(echo(32), condition, ends, "coincide-alone", Figure::Median, 1.2);
        }
    }
    goals
}
