//! Reads results of runs, and reports or compares them. `cargo xtask bench` runs it; the schema is in `coincide_benches::report`.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use coincide_benches::report::against::Comparison;
use coincide_benches::report::criterion::Measured;
use coincide_benches::report::pages::Gathered;
use coincide_benches::report::{Run, docs, html, text};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    match arguments[..] {
        ["gathered", gathered, results] => {
            let text = fs::read_to_string(gathered).with_context(|| format!("cannot read {gathered}"))?;
            let gathered: Gathered = serde_json::from_str(&text).context("cannot read what the pages posted")?;
            gathered.into_run()?.write(Path::new(results))?;
        }
        ["criterion", home, results, load, seconds, others, ref rest @ ..] if matches!(rest, [] | ["--quick"]) => {
            let number = |text: &str| text.parse().with_context(|| format!("`{text}` is not a number"));
            let (load, seconds, others) = (number(load)?, number(seconds)?, number(others)?);
            let measured = Measured { quick: !rest.is_empty(), load, seconds, others };
            measured.into_run(Path::new(home))?.write(Path::new(results))?;
        }
        ["merge", results, ref parts @ ..] if !parts.is_empty() => merge(parts)?.write(Path::new(results))?,
        ["report", results, page] => return report(&Run::read(Path::new(results))?, Path::new(page)),
        ["against", old, new, ref rest @ ..] if matches!(rest, [] | ["--fail-on-regression"]) => {
            let comparison = Comparison::of(&Run::read(Path::new(old))?, &Run::read(Path::new(new))?)?;
            print!("{}", comparison.text());
            if !rest.is_empty() && comparison.regressions().count() > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        ["docs", results, folder] => {
            let files = docs::files(&Run::read(Path::new(results))?)?;
            remove_charts(&Path::new(folder).join(docs::CHARTS))?;
            for (path, contents) in files {
                let file = Path::new(folder).join(path);
                write(&file, &contents)?;
                println!("{}", file.display());
            }
            let index = Path::new(folder).join("README.md");
            if let Ok(text) = fs::read_to_string(&index) {
                write(&index, &docs::listed(&text))?;
            }
        }
        _ => bail!("{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn merge(parts: &[&str]) -> anyhow::Result<Run> {
    let mut parts = parts.iter().map(|part| Run::read(Path::new(part)));
    let mut run = parts.next().context("nothing to merge")??;
    for part in parts {
        run.merge(part?)?;
    }
    let reasons: Vec<_> = run.gaps.iter().map(|gap| format!("{}: {}", gap.what(), gap.reason)).collect();
    ensure!(!run.rows.is_empty(), "nothing was measured: {}", reasons.join("; "));
    Ok(run)
}

/// Prints the report and writes the page. Fails if something could not be measured that should have been.
fn report(run: &Run, page: &Path) -> anyhow::Result<ExitCode> {
    print!("{}", text::report(run));
    write(page, &html::page(run)?)?;
    let page: PathBuf = std::path::absolute(page)?;
    println!("\nThe report is {}", page.display());
    let failed = run.gaps.iter().any(|gap| gap.failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Removes the charts of an earlier run, whose cases may have had other names.
fn remove_charts(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    Ok(())
}

fn write(file: &Path, contents: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, contents).with_context(|| format!("cannot write {}", file.display()))
}

const USAGE: &str = "\
usage: results gathered LINES RESULTS     makes results of what pages posted
       results criterion FOLDER RESULTS LOAD SECONDS OTHERS [--quick]
                                          makes results of what criterion wrote
       results merge RESULTS PART...      joins the parts of one run
       results report RESULTS PAGE        prints the report and writes it as a page
       results against OLD NEW [--fail-on-regression]
       results docs RESULTS FOLDER        writes BENCHMARKS.md and its charts";
