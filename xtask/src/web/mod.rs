//! The npm package: built, tested under Node.js and in browsers.

mod bench;
mod browser;
mod build;
mod bundlers;
mod example;
mod npm;
mod package;
mod panics;
mod polyscript;
mod python;
mod server;
mod site;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process;
use crate::report::{DIM, Tally, say};
use crate::tools;
use crate::workspace::Workspace;

pub(crate) use bench::{Bench, Part, Plan};
pub(crate) use browser::Browser;
use build::{MODULES, PACKAGE};
pub(crate) use build::{Profile, TARGET, build, sizes};
pub(crate) use bundlers::test as test_bundlers;
pub(crate) use example::build as build_example;
pub(crate) use npm::{npm, tool};
pub(crate) use python::{DEMO as PYTHON_DEMO, build as build_python};
use server::{Mount, Server};
pub(crate) use site::{PAGE as SITE_PAGE, build as build_site, picture as picture_site};

/// Where the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Node,
    Deno,
    Bun,
    Browser(Browser),
}

impl Host {
    pub(crate) const ALL: [Self; 6] = [
        Self::Node,
        Self::Deno,
        Self::Bun,
        Self::Browser(Browser::Chromium),
        Self::Browser(Browser::Firefox),
        Self::Browser(Browser::WebKit),
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Deno => "deno",
            Self::Bun => "bun",
            Self::Browser(browser) => browser.name(),
        }
    }
}

/// Builds the package and runs its tests on each of the hosts; each test is counted.
pub(crate) fn test(workspace: &Workspace, tally: &mut Tally, hosts: &[Host]) {
    if let Err(why) = tools::rust_target(workspace, TARGET) {
        return tally.skip("the npm package", why);
    }
    let built = build(workspace, Profile::Web).and_then(|()| sizes(workspace, false));
    let works = built.is_ok();
    tally.check("building the package", built);
    if !works {
        return;
    }
    package::check(workspace, tally);
    let mut pages = PAGES.to_vec();
    if hosts.iter().any(|host| matches!(host, Host::Browser(_))) {
        let built = example::build(workspace);
        pages.extend(built.is_ok().then_some(example::PAGES).into_iter().flatten());
        tally.check("building the example in Rust", built);
        match python::build(workspace) {
            Ok(Err(why)) => tally.skip("the pages with Python", why),
            made => {
                pages.extend(made.is_ok().then_some(python::CHECKS));
                tally.check("the pages with Python", made.map(|_| ()));
                match polyscript::build(workspace) {
                    Ok(Err(why)) => tally.skip("polyscript", why),
                    made => {
                        pages.extend(made.is_ok().then_some(polyscript::PAGES).into_iter().flatten());
                        tally.check("building polyscript with the package", made.map(|_| ()));
                    }
                }
            }
        }
        match site::build(workspace) {
            Ok(Err(why)) => tally.skip("the site", why),
            made => {
                pages.extend(made.is_ok().then_some(site::CHECKS));
                tally.check("the site", made.map(|_| ()));
            }
        }
    }
    for host in hosts {
        match host {
            Host::Node => node(workspace, tally),
            Host::Deno => in_runtime(tally, *host, npm::runtime(workspace, "@deno", "deno"), &["run", "--allow-all"]),
            Host::Bun => in_runtime(tally, *host, npm::runtime(workspace, "@oven", "bun"), &[]),
            Host::Browser(browser) => in_browser(workspace, tally, *browser, &pages),
        }
    }
}

fn node(workspace: &Workspace, tally: &mut Tally) {
    if let Err(why) = tools::node(workspace) {
        return tally.skip("the package under Node.js", why);
    }
    run_script(tally, Host::Node, workspace.command("node"), TESTS);
    match site::prepare_lua(workspace) {
        Ok(Ok(())) => run_script(tally, Host::Node, workspace.command("node"), site::LUA_TESTS),
        Ok(Err(why)) => tally.skip("Lua under Node.js", why),
        Err(error) => tally.check("Lua under Node.js", Err(error)),
    }
    match npm::install(workspace, python::FOLDER) {
        Ok(()) => run_script(tally, Host::Node, workspace.command("node"), python::NODE_TESTS),
        Err(why) => tally.skip("MicroPython under Node.js", why),
    }
}

/// Runs the tests for Node.js in another runtime, whose command takes these arguments.
fn in_runtime(tally: &mut Tally, host: Host, command: Result<Command, String>, arguments: &[&str]) {
    match command {
        Ok(mut command) => {
            command.args(arguments);
            run_script(tally, host, command, TESTS);
        }
        Err(why) => tally.skip(&format!("the package under {}", host.name()), why),
    }
}

fn run_script(tally: &mut Tally, host: Host, mut command: Command, script: &str) {
    command.arg(script);
    let mut report = Report::new(host.name(), script);
    let result = process::stream(command, LIMIT, |line| report.line(line, tally));
    report.finish(tally, result.err().map(|error| format!("{error:#}")));
}

fn in_browser(workspace: &Workspace, tally: &mut Tally, browser: Browser, pages: &[&str]) {
    let what = format!("the package in {}", browser.name());
    let program = match browser.find_or_install(workspace) {
        Ok(program) => program,
        Err(why) => return tally.skip(&what, why),
    };
    let limit = if browser == Browser::WebKit { 2 * LIMIT } else { LIMIT };
    let driver = workspace.root.join(DRIVE).to_string_lossy().into_owned();
    for page in pages_in(browser, pages) {
        let mut report = Report::new(browser.name(), &page);
        let mounts = mounts(workspace);
        let driven = browser == Browser::Chromium && page == FAULTS && tools::node(workspace).is_ok();
        let program: &[&str] = if driven { &["node", &driver, &program] } else { &[&program] };
        let end = run_page(browser, program, Page { path: &page, mounts, limit, silence: SILENCE }, |line| {
            report.line(line, tally);
        });
        report.finish(tally, end.err().map(|error| format!("{error:#}")));
    }
}

/// The addresses of the pages that a browser opens. WebKit leaves out slow tests of some pages: those that other pages run, and those that do not depend on the engine.
fn pages_in(browser: Browser, pages: &[&str]) -> Vec<String> {
    let address = |page: &&str| match page.contains('?') {
        _ if browser != Browser::WebKit || !BRIEF.contains(page) => (*page).to_owned(),
        true => format!("{page}&brief"),
        false => format!("{page}?brief"),
    };
    pages.iter().map(address).collect()
}

/// A page, and how long it may take until it is done.
struct Page<'a> {
    path: &'a str,
    mounts: Vec<Mount>,
    limit: Duration,
    /// How long it may post nothing.
    silence: Duration,
}

/// Opens a page in a browser and passes on the lines that it posts, until it is done. Prints errors that the page does not catch.
fn run_page(browser: Browser, program: &[&str], page: Page<'_>, mut on_line: impl FnMut(&str)) -> anyhow::Result<()> {
    let server = Server::start(page.mounts)?;
    let window = browser.open(program, &server.address(page.path))?;
    let started = Instant::now();
    let mut heard = started;
    let mut last_lines = VecDeque::new();
    loop {
        let posted = server.lines.recv_timeout(GLANCE);
        for line in window.browser.lines.try_iter() {
            if let Some(error) = browser.uncaught(&line) {
                say!("{DIM}{}: {error}{DIM:#}", browser.name());
            }
            last_lines.push_back(line);
            if last_lines.len() > 20 {
                last_lines.pop_front();
            }
        }
        let why = match posted {
            Ok(line) if line == DONE => return Ok(()),
            Ok(line) => {
                on_line(&line);
                heard = Instant::now();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the server stopped"),
            Err(RecvTimeoutError::Timeout) => match window.browser.ended() {
                Some(status) => format!("{} ended by itself with {status}", browser.name()),
                None if heard.elapsed() > page.silence => {
                    format!("the page said nothing for {} s", page.silence.as_secs())
                }
                None if started.elapsed() > page.limit => {
                    format!("the page was not done after {} s", page.limit.as_secs())
                }
                None => continue,
            },
        };
        for line in last_lines {
            say!("{DIM}{}: {line}{DIM:#}", browser.name());
        }
        bail!(why);
    }
}

/// What is served: the files of pages with the headers of isolation, the same under `plain/` without them. Under
/// `site/` the package is above the tests, as a service worker has to be above its pages.
fn mounts(workspace: &Workspace) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for (prefix, folder, isolated) in [
        ("plain/web/", "web", false),
        // A service worker has to lie beside its page.
        ("plain/web/demo/", PACKAGE, false),
        ("web/", "web", true),
        ("plain/site/", "web/tests", false),
        ("plain/site/", PACKAGE, false),
        ("plain/pkg/", PACKAGE, false),
        ("plain/modules/", MODULES, false),
        ("plain/faults/", "web/tests/relay", false),
        // Service workers of other libraries, beside pages of the tests.
        ("plain/faults/foreign/coincident/", "web/tests/node_modules/coincident/dist", false),
        ("plain/faults/foreign/sabayon/", "web/tests/node_modules/sabayon/dist", false),
        // The package without support for other libraries.
        ("plain/alone/pkg/foreign/", "web/tests/relay/alone", false),
        ("plain/alone/pkg/", MODULES, false),
        ("plain/alone/modules/", MODULES, false),
        ("plain/alone/site/", "web/tests", false),
        ("plain/alone/site/", PACKAGE, false),
        ("plain/alone/web/", "web", false),
        ("site/", "web/tests", true),
        ("site/", PACKAGE, true),
        ("proto/vectors/", "proto/vectors", true),
        ("docs/", "docs", true),
        ("plain/examples/web/", example::FOLDER, false),
        ("examples/web/", example::FOLDER, true),
        ("plain/examples/table/", "examples/table", false),
        ("plain/examples/table/", PACKAGE, false),
        ("examples/table/", "examples/table", true),
    ] {
        mounts.push(Mount::new(prefix, workspace.root.join(folder), isolated));
    }
    for (prefix, isolated) in [("plain/python/", false), ("python/", true)] {
        for folder in [workspace.root.join(python::FOLDER), python::copies(workspace)] {
            mounts.push(Mount::new(prefix, folder, isolated));
        }
    }
    for (prefix, isolated) in [("plain/polyscript/", false), ("polyscript/", true)] {
        for folder in [workspace.root.join(polyscript::FOLDER), polyscript::built(workspace)] {
            mounts.push(Mount::new(prefix, folder, isolated));
        }
    }
    for (prefix, isolated) in [("front/", true), ("plain/front/", false)] {
        mounts.push(Mount::new(prefix, site::folder(workspace), isolated));
    }
    mounts.push(Mount::new("plain/front/", workspace.root.join(site::TESTS), false));
    for (prefix, folder, isolated) in [
        ("plain/trusted/site/", "web/tests", false),
        ("plain/trusted/site/", PACKAGE, false),
        ("plain/trusted/pkg/", PACKAGE, false),
        ("trusted/site/", "web/tests", true),
        ("trusted/site/", PACKAGE, true),
        ("trusted/pkg/", PACKAGE, true),
    ] {
        let mount = Mount::new(prefix, workspace.root.join(folder), isolated);
        mounts.push(Mount { policy: Some(TRUSTED_TYPES), ..mount });
    }
    mounts
}

/// Pages have to pass code through one of these policies.
const TRUSTED_TYPES: &str = "require-trusted-types-for 'script'; trusted-types workers coincide";

/// Serves the files of pages until it is interrupted.
///
/// # Errors
/// When no port is free.
pub(crate) fn serve(workspace: &Workspace, page: &str) -> anyhow::Result<()> {
    let server = Server::start(mounts(workspace))?;
    say!("Serving {} until interrupted.", server.address(page));
    let unmade: Vec<_> =
        parts(workspace).into_iter().filter(|(_, folder)| !folder.exists()).map(|(what, _)| what).collect();
    if !unmade.is_empty() {
        say!("{DIM}Not served, because only `cargo xtask test --only web` makes them: {}{DIM:#}", unmade.join(", "));
    }
    for line in &server.lines {
        say!("{line}");
    }
    Ok(())
}

/// Further parts of the test pages, with the folders of their builds.
fn parts(workspace: &Workspace) -> [(&'static str, PathBuf); 4] {
    [
        ("examples/web", example::built(workspace)),
        ("the copies of the pages with Python", python::copies(workspace)),
        ("polyscript", polyscript::built(workspace)),
        ("the site", site::folder(workspace)),
    ]
}

/// Runs the demonstration page in a browser and shows its console. Returns the lines.
///
/// # Errors
/// When the browser cannot be started or the page is not done in time.
pub(crate) fn demonstrate(
    workspace: &Workspace,
    browser: Browser,
    program: &str,
    page: &str,
) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    let page = Page { path: &format!("{page}?report"), mounts: mounts(workspace), limit: LIMIT, silence: SILENCE };
    run_page(browser, &[program], page, |line| {
        say!("{line}");
        said.push(line.to_owned());
    })
    .with_context(|| format!("the page in {}", browser.name()))?;
    Ok(said)
}

/// Counts the lines of a run: JSON with `name` and `ok` for each test, or anything else, which is shown.
struct Report {
    host: &'static str,
    /// The page, or the script.
    file: String,
    tests: u64,
    last: String,
    started: Instant,
    /// When the last line arrived.
    heard: Instant,
    /// The tests that took longest, the longest one first.
    slowest: Vec<(Duration, String)>,
}

impl Report {
    fn new(host: &'static str, file: &str) -> Self {
        let now = Instant::now();
        let file = file.to_owned();
        Self { host, file, tests: 0, last: String::new(), started: now, heard: now, slowest: Vec::new() }
    }

    /// Records the duration of the test that has just ended.
    fn took(&mut self, name: &str) {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut self.heard, now);
        let at = self.slowest.partition_point(|(longer, _)| *longer >= took);
        self.slowest.insert(at, (took, name.to_owned()));
        self.slowest.truncate(SLOWEST);
    }

    fn line(&mut self, line: &str, tally: &mut Tally) {
        let Ok(test) = serde_json::from_str::<serde_json::Value>(line) else {
            return say!("{}: {line}", self.host);
        };
        let (Some(name), Some(ok)) = (test["name"].as_str(), test["ok"].as_bool()) else {
            return say!("{}: {line}", self.host);
        };
        self.tests += 1;
        self.took(name);
        name.clone_into(&mut self.last);
        let what = format!("{}: {name}", self.host);
        if let Some(why) = test["skipped"].as_str() {
            tally.skip(&what, why);
        } else if ok {
            say!("{what} ... ok");
            tally.passed += 1;
        } else {
            tally.fail(format!("{what}: {}", test["error"].as_str().unwrap_or("it does not say why")));
        }
    }

    fn finish(self, tally: &mut Tally, error: Option<String>) {
        let slowest = self.slowest.iter().map(|(took, name)| format!("`{name}` {:.1} s", took.as_secs_f64()));
        say!(
            "{DIM}{}: {}: {} tests in {:.0} s; the slowest: {}{DIM:#}",
            self.host,
            self.file,
            self.tests,
            self.started.elapsed().as_secs_f64(),
            slowest.collect::<Vec<_>>().join(", ")
        );
        if let Some(error) = error {
            let after = match self.tests {
                0 => "before any test".to_owned(),
                tests => format!("after {tests} tests, of which `{}` was the last", self.last),
            };
            tally.fail(format!("{}: {}: {error}, {after}", self.host, self.file));
        } else if self.tests == 0 {
            tally.fail(format!("{}: {}: no test ran", self.host, self.file));
        }
    }
}

/// The pages of tests: isolated, not isolated, with a service worker instead of isolation, the same without other libraries, with one that fails, isolated by `coi.js`, with sandboxed frames; that require trusted types, isolated and not; and the example of a table, isolated and not.
const PAGES: [&str; 13] = [
    MAIN,
    "plain/web/tests/plain.html",
    "plain/site/relay.html",
    "plain/alone/site/relay.html?filter=without+other+libraries",
    FAULTS,
    "plain/faults/isolating/page.html",
    "plain/site/coi/app/page.html",
    "web/tests/sandbox/page.html",
    "plain/web/tests/sandbox/page.html",
    "trusted/site/trusted/page.html",
    "plain/trusted/site/trusted/page.html",
    "examples/table/tests.html",
    "plain/examples/table/tests.html",
];

const MAIN: &str = "web/tests/index.html";

/// The pages that WebKit opens with `brief`.
const BRIEF: [&str; 3] = [MAIN, FAULTS, python::CHECKS];

const TESTS: &str = "web/tests/run-node.mjs";

/// A page that may stop its service workers where the browser is driven.
const FAULTS: &str = "plain/faults/page.html";
const DRIVE: &str = "web/tests/relay/drive.mjs";

/// What a page posts last.
const DONE: &str = "done";

/// Time limit for a page, or for the tests under Node.js. On a busy machine Firefox is five times as slow. WebKit has twice the time.
const LIMIT: Duration = Duration::from_secs(480);

/// How long a page may be silent: much longer than a test may take before it is a failure by itself.
const SILENCE: Duration = Duration::from_secs(90);

/// Number of the slowest tests of a page that are printed.
const SLOWEST: usize = 8;

/// Time between two checks of a browser.
const GLANCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_browser_opens_all_pages_and_webkit_some_in_brief() {
        let all = [&PAGES[..], &example::PAGES, &polyscript::PAGES, &[python::CHECKS, site::CHECKS]].concat();
        assert_eq!(pages_in(Browser::Chromium, &all), all);
        assert_eq!(pages_in(Browser::Firefox, &all), all);
        let pages = pages_in(Browser::WebKit, &all);
        assert_eq!(pages[0], "web/tests/index.html?brief");
        for brief in ["plain/faults/page.html?brief", "python/tests/checks.html?pages=isolated&brief"] {
            assert!(pages.iter().any(|page| page == brief), "{brief}: {pages:?}");
        }
        assert_eq!(pages.iter().zip(&all).filter(|(opened, page)| opened != page).count(), BRIEF.len());
        assert_eq!(pages.len(), all.len());
    }
}
