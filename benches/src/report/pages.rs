//! Makes a run of the lines that pages post while they measure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde::Deserialize;

use super::{Batch, Case, Gap, Gauge, Group, Kind, LOADED, Mark, Options, Probe, Row, Run, Shipped, Subject, Unit};

/// What `cargo xtask bench` gathers while pages run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gathered {
    options: Options,
    /// Load average when it began.
    load: f64,
    /// How long it took until now.
    seconds: f64,
    shipped: Vec<Shipped>,
    hosts: Vec<Host>,
    gaps: Vec<Gap>,
}

/// A browser, or Node.js.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    name: String,
    version: String,
    lines: Vec<Line>,
}

/// A line that a page posts, or that is added while it runs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    /// What is going to be measured.
    Announcement {
        rows: Vec<Announced>,
        subjects: Vec<AnnouncedSubject>,
        /// Why rows cannot be measured in this place, by name.
        #[serde(default)]
        missing: BTreeMap<String, String>,
        /// Why subjects cannot be measured in this place, by name.
        #[serde(default)]
        absent: BTreeMap<String, String>,
    },
    Batch {
        subject: String,
        /// By figure.
        samples: BTreeMap<String, Vec<f64>>,
        /// Why there are none, by figure.
        skipped: BTreeMap<String, String>,
    },
    Failure {
        row: String,
        subject: String,
        error: String,
    },
    /// A gauge that is not used any more.
    Gauge {
        gauge: String,
        error: String,
    },
    /// The time was over before a round of this row.
    Over {
        over: String,
    },
    /// The page has ended early, in this row or before any.
    Stopped {
        stopped: Option<String>,
        error: String,
    },
    /// Further rounds of this row were run.
    Repeated {
        repeated: String,
    },
    /// Batches of gauges, by name, in nanoseconds.
    Gauges {
        gauges: BTreeMap<String, Vec<f64>>,
        at: f64,
    },
    /// Cores that other programs used while the last row was measured.
    Others {
        others: f64,
    },
    /// A row begins.
    Begins {
        #[serde(rename = "begins")]
        _row: String,
    },
    /// A row has ended.
    Ends {
        #[serde(rename = "ends")]
        _row: String,
    },
    /// A sign of life.
    Note {
        #[serde(rename = "note")]
        _note: String,
    },
    /// What went wrong with the page itself.
    Fault(String),
}

/// What is run, and which figures that gives.
#[derive(Deserialize)]
struct Announced {
    name: String,
    about: String,
    section: String,
    figures: Vec<Figure>,
}

#[derive(Deserialize)]
struct Figure {
    name: String,
    unit: Unit,
}

#[derive(Deserialize)]
struct AnnouncedSubject {
    name: String,
    kind: Kind,
    about: String,
}

impl Gathered {
    /// The results.
    ///
    /// # Errors
    /// When a page has posted an empty batch.
    pub fn into_run(self) -> anyhow::Result<Run> {
        let mut run = Run::begin(self.options);
        let took = Duration::try_from_secs_f64(self.seconds).context("the time of the run is negative")?;
        run.began = humantime::format_rfc3339_seconds(SystemTime::now() - took).to_string();
        run.load[0] = self.load;
        run.seconds = self.seconds;
        run.versions.extend(self.shipped.iter().map(|shipped| (shipped.subject.clone(), shipped.version.clone())));
        run.shipped = self.shipped;
        run.gaps = self.gaps;
        for host in self.hosts {
            add(&mut run, host)?;
        }
        Ok(run)
    }
}

fn add(run: &mut Run, host: Host) -> anyhow::Result<()> {
    let group = host.name;
    run.versions.insert(group.clone(), host.version.clone());
    run.groups
        .push(Group { name: group.clone(), about: format!("The npm package and its peers in {}.", host.version) });
    let mut batches: BTreeMap<(String, String), Vec<Batch>> = BTreeMap::new();
    let mut units = BTreeMap::new();
    let mut figures_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut repeated, mut loaded, mut since) = (vec![], vec![], vec![]);
    let mut gauges: BTreeMap<String, Vec<Probe>> = BTreeMap::new();
    let gap = |case: Option<&str>, subject: Option<&str>, failed, reason: &str| Gap {
        group: group.clone(),
        case: case.map(str::to_owned),
        subject: subject.map(str::to_owned),
        failed,
        reason: reason.to_owned(),
    };
    for line in host.lines {
        match line {
            // Each page announces its own rows, and all subjects.
            Line::Announcement { rows, subjects, missing, absent } => {
                run.gaps.extend(missing.iter().map(|(row, reason)| gap(Some(row), None, false, reason)));
                run.gaps.extend(absent.iter().map(|(subject, reason)| gap(None, Some(subject), false, reason)));
                for row in rows {
                    // A page that was opened again announces what is left.
                    if figures_of.contains_key(&row.name) {
                        continue;
                    }
                    for figure in row.figures {
                        units.insert(figure.name.clone(), figure.unit);
                        figures_of.entry(row.name.clone()).or_default().push(figure.name.clone());
                        run.cases.push(Case {
                            group: group.clone(),
                            limit: limit(&figure.name, &row.section).map(str::to_owned),
                            code: format!(
                                "benches/web/{}",
                                match &*row.section {
                                    "In use" => "use.js",
                                    "Flood" => "flood.js",
                                    "Memory" => "memory.js",
                                    "Start" => "start.js",
                                    _ => "payloads.js",
                                }
                            ),
                            name: figure.name,
                            section: row.section.clone(),
                            about: row.about.clone(),
                        });
                    }
                }
                for AnnouncedSubject { name, kind, about } in subjects {
                    if !run.subjects.iter().any(|known| known.group == group && known.name == name) {
                        let code = format!("benches/web/subjects/{}.js", name.replace(' ', "-"));
                        run.subjects.push(Subject { group: group.clone(), name, kind, about, code });
                    }
                }
            }
            Line::Batch { subject, samples, skipped } => {
                for (figure, samples) in samples {
                    since.push((figure.clone(), subject.clone()));
                    batches.entry((figure, subject.clone())).or_default().push(Batch { samples });
                }
                for (figure, reason) in skipped {
                    let gap = gap(Some(&figure), Some(&subject), false, &reason);
                    if !run.gaps.contains(&gap) {
                        run.gaps.push(gap);
                    }
                }
            }
            Line::Failure { row, subject, error } => {
                let figures = figures_of.get(&row).cloned().unwrap_or_else(|| vec![row]);
                // A peer that does not work here is a result. Anything else is a fault of this suite.
                let of = |known: &&Subject| known.group == group && known.name == subject;
                let failed = run.subjects.iter().find(of).is_none_or(|known| known.kind != Kind::Peer);
                run.gaps.extend(figures.iter().map(|figure| gap(Some(figure), Some(&subject), failed, &error)));
            }
            Line::Gauge { gauge, error } => run.gaps.push(gap(Some(&format!("gauge {gauge}")), None, true, &error)),
            Line::Over { over: row } => {
                let figures = figures_of.get(&row).cloned().unwrap_or_else(|| vec![row]);
                run.gaps.extend(figures.iter().map(|figure| gap(Some(figure), None, false, OVER)));
            }
            Line::Stopped { stopped, error } => {
                let figures = stopped.map(|row| figures_of.get(&row).cloned().unwrap_or_else(|| vec![row]));
                match figures {
                    Some(figures) => {
                        run.gaps.extend(figures.iter().map(|figure| gap(Some(figure), None, true, &error)));
                    }
                    None => run.gaps.push(gap(None, None, true, &error)),
                }
            }
            Line::Repeated { repeated: row } => repeated.extend(figures_of.get(&row).cloned().unwrap_or_default()),
            Line::Gauges { gauges: values, at } => {
                for (name, values) in values {
                    gauges.entry(name).or_default().push(Probe { at, values });
                }
            }
            Line::Others { others } => {
                let measured = std::mem::take(&mut since);
                loaded.extend(measured.into_iter().filter(|_| others > LOADED));
            }
            Line::Fault(fault) => run.gaps.push(gap(None, None, true, &fault)),
            // A row that has not ended has no figure of others.
            Line::Begins { .. } => since.clear(),
            Line::Ends { .. } | Line::Note { .. } => {}
        }
    }
    if units.is_empty() {
        run.gaps.push(gap(None, None, false, &nothing_passes(&run.options.filter)));
    }
    for (name, probes) in gauges {
        let (about, noise) = match name.starts_with("clock") {
            true => ("The smallest step of the page's clock.", false),
            false => ("A number posted to a worker and the next number posted back: the floor of messages.", true),
        };
        run.gauges.push(Gauge { group: group.clone(), name, about: about.into(), noise, probes });
    }
    let cases: Vec<String> =
        run.cases.iter().filter(|case| case.group == group).map(|case| case.name.clone()).collect();
    let subjects: Vec<String> = run.subjects.iter().filter(|of| of.group == group).map(|of| of.name.clone()).collect();
    for case in &cases {
        for subject in &subjects {
            let key = (case.clone(), subject.clone());
            let Some(batches) = batches.get(&key) else { continue };
            let mut row = Row::of([&group, case, subject], units[case], batches)
                .with_context(|| format!("{case} of {subject} in {group}"))?;
            if repeated.contains(case) {
                row.marks.push(Mark::Repeated);
            }
            if loaded.contains(&key) {
                row.marks.push(Mark::Loaded);
            }
            run.rows.push(row);
        }
    }
    Ok(())
}

/// Why a group is empty.
pub fn nothing_passes(filter: &str) -> String {
    match filter {
        "" => "no case was announced".to_owned(),
        filter => format!("no case and subject matches the filter `{filter}`"),
    }
}

/// Why a row was not begun.
const OVER: &str = "the time of this part of the run was over";

/// The subject that shows what the host allows.
fn limit(figure: &str, section: &str) -> Option<&'static str> {
    match section {
        "Round trips" if !figure.starts_with("window/") => Some("limit"),
        "Round trips in messages" => Some("post"),
        "Round trips without shared memory" => Some("floor"),
        "Flood" => Some("idle"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(lines: Value) -> anyhow::Result<Run> {
        let gathered = json!({
            "options": { "quick": false, "filter": "" }, "load": 0.5, "seconds": 60.0, "shipped": [],
            "hosts": [{ "name": "chromium", "version": "Chromium 1", "lines": lines }],
            "gaps": [{ "group": "firefox", "case": null, "subject": null, "failed": false, "reason": "firefox is not installed" }]
        });
        serde_json::from_value::<Gathered>(gathered)?.into_run()
    }

    fn announced(name: &str, unit: &str) -> Value {
        json!({ "name": name, "about": "", "section": "Round trips", "figures": [{ "name": name, "unit": unit }] })
    }

    fn lines() -> Value {
        json!([
            {
                "rows": [announced("inc", "ns"), announced("await", "ns"), announced("memory/main", "B")],
                "subjects": [
                    { "name": "limit", "kind": "bound", "about": "" },
                    { "name": "coincide", "kind": "coincide", "about": "" },
                    { "name": "comlink", "kind": "peer", "about": "" }
                ],
                "missing": { "flood": "nothing is painted" },
                "absent": { "post": "it has no messages" }
            },
            { "gauges": { "clock": [100.0], "post": [9000.0, 9100.0] }, "at": 0.0 },
            { "row": "inc", "subject": "coincide", "samples": { "inc": [2000.0, 2000.0] }, "skipped": {} },
            { "others": 0.0 },
            { "row": "inc", "subject": "coincide", "samples": { "inc": [4000.0] }, "skipped": {} },
            { "repeated": "inc" },
            { "begins": "await" },
            { "note": "a sign of life" },
            "unhandled: something else",
            { "row": "inc", "subject": "limit", "error": "it hangs" },
            { "row": "inc", "subject": "comlink", "error": "it hangs as well" },
            { "row": "await", "subject": "coincide", "samples": { "await": [1000.0] }, "skipped": {} },
            { "others": 0.9 },
            { "gauge": "clock", "error": "it hangs" },
            { "over": "memory" },
            { "stopped": "await", "error": "the page said nothing for 60 s" },
            { "rows": [announced("inc", "ns")], "subjects": [] },
            { "stopped": null, "error": "it ended by itself" },
            { "row": "memory", "subject": "coincide", "samples": {}, "skipped": { "memory/main": "unknown" } },
            { "row": "memory", "subject": "coincide", "samples": {}, "skipped": { "memory/main": "unknown" } },
            { "gauges": { "clock": [100.0], "post": [9000.0, 9100.0] }, "at": 60.0 }
        ])
    }

    #[test]
    fn lines_become_rows_gauges_and_gaps() {
        let run = run(lines()).unwrap();
        let inc = run.row("chromium", "inc", "coincide").unwrap();
        assert_eq!((inc.median, inc.count, inc.medians.len()), (2000.0, 3, 2));
        assert_eq!(run.rows.len(), 2);
        assert_eq!(run.cases[0].limit.as_deref(), Some("limit"));
        assert_eq!(run.cases.len(), 3);
        assert_eq!(
            run.gauges.iter().map(|gauge| (gauge.probes.len(), gauge.noise)).collect::<Vec<_>>(),
            [(2, false), (2, true)]
        );
        let gaps: Vec<_> =
            run.gaps.iter().map(|gap| format!("{}: {} {}", gap.what(), gap.failed, gap.reason)).collect();
        let expected = [
            "firefox: false firefox is not installed",
            "chromium flood: false nothing is painted",
            "chromium post: false it has no messages",
            "chromium: true unhandled: something else",
            "chromium inc limit: true it hangs",
            "chromium inc comlink: false it hangs as well",
            "chromium gauge clock: true it hangs",
            "chromium memory: false the time of this part of the run was over",
            "chromium await: true the page said nothing for 60 s",
            "chromium: true it ended by itself",
            "chromium memory/main coincide: false unknown",
        ];
        assert_eq!(gaps, expected);
    }

    #[test]
    fn rows_are_marked_as_repeated_and_as_measured_under_load() {
        let run = run(lines()).unwrap();
        let marks = |case| run.row("chromium", case, "coincide").unwrap().marks.clone();
        assert_eq!(marks("await"), [Mark::Loaded]);
        assert!(marks("inc").contains(&Mark::Repeated));
        assert!(!marks("inc").contains(&Mark::Loaded), "it was measured before");
    }

    #[test]
    fn pages_of_one_browser_add_up() {
        let page =
            |row| json!({ "rows": [announced(row, "ns")], "subjects": [{ "name": "a", "kind": "peer", "about": "" }] });
        let run = run(json!([page("inc"), page("service-worker/inc")])).unwrap();
        assert_eq!(run.cases.iter().map(|case| &*case.name).collect::<Vec<_>>(), ["inc", "service-worker/inc"]);
        assert_eq!(run.subjects.len(), 1);
    }

    #[test]
    fn pages_without_rows_are_a_gap() {
        let run = run(json!([{ "rows": [], "subjects": [] }])).unwrap();
        assert_eq!(run.gaps[1].what(), "chromium");
        assert_eq!(run.gaps[1].reason, "no case was announced");
        assert_eq!(nothing_passes("ink"), "no case and subject matches the filter `ink`");
    }

    #[test]
    fn samples_that_are_no_numbers_are_errors() {
        let batch = json!({ "row": "inc", "subject": "a", "samples": { "inc": [null] }, "skipped": {} });
        assert!(run(json!([{ "rows": [announced("inc", "ns")], "subjects": [] }, batch])).is_err());
    }
}
