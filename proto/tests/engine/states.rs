//! States of a worker: running, blocked, asleep.

use super::world::{World, returned};
use coincide_proto::engine::Ticket;
use coincide_proto::{CallId, Role};

/// What is on the worker's stack.
pub(crate) enum Held {
    Running(Ticket),
    /// In a call of main, whose function was started.
    Blocked(CallId, Ticket),
    Asleep,
}

/// The worker is blocked in a call whose function makes no calls while it is pending.
pub(crate) fn blocked(world: &mut World) -> Held {
    let (call, ask) = world.block();
    world.main.started(ask);
    Held::Blocked(call, ask)
}

pub(crate) fn running(world: &mut World) -> Held {
    let call = world.call(Role::Main, "quick");
    let quick = world.quick;
    let ticket = world.run(Role::Worker, quick);
    assert_eq!(ticket.call(), Some(call));
    Held::Running(ticket)
}

pub(crate) fn asleep(world: &mut World) -> Held {
    world.worker.fall_asleep();
    Held::Asleep
}

/// Ends all frames of the stack, innermost first. Nothing else runs before that.
pub(crate) fn unwind(world: &mut World, mut stack: Vec<Held>) {
    while let Some(held) = stack.pop() {
        match held {
            Held::Running(ticket) => {
                world.reply(Role::Worker, ticket);
                assert!(returned(&world.settled(Role::Main, ticket.call().unwrap())));
            }
            Held::Blocked(call, ask) => {
                world.reply(Role::Main, ask);
                assert!(returned(&world.settled(Role::Worker, call)));
            }
            Held::Asleep => world.worker.wake_up(),
        }
    }
}
