//! The commands of this repository: `test`, `demo`, `site`, `docs`, `build`, `release` and `bench` of `cargo xtask`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Parser, Subcommand};

mod bench;
mod demo;
mod docs;
mod libtest;
mod load;
mod process;
mod release;
mod report;
mod schedule;
mod steps;
mod test;
mod tools;
mod web;
mod workspace;

use demo::Demo;
use workspace::Workspace;

/// The commands of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check; the last line is `N passed, N failed, N skipped`
    Test {
        /// Run only this step; can be repeated
        #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(steps::ALL.iter().map(|step| step.name)))]
        only: Vec<String>,
        /// Run only the tests of the npm package, and on this host only
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(web::Host::ALL.iter().map(|host| host.name())))]
        browser: Option<String>,
        /// Print the steps and run none
        #[arg(long)]
        list: bool,
    },
    /// Run the common use case: a worker calls main synchronously, main awaits a function of the worker
    Demo {
        /// Serve the page and print its address
        #[arg(long)]
        serve: bool,
        /// Use the page of examples/web, where both ends are Rust
        #[arg(long)]
        rust: bool,
        /// Use the page of examples/table, a table that a worker renders and edits
        #[arg(long, conflicts_with = "rust")]
        table: bool,
        /// Use Python in workers, as in PyScript's documentation of workers, in the installed browsers
        #[arg(long, conflicts_with_all = ["no_isolation", "rust", "table"])]
        python: bool,
        /// Serve the page without the headers of isolation: its worker blocks through a service worker, or with `--rust` is suspended
        #[arg(long)]
        no_isolation: bool,
    },
    /// Write the landing page into target/site, a folder for any static host
    Site {
        /// Also write its picture for the README, docs/site.png
        #[arg(long)]
        picture: bool,
    },
    /// Check the pages of the documentation and write them as a site into target/docs/site
    Docs,
    /// Write the `.crate` files and the npm tarball into target/release-files, and print the checklist of a release
    Release {
        /// Accept uncommitted changes, and succeed even if an item of the checklist does not hold
        #[arg(long)]
        rehearse: bool,
    },
    /// Build the npm package into web/pkg
    Build {
        /// Build it with assertions and names, without optimization
        #[arg(long)]
        debug: bool,
    },
    /// Measure coincide and its peers in one run; results and a report under target/bench/
    #[command(group(ArgGroup::new("whole").args(["all", "from"])))]
    Bench {
        /// Measure the npm package and its peers in Node.js and in each browser, instead of the native library
        #[arg(long)]
        web: bool,
        /// Measure everything: natively, with criterion, in Node.js and in each browser, within 45 minutes, or 6 with `--quick`
        #[arg(long, conflicts_with = "web")]
        all: bool,
        /// Show what each layer of a native call takes, instead of comparing with peers
        #[arg(long, conflicts_with_all = ["web", "all", "from", "against", "docs"])]
        profile: bool,
        /// Take fewer samples of each case
        #[arg(long)]
        quick: bool,
        /// Write the results to this file as well
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Report the results in this file, and measure nothing
        #[arg(long, value_name = "FILE", conflicts_with_all = ["web", "all", "quick", "filter"])]
        from: Option<PathBuf>,
        /// Compare with the results in this file, from the same machine
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Exit with an error if a row is worse than in the file of `--against`, beyond noise
        #[arg(long, requires = "against")]
        fail_on_regression: bool,
        /// Write docs/BENCHMARKS.md and its charts; requires a full run with all changes committed
        #[arg(long, requires = "whole")]
        docs: bool,
        /// Measure only matching cases and subjects: `call/32B`, `hot/threads`, `firefox/inc`, `echo/1MiB/limit`
        filter: Option<String>,
    },
}

fn main() -> ExitCode {
    if workspace::in_ci() {
        anstream::ColorChoice::Never.write_global();
    }
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}error{}: {error:#}", report::BAD, report::BAD.render_reset());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Test { list: true, .. } = command {
        test::list();
        return Ok(ExitCode::SUCCESS);
    }
    process::kill_on_interrupt()?;
    let workspace = Workspace::load()?;
    match command {
        Command::Test { only, browser, .. } => Ok(test::run(&workspace, &only, browser.as_deref())),
        Command::Demo { serve, rust, table, python, no_isolation } => {
            let demo = match (rust, table, python, no_isolation) {
                (true, .., false) => Demo::Rust,
                (true, .., true) => Demo::RustPlain,
                (_, true, _, false) => Demo::Table,
                (_, true, _, true) => Demo::TablePlain,
                (_, _, true, _) => Demo::Python,
                (.., false) => Demo::Main,
                (.., true) => Demo::MainPlain,
            };
            demo::run(&workspace, demo, serve).map(|()| ExitCode::SUCCESS)
        }
        Command::Site { picture } => {
            let folder = demo::site(&workspace)?.map_err(anyhow::Error::msg)?;
            report::say!("The site is in {}; any static host can serve it.", folder.display());
            if picture {
                web::picture_site(&workspace)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Docs => {
            let mut tally = report::Tally::default();
            if let Some(folder) = docs::check(&workspace, &mut tally) {
                report::say!("The site is in {}: open index.html.", folder.display());
            }
            Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Release { rehearse } => release::run(&workspace, rehearse).map(|()| ExitCode::SUCCESS),
        Command::Build { debug } => {
            web::build(&workspace, if debug { web::Profile::Debug } else { web::Profile::Web })?;
            // With names and debugging information it's large, which says nothing and takes minutes to compress.
            if !debug {
                web::sizes(&workspace, true)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench { web, all, profile, quick, json, from, against, fail_on_regression, docs, filter } => {
            let options =
                bench::Options { web, all, profile, quick, json, from, against, fail_on_regression, docs, filter };
            bench::run(&workspace, &options)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn unknown_step_is_refused() {
        assert!(Cli::try_parse_from(["xtask", "test", "--only", "fmt", "--only", "docs"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "test", "--only", "nonsense"]).is_err());
    }

    #[test]
    fn page_of_the_documentation_takes_a_whole_run() {
        for (arguments, accepted) in [
            (&["--all", "--docs"][..], true),
            (&["--from", "results.json", "--docs"], true),
            (&["--docs"], false),
            (&["--web", "--docs"], false),
            (&["--profile", "--docs"], false),
        ] {
            let parsed = Cli::try_parse_from([&["xtask", "bench"], arguments].concat());
            assert_eq!(parsed.is_ok(), accepted, "{arguments:?}");
        }
    }
}
