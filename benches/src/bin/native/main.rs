//! Measures coincide, its peers and the bounds of the machine.
//!
//! `native [--profile] [--quick] [--budget SECONDS] RESULTS [FILTER]` runs the cases and subjects that pass the filter, and
//! writes results in the schema of `coincide_benches::report`. `README.md` of this crate says what is measured and how.
//!
//! A subject that hangs becomes a gap. Its threads cannot be stopped, so the program replaces itself by a new process, which continues
//! with `--resume INDEX`.

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

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context;
use coincide_benches::report::{self, text};

use case::{Condition, Ends};
use driver::{End, Task};

fn main() -> anyhow::Result<ExitCode> {
    if child::run()? {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(arguments) = Arguments::parse()? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    cores::survey(None)?;
    let Arguments { profile: is_profile, budget, later, results, options, resume } = arguments;
    let (subjects, wanted): (_, fn(&case::Case) -> bool) = match is_profile {
        // Most of its layers have no types.
        true => (profile::SUBJECTS, |case| {
            (case.condition, case.ends) == (Condition::Hot, Ends::Threads) && case.call != case::Call::Records
        }),
        false => (subjects::ALL, |_| true),
    };
    let task = Task { subjects, wanted, options, budget, later, results: &results, resume };
    let run = match driver::run(&task)? {
        End::Done(run) => run,
        End::Hung(case) => return Err(restart(case)),
    };
    run.write(&results)?;
    if !is_profile {
        return Ok(ExitCode::SUCCESS);
    }
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

/// Continues the run with a case, in this process without its threads. Returns why that failed.
fn restart(case: usize) -> anyhow::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let mut command = Command::new(program);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument == RESUME {
            true => drop(arguments.next()),
            false => drop(command.arg(argument)),
        }
    }
    command.arg(RESUME).arg(case.to_string()).exec().into()
}

struct Arguments {
    profile: bool,
    budget: Duration,
    later: Duration,
    results: PathBuf,
    options: report::Options,
    resume: Option<usize>,
}

impl Arguments {
    /// `None`: help was asked for.
    fn parse() -> anyhow::Result<Option<Self>> {
        use lexopt::prelude::*;

        let mut options = report::Options::default();
        let (mut profile, mut budget, mut later) = (false, DEFAULT_BUDGET, Duration::ZERO);
        let (mut results, mut resume) = (None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("profile") => profile = true,
                Long("quick") => options.quick = true,
                Long("budget") => budget = Duration::from_secs(parser.value()?.parse()?),
                Long("later") => later = Duration::from_secs(parser.value()?.parse()?),
                Long("resume") => resume = Some(parser.value()?.parse()?),
                Short('h') | Long("help") => return Ok(None),
                Value(file) if results.is_none() => results = Some(file.into()),
                Value(filter) if options.filter.is_empty() => options.filter = filter.string()?,
                other => return Err(other.unexpected().into()),
            }
        }
        let results = results.context(USAGE)?;
        Ok(Some(Self { profile, budget, later, results, options, resume }))
    }
}

/// Longer than the planned rounds take.
const DEFAULT_BUDGET: Duration = Duration::from_secs(3600);

const RESUME: &str = "--resume";

const USAGE: &str = "\
Measures coincide beside its peers.

usage: native [--profile] [--quick] [--budget SECONDS] [--later SECONDS] RESULTS [FILTER]

  --profile         measures only hot calls between threads, and prints what each layer of coincide adds to them
  --quick           takes fewer and shorter batches
  --budget SECONDS  runs fewer rounds if the planned ones take longer; cases that are not reached are gaps
  --later SECONDS   adds this to the displayed time that is left
  RESULTS           file to which the results are written as JSON
  FILTER            measures only matching cases and subjects: `call/32B`, `hot/threads`, `call/4KiB/hot/threads/tarpc`";
