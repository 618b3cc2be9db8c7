//! coincide: a worker that calls main.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use anyhow::{Context, anyhow, bail, ensure};
use coincide::{ByteBuf, Bytes, Main, Scope, SharedBytes, Thrown, Worker, interface};

use super::records::{Record, Records};
use super::{Payload, Subject};
use crate::case::{Call, Case, Condition, MANY};
use crate::child::{self, Caller};
use crate::cores::{self, End};
use crate::measure::{Meter, Plan};
use coincide_benches::report::{Batch, Kind};

/// Whole remote procedure calls: functions found by name, arguments and results serialized, all checks of the session.
pub(crate) struct Coincide {
    name: &'static str,
    about: &'static str,
    style: Style,
    /// Whether main serves other links where the case is about that.
    beside: bool,
}

/// How arguments and results travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Typed,
    Value,
    Bytes,
    Shared,
}

impl Coincide {
    pub(crate) const TYPED: Self = Self {
        name: "coincide",
        about: "a whole call: a function of a typed interface, found by name, its argument and result serialized, schema and session checked",
        style: Style::Typed,
        beside: true,
    };

    pub(crate) const VALUE: Self = Self {
        name: "coincide-value",
        about: "the same with self-describing values, as ends without a common declaration use them",
        style: Style::Value,
        beside: false,
    };

    pub(crate) const BYTES: Self = Self {
        name: "coincide-bytes",
        about: "the same with a function of plain bytes, whose buffers go round",
        style: Style::Bytes,
        beside: false,
    };

    pub(crate) const SHARED: Self = Self {
        name: "coincide-shared",
        about: "`coincide` with `SharedBytes` as its argument and result",
        style: Style::Shared,
        beside: false,
    };

    pub(crate) const ALONE: Self = Self {
        name: "coincide-alone",
        about: "`coincide` with one link, where `coincide` has two",
        style: Style::Typed,
        beside: false,
    };
}

impl Subject for Coincide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn kind(&self) -> Kind {
        Kind::Coincide
    }

    fn takes(&self, case: &Case) -> bool {
        match case.condition {
            condition if condition.has_other_links() => self.style == Style::Typed,
            _ if self.style == Style::Shared => matches!(case.call, Call::Echo { .. }),
            _ => self.name != Self::ALONE.name,
        }
    }

    fn has_records(&self) -> bool {
        matches!(self.style, Style::Typed | Style::Value)
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let main = Main::new()?;
        let beside = if self.beside { Beside::start(&main, case)? } else { None };
        let others = beside.as_ref().map(|beside| Arc::clone(&beside.calls));

        let (done, measured) = mpsc::channel();
        let (style, case, mut own) = (self.style, *case, meter.clone());
        let worker = main.spawn(move |scope| {
            cores::place(&case, End::Caller).map_err(thrown)?;
            call(scope, style, &case, &mut own, others.as_deref()).map_err(thrown)?;
            done.send(own).map_err(thrown)
        })?;
        cores::place(&case, End::Callee)?;
        serve(&worker);
        main.block_on(worker.ready())?;
        *meter = measured.recv().context("the worker has measured nothing")?;
        if let Some(beside) = beside {
            beside.stop.store(true, Ordering::Relaxed);
            for worker in &beside.workers {
                main.block_on(worker.ready())?;
            }
        }
        Ok(())
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let main = Main::new()?;
        let start = |command: &mut std::process::Command| Ok(main.worker().spawn_process(command)?);
        let (worker, caller) = Caller::start(self, case, plan, start)?;
        serve(&worker);
        main.block_on(worker.ready())?;
        worker.terminate();
        caller.batch()
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let setup = |scope: &Scope| {
            call(scope, self.style, case, meter, None).map_err(thrown)?;
            // At once: when this returns, main knows that the worker is ready, and ends it.
            child::deliver(meter).map_err(thrown)
        };
        let served = coincide::serve_process(setup).map_err(|error| anyhow!("{error}"))?;
        ensure!(served, "started without a link");
        Ok(())
    }
}

/// Further links of the same main.
struct Beside {
    workers: Vec<Worker>,
    /// Number of calls that they have made.
    calls: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Beside {
    /// The links that the case asks for, each after its first call.
    fn start(main: &Main, case: &Case) -> anyhow::Result<Option<Self>> {
        let (count, busy, bytes) = match case.condition {
            Condition::TwoLinks => (1, false, case.bytes()),
            Condition::TwoLinksBusy => (1, true, case.bytes()),
            Condition::ManyLinksBusy => (MANY - 1, true, case.bytes()),
            Condition::BesideBulk => (1, true, BULK),
            _ => return Ok(None),
        };
        let (calls, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(!busy)));
        let mut workers = vec![];
        for _ in 0..count {
            let (worker_calls, worker_stop) = (Arc::clone(&calls), Arc::clone(&stop));
            let worker = main.spawn(move |scope| {
                let client = bench::Client::new(scope.sync());
                let mut payload = ByteBuf::from(vec![0; bytes]);
                loop {
                    payload = client.echo(payload)?;
                    if worker_stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    worker_calls.fetch_add(1, Ordering::Relaxed);
                }
            })?;
            serve(&worker);
            workers.push(worker);
        }
        if !busy {
            main.block_on(workers[0].ready())?;
        }
        Ok(Some(Self { workers, calls, stop }))
    }
}

/// Bytes of a call of the other link of [`Condition::BesideBulk`].
const BULK: usize = 1 << 20;

interface! {
    mod bench {
        fn echo(payload: ByteBuf) -> ByteBuf;
        fn echo_shared(payload: SharedBytes) -> SharedBytes;
        fn echo_records(records: Vec<Record>) -> Vec<Record>;
        fn increment(number: u64) -> u64;
    }
}

struct Functions;

impl bench::Service for Functions {
    fn echo(&self, payload: ByteBuf) -> Result<ByteBuf, Thrown> {
        Ok(payload)
    }

    fn echo_shared(&self, payload: SharedBytes) -> Result<SharedBytes, Thrown> {
        Ok(payload)
    }

    fn echo_records(&self, records: Vec<Record>) -> Result<Vec<Record>, Thrown> {
        Ok(records)
    }

    fn increment(&self, number: u64) -> Result<u64, Thrown> {
        Ok(number + 1)
    }
}

/// Registers the functions of main, in each style.
pub(super) fn serve(worker: &Worker) {
    worker.register_interface(bench::functions(Functions));
    worker.register("echo", |payload: ByteBuf| payload);
    worker.register("echo_records", |records: Vec<Record>| records);
    worker.register("increment", |number: u64| number + 1);
    worker.register_bytes("echo_bytes", |_| Ok(()));
}

/// The worker's part. `others` counts the calls of other links, if there are any.
fn call(scope: &Scope, style: Style, case: &Case, meter: &mut Meter, others: Option<&AtomicU64>) -> anyhow::Result<()> {
    let sync = scope.sync();
    let client = bench::Client::new(sync.clone());
    let mut payload = Payload::new(case);
    let mut number = Number(0);
    let mut records = Records::new();
    let mut shared = Some(SharedBytes::from(payload.next().to_vec()));
    let none = AtomicU64::new(0);
    if let Some(others) = others
        && case.condition != Condition::TwoLinks
    {
        meter.await_others(others);
    }
    // Calls of another size do not count.
    let counted = others.filter(|_| case.condition != Condition::BesideBulk);
    meter.run_beside(counted.unwrap_or(&none), || match (style, case.call) {
        (Style::Typed, Call::Echo { .. }) => {
            let answer = client.echo(payload.take().into())?;
            payload.put_back(answer.into_vec())
        }
        (Style::Shared, Call::Echo { .. }) => {
            let mut bytes = shared.take().expect("the answer to the call before");
            payload.renew(bytes.get_mut().context("there is another handle")?);
            let answer = client.echo_shared(bytes)?;
            payload.check(&answer)?;
            shared = Some(answer);
            Ok(())
        }
        (Style::Typed | Style::Shared, Call::Increment) => number.follow(client.increment(number.0)?),
        (Style::Value, Call::Echo { .. }) => {
            let answer: ByteBuf = sync.call("echo", (Bytes::new(payload.next()),))?;
            payload.check(&answer)
        }
        (Style::Value, Call::Increment) => number.follow(sync.call("increment", (number.0,))?),
        (Style::Typed, Call::Records) => {
            let answer = client.echo_records(records.take())?;
            records.put_back(answer)
        }
        (Style::Value, Call::Records) => {
            let answer = sync.call("echo_records", (records.next(),))?;
            records.put_back(answer)
        }
        (Style::Shared, Call::Records) => bail!("a list of records is not shared"),
        (Style::Bytes, _) => {
            let mut bytes = payload.take();
            sync.call_bytes("echo_bytes", &mut bytes)?;
            payload.put_back(bytes)
        }
    })
}

/// The number that is incremented.
struct Number(u64);

impl Number {
    fn follow(&mut self, answer: u64) -> anyhow::Result<()> {
        self.0 += 1;
        ensure!(answer == self.0, "the answer is not the next number");
        Ok(())
    }
}

fn thrown(error: impl std::fmt::Display) -> Thrown {
    Thrown::new("Error", format!("{error:#}"))
}
