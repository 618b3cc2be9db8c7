//! Deferred calls: which of them count as deadlocks, and when.

use super::states::{Held, blocked, running, unwind};
use super::world::{MOMENT, TIMEOUT, World, refused, returned};
use coincide_proto::engine::{Action, Runs, Ticket};
use coincide_proto::{CallId, ErrorCode, Outcome, Role};

struct Nested {
    world: World,
    /// The call of main in which the worker is blocked, and its run.
    outer: (CallId, Ticket),
    /// What main's function has called.
    inner: CallId,
}

/// The worker is blocked in a call whose function has called `name`, which has arrived and does not run.
fn nested(mut world: World, name: &str) -> Nested {
    let outer = world.block();
    let inner = world.nested(name);
    world.main.started(outer.1);
    assert_eq!(world.worker.poll(), None);
    assert_eq!(world.worker.poll_timeout(), Some(coincide_proto::Time::default()), "the engine needs the time");
    let now = world.now;
    world.worker.handle_timeout(now);
    assert_eq!(world.worker.poll_timeout(), Some(now.after(TIMEOUT)));
    Nested { world, outer, inner }
}

#[test]
fn deferred_call_is_a_deadlock_only_while_the_worker_is_blocked_in_its_parent() {
    type Meanwhile = fn(&mut Nested);
    let cases: &[(&str, Meanwhile, &str)] = &[
        ("nothing happens", |_| {}, "deadlock"),
        (
            "an unrelated call runs",
            |it| {
                let held = running(&mut it.world);
                unwind(&mut it.world, vec![held]);
            },
            "deadlock",
        ),
        (
            "the parent returns",
            |it| {
                it.world.reply(Role::Main, it.outer.1);
                assert!(returned(&it.world.settled(Role::Worker, it.outer.0)));
            },
            "runs",
        ),
        (
            "the parent is cancelled",
            |it| {
                it.world.worker.cancel(it.outer.0);
                assert_eq!(it.world.settled(Role::Worker, it.outer.0), Outcome::Cancelled);
            },
            "runs",
        ),
        (
            "an interrupt ends the parent",
            |it| {
                it.world.main.interrupt();
                assert_eq!(it.world.settled(Role::Worker, it.outer.0), Outcome::Interrupted);
            },
            "runs",
        ),
        (
            "the caller cancels",
            |it| {
                it.world.main.cancel(it.inner);
                it.world.main.flush();
                assert_eq!(it.world.worker.poll(), None);
            },
            "cancelled",
        ),
        (
            "the parent is cancelled and its end is not handled",
            |it| {
                it.world.now = it.world.now.after(TIMEOUT);
                let now = it.world.now;
                it.world.worker.handle_timeout(now);
                it.world.worker.cancel(it.outer.0);
                assert_eq!(it.world.settled(Role::Worker, it.outer.0), Outcome::Cancelled);
            },
            "runs",
        ),
    ];
    for (name, meanwhile, expected) in cases {
        let mut it = nested(World::open(), "slow");
        meanwhile(&mut it);
        let Nested { mut world, outer, inner } = it;
        if *expected == "runs" {
            let slow = world.slow;
            let ticket = world.run(Role::Worker, slow);
            world.reply(Role::Worker, ticket);
            world.advance(2 * TIMEOUT);
            while let Some(action) = world.main.poll() {
                match action {
                    Action::Settle { call, outcome } => assert!(call == inner && returned(&outcome), "{name}"),
                    Action::Abort { call } => world.main.answer_cancelled(call),
                    other => panic!("{name}: {other:?}"),
                }
            }
            world.quiet();
            continue;
        }
        world.advance(TIMEOUT - MOMENT);
        assert_eq!(world.worker.poll(), None, "{name}: before the timeout");
        world.advance(MOMENT);
        assert_eq!(world.worker.poll(), None, "{name}");
        let outcome = world.settled(Role::Main, inner);
        if *expected == "cancelled" {
            assert_eq!(outcome, Outcome::Cancelled, "{name}");
        } else {
            let (code, text) = refused(outcome);
            assert_eq!(code, ErrorCode::DEADLOCK, "{name}");
            assert!(text.contains("the function was not run"), "{name}: {text}");
            assert!(text.contains("worker.slow, called by main.ask; do not"), "{name}: {text}");
        }
        unwind(&mut world, vec![Held::Blocked(outer.0, outer.1)]);
        assert_eq!(world.worker.poll_timeout(), None, "{name}");
        world.quiet();
    }
}

#[test]
fn timeout_of_an_early_call_depends_on_its_function() {
    type Register = fn(&mut World);
    let cases: &[(&str, Register)] = &[
        ("UNKNOWN_FUNCTION", |_| {}),
        ("DEADLOCK", |world| _ = world.worker.register("late", Runs::WhileServing)),
        ("runs", |world| _ = world.worker.register("late", Runs::Anytime)),
    ];
    for aside in [false, true] {
        for (expected, register) in cases {
            let Nested { mut world, outer, inner } = nested(World::early(), "late");
            register(&mut world);
            world.advance(TIMEOUT);
            if aside {
                assert_eq!(world.worker.poll_aside(), None, "{expected}");
            }
            let action = world.worker.poll();
            if let Some(Action::Run { call, .. }) = action {
                assert_eq!((*expected, call.call()), ("runs", Some(inner)));
                world.reply(Role::Worker, call);
                assert!(returned(&world.settled(Role::Main, inner)));
            } else {
                let (code, _) = refused(world.settled(Role::Main, inner));
                let codes = [("UNKNOWN_FUNCTION", ErrorCode::UNKNOWN_FUNCTION), ("DEADLOCK", ErrorCode::DEADLOCK)];
                assert!(codes.contains(&(*expected, code)), "{expected}: {code:?}");
            }
            unwind(&mut world, vec![Held::Blocked(outer.0, outer.1)]);
            world.quiet();
        }
    }
}

#[test]
fn call_beyond_the_depth_limit_is_refused_once_it_is_assumed_to_be_waited_for() {
    let mut world = World::open();
    let mut stack: Vec<Held> = (0..3).flat_map(|_| [blocked(&mut world), running(&mut world)]).collect();
    world.notify(Role::Main, "quick", 0);
    stack.push(blocked(&mut world));
    let quick = world.quick;
    let notified = world.run(Role::Worker, quick);
    let Nested { mut world, outer, inner } = nested(world, "quick");
    world.advance(TIMEOUT);
    assert_eq!(world.worker.poll(), None);
    let (code, text) = refused(world.settled(Role::Main, inner));
    assert_eq!(code, ErrorCode::TOO_DEEP);
    let expected =
        "4 functions are running inside each other and no more are allowed: worker.quick, called by main.ask";
    assert_eq!(text, expected);
    unwind(&mut world, vec![Held::Blocked(outer.0, outer.1)]);
    world.reply(Role::Worker, notified);
    unwind(&mut world, stack);
    world.quiet();
}

#[test]
fn started_function_whose_parent_waits_is_a_deadlock_and_its_answer_is_dropped() {
    let mut world = World::open();
    let outer = world.block();
    let inner = world.nested("quick");
    world.main.started(outer.1);
    let quick = world.quick;
    let ticket = world.run(Role::Worker, quick);
    world.worker.started(ticket);
    world.advance(Default::default());
    world.advance(TIMEOUT);
    assert_eq!(world.worker.poll(), None);
    let (code, text) = refused(world.settled(Role::Main, inner));
    assert_eq!(code, ErrorCode::DEADLOCK);
    assert!(text.contains("the function has begun, and its result is dropped"), "{text}");
    world.reply(Role::Worker, ticket);
    world.quiet();
    unwind(&mut world, vec![Held::Blocked(outer.0, outer.1)]);
}

#[test]
fn started_function_that_ends_in_time_is_no_deadlock() {
    let mut world = World::open();
    let outer = world.block();
    let inner = world.nested("quick");
    let quick = world.quick;
    let ticket = world.run(Role::Worker, quick);
    world.worker.started(ticket);
    world.advance(Default::default());
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, inner)));
    world.advance(TIMEOUT);
    unwind(&mut world, vec![Held::Blocked(outer.0, outer.1)]);
    world.quiet();
}

/// An awaited call does not block the worker: another one does.
#[test]
fn parent_that_the_worker_only_awaits_is_no_deadlock() {
    let mut world = World::open();
    let awaited = world.call(Role::Worker, "ask");
    let ask = world.ask;
    let parent = world.run(Role::Main, ask);
    let slow = world.nested("slow");
    world.main.started(parent);
    let wait = blocked(&mut world);
    assert_eq!(world.worker.poll(), None);
    assert_eq!(world.worker.poll_timeout(), None);
    unwind(&mut world, vec![wait]);
    let id = world.slow;
    let ticket = world.run(Role::Worker, id);
    world.reply(Role::Worker, ticket);
    assert!(returned(&world.settled(Role::Main, slow)));
    world.reply(Role::Main, parent);
    assert!(returned(&world.settled(Role::Worker, awaited)));
}
