//! When a received call runs, and how calls are settled.

use super::states::{Held, asleep, blocked, running, unwind};
use super::world::{ROLES, World, refused, returned};
use coincide_proto::engine::{Action, Runs};
use coincide_proto::{Config, ErrorCode, Format, Outcome, Role};

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Runs,
    RunsWhenServing,
    RunsWhenReady,
    Unknown,
}

#[test]
fn received_call_runs_when_the_state_allows_it() {
    use Then::{Runs, RunsWhenReady, RunsWhenServing, Unknown};
    type State = fn(&mut World) -> Vec<Held>;
    let serving: State = |_| vec![];
    let is_blocked: State = |world| vec![blocked(world)];
    let is_asleep: State = |world| vec![asleep(world)];
    let blocked_in_function: State = |world| vec![running(world), blocked(world)];
    let too_deep: State = |world| {
        let mut stack: Vec<Held> = (0..4).flat_map(|_| [blocked(world), running(world)]).collect();
        stack.push(asleep(world));
        stack
    };
    // The name that main calls is registered as one that runs anytime, as one that runs while the worker serves, or not at all.
    let cases: &[(&str, bool, State, [Then; 3])] = &[
        ("serves", true, serving, [Runs, Runs, Unknown]),
        ("is blocked", true, is_blocked, [Runs, RunsWhenServing, Unknown]),
        ("is asleep", true, is_asleep, [Runs, RunsWhenServing, Unknown]),
        ("is blocked in a function", true, blocked_in_function, [Runs, RunsWhenServing, Unknown]),
        ("runs too many functions", true, too_deep, [RunsWhenServing, RunsWhenServing, Unknown]),
        ("serves and is not ready", false, serving, [Runs, Runs, RunsWhenReady]),
        ("is blocked and not ready", false, is_blocked, [Runs, RunsWhenServing, RunsWhenReady]),
        ("runs too many and is not ready", false, too_deep, [RunsWhenServing, RunsWhenServing, RunsWhenReady]),
    ];
    for (state, ready, make, expected) in cases {
        for (name, then) in ["quick", "slow", "late"].into_iter().zip(*expected) {
            for wants_answer in [true, false] {
                let case = format!("the worker {state}, {name}, {wants_answer}");
                let mut world = if *ready { World::open() } else { World::early() };
                let stack = make(&mut world);
                let call = wants_answer.then(|| world.call(Role::Main, name));
                if !wants_answer {
                    world.notify(Role::Main, name, 0);
                }
                let mut action = world.worker.poll();
                if then == RunsWhenServing || then == RunsWhenReady {
                    assert_eq!(action, None, "{case}");
                    assert_eq!(world.worker.poll_timeout(), None, "{case}: not a deadlock");
                }
                if then == RunsWhenServing {
                    unwind(&mut world, stack);
                    action = world.worker.poll();
                } else if then == RunsWhenReady {
                    world.worker.register("late", coincide_proto::engine::Runs::Anytime);
                    assert_eq!(world.worker.poll(), None, "{case}");
                    unwind(&mut world, stack);
                    assert_eq!(world.worker.poll(), None, "{case}");
                    world.worker.ready().unwrap();
                    assert_eq!(
                        world.main.poll(),
                        Some(Action::Ready(["late", "quick", "slow"].map(String::from).into()))
                    );
                    action = world.worker.poll();
                }
                if then == Unknown {
                    assert_eq!(action, None, "{case}");
                    if let Some(call) = call {
                        let (code, text) = refused(world.settled(Role::Main, call));
                        assert_eq!(code, ErrorCode::UNKNOWN_FUNCTION, "{case}");
                        assert_eq!(text, "no function `late` is registered; registered are: quick, slow", "{case}");
                    }
                    continue;
                }
                let Some(Action::Run { call: ticket, .. }) = action else { panic!("{case}: {action:?}") };
                assert_eq!(ticket.call(), call, "{case}");
                world.reply(Role::Worker, ticket);
                if let Some(call) = call {
                    assert!(returned(&world.settled(Role::Main, call)), "{case}");
                }
            }
        }
    }
}

#[test]
fn main_runs_everything_at_once() {
    for runs in [Runs::Anytime, Runs::WhileServing] {
        let mut world = World::open();
        world.main.register("ask", runs);
        let calls = [(); 10].map(|()| world.call(Role::Worker, "ask"));
        let unknown = world.call(Role::Worker, "late");
        let ask = world.ask;
        // The host answers before it polls again, but engines need not rely on it.
        let tickets = calls.map(|_| world.run(Role::Main, ask));
        assert_eq!(world.main.poll(), None);
        for (call, ticket) in calls.into_iter().zip(tickets).rev() {
            world.reply(Role::Main, ticket);
            assert_eq!(ticket.call(), Some(call));
        }
        let (code, text) = refused(world.settled(Role::Worker, unknown));
        let expected = "no function `late` is registered; registered are: ask";
        assert_eq!((code, &*text), (ErrorCode::UNKNOWN_FUNCTION, expected));
        for call in calls.into_iter().rev() {
            assert!(returned(&world.settled(Role::Worker, call)));
        }
        world.quiet();
    }
}

#[test]
fn function_that_computes_receives_calls_and_runs_none() {
    let mut world = World::open();
    let held = running(&mut world);
    world.notify(Role::Main, "slow", 0);
    let call = world.call(Role::Main, "quick");
    world.main.release(&[7]).unwrap();
    world.main.flush();
    assert_eq!(world.worker.poll_aside(), None);
    assert_eq!(world.worker.take_stop(), None);
    // In a wait, functions that may run there run in order, and the release keeps its place.
    let wait = blocked(&mut world);
    let quick = world.quick;
    let ticket = world.run(Role::Worker, quick);
    assert_eq!(ticket.call(), Some(call));
    world.reply(Role::Worker, ticket);
    assert_eq!(world.worker.poll(), Some(Action::Released(vec![7])));
    assert!(returned(&world.settled(Role::Main, call)));
    unwind(&mut world, vec![held, wait]);
    let slow = world.slow;
    let ticket = world.run(Role::Worker, slow);
    assert_eq!(ticket.call(), None);
    world.reply(Role::Worker, ticket);
    world.quiet();
}

#[test]
fn releases_are_reported_while_a_function_computes_unless_calls_are_kept() {
    let mut world = World::open();
    let held = running(&mut world);
    world.main.release(&[7, 7]).unwrap();
    world.main.flush();
    assert_eq!(world.worker.poll_aside(), Some(Action::Released(vec![7, 7])));
    unwind(&mut world, vec![held]);
    world.quiet();
}

#[test]
fn notifications_deferred_for_the_same_reason_keep_their_order() {
    let mut world = World::early();
    let wait = blocked(&mut world);
    for (number, name) in ["late", "slow", "quick", "late", "slow", "quick"].into_iter().enumerate() {
        world.notify(Role::Main, name, number as u8);
    }
    let mut order = Vec::new();
    let mut poll = |world: &mut World| {
        while let Some(action) = world.worker.poll() {
            let Action::Run { call, payload, .. } = action else { panic!("{action:?}") };
            order.push(payload.head[0]);
            world.worker.reply(call, Format::Bytes, payload);
        }
    };
    poll(&mut world);
    unwind(&mut world, vec![wait]);
    poll(&mut world);
    world.worker.register("late", Runs::Anytime);
    world.worker.ready().unwrap();
    poll(&mut world);
    assert_eq!(order, [2, 5, 1, 4, 0, 3]);
}

#[test]
fn functions_are_found_by_name_and_indexes_are_reused() {
    let mut world = World::open();
    let first = world.worker.register("first", Runs::Anytime);
    assert_eq!(world.worker.register("first", Runs::WhileServing), first, "replaced");
    assert_eq!(world.worker.unregister("first"), Some(first));
    assert_eq!(world.worker.unregister("first"), None);
    assert_eq!(world.worker.register("coincide:own", Runs::Anytime), first);
    assert_eq!(world.worker.names().collect::<Vec<_>>(), ["quick", "slow"]);
    let call = world.call(Role::Main, "coincide:own");
    let ticket = world.run(Role::Worker, first);
    assert_eq!(ticket.call(), Some(call));
    let many: Vec<String> = (0..20).map(|index| format!("f{index:02}")).collect();
    many.iter().for_each(|name| _ = world.worker.register(name, Runs::Anytime));
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, call)));
    let call = world.call(Role::Main, "g");
    assert_eq!(world.worker.poll(), None);
    let (_, text) = refused(world.settled(Role::Main, call));
    assert!(text.ends_with("f13, f14, f15, ..."), "{text}");
    world.worker.names().for_each(|name| assert_ne!(name, "coincide:own"));
}

#[test]
fn oversized_list_of_exports_leaves_the_worker_unchanged() {
    let mut world = World::early();
    let long = "x".repeat(2000);
    world.worker.register(&long, Runs::Anytime);
    let call = world.call(Role::Main, "late");
    assert_eq!(world.worker.poll(), None);
    assert!(world.worker.ready().is_err());
    world.worker.unregister(&long);
    let late = world.worker.register("late", Runs::Anytime);
    assert_eq!(world.worker.poll(), None, "the worker is not ready");
    world.worker.ready().unwrap();
    world.worker.ready().unwrap();
    let ticket = world.run(Role::Worker, late);
    assert_eq!(ticket.call(), Some(call));
    assert_eq!(world.main.poll(), Some(Action::Ready(["late", "quick", "slow"].map(String::from).into())));
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, call)));
    world.quiet();
}

/// Outcomes of calls in which the worker is blocked wait until their turn.
#[test]
fn blocked_calls_are_settled_innermost_first() {
    let mut world = World::open();
    let (outer, outer_ask) = world.block();
    world.main.started(outer_ask);
    let run = running(&mut world);
    let (inner, inner_ask) = world.block();
    world.main.started(inner_ask);
    let awaited = world.call(Role::Worker, "ask");
    let ask = world.ask;
    let awaited_ask = world.run(Role::Main, ask);
    world.main.started(awaited_ask);
    for ticket in [outer_ask, awaited_ask, inner_ask] {
        world.reply(Role::Main, ticket);
    }
    assert!(returned(&world.settled(Role::Worker, awaited)), "one that is not waited for is settled at once");
    assert!(returned(&world.settled(Role::Worker, inner)));
    assert_eq!(world.worker.poll_aside(), None);
    unwind(&mut world, vec![run]);
    assert!(returned(&world.settled(Role::Worker, outer)));
    world.quiet();
}

#[test]
fn calls_name_the_function_that_makes_them_as_their_parent() {
    let mut world = World::open();
    let (outer, ask) = world.block();
    let inner = world.nested("quick");
    let quick = world.quick;
    let ticket = world.run(Role::Worker, quick);
    assert_eq!(world.worker.session().parent(inner), Some(outer));
    assert_eq!((world.worker.current(), world.main.current()), (Some(inner), Some(outer)));
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, inner)));
    assert_eq!(world.worker.current(), None);

    // A notification has no caller.
    world.notify(Role::Main, "quick", 0);
    let notified = world.run(Role::Worker, quick);
    assert_eq!((notified.call(), world.worker.current()), (None, None));
    world.reply(Role::Worker, notified);

    // The function continues later.
    world.main.started(ask);
    assert_eq!(world.main.current(), None);
    let before = world.main.enter(ask);
    let later = world.nested("quick");
    world.main.leave(before);
    assert_eq!(world.main.current(), None);
    let ticket = world.run(Role::Worker, quick);
    assert_eq!(world.worker.session().parent(later), Some(outer));
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, later)));
    world.reply(Role::Main, ask);
    assert!(returned(&world.settled(Role::Worker, outer)));

    // After its answer it is no longer a parent.
    let before = world.main.enter(ask);
    assert_eq!(world.main.current(), None);
    world.main.leave(before);
}

#[test]
fn answer_that_comes_twice_or_too_late_is_dropped() {
    let mut world = World::open();
    for _ in 0..3 {
        let call = world.call(Role::Main, "quick");
        let quick = world.quick;
        let ticket = world.run(Role::Worker, quick);
        world.worker.throw(ticket, ErrorCode::THROWN, Format::Value, vec![1]);
        world.reply(Role::Worker, ticket);
        world.worker.throw_text(ticket, ErrorCode::PANICKED, "no");
        world.worker.started(ticket);
        let threw = Outcome::Threw { code: ErrorCode::THROWN, format: Format::Value, payload: vec![1].into() };
        assert_eq!(world.settled(Role::Main, call), threw);
        world.quiet();
    }
}

/// A host that unwinds leaves frames on the stack, which end with the frames below them.
#[test]
fn answer_ends_what_ran_inside_of_its_function() {
    let mut world = World::open();
    let Held::Running(outer) = running(&mut world) else { panic!() };
    let (call, ask) = world.block();
    let Held::Running(_) = running(&mut world) else { panic!() };
    asleep(&mut world);
    world.reply(Role::Worker, outer);
    assert_eq!(world.worker.current(), None);
    assert!(returned(&world.settled(Role::Main, outer.call().unwrap())));
    assert_eq!(world.settled(Role::Worker, call), Outcome::Cancelled);
    assert_eq!(world.main.poll(), None, "the function returns, so nothing is aborted");
    world.reply(Role::Main, ask);
    world.call(Role::Main, "slow");
    let slow = world.slow;
    world.run(Role::Worker, slow);
}

#[test]
fn refusals_of_the_session_are_answered_without_an_action() {
    let mut world = World::with(Config { max_depth: 1, ..Config::default() }, 1 << 16, usize::MAX);
    world.block();
    let error = world.main.call("quick", Format::Bytes, vec![], None).unwrap_err().to_string();
    assert!(error.contains("nested 2 deep"), "{error}");
}

/// An event loop sleeps only when there is nothing to do.
#[test]
fn engine_with_pending_actions_does_not_arm() {
    for role in ROLES {
        let mut world = World::open();
        assert!(world.end(role).arm() && !world.end(role).is_busy(), "{role:?}");
        let call = world.call(role, if role == Role::Main { "quick" } else { "ask" });
        world.end(role).cancel(call);
        assert!(!world.end(role).arm() && world.end(role).is_busy(), "{role:?}");
        assert_eq!(world.settled(role, call), Outcome::Cancelled);
        assert!(world.end(role).arm() || role == Role::Main, "{role:?}");
    }
    let mut world = World::open();
    let held = running(&mut world);
    let slow = world.call(Role::Main, "slow");
    assert_eq!(world.worker.poll_aside(), None);
    assert!(!world.worker.arm());
    let wait = blocked(&mut world);
    assert_eq!(world.worker.poll(), None);
    assert!(!world.worker.is_busy(), "a deferred call is nothing to do as long as the worker is blocked");
    unwind(&mut world, vec![held, wait]);
    assert!(world.worker.is_busy());
    let id = world.slow;
    let ticket = world.run(Role::Worker, id);
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, slow)));
    assert!(!world.worker.is_busy());
}

/// Events without an action do not block the other work of an event loop.
#[test]
fn flood_of_events_without_actions_is_handled_in_parts() {
    for role in ROLES {
        let mut world = World::open();
        (0..200).for_each(|_| world.notify(role.peer(), "late", 0));
        let name = if role == Role::Main { "ask" } else { "quick" };
        world.notify(role.peer(), name, 1);
        for _ in 0..3 {
            assert_eq!(world.end(role).poll(), None, "{role:?}");
            assert!(world.end(role).is_busy() && !world.end(role).arm(), "{role:?}");
        }
        let Some(Action::Run { payload, .. }) = world.end(role).poll() else { panic!("{role:?}: it runs") };
        assert_eq!(payload, [1]);
    }
}

#[test]
fn callee_knows_whether_its_caller_blocks() {
    let mut world = World::open();
    let call = world.worker.call_and_wait("ask", Format::Bytes, vec![], None).unwrap();
    world.worker.flush();
    let ask = world.ask;
    let ticket = world.run(Role::Main, ask);
    assert!(world.main.session().blocks(call));
    world.reply(Role::Main, ticket);
    assert!(returned(&world.settled(Role::Worker, call)));
    let call = world.call(Role::Worker, "ask");
    let ticket = world.run(Role::Main, ask);
    assert!(!world.main.session().blocks(call));
    world.reply(Role::Main, ticket);
    assert!(returned(&world.settled(Role::Worker, call)));
}
