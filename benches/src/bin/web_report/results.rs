//! The figures of one browser.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use coincide_benches::report::{Batch, Figures, Kind, Row as JsonRow};

use crate::measured::{Browser, Figure, Line, Row, Subject, Unit};

pub(crate) struct Results {
    pub(crate) browser: String,
    pub(crate) version: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) subjects: Vec<Subject>,
    /// By figure and subject.
    figures: BTreeMap<(String, String), Figures>,
    /// What the browser can't tell, once for each reason.
    pub(crate) skipped: Vec<String>,
    pub(crate) failures: Vec<String>,
}

impl Results {
    /// # Errors
    /// When the page has announced nothing, or a batch is empty.
    pub(crate) fn of(browser: Browser) -> anyhow::Result<Self> {
        let mut batches: BTreeMap<(String, String), Vec<Batch>> = BTreeMap::new();
        let (mut rows, mut subjects, mut skipped, mut failures) = (vec![], vec![], vec![], vec![]);
        for line in browser.lines {
            match line {
                // Each page announces its own rows, and all subjects.
                Line::Announcement { rows: announced, subjects: all } => {
                    rows.extend(announced);
                    subjects = all;
                }
                Line::Batch { subject, samples, skipped: missing, .. } => {
                    for (figure, samples) in samples {
                        batches.entry((figure, subject.clone())).or_default().push(Batch { samples });
                    }
                    let missing = missing.into_iter().map(|(figure, why)| format!("{figure}: {why}"));
                    let new: Vec<_> = missing.filter(|reason| !skipped.contains(reason)).collect();
                    skipped.extend(new);
                }
                Line::Failure { row, subject, error } => failures.push(format!("{subject} at {row}: {error}")),
                Line::Fault(fault) => failures.push(fault),
                Line::Note { .. } => {}
            }
        }
        if rows.is_empty() {
            bail!("nothing was measured in {}: no row and subject is named like the filter", browser.name);
        }
        let figures = batches.into_iter().map(|(key, batches)| {
            let figures = Figures::of(&batches).with_context(|| format!("{} of {}", key.0, key.1))?;
            Ok((key, figures))
        });
        let figures = figures.collect::<anyhow::Result<_>>()?;
        Ok(Self { browser: browser.name, version: browser.version, rows, subjects, figures, skipped, failures })
    }

    pub(crate) fn get(&self, figure: &str, subject: &str) -> Option<&Figures> {
        self.figures.get(&(figure.to_owned(), subject.to_owned()))
    }

    /// The first subject of this kind that has the figure.
    pub(crate) fn first(&self, figure: &str, kind: Kind) -> Option<(&Subject, &Figures)> {
        let mut subjects = self.subjects.iter().filter(|subject| subject.kind == kind);
        subjects.find_map(|subject| Some((subject, self.get(figure, &subject.name)?)))
    }

    /// The figures under a heading, and the subjects that have any of them.
    pub(crate) fn section(&self, section: &str) -> (Vec<&Figure>, Vec<&Subject>) {
        let figures: Vec<&Figure> =
            self.rows.iter().filter(|row| row.section == section).flat_map(|row| &row.figures).collect();
        let has_any = |subject: &&Subject| figures.iter().any(|figure| self.get(&figure.name, &subject.name).is_some());
        let subjects = self.subjects.iter().filter(has_any).collect();
        (figures, subjects)
    }

    /// Where a peer is better than coincide: the figure, the peer, and how many times as good it is.
    pub(crate) fn lost(&self) -> Vec<(&str, &str, f64)> {
        let mut lost = vec![];
        for figure in self.rows.iter().flat_map(|row| &row.figures) {
            let Some((_, ours)) = self.first(&figure.name, Kind::Coincide) else { continue };
            for peer in self.subjects.iter().filter(|subject| subject.kind == Kind::Peer) {
                let Some(theirs) = self.get(&figure.name, &peer.name) else { continue };
                let times = match figure.unit {
                    Unit::Nanoseconds => ours.ratio(theirs),
                    Unit::PerSecond => theirs.ratio(ours),
                    // Nearly nothing is not better than nearly nothing.
                    Unit::Bytes => continue,
                };
                if times > 1.0 {
                    lost.push((figure.name.as_str(), peer.name.as_str(), times));
                }
            }
        }
        lost.sort_by(|a, b| b.2.total_cmp(&a.2));
        lost
    }

    /// All figures, for the JSON file.
    pub(crate) fn json(&self) -> Vec<JsonRow> {
        let row = |figure: &Figure, subject: &Subject| {
            let figures = self.get(&figure.name, &subject.name)?;
            Some(JsonRow {
                group: self.browser.clone(),
                case: figure.name.clone(),
                subject: subject.name.clone(),
                unit: figure.unit.name().to_owned(),
                median: figures.median,
                p99: figures.p99,
                samples: figures.samples,
            })
        };
        let figures = self.rows.iter().flat_map(|row| &row.figures);
        figures.flat_map(|figure| self.subjects.iter().filter_map(move |subject| row(figure, subject))).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two rounds of coincide and a peer, a row that failed, and a figure that the browser doesn't have.
    pub(crate) fn sample() -> Results {
        let lines = serde_json::json!([
            {
                "rows": [
                    { "name": "inc", "about": "", "section": "Round trips", "figures": [{ "name": "inc", "unit": "ns" }] },
                    { "name": "flood", "about": "", "section": "Flood", "figures": [{ "name": "flood/frames", "unit": "1/s" }] },
                    { "name": "memory", "about": "", "section": "Memory", "figures": [{ "name": "memory/main", "unit": "B" }] }
                ],
                "subjects": [
                    { "name": "limit", "kind": "bound", "about": "" },
                    { "name": "coincide", "kind": "coincide", "about": "" },
                    { "name": "coincident", "kind": "peer", "about": "" }
                ]
            },
            { "row": "inc", "subject": "coincide", "samples": { "inc": [2000.0, 2000.0] }, "skipped": {} },
            { "row": "inc", "subject": "coincident", "samples": { "inc": [50000.0] }, "skipped": {} },
            { "row": "inc", "subject": "coincide", "samples": { "inc": [4000.0] }, "skipped": {} },
            { "row": "inc", "subject": "coincident", "samples": { "inc": [100000.0] }, "skipped": {} },
            { "note": "a sign of life" },
            "unhandled: something else",
            { "row": "inc", "subject": "limit", "error": "it hangs" },
            { "row": "flood", "subject": "coincide", "samples": { "flood/frames": [30.0] }, "skipped": {} },
            { "row": "flood", "subject": "coincident", "samples": { "flood/frames": [60.0] }, "skipped": {} },
            { "row": "memory", "subject": "coincide", "samples": {}, "skipped": { "memory/main": "unknown" } },
            { "row": "memory", "subject": "coincident", "samples": {}, "skipped": { "memory/main": "unknown" } }
        ]);
        let lines = serde_json::from_value(lines).unwrap();
        Results::of(Browser { name: "chromium".into(), version: "Chromium 1".into(), lines }).unwrap()
    }

    #[test]
    fn batches_become_figures() {
        let results = sample();
        let inc = results.get("inc", "coincide").unwrap();
        assert_eq!((inc.median, inc.samples, inc.batches()), (2000.0, 3, 2));
        assert_eq!(results.failures, ["unhandled: something else", "limit at inc: it hangs"]);
        assert_eq!(results.skipped, ["memory/main: unknown"]);
        assert_eq!(results.json().len(), 4);
    }

    #[test]
    fn more_frames_are_better_and_more_time_is_not() {
        assert_eq!(sample().lost(), [("flood/frames", "coincident", 2.0)]);
    }

    #[test]
    fn sample_that_is_no_number_is_an_error() {
        let line =
            serde_json::json!({ "row": "inc", "subject": "coincide", "samples": { "inc": [null] }, "skipped": {} });
        assert!(serde_json::from_value::<Line>(line).is_err());
    }

    #[test]
    fn rows_of_all_pages_are_taken() {
        let page = |row| {
            let figures = serde_json::json!([{ "name": row, "unit": "ns" }]);
            serde_json::json!({ "rows": [{ "name": row, "about": "", "section": "", "figures": figures }], "subjects": [] })
        };
        let lines = serde_json::from_value(serde_json::json!([page("inc"), page("service-worker/inc")])).unwrap();
        let results = Results::of(Browser { name: "chromium".into(), version: String::new(), lines }).unwrap();
        let names: Vec<_> = results.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["inc", "service-worker/inc"]);
    }

    #[test]
    fn run_without_rows_is_an_error() {
        let lines = serde_json::from_value(serde_json::json!([{ "rows": [], "subjects": [] }])).unwrap();
        let browser = Browser { name: "chromium".into(), version: String::new(), lines };
        assert!(Results::of(browser).is_err());
    }
}
