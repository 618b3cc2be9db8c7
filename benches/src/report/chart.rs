//! Bars as SVG.

use std::fmt::Display;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Kind, time};

/// Bars of times in panels, on logarithmic scales.
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}

/// Times that are compared with each other.
pub struct Panel {
    /// What stands above the bars.
    pub title: String,
    /// In any order.
    pub bars: Vec<Bar>,
}

/// The time of a subject.
#[derive(Clone)]
pub struct Bar {
    /// The subject.
    pub name: String,
    /// Decides the colour.
    pub kind: Kind,
    /// More than 0.
    pub nanoseconds: f64,
}

impl Chart {
    /// Draws the panels that have bars, with the fastest bar of each first.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn draw(mut self, file: &Path) -> Result<()> {
        self.panels.retain(|panel| !panel.bars.is_empty());
        let rows: usize = self.panels.iter().map(|panel| panel.bars.len()).sum();
        let height = TOP + self.panels.len() as i32 * PANEL_GAP + rows as i32 * ROW;
        let root = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        text(&root, &self.title, (MARGIN, 14), 17, HPos::Left)?;
        let mut y = TOP;
        for panel in &mut self.panels {
            text(&root, &panel.title, (MARGIN, y + PANEL_GAP / 2 - 4), 15, HPos::Left)?;
            y += PANEL_GAP;
            panel.bars.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
            draw(&panel.bars, &root, y)?;
            y += panel.bars.len() as i32 * ROW;
        }
        root.present().map_err(failed)
    }
}

/// Draws bars, the shortest first, from this height on.
fn draw(bars: &[Bar], root: &DrawingArea<SVGBackend<'_>, Shift>, mut y: i32) -> Result<()> {
    let fastest = bars[0].nanoseconds;
    let slowest = bars[bars.len() - 1].nanoseconds;
    // The shortest bar shows that it is one.
    let scale = f64::from(WIDTH - LABELS - FIGURES) / (slowest / fastest * 2.0).ln();
    for bar in bars {
        let end = LABELS + ((bar.nanoseconds / fastest * 2.0).ln() * scale) as i32;
        let rectangle = Rectangle::new([(LABELS, y + 3), (end, y + ROW - 3)], color(bar.kind).filled());
        root.draw(&rectangle).map_err(failed)?;
        text(root, &bar.name, (LABELS - 8, y + ROW / 2), 13, HPos::Right)?;
        text(root, &time(bar.nanoseconds), (end + 6, y + ROW / 2), 13, HPos::Left)?;
        y += ROW;
    }
    Ok(())
}

/// The colour of a subject.
pub fn color(kind: Kind) -> RGBColor {
    match kind {
        Kind::Bound => RGBColor(160, 160, 160),
        Kind::Peer => RGBColor(90, 130, 180),
        Kind::Coincide => RGBColor(210, 90, 40),
    }
}

/// Errors of the drawing library borrow from the file's name.
pub fn failed(error: impl Display) -> anyhow::Error {
    anyhow!("cannot draw the chart: {error}")
}

fn text(root: &DrawingArea<SVGBackend<'_>, Shift>, text: &str, at: (i32, i32), size: i32, anchor: HPos) -> Result<()> {
    let style = TextStyle::from((FONT, size).into_font()).pos(Pos::new(anchor, VPos::Center));
    root.draw(&Text::new(text.to_owned(), at, style)).map_err(failed)
}

/// Of a chart, in pixels.
pub const WIDTH: i32 = 860;
/// Of every text in a chart.
pub const FONT: &str = "sans-serif";
const MARGIN: i32 = 12;
/// Room for the names of subjects.
const LABELS: i32 = 150;
/// Room for the figures behind the bars.
const FIGURES: i32 = 90;
const TOP: i32 = 30;
const PANEL_GAP: i32 = 34;
const ROW: i32 = 22;
