//! Runs all subjects at all cases, in turns, so that other load on the machine affects all of them equally.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use coincide_benches::report::filter::passes;
use coincide_benches::report::{
    self, Batch, CHILD_LIMIT, Gap, Group, Kind, LOADED, Mark, Options, Others, Row, Run, Unit,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::allocations;
use crate::case::{Call, Case, Condition, Ends};
use crate::gauges::Gauges;
use crate::measure::{Plan, What};
use crate::peers;
use crate::subjects::{self, Subject};

/// What to measure.
pub(crate) struct Task<'a> {
    pub(crate) subjects: &'static [&'static dyn Subject],
    pub(crate) wanted: fn(&Case) -> bool,
    pub(crate) options: Options,
    /// Time for all cases. No round begins later.
    pub(crate) budget: Duration,
    /// Time that the parts of the run after this program take.
    pub(crate) later: Duration,
    /// File of the results. It is written after each case, so that it survives this process.
    pub(crate) results: &'a Path,
    /// Index of the case to begin with, in a process that continues the run in the file.
    pub(crate) resume: Option<usize>,
}

/// How a run ends.
pub(crate) enum End {
    Done(Box<Run>),
    /// Threads that hang would disturb what follows: a new process has to continue with the case of this index.
    Hung(usize),
}

/// Measures the wanted cases and subjects that pass the filter.
///
/// # Errors
/// When the results cannot be written or read.
pub(crate) fn run(task: &Task<'_>) -> anyhow::Result<End> {
    let options = &task.options;
    let selected = |case: &Case| -> Vec<&'static dyn Subject> {
        let passes = |subject: &dyn Subject| passes(&format!("{GROUP}/{case}/{}", subject.name()), &options.filter);
        let can = |subject: &dyn Subject| subject.takes(case) && (case.call != Call::Records || subject.has_records());
        task.subjects.iter().copied().filter(|subject| can(*subject) && passes(*subject)).collect()
    };
    let mut missing: Vec<(&'static dyn Subject, &str)> = vec![];
    let mut cases: Vec<(Case, Vec<&'static dyn Subject>)> = vec![];
    for case in Case::all().into_iter().filter(task.wanted) {
        let mut subjects = selected(&case);
        subjects.retain(|&subject| match subject.missing() {
            Some(reason) => {
                if missing.iter().all(|(known, _)| known.name() != subject.name()) {
                    missing.push((subject, reason));
                }
                false
            }
            None => true,
        });
        if !subjects.is_empty() {
            cases.push((case, subjects));
        }
    }
    let mut run = match task.resume {
        Some(_) => Run::read(task.results)?,
        None => begin(task, &cases, missing),
    };
    if cases.is_empty() {
        return Ok(End::Done(Box::new(run)));
    }
    let first = task.resume.unwrap_or_default();
    let earlier = Duration::from_secs_f64(run.seconds);
    let began = Instant::now();
    let over = began + task.budget.saturating_sub(earlier);
    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let progress =
        Progress::new(cases[first..].iter().map(|(_, subjects)| subjects.len() * rounds).sum(), over, task.later);
    let mut gauges = Gauges::new(options.quick, earlier, &run);
    for (index, (case, subjects)) in cases.iter().enumerate().skip(first) {
        progress.begin(case);
        // The unused time of earlier cases, and the share of this one.
        let share = (index + 1 - first) as f64 / (cases.len() - first) as f64;
        let late = began + (over - began).mul_f64(share);
        let hung = gauges.probe(&mut run) || {
            let cell = Cell { case, subjects, rounds, quick: options.quick, late, over };
            run_case(&cell, &progress, &mut run)
        };
        gauges.keep(&mut run);
        run.load[1] = report::load();
        run.seconds = (earlier + began.elapsed()).as_secs_f64();
        run.write(task.results)?;
        if hung {
            progress.bar.abandon();
            return Ok(End::Hung(index));
        }
    }
    gauges.probe(&mut run);
    gauges.keep(&mut run);
    progress.bar.finish_and_clear();
    run.load[1] = report::load();
    run.seconds = (earlier + began.elapsed()).as_secs_f64();
    Ok(End::Done(Box::new(run)))
}

/// A run that has measured nothing.
fn begin(task: &Task<'_>, cases: &[(Case, Vec<&dyn Subject>)], missing: Vec<(&dyn Subject, &str)>) -> Run {
    let mut run = Run::begin(task.options.clone());
    run.versions = peers::versions();
    run.groups.push(Group {
        name: GROUP.into(),
        about: "The crate and its peers, between threads and between processes.".into(),
    });
    run.gaps.extend(missing.into_iter().map(|(subject, reason)| gap(None, Some(subject), false, reason)));
    if cases.is_empty() {
        run.gaps.push(gap(None, None, false, &report::pages::nothing_passes(&task.options.filter)));
        return run;
    }
    run.subjects = task.subjects.iter().map(|subject| subjects::described(*subject)).collect();
    run.cases = cases.iter().map(|(case, _)| case.described()).collect();
    run
}

/// A case to be measured.
struct Cell<'a> {
    case: &'a Case,
    subjects: &'a [&'static dyn Subject],
    rounds: usize,
    quick: bool,
    /// When its share of the time ends.
    late: Instant,
    /// When the time of all cases ends.
    over: Instant,
}

/// Whether a subject hangs. Its gap is noted; other results of the case are not, because the case is run again without it.
fn run_case(cell: &Cell<'_>, progress: &Progress, run: &mut Run) -> bool {
    let &Cell { case, subjects, rounds, quick, late, over } = cell;
    let plan = plan(case.condition, quick);
    let others = Others::watch();
    let name = case.to_string();
    let subjects: Vec<_> = subjects.iter().copied().filter(|subject| !is_left_out(run, &name, *subject)).collect();
    let mut batches: Vec<anyhow::Result<Vec<Batch>>> = subjects.iter().map(|_| Ok(vec![])).collect();
    let mut done = 0;
    while wants_more(done, rounds, Instant::now() >= late, || any_unstable(&batches)) && Instant::now() < over {
        for turn in 0..subjects.len() {
            // Each round begins with another one, so that none always follows the same neighbour.
            let index = (turn + done) % subjects.len();
            progress.step(case, subjects[index], done < rounds);
            if let Ok(done) = &mut batches[index] {
                match run_batch(subjects[index], *case, plan) {
                    Ok(Ok(batch)) => done.push(batch),
                    Ok(Err(error)) => batches[index] = Err(error),
                    Err(Hangs) => {
                        run.gaps.push(failure(&name, subjects[index], HANGS));
                        return true;
                    }
                }
            }
        }
        done += 1;
    }
    if done == 0 {
        run.gaps.push(gap(Some(&name), None, false, OVER));
        return false;
    }
    let is_loaded = others.and_then(|others| others.cores()).is_some_and(|cores| cores > LOADED);
    for (&subject, batches) in subjects.iter().zip(batches) {
        let row = |unit, batches: &[Batch]| Row::of([GROUP, &name, subject.name()], unit, batches);
        match batches.and_then(|batches| row(Unit::Nanoseconds, &batches)) {
            Ok(mut row) => {
                row.marks.extend((done > rounds).then_some(Mark::Repeated));
                row.marks.extend(is_loaded.then_some(Mark::Loaded));
                run.rows.push(row);
            }
            Err(error) => {
                run.gaps.push(failure(&name, subject, &format!("{error:#}")));
                continue;
            }
        }
        if counts_allocations(case, subject) {
            match run_batch(subject, *case, Plan { what: What::Allocations, ..plan }) {
                Ok(batch) => match batch.and_then(|batch| row(Unit::Allocations, &[batch])) {
                    Ok(row) => run.rows.push(row),
                    Err(error) => run.gaps.push(failure(&name, subject, &format!("{error:#}"))),
                },
                Err(Hangs) => {
                    run.rows.retain(|row| row.case != name);
                    run.gaps.push(failure(&name, subject, HANGS));
                    return true;
                }
            }
        }
    }
    false
}

/// Whether the subject has a gap in this case, or has hung in two others.
fn is_left_out(run: &mut Run, case: &str, subject: &dyn Subject) -> bool {
    let of_subject = |gap: &&Gap| gap.subject.as_deref() == Some(subject.name());
    if run.gaps.iter().filter(of_subject).any(|gap| gap.case.as_deref() == Some(case)) {
        return true;
    }
    let hung = run.gaps.iter().filter(of_subject).filter(|gap| gap.reason == HANGS).count();
    if hung >= MOST_HANGS {
        run.gaps.push(failure(case, subject, "it hung in two earlier cases"));
    }
    hung >= MOST_HANGS
}

/// Whether a further round follows: the planned ones, and as many again while rows are unstable, as long as there is time.
/// At least [`LEAST_ROUNDS`] are run, which an interval requires.
fn wants_more(done: usize, planned: usize, is_late: bool, is_unstable: impl FnOnce() -> bool) -> bool {
    done < planned.min(LEAST_ROUNDS) || !is_late && (done < planned || done < 2 * planned && is_unstable())
}

fn any_unstable(batches: &[anyhow::Result<Vec<Batch>>]) -> bool {
    let mut rows =
        batches.iter().flatten().filter_map(|batches| Row::of(["", "", ""], Unit::Nanoseconds, batches).ok());
    rows.any(|row| row.is_unstable())
}

/// A peer that does not work is a result. Anything else is a fault of coincide or of this suite.
fn failure(case: &str, subject: &dyn Subject, reason: &str) -> Gap {
    gap(Some(case), Some(subject), subject.kind() != Kind::Peer, reason)
}

pub(crate) fn gap(case: Option<&str>, subject: Option<&dyn Subject>, failed: bool, reason: &str) -> Gap {
    Gap {
        group: GROUP.into(),
        case: case.map(str::to_owned),
        subject: subject.map(|subject| subject.name().to_owned()),
        failed,
        reason: reason.to_owned(),
    }
}

/// A batch has not ended. Its threads disturb everything that follows in this process.
#[derive(Debug)]
pub(crate) struct Hangs;

/// Runs a batch on a thread of its own, which may be confined to a core.
///
/// # Errors
/// When the subject hangs. The inner result is the subject's own.
pub(crate) fn run_batch(subject: &'static dyn Subject, case: Case, plan: Plan) -> Result<anyhow::Result<Batch>, Hangs> {
    let (done, outcome) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let run = || {
            let _hog = (case.condition == Condition::Hogged).then(Hog::start);
            allocations::enable(plan.what == What::Allocations);
            let batch = subjects::run(subject, &case, &plan);
            allocations::enable(false);
            batch
        };
        // The receiver is gone if it took too long.
        let _ = done.send(run());
    });
    match outcome.recv_timeout(BATCH_LIMIT) {
        Ok(batch) => Ok(thread.join().map_err(|_| anyhow!("it panicked at its end")).and(batch)),
        Err(RecvTimeoutError::Timeout) => Err(Hangs),
        Err(RecvTimeoutError::Disconnected) => Ok(Err(anyhow!("it panicked"))),
    }
}

pub(crate) fn plan(condition: Condition, quick: bool) -> Plan {
    let ms = |full: u64, short: u64| Duration::from_millis(if quick { short } else { full });
    let plan = Plan { what: What::Time, warm_up: ms(5, 3), batch: ms(25, 10), min_samples: 5, pause: None };
    match condition {
        Condition::Hot | Condition::TwoLinks | Condition::TwoLinksBusy => plan,
        // Many threads take turns on few cores.
        Condition::ManyLinksBusy | Condition::BesideBulk => Plan { warm_up: ms(50, 20), batch: ms(200, 60), ..plan },
        Condition::Cold => Plan { batch: ms(60, 30), min_samples: 20, pause: Some(PAUSE), ..plan },
        Condition::OneCore => Plan { batch: ms(50, 25), ..plan },
        // Much longer than the time slices of the scheduler.
        Condition::Hogged => Plan { warm_up: ms(20, 10), batch: ms(150, 60), ..plan },
    }
}

/// Where allocations are counted: the same for all subjects at small sizes, and for coincide at every size.
fn counts_allocations(case: &Case, subject: &dyn Subject) -> bool {
    let small = matches!(case.call, Call::Increment | Call::Echo { bytes: 32 });
    case.condition == Condition::Hot && case.ends == Ends::Threads && (small || subject.kind() == Kind::Coincide)
}

/// A thread that occupies a core until this is dropped.
struct Hog {
    stop: Arc<AtomicBool>,
}

impl Hog {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self { stop }
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A bar on a terminal, a line per case elsewhere.
struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// When the time of all cases ends.
    over: Instant,
    /// Time of what follows this program.
    later: Duration,
}

impl Progress {
    fn new(batches: usize, over: Instant, later: Duration) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
        let bar = ProgressBar::new(batches as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, began: Instant::now(), over, later }
    }

    fn begin(&self, case: &Case) {
        if self.bar.is_hidden() {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            eprintln!("{case} ({done} of {all} batches done, {})", self.left());
        }
    }

    /// Time left at the pace so far, within the budget.
    fn left(&self) -> String {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
        let most = self.over.saturating_duration_since(Instant::now());
        let left = match done {
            0 => most,
            _ => self.began.elapsed().mul_f64((all - done.min(all)) as f64 / done as f64).min(most),
        };
        match (left + self.later).as_secs() {
            seconds @ 0..90 => format!("about {seconds} s left"),
            seconds => format!("about {} min left", seconds.div_ceil(60)),
        }
    }

    fn step(&self, case: &Case, subject: &dyn Subject, is_planned: bool) {
        let again = if is_planned { "" } else { ", repeated" };
        self.bar.set_message(format!("{}  {case} {}{again}", self.left(), subject.name()));
        self.bar.inc(u64::from(is_planned));
    }
}

/// Name of the group of what is measured here.
pub(crate) const GROUP: &str = "native";

const ROUNDS: usize = 9;

const QUICK_ROUNDS: usize = 3;

/// Rounds that are run even if time is up: fewer give no interval.
const LEAST_ROUNDS: usize = 3;

/// Far more than any busy polling.
const PAUSE: Duration = Duration::from_micros(300);

/// Longest that a batch takes unless something hangs. A child process that hangs ends itself before.
const BATCH_LIMIT: Duration = CHILD_LIMIT.saturating_add(Duration::from_secs(10));

/// Reason of the gap of a batch that has not ended within [`BATCH_LIMIT`].
const HANGS: &str = "it hangs: a batch has not ended after 40 s";

/// Reason of the gap of a case that was not begun.
const OVER: &str = "the time of this part of the run was over";

/// Hangs of a subject after which it is not run any more.
const MOST_HANGS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_of_a_hang_names_the_limit() {
        assert!(HANGS.ends_with(&format!("{} s", BATCH_LIMIT.as_secs())));
        assert!(BATCH_LIMIT > CHILD_LIMIT);
    }

    #[test]
    fn failure_of_a_peer_does_not_fail_the_run() {
        for subject in subjects::ALL {
            assert_eq!(failure("inc", *subject, "").failed, subject.kind() != Kind::Peer, "{}", subject.name());
        }
    }

    #[test]
    fn subject_that_has_hung_twice_is_left_out() {
        let mut run = Run::begin(Options::default());
        let subject = subjects::FUTEX;
        for case in ["a", "b"] {
            assert!(!is_left_out(&mut run, case, subject));
            run.gaps.push(failure(case, subject, HANGS));
            assert!(is_left_out(&mut run, case, subject), "{case} is not run again");
        }
        assert!(is_left_out(&mut run, "c", subject));
        assert!(!is_left_out(&mut run, "c", subjects::LIMIT));
        assert_eq!(run.gaps.len(), 3);
    }

    #[test]
    fn rounds_follow_the_plan_the_budget_and_the_stability_of_rows() {
        // Rounds done, planned, whether time is up, whether a row is unstable, whether a further round follows.
        let table = [
            (0, 9, true, true, true),
            (2, 9, true, false, true),
            (3, 9, true, true, false),
            (8, 9, false, false, true),
            (9, 9, false, false, false),
            (9, 9, false, true, true),
            (17, 9, false, true, true),
            (18, 9, false, true, false),
            (3, 3, false, true, true),
        ];
        for (done, planned, is_late, is_unstable, expected) in table {
            let found = wants_more(done, planned, is_late, || is_unstable);
            assert_eq!(found, expected, "{done} of {planned}, late: {is_late}, unstable: {is_unstable}");
        }
    }
}
