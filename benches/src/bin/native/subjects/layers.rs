//! The layers of a call of coincide, by themselves: what the profile compares with whole calls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use coincide_benches::report::Kind;
use coincide_codec::{ByteBuf, schema, typed};
use coincide_proto::engine::{Action, Engine, Runs};
use coincide_proto::{Config, Format, Gone, Outcome, ReceiveError, Role, Session, Transmit, Transport};
use coincide_transport_atomics::{Doorbell, Rings, pair as link};

use super::{Payload, Subject, pair};
use crate::case::{Case, Condition, Ends};
use crate::measure::Meter;

/// Two engines on two threads, driven by loops without functions, futures and values.
pub(crate) struct Engines;

impl Subject for Engines {
    fn name(&self) -> &'static str {
        "engines"
    }

    fn about(&self) -> &'static str {
        "two engines over the rings of coincide, on two threads: sessions, dispatch and waiting, without functions and values"
    }

    fn kind(&self) -> Kind {
        Kind::Coincide
    }

    fn takes(&self, case: &Case) -> bool {
        is_hot(case)
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (main, worker) = link(Rings::default(), Doorbell::new()?);
        let callee = || {
            let mut main = engine(Role::Main, main);
            main.register(ECHO, Runs::Anytime);
            loop {
                match main.poll() {
                    Some(Action::Closed(_)) => return Ok(()),
                    Some(action) => answer(&mut main, action),
                    None => main.wait(None),
                }
            }
        };
        let caller = || {
            let mut worker = engine(Role::Worker, worker);
            measure(case, meter, |payload| {
                let call = worker.call(ECHO, Format::Bytes, payload, None)?;
                worker.wait_for(call);
                loop {
                    match worker.poll() {
                        Some(action) => return settled(action),
                        None => worker.wait(None),
                    }
                }
            })
        };
        pair(case, callee, caller)
    }
}

/// Two engines on one thread, whose frames are copied into a queue and out of it.
pub(crate) struct EnginesAlone;

impl Subject for EnginesAlone {
    fn name(&self) -> &'static str {
        "engines-alone"
    }

    fn about(&self) -> &'static str {
        "two engines on one thread, joined by queues of frames"
    }

    fn kind(&self) -> Kind {
        Kind::Coincide
    }

    fn takes(&self, case: &Case) -> bool {
        is_hot(case)
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let [up, down] = [Frames::default(), Frames::default()];
        let mut main = engine(Role::Main, Queues { out: down.clone(), inbox: up.clone() });
        let mut worker = engine(Role::Worker, Queues { out: up, inbox: down });
        main.register(ECHO, Runs::Anytime);
        measure(case, meter, |payload| {
            let call = worker.call(ECHO, Format::Bytes, payload, None)?;
            worker.wait_for(call);
            loop {
                if let Some(action) = worker.poll() {
                    return settled(action);
                }
                while let Some(action) = main.poll() {
                    answer(&mut main, action);
                }
            }
        })
    }
}

/// What serialization takes of a call: arguments and a result, each encoded and decoded.
pub(crate) struct Values;

impl Subject for Values {
    fn name(&self) -> &'static str {
        "values-alone"
    }

    fn about(&self) -> &'static str {
        "bytes encoded as typed arguments and decoded, then as a result and decoded, on one thread"
    }

    fn kind(&self) -> Kind {
        Kind::Coincide
    }

    fn takes(&self, case: &Case) -> bool {
        is_hot(case)
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let schema = schema::hash_of::<(ByteBuf,)>();
        let mut buffer = Vec::new();
        measure(case, meter, |payload| {
            let mut value = (ByteBuf::from(payload),);
            for _ in 0..2 {
                buffer.clear();
                typed::to_buf(&value, schema, &mut buffer)?;
                value = typed::from_slice(&buffer, schema)?;
            }
            Ok(value.0.into_vec())
        })
    }
}

fn is_hot(case: &Case) -> bool {
    case.condition == Condition::Hot && case.ends == Ends::Threads
}

fn measure(
    case: &Case,
    meter: &mut Meter,
    mut echo: impl FnMut(Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<()> {
    let mut payload = Payload::new(case);
    meter.run(|| {
        let bytes = echo(payload.take())?;
        payload.put_back(bytes)
    })
}

fn engine(role: Role, transport: impl Transport + 'static) -> Engine {
    Engine::new(Session::new(role, Config::default()), Box::new(transport))
}

fn answer(main: &mut Engine, action: Action) {
    if let Action::Run { call, format, payload, .. } = action {
        main.reply(call, format, payload);
    }
}

fn settled(action: Action) -> anyhow::Result<Vec<u8>> {
    match action {
        Action::Settle { outcome: Outcome::Returned { payload, .. }, .. } => Ok(payload.into_bytes()),
        Action::Settle { outcome, .. } => Err(anyhow!("the call ended with {outcome:?}")),
        action => bail!("the worker was asked for {action:?}"),
    }
}

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// A transport within a thread.
struct Queues {
    out: Frames,
    inbox: Frames,
}

impl Transport for Queues {
    fn max_frame(&self) -> usize {
        32 << 10
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        self.out.borrow_mut().push_back(frame.to_vec());
        Ok(true)
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        let frame = self.inbox.borrow_mut().pop_front();
        Ok(frame.map(|frame| session.handle_frame(&frame[..])).transpose()?.is_some())
    }

    fn has_input(&self) -> bool {
        !self.inbox.borrow().is_empty()
    }

    fn has_room(&self) -> bool {
        true
    }

    fn arm(&mut self, _: bool) -> bool {
        !self.has_input()
    }

    fn disarm(&mut self) {}

    fn wait(&mut self, _: bool, _: Option<Duration>) {}

    fn close(&mut self) {}
}

const ECHO: &str = "echo";
