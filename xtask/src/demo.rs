//! `cargo xtask demo`: runs demonstrations natively and in browsers, and checks the lines that they print.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::process;
use crate::report::{HEAD, ODD, say};
use crate::web::{self, Browser, Profile};
use crate::workspace::Workspace;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demo {
    /// Natively, and on a page.
    Main,
    /// The same on a page that is not isolated.
    MainPlain,
    /// The page of the example in which both sides are Rust.
    Rust,
    /// The same on a page that is not isolated.
    RustPlain,
    /// The page of the table.
    Table,
    /// The table on a page that is not isolated.
    TablePlain,
    /// The common use case of PyScript's page on workers.
    Python,
}

impl Demo {
    fn page(self) -> &'static str {
        match self {
            Self::Main => "web/demo/index.html",
            Self::MainPlain => "plain/web/demo/index.html",
            Self::Rust => "examples/web/index.html",
            Self::RustPlain => "plain/examples/web/index.html",
            Self::Table => "examples/table/index.html",
            Self::TablePlain => "plain/examples/table/index.html",
            Self::Python => web::PYTHON_DEMO,
        }
    }

    /// The command that serves the page.
    fn serving(self) -> &'static str {
        match self {
            Self::Main => "cargo xtask demo --serve",
            Self::MainPlain => "cargo xtask demo --no-isolation --serve",
            Self::Rust => "cargo xtask demo --rust --serve",
            Self::RustPlain => "cargo xtask demo --rust --no-isolation --serve",
            Self::Table => "cargo xtask demo --table --serve",
            Self::TablePlain => "cargo xtask demo --table --no-isolation --serve",
            Self::Python => "cargo xtask demo --python --serve",
        }
    }

    /// The lines that the page posts, in this order.
    fn console(self) -> Vec<&'static str> {
        match self {
            Self::Main => [&CONSOLE[..], &["tier: shared-memory"]].concat(),
            Self::MainPlain => [&CONSOLE[..], &["tier: service-worker"]].concat(),
            Self::Python => PYTHON_CONSOLE.to_vec(),
            // These pages are operated by hand.
            Self::Rust | Self::RustPlain | Self::Table | Self::TablePlain => Vec::new(),
        }
    }

    fn build(self, workspace: &Workspace) -> anyhow::Result<()> {
        if matches!(self, Self::Rust | Self::RustPlain) {
            return web::build_example(workspace);
        }
        web::build(workspace, Profile::Web).context("the npm package")?;
        if self == Self::Python {
            web::build_python(workspace)?.map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }
}

/// Shows the demonstration and ends; with `serve`, serves its page until interrupted.
///
/// # Errors
/// When something is missing or does not build, or an expected line is not printed.
pub(crate) fn run(workspace: &Workspace, demo: Demo, serve: bool) -> anyhow::Result<()> {
    if serve {
        demo.build(workspace)?;
        let page = if demo == Demo::Main { landing(workspace)? } else { demo.page() };
        return web::serve(workspace, page);
    }
    if demo == Demo::Main {
        native(workspace).context("the native demonstration")?;
    }
    // Pages that are operated by hand need no browser here.
    let mut found = Vec::new();
    if !demo.console().is_empty() {
        for (browser, program) in Browser::all(workspace) {
            match program {
                Ok(program) => found.push((browser, program)),
                Err(why) => say!("{ODD}not shown{ODD:#} in {}: {why}", browser.name()),
            }
        }
    }
    if let Some(why) = hindrance(demo, found.len()) {
        say!("{ODD}not shown{ODD:#} the page {}: {why}\nTo open it in a browser: {}", demo.page(), demo.serving());
        return Ok(());
    }
    demo.build(workspace)?;
    for (browser, program) in found {
        say!("\n{HEAD}In {}{HEAD:#}", browser.name());
        let said = web::demonstrate(workspace, browser, &program, demo.page())?;
        if let Some(missing) = first_missing(&said, &demo.console()) {
            bail!("the page in {} did not say `{missing}` where it belongs", browser.name());
        }
    }
    Ok(())
}

/// Builds the npm package and, around it, the page to land on; gives its folder.
///
/// # Errors
/// When something does not build. The inner error is the reason to do without: a tool or a package is missing.
pub(crate) fn site(workspace: &Workspace) -> anyhow::Result<Result<PathBuf, String>> {
    Demo::Main.build(workspace)?;
    web::build_site(workspace)
}

/// The page to land on, or that of the demonstration where what it is made of can't be installed. The site has installed what the pages with
/// Python need, so these are served as well.
fn landing(workspace: &Workspace) -> anyhow::Result<&'static str> {
    if let Err(why) = web::build_site(workspace)? {
        say!("{ODD}without{ODD:#} the playground: {why}");
        return Ok(Demo::Main.page());
    }
    web::build_python(workspace)?.map_err(anyhow::Error::msg)?;
    Ok(web::SITE_PAGE)
}

/// Why the page is not shown in one of the installed browsers.
fn hindrance(demo: Demo, browsers: usize) -> Option<&'static str> {
    if demo.console().is_empty() {
        Some("it is operated by hand")
    } else if browsers == 0 {
        Some(
            "no browser is installed; Debian has them as `chromium`, `firefox-esr` and `webkit2gtk-driver` with `xvfb`",
        )
    } else {
        None
    }
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

    #[test]
    fn page_without_browser_is_not_shown() {
        for demo in [Demo::Main, Demo::MainPlain, Demo::Python] {
            assert!(hindrance(demo, 0).is_some_and(|why| why.starts_with("no browser")), "{demo:?}");
            assert_eq!(hindrance(demo, 1), None, "{demo:?}");
        }
        for demo in [Demo::Rust, Demo::RustPlain, Demo::Table, Demo::TablePlain] {
            assert_eq!(hindrance(demo, 0), hindrance(demo, 2), "{demo:?}");
            assert!(hindrance(demo, 2).is_some(), "{demo:?}");
        }
    }

    fn said(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }
}
