//! Where the time of a call goes, layer by layer.

use coincide_benches::report::{Figures, Table, time};

use crate::case::Case;
use crate::results::Results;
use crate::subjects::{Subject, profile};

/// What has to be measured: whole calls, and the layers below them by themselves.
pub(crate) static SUBJECTS: &[&dyn Subject] = profile::ALL;

/// Two tables: how the time of a typed call adds up, and what layers take by themselves.
pub(crate) fn tables(results: &Results) -> [Table; 2] {
    let mut cases: Vec<Case> = vec![];
    for measured in &results.times {
        if !cases.contains(&measured.case) {
            cases.push(measured.case);
        }
    }
    let header = |first: &str| std::iter::once(first.to_owned()).chain(cases.iter().map(Case::call_name)).collect();
    let mut sum = Table::new("A typed call: median of a round trip, and what each layer adds to it", header("layer"));
    for layer in LAYERS {
        sum.rows.push(row(&cases, layer.name, |case| {
            let whole = results.time(case, WHOLE)?;
            let with = results.time(case, layer.with)?;
            Some(match layer.without {
                Some(without) => added(with.above(results.time(case, without)?), whole),
                None => added(with.median, whole),
            })
        }));
    }
    sum.rows.push(row(&cases, "the call", |case| results.time(case, WHOLE).map(|whole| time(whole.median))));
    let mut alone = Table::new("By themselves: medians", header("subject"));
    for subject in SUBJECTS {
        alone.rows.push(row(&cases, subject.name(), |case| {
            results.time(case, subject.name()).map(|figures| time(figures.median))
        }));
    }
    [sum, alone]
}

/// What the subjects are.
pub(crate) fn glossary() -> impl Iterator<Item = String> {
    SUBJECTS.iter().map(|subject| format!("{}: {}", subject.name(), subject.about()))
}

/// A part of a call: the difference between two subjects.
struct Layer {
    name: &'static str,
    with: &'static str,
    without: Option<&'static str>,
}

/// From the bottom to the top. Together they are the whole call.
const LAYERS: [Layer; 4] = [
    Layer { name: "rings, both ends spinning", with: "raw-ring", without: None },
    Layer { name: "frames, sessions, engines, waiting", with: "engines", without: Some("raw-ring") },
    Layer { name: "functions, buffers, events", with: "coincide-bytes", without: Some("engines") },
    Layer { name: "values: encode and decode, twice", with: WHOLE, without: Some("coincide-bytes") },
];

const WHOLE: &str = "coincide";

fn row(cases: &[Case], name: &str, cell: impl Fn(&Case) -> Option<String>) -> Vec<String> {
    let cells = cases.iter().map(|case| cell(case).unwrap_or_else(|| "–".to_owned()));
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// Nanoseconds, and their share of a call. Less than nothing is noise, and shown as such.
fn added(nanoseconds: f64, whole: &Figures) -> String {
    let sign = if nanoseconds < 0.0 { "-" } else { "" };
    format!("{sign}{} {:.0} %", time(nanoseconds.abs()), 100.0 * nanoseconds / whole.median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Call, Condition, Ends};
    use crate::results::Measured;
    use coincide_benches::report::Batch;

    #[test]
    fn layers_add_up_to_the_call() {
        let case = Case { call: Call::Echo { bytes: 32 }, condition: Condition::Hot, ends: Ends::Threads };
        let medians = [("raw-ring", 200.0), ("engines", 350.0), ("coincide-bytes", 450.0), ("coincide", 500.0)];
        let times = medians.map(|(subject, median)| {
            let figures = Figures::of(&[Batch { samples: vec![median] }]).unwrap();
            Measured { case, subject, figures }
        });
        let [sum, alone] = tables(&Results { times: times.into(), ..Results::default() });
        let cells: Vec<&str> = sum.rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(cells, ["200 ns 40 %", "150 ns 30 %", "100 ns 20 %", "50 ns 10 %", "500 ns"]);
        assert!(alone.rows.iter().any(|row| row == &["engines", "350 ns"]));
        assert!(alone.rows.iter().any(|row| row == &["futex", "–"]));
    }
}
