//! Two engines joined in memory, under a virtual clock. The tests act as hosts.

use coincide_proto::engine::{Action, Engine, FunctionId, Runs, Ticket};
use coincide_proto::{
    Budget, CallId, Config, ControlSignals, ErrorCode, Format, Gone, Outcome, ReceiveError, Role, Session, Time,
    Transmit, Transport,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// State shared by both ends of a link in memory, indexed by the role that sends or has left.
pub(crate) struct Wires {
    frames: [VecDeque<Vec<u8>>; 2],
    left: [bool; 2],
    spare: Vec<Vec<u8>>,
    /// Out-of-band requests of main, until the next control poll.
    pub(crate) signals: ControlSignals,
    /// Capacity in frames of each direction.
    pub(crate) room: usize,
    pub(crate) max_frame: usize,
}

impl Wires {
    /// Whether nothing more arrives.
    pub(crate) fn break_link(&mut self) {
        self.left = [true; 2];
        self.frames.iter_mut().for_each(VecDeque::clear);
    }
}

struct Memory {
    wires: Rc<RefCell<Wires>>,
    role: Role,
}

pub(crate) const ROLES: [Role; 2] = [Role::Main, Role::Worker];

fn index(role: Role) -> usize {
    usize::from(role == Role::Worker)
}

impl Transport for Memory {
    fn max_frame(&self) -> usize {
        self.wires.borrow().max_frame
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        let wires = &mut *self.wires.borrow_mut();
        if wires.left.contains(&true) {
            return Err(Gone);
        }
        let queue = &mut wires.frames[index(self.role)];
        if queue.len() >= wires.room {
            return Ok(false);
        }
        let mut bytes = wires.spare.pop().unwrap_or_default();
        frame.pieces().iter().for_each(|piece| bytes.extend_from_slice(piece));
        queue.push_back(bytes);
        Ok(true)
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        let frame = self.wires.borrow_mut().frames[index(self.role.peer())].pop_front();
        let Some(mut frame) = frame else {
            let gone = self.wires.borrow().left[index(self.role.peer())];
            return if gone { Err(Gone.into()) } else { Ok(false) };
        };
        session.handle_frame(&frame[..])?;
        frame.clear();
        self.wires.borrow_mut().spare.push(frame);
        Ok(true)
    }

    fn has_input(&self) -> bool {
        let wires = self.wires.borrow();
        !wires.frames[index(self.role.peer())].is_empty() || wires.left[index(self.role.peer())]
    }

    fn has_room(&self) -> bool {
        let wires = self.wires.borrow();
        wires.frames[index(self.role)].len() < wires.room
    }

    fn arm(&mut self, room: bool) -> bool {
        !(self.has_input() || room && self.has_room())
    }

    fn disarm(&mut self) {}

    /// The peer makes room.
    fn wait(&mut self, room: bool, _: Option<Duration>) {
        assert!(room && !self.has_room(), "tests block only for room");
        self.wires.borrow_mut().room += 1;
    }

    fn poll_control(&mut self, running: Option<CallId>) -> ControlSignals {
        let signals = std::mem::take(&mut self.wires.borrow_mut().signals);
        ControlSignals { cancel: signals.cancel && running.is_some(), ..signals }
    }

    fn close(&mut self) {
        self.wires.borrow_mut().left[index(self.role)] = true;
    }
}

/// A link and its two hosts' state.
pub(crate) struct World {
    pub(crate) main: Engine,
    pub(crate) worker: Engine,
    pub(crate) wires: Rc<RefCell<Wires>>,
    pub(crate) budgets: [Budget; 2],
    pub(crate) now: Time,
    /// Registered on main: asynchronous or not, main runs it at once.
    pub(crate) ask: FunctionId,
    /// Registered on the worker; runs anytime.
    pub(crate) quick: FunctionId,
    /// Registered on the worker; runs while it serves.
    pub(crate) slow: FunctionId,
}

pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) const MOMENT: Duration = Duration::from_nanos(1);

impl World {
    /// An open link whose worker is not ready.
    pub(crate) fn early() -> Self {
        Self::with(Config { max_depth: 4, ..Config::default() }, 1 << 16, usize::MAX)
    }

    /// The same, with a worker that is ready.
    pub(crate) fn open() -> Self {
        let mut world = Self::early();
        world.worker.ready().unwrap();
        assert_eq!(world.main.poll(), Some(Action::Ready(vec!["quick".into(), "slow".into()])));
        world.quiet();
        world
    }

    pub(crate) fn with(config: Config, max_frame: usize, room: usize) -> Self {
        let mut world = Self::new(config, max_frame, room);
        world.quiet();
        world
    }

    /// A link before its handshake.
    pub(crate) fn unmet() -> Self {
        Self::new(Config::default(), 1 << 16, usize::MAX)
    }

    fn new(config: Config, max_frame: usize, room: usize) -> Self {
        let wires = Wires {
            frames: Default::default(),
            left: [false; 2],
            spare: Vec::new(),
            signals: ControlSignals::default(),
            room,
            max_frame,
        };
        let wires = Rc::new(RefCell::new(wires));
        let config = Config { deadlock_timeout: TIMEOUT, ..config };
        let budgets = ROLES.map(|_| Budget::new(usize::MAX));
        let [mut main, mut worker] = ROLES.map(|role| {
            let session = Session::new(role, config.clone()).with_budget(&budgets[index(role)]);
            Engine::new(session, Box::new(Memory { wires: Rc::clone(&wires), role }))
        });
        let ask = main.register("ask", Runs::Anytime);
        let quick = worker.register("quick", Runs::Anytime);
        let slow = worker.register("slow", Runs::WhileServing);
        Self { main, worker, wires, budgets, now: Time(0), ask, quick, slow }
    }

    pub(crate) fn end(&mut self, role: Role) -> &mut Engine {
        match role {
            Role::Main => &mut self.main,
            Role::Worker => &mut self.worker,
        }
    }

    /// Carries frames until neither end has an action or moves one.
    pub(crate) fn quiet(&mut self) {
        for _ in 0..4 {
            for role in ROLES {
                assert_eq!(self.end(role).poll(), None, "{role:?}");
            }
        }
    }

    pub(crate) fn call(&mut self, role: Role, name: &str) -> CallId {
        let payload = name.as_bytes().to_vec();
        let call = self.end(role).call(name, Format::Bytes, payload, None).expect("the call can be sent");
        self.end(role).flush();
        call
    }

    /// Main calls `name`; the call arrives at the worker if that polls.
    pub(crate) fn notify(&mut self, role: Role, name: &str, number: u8) {
        self.end(role).notify(name, Format::Bytes, vec![number]).expect("the notification can be sent");
        self.end(role).flush();
    }

    /// Expects that the next action of `role` runs this function.
    pub(crate) fn run(&mut self, role: Role, expected: FunctionId) -> Ticket {
        match self.end(role).poll() {
            Some(Action::Run { call, function, .. }) if function == expected => call,
            other => panic!("expected a run at {role:?}, got {other:?}"),
        }
    }

    /// Expects that the next action of `role` is the end of `expected`.
    pub(crate) fn settled(&mut self, role: Role, expected: CallId) -> Outcome {
        match self.end(role).poll() {
            Some(Action::Settle { call, outcome }) if call == expected => outcome,
            other => panic!("expected the end of {expected:?} at {role:?}, got {other:?}"),
        }
    }

    pub(crate) fn reply(&mut self, role: Role, call: Ticket) {
        self.end(role).reply(call, Format::Bytes, b"result".to_vec());
    }

    /// The worker is blocked in a call of main, whose function runs.
    pub(crate) fn block(&mut self) -> (CallId, Ticket) {
        let call = self.call(Role::Worker, "ask");
        self.worker.wait_for(call);
        let ask = self.ask;
        (call, self.run(Role::Main, ask))
    }

    /// A call that main makes from the function that runs.
    pub(crate) fn nested(&mut self, name: &str) -> CallId {
        self.call(Role::Main, name)
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
        let now = self.now;
        ROLES.into_iter().for_each(|role| self.end(role).handle_timeout(now));
    }
}

/// The code and the text of an error that was raised with a text.
pub(crate) fn refused(outcome: Outcome) -> (ErrorCode, String) {
    match outcome {
        Outcome::Threw { code, format: Format::Text, payload } => {
            (code, String::from_utf8(payload.into_bytes()).unwrap())
        }
        other => panic!("expected an error with a text, got {other:?}"),
    }
}

pub(crate) fn returned(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Returned { payload, .. } if payload == b"result")
}
