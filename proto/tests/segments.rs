//! Segments: whatever lies in them, and however frames cut them, the payload is the same.

mod counting;
mod link;

use coincide_proto::{
    Budget, Call, CallId, Config, Event, Format, MAX_SEGMENTS, Outcome, Payload, Progress, Role, Segment, Session,
};
use counting::allocations;
use link::{Link, pattern};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Receives segments, if `on`.
fn config(on: bool) -> Config {
    Config { segments: on, ..Config::default() }
}

/// A payload of `body` with segments in these ranges; those that are marked lie outside of the head.
fn payload(body: &[u8], ranges: &[(Range<usize>, bool)]) -> Payload {
    let (mut head, mut at, mut segments) = (Vec::new(), 0, Vec::new());
    for (range, outside) in ranges {
        head.extend_from_slice(&body[at..range.start]);
        let bytes = &body[range.clone()];
        let start = head.len();
        if *outside {
            segments.push((start..start, Some(Arc::new(bytes.to_vec()))));
        } else {
            head.extend_from_slice(bytes);
            segments.push((start..head.len(), None));
        }
        at = range.end;
    }
    head.extend_from_slice(&body[at..]);
    Payload { head, segments: Some(Box::new(segments)), hosted: None }
}

/// The contents of the segments of a received payload.
fn contents(payload: &Payload) -> Vec<&[u8]> {
    payload.segments().iter().map(|(_, bytes)| &bytes.as_ref().expect("received segments lie outside")[..]).collect()
}

fn call(link: &mut Link, payload: Payload) -> CallId {
    link.worker.call(Call { name: "f", ..Call::default() }, payload).expect("the call can be sent")
}

/// Ranges of a body of `len` bytes, from lengths of gaps and segments.
fn ranges(len: usize, parts: &[(usize, usize, bool)]) -> Vec<(Range<usize>, bool)> {
    let mut at = 0;
    let ranges = parts.iter().map(|(gap, size, outside)| {
        let range = (at + gap).min(len)..(at + gap + size).min(len);
        at = range.end;
        (range, *outside)
    });
    ranges.filter(|(range, _)| !range.is_empty()).collect()
}

fn parts() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    let gap = prop_oneof![Just(0), 1..20_usize, 0..5000_usize];
    let size = prop_oneof![1..20_usize, 1..9000_usize];
    vec((gap, size, any::<bool>()), 0..40)
}

proptest! {
    #[test]
    fn payload_is_the_same_however_it_is_cut(
        len in 0..60_000_usize,
        parts in parts(),
        frames in vec(2048..6000_usize, 1..8),
        receives in any::<bool>(),
    ) {
        let body = pattern(len);
        let ranges = ranges(len, &parts);
        let mut link = Link::open_with(config(receives), config(receives));
        call(&mut link, payload(&body, &ranges));
        for frame in frames.into_iter().cycle() {
            link.max_frame = frame;
            if link.send(Role::Worker) != Progress::Sent {
                break;
            }
        }
        link.settle();
        let Event::Call { id, payload: received, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
        prop_assert!(received == body);
        let expected: Vec<_> = ranges.iter().map(|(range, _)| &body[range.clone()]).collect();
        if receives && ranges.len() <= MAX_SEGMENTS {
            prop_assert_eq!(contents(&received), expected);
        } else {
            prop_assert!(received.segments().is_empty());
        }
        // The received payload is sent back.
        link.main.reply(id, Format::Bytes, received).expect("the call is unanswered");
        link.settle();
        let Event::Ended { outcome: Outcome::Returned { payload, .. }, .. } = link.event(Role::Worker) else {
            panic!("the call has been answered")
        };
        prop_assert!(payload == body);
    }

    #[test]
    fn cancel_amid_segments_releases_what_was_charged(
        parts in parts(),
        sent in 0..40_usize,
        cancels_answer in any::<bool>(),
    ) {
        let body = pattern(60_000);
        let ranges = ranges(body.len(), &parts);
        let mut link = Link::new(config(true), config(true));
        let budget = Budget::new(10 << 20);
        link.main = Session::new(Role::Main, config(true)).with_budget(&budget);
        link.settle();
        link.events(Role::Main);
        link.events(Role::Worker);
        link.max_frame = 2048;
        let held = payload(&body, &ranges);
        let id = call(&mut link, held.clone());
        if cancels_answer {
            link.settle();
            let Event::Call { id, payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
            link.main.reply(id, Format::Bytes, payload).expect("the call is unanswered");
        }
        for _ in 0..sent {
            let role = if cancels_answer { Role::Main } else { Role::Worker };
            let _ = link.send(role);
            link.receive(role.peer());
        }
        link.worker.cancel(id);
        link.settle();
        while let Some(event) = link.main.poll_event() {
            if let Event::Call { id, payload, .. } = event {
                link.main.reply(id, Format::Bytes, payload).expect("the call is unanswered");
            }
        }
        link.settle();
        prop_assert_eq!(link.events(Role::Worker).len(), 1);
        prop_assert_eq!(budget.used(), 0);
        // The bytes of the program are unchanged, and can be sent again.
        prop_assert!(held == body);
        call(&mut link, held);
        link.settle();
        let Some(Event::Call { payload, .. }) = link.events(Role::Main).pop() else { panic!("the call has arrived") };
        prop_assert!(payload == body);
    }
}

#[test]
fn segments_beyond_the_budget_are_refused_and_the_link_stays_open() {
    for outside in [false, true] {
        let mut link = Link::new(config(true), config(true));
        let budget = Budget::new(300_000);
        link.main = Session::new(Role::Main, config(true)).with_budget(&budget);
        link.settle();
        link.events(Role::Main);
        link.events(Role::Worker);
        let large = pattern(500_000);
        let id = call(&mut link, payload(&large, &[(10..499_990, outside)]));
        link.settle();
        let Outcome::Threw { code, .. } = link.ended(Role::Worker, id) else { panic!("the call is refused") };
        assert_eq!(code, coincide_proto::ErrorCode::OUT_OF_MEMORY);
        assert_eq!((link.events(Role::Main), budget.used()), (Vec::new(), 0));
        let small = pattern(200_000);
        call(&mut link, payload(&small, &[(10..199_990, outside)]));
        link.settle();
        let Event::Call { payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
        assert!(payload == small);
    }
}

#[test]
fn announced_segments_allocate_at_most_the_first_step() {
    let mut main = link::opened(Role::Main, config(true));
    let before = counting::bytes();
    let segments: Vec<Segment> = vec![(0..64 << 20, None)];
    let mut peer = Session::new(Role::Worker, Config::default());
    peer.handle_frame(
        &link::handshake_frame(Role::Worker, coincide_proto::Handshake { max_message: 1 << 30, ..link::handshake() })[..],
    )
    .unwrap();
    let body = Payload { head: vec![7; 64 << 20], segments: Some(Box::new(segments)), hosted: None };
    peer.call(Call { name: "f", ..Call::default() }, body).expect("the call can be sent");
    link::next_frame(&mut peer).expect("the handshake");
    let first = link::next_frame(&mut peer).expect("the first part");
    drop(peer);
    main.handle_frame(&first[..]).expect("the part is valid");
    assert!(counting::bytes() - before < 2 << 20, "{} bytes", counting::bytes() - before);
}

/// A frame that counts the bytes that are copied out of it.
struct Counted<'a>(&'a [u8], &'a std::cell::Cell<usize>);

impl coincide_proto::FrameBytes for Counted<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        self.1.set(self.1.get() + target.len());
        self.0.copy_to(at, target);
    }
}

#[test]
fn segments_are_copied_once_in_each_direction() {
    let bytes = Arc::new(pattern(1 << 20));
    let mut link = Link::open();
    let segments = vec![(2..2, Some(Arc::clone(&bytes)))];
    call(&mut link, Payload { head: b"abcd".to_vec(), segments: Some(Box::new(segments)), hosted: None });
    let (copied, mut lies) = (std::cell::Cell::new(0), 0);
    let within = bytes.as_ptr_range();
    loop {
        let main = &mut link.main;
        let progress = link.worker.transmit(1 << 16, |frame| {
            let from_segment = frame.body.iter().filter(|piece| within.contains(&piece.as_ptr()));
            lies += from_segment.map(|piece| piece.len()).sum::<usize>();
            main.handle_frame(&Counted(&frame.to_vec(), &copied)).map(|()| true)
        });
        if progress.expect("a session sends valid frames") != Progress::Sent {
            break;
        }
    }
    assert_eq!(lies, 1 << 20);
    let Event::Call { payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
    assert_eq!(contents(&payload), [&bytes[..]]);
    let headers = 17 * 16 + 100;
    assert!((1 << 20..(1 << 20) + headers).contains(&copied.get()), "{} bytes were copied", copied.get());
}

#[test]
fn buffers_of_large_segments_are_reused() {
    let mut ends = [Role::Worker, Role::Main].map(|role| Session::new(role, config(true)));
    let mut wire = Vec::with_capacity(1 << 17);
    let mut carry = |ends: &mut [Session; 2], from: usize| {
        loop {
            let progress = ends[from].transmit(1 << 16, |frame| {
                wire.clear();
                frame.pieces().iter().for_each(|piece| wire.extend_from_slice(piece));
                Ok::<_, ()>(true)
            });
            if progress != Ok(Progress::Sent) {
                return;
            }
            ends[1 - from].handle_frame(&wire[..]).expect("a session sends valid frames");
        }
    };
    (0..4).for_each(|turn| carry(&mut ends, turn % 2));
    for end in &mut ends {
        assert_eq!(end.poll_event(), Some(Event::Opened));
    }
    let mut bytes = Arc::new(pattern(1 << 20));
    let mut round = |ends: &mut [Session; 2]| {
        let mut payload = ends[0].payload();
        payload.head.extend_from_slice(b"head");
        payload.segments.get_or_insert_default().push((4..4, Some(std::mem::take(&mut bytes))));
        ends[0].call(Call { name: "f", ..Call::default() }, payload).expect("the call can be sent");
        carry(ends, 0);
        let Some(Event::Call { id, payload, .. }) = ends[1].poll_event() else { panic!("the call has arrived") };
        assert_eq!(payload.head, b"head");
        ends[1].reply(id, Format::Bytes, payload).expect("the call is unanswered");
        carry(ends, 1);
        let Some(Event::Ended { outcome: Outcome::Returned { mut payload, .. }, .. }) = ends[0].poll_event() else {
            panic!("the call has been answered")
        };
        bytes = payload.segments.as_mut().expect("some")[0].1.take().expect("the segment is outside of the head");
        ends[0].recycle(payload);
    };
    (0..4).for_each(|_| round(&mut ends));
    let before = allocations();
    (0..20).for_each(|_| round(&mut ends));
    // An empty `Arc` replaces the one that is sent.
    assert_eq!(allocations() - before, 20);
    assert!(*bytes == pattern(1 << 20));
}
