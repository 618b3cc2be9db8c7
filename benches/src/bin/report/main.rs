//! Measures coincide beside its peers and what the machine allows, and reports it.
//!
//! `report [--profile] [--quick] [--json FILE] [FILTER]` runs the cases and subjects whose `case/subject` contains the filter, prints tables, and writes
//! a report, charts and raw numbers to `target/bench` of the repository. `README.md` of this crate says what is measured and how.

#[cfg(not(target_os = "linux"))]
compile_error!("the report measures futexes, core affinity and child processes with shared memory, which takes Linux");

mod allocations;
mod case;
mod chart;
mod child;
mod cores;
mod driver;
mod goals;
mod markdown;
mod measure;
mod peers;
mod profile;
mod results;
mod shared;
mod subjects;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use coincide_benches::report;

use case::{Condition, Ends};
use markdown::Chart;
use results::Results;
use table::Cell;

fn main() -> anyhow::Result<ExitCode> {
    if child::run()? {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(options) = Options::parse()? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    cores::survey(None)?;
    let mut machine = report::describe();
    machine.push(format!("load when the run began: {}", report::load()));
    machine.push(format!("peers: {}", peers::versions().join(", ")));
    if options.profile {
        return print_profile(&options, &machine);
    }
    let results = driver::run(subjects::ALL, |_| true, options.quick, &options.filter)?;
    machine.push(results.distance());
    print(&results, &machine);
    let folder = write(&results, &machine, &options)?;
    println!("The report is {}", folder.join(REPORT).display());
    for failure in &results.failures {
        eprintln!("{} failed at {}: {:#}", failure.subject, failure.case, failure.error);
    }
    Ok(if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures the layers of hot calls between threads, and prints what each adds.
fn print_profile(options: &Options, machine: &[String]) -> anyhow::Result<ExitCode> {
    let is_hot = |case: &case::Case| (case.condition, case.ends) == (Condition::Hot, Ends::Threads);
    let results = driver::run(profile::SUBJECTS, is_hot, options.quick, &options.filter)?;
    for line in machine {
        println!("{line}");
    }
    println!("{}", results.distance());
    for table in profile::tables(&results) {
        println!("\n{}", table.to_text());
    }
    profile::glossary().for_each(|line| println!("{line}"));
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&results.rows())?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    for failure in &results.failures {
        eprintln!("{} failed at {}: {:#}", failure.subject, failure.case, failure.error);
    }
    Ok(if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Options {
    profile: bool,
    quick: bool,
    json: Option<PathBuf>,
    filter: String,
}

impl Options {
    /// `None`: help was asked for.
    fn parse() -> anyhow::Result<Option<Self>> {
        use lexopt::prelude::*;

        let mut options = Self::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("profile") => options.profile = true,
                Long("quick") => options.quick = true,
                Long("json") => options.json = Some(OsString::into(parser.value()?)),
                Short('h') | Long("help") => return Ok(None),
                // What `cargo bench` hands to every program.
                Long("bench") => {}
                Value(filter) if options.filter.is_empty() => options.filter = filter.string()?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}

fn print(results: &Results, machine: &[String]) {
    for line in machine {
        println!("{line}");
    }
    for (_, _, table) in table::tables(results, Cell::Median) {
        println!("\n{}", table.to_text());
    }
    for (condition, _, table) in table::tables(results, Cell::Mean) {
        if condition.wants_mean() {
            println!("\n{}", table.to_text());
        }
    }
    for table in [markdown::allocations(results), goals::table(results)] {
        if !table.rows.is_empty() {
            println!("\n{}", table.to_text());
        }
    }
    for (case, peer, ratio) in table::lost(results) {
        println!("{peer} is {} times as fast as coincide at {case}", report::ratio(ratio));
    }
}

/// Writes everything to files, and gives the folder where they are.
fn write(results: &Results, machine: &[String], options: &Options) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no repository around the benches")?;
    let folder = folder.join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let charts = draw(results, &folder)?;
    std::fs::write(folder.join(REPORT), markdown::report(results, machine, options.quick, &charts))?;
    let json = serde_json::to_string_pretty(&results.rows())?;
    std::fs::write(folder.join("report.json"), &json)?;
    if let Some(file) = &options.json {
        std::fs::write(file, &json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(folder)
}

fn draw(results: &Results, folder: &Path) -> anyhow::Result<Vec<Chart>> {
    let mut charts = vec![];
    for (condition, ends, _) in table::tables(results, Cell::Median) {
        if matches!(condition, Condition::TwoLinks | Condition::TwoLinksBusy) {
            continue;
        }
        let file = format!("{}-{}.svg", condition.name(), ends.name());
        chart::bars(results, condition, ends, &folder.join(&file))?;
        charts.push(Chart { file, shows: Some((condition, ends)) });
    }
    let has_sizes = |&(condition, ends): &(Condition, Ends)| (condition, ends) == (Condition::Hot, Ends::Threads);
    if charts.iter().filter_map(|chart| chart.shows).any(|shown| has_sizes(&shown)) {
        let file = "sizes.svg".to_owned();
        chart::ladder(results, &folder.join(&file))?;
        charts.push(Chart { file, shows: None });
    }
    Ok(charts)
}

const USAGE: &str = "\
Measures coincide beside its peers; the report goes to target/bench.

usage: report [--profile] [--quick] [--json FILE] [FILTER]

  --profile    only hot calls between threads, and what each layer of coincide adds to them; writes no report
  --quick      fewer and shorter batches
  --json FILE  also writes the raw numbers there
  FILTER       only what contains it: `call/32B`, `hot/threads`, `call/4KiB/hot/threads/tarpc`";

const REPORT: &str = "report.md";
