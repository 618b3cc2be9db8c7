//! What is measured: coincide, its peers, and what the machine allows.

mod channels;
mod coincide;
mod condvar;
mod futex;
mod iceoryx;
mod ipc;
mod layers;
mod mailbox;
mod postcard_rpc;
mod python;
mod raw_ring;
mod records;
mod socketpair;
mod tarpc;

use anyhow::{anyhow, bail, ensure};
use coincide_benches::report::{self, Batch, Kind};

use crate::case::{Case, Ends};
use crate::child::Caller;
use crate::cores::{self, End};
use crate::driver::GROUP;
use crate::measure::{Meter, Plan};

/// One way to make a call.
pub(crate) trait Subject: Sync {
    fn name(&self) -> &'static str;

    /// What a round trip consists of, in one sentence.
    fn about(&self) -> &'static str;

    /// Path of its type: `native::subjects::futex::Futex`.
    fn path(&self) -> &'static str {
        std::any::type_name::<Self>()
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    /// Whether it is measured at this case.
    fn takes(&self, case: &Case) -> bool;

    /// Whether it can send typed records. Bounds send as many bytes instead.
    fn has_records(&self) -> bool {
        self.kind() == Kind::Bound
    }

    /// Why it cannot run on this machine.
    fn missing(&self) -> Option<&'static str> {
        None
    }

    /// Makes both ends in this process, and lets the meter measure calls.
    ///
    /// # Errors
    /// When an end fails, or an answer is not what it should be.
    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()>;

    /// Answers the calls of a child process, which runs [`call_from_child`](Self::call_from_child).
    ///
    /// # Errors
    /// As [`run_threads`](Self::run_threads).
    fn run_processes(&self, _case: &Case, _plan: &Plan) -> anyhow::Result<Batch> {
        bail!("{} does not reach other processes", self.name());
    }

    /// The caller's end in a child process.
    ///
    /// # Errors
    /// As [`run_threads`](Self::run_threads).
    fn call_from_child(&self, _case: &Case, _meter: &mut Meter) -> anyhow::Result<()> {
        bail!("{} does not reach other processes", self.name());
    }
}

/// The lower bound.
pub(crate) const LIMIT: &dyn Subject = &mailbox::Limit;

/// Two wake-ups in each round trip.
pub(crate) const FUTEX: &dyn Subject = &futex::Futex;

/// As in the results.
pub(crate) fn described(subject: &dyn Subject) -> report::Subject {
    // The module is the file.
    let file = subject.path().rsplit("::").nth(1).unwrap_or_default();
    report::Subject {
        group: GROUP.into(),
        name: subject.name().into(),
        kind: subject.kind(),
        about: subject.about().into(),
        code: format!("benches/src/bin/native/subjects/{file}.rs"),
    }
}

/// All subjects, in the order of the report.
pub(crate) static ALL: &[&dyn Subject] = &[
    LIMIT,
    &raw_ring::RawRing::LARGE,
    &raw_ring::RawRing::SMALL,
    FUTEX,
    &coincide::Coincide::TYPED,
    &coincide::Coincide::VALUE,
    &coincide::Coincide::BYTES,
    &coincide::Coincide::SHARED,
    &coincide::Coincide::ALONE,
    &channels::Crossbeam,
    &channels::Kanal,
    &channels::Mpsc,
    &condvar::Slots,
    &iceoryx::Iceoryx::POLL,
    &iceoryx::Iceoryx::EVENT,
    &socketpair::Socketpair,
    &ipc::Bytes,
    &ipc::Typed,
    &postcard_rpc::PostcardRpc,
    &tarpc::Tarpc,
    &python::Python,
];

/// What the profile compares.
pub(crate) mod profile {
    use super::{Subject, coincide, layers, raw_ring};

    pub(crate) static ALL: &[&dyn Subject] = &[
        super::LIMIT,
        super::FUTEX,
        &raw_ring::RawRing::LARGE,
        &layers::Engines,
        &coincide::Coincide::BYTES,
        &coincide::Coincide::TYPED,
        &layers::EnginesAlone,
        &layers::Values,
    ];
}

/// Runs a batch of one subject at one case.
///
/// # Errors
/// When the subject fails.
pub(crate) fn run(subject: &dyn Subject, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
    match case.ends {
        Ends::Threads => {
            let mut meter = Meter::new(*plan);
            subject.run_threads(case, &mut meter)?;
            Ok(meter.take_batch())
        }
        Ends::Processes => {
            cores::place(case, End::Callee)?;
            subject.run_processes(case, plan)
        }
    }
}

/// Runs the callee's end on a thread of its own while the caller's end runs here. The callee ends when the caller is gone.
fn pair(
    case: &Case,
    callee: impl FnOnce() -> anyhow::Result<()> + Send,
    caller: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let callee = scope.spawn(|| {
            cores::place(case, End::Callee)?;
            callee()
        });
        cores::place(case, End::Caller)?;
        caller()?;
        callee.join().map_err(|_| anyhow!("the callee panicked"))?
    })
}

/// Answers a child's calls until it is gone, then takes its samples.
fn serve_child(
    subject: &dyn Subject,
    case: &Case,
    plan: &Plan,
    link: &str,
    serve: impl FnOnce(&Caller) -> anyhow::Result<()>,
) -> anyhow::Result<Batch> {
    let (_child, caller) = Caller::spawn(subject, case, plan, link)?;
    serve(&caller)?;
    caller.batch()
}

/// The bytes that a caller sends: different ones each time.
struct Payload {
    bytes: Vec<u8>,
    len: usize,
    calls: u8,
}

impl Payload {
    fn new(case: &Case) -> Self {
        let len = case.bytes();
        Self { bytes: (0..len).map(|at| at as u8).collect(), len, calls: 0 }
    }

    /// The bytes for the next call.
    fn next(&mut self) -> &[u8] {
        self.calls = self.calls.wrapping_add(1);
        stamp(&mut self.bytes, self.calls);
        &self.bytes
    }

    /// Makes bytes that were [taken](Self::take) before those for the next call.
    fn renew(&mut self, bytes: &mut [u8]) {
        self.calls = self.calls.wrapping_add(1);
        stamp(bytes, self.calls);
    }

    /// Checks what is cheap to check: length, first and last byte.
    fn check(&self, answer: &[u8]) -> anyhow::Result<()> {
        let ends_fit = match answer {
            [first, .., last] => (*first, *last) == (self.calls, !self.calls),
            _ => true,
        };
        ensure!(answer.len() == self.len && ends_fit, "the answer is not what was sent");
        Ok(())
    }

    /// The bytes for the next call, for callers that give them away.
    fn take(&mut self) -> Vec<u8> {
        self.next();
        std::mem::take(&mut self.bytes)
    }

    /// Judges the answer, and keeps it for the next call.
    fn put_back(&mut self, answer: Vec<u8>) -> anyhow::Result<()> {
        self.check(&answer)?;
        self.bytes = answer;
        Ok(())
    }
}

/// Makes the bytes of this call differ from those of the one before.
fn stamp(bytes: &mut [u8], call: u8) {
    if let [first, .., last] = bytes {
        *first = call;
        *last = !call;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn code_of_every_subject_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for subject in ALL.iter().chain(profile::ALL) {
            assert!(root.join(described(*subject).code).is_file(), "{}", subject.name());
        }
    }
}
