//! The npm package: built, tested under Node.js and in browsers.

mod browser;
mod build;
mod server;

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process;
use crate::report::{Tally, say};
use crate::tools;
use crate::workspace::Workspace;

pub(crate) use browser::Browser;
pub(crate) use build::{TARGET, build};
use server::{Headers, Server};

/// Where the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Node,
    Browser(Browser),
}

impl Host {
    pub(crate) const ALL: [Self; 3] = [Self::Node, Self::Browser(Browser::Chromium), Self::Browser(Browser::Firefox)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Browser(browser) => browser.name(),
        }
    }
}

/// Builds the package and runs its tests on each of the hosts; each test is counted.
pub(crate) fn test(workspace: &Workspace, tally: &mut Tally, hosts: &[Host]) {
    if let Err(why) = tools::rust_target(workspace, TARGET) {
        return tally.skip("the npm package", why);
    }
    let built = build(workspace);
    let works = built.is_ok();
    tally.check("building the package", built.map(|sizes| say!("{sizes}")));
    if !works {
        return;
    }
    for host in hosts {
        match host {
            Host::Node => node(workspace, tally),
            Host::Browser(browser) => in_browser(workspace, tally, *browser),
        }
    }
}

fn node(workspace: &Workspace, tally: &mut Tally) {
    if let Err(why) = tools::node(workspace) {
        return tally.skip("the package under Node.js", why);
    }
    let mut command = workspace.command("node");
    command.arg("web/tests/run-node.mjs");
    let mut report = Report::new("node");
    let result = process::stream(command, LIMIT, |line| report.line(line, tally));
    report.finish(tally, result.err().map(|error| format!("{error:#}")));
}

fn in_browser(workspace: &Workspace, tally: &mut Tally, browser: Browser) {
    let what = format!("the package in {}", browser.name());
    let program = match browser.find_or_install(workspace) {
        Ok(program) => program,
        Err(why) => return tally.skip(&what, why),
    };
    let mut report = Report::new(browser.name());
    let end = run_page(workspace, browser, &program, "web/tests/index.html", |line| report.line(line, tally));
    report.finish(tally, end.err().map(|error| format!("{error:#}")));
}

/// Opens a page of the repository in a browser and hands over the lines that it posts, until it says that it is done.
fn run_page(
    workspace: &Workspace,
    browser: Browser,
    program: &str,
    page: &str,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<()> {
    let server = Server::start(workspace.root.clone(), Headers::Isolated)?;
    let _window = browser.open(program, &server.address(page))?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        match server.lines.recv_timeout(rest) {
            Ok(line) if line == DONE => return Ok(()),
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Timeout) => bail!("the page was not done after {} s", LIMIT.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the server stopped"),
        }
    }
}

/// Serves the repository until it is interrupted.
///
/// # Errors
/// When there is no port.
pub(crate) fn serve(workspace: &Workspace, page: &str) -> anyhow::Result<()> {
    let server = Server::start(workspace.root.clone(), Headers::Isolated)?;
    say!("Serving {} until interrupted.", server.address(page));
    for line in &server.lines {
        say!("{line}");
    }
    Ok(())
}

/// Runs the demonstration page in a browser and shows its console; gives the lines.
///
/// # Errors
/// When the browser can't be started or the page isn't done in time.
pub(crate) fn demonstrate(workspace: &Workspace, browser: Browser, program: &str) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    run_page(workspace, browser, program, "web/demo/index.html?report", |line| {
        say!("{line}");
        said.push(line.to_owned());
    })
    .with_context(|| format!("the page in {}", browser.name()))?;
    Ok(said)
}

/// Counts the lines of a run: JSON with `name` and `ok` for each test, or anything else, which is shown.
struct Report {
    host: &'static str,
    tests: u64,
}

impl Report {
    fn new(host: &'static str) -> Self {
        Self { host, tests: 0 }
    }

    fn line(&mut self, line: &str, tally: &mut Tally) {
        let Ok(test) = serde_json::from_str::<serde_json::Value>(line) else {
            return say!("{}: {line}", self.host);
        };
        let (Some(name), Some(ok)) = (test["name"].as_str(), test["ok"].as_bool()) else {
            return say!("{}: {line}", self.host);
        };
        self.tests += 1;
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
        if let Some(error) = error {
            tally.fail(format!("{}: {error}, after {} tests", self.host, self.tests));
        } else if self.tests == 0 {
            tally.fail(format!("{}: no test ran", self.host));
        }
    }
}

/// What a page posts last.
const DONE: &str = "done";

/// A machine that is busy otherwise makes Firefox five times as slow.
const LIMIT: Duration = Duration::from_secs(480);
