//! Measures coincide, its peers and the bounds of the machine.
//!
//! `native [--profile] [--quick] [--budget SECONDS] RESULTS [FILTER]` runs the cases and subjects whose `case/subject` contains the filter, and
//! writes results in the schema of `coincide_benches::report`. `README.md` of this crate says what is measured and how.

#[cfg(not(target_os = "linux"))]
compile_error!("the report measures futexes, core affinity and child processes with shared memory, which takes Linux");

mod allocations;
mod case;
mod child;
mod cores;
mod driver;
mod gauges;
mod measure;
mod peers;
mod profile;
mod shared;
mod subjects;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use coincide_benches::report::{self, text};

use case::{Condition, Ends};

fn main() -> anyhow::Result<ExitCode> {
    if child::run()? {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(arguments) = Arguments::parse()? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    cores::survey(None)?;
    if !arguments.profile {
        let run = driver::run(subjects::ALL, |_| true, arguments.options, arguments.budget)?;
        run.write(&arguments.results)?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_hot = |case: &case::Case| (case.condition, case.ends) == (Condition::Hot, Ends::Threads);
    let run = driver::run(profile::SUBJECTS, is_hot, arguments.options, arguments.budget)?;
    run.write(&arguments.results)?;
    for line in text::head(&run) {
        println!("{line}");
    }
    for table in profile::tables(&run) {
        println!("\n{}", table.to_text());
    }
    profile::glossary().for_each(|line| println!("{line}"));
    for gap in &run.gaps {
        eprintln!("{} failed: {}", gap.what(), gap.reason);
    }
    Ok(if run.gaps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Arguments {
    profile: bool,
    budget: Duration,
    results: PathBuf,
    options: report::Options,
}

impl Arguments {
    /// `None`: help was asked for.
    fn parse() -> anyhow::Result<Option<Self>> {
        use lexopt::prelude::*;

        let mut options = report::Options::default();
        let (mut profile, mut budget, mut results) = (false, DEFAULT_BUDGET, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("profile") => profile = true,
                Long("quick") => options.quick = true,
                Long("budget") => budget = Duration::from_secs(parser.value()?.parse()?),
                Short('h') | Long("help") => return Ok(None),
                Value(file) if results.is_none() => results = Some(file.into()),
                Value(filter) if options.filter.is_empty() => options.filter = filter.string()?,
                other => return Err(other.unexpected().into()),
            }
        }
        let results = results.context(USAGE)?;
        Ok(Some(Self { profile, budget, results, options }))
    }
}

/// Longer than the planned rounds take.
const DEFAULT_BUDGET: Duration = Duration::from_secs(3600);

const USAGE: &str = "\
Measures coincide beside its peers.

usage: native [--profile] [--quick] [--budget SECONDS] RESULTS [FILTER]

  --profile         measures only hot calls between threads, and prints what each layer of coincide adds to them
  --quick           takes fewer and shorter batches
  --budget SECONDS  runs fewer rounds if the planned ones take longer; at least three
  RESULTS           file to which the results are written as JSON
  FILTER            measures only what contains it: `call/32B`, `hot/threads`, `call/4KiB/hot/threads/tarpc`";
