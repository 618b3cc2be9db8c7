//! Allocations of a session: none for a call in steady state, and bounded memory.

mod counting;
mod link;

use coincide_proto::{Call, CallId, Config, Event, Format, Outcome, Progress, Role, Session, Time};
use counting::{allocations, bytes};

/// Carries all frames of one end to the other through one buffer, as a ring would.
fn carry(from: &mut Session, to: &mut Session, wire: &mut Vec<u8>) {
    loop {
        let progress = from.transmit(2048, |frame| {
            wire.clear();
            frame.pieces().iter().for_each(|piece| wire.extend_from_slice(piece));
            Ok::<_, ()>(true)
        });
        if progress != Ok(Progress::Sent) {
            return;
        }
        to.handle_frame(&wire[..]).expect("a session sends valid frames");
    }
}

struct Pair {
    caller: Session,
    callee: Session,
    wire: Vec<u8>,
}

impl Pair {
    fn open(caller: Role) -> Self {
        let mut caller = Session::new(caller, Config::default());
        let mut callee = Session::new(caller.role().peer(), Config::default());
        let mut wire = Vec::with_capacity(4096);
        for _ in 0..2 {
            carry(&mut caller, &mut callee, &mut wire);
            carry(&mut callee, &mut caller, &mut wire);
        }
        assert_eq!(caller.poll_event(), Some(Event::Opened));
        assert_eq!(callee.poll_event(), Some(Event::Opened));
        Self { caller, callee, wire }
    }

    fn call(&mut self, size: usize, deadline: Option<Time>) -> CallId {
        let mut payload = self.caller.buffer();
        payload.resize(size, 7);
        self.caller.call(Call { name: "compute", deadline, ..Call::default() }, payload).expect("the call can be sent")
    }

    fn answer(&mut self) {
        carry(&mut self.caller, &mut self.callee, &mut self.wire);
        let Some(Event::Call { id, payload, .. }) = self.callee.poll_event() else { panic!("the call has arrived") };
        let mut result = self.callee.buffer();
        result.extend_from_slice(&payload.head);
        self.callee.recycle(payload);
        self.callee.reply(id, Format::Bytes, result).expect("the call is unanswered");
        carry(&mut self.callee, &mut self.caller, &mut self.wire);
        let Some(Event::Ended { outcome: Outcome::Returned { payload, .. }, .. }) = self.caller.poll_event() else {
            panic!("the answer has arrived")
        };
        self.caller.recycle(payload);
    }
}

#[test]
fn steady_state_call_does_not_allocate() {
    for role in link::ROLES {
        for size in [0, 32, 256, 1500] {
            let mut pair = Pair::open(role);
            let round = |pair: &mut Pair| {
                pair.call(size, None);
                pair.answer();
            };
            (0..10).for_each(|_| round(&mut pair));
            let before = allocations();
            (0..1000).for_each(|_| round(&mut pair));
            assert_eq!(allocations() - before, 0, "{role:?}, {size} bytes");
        }
    }
}

#[test]
fn streamed_bodies_and_cancelled_calls_do_not_allocate() {
    let mut pair = Pair::open(Role::Worker);
    let round = |pair: &mut Pair| {
        pair.call(100_000, None);
        pair.answer();
        let call = pair.call(100, None);
        pair.caller.cancel(call);
        assert!(matches!(pair.caller.poll_event(), Some(Event::Ended { outcome: Outcome::Cancelled, .. })));
    };
    (0..10).for_each(|_| round(&mut pair));
    let before = allocations();
    (0..100).for_each(|_| round(&mut pair));
    assert_eq!(allocations() - before, 0);
}

#[test]
fn memory_does_not_grow_with_the_number_of_calls() {
    let mut pair = Pair::open(Role::Worker);
    let mut rounds = |count: usize| {
        for round in 0..count {
            let deadline = Some(Time(round as u64));
            let call = pair.call(round * 7919 % 50_000, deadline);
            match round % 3 {
                0 => pair.answer(),
                1 => {
                    carry(&mut pair.caller, &mut pair.callee, &mut pair.wire);
                    pair.caller.handle_timeout(Time(round as u64));
                    let Some(Event::Ended { id, outcome: Outcome::TimedOut }) = pair.caller.poll_event() else {
                        panic!("the deadline has passed")
                    };
                    assert_eq!(id, call);
                    carry(&mut pair.caller, &mut pair.callee, &mut pair.wire);
                    let Some(Event::Call { id, payload, .. }) = pair.callee.poll_event() else { panic!() };
                    assert_eq!(pair.callee.poll_event(), Some(Event::Cancelled(id)));
                    pair.callee.reply(id, Format::Bytes, payload).expect("the call is unanswered");
                    carry(&mut pair.callee, &mut pair.caller, &mut pair.wire);
                    assert_eq!(pair.caller.poll_event(), None);
                }
                _ => {
                    pair.caller.cancel(call);
                    assert!(pair.caller.poll_event().is_some());
                }
            }
        }
    };
    rounds(2000);
    let before = bytes();
    rounds(20_000);
    let growth = bytes() - before;
    assert!(growth < 2 * 16 * 50_000, "{growth} bytes of growth, more than a few buffers");
}
