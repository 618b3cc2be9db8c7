//! The report as one self-contained page.

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Background};
use super::noise::{self, Figure, Ratio};
use super::overview::{self, Verdict};
use super::row::NOTHING;
use super::{Case, Mark, Row, Run, Table, goals, text};

/// The page.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn page(run: &Run) -> Result<String> {
    let groups = run.groups.iter().map(|group| of_group(run, &group.name, &group.about)).collect::<Result<Vec<_>>>()?;
    let goals = goals::table(run);
    let shipped = text::shipped(run);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "coincide beside its peers" }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { "coincide beside its peers" }
                p {
                    "Every time is a round trip: a request there and an answer back. Compare ratios within this page, not times "
                    "between machines. A ratio within the noise of the run is not printed."
                }
                nav {
                    @for group in &run.groups { a href={ "#" (group.name) } { (group.name) } " " }
                    a href="#gaps" { "not measured" } " "
                    a href="#subjects" { "subjects" }
                }
                h2 { "Summary" }
                p { (overview::sums(run)) }
                (plain(&overview::table(run)))
                @if !goals.rows.is_empty() {
                    p { (goals::sums(&goals)) }
                    details { summary { h3 { "Goals" } } (plain(&goals)) }
                }
                @if run.gaps.iter().any(|gap| gap.failed) {
                    p { "These could not be measured:" }
                    ul { @for gap in run.gaps.iter().filter(|gap| gap.failed) { li { (gap.what()) ": " (gap.reason) } } }
                }
                h2 { "This run" }
                ul { @for line in text::circumstances(run) { li { (line) } } }
                details {
                    summary { h3 { "Noise of the machine before, between and after the cases" } }
                    ul { @for line in text::steadiness(run) { li { (line) } } }
                }
                @for group in &groups { (group) }
                @if !shipped.rows.is_empty() {
                    h2 { "What an application ships" }
                    p { "Bundled and minified, each file by itself compressed with brotli." }
                    (plain(&shipped))
                }
                h2 id="gaps" { "Not measured" }
                (gaps(run))
                h2 id="subjects" { "Subjects" }
                (subjects(run))
                h2 { "Marks" }
                dl { @for mark in Mark::ALL { dt { (mark.name()) } dd { (mark.about()) } } }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    };
    Ok(page.into_string())
}

fn of_group(run: &Run, name: &str, about: &str) -> Result<Markup> {
    let sections = run.sections(name).into_iter().map(|(section, cases)| of_section(run, section, &cases));
    let sections = sections.collect::<Result<Vec<_>>>()?;
    let counts = text::counts(run, name);
    let peers = chart::of_duels(run, name, Background::Page)?;
    Ok(html! {
        section id=(name) {
            h2 { (name) }
            p { (about) }
            @if !peers.is_empty() {
                div.wide { (PreEscaped(peers)) }
                details {
                    summary { h3 { "All comparisons: " (text::tally(run, name)) } }
                    (duels(run, name))
                }
            }
            @for section in sections { (section) }
            @if !counts.rows.is_empty() { details { summary { h3 { (counts.title) } } (plain(&counts)) } }
        }
    })
}

/// Every comparison with a peer, whatever its outcome.
fn duels(run: &Run, group: &str) -> Markup {
    let duels = overview::duels(run, group);
    html! {
        @if !duels.is_empty() {
            div.wide {
                table {
                    thead { tr {
                        @for head in ["case", "peer", "its median", "coincide", "coincide / peer", "95 % interval", ""] { th { (head) } }
                    } }
                    tbody { @for duel in &duels {
                        tr class=(class(duel.verdict)) {
                            td { a href={ "#" (anchor(duel.case)) } { (duel.case.name) } }
                            td { (duel.theirs.subject) }
                            (figure(duel.theirs, duel.theirs.median))
                            (figure(duel.ours, duel.ours.median))
                            td data-value=(duel.ratio.value) { (duel.ratio.show()) }
                            td data-value=(duel.ratio.low) { (super::ratio(duel.ratio.low)) " to " (super::ratio(duel.ratio.high)) }
                            td { (duel.verdict.name()) }
                        }
                    } }
                }
            }
        }
    }
}

fn of_section(run: &Run, section: &str, cases: &[&Case]) -> Result<Markup> {
    let cases = cases.iter().map(|case| of_case(run, case)).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        details {
            summary { h3 { (sentence(section).trim_end_matches('.')) } }
            @for case in cases { (case) }
        }
    })
}

fn of_case(run: &Run, case: &Case) -> Result<Markup> {
    let rows = run.rows_of(case);
    let ours = run.ours(case);
    let noise = noise::of_group(run, &case.group);
    let svg = chart::svg(run, &[case], Background::Page)?;
    let low = rows.iter().flat_map(|row| bins(row)).map(|(bin, _)| bin).min().unwrap_or_default();
    let high = rows.iter().flat_map(|row| bins(row)).map(|(bin, _)| bin).max().unwrap_or_default();
    Ok(html! {
        article id=(anchor(case)) {
            h4 { (case.name) }
            p { (sentence(&case.about)) " " (code(run, &case.code)) }
            div.wide { (PreEscaped(svg)) }
            div.wide {
                table {
                    thead { tr {
                        @for head in ["subject", "median", "times coincide", "marks", "p50", "p90", "p99", "max", "samples", "distribution", "spread"] {
                            th { (head) }
                        }
                    } }
                    tbody { @for row in rows {
                        tr {
                            td { (row.subject) }
                            (figure(row, row.median))
                            (beside(row, ours, noise))
                            td { (marks(row)) }
                            @for value in [row.p50, row.p90, row.p99, row.max] { (figure(row, value)) }
                            td data-value=(row.count) { (row.count) }
                            td.histogram { (histogram(row, low, high)) }
                            td data-value=(row.spread) { (format!("{:.1} %", row.spread * 100.0)) }
                        }
                    } }
                }
            }
        }
    })
}

fn beside(row: &Row, ours: Option<&Row>, noise: f64) -> Markup {
    match ours.filter(|ours| row.unit.has_ratios() && ours.subject != row.subject) {
        Some(ours) => {
            let ratio = Ratio::within_run(row, ours, Figure::Median, noise);
            html! { td data-value=(ratio.value) { (ratio.show()) } }
        }
        None => html! { td {} },
    }
}

fn figure(row: &Row, value: f64) -> Markup {
    html! { td data-value=(value) { (row.unit.show(value)) } }
}

fn marks(row: &Row) -> String {
    let tail = |mark: &Mark| match mark {
        Mark::Tail => format!("long tail: p99 is {:.0} times the median", row.p99 / row.median),
        mark => mark.name().to_owned(),
    };
    row.marks.iter().map(tail).collect::<Vec<_>>().join(", ")
}

fn bins(row: &Row) -> impl Iterator<Item = (i32, u64)> {
    row.histogram.iter().copied().filter(|(bin, _)| *bin != NOTHING)
}

/// Blocks whose heights are the counts from `low` to `high`, the bins of the case, on a logarithmic scale. A column holds at least one bin:
/// a narrow range is shown in the middle. Samples without a bin are counted behind them.
fn histogram(row: &Row, low: i32, high: i32) -> String {
    let width = (high - low + 1).max(COLUMNS as i32);
    let first = low - (width - (high - low + 1)) / 2;
    let mut columns = [0; COLUMNS];
    for (bin, count) in bins(row) {
        columns[((bin - first) * COLUMNS as i32 / width) as usize] += count;
    }
    let most = columns.iter().copied().max().unwrap_or_default().max(1);
    let block = |&count: &u64| match count {
        0 => ' ',
        _ => BLOCKS[(u128::from(count) * BLOCKS.len() as u128).div_ceil(u128::from(most)) as usize - 1],
    };
    let blocks: String = columns.iter().map(block).collect();
    let without: u64 = row.histogram.iter().filter(|(bin, _)| *bin == NOTHING).map(|(_, count)| count).sum();
    if without == 0 { blocks } else { format!("{blocks} {without} × 0 or less") }
}

fn plain(table: &Table) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { @for head in &table.header { th { (head) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

fn gaps(run: &Run) -> Markup {
    html! {
        @if run.gaps.is_empty() { p { "Everything was measured." } }
        ul { @for gap in &run.gaps {
            li { @if gap.failed { strong { "failed: " } } (gap.what()) ": " (gap.reason) }
        } }
    }
}

fn subjects(run: &Run) -> Markup {
    html! {
        @for group in &run.groups {
            h3 { (group.name) }
            dl { @for subject in run.subjects.iter().filter(|subject| subject.group == group.name) {
                dt { (subject.name) }
                dd { (sentence(&subject.about)) " " (code(run, &subject.code)) }
            } }
        }
    }
}

fn code(run: &Run, path: &str) -> Markup {
    html! { a href=(link(run, path)) { "Code" } }
}

/// Address of a file of the repository, as it was in this run if it was committed.
pub(super) fn link(run: &Run, path: &str) -> String {
    let commit = if run.commit.is_empty() || run.commit.ends_with("-dirty") { "main" } else { &run.commit };
    format!("{}/blob/{commit}/{path}", env!("CARGO_PKG_REPOSITORY"))
}

/// With a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') || text.is_empty() { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn anchor(case: &Case) -> String {
    format!("{}/{}", case.group, case.name).replace(' ', "-")
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Lost => "lost",
        Verdict::WithinNoise => "noise",
        Verdict::Won => "won",
    }
}

const COLUMNS: usize = 24;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[cfg(test)]
mod tests {
    use super::super::{Batch, Unit, sample};
    use super::*;

    #[test]
    fn page_has_every_row_and_every_gap() {
        let run = sample::run();
        let page = page(&run).unwrap();
        for case in &run.cases {
            let start = page.find(&format!("<article id=\"{}\"", anchor(case))).unwrap();
            let article = &page[start..start + page[start..].find("</article>").unwrap()];
            for row in run.rows_of(case) {
                let cells = format!(
                    "<td>{}</td><td data-value=\"{}\">{}</td>",
                    row.subject,
                    row.median,
                    row.unit.show(row.median)
                );
                assert!(article.contains(&cells), "{cells} is missing in {article}");
            }
            assert!(article.contains(&link(&run, &case.code)));
            assert!(article.contains(&sentence(&case.about)));
        }
        for gap in &run.gaps {
            assert!(page.contains(&format!("{}: {}</li>", gap.what(), gap.reason)), "{gap:?}");
        }
        for subject in &run.subjects {
            assert!(page.contains(&format!("<dt>{}</dt>", subject.name)));
        }
    }

    #[test]
    fn page_needs_no_further_files_and_escapes_text() {
        let page = page(&sample::run()).unwrap();
        for part in ["<link", "src=", "@import", "its <ends>"] {
            assert!(!page.contains(part), "{part}");
        }
    }

    #[test]
    fn rows_lost_and_won_stand_in_one_table() {
        let page = page(&sample::run()).unwrap();
        for class in ["lost", "noise", "won"] {
            assert!(page.contains(&format!("<tr class=\"{class}\">")), "{class}");
        }
        assert!(page.contains(noise::WITHIN_NOISE));
    }

    #[test]
    fn long_tail_is_put_into_words() {
        let samples = [vec![10.0; 98], vec![5000.0; 2]].concat();
        let row = Row::of(["native", "inc", "a"], Unit::Nanoseconds, &[Batch { samples }]).unwrap();
        assert_eq!(marks(&row), "long tail: p99 is 500 times the median");
    }

    #[test]
    fn histogram_shows_where_samples_lie() {
        let blank = |count| " ".repeat(count);
        let half = COLUMNS / 2;
        // Samples, the range of the case, and what is shown.
        let table = [
            ([vec![1.0; 8], vec![1024.0; 1]].concat(), (0, 80), format!("█{}▁", blank(COLUMNS - 2))),
            // One sample, and equal ones: one column in the middle.
            (vec![1.0], (0, 0), format!("{}█{}", blank(half - 1), blank(half))),
            (vec![1.0; 500], (0, 0), format!("{}█{}", blank(half - 1), blank(half))),
            // Neighbouring bins are neighbouring columns.
            (vec![1.0, 1.1, 1.2], (0, 2), format!("{}███{}", blank(half - 2), blank(half - 1))),
            // None that has a bin.
            (vec![0.0; 3], (0, 0), format!("{} 3 × 0 or less", blank(COLUMNS))),
            // Outliers at both ends of what a number can hold.
            (vec![f64::MIN_POSITIVE, 1e300], (-8176, 7972), format!("█{}█", blank(COLUMNS - 2))),
        ];
        for (samples, (low, high), expected) in table {
            let shown = format!("{samples:?}");
            let row = Row::of(["native", "inc", "a"], Unit::Nanoseconds, &[Batch { samples }]).unwrap();
            assert_eq!(histogram(&row, low, high), expected, "{shown}");
        }
    }
}
