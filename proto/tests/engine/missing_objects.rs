//! Calls whose posted objects have not arrived.

use super::states::{asleep, blocked, unwind};
use super::world::{ROLES, TIMEOUT, World, refused, returned};
use coincide_proto::engine::{Action, Ticket};
use coincide_proto::{CloseReason, ErrorCode, Outcome, Role};
use std::time::Duration;

/// The next action runs a function whose posted objects have not arrived.
fn lacks_objects(world: &mut World, role: Role) -> Ticket {
    match world.end(role).poll() {
        Some(Action::Run { call, function, format, payload }) => {
            world.end(role).not_now(call, function, format, payload);
            call
        }
        other => panic!("expected a run at {role:?}, got {other:?}"),
    }
}

#[test]
fn call_that_lacks_objects_holds_what_is_behind_it_in_order() {
    for role in ROLES {
        for is_notification in [false, true] {
            let mut world = World::open();
            let (peer, name) = if role == Role::Main { (Role::Worker, "ask") } else { (Role::Main, "quick") };
            let function = if role == Role::Main { world.ask } else { world.quick };
            let first = (!is_notification).then(|| world.call(peer, name));
            if is_notification {
                world.notify(peer, name, 1);
            }
            assert_eq!(lacks_objects(&mut world, role).call(), first);
            let [second, third] = [(); 2].map(|()| world.call(peer, name));
            world.end(peer).release(&[7]).unwrap();
            world.notify(peer, name, 2);
            // Calls made from here proceed.
            let other = if role == Role::Main { "quick" } else { "ask" };
            let own = world.call(role, other);
            let serves = if peer == Role::Main { world.ask } else { world.quick };
            let ticket = world.run(peer, serves);
            world.reply(peer, ticket);
            assert!(returned(&world.settled(role, own)));
            for _ in 0..3 {
                assert_eq!(world.end(role).poll(), None);
                assert!(!world.end(role).is_busy() && world.end(role).arm());
            }
            world.end(peer).cancel(third);
            assert_eq!(world.settled(peer, third), Outcome::Cancelled);
            // A cancellation checks the first one again.
            assert_eq!(lacks_objects(&mut world, role).call(), first);
            assert_eq!(world.end(role).poll(), None);
            world.end(role).resume();
            let ticket = world.run(role, function);
            assert_eq!(ticket.call(), first);
            world.reply(role, ticket);
            if let Some(first) = first {
                assert!(returned(&world.settled(peer, first)));
            }
            let ticket = world.run(role, function);
            assert_eq!(ticket.call(), Some(second));
            world.reply(role, ticket);
            assert!(returned(&world.settled(peer, second)));
            assert_eq!(world.end(role).poll(), Some(Action::Released(vec![7])));
            let ticket = world.run(role, function);
            assert_eq!(ticket.call(), None);
            world.reply(role, ticket);
            world.quiet();
        }
    }
}

#[test]
fn call_that_lacks_objects_is_deferred_while_the_worker_is_blocked() {
    for sleeps in [false, true] {
        let mut world = World::open();
        let held = if sleeps { asleep(&mut world) } else { blocked(&mut world) };
        let first = world.call(Role::Main, "quick");
        let second = world.call(Role::Main, "quick");
        world.main.release(&[7]).unwrap();
        world.main.flush();
        assert_eq!(lacks_objects(&mut world, Role::Worker).call(), Some(first));
        let quick = world.quick;
        let ticket = world.run(Role::Worker, quick);
        assert_eq!(ticket.call(), Some(second), "others run inside of the wait");
        world.reply(Role::Worker, ticket);
        assert!(returned(&world.settled(Role::Main, second)));
        assert_eq!(world.worker.poll(), None);
        unwind(&mut world, vec![held]);
        // The message with its objects is still to be received.
        assert_eq!(lacks_objects(&mut world, Role::Worker).call(), Some(first));
        assert_eq!(world.worker.poll(), None);
        world.worker.resume();
        let ticket = world.run(Role::Worker, quick);
        assert_eq!(ticket.call(), Some(first));
        world.reply(Role::Worker, ticket);
        assert_eq!(world.worker.poll(), Some(Action::Released(vec![7])), "the call may have carried it");
        assert!(returned(&world.settled(Role::Main, first)));
        world.quiet();
    }
}

#[test]
fn call_that_lacks_objects_is_a_deadlock_if_its_parent_blocks_the_worker() {
    let mut world = World::open();
    let (outer, ask) = world.block();
    let inner = world.nested("quick");
    world.main.started(ask);
    assert_eq!(lacks_objects(&mut world, Role::Worker).call(), Some(inner));
    world.advance(Duration::ZERO);
    world.advance(TIMEOUT);
    assert_eq!(world.worker.poll(), None);
    let (code, text) = refused(world.settled(Role::Main, inner));
    assert_eq!(code, ErrorCode::DEADLOCK);
    assert!(
        text.starts_with(
            "the function was not run: objects that are posted arrive only while the worker is not blocked"
        ),
        "{text}"
    );
    assert!(text.contains("worker.quick, called by main.ask"), "{text}");
    world.reply(Role::Main, ask);
    assert!(returned(&world.settled(Role::Worker, outer)));
    world.quiet();
}

#[test]
fn held_calls_end_with_the_link() {
    let mut world = World::open();
    let [first, second] = [(); 2].map(|()| world.call(Role::Worker, "ask"));
    lacks_objects(&mut world, Role::Main);
    assert_eq!(world.main.poll(), None);
    world.main.abort(CloseReason::TERMINATED, "");
    assert!(matches!(world.main.poll(), Some(Action::Closed(_))));
    world.main.resume();
    assert_eq!(world.main.poll(), None);
    for call in [first, second] {
        assert_eq!(world.settled(Role::Worker, call), Outcome::Closed);
    }
}

#[test]
fn cancelled_call_that_lacks_objects_never_runs() {
    let mut world = World::open();
    let [first, second] = [(); 2].map(|()| world.call(Role::Worker, "ask"));
    let ticket = lacks_objects(&mut world, Role::Main);
    world.worker.cancel(first);
    assert_eq!(world.settled(Role::Worker, first), Outcome::Cancelled);
    let ask = world.ask;
    let next = world.run(Role::Main, ask);
    assert_eq!(next.call(), Some(second));
    // A stale answer is dropped.
    world.reply(Role::Main, ticket);
    world.reply(Role::Main, next);
    assert!(returned(&world.settled(Role::Worker, second)));
    world.quiet();
}
