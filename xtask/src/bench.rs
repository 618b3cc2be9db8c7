//! `cargo xtask bench`: measures natively, by a program of the bench crate, and in Node.js and browsers, by a page. Then reports and compares.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::load::{self, Others};
use crate::process;
use crate::report::{BAD, DIM, ODD, Tally, say};
use crate::schedule::{Place, Schedule};
use crate::tools;
use crate::web::{Bench, Browser, Part, Plan};
use crate::workspace::Workspace;

/// What to measure, report and compare.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) web: bool,
    pub(crate) all: bool,
    pub(crate) profile: bool,
    pub(crate) quick: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) from: Option<PathBuf>,
    pub(crate) against: Option<PathBuf>,
    pub(crate) fail_on_regression: bool,
    pub(crate) docs: bool,
    pub(crate) filter: Option<String>,
}

/// Measures or reads results, reports them, and compares them on request. Fails on a row that could not be measured and, on request, on a
/// regression.
///
/// # Errors
/// When something does not build, a program fails, or runs cannot be compared.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let folder = workspace.root.join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    keep_inputs(options, &folder)?;
    if options.profile {
        let file = folder.join("profile.json");
        native(workspace, options, &file, Duration::ZERO)?;
        keep(&file, options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let results = match &options.from {
        Some(from) => from.clone(),
        None => measure(workspace, options, &folder)?,
    };
    keep(&results, options)?;
    let mut report = program(workspace, RESULTS);
    report.arg("report").arg(&results).arg(folder.join("report.html"));
    let reported = process::run(report, LIMIT).context("the report names rows that failed");
    if let Some(old) = &options.against {
        let mut command = program(workspace, RESULTS);
        command.arg("against").arg(old).arg(&results);
        command.args(options.fail_on_regression.then_some("--fail-on-regression"));
        process::run(command, LIMIT).context("the comparison")?;
    }
    if options.docs {
        let mut command = program(workspace, RESULTS);
        command.arg("docs").arg(&results).arg(workspace.root.join("docs"));
        process::run(command, LIMIT).context("the documentation")?;
    }
    reported.map(|()| ExitCode::SUCCESS)
}

/// Measures the parts one after the other. With `all`, a part that fails is a gap.
fn measure(workspace: &Workspace, options: &Options, folder: &Path) -> anyhow::Result<PathBuf> {
    let places = places(options);
    let has_pages = places.iter().any(|place| !matches!(place, Place::Native | Place::Criterion));
    // Programs are built before the clock starts.
    let bench = if has_pages { Bench::build(workspace)? } else { Err(String::new()) };
    if let (Err(why), true, false) = (&bench, has_pages, options.all) {
        bail!("{why}");
    }
    if options.all {
        process::run(cargo(workspace, "build", "native"), LIMIT).context("the native benches")?;
        let mut build = criterion(workspace);
        build.arg("--no-run");
        process::run(build, LIMIT).context("the criterion benches")?;
    }
    let mut run = Parts { workspace, options, hosts: vec![], files: vec![], gaps: vec![] };
    let mut schedule = Schedule::new(&places, options.quick);
    let (mut began, load) = (Instant::now(), load::average());
    for place in places {
        schedule.begin(place);
        match run.measure(place, &bench, folder, &schedule) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                say!("{ODD}skipped{ODD:#} {}: {why}", place.name());
                run.gaps.push(gap(place, false, &why));
            }
            Err(error) if options.all => {
                say!("{BAD}failed{BAD:#} {}: {error:#}", place.name());
                run.gaps.push(gap(place, true, &format!("{error:#}")));
            }
            Err(error) => return Err(error),
        }
        if matches!(place, Place::Native | Place::Criterion) {
            // Their results have their own time.
            began = Instant::now();
        }
    }
    if has_pages {
        let gathered = json!({
            "options": { "quick": options.quick, "filter": options.filter.as_deref().unwrap_or_default() },
            "load": load,
            "seconds": began.elapsed().as_secs_f64(),
            "shipped": bench.map(|bench| bench.shipped).unwrap_or_default(),
            "hosts": run.hosts,
            "gaps": run.gaps,
        });
        let lines = folder.join("lines.json");
        fs::write(&lines, gathered.to_string()).with_context(|| format!("cannot write {}", lines.display()))?;
        let pages = folder.join("pages.json");
        let mut command = program(workspace, RESULTS);
        command.arg("gathered").arg(lines).arg(&pages);
        process::run(command, LIMIT).context("the results of the pages")?;
        run.files.push(pages);
    }
    let mut merge = program(workspace, RESULTS);
    let results = folder.join(MERGED);
    merge.arg("merge").arg(&results).args(run.files);
    process::run(merge, LIMIT).context("the results")?;
    Ok(results)
}

/// What the parts of a run have measured so far.
struct Parts<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    /// What pages have posted.
    hosts: Vec<Value>,
    /// Results.
    files: Vec<PathBuf>,
    gaps: Vec<Value>,
}

impl Parts<'_> {
    /// Measures a part. The inner error is the reason why that is not possible here.
    fn measure(
        &mut self,
        place: Place,
        bench: &Result<Bench, String>,
        folder: &Path,
        schedule: &Schedule,
    ) -> anyhow::Result<Result<(), String>> {
        match (place, bench) {
            (Place::Native, _) if !cfg!(target_os = "linux") => return Ok(Err("it takes Linux".to_owned())),
            (Place::Native, _) => {
                let file = folder.join("native.json");
                // Results of an earlier run are not those of this one.
                let _ = fs::remove_file(&file);
                let end = native(self.workspace, self.options, &file, schedule.later());
                if end.is_ok() || file.is_file() {
                    self.files.push(file);
                }
                end?;
            }
            (Place::Criterion, _) => self.files.push(run_criterion(self.workspace, self.options, folder)?),
            (_, Ok(bench)) => match self.pages(place, bench, schedule)? {
                Ok(host) => self.hosts.push(host),
                Err(why) => return Ok(Err(why)),
            },
            (_, Err(why)) => return Ok(Err(why.clone())),
        }
        Ok(Ok(()))
    }

    /// Runs the pages, or what Node.js has instead, and gives what they posted. The inner error is the reason why there is no such browser.
    fn pages(&self, place: Place, bench: &Bench, schedule: &Schedule) -> anyhow::Result<Result<Value, String>> {
        let part = Part {
            group: place.name(),
            plan: if self.options.quick { &Plan::QUICK } else { &Plan::FULL },
            filter: self.options.filter.as_deref().unwrap_or_default(),
            budget: place.budget(self.options.quick),
        };
        let mut watched = Watched::new(schedule);
        let version = match place {
            Place::Browser(browser) => {
                let program = match browser.find_or_install(self.workspace) {
                    Ok(program) => program,
                    Err(why) => return Ok(Err(why)),
                };
                watched.shares = Bench::pages(browser).iter().map(|page| page.share).collect();
                bench.run((browser, &program), &part, |line| watched.line(line));
                browser.version(self.workspace, &program)
            }
            _ => {
                bench.run_in_node(self.workspace, &part, |line| watched.line(line));
                tools::node_version(self.workspace)
            }
        };
        Ok(Ok(json!({ "name": place.name(), "version": version, "lines": watched.lines })))
    }
}

/// The requested parts.
fn places(options: &Options) -> Vec<Place> {
    let mut places = Place::all();
    places.retain(|place| match place {
        Place::Native => options.all || !options.web,
        // Criterion filters by other rules.
        Place::Criterion => options.all && options.filter.is_none(),
        Place::Node | Place::Browser(_) => options.all || options.web,
    });
    places
}

/// Why a part is missing.
fn gap(place: Place, failed: bool, reason: &str) -> Value {
    json!({ "group": place.name(), "case": null, "subject": null, "failed": failed, "reason": reason })
}

/// Builds and runs the native program, which writes its results to a file. `later` is the time of the parts after it.
fn native(workspace: &Workspace, options: &Options, file: &Path, later: Duration) -> anyhow::Result<()> {
    let mut command = program(workspace, "native");
    for (flag, is_set) in [("--profile", options.profile), ("--quick", options.quick)] {
        command.args(is_set.then_some(flag));
    }
    let mut limit = LIMIT;
    if options.all {
        let budget = Place::Native.budget(options.quick);
        command.arg("--budget").arg(budget.as_secs().to_string());
        command.arg("--later").arg(later.as_secs().to_string());
        limit = budget + GRACE;
    }
    command.arg(file).args(&options.filter);
    process::run(command, limit).context("the native benches")
}

/// Runs the criterion benches and converts what criterion writes. Returns the file of the results.
fn run_criterion(workspace: &Workspace, options: &Options, folder: &Path) -> anyhow::Result<PathBuf> {
    let (home, file) = (folder.join("criterion"), folder.join("criterion.json"));
    // Results of an earlier run are not those of this one.
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    // In seconds. All benches together fit into the budget of the part.
    let (warm_up, measurement, resamples) =
        if options.quick { ("0.02", "0.1", "1001") } else { ("0.2", "0.5", "10000") };
    let (began, load, mut others) = (Instant::now(), load::average(), Others::watch());
    let mut command = criterion(workspace);
    command.args(["--", "--noplot", "--warm-up-time", warm_up, "--measurement-time", measurement]);
    command.args(["--nresamples", resamples]).env("CRITERION_HOME", &home);
    process::run(command, Place::Criterion.budget(options.quick) + GRACE).context("the criterion benches")?;
    let (seconds, others) = (began.elapsed().as_secs_f64(), others.cores().unwrap_or_default());
    let mut convert = program(workspace, RESULTS);
    convert.arg("criterion").arg(&home).arg(&file);
    convert.args([load, seconds, others].map(|number| number.to_string())).args(options.quick.then_some("--quick"));
    process::run(convert, LIMIT).context("the results of criterion")?;
    Ok(file)
}

/// The lines of the pages of one host, with the load of other programs in between.
struct Watched<'a> {
    schedule: &'a Schedule,
    /// Share of the time of each page.
    shares: Vec<f64>,
    others: Others,
    lines: Vec<Value>,
    row: Value,
    /// Number of pages that have announced their rows.
    announced: usize,
    /// Batches of the current page: those that are planned, and those that are done.
    planned: usize,
    done: usize,
}

impl<'a> Watched<'a> {
    fn new(schedule: &'a Schedule) -> Self {
        Self {
            schedule,
            shares: vec![1.0],
            others: Others::watch(),
            lines: vec![],
            row: Value::Null,
            announced: 0,
            planned: 0,
            done: 0,
        }
    }

    fn line(&mut self, line: Value) {
        if let Some(rows) = line["rows"].as_array() {
            // A page that was opened again continues.
            if line["after"].is_null() {
                self.announced += 1;
                self.done = 0;
            }
            self.planned = self.done + rows.iter().filter_map(|row| row["batches"].as_u64()).sum::<u64>() as usize;
        }
        if !line["row"].is_null() {
            if line["row"] != self.row {
                self.row = line["row"].clone();
                let share = share(&self.shares, self.announced, self.done, self.planned);
                say!("{} {DIM}{}{DIM:#}", self.row.as_str().unwrap_or_default(), self.schedule.left(share));
            }
            self.done += 1;
        }
        show(&line);
        let (begins, ends) = (!line["begins"].is_null(), !line["ends"].is_null());
        self.lines.push(line);
        // Between rows, the time of a browser that is closed would count as that of others.
        if (begins || ends)
            && let Some(cores) = self.others.cores()
            && ends
        {
            self.lines.push(json!({ "others": cores }));
        }
    }
}

/// How much of the pages of a host is done.
fn share(shares: &[f64], announced: usize, done: usize, planned: usize) -> f64 {
    let of_page = if planned == 0 { 1.0 } else { (done as f64 / planned as f64).min(1.0) };
    let Some(current) = announced.checked_sub(1) else { return 0.0 };
    shares.iter().take(current).sum::<f64>() + of_page * shares.get(current).copied().unwrap_or_default()
}

/// Runs every row with every subject once, in Node.js and in a browser, and counts each figure.
pub(crate) fn smoke(workspace: &Workspace, tally: &mut Tally) {
    const WHAT: &str = "the benches in a browser";
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
    let mut rounds = workspace.command("node");
    rounds.arg("benches/web/rounds.test.mjs");
    tally.check("the rounds of a row", process::run(rounds, SMOKE));
    let mut counts = workspace.command("node");
    counts.arg(bench.counts());
    tally.check("crossings between JavaScript and wasm per call", process::run(counts, SMOKE));
    let part = |group| Part { group, plan: &Plan::SMOKE, filter: "", budget: SMOKE };
    let mut lines = Vec::new();
    bench.run_in_node(workspace, &part("node"), |line| lines.push(line));
    judge("node: ", &lines, tally);
    let Some((browser, program)) = Browser::any(workspace) else {
        return tally.skip(WHAT, "no browser is installed");
    };
    let mut lines = Vec::new();
    bench.run((browser, &program), &part(browser.name()), |line| lines.push(line));
    judge("", &lines, tally);
}

/// Counts each figure that the pages' first lines announce, and their gauges.
fn judge(place: &str, lines: &[Value], tally: &mut Tally) {
    let rows: Vec<_> = lines.iter().filter_map(|line| line["rows"].as_array()).flatten().collect();
    let stopped =
        |line: &Value| line.get("stopped").or(line.get("gauge")).map(|what| format!("{what}: {}", line["error"]));
    for fault in lines.iter().filter_map(|line| line.as_str().map(str::to_owned).or_else(|| stopped(line))) {
        tally.fail(format!("{place}the page of the benches: {fault}"));
    }
    if rows.is_empty() {
        return tally.fail("the page of the benches announced nothing".to_owned());
    }
    let probes = lines.iter().filter(|line| line["gauges"].is_object()).count();
    tally.check(&format!("{place}gauges"), if probes > 1 { Ok(()) } else { Err(anyhow::anyhow!("{probes} probes")) });
    for row in rows {
        for subject in row["subjects"].as_array().into_iter().flatten() {
            let line = lines.iter().find(|line| line["row"] == row["name"] && line["subject"] == *subject);
            for figure in row["figures"].as_array().into_iter().flatten() {
                let name = figure["name"].as_str().unwrap_or_default();
                let what = format!("{place}{name}/{}", subject.as_str().unwrap_or_default());
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

/// Shows notes, and what failed.
fn show(line: &Value) {
    if let Some(fault) = line.as_str() {
        return say!("{BAD}failed{BAD:#} {fault}");
    }
    if let (Some(error), None) = (line["error"].as_str(), line.get("row")) {
        let what = [&line["stopped"], &line["gauge"]].into_iter().find_map(Value::as_str).unwrap_or("the page");
        return say!("{BAD}failed{BAD:#} {what}: {error}");
    }
    if let Some(note) = line["note"].as_str() {
        return say!("{DIM}{note}{DIM:#}");
    }
    if let (Some(row), Some(error)) = (line["row"].as_str(), line["error"].as_str()) {
        say!("{BAD}failed{BAD:#} {row}/{}: {error}", line["subject"].as_str().unwrap_or_default());
    }
}

/// A program of the bench crate, with its arguments to come.
fn program(workspace: &Workspace, name: &str) -> Command {
    let mut command = cargo(workspace, "run", name);
    command.arg("--");
    command
}

/// Builds or runs a program of the bench crate. The one that reads results does without the peers.
fn cargo(workspace: &Workspace, what: &str, program: &str) -> Command {
    let features: &[&str] = if program == RESULTS { &["--no-default-features", "--features", "report"] } else { &[] };
    let all = [what, "--quiet", "--release", "--manifest-path", "benches/Cargo.toml", "--bin", program];
    let mut command = workspace.cargo(all.into_iter().chain(features.iter().copied()));
    command.env("CARGO_TARGET_DIR", &workspace.target);
    command
}

/// Builds or runs the criterion benches, with the arguments to come. They need no peers.
fn criterion(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo(["bench", "--quiet", "--manifest-path", "benches/Cargo.toml"]);
    command.args(["--no-default-features", "--benches"]).env("CARGO_TARGET_DIR", &workspace.target);
    command
}

/// Writes the results to the file of `--json`, if there is one.
fn keep(results: &Path, options: &Options) -> anyhow::Result<()> {
    let Some(json) = &options.json else { return Ok(()) };
    if is_same(results, json) {
        // Copying a file onto itself empties it.
        return Ok(());
    }
    fs::copy(results, json).map(drop).with_context(|| format!("cannot write {}", json.display()))
}

/// Refuses to overwrite a file that is read: the old results would be lost, and compared with themselves.
fn keep_inputs(options: &Options, folder: &Path) -> anyhow::Result<()> {
    let inputs = [("--from", &options.from), ("--against", &options.against)];
    for (name, input) in inputs.into_iter().filter_map(|(name, input)| Some((name, input.as_ref()?))) {
        if options.json.as_ref().is_some_and(|json| is_same(input, json)) {
            bail!("`--json` would overwrite {}, which `{name}` reads: choose another file", input.display());
        }
        let own = if options.from.is_some() { &[][..] } else { &OWN };
        if own.iter().any(|own| is_same(input, &folder.join(own))) {
            bail!("this run would overwrite {}, which `{name}` reads: copy it elsewhere first", input.display());
        }
    }
    Ok(())
}

/// Whether two paths lead to one existing file.
fn is_same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    let identity = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    };
    #[cfg(not(unix))]
    let identity = |path: &Path| fs::canonicalize(path).ok();
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

/// The program that reads results.
const RESULTS: &str = "results";

/// File of the results of a run, in the folder of the benches.
const MERGED: &str = "results.json";

/// Files that a run writes there.
const OWN: [&str; 5] = [MERGED, "native.json", "lines.json", "pages.json", "profile.json"];

/// Time beyond the budget of the native part: for a batch that hangs at its end.
const GRACE: Duration = Duration::from_secs(60);

/// Time of a page or a test that measures nothing.
const SMOKE: Duration = Duration::from_secs(600);

/// Building the peers and measuring everything stays far below this.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_not_overwritten_under_any_name() {
        let folder = std::env::temp_dir().join(format!("coincide-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| Some(folder.join(name));
        for name in ["old.json", MERGED] {
            fs::write(folder.join(name), "{}").unwrap();
        }
        fs::hard_link(folder.join("old.json"), folder.join("linked.json")).unwrap();
        let roundabout = Some(folder.join("../").join(folder.file_name().unwrap()).join("old.json"));
        for (json, from, against, expected) in [
            (None, None, None, ""),
            (file("new.json"), None, file("old.json"), ""),
            (file(MERGED), None, file("old.json"), ""),
            (file("new.json"), file(MERGED), file("old.json"), ""),
            (file("old.json"), None, file("old.json"), "`--against` reads"),
            (file("linked.json"), None, file("old.json"), "`--against` reads"),
            (roundabout.clone(), None, file("old.json"), "`--against` reads"),
            (roundabout, file("old.json"), None, "`--from` reads"),
            (None, None, file(MERGED), "copy it elsewhere"),
        ] {
            let shown = format!("{json:?} {from:?} {against:?}");
            let result = keep_inputs(&Options { json, from, against, ..Options::default() }, &folder);
            let text = result.err().map_or_else(String::new, |error| error.to_string());
            assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{shown}: {text}");
        }
        // Results are copied elsewhere, and not onto themselves.
        let results = folder.join(MERGED);
        for json in [MERGED, "new.json"] {
            keep(&results, &Options { json: file(json), ..Options::default() }).unwrap();
            assert_eq!(fs::read_to_string(folder.join(json)).unwrap(), "{}", "{json}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn parts_are_those_that_were_asked_for() {
        let names = |options: Options| places(&options).into_iter().map(Place::name).collect::<Vec<_>>();
        assert_eq!(names(Options::default()), ["native"]);
        let web = names(Options { web: true, ..Options::default() });
        assert_eq!(web[1..], Browser::ALL.map(Browser::name));
        assert_eq!(names(Options { all: true, ..Options::default() }), [&["native", "criterion"], &web[..]].concat());
        let filter = Some("inc".to_owned());
        assert_eq!(names(Options { all: true, filter, ..Options::default() }), [&["native"], &web[..]].concat());
        assert_eq!(web[0], "node");
    }

    #[test]
    fn what_others_use_is_noted_at_the_end_of_each_row() {
        let schedule = Schedule::new(&[Place::Node], true);
        let mut watched = Watched::new(&schedule);
        for line in
            [json!({ "begins": "inc" }), json!({ "row": "inc" }), json!({ "ends": "inc" }), json!({ "begins": "a" })]
        {
            watched.line(line);
        }
        let kinds: Vec<_> = watched.lines.iter().flat_map(|line| line.as_object().unwrap().keys()).collect();
        assert_eq!(kinds, ["begins", "row", "ends", "others", "begins"]);
    }

    #[test]
    fn share_of_a_browser_grows_to_one() {
        for browser in Browser::ALL {
            let of_pages: Vec<f64> = Bench::pages(browser).iter().map(|page| page.share).collect();
            let steps = [(0, 0, 0), (1, 5, 10), (1, 10, 10), (2, 5, 10), (of_pages.len(), 20, 10)];
            let shares = steps.map(|(announced, done, planned)| share(&of_pages, announced, done, planned));
            assert!(shares.is_sorted(), "{shares:?}");
            assert!((shares[0] == 0.0) && (shares[4] - 1.0).abs() < 1e-9, "{shares:?}");
        }
    }

    #[test]
    fn every_announced_figure_is_wanted() {
        let rows = json!([{ "name": "inc", "subjects": ["a", "b", "c", "d", "e"], "figures": [{ "name": "inc" }] }]);
        let lines = [
            json!({ "rows": rows }),
            json!({ "gauges": {}, "at": 0 }),
            json!({ "row": "inc", "subject": "a", "samples": { "inc": [1.5, 2] }, "skipped": {} }),
            json!({ "row": "inc", "subject": "b", "samples": { "inc": [null] }, "skipped": {} }),
            json!({ "row": "inc", "subject": "c", "samples": {}, "skipped": { "inc": "not here" } }),
            json!({ "row": "inc", "subject": "d", "error": "it hangs" }),
            json!({ "gauges": {}, "at": 1 }),
            json!({ "stopped": "await", "error": "it hangs" }),
        ];
        let mut tally = Tally::default();
        judge("", &lines, &mut tally);
        assert_eq!((tally.passed, tally.skipped.len()), (2, 1));
        let failures = [
            "the page of the benches: \"await\": \"it hangs\"",
            "inc/b: its samples are [null]",
            "inc/d: it hangs",
            "inc/e: the page did not run it",
        ];
        assert_eq!(tally.failures, failures);

        let mut tally = Tally::default();
        judge("", &["the page failed".into()], &mut tally);
        assert_eq!(tally.failed, 2);
    }
}
