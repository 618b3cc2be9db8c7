//! Charts as SVG: bars per condition, and a ladder of sizes.

use std::path::Path;

use anyhow::Result;
use coincide_benches::report::chart::{Bar, Chart, FONT, Panel, WIDTH, color, failed};
use coincide_benches::report::{Kind, time};
use coincide_benches::{SIZES, size};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::case::{Call, Case, Condition, Ends};
use crate::results::Results;
use crate::subjects::{self, Subject};

/// Bars for each call at one condition.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn bars(results: &Results, condition: Condition, ends: Ends, file: &Path) -> Result<()> {
    let panels = Case::all()
        .into_iter()
        .filter(|case| case.condition == condition && case.ends == ends)
        .filter(|case| matches!(case.call, Call::Echo { bytes: 32 | 4096 | 1_048_576 }))
        .map(|case| Panel { title: case.call_name(), bars: medians(results, &case) });
    let title = format!("A round trip, {} {}, logarithmic: shorter is faster", condition.name(), ends.name());
    Chart { title, panels: panels.collect() }.draw(file)
}

/// Time over size, hot between threads, for every subject.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn ladder(results: &Results, file: &Path) -> Result<()> {
    let case = |bytes| Case { call: Call::Echo { bytes }, condition: Condition::Hot, ends: Ends::Threads };
    let lines: Vec<(&dyn Subject, Vec<Point>)> = subjects::ALL
        .iter()
        .map(|&subject| {
            let point = |(step, &bytes): (usize, &usize)| {
                Some((step as f64, results.time(&case(bytes), subject.name())?.median))
            };
            (subject, SIZES.iter().enumerate().filter_map(point).collect::<Vec<_>>())
        })
        .filter(|(_, points)| points.len() > 1)
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let medians = lines.iter().flat_map(|(_, points)| points).map(|point| point.1);
    let (low, high) = medians.fold((f64::INFINITY, 0.0), |(low, high), y| (f64::min(low, y), f64::max(high, y)));

    let root = SVGBackend::new(file, (WIDTH as u32, 560)).into_drawing_area();
    root.fill(&WHITE).map_err(failed)?;
    let last = (SIZES.len() - 1) as f64;
    let mut chart = ChartBuilder::on(&root)
        .caption("A round trip by size of the payload, hot, threads", (FONT, 17))
        .margin(14)
        .x_label_area_size(34)
        .y_label_area_size(70)
        // Room for the names at the lines' ends.
        .build_cartesian_2d(0.0..last + 1.5, (low / 1.3..high * 1.3).log_scale())
        .map_err(failed)?;
    let size_of_step = |step: f64| {
        let whole = (step.fract() == 0.0).then_some(step as usize);
        whole.and_then(|step| SIZES.get(step)).map_or_else(String::new, |&bytes| size(bytes))
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(SIZES.len() + 2)
        .x_label_formatter(&|step| size_of_step(*step))
        .y_label_formatter(&|nanoseconds| time(*nanoseconds))
        .draw()
        .map_err(failed)?;

    let mut ends: Vec<Name> = lines.iter().map(|(subject, points)| (*subject, points[points.len() - 1].1)).collect();
    move_apart(&mut ends, (high / low * 1.69).powf(0.03), high * 1.2);
    for (subject, points) in lines {
        let width = if subject.kind() == Kind::Coincide { 3 } else { 1 };
        chart.draw_series(LineSeries::new(points, color(subject.kind()).stroke_width(width))).map_err(failed)?;
    }
    let labels = ends.into_iter().map(|(subject, y)| {
        let anchor = Pos::new(HPos::Left, VPos::Center);
        let style = (FONT, 12).with_color(color(subject.kind())).with_anchor::<RGBColor>(anchor).into_text_style(&root);
        Text::new(subject.name(), (last + 0.1, y), style)
    });
    chart.draw_series(labels).map_err(failed)?;
    root.present().map_err(failed)
}

/// Changes heights so that names don't cover each other: neighbours differ by a factor of `step`, and none is above `top`.
fn move_apart(names: &mut [Name], step: f64, top: f64) {
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut lowest = 0.0;
    for (_, y) in &mut *names {
        *y = y.max(lowest);
        lowest = *y * step;
    }
    let mut highest = top;
    for (_, y) in names.iter_mut().rev() {
        *y = y.min(highest);
        highest = *y / step;
    }
}

/// A subject and the height at which its name stands, in nanoseconds.
type Name = (&'static dyn Subject, f64);

/// A step of the ladder of sizes and a median in nanoseconds.
type Point = (f64, f64);

fn medians(results: &Results, case: &Case) -> Vec<Bar> {
    let bar = |subject: &&'static dyn Subject| {
        let nanoseconds = results.time(case, subject.name())?.median;
        Some(Bar { name: subject.name().to_owned(), kind: subject.kind(), nanoseconds })
    };
    subjects::ALL.iter().filter_map(bar).collect()
}
