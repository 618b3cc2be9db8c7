//! Runs all subjects at all cases, in turns, so that other load on the machine affects all of them equally.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use coincide_benches::report::pages::NOTHING_NAMED;
use coincide_benches::report::{self, Batch, Gap, Group, Kind, LOADED, Mark, Options, Others, Row, Run, Unit};
use indicatif::{ProgressBar, ProgressStyle};

use crate::allocations;
use crate::case::{Call, Case, Condition, Ends};
use crate::gauges::Gauges;
use crate::measure::{Plan, What};
use crate::peers;
use crate::subjects::{self, Subject};

/// Measures the `wanted` cases whose `case/subject` contains the filter. `budget` is the total time of rounds beyond the first.
///
/// # Errors
/// When a subject hangs.
pub(crate) fn run(
    all: &'static [&'static dyn Subject],
    wanted: fn(&Case) -> bool,
    options: Options,
    budget: Duration,
) -> anyhow::Result<Run> {
    let (quick, filter) = (options.quick, options.filter.clone());
    let selected = |case: &Case| -> Vec<&'static dyn Subject> {
        let passes = |subject: &dyn Subject| format!("{case}/{}", subject.name()).contains(&filter);
        all.iter().copied().filter(|subject| subject.takes(case) && passes(*subject)).collect::<Vec<_>>()
    };
    let mut missing = vec![];
    let mut cases: Vec<(Case, Vec<&'static dyn Subject>)> = vec![];
    for case in Case::all().into_iter().filter(wanted) {
        let mut subjects = selected(&case);
        subjects.retain(|subject| {
            missing.extend(subject.missing().map(|reason| (subject.name(), reason)));
            subject.missing().is_none()
        });
        if !subjects.is_empty() {
            cases.push((case, subjects));
        }
    }
    missing.dedup();
    let began = Instant::now();
    let mut run = Run::begin(options);
    run.versions = peers::versions();
    run.groups.push(Group {
        name: GROUP.into(),
        about: "The crate and its peers, between threads and between processes.".into(),
    });
    run.gaps.extend(missing.into_iter().map(|(subject, reason)| Gap {
        group: GROUP.into(),
        case: None,
        subject: Some(subject.into()),
        failed: false,
        reason: reason.into(),
    }));
    if cases.is_empty() {
        run.gaps.push(Gap {
            group: GROUP.into(),
            case: None,
            subject: None,
            failed: false,
            reason: NOTHING_NAMED.into(),
        });
        return Ok(run);
    }
    run.subjects = all.iter().map(|subject| subjects::described(*subject)).collect();
    run.cases = cases.iter().map(|(case, _)| case.described()).collect();

    let rounds = if quick { QUICK_ROUNDS } else { ROUNDS };
    let progress = Progress::new(cases.iter().map(|(_, subjects)| subjects.len() * rounds).sum::<usize>() as u64);
    let mut gauges = Gauges::new(quick);
    for (index, (case, subjects)) in cases.iter().enumerate() {
        progress.begin(case);
        gauges.probe()?;
        // The unused time of earlier cases, and the share of this one.
        let end = began + budget.mul_f64((index + 1) as f64 / cases.len() as f64);
        run_case(case, subjects, rounds, quick, end, &progress, &mut run)?;
    }
    gauges.probe()?;
    progress.bar.finish_and_clear();
    run.gauges = gauges.into_gauges().into();
    run.load[1] = report::load();
    run.seconds = began.elapsed().as_secs_f64();
    Ok(run)
}

fn run_case(
    case: &Case,
    subjects: &[&'static dyn Subject],
    rounds: usize,
    quick: bool,
    end: Instant,
    progress: &Progress,
    run: &mut Run,
) -> anyhow::Result<()> {
    let plan = plan(case.condition, quick);
    let others = Others::watch();
    let name = case.to_string();
    let mut batches: Vec<anyhow::Result<Vec<Batch>>> = subjects.iter().map(|_| Ok(vec![])).collect();
    let mut done = 0;
    while wants_more(done, rounds, Instant::now() >= end, || any_unstable(&batches)) {
        for turn in 0..subjects.len() {
            // Each round begins with another one, so that none always follows the same neighbour.
            let index = (turn + done) % subjects.len();
            progress.step(case, subjects[index], done < rounds);
            if let Ok(done) = &mut batches[index] {
                match run_batch(subjects[index], *case, plan)? {
                    Ok(batch) => done.push(batch),
                    Err(error) => batches[index] = Err(error),
                }
            }
        }
        done += 1;
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
                run.gaps.push(failure(&name, subject, &error));
                continue;
            }
        }
        if counts_allocations(case, subject) {
            let batch = run_batch(subject, *case, Plan { what: What::Allocations, ..plan })?;
            match batch.and_then(|batch| row(Unit::Allocations, &[batch])) {
                Ok(row) => run.rows.push(row),
                Err(error) => run.gaps.push(failure(&name, subject, &error)),
            }
        }
    }
    Ok(())
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

fn failure(case: &str, subject: &dyn Subject, error: &anyhow::Error) -> Gap {
    Gap {
        group: GROUP.into(),
        case: Some(case.into()),
        subject: Some(subject.name().into()),
        failed: true,
        reason: format!("{error:#}"),
    }
}

/// Runs a batch on a thread of its own, which may be confined to a core.
///
/// # Errors
/// When the subject hangs: its threads then disturb everything that follows. The inner result is the subject's own.
pub(crate) fn run_batch(
    subject: &'static dyn Subject,
    case: Case,
    plan: Plan,
) -> anyhow::Result<anyhow::Result<Batch>> {
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
    match outcome.recv_timeout(PATIENCE) {
        Ok(batch) => {
            thread.join().map_err(|_| anyhow!("{} panicked at its end, at {case}", subject.name()))?;
            Ok(batch)
        }
        Err(RecvTimeoutError::Timeout) => {
            bail!("{} hangs at {case}: a batch has not ended after {PATIENCE:?}", subject.name())
        }
        Err(RecvTimeoutError::Disconnected) => Ok(Err(anyhow!("it panicked"))),
    }
}

pub(crate) fn plan(condition: Condition, quick: bool) -> Plan {
    let ms = |full: u64, short: u64| Duration::from_millis(if quick { short } else { full });
    let plan = Plan { what: What::Time, warm_up: ms(5, 3), batch: ms(25, 10), min_samples: 5, pause: None };
    match condition {
        Condition::Hot | Condition::TwoLinks | Condition::TwoLinksBusy => plan,
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
}

impl Progress {
    fn new(batches: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {msg}");
        let bar = ProgressBar::new(batches).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, began: Instant::now() }
    }

    fn begin(&self, case: &Case) {
        if self.bar.is_hidden() {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let left = self.began.elapsed().as_secs_f64() * (all - done.min(all)) as f64 / done.max(1) as f64;
            let left = if done == 0 { String::new() } else { format!(", about {left:.0} s left") };
            eprintln!("{case} ({done} of {all} batches done{left})");
        }
    }

    fn step(&self, case: &Case, subject: &dyn Subject, is_planned: bool) {
        let again = if is_planned { "" } else { ", repeated" };
        self.bar.set_message(format!("{case} {}{again}", subject.name()));
        self.bar.inc(u64::from(is_planned));
    }
}

/// Name of the group of what is measured here.
pub(crate) const GROUP: &str = "native";

const ROUNDS: usize = 9;

const QUICK_ROUNDS: usize = 3;

/// Rounds that are run even if time is up: fewer give no interval.
const LEAST_ROUNDS: usize = 3;

/// Far more than any linger and any spin.
const PAUSE: Duration = Duration::from_micros(300);

/// Longest that a batch takes unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

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
