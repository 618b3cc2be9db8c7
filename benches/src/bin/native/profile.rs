//! Where the time of a call goes, layer by layer.

use coincide_benches::report::{Case, Row, Run, Table, time};

use crate::driver::GROUP;
use crate::subjects::{Subject, profile};

/// What has to be measured: whole calls, and the layers below them by themselves.
pub(crate) static SUBJECTS: &[&dyn Subject] = profile::ALL;

/// Two tables: how the time of a typed call adds up, and what layers take by themselves.
pub(crate) fn tables(run: &Run) -> [Table; 2] {
    let cases = &run.cases;
    let find = |case: &Case, subject: &str| run.row(GROUP, &case.name, subject);
    let header =
        |first: &str| std::iter::once(first.to_owned()).chain(cases.iter().map(|case| case.name.clone())).collect();
    let mut sum = Table::new("A typed call: median of a round trip, and what each layer adds to it", header("layer"));
    for layer in LAYERS {
        sum.rows.push(row(cases, layer.name, |case| {
            let whole = find(case, WHOLE)?;
            let with = find(case, layer.with)?;
            Some(match layer.without {
                Some(without) => added(with.above(find(case, without)?), whole),
                None => added(with.median, whole),
            })
        }));
    }
    sum.rows.push(row(cases, "the call", |case| find(case, WHOLE).map(|whole| time(whole.median))));
    let mut alone = Table::new("By themselves: medians", header("subject"));
    for subject in SUBJECTS {
        alone.rows.push(row(cases, subject.name(), |case| find(case, subject.name()).map(|row| time(row.median))));
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
fn added(nanoseconds: f64, whole: &Row) -> String {
    let sign = if nanoseconds < 0.0 { "-" } else { "" };
    format!("{sign}{} {:.0} %", time(nanoseconds.abs()), 100.0 * nanoseconds / whole.median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Call, Condition, Ends};
    use coincide_benches::report::{Batch, Options, Unit};

    #[test]
    fn layers_add_up_to_the_call() {
        let case = crate::case::Case { call: Call::Echo { bytes: 32 }, condition: Condition::Hot, ends: Ends::Threads };
        let medians = [("raw-ring", 200.0), ("engines", 350.0), ("coincide-bytes", 450.0), ("coincide", 500.0)];
        let mut run = Run::begin(Options::default());
        run.cases.push(case.described());
        run.rows.extend(medians.map(|(subject, median)| {
            let key = [GROUP, &case.to_string(), subject];
            Row::of(key, Unit::Nanoseconds, &[Batch { samples: vec![median] }]).unwrap()
        }));
        let [sum, alone] = tables(&run);
        let cells: Vec<&str> = sum.rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(cells, ["200 ns 40 %", "150 ns 30 %", "100 ns 20 %", "50 ns 10 %", "500 ns"]);
        assert!(alone.rows.iter().any(|row| row == &["engines", "350 ns"]));
        assert!(alone.rows.iter().any(|row| row == &["futex", "–"]));
    }
}
