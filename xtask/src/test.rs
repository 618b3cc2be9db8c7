//! `cargo xtask test`: runs the steps, all of them even when one fails, and reports.

use std::process::ExitCode;
use std::time::Instant;

use crate::report::{self, DIM, HEAD, Ran, Tally, say};
use crate::steps;
use crate::workspace::Workspace;

/// Prints the names of the steps and what they check.
pub(crate) fn list() {
    for step in steps::ALL {
        say!("{HEAD}{:<10}{HEAD:#} {}", step.name, step.about);
    }
}

/// Runs the steps named in `only`, or all; fails when anything failed.
pub(crate) fn run(workspace: &Workspace, only: &[String]) -> ExitCode {
    let chosen = steps::ALL.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let mut ran = Vec::new();
    for step in chosen {
        say!("\n{HEAD}{}{HEAD:#} {DIM}{}{DIM:#}", step.name, step.about);
        let started = Instant::now();
        let mut tally = Tally::default();
        (step.run)(workspace, &mut tally);
        ran.push(Ran { step: step.name, tally, took: started.elapsed() });
    }
    say!();
    for line in report::lines(&ran) {
        say!("{line}");
    }
    if report::failed(&ran) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
