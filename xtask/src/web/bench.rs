//! The benches of the npm package: a page that measures it beside its peers, bundled and run in a browser.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::server::Mount;
use super::{Browser, Page, Profile, TARGET, build, npm, run_page};
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// The page of the benches, bundled.
pub(crate) struct Bench {
    folder: PathBuf,
    /// What an application ships of each library, as `benches/web/build.mjs` says it.
    pub(crate) shipped: Vec<Value>,
}

/// How much is measured.
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    /// Milliseconds of calls before those that count.
    pub(crate) warm_up: u32,
    /// Milliseconds for which calls are timed.
    pub(crate) batch: u32,
    /// Samples that are taken even if that takes longer.
    pub(crate) samples: u32,
    /// Workers that are started in each round.
    pub(crate) starts: u32,
    /// Milliseconds for which main is flooded with calls.
    pub(crate) flood: u32,
    /// Calls between two looks at the memory.
    pub(crate) calls: u32,
}

impl Plan {
    pub(crate) const FULL: Self =
        Self { rounds: 9, warm_up: 100, batch: 200, samples: 5, starts: 2, flood: 1000, calls: 300_000 };

    pub(crate) const QUICK: Self =
        Self { rounds: 3, warm_up: 30, batch: 60, samples: 5, starts: 1, flood: 500, calls: 50_000 };

    /// Everything once, whatever the figures.
    pub(crate) const SMOKE: Self =
        Self { rounds: 1, warm_up: 1, batch: 1, samples: 2, starts: 1, flood: 100, calls: 100 };

    fn query(&self, filter: &str, budget: Duration) -> String {
        let Self { rounds, warm_up, batch, samples, starts, flood, calls } = self;
        format!(
            "rounds={rounds}&warmUp={warm_up}&batch={batch}&samples={samples}&starts={starts}&flood={flood}&calls={calls}&budget={}&filter={}",
            budget.as_millis(),
            percent_encoded(filter)
        )
    }
}

impl Bench {
    /// Builds the package, and the page around it and its peers.
    ///
    /// # Errors
    /// When something doesn't build. The inner error is the reason to do without: a tool or a package is missing.
    pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<Result<Self, String>> {
        if let Err(why) = tools::node(workspace)
            .and_then(|()| tools::rust_target(workspace, TARGET))
            .and_then(|()| npm::install(workspace, FOLDER))
        {
            return Ok(Err(why));
        }
        build(workspace, Profile::Web).context("the npm package")?;
        let folder = workspace.target.join("web-bench");
        let mut bundle = workspace.command("node");
        bundle.arg(format!("{FOLDER}/build.mjs")).arg(&folder);
        let mut said = Vec::new();
        process::stream(bundle, BUNDLE, |line| said.push(line.to_owned())).context("the page of the benches")?;
        let shipped = said.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>();
        Ok(Ok(Self { folder, shipped: shipped.context("what the libraries weigh is no JSON")? }))
    }

    /// Parts of what an application ships of coincide with `window`: bytes with brotli, if they are known, and how many are meant to be enough.
    pub(crate) fn weights(&self) -> [(&'static str, Option<u64>, u64); 3] {
        let sizes =
            self.shipped.iter().find(|shipped| shipped["subject"] == "coincide window").map(|ours| &ours["sizes"]);
        MOST.map(|(part, most)| (part, sizes.and_then(|sizes| sizes[part]["brotli"].as_u64()), most))
    }

    /// Shares of the time of a browser: of the page that is isolated, and of the one that isn't.
    pub(crate) const SHARES: [f64; 2] = [0.75, 0.25];

    /// Runs the rows and subjects whose `row/subject` contains the filter, on a page that is isolated and on one that isn't, and hands over each
    /// line that they post. `budget` is the time after which no further rounds begin.
    ///
    /// # Errors
    /// When the browser can't be started or the page isn't done in time.
    pub(crate) fn run(
        &self,
        (browser, program): (Browser, &str),
        plan: &Plan,
        filter: &str,
        budget: Duration,
        mut on_line: impl FnMut(Value),
    ) -> anyhow::Result<()> {
        for ((prefix, isolated), share) in [("", true), ("plain/", false)].into_iter().zip(Self::SHARES) {
            let mounts = vec![Mount::new(prefix, self.folder.clone(), isolated)];
            let path = format!("{prefix}index.html?{}", plan.query(filter, budget.mul_f64(share)));
            run_page(browser, &[program], Page { path: &path, mounts, limit: LIMIT }, |line| {
                on_line(serde_json::from_str(line).unwrap_or_else(|_| line.into()));
            })?;
        }
        Ok(())
    }
}

impl Bench {
    /// Runs the rows of Node.js whose `row/subject` contains the filter, and hands over each line that is printed.
    ///
    /// # Errors
    /// When the program fails.
    pub(crate) fn run_in_node(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        filter: &str,
        budget: Duration,
        mut on_line: impl FnMut(Value),
    ) -> anyhow::Result<()> {
        let mut command = workspace.command("node");
        command.arg(self.folder.join("node/node.js")).arg(plan.query(filter, budget));
        process::stream(command, LIMIT, |line| on_line(serde_json::from_str(line).unwrap_or_else(|_| line.into())))
    }
}

/// As in a query.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Most bytes of each part, with brotli: a little more than there are, so that what adds to them is noticed.
const MOST: [(&str, u64); 3] = [("main", 46_900), ("worker", 37_900), ("wasm", 57_600)];

/// The page, its workers and the manifest of its dependencies.
const FOLDER: &str = "benches/web";

const BUNDLE: Duration = Duration::from_secs(120);

/// Far more than the budget: a busy machine makes browsers five times as slow.
const LIMIT: Duration = Duration::from_secs(2 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_arrive_as_they_are() {
        let query = Plan::SMOKE.query("echo/8-values & more", Duration::ZERO);
        assert!(query.starts_with("rounds=1&") && query.ends_with("&filter=echo/8-values%20%26%20more"), "{query}");
    }
}
