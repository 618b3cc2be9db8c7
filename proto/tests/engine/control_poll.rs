//! Control polls: requests of main, by the state of the worker, by the way in which they arrive.

use super::world::{TIMEOUT, World};
use coincide_proto::engine::{Action, Runs, Stop, Ticket};
use coincide_proto::{CloseReason, ControlSignals, Format, Outcome, Role};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    /// The worker's setup code computes.
    Setup,
    /// A function that serves a call computes.
    Function,
    /// A function computes while another one sleeps.
    FunctionInSleep,
    /// The worker's setup code sleeps.
    SleepInSetup,
    /// A function that serves a call sleeps.
    SleepInFunction,
}

const DOING: [Doing; 5] =
    [Doing::Setup, Doing::Function, Doing::FunctionInSleep, Doing::SleepInSetup, Doing::SleepInFunction];

impl Doing {
    fn sleeps(self) -> bool {
        matches!(self, Self::SleepInSetup | Self::SleepInFunction)
    }

    fn serves(self) -> bool {
        !matches!(self, Self::Setup | Self::SleepInSetup)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    Nothing,
    Interrupt,
    Cancel,
    /// The end of the link.
    Close,
    /// Nothing, but a call of the worker reaches its deadline.
    Deadline,
    /// A call of a function.
    Call,
}

const REQUESTS: [Request; 6] =
    [Request::Nothing, Request::Interrupt, Request::Cancel, Request::Close, Request::Deadline, Request::Call];

/// Results of control polls until there is nothing more, or until the end of the link.
fn control_polls(world: &mut World) -> Vec<&'static str> {
    let mut found = Vec::new();
    loop {
        match world.worker.poll_control() {
            Ok(None) => return found,
            Ok(Some(Action::Settle { outcome: Outcome::TimedOut, .. })) => found.push("timed out"),
            Ok(Some(Action::Run { call, .. })) => {
                found.push("run");
                world.reply(Role::Worker, call);
            }
            Ok(Some(Action::Closed(_))) => found.push("link closed"),
            Ok(Some(action)) => panic!("{action:?}"),
            Err(Stop::Interrupted) => found.push("interrupted"),
            Err(Stop::Cancelled) => found.push("cancelled"),
            Err(Stop::Closed) => {
                assert_eq!(world.worker.poll_control(), Err(Stop::Closed), "from then on");
                found.push("closed");
                return found;
            }
        }
    }
}

/// The world, and the function that computes or sleeps, if it serves a call.
fn world_of(doing: Doing) -> (World, Option<Ticket>) {
    let mut world = World::open();
    if doing == Doing::FunctionInSleep {
        world.worker.fall_asleep();
    }
    let serving = doing.serves().then(|| {
        world.call(Role::Main, "quick");
        let quick = world.quick;
        world.run(Role::Worker, quick)
    });
    if doing.sleeps() {
        world.worker.fall_asleep();
    }
    (world, serving)
}

#[test]
fn control_poll_returns_each_request_in_each_state_once() {
    for doing in DOING {
        for request in REQUESTS {
            for beside in [false, true] {
                let (mut world, serving) = world_of(doing);
                match request {
                    Request::Nothing => {}
                    Request::Interrupt if beside => world.wires.borrow_mut().signals.interrupt = true,
                    Request::Interrupt => world.main.interrupt(),
                    Request::Cancel => {
                        let Some(call) = serving.and_then(|serving| serving.call()) else { continue };
                        if beside {
                            world.wires.borrow_mut().signals.cancel = true;
                            assert_eq!(control_polls(&mut world), ["cancelled"], "{doing:?}");
                        }
                        // The frame repeats the request.
                        world.main.cancel(call);
                        assert_eq!(world.settled(Role::Main, call), Outcome::Cancelled);
                    }
                    Request::Close => world.main.abort(CloseReason::TERMINATED, ""),
                    Request::Deadline => {
                        let deadline = world.now.after(TIMEOUT);
                        world.worker.call("ask", Format::Bytes, Vec::new(), Some(deadline)).unwrap();
                        world.advance(TIMEOUT);
                    }
                    Request::Call => _ = world.call(Role::Main, "quick"),
                }
                let expected: &[&str] = match request {
                    Request::Nothing => &[],
                    Request::Interrupt => &["interrupted"],
                    Request::Cancel if beside => &[],
                    Request::Cancel => &["cancelled"],
                    Request::Close => &["link closed", "closed"],
                    Request::Deadline => &["timed out"],
                    Request::Call if doing.sleeps() => &["run"],
                    Request::Call => &[],
                };
                assert_eq!(control_polls(&mut world), expected, "{request:?}, {doing:?}, beside the frames: {beside}");
                if request == Request::Close {
                    continue;
                }
                assert!(control_polls(&mut world).is_empty(), "each is returned once: {request:?}, {doing:?}");
                if doing.sleeps() {
                    world.worker.wake_up();
                }
                if let Some(serving) = serving {
                    world.reply(Role::Worker, serving);
                }
                if request == Request::Call && !doing.sleeps() {
                    let quick = world.quick;
                    let ticket = world.run(Role::Worker, quick);
                    world.reply(Role::Worker, ticket);
                }
            }
        }
    }
}

#[test]
fn control_poll_before_the_handshake_returns_out_of_band_request() {
    let mut world = World::unmet();
    world.wires.borrow_mut().signals = ControlSignals { interrupt: true, cancel: true };
    assert_eq!(control_polls(&mut world), ["interrupted"]);
    world.quiet();
    assert!(control_polls(&mut world).is_empty());
}

#[test]
fn interrupt_ends_a_sleep_despite_a_flood_of_calls() {
    let (mut world, _) = world_of(Doing::SleepInSetup);
    for _ in 0..2 {
        world.call(Role::Main, "quick");
    }
    let Ok(Some(Action::Run { call, .. })) = world.worker.poll_control() else { panic!("the sleep runs calls") };
    world.wires.borrow_mut().signals.interrupt = true;
    world.reply(Role::Worker, call);
    assert_eq!(world.worker.poll_control(), Err(Stop::Interrupted), "before the next call");
    assert_eq!(control_polls(&mut world), ["run"]);
}

#[test]
fn control_poll_runs_notification_before_kept_calls() {
    let mut world = World::open();
    world.worker.register("alert", Runs::AtControlPoll);
    let serving = {
        world.call(Role::Main, "quick");
        match world.worker.poll() {
            Some(Action::Run { call, .. }) => call,
            action => panic!("{action:?}"),
        }
    };
    world.call(Role::Main, "quick");
    world.main.notify("quick", Format::Value, Vec::new()).unwrap();
    world.main.notify("alert", Format::Value, Vec::new()).unwrap();
    world.main.flush();
    let Ok(Some(Action::Run { call, .. })) = world.worker.poll_control() else {
        panic!("the notification did not run")
    };
    assert_eq!(call.call(), None);
    world.worker.answer_cancelled(call);
    assert_eq!(world.worker.poll_control(), Ok(None), "the others are kept");
    world.reply(Role::Worker, serving);
    for is_call in [true, false] {
        let Some(Action::Run { call, .. }) = world.worker.poll() else { panic!("it is lost") };
        assert_eq!(call.call().is_some(), is_call, "in order");
        world.reply(Role::Worker, call);
    }
    // A call of the function runs like any other.
    world.call(Role::Main, "alert");
    assert_eq!(world.worker.poll_control(), Ok(None));
    assert!(matches!(world.worker.poll(), Some(Action::Run { .. })));
}
