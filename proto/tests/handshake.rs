//! The handshake of two sessions.

mod link;

use coincide_proto::{
    Call, CloseReason, Closed, ClosedBy, Config, Event, Format, Handshake, Kind, MAGIC, MIN_FRAME, Outcome, Progress,
    Role, SendError, Session,
};
use link::{Link, handshake, handshake_frame, next_frame};

#[test]
fn worker_sends_its_handshake_first_and_main_answers() {
    let mut link = Link::new(Config::default(), Config { name: "crunch".into(), ..Config::default() });
    assert_eq!(link.send(Role::Main), Progress::Idle, "main sends nothing before it receives the handshake");
    assert_eq!(link.send(Role::Worker), Progress::Sent);
    assert_eq!(link.up[0][0], Kind::HELLO.0);
    assert!(!link.worker.is_open());
    link.receive(Role::Main);
    assert_eq!(link.event(Role::Main), Event::Opened);
    assert_eq!(link.main.peer_name(), "crunch");
    assert_eq!(link.send(Role::Main), Progress::Sent);
    assert_eq!(link.down[0][0], Kind::WELCOME.0);
    link.receive(Role::Worker);
    assert_eq!(link.event(Role::Worker), Event::Opened);
    assert!(link.main.is_open() && link.worker.is_open());
}

#[test]
fn messages_queued_before_the_handshake_are_sent_after_it_in_order() {
    let mut link = Link::new(Config::default(), Config::default());
    link.call(Role::Worker, "a");
    link.worker.notify("b", Format::Bytes, Vec::new()).unwrap();
    link.worker.ready(["f"]).unwrap();
    link.call(Role::Main, "c");
    link.main.interrupt();
    assert_eq!(link.send(Role::Worker), Progress::Sent);
    assert_eq!(link.send(Role::Worker), Progress::Idle, "the handshake is the only frame until main has answered");
    link.settle();
    let main = link.events(Role::Main);
    assert!(
        matches!(&main[..], [Event::Opened, Event::Call { .. }, Event::Notify { .. }, Event::Ready(_)]),
        "{main:?}"
    );
    let worker = link.events(Role::Worker);
    assert!(matches!(&worker[..], [Event::Opened, Event::Interrupted, Event::Call { .. }]), "{worker:?}");
}

#[test]
fn another_major_version_is_incompatible() {
    let mut main = Session::new(Role::Main, Config::default());
    let call = main.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap();
    let offered = Handshake { major: 2, ..handshake() };
    main.handle_frame(&handshake_frame(Role::Main, offered)[..]).expect("not a protocol violation");
    assert_eq!(main.poll_event(), Some(Event::Ended { id: call, outcome: Outcome::Closed }));
    let Some(Event::Closed(closed)) = main.poll_event() else { panic!("the link is closed") };
    assert_eq!((closed.by, closed.reason), (ClosedBy::Here, CloseReason::INCOMPATIBLE));
    let close = next_frame(&mut main).expect("a close frame is queued");
    let mut worker = Session::new(Role::Worker, Config::default());
    worker.handle_frame(&close[..]).unwrap();
    let received = Closed { by: ClosedBy::Peer, ..closed };
    assert_eq!(received.text, "version 2 was offered, this end speaks 1");
    assert_eq!(worker.poll_event(), Some(Event::Closed(received)));
    assert_eq!(next_frame(&mut worker), None, "the handshake is not sent");
}

#[test]
fn another_minor_version_and_unknown_features_are_accepted() {
    let mut main = Session::new(Role::Main, Config::default());
    let newer = Handshake { minor: 7, features: 0xffff_ffff, ..handshake() };
    let mut frame = handshake_frame(Role::Main, newer);
    frame.extend_from_slice(b"fields of a later version");
    main.handle_frame(&frame[..]).unwrap();
    assert!(main.is_open());
}

#[test]
fn settings_out_of_range_are_clamped() {
    let tiny = Config { max_frame: 0, max_message: 0, max_pending: 0, max_depth: 0, ..Config::default() };
    let huge = Config { max_pending: u32::MAX, name: "ü".repeat(1000), ..Config::default() };
    let mut link = Link::new(tiny, huge);
    assert_eq!(link.send(Role::Worker), Progress::Sent);
    let offered = offered_in(&link.up[0]);
    assert_eq!(offered.max_pending, 65_535);
    link.receive(Role::Main);
    assert_eq!(link.main.peer_name(), "ü".repeat(512));
    assert_eq!(link.send(Role::Main), Progress::Sent);
    let limits = offered_in(&link.down[0]);
    assert_eq!((limits.max_frame, limits.max_message), (MIN_FRAME as u32, MIN_FRAME as u64));
    assert_eq!((limits.max_pending, limits.max_depth), (1, 1));
}

#[test]
fn queued_calls_beyond_the_peers_limits_end_with_an_error() {
    let main = Config { max_message: 3000, max_pending: 2, ..Config::default() };
    let mut link = Link::new(main, Config::default());
    let call = |size| (Call { name: "f", ..Call::default() }, vec![0; size]);
    let calls = [5000, 3000, 10, 20].map(|size| {
        let (call, payload) = call(size);
        link.worker.call(call, payload).unwrap()
    });
    link.worker.notify("large", Format::Bytes, vec![0; 5000]).unwrap();
    link.settle();
    let mut events = link.events(Role::Worker);
    assert_eq!(events.remove(0), Event::Opened);
    let ended: Vec<_> = events
        .into_iter()
        .map(|event| match event {
            Event::Ended { id, outcome: Outcome::NotSent(error) } => (id, error),
            other => panic!("{other:?}"),
        })
        .collect();
    let too_large = SendError::TooLarge { size: 5000, limit: 3000 };
    assert_eq!(ended, [(calls[0], too_large), (calls[3], SendError::Overloaded { limit: 2 })]);
    let arrived = link.events(Role::Main);
    assert!(matches!(&arrived[..], [Event::Opened, Event::Call { .. }, Event::Call { .. }]), "{arrived:?}");
    // The ids of the ended calls are free again.
    let refused = link.worker.call(Call { name: "f", ..Call::default() }, Vec::new());
    assert_eq!(refused, Err(SendError::Overloaded { limit: 2 }));
}

#[test]
fn list_of_exports_larger_than_main_accepts_closes_the_link() {
    let mut link = Link::new(Config { max_message: 0, ..Config::default() }, Config::default());
    link.worker.ready(["a".repeat(1000), "b".repeat(1000), "c".repeat(1000)].iter().map(String::as_str)).unwrap();
    link.settle();
    let events = link.events(Role::Main);
    let [Event::Opened, Event::Closed(closed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((closed.by, closed.reason), (ClosedBy::Peer, CloseReason::INCOMPATIBLE));
    assert!(link.worker.closed().is_some());
}

#[test]
fn link_can_be_closed_before_the_handshake() {
    for role in link::ROLES {
        let mut link = Link::new(Config::default(), Config::default());
        let call = link.call(role, "f");
        link.end(role).close(CloseReason::DONE, "early");
        link.settle();
        let here = Closed { by: ClosedBy::Here, reason: CloseReason::DONE, text: "early".into() };
        let ended = Event::Ended { id: call, outcome: Outcome::Closed };
        assert_eq!(link.events(role), [ended, Event::Closed(here.clone())]);
        let events = link.events(role.peer());
        assert_eq!(events.last(), Some(&Event::Closed(Closed { by: ClosedBy::Peer, ..here })), "{role:?}");
    }
}

/// The handshake in a frame.
fn offered_in(frame: &[u8]) -> Handshake {
    let at = frame.windows(MAGIC.len()).position(|bytes| bytes == MAGIC).expect("the frame contains a handshake");
    Handshake::from_bytes(&frame[at..]).expect("the handshake is complete")
}
