//! Ends of a call of main, in each state of the worker, by each event.

use super::world::{ROLES, World};
use coincide_proto::engine::{Action, Stop, Ticket};
use coincide_proto::{CallId, CloseReason, Format, Outcome, Role};

/// What is on the worker's stack.
enum Held {
    Running(Ticket),
    Blocked(CallId),
    Asleep,
}

/// A call of main, and what both hosts hold.
struct Case {
    world: World,
    /// The call that is to end.
    call: Option<CallId>,
    stack: Vec<Held>,
    /// Started functions of main and of the worker.
    started: [Vec<Ticket>; 2],
    log: Vec<String>,
}

impl Case {
    fn new(state: &str) -> Self {
        let world = if state == "early" { World::early() } else { World::open() };
        let (call, stack, started, log) = (None, Vec::new(), Default::default(), Vec::new());
        let mut case = Self { world, call, stack, started, log };
        match state {
            "deferred" => case.block(),
            "kept" => {
                case.block();
                case.run_another();
            }
            _ => {}
        }
        let name = match state {
            "early" => "late",
            "deferred" => "slow",
            _ => "quick",
        };
        case.call = Some(case.world.main.call(name, Format::Bytes, b"result".to_vec(), None).unwrap());
        match state {
            "not sent" => return case,
            "not received" => {
                case.world.main.flush();
                return case;
            }
            _ => case.carry(),
        }
        match state {
            "early" | "kept" | "deferred" | "computes" => {}
            "sleeps" => {
                case.world.worker.fall_asleep();
                case.stack.push(Held::Asleep);
            }
            "blocked" => case.block(),
            "blocked below another" => {
                case.block();
                case.run_another();
            }
            "started" => {
                let Some(Held::Running(ticket)) = case.stack.pop() else { panic!("the call runs") };
                case.world.worker.started(ticket);
                case.started[1].push(ticket);
            }
            "answered" => case.unwind(),
            _ => panic!("{state}"),
        }
        case.log.clear();
        case
    }

    /// A function runs for a notification.
    fn run_another(&mut self) {
        self.world.notify(Role::Main, "quick", 0);
        self.carry();
        assert!(matches!(self.stack.last(), Some(Held::Running(ticket)) if ticket.call().is_none()));
    }

    fn block(&mut self) {
        let call = self.world.call(Role::Worker, "ask");
        self.world.worker.wait_for(call);
        self.stack.push(Held::Blocked(call));
        self.carry();
    }

    /// Performs the actions of both ends.
    fn carry(&mut self) {
        let mut quiet = 0;
        while quiet < 4 {
            for role in ROLES {
                let aside = role == Role::Worker && matches!(self.stack.last(), Some(Held::Running(_)));
                let end = self.world.end(role);
                let action = if aside { end.poll_aside() } else { end.poll() };
                match action {
                    Some(action) => {
                        self.perform(role, action);
                        quiet = 0;
                    }
                    None => quiet += 1,
                }
            }
        }
    }

    fn perform(&mut self, role: Role, action: Action) {
        let text = match action {
            Action::Run { call, .. } if role == Role::Main => {
                self.world.main.started(call);
                self.started[0].push(call);
                return;
            }
            Action::Run { call, .. } => {
                let text = if call.call().is_some() { "runs" } else { "runs another" };
                self.stack.push(Held::Running(call));
                text.into()
            }
            Action::Settle { call, outcome } if role == Role::Main => {
                assert_eq!(Some(call), self.call);
                outcome_of(outcome)
            }
            Action::Settle { call, outcome } => {
                let Some(Held::Blocked(blocked)) = self.stack.pop() else { panic!("it is not blocked") };
                assert_eq!(blocked, call);
                format!("unblocked: {}", outcome_of(outcome))
            }
            Action::Abort { call } if role == Role::Main => {
                self.started[0].retain(|started| *started != call);
                self.world.main.answer_cancelled(call);
                "aborts".into()
            }
            Action::Abort { call } => {
                assert_eq!(self.started[1].pop(), Some(call));
                self.world.worker.answer_cancelled(call);
                "aborts".into()
            }
            Action::Closed(closed) => format!("closed {:?}", closed.by),
            other => panic!("{other:?}"),
        };
        self.log.push(format!("{} {text}", role.name()));
    }

    /// Whether the running function is stopped.
    fn stop(&mut self) {
        if let Some(stop) = self.world.worker.take_stop() {
            self.log.push(format!("worker stops: {stop:?}"));
            assert_eq!(self.world.worker.take_stop(), Some(stop).filter(|stop| *stop == Stop::Closed), "once");
        }
    }

    /// All functions return.
    fn unwind(&mut self) {
        loop {
            match self.stack.last() {
                Some(Held::Running(ticket)) => {
                    let ticket = *ticket;
                    self.stack.pop();
                    self.world.worker.reply(ticket, Format::Bytes, b"result".to_vec());
                }
                Some(Held::Blocked(_)) => {}
                Some(Held::Asleep) => {
                    self.stack.pop();
                    self.world.worker.wake_up();
                }
                None if self.started.iter().all(Vec::is_empty) => {
                    self.carry();
                    if self.stack.is_empty() {
                        return;
                    }
                }
                None => {}
            }
            for role in ROLES {
                for ticket in std::mem::take(&mut self.started[usize::from(role == Role::Worker)]) {
                    self.world.end(role).reply(ticket, Format::Bytes, b"result".to_vec());
                }
            }
            self.carry();
        }
    }
}

fn outcome_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Returned { .. } => "returned".into(),
        Outcome::Threw { code, .. } => format!("threw {}", code.0),
        other => format!("{other:?}"),
    }
}

const STATES: [&str; 11] = [
    "not sent",
    "not received",
    "early",
    "kept",
    "deferred",
    "computes",
    "sleeps",
    "blocked",
    "blocked below another",
    "started",
    "answered",
];

/// The effects of `event`, followed by those of the return of all functions.
fn trace(state: &str, event: fn(&mut Case)) -> Vec<String> {
    let mut case = Case::new(state);
    event(&mut case);
    case.carry();
    case.stop();
    case.log.push("then".into());
    case.unwind();
    for role in ROLES {
        assert!(!case.world.end(role).is_busy(), "{state}");
        assert_eq!(case.world.end(role).poll_timeout(), None, "{state}");
    }
    assert_eq!(case.world.budgets.map(|budget| budget.used()), [0, 0], "{state}");
    case.log
}

fn cancel(case: &mut Case) {
    let call = case.call.unwrap();
    case.world.main.cancel(call);
    case.world.main.cancel(call);
}

#[test]
fn cancellation_and_interrupt_end_a_call_as_its_state_demands() {
    let expected = [
        // The state of main's call; what its cancellation does; what an interrupt does. Main's function returns only after that.
        ("not sent", "main Cancelled; then", "worker runs; then; main returned"),
        (
            "not received",
            "main Cancelled; worker runs; worker stops: Cancelled; then",
            "worker runs; worker stops: Interrupted; then; main returned",
        ),
        ("early", "main Cancelled; then", "then"),
        (
            "kept",
            "main Cancelled; then; worker unblocked: returned",
            "worker stops: Interrupted; then; worker runs; main returned; worker unblocked: returned",
        ),
        (
            "deferred",
            "main Cancelled; then; worker unblocked: returned",
            "worker unblocked: Interrupted; main aborts; worker runs; then; main returned",
        ),
        ("computes", "main Cancelled; worker stops: Cancelled; then", "worker stops: Interrupted; then; main returned"),
        ("sleeps", "main Cancelled; worker stops: Cancelled; then", "worker stops: Interrupted; then; main returned"),
        (
            "blocked",
            "main Cancelled; worker unblocked: Cancelled; main aborts; then",
            "worker unblocked: Interrupted; main aborts; then; main returned",
        ),
        (
            "blocked below another",
            "main Cancelled; main aborts; then; worker unblocked: Cancelled",
            "worker stops: Interrupted; then; worker unblocked: returned; main returned",
        ),
        ("started", "main Cancelled; worker aborts; then", "then; main returned"),
        ("answered", "then", "then"),
    ];
    assert_eq!(expected.map(|(state, ..)| state), STATES);
    for (state, cancelled, interrupted) in expected {
        assert_eq!(trace(state, cancel).join("; "), cancelled, "{state}, cancelled");
        assert_eq!(trace(state, |case| case.world.main.interrupt()).join("; "), interrupted, "{state}, interrupted");
    }
}

#[test]
fn close_settles_a_call_in_every_state_and_is_the_last_action_of_both_ends() {
    type Event = fn(&mut Case);
    let events: [(&str, Event); 6] = [
        ("Here Peer", |case| case.world.main.close(CloseReason::DONE, "")),
        ("Peer Here", |case| case.world.worker.close(CloseReason::DONE, "")),
        ("Here Peer", |case| case.world.main.abort(CloseReason::TERMINATED, "")),
        ("Peer Here", |case| case.world.worker.abort(CloseReason::FAILED, "")),
        ("Gone Gone", |case| case.world.wires.borrow_mut().break_link()),
        ("Here Peer", |case| {
            cancel(case);
            case.world.main.close(CloseReason::DONE, "");
        }),
    ];
    for state in STATES {
        for (index, (by, event)) in events.into_iter().enumerate() {
            let log = trace(state, event);
            let case = format!("{state}, event {index}: {log:?}");
            let main: Vec<_> = log.iter().filter(|entry| entry.starts_with("main ")).collect();
            let worker: Vec<_> = log.iter().filter(|entry| entry.starts_with("worker ")).collect();
            let (by_main, by_worker) = by.split_once(' ').unwrap();
            assert_eq!(main.last().unwrap().as_str(), format!("main closed {by_main}"), "{case}");
            let last = worker.iter().rfind(|entry| !entry.contains("stops"));
            assert_eq!(last.unwrap().as_str(), format!("worker closed {by_worker}"), "{case}");
            for end in ["main", "worker"] {
                let closed = format!("{end} closed");
                assert_eq!(log.iter().filter(|entry| entry.starts_with(&closed)).count(), 1, "{case}");
            }
            assert!(log.contains(&"worker stops: Closed".into()), "{case}");
            // Answered and cancelled calls have ended before.
            let outcome = if index == 5 { "main Cancelled" } else { "main Closed" };
            let settled = usize::from(state != "answered");
            assert_eq!(log.iter().filter(|entry| *entry == outcome).count(), settled, "{case}");
            assert_eq!(main.len(), 1 + settled, "{case}");
        }
    }
}

/// Frames that are received while a worker waits for room are dispatched later, when later frames are known.
fn received_for_want_of_room(act: fn(&mut Case)) -> Case {
    let mut case = Case::new("not sent");
    case.world.wires.borrow_mut().room = 2;
    act(&mut case);
    for _ in 0..3 {
        case.world.worker.notify("ask", Format::Bytes, Vec::new()).unwrap();
    }
    case.world.worker.drain();
    assert!(!case.world.worker.has_input() && !case.world.worker.is_blocked());
    case
}

#[test]
fn call_that_is_cancelled_before_it_is_dispatched_never_runs() {
    let mut case = received_for_want_of_room(|case| {
        case.world.main.flush();
        cancel(case);
        case.world.main.flush();
    });
    assert_eq!(case.world.worker.poll(), None);
}

#[test]
fn interrupt_that_crosses_the_end_of_the_blocked_call_stops_what_follows() {
    for computes in [true, false] {
        let mut case = Case::new("blocked");
        case.world.wires.borrow_mut().room = 3;
        let Some(Held::Blocked(blocked)) = case.stack.pop() else { panic!("it is blocked") };
        case.world.main.interrupt();
        let ask = case.started[0].pop().unwrap();
        case.world.main.reply(ask, Format::Bytes, Vec::new());
        for _ in 0..4 {
            case.world.worker.notify("ask", Format::Bytes, Vec::new()).unwrap();
        }
        case.world.worker.drain();
        let action = case.world.worker.poll();
        assert!(matches!(action, Some(Action::Settle { call, outcome: Outcome::Returned { .. } }) if call == blocked));
        if computes {
            assert_eq!(case.world.worker.take_stop(), Some(Stop::Interrupted));
        }
        let Some(Held::Running(ticket)) = case.stack.pop() else { panic!("it runs") };
        case.world.worker.reply(ticket, Format::Bytes, Vec::new());
        // An interrupt does not affect functions that run after the interrupted one.
        case.world.call(Role::Main, "quick");
        let quick = case.world.quick;
        case.world.run(Role::Worker, quick);
        assert_eq!(case.world.worker.take_stop(), None);
    }
}

#[test]
fn function_that_starts_after_its_cancellation_is_aborted() {
    let mut case = Case::new("computes");
    cancel(&mut case);
    case.carry();
    let Some(Held::Running(ticket)) = case.stack.pop() else { panic!("it runs") };
    case.world.worker.started(ticket);
    assert_eq!(case.world.worker.poll(), Some(Action::Abort { call: ticket }));
    case.world.worker.answer_cancelled(ticket);
    case.world.worker.started(ticket);
    assert_eq!(case.world.worker.poll(), None);
}

#[test]
fn notifications_that_wait_do_not_outlive_the_link() {
    let mut case = Case::new("computes");
    case.world.notify(Role::Main, "quick", 0);
    case.world.notify(Role::Main, "slow", 0);
    case.carry();
    case.world.main.close(CloseReason::DONE, "");
    case.carry();
    case.unwind();
    case.log.sort();
    assert_eq!(case.log, ["main Closed", "main closed Here", "worker closed Peer"]);
}

/// Ids of calls are reused, those of a generation after 32,768 calls.
#[test]
fn late_answer_does_not_reach_a_call_with_the_same_id() {
    let mut case = Case::new("started");
    let late = case.started[1].pop().unwrap();
    let first = case.call;
    cancel(&mut case);
    assert_eq!(case.world.main.poll().map(|_| ()), Some(()));
    assert_eq!(case.world.worker.poll(), Some(Action::Abort { call: late }));
    case.world.worker.answer_cancelled(late);
    assert_eq!(case.world.main.poll(), None);
    let quick = case.world.quick;
    loop {
        let call = case.world.call(Role::Main, "quick");
        let ticket = case.world.run(Role::Worker, quick);
        if Some(call) == first {
            case.world.worker.reply(late, Format::Bytes, b"late".to_vec());
            assert_eq!(case.world.main.poll(), None);
            case.world.worker.reply(ticket, Format::Bytes, b"result".to_vec());
            assert!(super::world::returned(&case.world.settled(Role::Main, call)));
            return;
        }
        case.world.worker.reply(ticket, Format::Bytes, Vec::new());
        case.world.settled(Role::Main, call);
    }
}

#[test]
fn dropped_engine_closes_its_link() {
    for role in ROLES {
        let mut case = Case::new("answered");
        case.world.notify(role, "late", 0);
        let World { main, worker, .. } = case.world;
        let (dropped, mut peer) = if role == Role::Main { (main, worker) } else { (worker, main) };
        drop(dropped);
        let Some(Action::Closed(closed)) = peer.poll() else { panic!("{role:?}: the link is closed") };
        let expected = if role == Role::Main { CloseReason::TERMINATED } else { CloseReason::DONE };
        assert_eq!(closed.reason, expected);
    }
}
