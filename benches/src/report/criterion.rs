//! Makes a run of the files that criterion writes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{SIZES, size};

use super::{Batch, Case, Group, Kind, LOADED, Mark, Options, Row, Run, Subject, Unit};

/// What `cargo xtask bench` knows of a run of the criterion benches.
pub struct Measured {
    /// Whether fewer samples were taken.
    pub quick: bool,
    /// Load average when it began.
    pub load: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Cores that other programs used meanwhile.
    pub others: f64,
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// `sample.json`. Each sample is the time of a number of iterations, in nanoseconds.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

impl Measured {
    /// The results in criterion's folder.
    ///
    /// # Errors
    /// When a file is missing or malformed, there is no result, or a bench has no description here.
    pub fn into_run(self, home: &Path) -> anyhow::Result<Run> {
        let mut run = Run::begin(Options { quick: self.quick, filter: String::new() });
        let took = Duration::try_from_secs_f64(self.seconds).context("the time of the run is negative")?;
        run.began = humantime::format_rfc3339_seconds(SystemTime::now() - took).to_string();
        (run.load[0], run.seconds) = (self.load, self.seconds);
        let about = "Parts of coincide one by one, measured by criterion in one thread unless a case says otherwise.";
        run.groups.push(Group { name: GROUP.into(), about: about.into() });
        run.subjects.push(Subject {
            group: GROUP.into(),
            name: SUBJECT.into(),
            kind: Kind::Coincide,
            about: "The code of the crates, called directly.".into(),
            code: "benches/benches".into(),
        });
        let mut found = vec![];
        search(home, &mut found)?;
        found.sort_by(|(one, _), (other, _)| place(one).cmp(&place(other)));
        ensure!(!found.is_empty(), "criterion has written no results to {}", home.display());
        for (name, sample) in found {
            let Some((part, ..)) = place(&name) else {
                bail!("`{name}` has no description: add one to `PARTS` in benches/src/report/criterion.rs");
            };
            let (_, section, file, about) = PARTS[part];
            let mut row =
                Row::of([GROUP, &name, SUBJECT], Unit::Nanoseconds, &sample.batches()).with_context(|| name.clone())?;
            if self.others > LOADED {
                row.marks.push(Mark::Loaded);
            }
            run.rows.push(row);
            run.cases.push(Case {
                group: GROUP.into(),
                name,
                section: section.into(),
                about: about.into(),
                code: format!("benches/benches/{file}.rs"),
                limit: None,
            });
        }
        Ok(run)
    }
}

impl Sample {
    /// Nanoseconds per iteration, in tenths of the run.
    fn batches(&self) -> Vec<Batch> {
        let samples: Vec<f64> =
            self.times.iter().zip(&self.iters).map(|(time, iterations)| time / iterations).collect();
        let size = samples.len().div_ceil(10).max(1);
        samples.chunks(size).map(|samples| Batch { samples: samples.to_vec() }).collect()
    }
}

/// Adds all benches below a folder, by name.
fn search(folder: &Path, found: &mut Vec<(String, Sample)>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.ends_with("new") {
            let Benchmark { full_id } = read(&path.join("benchmark.json"))?;
            found.push((full_id, read(&path.join("sample.json"))?));
        } else if path.is_dir() {
            search(&path, found)?;
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what criterion 0.8 writes", file.display()))
}

/// Benches by a part of their name, in the order of the report: heading, file, and what they measure.
const PARTS: [(&str, &str, &str, &str); 6] = [
    ("/typed/", "Typed format", "codec", "Encodes or decodes bytes, a small struct or 100 of them."),
    ("/value/", "Self-describing format", "codec", "Encodes or decodes bytes, a small struct or 100 of them."),
    ("header/", "Frames", "frame", "Encodes or decodes the header of a frame."),
    ("ring/", "Rings", "ring", "Writes a frame of this size to a ring and reads it, in one thread."),
    ("session/", "Sessions", "session", "A call and its answer through the two state machines, in one thread."),
    ("round_trip/", "Round trips", "round_trip", "A call of another thread and its answer."),
];

/// The place of a bench in the report: by heading, what is measured, and size.
fn place(name: &str) -> Option<(usize, Vec<&str>, Option<usize>)> {
    let part = PARTS.iter().position(|(part, ..)| name.contains(part))?;
    let index = |segment: &str| SIZES.iter().position(|bytes| size(*bytes) == segment);
    let words = name.split('/').filter(|segment| index(segment).is_none()).collect();
    Some((part, words, name.split('/').find_map(index)))
}

const GROUP: &str = "criterion";
const SUBJECT: &str = "coincide";

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("coincide-criterion-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn bench(home: &Path, id: &str, sample: &str) {
        let new = home.join(id.replace('/', "_")).join("new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("benchmark.json"), format!(r#"{{ "group_id": "", "full_id": "{id}" }}"#)).unwrap();
        fs::write(new.join("sample.json"), sample).unwrap();
    }

    const MEASURED: Measured = Measured { quick: false, load: 2.0, seconds: 1.0, others: 0.0 };
    const SAMPLE: &str = r#"{ "sampling_mode": "Linear", "iters": [1, 2, 3], "times": [10, 20, 30] }"#;

    #[test]
    fn samples_of_criterion_become_rows() {
        let home = folder("rows");
        bench(&home, "ring/32B", SAMPLE);
        bench(&home, "header/encode", r#"{ "iters": [1, 2], "times": [10, 10] }"#);
        let run = MEASURED.into_run(&home).unwrap();
        let row = run.row(GROUP, "ring/32B", "coincide").unwrap();
        assert_eq!((row.median, row.count, &*row.medians, row.marks.len()), (10.0, 3, &[10.0; 3][..], 0));
        assert_eq!(run.row(GROUP, "header/encode", "coincide").unwrap().medians, [10.0, 5.0]);
        assert_eq!(
            run.cases.iter().map(|case| &*case.code).collect::<Vec<_>>(),
            ["benches/benches/frame.rs", "benches/benches/ring.rs"]
        );
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn benches_are_sorted_by_what_they_measure_and_by_size() {
        let sorted = [
            "bytes/32B/typed/decode",
            "bytes/1MiB/typed/decode",
            "bytes/0B/typed/encode",
            "header/encode",
            "ring/4KiB",
        ];
        assert!(sorted.is_sorted_by_key(|name| place(name).unwrap()));
        assert_eq!(place("other/32B"), None);
    }

    #[test]
    fn rows_of_a_loaded_machine_are_marked() {
        let home = folder("loaded");
        bench(&home, "ring/32B", SAMPLE);
        let run = Measured { others: 0.2, ..MEASURED }.into_run(&home).unwrap();
        assert_eq!(run.rows[0].marks, [Mark::Loaded]);
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn malformed_results_are_errors() {
        for (name, id, sample, expected) in [
            ("unknown", "other/32B", SAMPLE, "`other/32B` has no description"),
            ("empty", "ring/32B", r#"{ "iters": [], "times": [] }"#, "no call was measured"),
            ("infinite", "ring/32B", r#"{ "iters": [0], "times": [1] }"#, "not a finite number"),
            ("text", "ring/32B", "{", "is not what criterion 0.8 writes"),
        ] {
            let home = folder(name);
            bench(&home, id, sample);
            let error = format!("{:#}", MEASURED.into_run(&home).unwrap_err());
            assert!(error.contains(expected), "{name}: {error}");
            fs::remove_dir_all(home).unwrap();
        }
        let home = folder("nothing");
        fs::create_dir_all(&home).unwrap();
        assert!(MEASURED.into_run(&home).unwrap_err().to_string().contains("has written no results"));
        fs::remove_dir_all(home).unwrap();
    }
}
