//! Reports what pages have measured of coincide and its peers.
//!
//! `web-report [--json FILE] MEASURED` reads what `cargo xtask bench --web` has gathered, prints tables, and writes a report, charts and raw
//! numbers to `target/bench` of the repository. `README.md` of this crate says what is measured and how.
#![forbid(unsafe_code)]

mod goals;
mod markdown;
mod measured;
mod results;
mod tables;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use coincide_benches::report;
use coincide_benches::report::chart::{Bar, Chart, Panel};

use measured::{Measured, Unit};
use results::Results;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse()?;
    let text =
        fs::read_to_string(&options.measured).with_context(|| format!("cannot read {}", options.measured.display()))?;
    let mut measured: Measured =
        serde_json::from_str(&text).context("what was measured is not of the form expected")?;
    let browsers = std::mem::take(&mut measured.browsers);
    let all = browsers.into_iter().map(Results::of).collect::<anyhow::Result<Vec<_>>>()?;
    let mut machine = report::describe();
    machine.push(format!("load when the run began: {}", measured.load));
    machine.extend(all.iter().map(|results| format!("browser: {}", results.version)));
    let peers = measured.shipped.iter().map(|shipped| format!("{} {}", shipped.subject, shipped.version));
    machine.push(format!("packages: {}", peers.collect::<Vec<_>>().join(", ")));
    print(&all, &measured, &machine);
    let file = write(&all, &measured, &machine, &options)?;
    println!("The report is {}", file.display());
    for (results, failure) in
        all.iter().flat_map(|results| results.failures.iter().map(move |failure| (results, failure)))
    {
        eprintln!("failed in {}: {failure}", results.browser);
    }
    let good = all.iter().all(|results| results.failures.is_empty());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Options {
    measured: PathBuf,
    json: Option<PathBuf>,
}

impl Options {
    fn parse() -> anyhow::Result<Self> {
        use lexopt::prelude::*;

        let (mut measured, mut json) = (None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("json") => json = Some(OsString::into(parser.value()?)),
                Value(file) if measured.is_none() => measured = Some(file.into()),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Self { measured: measured.context("usage: web-report [--json FILE] MEASURED")?, json })
    }
}

fn print(all: &[Results], measured: &Measured, machine: &[String]) {
    for line in machine {
        println!("{line}");
    }
    for results in all {
        println!("\n{}: median, then how many times that of the first peer in the line", results.version);
        for table in tables::medians(results) {
            println!("\n{}", table.to_text());
        }
    }
    println!("\n{}", tables::shipped(&measured.shipped).to_text());
    let goals = goals::table(all, &measured.shipped);
    if !goals.rows.is_empty() {
        println!("\n{}", goals.to_text());
    }
}

/// Writes everything to files, and gives the report's.
fn write(all: &[Results], measured: &Measured, machine: &[String], options: &Options) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no repository around the benches")?;
    let folder = folder.join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for results in all {
        draw(results, &folder.join(markdown::chart(&results.browser)))?;
    }
    let json: Vec<_> = all.iter().flat_map(Results::json).collect();
    let json = serde_json::to_string_pretty(&json)?;
    fs::write(folder.join("web.json"), &json)?;
    if let Some(file) = &options.json {
        fs::write(file, &json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let file = folder.join("web.md");
    fs::write(&file, markdown::report(all, measured, machine))?;
    Ok(file)
}

/// Bars for each time.
fn draw(results: &Results, file: &Path) -> anyhow::Result<()> {
    let figures = results.rows.iter().flat_map(|row| &row.figures).filter(|figure| figure.unit == Unit::Nanoseconds);
    let panels = figures.map(|figure| {
        let bar = |subject: &measured::Subject| {
            let nanoseconds = results.get(&figure.name, &subject.name)?.median;
            // A hold-up may be too short for the clock, and has no logarithm then.
            (nanoseconds > 0.0).then(|| Bar { name: subject.name.clone(), kind: subject.kind, nanoseconds })
        };
        Panel { title: figure.name.clone(), bars: results.subjects.iter().filter_map(bar).collect() }
    });
    let title = format!("Times in {}, logarithmic: shorter is better", results.version);
    Chart { title, panels: panels.collect() }.draw(file)
}
