//! Allocations of an engine: none for a call in steady state, and bounded memory.

use super::counting::{allocations, bytes};
use super::world::{TIMEOUT, World};
use coincide_proto::engine::{Action, Ticket};
use coincide_proto::{CallId, Format, Outcome, Role};

fn call(world: &mut World, role: Role, size: usize) -> CallId {
    let end = world.end(role);
    let mut payload = end.buffer();
    payload.resize(size, 7);
    let name = if role == Role::Main { "quick" } else { "ask" };
    end.call(name, Format::Bytes, payload, None).expect("the call can be sent")
}

fn run(world: &mut World, role: Role) -> (Ticket, Vec<u8>) {
    match world.end(role).poll() {
        Some(Action::Run { call, payload, .. }) => (call, payload.into_bytes()),
        other => panic!("{role:?}: {other:?}"),
    }
}

fn answer(world: &mut World, role: Role) {
    let (ticket, payload) = run(world, role);
    world.end(role).reply(ticket, Format::Bytes, payload);
}

fn settle(world: &mut World, role: Role, expected: CallId) {
    match world.end(role).poll() {
        Some(Action::Settle { call, outcome: Outcome::Returned { payload, .. } }) if call == expected => {
            world.end(role).recycle(payload);
        }
        other => panic!("{role:?}: {other:?}"),
    }
}

type Round = fn(&mut World);

const ROUNDS: [(&str, Round); 6] = [
    ("a blocking call", |world| {
        let outer = call(world, Role::Worker, 1000);
        world.worker.wait_for(outer);
        assert_eq!(world.worker.poll(), None);
        answer(world, Role::Main);
        settle(world, Role::Worker, outer);
    }),
    ("an awaited call", |world| {
        let awaited = call(world, Role::Main, 1000);
        assert_eq!(world.main.poll(), None);
        answer(world, Role::Worker);
        settle(world, Role::Main, awaited);
    }),
    ("a nested call", |world| {
        let outer = call(world, Role::Worker, 10);
        world.worker.wait_for(outer);
        assert_eq!(world.worker.poll(), None);
        let (ticket, payload) = run(world, Role::Main);
        let inner = call(world, Role::Main, 10);
        world.main.started(ticket);
        world.main.flush();
        answer(world, Role::Worker);
        settle(world, Role::Main, inner);
        world.main.reply(ticket, Format::Bytes, payload);
        settle(world, Role::Worker, outer);
    }),
    ("a deferred call", |world| {
        let outer = call(world, Role::Worker, 10);
        world.worker.wait_for(outer);
        assert_eq!(world.worker.poll(), None);
        let (ticket, payload) = run(world, Role::Main);
        let mut argument = world.main.buffer();
        argument.resize(10, 7);
        let inner = world.main.call("slow", Format::Bytes, argument, None).unwrap();
        world.main.flush();
        assert_eq!(world.worker.poll(), None);
        world.advance(TIMEOUT / 2);
        world.main.reply(ticket, Format::Bytes, payload);
        settle(world, Role::Worker, outer);
        answer(world, Role::Worker);
        settle(world, Role::Main, inner);
    }),
    ("a call that is kept by a check and cancelled", |world| {
        world.worker.fall_asleep();
        let cancelled = call(world, Role::Main, 10);
        world.main.flush();
        assert_eq!(world.worker.poll_aside(), None);
        world.main.cancel(cancelled);
        assert!(matches!(world.main.poll(), Some(Action::Settle { outcome: Outcome::Cancelled, .. })));
        assert_eq!(world.worker.poll_aside(), None);
        world.worker.wake_up();
        world.worker.flush();
        assert_eq!(world.main.poll(), None);
    }),
    ("a large call", |world| {
        let outer = call(world, Role::Worker, 200_000);
        world.worker.wait_for(outer);
        assert_eq!(world.worker.poll(), None);
        answer(world, Role::Main);
        settle(world, Role::Worker, outer);
    }),
];

#[test]
fn steady_state_allocates_nothing() {
    for (name, round) in ROUNDS {
        let mut world = World::open();
        (0..20).for_each(|_| round(&mut world));
        let before = allocations();
        (0..200).for_each(|_| round(&mut world));
        assert_eq!(allocations() - before, 0, "{name}");
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_calls_and_ends_with_the_engines() {
    let empty = bytes();
    let mut world = World::open();
    let mut all = |count: usize| (0..count).for_each(|index| ROUNDS[index % ROUNDS.len()].1(&mut world));
    all(100);
    let before = bytes();
    all(2000);
    assert_eq!(bytes(), before);
    drop(world);
    assert_eq!(bytes(), empty);
}
