//! `cargo xtask test`: runs the steps, all of them even when one fails, and reports.

use std::process::ExitCode;
use std::time::Instant;

use crate::report::{self, DIM, HEAD, Ran, Tally, say};
use crate::steps::{self, Step};
use crate::web::{self, Host};
use crate::workspace::Workspace;

/// Prints the names of the steps and what they check.
pub(crate) fn list() {
    for step in steps::ALL {
        say!("{HEAD}{:<10}{HEAD:#} {}", step.name, step.about);
    }
}

/// Runs the steps named in `only`, or all; with `host`, the tests of the npm package there instead. Fails when anything failed.
pub(crate) fn run(workspace: &Workspace, only: &[String], host: Option<&str>) -> ExitCode {
    let mut ran = Vec::new();
    let mut run = |step: &Step, check: &dyn Fn(&mut Tally)| {
        say!("\n{HEAD}{}{HEAD:#} {DIM}{}{DIM:#}", step.name, step.about);
        let started = Instant::now();
        let mut tally = Tally::default();
        check(&mut tally);
        ran.push(Ran { step: step.name, tally, took: started.elapsed() });
    };
    let host = Host::ALL.into_iter().find(|known| host == Some(known.name()));
    let wanted = |step: &Step| match host {
        Some(_) => step.name == steps::WEB,
        None => only.is_empty() || only.iter().any(|name| name == step.name),
    };
    for step in steps::ALL.iter().filter(|step| wanted(step)) {
        match host {
            Some(host) => run(step, &|tally| web::test(workspace, tally, &[host])),
            None => run(step, &|tally| (step.run)(workspace, tally)),
        }
    }
    say!();
    for line in report::lines(&ran) {
        say!("{line}");
    }
    if report::failed(&ran) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
