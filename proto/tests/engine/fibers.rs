//! Fibers: order of ends, cancellation, interrupts, deadlines and the end of the link.

use super::world::{TIMEOUT, World, returned};
use coincide_proto::engine::{Action, FiberId, Stop, Ticket};
use coincide_proto::{CallId, CloseReason, Config, Format, Outcome, Role};

/// A call of the worker in which its code is suspended.
struct Asking {
    fiber: FiberId,
    call: CallId,
    /// Main's function, which has been started.
    main: Ticket,
}

/// Suspends the code that runs in a call of main.
fn ask(world: &mut World) -> Asking {
    let (call, main) = world.block();
    world.main.started(main);
    Asking { fiber: world.worker.suspend(), call, main }
}

/// A call that main's function makes.
fn nested(world: &mut World, asking: &Asking, name: &str) -> CallId {
    let outer = world.main.enter(asking.main);
    let call = world.call(Role::Main, name);
    world.main.leave(outer);
    call
}

/// Main calls `quick`, whose function runs at the worker.
fn serve(world: &mut World) -> (CallId, Ticket) {
    let call = world.call(Role::Main, "quick");
    let quick = world.quick;
    (call, world.run(Role::Worker, quick))
}

/// The function of main answers, and the fiber resumes.
fn answered(world: &mut World, asking: &Asking) {
    world.reply(Role::Main, asking.main);
    assert!(returned(&world.settled(Role::Worker, asking.call)));
    world.worker.resume_fiber(asking.fiber);
}

#[test]
fn fibers_end_in_any_order_with_their_own_calls() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let mut world = World::open();
        let mut served: Vec<_> = (0..3)
            .map(|_| {
                let (call, ticket) = serve(&mut world);
                (call, ticket, ask(&mut world))
            })
            .collect();
        world.quiet();
        for index in order {
            let (call, ticket, asking) = &mut served[index];
            answered(&mut world, asking);
            assert_eq!(world.worker.current(), Some(*call), "{order:?}");
            // It calls once more.
            let again = ask(&mut world);
            assert_eq!(world.worker.current(), None);
            answered(&mut world, &again);
            world.reply(Role::Worker, *ticket);
            assert_eq!(world.worker.current(), None, "{order:?}");
            assert!(returned(&world.settled(Role::Main, *call)));
        }
        world.quiet();
    }
}

#[test]
fn sync_and_async_exports_run_while_code_is_suspended() {
    let mut world = World::open();
    let asking = ask(&mut world);
    for (name, function) in [("quick", world.quick), ("slow", world.slow)] {
        let nested = nested(&mut world, &asking, name);
        let ticket = world.run(Role::Worker, function);
        if name == "slow" {
            world.worker.started(ticket);
            world.advance(2 * TIMEOUT);
            world.quiet();
        }
        world.reply(Role::Worker, ticket);
        assert!(returned(&world.settled(Role::Main, nested)), "{name}");
    }
    answered(&mut world, &asking);
    world.quiet();
}

#[test]
fn suspended_functions_may_exceed_the_nesting_limit() {
    let mut world = World::with(Config { max_depth: 2, ..Config::default() }, 1 << 16, usize::MAX);
    world.worker.ready().unwrap();
    assert!(matches!(world.main.poll(), Some(Action::Ready(_))));
    let mut served: Vec<_> = (0..8)
        .map(|_| {
            let (call, ticket) = serve(&mut world);
            (call, ticket, ask(&mut world))
        })
        .collect();
    while let Some((call, ticket, asking)) = served.pop() {
        answered(&mut world, &asking);
        world.reply(Role::Worker, ticket);
        assert!(returned(&world.settled(Role::Main, call)));
    }
}

#[test]
fn cancellation_ends_the_suspended_call_of_that_function_alone() {
    let mut world = World::open();
    let (first, ticket) = serve(&mut world);
    let asking = ask(&mut world);
    let (second, other) = serve(&mut world);
    let asking_too = ask(&mut world);
    world.main.cancel(first);
    assert_eq!(world.settled(Role::Main, first), Outcome::Cancelled);
    assert_eq!(world.settled(Role::Worker, asking.call), Outcome::Cancelled);
    world.worker.resume_fiber(asking.fiber);
    assert_eq!(world.worker.take_stop(), None, "once");
    world.worker.answer_cancelled(ticket);
    answered(&mut world, &asking_too);
    world.reply(Role::Worker, other);
    while let Some(action) = world.main.poll() {
        match action {
            Action::Settle { call, outcome } => assert!(call == second && returned(&outcome)),
            action => assert_eq!(action, Action::Abort { call: asking.main }),
        }
    }
}

#[test]
fn cancellation_reaches_calls_on_behalf_of_the_suspended_call() {
    let mut world = World::open();
    let (outer, _ticket) = serve(&mut world);
    let asking = ask(&mut world);
    // Main's function calls the worker, which sleeps.
    let nested = nested(&mut world, &asking, "quick");
    let quick = world.quick;
    let sleeping = world.run(Role::Worker, quick);
    assert_eq!(sleeping.call(), Some(nested));
    world.worker.fall_asleep();
    let fiber = world.worker.suspend();
    assert_eq!(world.worker.sleepers_to_stop(), []);
    world.main.cancel(outer);
    assert_eq!(world.settled(Role::Main, outer), Outcome::Cancelled);
    assert_eq!(world.settled(Role::Worker, asking.call), Outcome::Cancelled);
    assert_eq!(world.worker.sleepers_to_stop(), [fiber]);
    world.worker.resume_fiber(fiber);
    assert_eq!(world.worker.take_stop(), Some(Stop::Cancelled));
    assert_eq!(world.worker.take_stop(), None);
    world.worker.wake_up();
    world.reply(Role::Worker, sleeping);
    assert_eq!(world.worker.current(), None);
}

#[test]
fn interrupt_ends_the_newest_suspension() {
    for sleeps in [false, true] {
        let mut world = World::open();
        let (_, first) = serve(&mut world);
        let asking = ask(&mut world);
        let (_, second) = serve(&mut world);
        let last = if sleeps {
            world.worker.fall_asleep();
            (world.worker.suspend(), None)
        } else {
            let asking = ask(&mut world);
            (asking.fiber, Some(asking.call))
        };
        world.main.interrupt();
        if let Some(call) = last.1 {
            assert_eq!(world.settled(Role::Worker, call), Outcome::Interrupted);
        } else {
            assert_eq!(world.worker.poll(), None);
            assert_eq!(world.worker.sleepers_to_stop(), [last.0]);
        }
        // A function that runs before the resumption is not interrupted.
        let (_, third) = serve(&mut world);
        assert_eq!(world.worker.take_stop(), None);
        world.reply(Role::Worker, third);
        world.worker.resume_fiber(last.0);
        assert_eq!(world.worker.take_stop(), sleeps.then_some(Stop::Interrupted));
        world.worker.wake_up();
        world.reply(Role::Worker, second);
        world.worker.resume_fiber(asking.fiber);
        assert_eq!(world.worker.take_stop(), None);
        world.reply(Role::Worker, first);
    }
}

#[test]
fn interrupt_after_a_call_ends_reaches_the_resumed_code() {
    let mut world = World::open();
    let asking = ask(&mut world);
    world.reply(Role::Main, asking.main);
    assert!(returned(&world.settled(Role::Worker, asking.call)));
    world.main.interrupt();
    assert_eq!(world.worker.poll(), None);
    world.worker.resume_fiber(asking.fiber);
    assert_eq!(world.worker.take_stop(), Some(Stop::Interrupted));
    // Nothing is suspended, and nothing runs: there is nothing to abandon.
    world.main.interrupt();
    assert_eq!(world.worker.poll(), None);
    assert_eq!(world.worker.take_stop(), None);
}

#[test]
fn close_ends_calls_of_all_fibers_and_stops_sleepers() {
    let mut world = World::open();
    let askings = [(); 2].map(|()| ask(&mut world));
    world.worker.fall_asleep();
    let fiber = world.worker.suspend();
    world.main.abort(CloseReason::TERMINATED, "");
    for _ in 0..2 {
        let action = world.worker.poll();
        let Some(Action::Settle { call, outcome: Outcome::Closed }) = action else { panic!("{action:?}") };
        let asking = askings.iter().find(|asking| asking.call == call).unwrap();
        world.worker.resume_fiber(asking.fiber);
    }
    assert!(matches!(world.worker.poll(), Some(Action::Closed(_))));
    assert_eq!(world.worker.sleepers_to_stop(), [fiber]);
    world.worker.resume_fiber(fiber);
    assert_eq!(world.worker.take_stop(), Some(Stop::Closed));
}

#[test]
fn deadline_ends_a_suspended_call() {
    let mut world = World::open();
    let deadline = world.now.after(TIMEOUT);
    let call = world.worker.call("ask", Format::Bytes, Vec::new(), Some(deadline)).unwrap();
    world.worker.wait_for(call);
    let fiber = world.worker.suspend();
    world.advance(TIMEOUT);
    assert_eq!(world.settled(Role::Worker, call), Outcome::TimedOut);
    world.worker.resume_fiber(fiber);
    assert_eq!(world.worker.take_stop(), None);
    world.quiet();
}
