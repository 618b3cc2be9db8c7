//! `coincide`: serves a folder so that its pages are cross-origin isolated, and writes the scripts for sites that
//! cannot set headers.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod answer;
mod files;
mod host;
mod kinds;
mod listing;
mod paths;
mod range;
mod script;
mod serve;
mod sys;

/// Tools for pages whose workers call functions of the page synchronously.
#[derive(Parser)]
#[command(name = "coincide", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a folder on this machine, with the headers that make its pages cross-origin isolated
    Serve(serve::Options),
    /// Write coi.js, which isolates the pages of a site whose headers cannot be set
    Coi(script::Options),
    /// Write sw.js, the service worker that lets workers block on pages without isolation
    Sw(script::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Coi(options) => script::write(&script::COI, &options),
        Command::Sw(options) => script::write(&script::SW, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
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
}
