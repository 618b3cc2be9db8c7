//! Charts of cases as SVG.

use std::fmt::Display;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::overview::{self, Duel, Verdict};
use super::{Case, Kind, Mark, Run};

/// A panel for each case that has rows on a logarithmic scale: a bar to the median of each subject, a line on to the 99th
/// percentile, and a line through all bars at the limit. Empty if no case has such rows.
///
/// # Errors
/// When the library cannot draw it.
pub(super) fn svg(run: &Run, cases: &[&Case], background: Background) -> Result<String> {
    let panels: Vec<Panel> =
        cases.iter().map(|case| Panel::of(run, case)).filter(|panel| !panel.bars.is_empty()).collect();
    if panels.is_empty() {
        return Ok(String::new());
    }
    let mut svg = String::new();
    {
        let height = panels.iter().map(Panel::height).sum();
        let root = SVGBackend::with_string(&mut svg, (background.width(), height)).into_drawing_area();
        if background == Background::White {
            root.fill(&WHITE).map_err(failed)?;
        }
        let mut rest = root;
        for panel in &panels {
            let (area, below) = rest.split_vertically(panel.height());
            panel.draw(&area, background)?;
            rest = below;
        }
        rest.present().map_err(failed)?;
    }
    Ok(svg)
}

/// All comparisons of a group: a line for each case with a dot for each peer at the ratio of coincide to it. Dots of ratios within noise
/// are at 1. Empty if there is no comparison.
///
/// # Errors
/// When the library cannot draw it.
pub(super) fn of_duels(run: &Run, group: &str, background: Background) -> Result<String> {
    let duels = overview::duels(run, group);
    let cases: Vec<&Case> = run.cases.iter().filter(|case| duels.iter().any(|duel| duel.case == *case)).collect();
    if cases.is_empty() {
        return Ok(String::new());
    }
    let ratio = |duel: &Duel<'_>| duel.ratio.significant().unwrap_or(1.0);
    let (low, high) = duels.iter().map(ratio).fold((0.5, 2.0), |(low, high), x| (f64::min(low, x), f64::max(high, x)));
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (background.width(), HEAD + AXIS + LINE * cases.len() as u32))
            .into_drawing_area();
        if background == Background::White {
            root.fill(&WHITE).map_err(failed)?;
        }
        let last = cases.len() as i32 - 1;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("{group}: coincide is better left of the line"), (FONT, LARGE))
            .margin_right(8)
            .x_label_area_size(AXIS - 4)
            .y_label_area_size(NAMES)
            .build_cartesian_2d((low / 1.3..high * 1.3).log_scale(), (0..last).into_segmented())
            .map_err(failed)?;
        let name = |at: &SegmentValue<i32>| match at {
            SegmentValue::CenterOf(at) => {
                cases.get((last - at) as usize).map_or(String::new(), |case| case.name.clone())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .x_labels(background.labels())
            .y_labels(cases.len())
            .x_label_formatter(&|x| super::ratio(*x))
            .y_label_formatter(&name)
            .label_style((FONT, SMALL))
            .draw()
            .map_err(failed)?;
        let ends = vec![(1.0, SegmentValue::Exact(0)), (1.0, SegmentValue::Exact(last + 1))];
        chart.draw_series([PathElement::new(ends, LIMIT.stroke_width(2))]).map_err(failed)?;
        let dots = duels.iter().filter_map(|duel| {
            let at = last - cases.iter().position(|case| *case == duel.case)? as i32;
            let color = match duel.verdict {
                Verdict::Won => RGBColor(40, 130, 70),
                Verdict::Lost => RGBColor(200, 50, 30),
                Verdict::WithinNoise => RGBColor(150, 150, 150),
            };
            Some(Circle::new((ratio(duel), SegmentValue::CenterOf(at)), 4, color.mix(0.75).filled()))
        });
        chart.draw_series(dots).map_err(failed)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

/// Background of a chart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Background {
    /// The page, whose style also decides the colour of text.
    Page,
    /// For a file that is shown on any page.
    White,
}

impl Background {
    /// On the page, a chart fills the screen of a telephone with text that can be read.
    fn width(self) -> u32 {
        match self {
            Self::Page => 460,
            Self::White => 660,
        }
    }

    /// Most labels of the axis.
    fn labels(self) -> usize {
        match self {
            Self::Page => 4,
            Self::White => 6,
        }
    }
}

/// A case.
struct Panel {
    title: String,
    limit: Option<f64>,
    /// The best one first.
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    kind: Kind,
    median: f64,
    p99: f64,
    label: String,
}

impl Panel {
    fn of(run: &Run, case: &Case) -> Self {
        let rows = run.rows_of(case).into_iter().filter(|row| row.unit.has_ratios() && row.median > 0.0);
        let bar = |row: &super::Row| Bar {
            name: row.subject.clone(),
            kind: run.kind(&row.group, &row.subject).unwrap_or(Kind::Peer),
            median: row.median,
            p99: row.p99.max(row.median),
            label: row.unit.show(row.median) + if row.marks.contains(&Mark::Unstable) { " ±" } else { "" },
        };
        let mut bars: Vec<Bar> = rows.map(bar).collect();
        bars.sort_by(|a, b| a.median.total_cmp(&b.median));
        let limit =
            case.limit.as_ref().and_then(|limit| bars.iter().find(|bar| bar.name == *limit)).map(|bar| bar.median);
        Self { title: case.name.clone(), limit, bars }
    }

    fn height(&self) -> u32 {
        HEAD + AXIS + BAR * self.bars.len() as u32
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, background: Background) -> Result<()> {
        let values = self.bars.iter().flat_map(|bar| [bar.median, bar.p99]).chain(self.limit);
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        // Room for the shortest bar, and for the labels behind the longest one.
        let (low, high) = (low / 2.0, high * (high / low * 2.0).powf(0.3).max(1.2));
        let last = self.bars.len() as i32 - 1;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, LARGE))
            .margin_right(8)
            .x_label_area_size(AXIS - 4)
            .y_label_area_size(LABELS)
            .build_cartesian_2d((low..high).log_scale(), (0..last).into_segmented())
            .map_err(failed)?;
        let name = |at: &SegmentValue<i32>| match at {
            SegmentValue::CenterOf(at) => {
                self.bars.get((last - at) as usize).map_or(String::new(), |bar| bar.name.clone())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .x_labels(background.labels())
            .y_labels(self.bars.len())
            .x_label_formatter(&|x| super::time(*x))
            .y_label_formatter(&name)
            .label_style((FONT, SMALL))
            .draw()
            .map_err(failed)?;
        let at = |index: usize| last - index as i32;
        let bars = self.bars.iter().enumerate().map(|(index, bar)| {
            let corners = [(low, SegmentValue::Exact(at(index))), (bar.median, SegmentValue::Exact(at(index) + 1))];
            let mut rectangle = Rectangle::new(corners, color(bar.kind).filled());
            rectangle.set_margin(3, 3, 0, 0);
            rectangle
        });
        chart.draw_series(bars).map_err(failed)?;
        let spreads = self.bars.iter().enumerate().map(|(index, bar)| {
            let middle = SegmentValue::CenterOf(at(index));
            PathElement::new(vec![(bar.median, middle.clone()), (bar.p99, middle)], color(bar.kind).stroke_width(2))
        });
        chart.draw_series(spreads).map_err(failed)?;
        let labels = self.bars.iter().enumerate().map(|(index, bar)| {
            let style = TextStyle::from((FONT, SMALL).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
            Text::new(format!(" {}", bar.label), (bar.p99, SegmentValue::CenterOf(at(index))), style)
        });
        chart.draw_series(labels).map_err(failed)?;
        let limit = self.limit.map(|limit| {
            let ends = vec![(limit, SegmentValue::Exact(0)), (limit, SegmentValue::Exact(last + 1))];
            PathElement::new(ends, LIMIT.stroke_width(1))
        });
        chart.draw_series(limit).map_err(failed)?;
        Ok(())
    }
}

/// Errors of the drawing library borrow what they are about.
fn failed(error: impl Display) -> anyhow::Error {
    anyhow!("cannot draw the chart: {error}")
}

fn color(kind: Kind) -> RGBColor {
    match kind {
        Kind::Bound => RGBColor(150, 150, 150),
        Kind::Peer => RGBColor(90, 130, 180),
        Kind::Coincide => RGBColor(210, 90, 40),
    }
}

const LIMIT: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(200, 200, 200);
const FONT: &str = "sans-serif";

// Four fifths of a size are its pixels.
const LARGE: u32 = 18;
const SMALL: u32 = 15;

// In pixels.
const LABELS: u32 = 150;
const NAMES: u32 = 200;
const HEAD: u32 = 30;
const AXIS: u32 = 34;
const BAR: u32 = 22;
const LINE: u32 = 18;

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn chart_names_every_subject_with_its_median() {
        let run = sample::run();
        let cases: Vec<&Case> = run.cases.iter().filter(|case| case.group == "native").collect();
        let svg = svg(&run, &cases, Background::White).unwrap();
        for text in ["call/32B/hot/threads", "limit", "coincide", "tarpc", "500 ns", "9.00 µs", "slow"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }

    #[test]
    fn chart_of_duels_has_a_dot_for_each_of_them() {
        let run = sample::run();
        let svg = of_duels(&run, "native", Background::Page).unwrap();
        assert_eq!(svg.matches("<circle").count(), overview::duels(&run, "native").len());
        for case in ["call/32B/hot/threads", "slow", "flood/calls"] {
            assert!(svg.contains(case), "{case} is missing in {svg}");
        }
        assert_eq!(of_duels(&run, "node", Background::Page).unwrap(), "");
    }

    #[test]
    fn case_without_figures_has_no_chart() {
        let mut run = sample::run();
        run.rows.clear();
        assert_eq!(svg(&run, &[&run.cases[0]], Background::Page).unwrap(), "");
    }
}
