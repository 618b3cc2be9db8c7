//! The tables of a browser's figures, and of what libraries weigh.

use coincide_benches::report::{Kind, Table, ratio, time};

use crate::measured::{Shipped, Unit};
use crate::results::Results;

/// A table for each heading: a line per figure and a column per subject, the median and how many times the first peer's that is.
pub(crate) fn medians(results: &Results) -> Vec<Table> {
    tables(results, |figure, subject, unit| {
        let figures = results.get(figure, subject)?;
        let median = match unit {
            Unit::Nanoseconds => time(figures.median),
            Unit::PerSecond => format!("{:.0}/s", figures.median),
            Unit::Bytes => return Some(format!("{:.2} B", figures.median)),
        };
        let theirs = results.first(figure, Kind::Peer);
        Some(theirs.map_or_else(|| median.clone(), |(_, theirs)| format!("{median} {}", ratio(figures.ratio(theirs)))))
    })
}

/// The same of 99th percentiles, where there is more than one sample for each batch.
pub(crate) fn p99s(results: &Results) -> Vec<Table> {
    let mut tables = tables(results, |figure, subject, unit| {
        let figures = results.get(figure, subject).filter(|figures| figures.samples > figures.batches())?;
        (unit == Unit::Nanoseconds).then(|| time(figures.p99))
    });
    tables.retain(|table| table.rows.iter().any(|row| row[1..].iter().any(|cell| cell != NONE)));
    tables
}

/// What applications ship of each library, compressed.
pub(crate) fn shipped(all: &[Shipped]) -> Table {
    let header = ["library", "main", "worker", "wasm", "together", "not compressed"];
    let mut table = Table::new("What an application ships: minified, brotli", header.map(String::from).to_vec());
    for shipped in all {
        let part = |name| shipped.sizes.get(name).map_or_else(|| NONE.to_owned(), |size| bytes(size.brotli));
        let total = shipped.total();
        let name = format!("{} {}", shipped.subject, shipped.version);
        table.rows.push(vec![name, part("main"), part("worker"), part("wasm"), bytes(total.brotli), bytes(total.raw)]);
    }
    table
}

/// Bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    format!("{:.1} KB", bytes as f64 / 1e3)
}

/// One table for each heading that has figures.
fn tables(results: &Results, cell: impl Fn(&str, &str, Unit) -> Option<String>) -> Vec<Table> {
    let mut sections: Vec<&str> = vec![];
    for row in &results.rows {
        if !sections.contains(&row.section.as_str()) {
            sections.push(&row.section);
        }
    }
    let table = |section: &str| {
        let (figures, subjects) = results.section(section);
        let header = std::iter::once("").chain(subjects.iter().map(|subject| subject.name.as_str()));
        let mut table = Table::new(section, header.map(String::from).collect());
        for figure in figures {
            let cells = subjects.iter().map(|subject| cell(&figure.name, &subject.name, figure.unit));
            let cells = cells.map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
            table.rows.push(std::iter::once(figure.name.clone()).chain(cells).collect());
        }
        table
    };
    sections.into_iter().map(table).filter(|table| table.header.len() > 1).collect()
}

const NONE: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn cells_are_medians_and_ratios() {
        let tables = medians(&sample());
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0].header, ["", "coincide", "coincident"]);
        assert_eq!(tables[0].rows, [["inc", "2.00 µs 0.040", "50.0 µs 1.00"]]);
        assert_eq!(tables[1].rows, [["flood/frames", "30/s 0.50", "60/s 1.00"]]);
        let p99s = p99s(&sample());
        assert_eq!(p99s.len(), 1);
        assert_eq!(p99s[0].rows, [["inc", "4.00 µs", NONE]]);
    }

    #[test]
    fn weights_are_summed_up() {
        let shipped: Vec<Shipped> = serde_json::from_value(serde_json::json!([
            { "subject": "a", "version": "1.0", "sizes": { "main": { "raw": 4000, "brotli": 1500 }, "worker": { "raw": 3000, "brotli": 1000 } } }
        ]))
        .unwrap();
        assert_eq!(super::shipped(&shipped).rows, [["a 1.0", "1.5 KB", "1.0 KB", NONE, "2.5 KB", "7.0 KB"]]);
    }
}
