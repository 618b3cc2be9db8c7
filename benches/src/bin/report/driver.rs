//! Runs all subjects at all cases, in turns, so that whatever else the machine does meets all alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use coincide_benches::report::{Batch, Figures, Kind};
use indicatif::{ProgressBar, ProgressStyle};

use crate::allocations;
use crate::case::{Call, Case, Condition, Ends};
use crate::measure::{Plan, What};
use crate::results::{Failure, Measured, Results};
use crate::subjects::{self, Subject};

/// Measures what `filter` lets through at the cases that are `wanted`: it is part of `case/subject`, or of what `case/subject` begins with.
///
/// # Errors
/// When nothing passes the filter, or a subject hangs.
pub(crate) fn run(
    all: &'static [&'static dyn Subject],
    wanted: fn(&Case) -> bool,
    quick: bool,
    filter: &str,
) -> anyhow::Result<Results> {
    let selected = |case: &Case| -> Vec<&'static dyn Subject> {
        let passes = |subject: &dyn Subject| format!("{case}/{}", subject.name()).contains(filter);
        all.iter().copied().filter(|subject| subject.takes(case) && passes(*subject)).collect()
    };
    let cases: Vec<(Case, Vec<&'static dyn Subject>)> = Case::all()
        .into_iter()
        .filter(wanted)
        .map(|case| (case, selected(&case)))
        .filter(|(_, subjects)| !subjects.is_empty())
        .collect();
    if cases.is_empty() {
        bail!("no case and subject is named like {filter:?}");
    }
    let rounds = if quick { QUICK_ROUNDS } else { ROUNDS };
    let counted = |case: &Case, subject: &dyn Subject| counts_allocations(case, subject);
    let counts: usize = cases
        .iter()
        .flat_map(|(case, subjects)| subjects.iter().map(|subject| usize::from(counted(case, *subject))))
        .sum();
    let batches = counts + cases.iter().map(|(_, subjects)| subjects.len() * rounds).sum::<usize>();
    let progress = Progress::new(batches as u64);

    let mut results = Results { limit_before: time_limit()?, ..Results::default() };
    for (case, subjects) in &cases {
        progress.begin(case);
        run_case(case, subjects, rounds, quick, &progress, &mut results)?;
    }
    progress.bar.finish_and_clear();
    results.limit_after = time_limit()?;
    Ok(results)
}

/// Nanoseconds of a small round trip of the lower bound: how far apart the two cores are at this moment.
fn time_limit() -> anyhow::Result<f64> {
    let case = Case { call: Call::Echo { bytes: 32 }, condition: Condition::Hot, ends: Ends::Threads };
    let mut fastest = f64::INFINITY;
    // The least of several: others may have taken a core for the length of a batch.
    for _ in 0..5 {
        let batch = run_batch(subjects::LIMIT, case, plan(case.condition, true))??;
        fastest = fastest.min(Figures::of(&[batch])?.median);
    }
    Ok(fastest)
}

fn run_case(
    case: &Case,
    subjects: &[&'static dyn Subject],
    rounds: usize,
    quick: bool,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    let plan = plan(case.condition, quick);
    let mut batches: Vec<Result<Vec<Batch>, anyhow::Error>> = subjects.iter().map(|_| Ok(vec![])).collect();
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            // Each round begins with another one, so that nobody always follows the same neighbour.
            let index = (turn + round) % subjects.len();
            progress.step(case, subjects[index]);
            if let Ok(done) = &mut batches[index] {
                match run_batch(subjects[index], *case, plan)? {
                    Ok(batch) => done.push(batch),
                    Err(error) => batches[index] = Err(error),
                }
            }
        }
    }
    for (&subject, batches) in subjects.iter().zip(batches) {
        match batches.and_then(|batches| Figures::of(&batches)) {
            Ok(figures) => results.times.push(Measured { case: *case, subject: subject.name(), figures }),
            Err(error) => {
                results.failures.push(Failure { case: *case, subject: subject.name(), error });
                continue;
            }
        }
        if counts_allocations(case, subject) {
            progress.step(case, subject);
            let plan = Plan { what: What::Allocations, ..plan };
            let batch = run_batch(subject, *case, plan)?;
            match batch.and_then(|batch| Figures::of(&[batch])) {
                Ok(figures) => results.allocations.push(Measured { case: *case, subject: subject.name(), figures }),
                Err(error) => results.failures.push(Failure { case: *case, subject: subject.name(), error }),
            }
        }
    }
    Ok(())
}

/// Runs a batch on a thread of its own, which may be confined to a core.
///
/// # Errors
/// When the subject hangs: then so do its threads, and nothing measured later would be worth much. The inner result is the subject's own.
fn run_batch(subject: &'static dyn Subject, case: Case, plan: Plan) -> anyhow::Result<anyhow::Result<Batch>> {
    let (done, outcome) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let run = || {
            let _hog = (case.condition == Condition::Hogged).then(Hog::start);
            allocations::enable(plan.what == What::Allocations);
            let batch = subjects::run(subject, &case, &plan);
            allocations::enable(false);
            batch
        };
        // Nobody listens any more if it took too long.
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

fn plan(condition: Condition, quick: bool) -> Plan {
    let ms = |full: u64, short: u64| Duration::from_millis(if quick { short } else { full });
    let plan = Plan { what: What::Time, warm_up: ms(5, 3), batch: ms(25, 10), min_samples: 5, pause: None };
    match condition {
        Condition::Hot | Condition::TwoLinks | Condition::TwoLinksBusy => plan,
        Condition::Cold => Plan { batch: ms(60, 30), min_samples: 20, pause: Some(PAUSE), ..plan },
        Condition::OneCore => Plan { batch: ms(50, 25), ..plan },
        // Long beside the scheduler's time slices, which decide here.
        Condition::Hogged => Plan { warm_up: ms(20, 10), batch: ms(150, 60), ..plan },
    }
}

/// Where allocations are counted: the same for all subjects at small sizes, and for coincide at every size.
fn counts_allocations(case: &Case, subject: &dyn Subject) -> bool {
    let small = matches!(case.call, Call::Increment | Call::Echo { bytes: 32 });
    case.condition == Condition::Hot && case.ends == Ends::Threads && (small || subject.kind() == Kind::Coincide)
}

/// A thread that burns a core until this is dropped.
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
}

impl Progress {
    fn new(batches: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {msg}");
        let bar = ProgressBar::new(batches).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    fn begin(&self, case: &Case) {
        if self.bar.is_hidden() {
            eprintln!("{case} ({} of {} batches done)", self.bar.position(), self.bar.length().unwrap_or(0));
        }
    }

    fn step(&self, case: &Case, subject: &dyn Subject) {
        self.bar.set_message(format!("{case} {}", subject.name()));
        self.bar.inc(1);
    }
}

const ROUNDS: usize = 9;

const QUICK_ROUNDS: usize = 3;

/// Far more than any linger and any spin.
const PAUSE: Duration = Duration::from_micros(300);

/// Longest that a batch takes unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);
