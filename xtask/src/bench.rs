//! `cargo xtask bench`: measures, natively by the bench crate's own program, in browsers by a page, and reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::process;
use crate::report::{BAD, DIM, HEAD, ODD, Tally, say};
use crate::web::{Bench, Browser, Plan};
use crate::workspace::Workspace;

/// What to measure, and where the raw numbers go.
pub(crate) struct Options {
    pub(crate) profile: bool,
    pub(crate) quick: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) filter: Option<String>,
}

/// Builds and runs the bench program; it writes to `target/bench` of the repository.
///
/// # Errors
/// When it does not build or fails.
pub(crate) fn native(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let mut command = report(workspace, "report", &[]);
    for (flag, is_set) in [("--profile", options.profile), ("--quick", options.quick)] {
        if is_set {
            command.arg(flag);
        }
    }
    add_json(&mut command, options)?;
    command.args(&options.filter);
    process::run(command, LIMIT).context("the benches")
}

/// Measures the npm package and its peers in each browser, and has a report written beside the native one.
///
/// # Errors
/// When there is no browser, or something does not build or fails.
pub(crate) fn web(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let bench = Bench::build(workspace)?.map_err(anyhow::Error::msg)?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let plan = if options.quick { Plan::QUICK } else { Plan::FULL };
    let load = load();
    let mut browsers = Vec::new();
    let mut skipped = Vec::new();
    for (browser, found) in Browser::all(workspace) {
        let program = match found {
            Ok(program) => program,
            Err(why) => {
                say!("{ODD}skipped{ODD:#} {}: {why}", browser.name());
                skipped.push(json!({ "what": browser.name(), "why": why }));
                continue;
            }
        };
        say!("\n{HEAD}In {}{HEAD:#}", browser.name());
        let mut lines = Vec::new();
        bench.run((browser, &program), &plan, filter, |line| {
            show(&line, lines.last());
            lines.push(line);
        })?;
        let version = browser.version(workspace, &program);
        browsers.push(json!({ "name": browser.name(), "version": version, "lines": lines }));
    }
    if browsers.is_empty() {
        bail!("no browser is installed");
    }
    let measured = json!({
        "quick": options.quick,
        "load": load,
        "shipped": bench.shipped,
        "browsers": browsers,
        "skipped": skipped,
    });
    let file = workspace.target.join("web-bench.json");
    fs::write(&file, measured.to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = report(workspace, "web-report", &["--no-default-features", "--features", "report"]);
    add_json(&mut command, options)?;
    command.arg(file);
    process::run(command, LIMIT).context("the report")
}

/// Runs every row of the page with every subject once in a browser, and counts each figure.
pub(crate) fn smoke(workspace: &Workspace, tally: &mut Tally) {
    const WHAT: &str = "the benches in a browser";
    let Some((browser, program)) = Browser::any(workspace) else {
        return tally.skip(WHAT, "no browser is installed");
    };
    let bench = match Bench::build(workspace) {
        Ok(Ok(bench)) => bench,
        Ok(Err(why)) => return tally.skip(WHAT, why),
        Err(error) => return tally.fail(format!("{WHAT}: {error:#}")),
    };
    for (part, weight, most) in bench.weights() {
        let what = format!("what applications ship of coincide, {part}");
        let within = match weight {
            Some(weight) if weight <= most => Ok(()),
            Some(weight) => Err(anyhow::anyhow!("{weight} bytes with brotli, and {most} at most are meant")),
            None => Err(anyhow::anyhow!("it was not weighed")),
        };
        tally.check(&what, within);
    }
    let mut lines = Vec::new();
    if let Err(error) = bench.run((browser, &program), &Plan::SMOKE, "", |line| lines.push(line)) {
        tally.fail(format!("{WHAT}: {error:#}"));
    }
    judge(&lines, tally);
}

/// Counts each figure that the pages' first lines announce.
fn judge(lines: &[Value], tally: &mut Tally) {
    let rows: Vec<_> = lines.iter().filter_map(|line| line["rows"].as_array()).flatten().collect();
    for fault in lines.iter().filter_map(Value::as_str) {
        tally.fail(format!("the page of the benches: {fault}"));
    }
    if rows.is_empty() {
        return tally.fail("the page of the benches announced nothing".to_owned());
    }
    for row in rows {
        for subject in row["subjects"].as_array().into_iter().flatten() {
            let line = lines.iter().find(|line| line["row"] == row["name"] && line["subject"] == *subject);
            for figure in row["figures"].as_array().into_iter().flatten() {
                let name = figure["name"].as_str().unwrap_or_default();
                let what = format!("{name}/{}", subject.as_str().unwrap_or_default());
                match line.map_or(&Value::Null, |line| &line["skipped"][name]) {
                    Value::String(why) => tally.skip(&what, why),
                    _ => tally.check(&what, measured(line, name)),
                }
            }
        }
    }
}

/// Whether the line of a batch has samples of the figure.
fn measured(line: Option<&Value>, figure: &str) -> anyhow::Result<()> {
    let line = line.context("the page did not run it")?;
    if let Some(error) = line["error"].as_str() {
        bail!("{error}");
    }
    let samples = line["samples"][figure].as_array().context("it has no samples")?;
    // What is no number in JavaScript is null in JSON.
    if samples.is_empty() || !samples.iter().all(Value::is_number) {
        bail!("its samples are {}", line["samples"][figure]);
    }
    Ok(())
}

/// Says what goes on in a page: each row once, notes, and what failed.
fn show(line: &Value, last: Option<&Value>) {
    if let Some(fault) = line.as_str() {
        return say!("{BAD}failed{BAD:#} {fault}");
    }
    if let Some(note) = line["note"].as_str() {
        return say!("{DIM}{note}{DIM:#}");
    }
    let Some(row) = line["row"].as_str() else { return };
    if last.is_none_or(|last| last["row"] != line["row"] && last["note"].is_null()) {
        say!("{row}");
    }
    if let Some(error) = line["error"].as_str() {
        say!("{BAD}failed{BAD:#} {row}/{}: {error}", line["subject"].as_str().unwrap_or_default());
    }
}

/// How busy the machine is.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A program of the bench crate, with its arguments to come.
fn report(workspace: &Workspace, program: &str, features: &[&str]) -> Command {
    let run = ["run", "--release", "--manifest-path", "benches/Cargo.toml"].into_iter();
    let mut command = workspace.cargo(run.chain(features.iter().copied()).chain(["--bin", program, "--"]));
    command.env("CARGO_TARGET_DIR", &workspace.target);
    command
}

fn add_json(command: &mut Command, options: &Options) -> anyhow::Result<()> {
    if let Some(json) = &options.json {
        // The program starts in the root; the file is meant from where the user stands.
        let json: &Path = json;
        command.arg("--json").arg(std::path::absolute(json).context("cannot find the folder of the JSON file")?);
    }
    Ok(())
}

/// Building the peers and measuring everything stays far below this.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_announced_figure_is_wanted() {
        let rows = json!([{ "name": "inc", "subjects": ["a", "b", "c", "d", "e"], "figures": [{ "name": "inc" }] }]);
        let lines = [
            json!({ "rows": rows }),
            json!({ "row": "inc", "subject": "a", "samples": { "inc": [1.5, 2] }, "skipped": {} }),
            json!({ "row": "inc", "subject": "b", "samples": { "inc": [null] }, "skipped": {} }),
            json!({ "row": "inc", "subject": "c", "samples": {}, "skipped": { "inc": "not here" } }),
            json!({ "row": "inc", "subject": "d", "error": "it hangs" }),
        ];
        let mut tally = Tally::default();
        judge(&lines, &mut tally);
        assert_eq!((tally.passed, tally.skipped.len()), (1, 1));
        let failures = ["inc/b: its samples are [null]", "inc/d: it hangs", "inc/e: the page did not run it"];
        assert_eq!(tally.failures, failures);

        let mut tally = Tally::default();
        judge(&["the page failed".into()], &mut tally);
        assert_eq!(tally.failed, 2);
    }
}
