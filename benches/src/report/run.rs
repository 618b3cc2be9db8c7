//! The results of a run: the schema of the files that `cargo xtask bench` writes and reads.
//!
//! A file holds one [`Run`] as JSON. Native programs, Node.js and browsers share the schema; each is a *group*.
//! A *row* is what one subject measured in one case of a group. What a run lacks is listed as a [`Gap`] with its reason.
//!
//! [`SCHEMA`] is increased when a field is added, removed, or changes its meaning. [`Run::read`] refuses other versions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{Kind, Machine, Row};

/// Version of the schema that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// Results of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What it ran on.
    pub machine: Machine,
    /// Commit of the repository, with `-dirty` behind it if files had changed; empty if unknown.
    pub commit: String,
    /// When it began: UTC, as in RFC 3339.
    pub began: String,
    /// How long it took.
    pub seconds: f64,
    /// What was asked for.
    pub options: Options,
    /// Load average over one minute, before and after.
    pub load: [f64; 2],
    /// Versions of peers, packages and browsers, by name.
    pub versions: BTreeMap<String, String>,
    /// Where rows were measured, in the order of the report.
    pub groups: Vec<Group>,
    /// Those of all groups, in the order of the report.
    pub subjects: Vec<Subject>,
    /// Those of all groups, in the order of the report.
    pub cases: Vec<Case>,
    /// Measurements of the machine's steadiness.
    pub gauges: Vec<Gauge>,
    /// The results.
    pub rows: Vec<Row>,
    /// What was not measured.
    pub gaps: Vec<Gap>,
    /// What an application ships of each library.
    pub shipped: Vec<Shipped>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Whether fewer samples were taken.
    pub quick: bool,
    /// Part of the names of what was measured; empty for everything.
    pub filter: String,
}

/// A place in which cases are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// `native`, `criterion`, `node`, or the name of a browser.
    pub name: String,
    /// What it is, in one sentence.
    pub about: String,
}

/// One way to make a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Name of its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// How it is read in a report.
    pub kind: Kind,
    /// What a round trip consists of, in one sentence.
    pub about: String,
    /// Path of its code in the repository.
    pub code: String,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name of its group.
    pub group: String,
    /// Its name: `call/32B/hot/threads`.
    pub name: String,
    /// Heading under which it stands.
    pub section: String,
    /// What it is, in one sentence.
    pub about: String,
    /// Path of its code in the repository.
    pub code: String,
    /// Subject that shows what the machine allows, if there is one.
    pub limit: Option<String>,
}

/// A measurement of the machine itself, repeated during the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gauge {
    /// Name of its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    pub about: String,
    /// Whether its spread counts as the noise of its group. Otherwise it is only shown.
    pub noise: bool,
    /// The first one before all cases, the last one after them.
    pub probes: Vec<Probe>,
}

/// One reading of a gauge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Seconds since the run of the group began.
    pub at: f64,
    /// Nanoseconds, one figure for each short batch.
    pub values: Vec<f64>,
}

/// What was not measured, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Name of the group.
    pub group: String,
    /// The case, or nothing if the group or the subject is missing.
    pub case: Option<String>,
    /// The subject, or nothing if the case or the group is missing.
    pub subject: Option<String>,
    /// Whether coincide or the suite failed. Otherwise this machine cannot measure it, or a peer does not work on it.
    pub failed: bool,
    /// Reason.
    pub reason: String,
}

impl Gap {
    /// What is missing: `chromium`, `firefox memory/main`, `native call/32B/hot/threads tarpc`.
    pub fn what(&self) -> String {
        let parts = [Some(&self.group), self.case.as_ref(), self.subject.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// What an application ships of a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shipped {
    /// The library.
    pub subject: String,
    /// Its version.
    pub version: String,
    /// By part: `main` with all that it imports, `worker` the same, `wasm`.
    pub sizes: BTreeMap<String, Size>,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Minified.
    pub raw: u64,
    /// Minified and compressed with brotli.
    pub brotli: u64,
}

impl Shipped {
    /// All parts together.
    pub fn total(&self) -> Size {
        let sum = |sum: Size, part: &Size| Size { raw: sum.raw + part.raw, brotli: sum.brotli + part.brotli };
        self.sizes.values().fold(Size::default(), sum)
    }
}

impl Run {
    /// A run on this machine that begins now and has measured nothing.
    pub fn begin(options: Options) -> Self {
        Self {
            schema: SCHEMA,
            machine: Machine::this(),
            commit: super::machine::commit(),
            began: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            seconds: 0.0,
            options,
            load: [super::machine::load(); 2],
            versions: BTreeMap::new(),
            groups: vec![],
            subjects: vec![],
            cases: vec![],
            gauges: vec![],
            rows: vec![],
            gaps: vec![],
            shipped: vec![],
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, has another version of the schema, or is malformed.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("cannot read the results in {}", file.display()))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it has another version of the schema, or is malformed.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_str(text).context("it has no version of the schema")?;
        if schema != SCHEMA {
            bail!(
                "version {schema} of the schema is not supported: measure again with this checkout, which has {SCHEMA}"
            );
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Writes a file, and its folder if that is missing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Adds what another part of the same run measured in other groups.
    ///
    /// # Errors
    /// When it is from another machine, or has a group that this run has.
    pub fn merge(&mut self, other: Self) -> anyhow::Result<()> {
        self.machine.ensure_same(&other.machine)?;
        let again = other.groups.iter().find(|group| self.groups.iter().any(|ours| ours.name == group.name));
        ensure!(again.is_none(), "both parts have measured {}", again.map_or("", |group| &group.name));
        self.seconds += other.seconds;
        self.load[1] = other.load[1];
        self.versions.extend(other.versions);
        self.groups.extend(other.groups);
        self.subjects.extend(other.subjects);
        self.cases.extend(other.cases);
        self.gauges.extend(other.gauges);
        self.rows.extend(other.rows);
        self.gaps.extend(other.gaps);
        self.shipped.extend(other.shipped);
        Ok(())
    }

    /// The row of times, rates or bytes of a subject in a case.
    pub fn row(&self, group: &str, case: &str, subject: &str) -> Option<&Row> {
        let fits =
            |row: &&Row| !row.unit.is_exact() && (&*row.group, &*row.case, &*row.subject) == (group, case, subject);
        self.rows.iter().find(fits)
    }

    /// The exact counts of a subject in a case.
    pub fn count(&self, group: &str, case: &str, subject: &str) -> Option<&Row> {
        let fits =
            |row: &&Row| row.unit.is_exact() && (&*row.group, &*row.case, &*row.subject) == (group, case, subject);
        self.rows.iter().find(fits)
    }

    /// How a subject is read.
    pub fn kind(&self, group: &str, subject: &str) -> Option<Kind> {
        let found = self.subjects.iter().find(|known| known.group == group && known.name == subject);
        found.map(|subject| subject.kind)
    }

    /// Coincide's row in a case: that of the first of its subjects that was measured there.
    pub fn ours(&self, case: &Case) -> Option<&Row> {
        let of_group = self.subjects.iter().filter(|subject| subject.group == case.group);
        let mut ours = of_group.filter(|subject| subject.kind == Kind::Coincide);
        ours.find_map(|subject| self.row(&case.group, &case.name, &subject.name))
    }

    /// The rows of a case that are not exact counts, in the order of the subjects.
    pub fn rows_of(&self, case: &Case) -> Vec<&Row> {
        let subjects = self.subjects.iter().filter(|subject| subject.group == case.group);
        subjects.filter_map(|subject| self.row(&case.group, &case.name, &subject.name)).collect()
    }

    /// The headings of a group with their cases, in the order of the report.
    pub fn sections(&self, group: &str) -> Vec<(&str, Vec<&Case>)> {
        let mut sections: Vec<(&str, Vec<&Case>)> = vec![];
        for case in self.cases.iter().filter(|case| case.group == group) {
            match sections.iter_mut().find(|(section, _)| *section == case.section) {
                Some((_, cases)) => cases.push(case),
                None => sections.push((&case.section, vec![case])),
            }
        }
        sections
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn run_survives_a_round_trip_through_json() {
        let run = sample::run();
        assert_eq!(Run::parse(&serde_json::to_string(&run).unwrap()).unwrap(), run);
    }

    #[test]
    fn unknown_versions_and_fields_are_refused() {
        let mut json = serde_json::to_value(sample::run()).unwrap();
        json["extra"] = 1.into();
        assert!(format!("{:#}", Run::parse(&json.to_string()).unwrap_err()).contains("unknown field `extra`"));
        json["schema"] = 999.into();
        assert!(Run::parse(&json.to_string()).unwrap_err().to_string().starts_with("version 999 of the schema"));
        assert!(Run::parse("[]").unwrap_err().to_string().contains("no version"));
    }

    #[test]
    fn parts_of_a_run_merge_unless_they_overlap_or_differ_in_machine() {
        let mut run = sample::run();
        let mut part = sample::run();
        assert!(run.merge(part.clone()).unwrap_err().to_string().contains("both parts have measured native"));
        part.groups.iter_mut().for_each(|group| group.name += "-2");
        run.merge(part.clone()).unwrap();
        assert_eq!(run.groups.len(), 2 * part.groups.len());
        part.machine.cores += 1;
        assert!(run.merge(part).is_err());
    }

    #[test]
    fn file_is_written_and_read() {
        let folder = std::env::temp_dir().join(format!("coincide-results-{}", std::process::id()));
        let file = folder.join("new/results.json");
        let run = sample::run();
        run.write(&file).unwrap();
        assert_eq!(Run::read(&file).unwrap(), run);
        fs::remove_dir_all(folder).unwrap();
    }
}
