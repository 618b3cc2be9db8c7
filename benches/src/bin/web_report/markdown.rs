//! The report as Markdown.

use coincide_benches::report::ratio;

use crate::goals;
use crate::measured::{Measured, Shipped, Skipped};
use crate::results::Results;
use crate::tables;

/// The whole report. Charts stand beside it, one for each browser.
pub(crate) fn report(all: &[Results], measured: &Measured, machine: &[String]) -> String {
    let mut text = String::from("# coincide beside its peers, in browsers\n\n");
    text += "Each browser has one page, cross-origin isolated, on which all subjects take turns. ";
    text += "Compare ratios within this report, not times between machines.\n\n";
    for line in machine {
        text += &format!("- {line}\n");
    }
    for Skipped { what, why } in &measured.skipped {
        text += &format!("- not in {what}: {why}\n");
    }
    if measured.quick {
        text += "- a quick run: few samples, so small differences mean nothing\n";
    }

    let goals = goals::table(all, &measured.shipped);
    if !goals.rows.is_empty() {
        text += "\n## Goals\n\nEach is a limit of coincide's median, or of its ratio to a peer's.\n\n";
        text += &goals.to_markdown();
    }
    text += "\n## Where a peer is better\n\n";
    text += &better_peers(all, &measured.shipped);
    for results in all {
        text += &of_browser(results);
    }
    text += "\n## What an application ships\n\nBundled and minified, each file by itself compressed with brotli.\n\n";
    text += &tables::shipped(&measured.shipped).to_markdown();
    text += &glossary(&all[0]);
    text
}

/// The name of a browser's chart.
pub(crate) fn chart(browser: &str) -> String {
    format!("web-{browser}.svg")
}

fn of_browser(results: &Results) -> String {
    let mut text =
        format!("\n## {}\n\n![times in {}]({})\n", results.version, results.browser, chart(&results.browser));
    let p99s = tables::p99s(results);
    for table in tables::medians(results) {
        text += &format!(
            "\n### {}\n\nMedian, then how many times that of the first peer in the line it is:\n\n",
            table.title
        );
        text += &table.to_markdown();
        if let Some(p99) = p99s.iter().find(|p99| p99.title == table.title) {
            text += &format!("\n99th percentile:\n\n{}", p99.to_markdown());
        }
    }
    if !results.failures.is_empty() || !results.skipped.is_empty() {
        text += "\n### Not measured\n\n";
        for line in results.failures.iter().chain(&results.skipped) {
            text += &format!("- {line}\n");
        }
    }
    text
}

fn better_peers(all: &[Results], shipped: &[Shipped]) -> String {
    let mut lines = String::new();
    for results in all {
        for (figure, peer, times) in results.lost() {
            lines += &format!("- {peer} at {figure} in {}: {} times\n", results.browser, ratio(times));
        }
    }
    let weight = |shipped: &Shipped| shipped.total().brotli as f64;
    if let Some(ours) = shipped.iter().find(|shipped| shipped.subject == "coincide").map(weight) {
        for peer in shipped.iter().filter(|peer| weight(peer) < ours) {
            lines += &format!("- {} in what is shipped: {} times\n", peer.subject, ratio(ours / weight(peer)));
        }
    }
    if lines.is_empty() { "Nowhere in this run.\n".to_owned() } else { lines }
}

/// What rows and subjects are, in the words of the page.
fn glossary(results: &Results) -> String {
    let mut text = String::from("\n## Rows\n\n");
    for row in &results.rows {
        text += &format!("- `{}`: {}\n", row.name, row.about);
    }
    text += "\n## Subjects\n\n";
    for subject in &results.subjects {
        text += &format!("- `{}`: {}\n", subject.name, subject.about);
    }
    text
}
