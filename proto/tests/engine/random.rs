//! Random schedules of operations and polls of both hosts, compared with a model.

use super::schedule::{Ending, ending, role};
use super::world::{ROLES, World};
use coincide_proto::engine::{Action, FunctionId, Runs, Ticket};
use coincide_proto::{CallId, CloseReason, Config, ErrorCode, Format, Outcome, Payload, Role, SendError};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    /// Performs one action.
    Poll,
    Call {
        name: Name,
        size: usize,
        deadline: Option<u64>,
        blocks: bool,
    },
    Notify {
        name: Name,
        size: usize,
    },
    /// The innermost function returns.
    Return {
        answer: Answer,
        size: usize,
    },
    /// A started function makes a call, or ends.
    Resume {
        which: usize,
        calls: Option<Name>,
    },
    Cancel {
        which: usize,
    },
    FallAsleep,
    WakeUp,
    TakeStop,
    Interrupt,
    Ready,
    Release {
        count: usize,
    },
    Advance {
        by: u64,
    },
}

/// How a function that is called has been registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    Anytime,
    WhileServing,
    /// Registered when the worker is ready.
    Late,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Returns,
    Throws,
    Starts,
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![3 => Just(Name::Anytime), 2 => Just(Name::WhileServing), 1 => Just(Name::Late)]
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![6 => 0..100_usize, 1 => 0..20_000_usize];
    let deadline = proptest::option::weighted(0.3, 0..5_000_u64);
    prop_oneof![
        24 => Just(Step::Poll),
        8 => (name(), size(), deadline, any::<bool>())
            .prop_map(|(name, size, deadline, blocks)| Step::Call { name, size, deadline, blocks }),
        3 => (name(), size()).prop_map(|(name, size)| Step::Notify { name, size }),
        8 => (prop_oneof![Just(Answer::Returns), Just(Answer::Throws), Just(Answer::Starts)], size())
            .prop_map(|(answer, size)| Step::Return { answer, size }),
        3 => (any::<usize>(), proptest::option::of(name())).prop_map(|(which, calls)| Step::Resume { which, calls }),
        3 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        2 => Just(Step::FallAsleep),
        2 => Just(Step::WakeUp),
        3 => Just(Step::TakeStop),
        1 => Just(Step::Interrupt),
        1 => Just(Step::Ready),
        1 => (0..10_usize).prop_map(|count| Step::Release { count }),
        2 => (0..4_000_u64).prop_map(|by| Step::Advance { by }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Running(Ticket),
    Blocked(CallId),
    Asleep,
}

/// The state of one host, and what it has observed.
#[derive(Default)]
struct Host {
    stack: Vec<Held>,
    started: Vec<Ticket>,
    /// Calls made here that have not been settled, and the numbers in their payloads.
    pending: HashMap<CallId, u32>,
    cancelled: HashSet<CallId>,
    /// Numbers that have arrived here.
    ran: HashSet<u32>,
    tickets: HashSet<Ticket>,
    /// Number of the last notification by the name of its function.
    notified: HashMap<Name, u32>,
    /// References under way to this end.
    released: VecDeque<Vec<u64>>,
    closed: bool,
}

/// The state of a payload.
struct Sent {
    by: Role,
    is_call: bool,
    /// Whether the engine has accepted it, and whether a host has received it, or learned that it is dropped.
    is_accepted: bool,
    has_ended: bool,
}

struct Model {
    world: World,
    hosts: [Host; 2],
    functions: HashMap<(Role, FunctionId), Name>,
    /// Payloads by their numbers.
    payloads: Vec<Sent>,
    ready: bool,
}

fn index(role: Role) -> usize {
    usize::from(role == Role::Worker)
}

impl Model {
    fn new(config: Config, max_frame: usize, room: usize) -> Self {
        let mut world = World::with(config, max_frame, room);
        let mut functions = HashMap::new();
        for role in ROLES {
            for (name, runs) in [(Name::Anytime, Runs::Anytime), (Name::WhileServing, Runs::WhileServing)] {
                let id = world.end(role).register(&format!("{name:?}"), runs);
                functions.insert((role, id), name);
            }
        }
        Self { world, hosts: Default::default(), functions, payloads: Vec::new(), ready: false }
    }

    fn host(&mut self, role: Role) -> &mut Host {
        &mut self.hosts[index(role)]
    }

    /// A payload, which starts with its number.
    fn payload(&mut self, by: Role, is_call: bool, size: usize) -> (u32, Vec<u8>) {
        let number = self.payloads.len() as u32;
        self.payloads.push(Sent { by, is_call, is_accepted: true, has_ended: false });
        let mut payload = number.to_le_bytes().to_vec();
        payload.resize(4 + size, number as u8);
        (number, payload)
    }

    /// A host has a payload that was sent by `by`. Returns its number.
    fn ends(&mut self, by: Role, payload: &Payload) -> u32 {
        let (number, rest) = payload.head.split_first_chunk().expect("a payload starts with a number");
        let number = u32::from_le_bytes(*number);
        assert!(rest.iter().all(|byte| *byte == number as u8), "a payload has been mixed with another");
        let sent = &mut self.payloads[number as usize];
        assert!(
            sent.by == by && sent.is_accepted && !sent.has_ended,
            "a payload ends once, at the other end or unsent"
        );
        sent.has_ended = true;
        number
    }

    /// Whether code of the program may run at this end now.
    fn is_free(&self, role: Role) -> bool {
        !matches!(self.hosts[index(role)].stack.last(), Some(Held::Blocked(_) | Held::Asleep))
    }

    fn step(&mut self, role: Role, step: &Step) {
        match *step {
            Step::Poll => _ = self.poll(role),
            Step::Call { name, size, deadline, blocks } if self.is_free(role) => {
                let deadline = deadline.map(|by| self.world.now.after(Duration::from_millis(by)));
                let blocks = blocks && role == Role::Worker;
                let (number, payload) = self.payload(role, true, size);
                let called = self.world.end(role).call(&format!("{name:?}"), Format::Value, payload, deadline);
                self.payloads[number as usize].is_accepted = called.is_ok();
                match called {
                    Ok(call) => {
                        assert_eq!(self.host(role).pending.insert(call, number), None, "the id is in use");
                        if blocks {
                            self.world.worker.wait_for(call);
                            self.host(role).stack.push(Held::Blocked(call));
                        }
                    }
                    Err(SendError::Closed) => assert!(self.world.end(role).session().closed().is_some()),
                    Err(SendError::Overloaded { .. } | SendError::TooDeep { .. } | SendError::TooLarge { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Notify { name, size } if self.is_free(role) => {
                let (number, payload) = self.payload(role, false, size);
                let notified = self.world.end(role).notify(&format!("{name:?}"), Format::Value, payload);
                self.payloads[number as usize].is_accepted = notified.is_ok();
            }
            Step::Return { answer, size } => {
                if let Some(Held::Running(ticket)) = self.host(role).stack.last().copied() {
                    self.host(role).stack.pop();
                    self.answer(role, ticket, answer, size);
                }
            }
            Step::Resume { which, calls } if self.is_free(role) && !self.host(role).started.is_empty() => {
                let count = self.host(role).started.len();
                let ticket = self.host(role).started[which % count];
                let outer = self.world.end(role).enter(ticket);
                if let Some(name) = calls {
                    self.step(role, &Step::Call { name, size: 0, deadline: None, blocks: false });
                }
                self.world.end(role).leave(outer);
                if calls.is_none() {
                    self.host(role).started.swap_remove(which % count);
                    self.answer(role, ticket, Answer::Returns, 10);
                }
            }
            Step::Cancel { which } => {
                let mut pending: Vec<_> = self.host(role).pending.keys().copied().collect();
                pending.sort();
                if let Some(call) = pending.get(which % pending.len().max(1)) {
                    self.host(role).cancelled.insert(*call);
                    self.world.end(role).cancel(*call);
                }
            }
            Step::FallAsleep if role == Role::Worker && self.is_free(role) => {
                self.world.worker.fall_asleep();
                self.host(role).stack.push(Held::Asleep);
            }
            Step::WakeUp => {
                if self.host(Role::Worker).stack.last() == Some(&Held::Asleep) {
                    self.host(Role::Worker).stack.pop();
                    self.world.worker.wake_up();
                }
            }
            Step::TakeStop => _ = self.world.worker.take_stop(),
            Step::Interrupt => self.world.end(role).interrupt(),
            Step::Ready => self.ready(),
            Step::Release { count } => {
                let references: Vec<u64> = (0..count as u64).collect();
                if self.world.end(role).release(&references).is_ok() {
                    self.host(role.peer()).released.push_back(references);
                }
            }
            Step::Advance { by } => self.world.advance(Duration::from_millis(by)),
            Step::Call { .. } | Step::Notify { .. } | Step::Resume { .. } | Step::FallAsleep => {}
        }
    }

    fn ready(&mut self) {
        if !self.ready {
            self.ready = true;
            for role in ROLES {
                let id = self.world.end(role).register("Late", Runs::Anytime);
                self.functions.insert((role, id), Name::Late);
            }
            match self.world.worker.ready() {
                Ok(()) => {}
                Err(error) => assert_eq!(error, SendError::Closed),
            }
        }
    }

    fn answer(&mut self, role: Role, ticket: Ticket, answer: Answer, size: usize) {
        match answer {
            Answer::Returns | Answer::Throws => {
                let (_, payload) = self.payload(role, false, size);
                match answer {
                    Answer::Throws => self.world.end(role).throw(ticket, ErrorCode::THROWN, Format::Value, payload),
                    _ => self.world.end(role).reply(ticket, Format::Value, payload),
                }
            }
            Answer::Starts => {
                self.world.end(role).started(ticket);
                self.host(role).started.push(ticket);
            }
        }
    }

    /// Returns `false` if there was nothing to do.
    fn poll(&mut self, role: Role) -> bool {
        let action = match self.host(role).stack.last() {
            Some(Held::Running(_)) => self.world.end(role).poll_aside(),
            _ => self.world.end(role).poll(),
        };
        let Some(action) = action else {
            let computes = matches!(self.host(role).stack.last(), Some(Held::Running(_)));
            let end = self.world.end(role);
            assert!(computes || !end.is_busy() && end.arm(), "it can sleep: {end:?}");
            return false;
        };
        assert!(!self.host(role).closed, "{action:?} follows the end");
        match action {
            Action::Run { call, function, payload, .. } => {
                let number = self.ends(role.peer(), &payload);
                let name = self.functions[&(role, function)];
                assert_eq!(call.call().is_some(), self.payloads[number as usize].is_call);
                let host = self.host(role);
                assert!(host.ran.insert(number), "it runs a second time");
                assert!(host.tickets.insert(call), "a ticket is used again");
                assert!(name != Name::WhileServing || host.stack.is_empty(), "it runs in a wait");
                if call.call().is_none() {
                    let last = host.notified.insert(name, number);
                    assert!(last < Some(number), "notifications of {name:?} are out of order");
                }
                host.stack.push(Held::Running(call));
                self.world.end(role).recycle(payload);
            }
            Action::Settle { call, outcome } => {
                let host = self.host(role);
                assert!(host.pending.remove(&call).is_some(), "{call:?} is settled once");
                if host.stack.contains(&Held::Blocked(call)) {
                    assert_eq!(host.stack.pop(), Some(Held::Blocked(call)), "innermost first");
                }
                let cancelled = host.cancelled.remove(&call);
                assert!(outcome != Outcome::Cancelled || cancelled || role == Role::Worker);
                if let Outcome::Returned { payload, .. } | Outcome::Threw { format: Format::Value, payload, .. } =
                    outcome
                {
                    self.ends(role.peer(), &payload);
                }
            }
            Action::Unread(payload) => _ = self.ends(role.peer(), &payload),
            Action::Unsent(payload) => _ = self.ends(role, &payload),
            Action::Abort { call } => {
                let started = &mut self.host(role).started;
                let at = started.iter().position(|other| *other == call).expect("it was started");
                started.swap_remove(at);
                self.world.end(role).answer_cancelled(call);
            }
            Action::Ready(names) => {
                assert_eq!((role, self.ready), (Role::Main, true));
                assert!(names.contains(&"Late".into()));
            }
            Action::Released(references) => assert_eq!(Some(references), self.host(role).released.pop_front()),
            Action::Closed(_) => {
                let host = self.host(role);
                host.closed = true;
                assert!(host.pending.is_empty(), "all calls have been settled before the link is closed");
                assert!(!host.stack.iter().any(|held| matches!(held, Held::Blocked(_))));
            }
        }
        true
    }

    /// All functions return, and everything arrives.
    fn finish(&mut self) {
        self.ready();
        loop {
            let mut moved = false;
            for role in ROLES {
                while let Some(Held::Running(_) | Held::Asleep) = self.host(role).stack.last() {
                    self.step(role, &Step::Return { answer: Answer::Returns, size: 3 });
                    self.step(role, &Step::WakeUp);
                    moved = true;
                }
                for ticket in std::mem::take(&mut self.host(role).started) {
                    self.answer(role, ticket, Answer::Returns, 3);
                    moved = true;
                }
                moved |= self.poll(role);
            }
            if !moved && !ROLES.into_iter().any(|role| self.world.end(role).is_busy()) {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_is_settled_once_every_function_runs_once_and_no_payload_is_lost(
        steps in proptest::collection::vec((role(), step()), 0..300),
        ending in ending(),
        later in proptest::collection::vec((role(), step()), 0..30),
        max_frame in 2048..6000_usize,
        max_pending in 1..12_u32,
        room in 1..6_usize,
    ) {
        let config = Config { max_pending, max_message: 16_000, ..Config::default() };
        let mut model = Model::new(config, max_frame, room);
        for (role, step) in &steps {
            model.step(*role, step);
        }
        match ending {
            Ending::None => {}
            Ending::Close(role) => model.world.end(role).close(CloseReason::DONE, "bye"),
            Ending::Abort(role) => model.world.end(role).abort(CloseReason::FAILED, "now"),
            Ending::Gone => model.world.wires.borrow_mut().break_link(),
        }
        for (role, step) in &later {
            model.step(*role, step);
        }
        model.finish();
        let closed = !matches!(ending, Ending::None);
        let has_ended = |sent: &Sent| closed || !sent.is_accepted || sent.has_ended;
        prop_assert!(model.payloads.iter().all(has_ended), "a payload is lost");
        for role in ROLES {
            let host = &model.hosts[index(role)];
            prop_assert_eq!(host.closed, closed);
            prop_assert!(host.pending.is_empty(), "{:?}", host.pending);
            prop_assert!(closed || host.released.is_empty(), "a release is missing");
            prop_assert_eq!(model.world.budgets[index(role)].used(), 0);
            prop_assert_eq!(model.world.end(role).session().poll_timeout(), None);
        }
    }
}
