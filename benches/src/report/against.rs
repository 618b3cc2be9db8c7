//! Compares two runs of one machine.
//!
//! The change of a row is the ratio of the new median to the old one. Its interval is the percentile bootstrap of
//! [`noise`](super::noise) at 99 %, over the batches of either run. A change counts if the interval excludes 1 and the change
//! exceeds the noise of both runs and the drift of the machine: by how much the gauges that bear noise differ between the
//! runs. Counts have no noise.

use super::noise::{self, Ratio};
use super::{Row, Run, Table, Unit, ratio};

/// Comparison of two runs.
pub struct Comparison {
    /// Rows that both runs have.
    pub changes: Vec<Change>,
    /// Rows that only the old run has.
    pub lost: Vec<String>,
    /// Rows that only the new run has.
    pub new: Vec<String>,
    /// Other differences between the runs.
    pub notes: Vec<String>,
}

/// A row in both runs.
pub struct Change {
    /// Group, case, subject and unit.
    pub what: String,
    /// Unit of the figures.
    pub unit: Unit,
    /// The old median.
    pub old: f64,
    /// The new median.
    pub new: f64,
    /// The new median as a multiple of the old one.
    pub ratio: Ratio,
    /// Outcome of the comparison.
    pub verdict: Verdict,
}

/// Outcome of the comparison of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Beyond noise.
    Worse,
    /// Beyond noise.
    Better,
    /// Within noise.
    WithinNoise,
}

impl Comparison {
    /// Compares the rows of a new run with those of an old one.
    ///
    /// # Errors
    /// When the machines differ, a row has different units in the two runs, or no row is in both.
    pub fn of(old: &Run, new: &Run) -> anyhow::Result<Self> {
        new.machine.ensure_same(&old.machine)?;
        let units = new.rows.iter().filter_map(|row| {
            let before = old.rows.iter().find(|before| key(before) == key(row) && before.unit != row.unit)?;
            Some(format!("{} ({}, now {})", key(row), before.unit.name(), row.unit.name()))
        });
        let units: Vec<String> = units.collect();
        anyhow::ensure!(
            units.is_empty(),
            "the units of these rows differ between the runs: {}; measure the old run again",
            units.join(", ")
        );
        let find = |run: &Run, row: &Row| {
            let same = |other: &&Row| key(other) == key(row);
            run.rows.iter().find(same).cloned()
        };
        let only_in = |one: &Run, other: &Run| {
            let rows = one.rows.iter().filter(|row| find(other, row).is_none());
            rows.map(key).collect::<Vec<_>>()
        };
        let mut changes: Vec<Change> = vec![];
        for row in &new.rows {
            if let Some(before) = find(old, row) {
                let noise =
                    [noise::of_group(old, &row.group), noise::of_group(new, &row.group), drift(old, new, &row.group)];
                changes.push(Change::of(&before, row, noise.into_iter().fold(0.0, f64::max)));
            }
        }
        anyhow::ensure!(!changes.is_empty(), "no row is in both runs: measure the same cases as the old run did");
        let mut notes = vec![];
        for ((name, old), new) in ["system", "kernel", "compiler"]
            .into_iter()
            .zip([&old.machine.system, &old.machine.kernel, &old.machine.compiler])
            .zip([&new.machine.system, &new.machine.kernel, &new.machine.compiler])
        {
            if old != new {
                notes.push(format!("{name}: {old}, now {new}"));
            }
        }
        for (name, version) in &new.versions {
            if let Some(before) = old.versions.get(name).filter(|before| *before != version) {
                notes.push(format!("{name}: {before}, now {version}"));
            }
        }
        if old.options.quick != new.options.quick {
            notes.push("one run is quick and the other is not".to_owned());
        }
        for group in &new.groups {
            notes.push(format!(
                "{}: changes up to {:.0} % are within noise",
                group.name,
                100.0
                    * noise::of_group(old, &group.name).max(noise::of_group(new, &group.name)).max(drift(
                        old,
                        new,
                        &group.name
                    ))
            ));
        }
        Ok(Self { changes, lost: only_in(old, new), new: only_in(new, old), notes })
    }

    /// Rows that are worse beyond noise.
    pub fn regressions(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.verdict == Verdict::Worse)
    }

    /// Rows that changed beyond noise, the worst first, and how many did not.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            text += &format!("{note}\n");
        }
        for (title, verdict) in [("Worse", Verdict::Worse), ("Better", Verdict::Better)] {
            let mut changes: Vec<&Change> = self.changes.iter().filter(|change| change.verdict == verdict).collect();
            changes.sort_by(|a, b| b.ratio.value.ln().abs().total_cmp(&a.ratio.value.ln().abs()));
            let header = ["row", "old", "new", "ratio", "99 % interval"].map(String::from).to_vec();
            let mut table = Table::new(title, header);
            table.rows = changes.into_iter().map(Change::cells).collect();
            if !table.rows.is_empty() {
                text += &format!("\n{}", table.to_text());
            }
        }
        let count = |verdict| self.changes.iter().filter(|change| change.verdict == verdict).count();
        text += &format!(
            "\n{} worse, {} better, {} within noise\n",
            count(Verdict::Worse),
            count(Verdict::Better),
            count(Verdict::WithinNoise)
        );
        for (title, rows) in [("only in the old run", &self.lost), ("only in the new run", &self.new)] {
            if !rows.is_empty() {
                text += &format!("{title}: {}\n", rows.join(", "));
            }
        }
        text
    }
}

impl Change {
    fn of(old: &Row, new: &Row, noise: f64) -> Self {
        let exact = new.unit.is_exact();
        let ratio = if exact {
            let value = if old.median == new.median { 1.0 } else { new.median / old.median };
            Ratio { value, low: value, high: value, noise: 0.0 }
        } else {
            Ratio::between(&new.medians, &old.medians, 0.99, noise)
        };
        let grown = match (exact, ratio.significant()) {
            (true, _) => Some(new.median - old.median).filter(|growth| growth.abs() > 0.005),
            (false, Some(ratio)) => Some(ratio - 1.0),
            (false, None) => None,
        };
        let verdict = match grown {
            None => Verdict::WithinNoise,
            Some(growth) if (growth > 0.0) == (new.unit == Unit::PerSecond) => Verdict::Better,
            Some(_) => Verdict::Worse,
        };
        Self { what: key(new), unit: new.unit, old: old.median, new: new.median, ratio, verdict }
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.what.clone(),
            self.unit.show(self.old),
            self.unit.show(self.new),
            ratio(self.ratio.value),
            format!("{} to {}", ratio(self.ratio.low), ratio(self.ratio.high)),
        ]
    }
}

/// The largest relative difference between the two runs of a gauge that bears noise.
fn drift(old: &Run, new: &Run, group: &str) -> f64 {
    let gauges = new.gauges.iter().filter(|gauge| gauge.group == group && gauge.noise);
    let drifts = gauges.filter_map(|gauge| {
        let ratio = noise::level(new, group, &gauge.name)? / noise::level(old, group, &gauge.name)?;
        Some(ratio.max(ratio.recip()) - 1.0)
    });
    drifts.filter(|drift| drift.is_finite()).fold(0.0, f64::max)
}

fn key(row: &Row) -> String {
    let exact = if row.unit.is_exact() { format!(" {}", row.unit.name()) } else { String::new() };
    format!("{} {} {}{exact}", row.group, row.case, row.subject)
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, sample};
    use super::*;

    /// A run whose rows of one unit are multiplied.
    fn scaled(unit: Unit, factor: f64) -> Run {
        let mut run = sample::run();
        for row in run.rows.iter_mut().filter(|row| row.unit == unit) {
            let batches: Vec<Batch> =
                row.medians.iter().map(|median| Batch { samples: vec![median * factor] }).collect();
            *row = Row::of([&row.group, &row.case, &row.subject], unit, &batches).unwrap();
        }
        run
    }

    fn verdicts(old: &Run, new: &Run, unit: Unit) -> Vec<Verdict> {
        let changes = Comparison::of(old, new).unwrap().changes;
        changes.iter().filter(|change| change.unit == unit).map(|change| change.verdict).collect()
    }

    #[test]
    fn same_run_has_no_changes() {
        let comparison = Comparison::of(&sample::run(), &sample::run()).unwrap();
        assert!(comparison.changes.iter().all(|change| change.verdict == Verdict::WithinNoise));
        assert_eq!(comparison.regressions().count(), 0);
        assert!(comparison.text().contains("\n0 worse, 0 better, "));
    }

    #[test]
    fn changes_beyond_noise_are_judged_by_their_unit() {
        let old = sample::run();
        let table = [
            (Unit::Nanoseconds, 1.5, Verdict::Worse),
            (Unit::Nanoseconds, 0.5, Verdict::Better),
            (Unit::Nanoseconds, 1.01, Verdict::WithinNoise),
            (Unit::PerSecond, 1.5, Verdict::Better),
            (Unit::PerSecond, 0.5, Verdict::Worse),
            (Unit::Allocations, 2.0, Verdict::Worse),
            (Unit::Allocations, 0.5, Verdict::Better),
        ];
        for (unit, factor, expected) in table {
            let found = verdicts(&old, &scaled(unit, factor), unit);
            assert!(
                !found.is_empty() && found.iter().all(|&verdict| verdict == expected),
                "{unit:?} {factor} {found:?}"
            );
        }
    }

    #[test]
    fn change_below_the_drift_of_the_machine_is_noise() {
        let old = sample::run();
        let mut new = scaled(Unit::Nanoseconds, 1.5);
        for gauge in &mut new.gauges {
            gauge.probes.iter_mut().for_each(|probe| probe.values.iter_mut().for_each(|value| *value *= 2.0));
        }
        let found = verdicts(&old, &new, Unit::Nanoseconds);
        assert!(found.iter().all(|&verdict| verdict == Verdict::WithinNoise), "{found:?}");
    }

    #[test]
    fn runs_of_different_machines_are_refused() {
        let mut other = sample::run();
        other.machine.cpu = "another".into();
        assert!(Comparison::of(&sample::run(), &other).is_err());
    }

    #[test]
    fn rows_with_different_units_are_refused_by_name() {
        let mut new = sample::run();
        let row = new.rows.iter_mut().find(|row| row.unit == Unit::PerSecond).unwrap();
        row.unit = Unit::Nanoseconds;
        let what = key(row);
        let error = Comparison::of(&sample::run(), &new).err().unwrap().to_string();
        assert!(error.contains(&format!("{what} (1/s, now ns)")), "{error}");
    }

    #[test]
    fn rows_of_one_run_alone_are_named() {
        let mut new = sample::run();
        new.rows.remove(0);
        let comparison = Comparison::of(&sample::run(), &new).unwrap();
        assert_eq!(comparison.lost, [key(&sample::run().rows[0])]);
        new.rows.clear();
        assert!(Comparison::of(&sample::run(), &new).is_err());
    }
}
