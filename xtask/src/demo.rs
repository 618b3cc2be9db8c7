//! `cargo xtask demo`: builds and runs the native demonstration, and checks that it said what it promises.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::process;
use crate::report::{HEAD, ODD, say};
use crate::tools;
use crate::web::{self, Browser, Profile};
use crate::workspace::Workspace;

/// Serves the page of the example in which both sides are Rust.
///
/// # Errors
/// When it does not build, or there is no port.
pub(crate) fn rust(workspace: &Workspace) -> anyhow::Result<()> {
    tools::rust_target(workspace, web::TARGET).map_err(anyhow::Error::msg)?;
    web::build_example(workspace)?;
    web::serve(workspace, "examples/web/index.html")
}

/// Serves the page of the table.
///
/// # Errors
/// When the package does not build, or there is no port.
pub(crate) fn table(workspace: &Workspace, isolated: bool) -> anyhow::Result<()> {
    tools::rust_target(workspace, web::TARGET).map_err(anyhow::Error::msg)?;
    web::build(workspace, Profile::Web)?;
    web::serve(workspace, if isolated { "examples/table/index.html" } else { "plain/examples/table/index.html" })
}

/// Runs the common use case of PyScript's page on workers, or serves the page that shows all of them.
///
/// # Errors
/// When something is missing or does not build, or the page leaves out a line that it promises.
pub(crate) fn python(workspace: &Workspace, serve: bool) -> anyhow::Result<()> {
    tools::rust_target(workspace, web::TARGET).map_err(anyhow::Error::msg)?;
    web::build(workspace, Profile::Web).context("the npm package")?;
    web::build_python(workspace)?.map_err(anyhow::Error::msg)?;
    if serve {
        return web::serve(workspace, web::PYTHON_DEMO);
    }
    in_each_browser(workspace, web::PYTHON_DEMO, &PYTHON_CONSOLE)
}

/// Runs the demonstrations one after the other, or only that of a page that is not isolated.
///
/// # Errors
/// When one does not build, fails, or leaves out a line that it promises.
pub(crate) fn run(workspace: &Workspace, serve: bool, isolated: bool) -> anyhow::Result<()> {
    if serve {
        tools::rust_target(workspace, web::TARGET).map_err(anyhow::Error::msg)?;
        web::build(workspace, Profile::Web)?;
        return web::serve(workspace, page(isolated));
    }
    if isolated {
        native(workspace).context("the native demonstration")?;
    }
    in_browsers(workspace, isolated)
}

/// The page of the demonstration, in every browser that is installed; without one it is served.
fn in_browsers(workspace: &Workspace, isolated: bool) -> anyhow::Result<()> {
    if let Err(why) = tools::rust_target(workspace, web::TARGET) {
        say!("{ODD}skipped{ODD:#} the demonstration in a browser: {why}");
        return Ok(());
    }
    web::build(workspace, Profile::Web).context("the npm package")?;
    let tier = if isolated { "tier: shared-memory" } else { "tier: service-worker" };
    in_each_browser(workspace, page(isolated), &[&CONSOLE[..], &[tier]].concat())
}

/// A page in every browser that is installed, which has to say the lines that are expected; without a browser it is served.
fn in_each_browser(workspace: &Workspace, page: &str, expected: &[&str]) -> anyhow::Result<()> {
    let mut installed =
        Browser::ALL.into_iter().filter_map(|browser| Some((browser, browser.find(workspace)?))).peekable();
    if installed.peek().is_none() {
        say!("There is no browser to show the rest in. Open the page in one:");
        return web::serve(workspace, page);
    }
    for (browser, program) in installed {
        say!("\n{HEAD}In {}{HEAD:#}", browser.name());
        let said = web::demonstrate(workspace, browser, &program, page)?;
        if let Some(missing) = first_missing(&said, expected) {
            bail!("the page in {} did not say `{missing}` where it belongs", browser.name());
        }
    }
    Ok(())
}

/// Threads, then two processes, in one example.
fn native(workspace: &Workspace) -> anyhow::Result<()> {
    let example = ["--release", "--package", "coincide", "--example", "workers"];
    process::run(workspace.cargo(["build"].into_iter().chain(example)), BUILD).context("cannot be built")?;
    let mut said = Vec::new();
    process::stream(workspace.cargo(["run", "--quiet"].into_iter().chain(example)), RUN, |line| {
        say!("{line}");
        said.push(line.to_owned());
    })?;
    // Once for threads, and again where two processes can share memory.
    let expected = CONSOLE.repeat(if cfg!(target_os = "linux") { 2 } else { 1 });
    if let Some(missing) = first_missing(&said, &expected) {
        bail!("it did not say `{missing}` where it belongs; expected, in this order: `{}`", expected.join("`, `"));
    }
    Ok(())
}

/// The first of the expected lines that does not follow the ones before it.
fn first_missing<'a>(said: &[String], expected: &[&'a str]) -> Option<&'a str> {
    let mut said = said.iter();
    expected.iter().copied().find(|expected| !said.any(|line| line.trim() == *expected))
}

const fn page(isolated: bool) -> &'static str {
    if isolated { "web/demo/index.html" } else { "plain/web/demo/index.html" }
}

/// The console of the page on workers, which the demonstration repeats.
const CONSOLE: [&str; 5] = ["Hello, PyScript", "before ready", "worker bootstrapped", "after ready", "42"];
/// The same, as PyScript's page has it.
const PYTHON_CONSOLE: [&str; 4] = ["before ready", "Pyodide bootstrapped", "after ready", "42"];
const BUILD: Duration = Duration::from_secs(900);
const RUN: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_stand_apart_but_not_swapped() {
        let expected = ["a", "b", "c"];
        assert_eq!(first_missing(&said("x\na\n  b\ny\nc"), &expected), None);
        assert_eq!(first_missing(&said("a\nc\nb"), &expected), Some("c"));
        assert_eq!(first_missing(&said("a\nb c"), &expected), Some("b"));
        assert_eq!(first_missing(&said(""), &expected), Some("a"));
    }

    #[test]
    fn repeated_lines_count_each_time() {
        assert_eq!(first_missing(&said("a\nb"), &["a", "b", "a", "b"]), Some("a"));
        assert_eq!(first_missing(&said("a\nb\na\nb"), &["a", "b", "a", "b"]), None);
    }

    fn said(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }
}
