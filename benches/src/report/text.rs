//! The report of a run for a terminal.

use super::noise::{self, Figure, Ratio};
use super::overview::{self, Verdict};
use super::{Case, Mark, Row, Run, Table, goals};

/// All of it.
pub fn report(run: &Run) -> String {
    let mut text = head(run).join("\n") + "\n";
    for group in &run.groups {
        for (section, cases) in run.sections(&group.name) {
            text += &format!("\n{}", medians(run, &format!("{}: {section}", group.name), &cases).to_text());
        }
        let counts = counts(run, &group.name);
        if !counts.rows.is_empty() {
            text += &format!("\n{}", counts.to_text());
        }
    }
    let shipped = shipped(run);
    for table in [shipped, goals::table(run)] {
        if !table.rows.is_empty() {
            text += &format!("\n{}", table.to_text());
        }
    }
    for group in &run.groups {
        text += &format!("\n{}", score(run, &group.name));
        for duel in overview::duels(run, &group.name) {
            if duel.verdict == Verdict::Lost {
                text += &format!("  lost: {} at {}, {}\n", duel.theirs.subject, duel.case.name, duel.ratio.show());
            }
        }
    }
    let marked = |mark: Mark| {
        let rows = run.rows.iter().filter(|row| row.marks.contains(&mark));
        rows.map(|row| format!("{} {} {}", row.group, row.case, row.subject)).collect::<Vec<_>>()
    };
    for mark in Mark::ALL {
        let rows = marked(mark);
        if !rows.is_empty() {
            text += &format!("\n{} ({}): {}\n", mark.name(), mark.about(), rows.join(", "));
        }
    }
    for gap in &run.gaps {
        text += &format!("{} {}: {}\n", if gap.failed { "failed" } else { "not measured:" }, gap.what(), gap.reason);
    }
    text
}

/// What the figures were measured on and how steady it was, one line each.
pub fn head(run: &Run) -> Vec<String> {
    [circumstances(run), steadiness(run)].concat()
}

/// The machine, the time, and the versions, one line each.
pub(super) fn circumstances(run: &Run) -> Vec<String> {
    let mut lines = run.machine.lines().to_vec();
    lines.push(format!("commit {}, begun {}, {:.0} s", run.commit, run.began, run.seconds));
    lines.push(format!("load average {:.1} before, {:.1} after", run.load[0], run.load[1]));
    let versions: Vec<_> = run.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    lines.push(format!("versions: {}", versions.join(", ")));
    if run.options.quick {
        lines.push("a quick run: few samples, wide intervals".to_owned());
    }
    if !run.options.filter.is_empty() {
        lines.push(format!("only what contains `{}`", run.options.filter));
    }
    lines
}

/// The gauges, and the noise of each group that follows from them, one line each.
pub(super) fn steadiness(run: &Run) -> Vec<String> {
    let mut lines = vec![];
    for gauge in &run.gauges {
        let levels: Vec<f64> = gauge.probes.iter().map(|probe| super::median(&probe.values)).collect();
        if let [first, .., last] = levels[..] {
            let [low, high] = [f64::INFINITY, 0.0];
            let (low, high) =
                levels.iter().fold((low, high), |(low, high), &level| (f64::min(low, level), f64::max(high, level)));
            lines.push(format!(
                "{} {}: {} before, {} after, {} to {} between",
                gauge.group,
                gauge.name,
                super::time(first),
                super::time(last),
                super::time(low),
                super::time(high)
            ));
        }
    }
    for group in &run.groups {
        let noise = 100.0 * noise::of_group(run, &group.name);
        lines.push(format!("{}: ratios up to {noise:.0} % from 1 are within noise", group.name));
    }
    lines
}

/// How many comparisons with peers coincide wins and loses, without the name of the group.
pub(super) fn tally(run: &Run, group: &str) -> String {
    let duels = overview::duels(run, group);
    let count = |verdict| duels.iter().filter(|duel| duel.verdict == verdict).count();
    format!("{} won, {} lost, {} within noise", count(Verdict::Won), count(Verdict::Lost), count(Verdict::WithinNoise))
}

/// How many comparisons with peers coincide wins and loses.
fn score(run: &Run, group: &str) -> String {
    format!("{group}, coincide beside peers: {}\n", tally(run, group))
}

/// A line per subject and a column per case: the median, and how many times the first of limit and coincide it is.
fn medians(run: &Run, title: &str, cases: &[&Case]) -> Table {
    let header = std::iter::once("median, times coincide".to_owned()).chain(cases.iter().map(|case| case.name.clone()));
    let mut table = Table::new(title, header.collect());
    let group = &cases[0].group;
    let noise = noise::of_group(run, group);
    for subject in run.subjects.iter().filter(|subject| subject.group == *group) {
        let cell =
            |case: &&Case| run.row(group, &case.name, &subject.name).map(|row| against_ours(run, case, row, noise));
        let cells: Vec<Option<String>> = cases.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
            table.rows.push(std::iter::once(subject.name.clone()).chain(cells).collect());
        }
    }
    if let [row] = &*table.rows {
        // One subject reads better from top to bottom.
        let title = std::mem::take(&mut table.title);
        let mut pairs = table.header.iter().zip(row).map(|(case, cell)| vec![case.clone(), cell.clone()]);
        let mut turned = Table::new(title, pairs.next().unwrap_or_default());
        turned.rows = pairs.collect();
        return turned;
    }
    table
}

fn against_ours(run: &Run, case: &Case, row: &Row, noise: f64) -> String {
    let median = row.unit.show(row.median);
    match run.ours(case).filter(|ours| ours.subject != row.subject && row.unit.has_ratios()) {
        Some(ours) => match Ratio::within_run(row, ours, Figure::Median, noise).significant() {
            Some(ratio) => format!("{median} {}", super::ratio(ratio)),
            None => format!("{median} ~"),
        },
        None => median,
    }
}

/// Exact counts.
pub(super) fn counts(run: &Run, group: &str) -> Table {
    let mut table = Table::new(
        "Counts per round trip, on both sides",
        ["subject", "case", "unit", "count"].map(String::from).to_vec(),
    );
    let rows = run.rows.iter().filter(|row| row.group == group && row.unit.is_exact());
    table.rows = rows
        .map(|row| vec![row.subject.clone(), row.case.clone(), row.unit.name().to_owned(), row.unit.show(row.median)])
        .collect();
    table
}

/// What applications ship of each library, compressed.
pub(super) fn shipped(run: &Run) -> Table {
    let header = ["library", "main", "worker", "wasm", "together", "not compressed"];
    let mut table = Table::new("What an application ships: minified, brotli", header.map(String::from).to_vec());
    for shipped in &run.shipped {
        let part = |name| shipped.sizes.get(name).map_or_else(|| "–".to_owned(), |size| kilobytes(size.brotli));
        let total = shipped.total();
        let name = format!("{} {}", shipped.subject, shipped.version);
        table.rows.push(vec![
            name,
            part("main"),
            part("worker"),
            part("wasm"),
            kilobytes(total.brotli),
            kilobytes(total.raw),
        ]);
    }
    table
}

/// Bytes for people.
pub(super) fn kilobytes(bytes: u64) -> String {
    format!("{:.1} KB", bytes as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn report_names_every_subject_case_and_gap() {
        let run = sample::run();
        let text = report(&run);
        for row in &run.rows {
            assert!(text.contains(&row.case) && text.contains(&row.subject), "{}", row.case);
            assert!(text.contains(&row.unit.show(row.median)), "{}", row.case);
        }
        for gap in &run.gaps {
            assert!(text.contains(&format!("{}: {}", gap.what(), gap.reason)), "{gap:?}");
        }
        assert!(text.contains("native, coincide beside peers: 1 won, 1 lost, 1 within noise"), "{text}");
    }

    #[test]
    fn ratio_within_noise_is_a_tilde() {
        let run = sample::run();
        let cases: Vec<_> = run.cases.iter().filter(|case| case.group == "native").collect();
        let table = medians(&run, "", &cases);
        let tarpc = table.rows.iter().find(|row| row[0] == "tarpc").unwrap();
        assert_eq!(tarpc[1..], ["9.00 µs 18.0", "30/s ~", "1.00 ms 0.33"]);
    }

    #[test]
    fn what_is_shipped_is_the_sum_of_its_parts() {
        let table = shipped(&sample::run());
        assert_eq!(table.rows, [["coincide window 0.1.0", "1.5 KB", "1.5 KB", "–", "3.0 KB", "8.0 KB"]]);
    }
}
