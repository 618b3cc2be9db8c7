//! The report program as its own child: the caller's end in a process of its own.

use std::io::Read;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};

use crate::case::Case;
use crate::cores::{self, End};
use crate::measure::{Meter, Plan};
use crate::subjects::{self, Subject};
use coincide_benches::report::{Batch, CHILD_LIMIT};

/// A child process that measures one batch.
pub(crate) struct Caller {
    finished: Arc<AtomicBool>,
    output: JoinHandle<std::io::Result<String>>,
}

impl Caller {
    /// Lets `start` start the child with the given command, to which it may add.
    pub(crate) fn start<T>(
        subject: &dyn Subject,
        case: &Case,
        plan: &Plan,
        start: impl FnOnce(&mut Command) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Self)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([FLAG, subject.name(), &serde_json::to_string(case)?, &serde_json::to_string(plan)?]);
        Self::start_other(command, start)
    }

    /// Lets `start` start another program, whose last line of output is the batch as JSON.
    pub(crate) fn start_other<T>(
        mut command: Command,
        start: impl FnOnce(&mut Command) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Self)> {
        let (mut reader, writer) = std::io::pipe()?;
        command.stdout(writer);
        let started = start(&mut command)?;
        // With the command goes the last writer but the child's.
        drop(command);
        let finished = Arc::new(AtomicBool::new(false));
        let output = std::thread::spawn({
            let finished = Arc::clone(&finished);
            move || {
                let mut output = String::new();
                let result = reader.read_to_string(&mut output);
                finished.store(true, Ordering::Release);
                result.map(|_| output)
            }
        });
        Ok((started, Self { finished, output }))
    }

    /// Starts the child as it is, with one environment variable for [`link`].
    pub(crate) fn spawn(subject: &dyn Subject, case: &Case, plan: &Plan, link: &str) -> anyhow::Result<(Reaped, Self)> {
        Self::start(subject, case, plan, |command| Ok(Reaped::new(command.env(LINK, link).spawn()?)))
    }

    /// Whether the child has delivered its samples, or died.
    pub(crate) fn has_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Waits for the samples.
    ///
    /// # Errors
    /// When the child died or failed.
    pub(crate) fn batch(self) -> anyhow::Result<Batch> {
        let output = self.output.join().map_err(|_| anyhow!("the reader of the child's output panicked"))??;
        let line = output.lines().last().context("the child failed")?;
        serde_json::from_str(line).with_context(|| format!("the child said {line:?}"))
    }
}

/// What the parent has given to [`Caller::spawn`].
pub(crate) fn link() -> anyhow::Result<String> {
    std::env::var(LINK).context("started without a link")
}

/// Measures a batch if this process was started by [`Caller::start`]. `false`: it was not.
pub(crate) fn run() -> anyhow::Result<bool> {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(FLAG) {
        return Ok(false);
    }
    // The parent may be gone, or wait for this process.
    std::thread::spawn(|| {
        std::thread::sleep(CHILD_LIMIT);
        eprintln!("a child process ends itself: it still ran after {} s", CHILD_LIMIT.as_secs());
        std::process::exit(1);
    });
    let mut next = || args.next().context("the child's command line is too short");
    let (name, case, plan) = (next()?, next()?, next()?);
    let subject = subjects::ALL.iter().find(|subject| subject.name() == name);
    let subject = subject.with_context(|| format!("no subject {name}"))?;
    let case = serde_json::from_str(&case)?;
    let mut meter = Meter::new(serde_json::from_str(&plan)?);
    // The parent's main thread is never confined, unlike the one that has started this process.
    cores::survey(Some(std::os::unix::process::parent_id()))?;
    cores::place(&case, End::Caller)?;
    subject.call_from_child(&case, &mut meter)?;
    deliver(&mut meter)?;
    Ok(true)
}

/// Hands to the parent what was measured, if it has not been handed over before.
pub(crate) fn deliver(meter: &mut Meter) -> anyhow::Result<()> {
    let batch = meter.take_batch();
    if !batch.is_empty() {
        println!("{}", serde_json::to_string(&batch)?);
    }
    Ok(())
}

/// A process that does not outlive this handle.
pub(crate) struct Reaped(Child);

impl Reaped {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // It has exited by itself unless something went wrong. Neither call tells anything that the samples didn't.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const FLAG: &str = "--child";

const LINK: &str = "COINCIDE_BENCH_LINK";
