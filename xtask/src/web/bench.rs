//! The benches of the npm package: a page that measures it beside its peers, bundled and run in a browser.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::server::Mount;
use super::{Browser, Page, Profile, TARGET, build, npm, run_page};
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// The page of the benches, bundled.
pub(crate) struct Bench {
    folder: PathBuf,
    /// Parts of each library that an application ships, as reported by `benches/web/build.mjs`.
    pub(crate) shipped: Vec<Value>,
}

/// Amount of measuring.
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    /// Milliseconds of calls before the measured ones.
    pub(crate) warm_up: u32,
    /// Milliseconds for which calls are timed.
    pub(crate) batch: u32,
    /// Minimum number of samples.
    pub(crate) samples: u32,
    /// Workers that are started in each round.
    pub(crate) starts: u32,
    /// Milliseconds for which main is flooded with calls.
    pub(crate) flood: u32,
    /// Calls between two readings of the memory.
    pub(crate) calls: u32,
    /// Milliseconds without progress after which a subject hangs.
    pub(crate) timeout: u32,
}

impl Plan {
    pub(crate) const FULL: Self = Self {
        rounds: 9,
        warm_up: 100,
        batch: 200,
        samples: 5,
        starts: 2,
        flood: 1000,
        calls: 300_000,
        timeout: 30_000,
    };

    pub(crate) const QUICK: Self =
        Self { rounds: 3, warm_up: 30, batch: 60, samples: 5, starts: 1, flood: 500, calls: 50_000, timeout: 10_000 };

    /// Runs everything once, without meaningful figures.
    pub(crate) const SMOKE: Self =
        Self { rounds: 1, warm_up: 1, batch: 1, samples: 2, starts: 1, flood: 100, calls: 100, timeout: 60_000 };

    fn query(&self, part: &Part<'_>, tab: &str, budget: Duration, after: &str) -> String {
        let Self { rounds, warm_up, batch, samples, starts, flood, calls, timeout } = self;
        let [filter, after] = [part.filter, after].map(percent_encoded);
        format!(
            "group={}&rounds={rounds}&warmUp={warm_up}&batch={batch}&samples={samples}&starts={starts}&flood={flood}&calls={calls}\
             &timeout={timeout}&budget={}&tab={tab}&filter={filter}&after={after}",
            part.group,
            budget.as_millis(),
        )
    }

    /// How long a page may post nothing. It notices subjects that hang by itself, unless its own thread hangs.
    fn silence(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout)) + Duration::from_secs(15)
    }

    /// Time limit of a page with this budget, which the page extends by [`HANGS`]. A batch that begins at its end and hangs is stopped by the
    /// page, which names the subject.
    fn limit(&self, budget: Duration) -> Duration {
        budget + Duration::from_millis(u64::from(self.timeout)) * HANGS + self.silence() + GRACE
    }
}

/// The measurements of one place.
pub(crate) struct Part<'a> {
    /// Name of the group.
    pub(crate) group: &'a str,
    pub(crate) plan: &'a Plan,
    /// Rows and subjects whose `group/row/subject` passes it are measured.
    pub(crate) filter: &'a str,
    /// Time after which no round begins.
    pub(crate) budget: Duration,
}

/// A page of a browser.
pub(crate) struct Opened {
    prefix: &'static str,
    /// [`FRONT`] or [`BEHIND`], or empty if the page itself opens the tabs that it needs.
    tab: &'static str,
    /// Share of the time.
    pub(crate) share: f64,
}

/// Measures on a page, and on further ones what is left when a page has ended early. Rows that none of them begins are reported.
/// `tab` is the place of the page. `open` takes the query and the limit of a page.
fn resumed(
    part: &Part<'_>,
    tab: &str,
    budget: Duration,
    on_line: &mut dyn FnMut(Value),
    mut open: impl FnMut(&str, Duration, &mut dyn FnMut(&str)) -> anyhow::Result<()>,
) {
    let began = Instant::now();
    let mut after = String::new();
    for attempt in 1..=ATTEMPTS {
        let left = budget.saturating_sub(began.elapsed());
        let (mut rows, mut current): (Vec<String>, usize) = (vec![], 0);
        let query = part.plan.query(part, tab, left, &after);
        let end = open(&query, part.plan.limit(left), &mut |line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| line.into());
            if let Some(announced) = line["rows"].as_array() {
                rows = announced.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect();
            }
            current = rows.iter().position(|row| line["begins"] == **row).unwrap_or(current);
            on_line(line);
        });
        let Err(error) = end else { return };
        on_line(json!({ "stopped": rows.get(current), "error": format!("{error:#}") }));
        let rest = rows.get(current + 1..).unwrap_or_default();
        let is_over = began.elapsed() >= budget;
        if rest.is_empty() || is_over || attempt == ATTEMPTS {
            for row in rest {
                on_line(match is_over {
                    true => json!({ "over": row }),
                    false => json!({ "stopped": row, "error": "not begun: the page had ended early in other rows" }),
                });
            }
            return;
        }
        after.clone_from(&rows[current]);
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

    /// The script for Node.js that checks counts.
    pub(crate) fn counts(&self) -> PathBuf {
        self.folder.join("node/counts.js")
    }

    /// Parts of what an application ships of coincide with `window`: bytes with brotli, if they are known, and how many are meant to be enough.
    pub(crate) fn weights(&self) -> [(&'static str, Option<u64>, u64); 3] {
        let sizes =
            self.shipped.iter().find(|shipped| shipped["subject"] == "coincide window").map(|ours| &ours["sizes"]);
        MOST.map(|(part, most)| (part, sizes.and_then(|sizes| sizes[part]["brotli"].as_u64()), most))
    }

    /// The pages of a browser.
    pub(crate) fn pages(browser: Browser) -> &'static [Opened] {
        match browser {
            // Its pages open windows that do not hide them.
            Browser::WebKit => &[
                Opened { prefix: "", tab: FRONT, share: 0.69 },
                Opened { prefix: "", tab: BEHIND, share: 0.06 },
                Opened { prefix: PLAIN, tab: FRONT, share: 0.25 },
            ],
            _ => &[Opened { prefix: "", tab: "", share: 0.75 }, Opened { prefix: PLAIN, tab: "", share: 0.25 }],
        }
    }

    /// Runs a browser on each of its pages, and hands over each line that they post. A page that stops is opened again without the row in
    /// which it did, and `{ stopped: row, error }` is handed over.
    pub(crate) fn run(&self, (browser, program): (Browser, &str), part: &Part<'_>, mut on_line: impl FnMut(Value)) {
        for &Opened { prefix, tab, share } in Self::pages(browser) {
            let command: &[&str] = if tab == BEHIND { &[program, "about:blank"] } else { &[program] };
            resumed(part, tab, part.budget.mul_f64(share), &mut on_line, |query, limit, on_line| {
                let mounts = vec![Mount::new(prefix, self.folder.clone(), prefix != PLAIN)];
                let path = format!("{prefix}index.html?{query}");
                run_page(browser, command, Page { path: &path, mounts, limit, silence: part.plan.silence() }, on_line)
            });
        }
    }

    /// Runs the rows of Node.js, and hands over each line that is printed, as [`run`](Self::run) does.
    pub(crate) fn run_in_node(&self, workspace: &Workspace, part: &Part<'_>, mut on_line: impl FnMut(Value)) {
        resumed(part, "", part.budget, &mut on_line, |query, limit, on_line| {
            let mut command = workspace.command("node");
            command.arg(self.folder.join("node/node.js")).arg(query);
            process::stream(command, limit, on_line)
        });
    }
}

/// The form in a query.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Most bytes of each part, with brotli: a little more than there are, so that what adds to them is noticed.
const MOST: [(&str, u64); 3] = [("main", 47_000), ("worker", 38_000), ("wasm", 57_600)];

/// Where pages are not isolated.
const PLAIN: &str = "plain/";

/// The only tab.
const FRONT: &str = "front";

/// A tab behind one that was opened before.
const BEHIND: &str = "behind";

/// The page, its workers and the manifest of its dependencies.
const FOLDER: &str = "benches/web";

const BUNDLE: Duration = Duration::from_secs(120);

/// Time beyond the budget of a page and a batch that hangs: for the browser, and for the rest of a round.
const GRACE: Duration = Duration::from_secs(30);

/// Hanging batches for which a page may take longer: `MOST_LOST` of `benches/web/bench.js`.
const HANGS: u32 = 2;

/// How often a page is opened at most.
const ATTEMPTS: usize = 4;

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn part(filter: &str) -> Part<'_> {
        Part { group: "node", plan: &Plan::SMOKE, filter, budget: Duration::from_secs(60) }
    }

    #[test]
    fn filters_arrive_as_they_are() {
        let query = Plan::SMOKE.query(&part("echo/8-values & more"), "", Duration::ZERO, "");
        assert!(query.starts_with("group=node&rounds=1&"), "{query}");
        assert!(query.ends_with("&filter=echo/8-values%20%26%20more&after="), "{query}");
    }

    #[test]
    fn page_that_stops_is_opened_again_after_the_row_in_which_it_stopped() {
        let (mut queries, mut lines) = (vec![], vec![]);
        resumed(&part(""), "", Duration::from_secs(60), &mut |line| lines.push(line), |query, _, on_line| {
            queries.push(query.rsplit_once("&after=").unwrap().1.to_owned());
            match queries.len() {
                1 => {
                    on_line(r#"{ "rows": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] }"#);
                    on_line(r#"{ "begins": "a" }"#);
                    on_line(r#"{ "row": "a", "subject": "x" }"#);
                    on_line(r#"{ "begins": "b" }"#);
                    bail!("it hangs")
                }
                _ => Ok(()),
            }
        });
        assert_eq!(queries, ["", "b"]);
        assert_eq!(lines.last(), Some(&json!({ "stopped": "b", "error": "it hangs" })));
    }

    #[test]
    fn page_outlives_a_batch_that_hangs_at_the_end_of_the_budget() {
        for plan in [Plan::FULL, Plan::QUICK, Plan::SMOKE] {
            let part = Part { plan: &plan, ..part("") };
            let budget = Duration::from_secs(60);
            resumed(&part, "", budget, &mut |_| (), |query, limit, _| {
                let value = |name: &str| {
                    let (_, rest) = query.split_once(&format!("&{name}=")).unwrap();
                    Duration::from_millis(rest.split('&').next().unwrap().parse().unwrap())
                };
                let hangs = value("timeout") * (HANGS + 1);
                assert!(limit > value("budget") + hangs + Duration::from_secs(15), "{query}: {limit:?}");
                Ok(())
            });
        }
    }

    #[test]
    fn rows_that_no_page_begins_are_reported() {
        const ANNOUNCED: &str = r#"{ "rows": [{ "name": "a" }, { "name": "b" }, { "name": "c" }, { "name": "d" }, { "name": "e" }, { "name": "f" }] }"#;
        // Budget, pages, and the rows that are not begun with the line of each.
        let table = [
            (Duration::ZERO, 1, vec!["b", "c", "d", "e", "f"], "over"),
            (Duration::from_secs(60), ATTEMPTS, vec!["e", "f"], "stopped"),
        ];
        for (budget, expected, rest, kind) in table {
            let (mut pages, mut lines) = (0, vec![]);
            resumed(&part(""), "", budget, &mut |line| lines.push(line), |_, _, on_line| {
                on_line(ANNOUNCED);
                let row = ["a", "b", "c", "d"][pages];
                on_line(&json!({ "begins": row }).to_string());
                pages += 1;
                bail!("it hangs")
            });
            assert_eq!(pages, expected);
            let found: Vec<_> =
                lines[lines.len() - rest.len()..].iter().map(|line| line[kind].as_str().unwrap()).collect();
            assert_eq!(found, rest);
        }
    }

    #[test]
    fn page_that_never_announces_rows_is_opened_once() {
        let mut lines = vec![];
        resumed(&part(""), "", Duration::from_secs(60), &mut |line| lines.push(line), |_, _, _| bail!("no display"));
        assert_eq!(lines, [json!({ "stopped": null, "error": "no display" })]);
    }
}
