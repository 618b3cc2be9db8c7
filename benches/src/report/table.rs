//! Tables of figures, as text for a terminal and as Markdown.

use std::fmt::Write;

/// A table whose first column is text and whose other columns are figures.
pub struct Table {
    /// What stands above it.
    pub title: String,
    /// The names of the columns.
    pub header: Vec<String>,
    /// Lines of cells, as many as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without lines.
    pub fn new(title: impl Into<String>, header: Vec<String>) -> Self {
        Self { title: title.into(), header, rows: vec![] }
    }

    /// With columns that are aligned by spaces.
    pub fn to_text(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in lines() {
            let mut row = String::new();
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                let _ = if column == 0 { write!(row, "  {cell:<width$}") } else { write!(row, "  {cell:>width$}") };
            }
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text
    }

    /// With columns that a renderer of Markdown aligns.
    pub fn to_markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.header);
        text += "|---|";
        text += &"---:|".repeat(self.header.len() - 1);
        text.push('\n');
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

/// Nanoseconds for people.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{} µs", three_digits(ns / 1e3)),
        ns => format!("{} ms", three_digits(ns / 1e6)),
    }
}

/// A ratio for people.
pub fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { three_digits(ratio) }
}

fn three_digits(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let times = [540.4, 1184.0, 21_200.0, 389_000.0, 8_500_000.0].map(time);
        assert_eq!(times, ["540 ns", "1.18 µs", "21.2 µs", "389 µs", "8.50 ms"]);
        assert_eq!([0.066, 0.5, 1.5, 15.04, 310.2].map(ratio), ["0.066", "0.50", "1.50", "15.0", "310"]);
    }

    #[test]
    fn text_is_aligned() {
        let mut table = Table::new("Title", vec!["subject".into(), "32B".into()]);
        table.rows.push(vec!["a".into(), "1.18 µs".into()]);
        assert_eq!(table.to_text(), "Title\n  subject      32B\n  a        1.18 µs\n");
        assert_eq!(table.to_markdown(), "| subject | 32B |\n|---|---:|\n| a | 1.18 µs |\n");
    }
}
