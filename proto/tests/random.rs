//! Random schedules of operations and of frames in flight, compared with a model.

mod link;
mod schedule;

use coincide_proto::{
    Call, CallId, CloseReason, Config, ErrorCode, Event, Flags, Format, Kind, Outcome, Progress, Role, SendError,
};
use link::{Link, ROLES, frame, pattern};
use proptest::prelude::*;
use schedule::{Ending, ending, role};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Call { size: usize, nested: bool, deadline: Option<u64> },
    Notify { size: usize },
    Cancel { which: usize },
    Reply { which: usize, size: usize, throws: bool },
    Interrupt,
    Release { count: usize },
    Send,
    Receive,
    Advance { by: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![4 => 0..300_usize, 1 => 0..20_000_usize];
    let deadline = proptest::option::of(0..20_u64);
    prop_oneof![
        4 => (size(), any::<bool>(), deadline).prop_map(|(size, nested, deadline)| Step::Call { size, nested, deadline }),
        1 => size().prop_map(|size| Step::Notify { size }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        4 => (any::<usize>(), size(), any::<bool>())
            .prop_map(|(which, size, throws)| Step::Reply { which, size, throws }),
        1 => Just(Step::Interrupt),
        1 => (0..10_usize).prop_map(|count| Step::Release { count }),
        8 => Just(Step::Send),
        8 => Just(Step::Receive),
        1 => (0..10_u64).prop_map(|by| Step::Advance { by }),
    ]
}

/// The expected state of one end.
#[derive(Default)]
struct Model {
    /// Calls made here that have not ended, and the number in their payloads.
    pending: HashMap<CallId, u32>,
    /// Calls made here that have been cancelled: their end is the next event.
    cancelled: HashSet<CallId>,
    /// The peer's calls that wait for an answer, oldest first, and the number in their payloads.
    incoming: Vec<(CallId, u32)>,
    /// Numbers of the notifications under way to this end.
    notified: VecDeque<u32>,
    /// References under way to this end.
    released: VecDeque<Vec<u64>>,
    accepted: usize,
    ended: usize,
    closed: bool,
    wire: Wire,
}

/// The calls of one end, as observed on the wire.
#[derive(Default)]
struct Wire {
    /// Ids of calls that have left and whose answer has not arrived.
    unanswered: HashSet<u32>,
    /// Ids whose answer has begun to arrive.
    arriving: HashSet<u32>,
}

struct World {
    link: Link,
    models: [Model; 2],
    number: u32,
}

fn index(role: Role) -> usize {
    usize::from(role == Role::Worker)
}

fn payload(number: u32, size: usize) -> Vec<u8> {
    [&number.to_le_bytes()[..], &pattern(size)].concat()
}

fn number_in(payload: &[u8]) -> u32 {
    let (number, rest) = payload.split_first_chunk().expect("a payload starts with a number");
    assert!(*rest == pattern(rest.len()), "a payload has been mixed with another");
    u32::from_le_bytes(*number)
}

impl World {
    fn new(main: Config, worker: Config, max_frame: usize, room: usize) -> Self {
        let mut link = Link::open_with(main, worker);
        (link.max_frame, link.room) = (max_frame, room);
        Self { link, models: Default::default(), number: 0 }
    }

    fn model(&mut self, role: Role) -> &mut Model {
        &mut self.models[index(role)]
    }

    fn number(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    fn step(&mut self, role: Role, step: &Step) {
        match *step {
            Step::Call { size, nested, deadline } => self.call(role, size, nested, deadline),
            Step::Notify { size } => {
                let number = self.number();
                if self.link.end(role).notify("n", Format::Value, payload(number, size)).is_ok() {
                    self.model(role.peer()).notified.push_back(number);
                }
            }
            Step::Cancel { which } => {
                let mut pending: Vec<_> = self.model(role).pending.keys().copied().collect();
                pending.sort();
                if let Some(call) = pending.get(which % pending.len().max(1)) {
                    self.model(role).cancelled.insert(*call);
                    self.link.end(role).cancel(*call);
                    self.link.end(role).cancel(*call);
                }
            }
            Step::Reply { which, size, throws } => {
                let count = self.model(role).incoming.len();
                if count > 0 {
                    let (call, number) = self.model(role).incoming.remove(which % count);
                    self.reply(role, call, number, size, throws);
                }
            }
            Step::Interrupt => self.link.end(role).interrupt(),
            Step::Release { count } => {
                let references: Vec<u64> = (0..count as u64).collect();
                if self.link.end(role).release(&references).is_ok() {
                    self.model(role.peer()).released.push_back(references);
                }
            }
            Step::Send => {
                let _ = self.send(role);
            }
            Step::Receive => {
                self.receive(role);
            }
            Step::Advance { by } => self.link.advance(Duration::from_millis(by)),
        }
        for role in ROLES {
            self.check_events(role);
        }
    }

    fn call(&mut self, role: Role, size: usize, nested: bool, deadline: Option<u64>) {
        let parent = self.model(role).incoming.last().map(|(id, _)| *id).filter(|_| nested);
        let deadline = deadline.map(|milliseconds| self.link.now.after(Duration::from_millis(milliseconds)));
        let number = self.number();
        let call = Call { name: "f", format: Format::Typed, parent, deadline, ..Call::default() };
        match self.link.end(role).call(call, payload(number, size)) {
            Ok(id) => {
                let model = self.model(role);
                assert_eq!(model.pending.insert(id, number), None, "the id is in use");
                model.accepted += 1;
            }
            Err(SendError::Overloaded { .. } | SendError::TooDeep { .. } | SendError::TooLarge { .. }) => {}
            Err(error) => assert!(error == SendError::Closed && self.model(role).closed, "{error}"),
        }
    }

    fn reply(&mut self, role: Role, call: CallId, number: u32, size: usize, throws: bool) {
        let session = self.link.end(role);
        let answer = payload(number, size);
        let result = if throws {
            session.throw(call, ErrorCode::THROWN, Format::Value, answer)
        } else {
            session.reply(call, Format::Value, answer)
        };
        assert_eq!(result.is_ok(), !self.model(role).closed);
    }

    fn send(&mut self, role: Role) -> Progress {
        let progress = self.link.send(role);
        if progress == Progress::Sent {
            let queue = if role == Role::Main { &self.link.down } else { &self.link.up };
            let frame = queue.back().expect("a frame was sent");
            let id = u32::from_le_bytes(frame[4..8].try_into().unwrap());
            if frame[0] == Kind::CALL.0 {
                assert!(self.model(role).wire.unanswered.insert(id), "the id is reused before its answer");
            }
        }
        progress
    }

    fn receive(&mut self, role: Role) -> bool {
        let queue = if role == Role::Main { &self.link.up } else { &self.link.down };
        if let Some(frame) = queue.front() {
            let id = u32::from_le_bytes(frame[4..8].try_into().unwrap());
            let (kind, more) = (Kind(frame[0]), Flags(frame[1]).more());
            let wire = &mut self.model(role).wire;
            if matches!(kind, Kind::RETURN | Kind::THROW) {
                wire.arriving.insert(id);
            }
            if matches!(kind, Kind::RETURN | Kind::THROW | Kind::MORE) && !more && wire.arriving.remove(&id) {
                wire.unanswered.remove(&id);
            }
        }
        self.link.receive(role)
    }

    fn check_events(&mut self, role: Role) {
        for event in self.link.events(role) {
            let now = self.link.now;
            let model = self.model(role);
            assert!(!model.closed, "{event:?} follows the end");
            match event {
                Event::Ended { id, outcome } => {
                    let number = model.pending.remove(&id).expect("a call ends once");
                    model.ended += 1;
                    let cancelled = model.cancelled.remove(&id);
                    match outcome {
                        Outcome::Returned { payload, .. } => assert_eq!(number_in(&payload.head), number),
                        Outcome::Threw { code: ErrorCode::THROWN, payload, .. } => {
                            assert_eq!(number_in(&payload.head), number);
                        }
                        Outcome::Threw { code, .. } => {
                            assert!([ErrorCode::TOO_LARGE, ErrorCode::TOO_DEEP].contains(&code), "{code:?}");
                        }
                        Outcome::NotSent(error) => {
                            assert!(
                                matches!(error, SendError::TooLarge { .. } | SendError::Overloaded { .. }),
                                "{error:?}"
                            );
                        }
                        Outcome::Cancelled => assert!(cancelled),
                        Outcome::TimedOut => assert!(now.0 < u64::MAX),
                        Outcome::Interrupted | Outcome::Closed => {}
                    }
                }
                Event::Call { id, payload, .. } => model.incoming.push((id, number_in(&payload.head))),
                Event::Notify { payload, .. } => {
                    assert_eq!(Some(number_in(&payload.head)), model.notified.pop_front(), "in order");
                }
                Event::Released(references) => assert_eq!(Some(references), model.released.pop_front()),
                Event::Closed(_) => {
                    model.closed = true;
                    assert!(model.pending.is_empty(), "all calls have ended before the link does");
                }
                Event::Cancelled(id) => assert!(model.incoming.iter().any(|(incoming, _)| *incoming == id)),
                Event::Interrupted => assert_eq!(role, Role::Worker),
                // Those of the tests of engines are complete.
                Event::Unread(_) | Event::Unsent(_) => {}
                Event::Deadlock(_) => panic!("no call was deferred"),
                Event::Ready(_) | Event::Opened => panic!("{event:?} was not to be expected"),
            }
        }
    }

    /// All frames arrive and all calls are answered.
    fn finish(&mut self) {
        loop {
            let mut moved = false;
            for role in ROLES {
                while self.send(role) == Progress::Sent {
                    moved = true;
                }
                while self.receive(role) {
                    moved = true;
                }
                self.check_events(role);
                for (call, number) in std::mem::take(&mut self.model(role).incoming) {
                    self.reply(role, call, number, 10, false);
                    moved = true;
                }
                self.check_events(role);
            }
            if !moved {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_once_and_with_its_own_answer(
        steps in proptest::collection::vec((role(), step()), 0..300),
        ending in ending(),
        max_frame in 2048..6000_usize,
        limits in (2048..6000_u32, 2048..16_000_u64, 1..12_u32, 1..4_u16),
        room in 1..6_usize,
    ) {
        let (peer_frame, max_message, max_pending, max_depth) = limits;
        let limited = Config { max_frame: peer_frame, max_message, max_pending, max_depth, ..Config::default() };
        let mut world = World::new(limited, Config::default(), max_frame, room);
        for (role, step) in &steps {
            world.step(*role, step);
        }
        match ending {
            Ending::None => {}
            Ending::Close(role) => world.link.end(role).close(CloseReason::DONE, "bye"),
            Ending::Abort(role) => world.link.end(role).abort(CloseReason::FAILED, "now"),
            Ending::Gone => ROLES.into_iter().for_each(|role| world.link.end(role).handle_lost("")),
        }
        world.finish();
        for role in ROLES {
            let closed = !matches!(ending, Ending::None);
            let model = world.model(role);
            prop_assert_eq!(model.closed, closed);
            prop_assert_eq!(model.accepted, model.ended);
            prop_assert!(closed || model.wire.unanswered.is_empty(), "an answer is missing");
            prop_assert!(closed || model.notified.is_empty(), "a notification is missing");
            prop_assert!(!world.link.end(role).has_output());
        }
    }

    /// A call that is cancelled at any point leaves room for bodies as large as the peer accepts.
    #[test]
    fn a_graceful_close_delivers_all_notifications(
        messages in proptest::collection::vec((any::<bool>(), 0..=4096_usize), 1..8),
        frames in 0..12_usize,
        role in role(),
    ) {
        let limits = Config { max_message: 4096, ..Config::default() };
        let mut link = Link::open_with(limits.clone(), limits);
        link.max_frame = 2048;
        let mut expected = Vec::new();
        for (calls, size) in messages {
            let session = link.end(role);
            if calls {
                session.call(Call { name: "f", ..Call::default() }, pattern(size)).unwrap();
            } else {
                session.notify("f", Format::Bytes, pattern(size)).unwrap();
                expected.push(size);
            }
        }
        for _ in 0..frames {
            let _ = link.send(role);
        }
        link.end(role).close(CloseReason::DONE, "");
        link.settle();
        let mut events = link.events(role.peer());
        prop_assert!(matches!(events.pop(), Some(Event::Closed(closed)) if closed.reason == CloseReason::DONE));
        let sizes = events.iter().filter_map(|event| match event {
            Event::Notify { payload, .. } => Some(payload.len()),
            _ => None,
        });
        prop_assert_eq!(sizes.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_body_cut_anywhere_is_the_same_body(
        size in 2..3000_usize,
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 1..8),
    ) {
        let body = pattern(size);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| 1 + cut.index(size - 1)).chain([size]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut main = link::opened(Role::Main, Config::default());
        let mut start = 0;
        for cut in &cuts {
            let (part, more) = (&body[start..*cut], *cut < size);
            let bytes = match start {
                0 if !more => frame(coincide_proto::Header { kind: Kind::CALL, code: 1, id: 1, ..Default::default() }, "f", part),
                0 => link::first_part(Kind::CALL, 1, "f", size as u64, part),
                _ => link::part(1, part, more),
            };
            main.handle_frame(&bytes[..]).unwrap();
            start = *cut;
        }
        let Some(Event::Call { payload, .. }) = main.poll_event() else { panic!("the call has arrived") };
        prop_assert!(payload == body);
    }
}
