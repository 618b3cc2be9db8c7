//! What coincide sets out to reach in browsers.

use coincide_benches::report::{Kind, Table, ratio, time, verdict};

use crate::measured::Shipped;
use crate::results::Results;
use crate::tables::bytes;

/// A limit for coincide's figure, by itself or as a ratio to that of a peer.
struct Goal {
    figure: &'static str,
    against: Option<&'static str>,
    chromium: f64,
    firefox: f64,
}

/// The goals and what became of them, as far as they were measured.
pub(crate) fn table(all: &[Results], shipped: &[Shipped]) -> Table {
    let header = ["goal", "case", "browser", "at most", "measured", ""];
    let mut table = Table::new("Goals", header.map(String::from).to_vec());
    for goal in GOALS {
        for results in all {
            table.rows.extend(goal.judge(results));
        }
    }
    if let Some(ours) = shipped.iter().find(|shipped| shipped.subject == "coincide window") {
        let worker = ours.sizes.get("worker").map(|size| ("the script of its worker", size.brotli, WORKER));
        for (what, weight, limit) in [("what coincide ships", ours.total().brotli, SHIPPED)].into_iter().chain(worker) {
            let cells = [what, "brotli, with `window`", "", &bytes(limit), &bytes(weight), &verdict(weight <= limit)];
            table.rows.push(cells.map(String::from).to_vec());
        }
    }
    table
}

impl Goal {
    fn judge(&self, results: &Results) -> Option<Vec<String>> {
        let (subject, ours) = results.first(self.figure, Kind::Coincide)?;
        let name = &subject.name;
        let limit = if results.browser == FIREFOX { self.firefox } else { self.chromium };
        if limit.is_infinite() {
            return None;
        }
        let (goal, measured, show): (_, _, fn(f64) -> String) = match self.against {
            Some(peer) => (format!("{name} / {peer}"), ours.ratio(results.get(self.figure, peer)?), ratio),
            None if self.figure.starts_with("memory/") => (name.clone(), ours.median, |b| format!("{b:.2} B")),
            None => (name.clone(), ours.median, time),
        };
        let cells = [goal, self.figure.to_owned(), results.browser.clone(), show(limit), show(measured)];
        Some([&cells[..], &[verdict(measured <= limit)]].concat())
    }
}

/// An infinite limit is no goal.
const fn ratio_to(peer: &'static str, figure: &'static str, chromium: f64, firefox: f64) -> Goal {
    Goal { figure, against: Some(peer), chromium, firefox }
}

const fn at_most(figure: &'static str, limit: f64) -> Goal {
    Goal { figure, against: None, chromium: limit, firefox: limit }
}

const GOALS: [Goal; 24] = [
    ratio_to("limit", "inc", 4.0, 4.0),
    ratio_to("coincident", "inc", 1.0 / 20.0, 1.0 / 10.0),
    ratio_to("coincident", "echo/8-values", 1.0 / 10.0, 1.0 / 5.0),
    ratio_to("coincident", "echo/100-records", 1.0 / 5.0, 1.0 / 2.5),
    ratio_to("limit", "echo/1MiB", 1.25, 1.25),
    ratio_to("coincident", "echo/1MiB", 1.0 / 2.5, 1.0 / 1.6),
    ratio_to("coincident window", "window/property", 1.0 / 15.0, 1.0 / 7.5),
    ratio_to("coincident window", "window/path", 1.0 / 15.0, 1.0 / 7.5),
    ratio_to("coincident", "await", 1.0 / 2.0, 1.0),
    ratio_to("comlink", "await", 1.0 / 2.0, 1.0),
    ratio_to("coincident", "start", 1.5, 1.5),
    ratio_to("coincident", "start/first", 1.15, 1.15),
    at_most("flood/hold-up", 8e6),
    ratio_to("comlink", "messages/await", 1.0, 1.0),
    ratio_to("comlink", "messages/call", 1.0, 1.0),
    ratio_to("post", "messages/await", 1.5, 1.5),
    ratio_to("post", "messages/call", 1.5, 1.5),
    ratio_to("floor", "service-worker/inc", 1.15, f64::INFINITY),
    ratio_to("coincident sw", "service-worker/inc", 1.0, 1.0),
    ratio_to("floor", "service-worker/echo/8-values", 1.15, f64::INFINITY),
    ratio_to("coincident window sw", "service-worker/window/several", 1.0 / 5.0, 1.0 / 5.0),
    // Per call: less than the smallest object that could stay behind.
    at_most("memory/main", 1.0),
    at_most("memory/worker", 1.0),
    at_most("memory/wasm", 1.0),
];

/// Where some goals are others.
const FIREFOX: &str = "firefox";

/// Bytes of main, worker and wasm together.
const SHIPPED: u64 = 60_000;

/// Bytes of the worker's script.
const WORKER: u64 = 15_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn only_what_was_measured_is_judged() {
        let table = table(&[sample()], &[]);
        assert_eq!(table.rows, [["coincide / coincident", "inc", "chromium", "0.050", "0.040", "reached"]]);
    }
}
