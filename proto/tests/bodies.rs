//! Bodies in parts.

mod link;

use coincide_proto::{Call, Config, Event, Flags, Format, Header, Kind, Outcome, Progress, Role};
use link::{Link, first_part, next_frame, opened, part, pattern, returned};

#[test]
fn body_of_any_size_arrives_whole() {
    for max_frame in [2048, 2049, 5000] {
        let mut link = Link::open();
        link.max_frame = max_frame;
        let around = max_frame - 40..max_frame + 10;
        for size in around.chain([0, 1, 2 * max_frame, 100_000]) {
            let call = link.worker.call(Call { name: "f", ..Call::default() }, pattern(size)).unwrap();
            link.settle();
            let Event::Call { id, payload, .. } = link.event(Role::Main) else { panic!() };
            assert!(payload == pattern(size), "{size}");
            link.main.reply(id, Format::Bytes, payload).unwrap();
            link.settle();
            assert!(link.ended(Role::Worker, call) == returned(&pattern(size)), "{size}");
        }
    }
}

#[test]
fn body_is_split_only_beyond_the_frame_limit() {
    let mut link = Link::open();
    link.max_frame = 2048;
    for (size, frames) in [(2048 - 17, 1), (2048 - 16, 2)] {
        link.worker.notify("n", Format::Bytes, pattern(size)).unwrap();
        let mut sent = 0;
        while link.send(Role::Worker) == Progress::Sent {
            sent += 1;
        }
        assert_eq!(sent, frames, "{size}");
    }
}

#[test]
fn max_frame_of_the_peer_limits_frames() {
    let mut link = Link::open_with(Config { max_frame: 3000, ..Config::default() }, Config::default());
    link.worker.notify("n", Format::Bytes, pattern(10_000)).unwrap();
    link.main.notify("n", Format::Bytes, pattern(10_000)).unwrap();
    while link.send(Role::Worker) == Progress::Sent {}
    while link.send(Role::Main) == Progress::Sent {}
    assert!(link.up.iter().all(|frame| frame.len() <= 3000));
    assert_eq!((link.up.len(), link.down.len()), (4, 1));
}

#[test]
fn frame_without_room_is_offered_again() {
    let mut link = Link::open();
    (link.max_frame, link.room) = (2048, 2);
    let call = link.worker.call(Call { name: "f", ..Call::default() }, pattern(20_000)).unwrap();
    let mut blocked = 0;
    while link.worker.has_output() {
        if link.send(Role::Worker) == Progress::Blocked {
            blocked += 1;
            assert_eq!(link.send(Role::Worker), Progress::Blocked, "still blocked");
            assert!(link.worker.has_output());
            link.receive(Role::Main);
        }
    }
    assert!(blocked > 5);
    link.settle();
    let Event::Call { id, payload, .. } = link.event(Role::Main) else { panic!() };
    assert_eq!(id, call);
    assert!(payload == pattern(20_000));
}

#[test]
fn transport_error_leaves_the_frame_queued() {
    let mut link = Link::open();
    link.call(Role::Worker, "f");
    assert_eq!(link.worker.transmit(2048, |_| Err("broken")), Err("broken"));
    link.settle();
    link.called(Role::Main);
}

#[test]
#[should_panic(expected = "2048 bytes at least")]
fn transmit_panics_below_the_minimal_frame_size() {
    let mut link = Link::open();
    link.max_frame = 2047;
    let _ = link.send(Role::Worker);
}

#[test]
fn messages_are_sent_in_order_and_bodies_one_at_a_time() {
    let mut link = Link::open();
    link.max_frame = 2048;
    for size in [5000, 10, 6000] {
        link.worker.notify("n", Format::Bytes, pattern(size)).unwrap();
    }
    link.settle();
    let sizes: Vec<_> = link
        .events(Role::Main)
        .into_iter()
        .map(|event| match event {
            Event::Notify { payload, .. } => payload.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, [5000, 10, 6000]);
}

#[test]
fn interleaved_bodies_of_several_calls_are_received() {
    let mut main = opened(Role::Main, Config::default());
    let [a, b, c] = [5000, 6000, 7000].map(pattern);
    let frames = [
        first_part(Kind::CALL, 1, "a", 5000, &a[..100]),
        first_part(Kind::CALL, 3, "b", 6000, &b[..1]),
        part(1, &a[100..101], true),
        first_part(Kind::NOTIFY, 0, "c", 7000, &c[..6999]),
        part(3, &b[1..5000], true),
        part(0, &c[6999..], false),
        part(3, &b[5000..], false),
        part(1, &a[101..], false),
    ];
    for frame in frames {
        main.handle_frame(&frame[..]).unwrap();
    }
    assert!(matches!(main.poll_event(), Some(Event::Notify { name, payload, .. }) if name == "c" && payload == c));
    for (name, body) in [("b", b), ("a", a)] {
        let Some(Event::Call { id, payload, .. }) = main.poll_event() else { panic!() };
        assert_eq!(main.function(id), Some(name));
        assert!(payload == body);
    }
}

#[test]
fn body_has_the_format_of_its_first_frame() {
    let mut main = opened(Role::Main, Config::default());
    let mut first = first_part(Kind::NOTIFY, 0, "n", 2, b"a");
    first[1] = Flags::new(Format::Value, true).0;
    main.handle_frame(&first[..]).unwrap();
    main.handle_frame(&part(0, b"b", false)[..]).unwrap();
    let expected = Event::Notify { name: "n".into(), format: Format::Value, payload: b"ab".to_vec().into() };
    assert_eq!(main.poll_event(), Some(expected));
}

#[test]
fn unused_header_fields_are_ignored() {
    let mut main = opened(Role::Main, Config::default());
    let mut first = first_part(Kind::NOTIFY, 77, "n", 2, b"a");
    first[2..4].copy_from_slice(&[9, 9]);
    first[8..12].copy_from_slice(&[9; 4]);
    first[14..16].copy_from_slice(&[9; 2]);
    main.handle_frame(&first[..]).unwrap();
    main.handle_frame(&part(0, b"b", false)[..]).expect("a notification has no id, so its body has 0");
    assert!(matches!(main.poll_event(), Some(Event::Notify { .. })));
    let mut worker = opened(Role::Worker, Config::default());
    let interrupt = Header { kind: Kind::INTERRUPT, code: 5, id: 6, parent: 7, ..Header::default() };
    worker.handle_frame(&link::frame(interrupt, "", b"more")[..]).unwrap();
    assert_eq!(worker.poll_event(), Some(Event::Interrupted));
}

#[test]
fn memory_grows_with_received_bytes_not_with_the_announced_total() {
    let mut main = opened(Role::Main, Config { max_message: u64::MAX, ..Config::default() });
    main.handle_frame(&first_part(Kind::CALL, 1, "f", u64::MAX, b"x")[..]).unwrap();
    main.handle_frame(&part(1, b"x", true)[..]).unwrap();
    let cancel = link::frame(Header { kind: Kind::CANCEL, id: 1, ..Header::default() }, "", b"");
    main.handle_frame(&cancel[..]).unwrap();
    assert_eq!(main.poll_event(), None);
    assert_eq!(next_frame(&mut main).unwrap()[0], Kind::THROW.0);
}

#[test]
fn streamed_answer_to_an_ended_call_is_dropped() {
    let mut worker = opened(Role::Worker, Config { max_message: 1 << 40, ..Config::default() });
    let call = worker.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap();
    next_frame(&mut worker).unwrap();
    worker.cancel(call);
    assert_eq!(worker.poll_event(), Some(Event::Ended { id: call, outcome: Outcome::Cancelled }));
    let id = call.to_wire();
    worker.handle_frame(&first_part(Kind::RETURN, id, "", 1000, &[1; 500])[..]).unwrap();
    worker.handle_frame(&part(id, &[1; 500], false)[..]).unwrap();
    assert_eq!(worker.poll_event(), None);
}
