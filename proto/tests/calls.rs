//! Calls, nested calls, notifications, releases and interrupts.

mod link;

use coincide_proto::{Call, Config, ErrorCode, Event, Format, MAX_NAME, NoSuchCall, Outcome, Role, SendError};
use link::{Link, ROLES, returned, text};

#[test]
fn calls_and_answers_cross_in_both_directions() {
    let mut link = Link::open();
    let calls = ROLES.map(|role| link.call(role, "f"));
    link.settle();
    for (role, call) in ROLES.into_iter().zip(calls) {
        let Event::Call { id, format, payload } = link.event(role.peer()) else { panic!() };
        assert_eq!((id, format, &payload.head[..]), (call, Format::Bytes, &b"f"[..]));
        assert_eq!(link.end(role.peer()).function(id), Some("f"));
        assert_eq!(link.end(role.peer()).chain(id), format!("{}.f", role.peer().name()));
        link.end(role.peer()).reply(id, Format::Value, b"result".to_vec()).unwrap();
    }
    link.settle();
    for (role, call) in ROLES.into_iter().zip(calls) {
        let outcome = Outcome::Returned { format: Format::Value, payload: b"result".to_vec().into() };
        assert_eq!(link.ended(role, call), outcome);
        assert_eq!(
            call.to_wire() & 1,
            u32::from(role == Role::Worker),
            "the lowest bit of an id says whose call it is"
        );
    }
    link.nothing_happened();
}

#[test]
fn answers_may_arrive_out_of_order() {
    let mut link = Link::open();
    let calls = ["a", "b", "c"].map(|name| link.call(Role::Worker, name));
    link.settle();
    for event in link.events(Role::Main).into_iter().rev() {
        let Event::Call { id, payload, .. } = event else { panic!() };
        link.main.reply(id, Format::Bytes, payload).unwrap();
    }
    link.settle();
    let ended = |name: &str, id| Event::Ended { id, outcome: returned(name.as_bytes()) };
    assert_eq!(link.events(Role::Worker), [ended("c", calls[2]), ended("b", calls[1]), ended("a", calls[0])]);
}

#[test]
fn function_that_throws_ends_its_call_with_the_error() {
    let mut link = Link::open();
    let call = link.call(Role::Main, "f");
    link.settle();
    let id = link.called(Role::Worker);
    link.worker.throw(id, ErrorCode(0x8001), Format::Typed, b"why".to_vec()).unwrap();
    link.settle();
    let outcome = Outcome::Threw { code: ErrorCode(0x8001), format: Format::Typed, payload: b"why".to_vec().into() };
    assert_eq!(link.ended(Role::Main, call), outcome);
}

#[test]
fn second_answer_to_a_call_is_refused() {
    let mut link = Link::open();
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    link.main.reply(id, Format::Bytes, b"1".to_vec()).unwrap();
    assert_eq!(link.main.reply(id, Format::Bytes, b"2".to_vec()), Err(NoSuchCall));
    assert_eq!(link.main.throw(id, ErrorCode::THROWN, Format::Bytes, Vec::new()), Err(NoSuchCall));
    assert_eq!(link.main.throw_text(id, ErrorCode::THROWN, "3"), Err(NoSuchCall));
    link.settle();
    assert_eq!(link.ended(Role::Worker, call), returned(b"1"));
    assert_eq!(link.main.function(id), None);
    assert_eq!(link.main.chain(id), "");
}

#[test]
fn nested_calls_are_accepted_up_to_the_depth_limit() {
    const LIMIT: u16 = 5;
    let config = Config { max_depth: LIMIT, ..Config::default() };
    let mut link = Link::open_with(config.clone(), config);
    let mut role = Role::Worker;
    let mut calls = vec![link.call(role, "f1")];
    for depth in 2..=LIMIT {
        link.settle();
        role = role.peer();
        let id = link.called(role);
        assert_eq!(link.end(role).waits_for_us(id), depth > 2, "the first call has no parent");
        calls.push(link.nested(role, &format!("f{depth}"), id));
    }
    link.settle();
    role = role.peer();
    let id = link.called(role);
    assert_eq!(
        link.end(role).chain(id),
        "main.f5, called by worker.f4, called by main.f3, called by worker.f2, called by main.f1"
    );
    let call = Call { name: "f6", parent: Some(id), ..Call::default() };
    assert_eq!(link.end(role).call(call, Vec::new()), Err(SendError::TooDeep { depth: 6, limit: LIMIT }));
    for call in calls.into_iter().rev() {
        link.end(role).reply(call, Format::Bytes, Vec::new()).unwrap();
        link.settle();
        role = role.peer();
        assert_eq!(link.ended(role, call), returned(b""));
    }
}

#[test]
fn long_call_chain_is_truncated() {
    let mut link = Link::open();
    let mut role = Role::Worker;
    link.call(role, "f");
    for _ in 0..40 {
        link.settle();
        role = role.peer();
        let id = link.called(role);
        link.nested(role, "f", id);
    }
    link.settle();
    role = role.peer();
    let id = link.called(role);
    let chain = link.end(role).chain(id);
    assert!(chain.starts_with("main.f, called by worker.f") && chain.ends_with(", ..."), "{chain}");
    assert_eq!(chain.matches("called by").count(), 15);
}

#[test]
fn call_of_an_answered_parent_has_no_parent() {
    let mut link = Link::open();
    link.call(Role::Worker, "outer");
    link.settle();
    let outer = link.called(Role::Main);
    link.main.reply(outer, Format::Bytes, Vec::new()).unwrap();
    link.nested(Role::Main, "late", outer);
    link.settle();
    let late = link.events(Role::Worker).into_iter().find_map(|event| match event {
        Event::Call { id, .. } => Some(id),
        _ => None,
    });
    assert!(!link.worker.waits_for_us(late.unwrap()));
    assert_eq!(link.worker.chain(late.unwrap()), "worker.late");
}

#[test]
fn notifications_arrive_in_order_with_calls() {
    let mut link = Link::open();
    link.worker.notify("a", Format::Typed, b"1".to_vec()).unwrap();
    link.call(Role::Worker, "b");
    link.worker.notify("c", Format::Bytes, Vec::new()).unwrap();
    link.settle();
    let events = link.events(Role::Main);
    let notify = |name: &str, format, payload: &[u8]| Event::Notify {
        name: name.into(),
        format,
        payload: payload.to_vec().into(),
    };
    assert_eq!(events[0], notify("a", Format::Typed, b"1"));
    assert!(matches!(events[1], Event::Call { .. }));
    assert_eq!(events[2], notify("c", Format::Bytes, b""));
    assert!(!link.main.has_output(), "a notification has no answer");
}

#[test]
fn ready_is_reported_once() {
    let mut link = Link::open();
    link.worker.ready(["version", "", "größe"]).unwrap();
    link.worker.ready(["again"]).unwrap();
    link.main.ready(["main is never ready"]).unwrap();
    link.settle();
    assert_eq!(link.event(Role::Main), Event::Ready(vec!["version".into(), String::new(), "größe".into()]));
    link.nothing_happened();
}

#[test]
fn released_references_arrive() {
    let mut link = Link::open();
    link.main.release(&[1, u64::MAX]).unwrap();
    link.worker.release(&[]).unwrap();
    link.settle();
    assert_eq!(link.event(Role::Worker), Event::Released(vec![1, u64::MAX]));
    assert_eq!(link.event(Role::Main), Event::Released(Vec::new()));
}

#[test]
fn interrupt_overtakes_queued_messages() {
    let mut link = Link::open();
    link.call(Role::Main, "a");
    link.main.interrupt();
    link.worker.interrupt();
    link.settle();
    let events = link.events(Role::Worker);
    assert!(matches!(&events[..], [Event::Interrupted, Event::Call { .. }]), "{events:?}");
    assert_eq!(link.events(Role::Main), [], "a worker can't interrupt main");
}

#[test]
fn calls_beyond_the_limits_of_the_peer_are_refused_at_once() {
    let small = Config { max_message: 4000, max_pending: 2, ..Config::default() };
    let mut link = Link::open_with(small, Config::default());
    let call = |name| Call { name, ..Call::default() };
    let long = "n".repeat(MAX_NAME + 1);
    let too_large = SendError::TooLarge { size: 4001, limit: 4000 };
    assert_eq!(link.worker.call(call("f"), vec![0; 4001]), Err(too_large.clone()));
    assert_eq!(link.worker.notify("f", Format::Bytes, vec![0; 4001]), Err(too_large));
    assert_eq!(link.worker.release(&[0; 501]), Err(SendError::TooLarge { size: 4008, limit: 4000 }));
    assert_eq!(link.worker.call(call(&long), Vec::new()), Err(SendError::NameTooLong { length: MAX_NAME + 1 }));
    assert_eq!(link.worker.ready([&long[..]]), Err(SendError::NameTooLong { length: MAX_NAME + 1 }));
    let calls = ["a", &long[1..]].map(|name| link.call(Role::Worker, name));
    assert_eq!(link.worker.call(call("c"), Vec::new()), Err(SendError::Overloaded { limit: 2 }));
    link.settle();
    assert_eq!(link.events(Role::Main).len(), 2);
    assert_eq!(link.main.function(calls[1]), Some(&long[1..]));
    link.main.reply(calls[0], Format::Bytes, Vec::new()).unwrap();
    link.settle();
    assert_eq!(link.ended(Role::Worker, calls[0]), returned(b""));
    link.worker.call(call("c"), Vec::new()).expect("an answered call makes room for another");
}

#[test]
fn answers_larger_than_the_caller_accepts_become_errors() {
    let mut link = Link::open_with(Config::default(), Config { max_message: 4000, ..Config::default() });
    for throws in [false, true] {
        let call = link.call(Role::Worker, "f");
        link.settle();
        let id = link.called(Role::Main);
        if throws {
            link.main.throw(id, ErrorCode::THROWN, Format::Bytes, vec![0; 4001]).unwrap();
        } else {
            link.main.reply(id, Format::Bytes, vec![0; 4001]).unwrap();
        }
        link.settle();
        let outcome = link.ended(Role::Worker, call);
        assert!(matches!(outcome, Outcome::Threw { code: ErrorCode::TOO_LARGE, .. }), "{outcome:?}");
        let expected = [
            "it has 4001 bytes and the caller accepts at most 4000: return less",
            "the function threw an error of 4001 bytes and the caller accepts at most 4000",
        ];
        assert_eq!(text(outcome), expected[usize::from(throws)]);
    }
}

#[test]
fn texts_are_truncated_between_characters() {
    let mut link = Link::open();
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    link.main.throw_text(id, ErrorCode::PANICKED, &format!("x{}", "ü".repeat(5000))).unwrap();
    link.settle();
    assert_eq!(text(link.ended(Role::Worker, call)), format!("x{}", "ü".repeat(767)));
}
