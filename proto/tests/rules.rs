//! Each rule that a peer can break, broken by a peer written by hand.

mod link;

use coincide_proto::{
    Call, CloseReason, Closed, ClosedBy, Config, ErrorCode, Event, Flags, Format, Greeting, Header, Kind, MAX_NAME,
    Outcome, ProtocolError, Role, Session,
};
use link::{first_part, frame, greeted, greeting, greeting_frame, next_frame, part, text};
use std::collections::BTreeSet;

/// A rule, the end that finds it broken, and the frames of the peer after the greeting: the last one breaks it.
struct Breach {
    rule: &'static str,
    role: Role,
    frames: Vec<Vec<u8>>,
}

fn header(kind: Kind) -> Header {
    Header { kind, ..Header::default() }
}

fn call(id: u32) -> Header {
    Header { id, code: 1, ..header(Kind::CALL) }
}

/// Breaches of the rules for an open link whose main takes bodies of 4000 bytes, frames of 3000, and two calls.
fn breaches() -> Vec<Breach> {
    let on = |role, rule, frames: &[&[u8]]| Breach { rule, role, frames: frames.iter().map(|f| f.to_vec()).collect() };
    let main = |rule, frames: &[&[u8]]| on(Role::Main, rule, frames);
    let worker = |rule, frames: &[&[u8]]| on(Role::Worker, rule, frames);
    let plain = |header| frame(header, "", b"");
    let f = |header| frame(header, "f", b"");
    let out_of_place = |kind: Kind| plain(header(kind));
    let unknown_flag = Header { flags: Flags(8), ..header(Kind::INTERRUPT) };
    let more = Flags::new(Format::Bytes, true);
    let names_too_much = Header { name_len: 5, ..call(1) }.to_bytes();
    let long_name = frame(call(1), &"n".repeat(MAX_NAME + 1), b"");
    let mut not_utf8 = f(call(1));
    not_utf8[16] = 0xff;
    let total_cut = frame(Header { flags: more, ..call(1) }, "f", &[1, 0, 0, 0, 0, 0, 0]);
    let ready = |payload: &[u8]| frame(header(Kind::READY), "", payload);
    let close = header(Kind::CLOSE);
    let not_add_up = "the parts of a body do not add up to its length";
    let long = "a body is longer than was agreed";
    vec![
        main("a frame is shorter than its header", &[&[1; 15]]),
        main("a frame is shorter than its header", &[&[]]),
        main("a frame is longer than was agreed", &[&frame(header(Kind::NOTIFY), "f", &[0; 3000 - 16])]),
        worker("a frame has an unknown flag", &[&plain(unknown_flag)]),
        worker("ready came out of place", &[&out_of_place(Kind::READY)]),
        main("interrupt came out of place", &[&out_of_place(Kind::INTERRUPT)]),
        main("a greeting came out of place", &[&greeting_frame(Role::Main, greeting())]),
        worker("a greeting came out of place", &[&greeting_frame(Role::Worker, greeting())]),
        main("frames of kind 0 are unknown", &[&out_of_place(Kind(0))]),
        main("frames of kind 13 are unknown", &[&out_of_place(Kind(13))]),
        main("a frame has a name that its kind does not have", &[&f(header(Kind::RELEASE))]),
        main("a frame has a name that its kind does not have", &[&f(header(Kind::MORE))]),
        worker("a frame without a body goes on", &[&plain(Header { flags: more, ..header(Kind::INTERRUPT) })]),
        main("a frame without a body goes on", &[&plain(Header { flags: more, ..header(Kind::CANCEL) })]),
        main("a name is too long", &[&names_too_much]),
        main("a name is too long", &[&long_name]),
        main("a name is not UTF-8", &[&not_utf8]),
        main("a call has an id of the other end", &[&f(call(2))]),
        worker("a call has an id of the other end", &[&f(call(1))]),
        worker("a call has an id of the other end", &[&f(call(0))]),
        main("a call names one of its own end as its parent", &[&f(Header { parent: 3, ..call(1) })]),
        main("a call has depth 0", &[&f(Header { code: 0, ..call(1) })]),
        main("more calls are unanswered than was agreed", &[&f(call(1)), &f(call(3)), &f(call(5))]),
        main("two unanswered calls have the same id", &[&f(call(1)), &f(call(1))]),
        main("an answer belongs to no call", &[&plain(Header { id: 2, ..header(Kind::RETURN) })]),
        main("an answer belongs to no call", &[&plain(Header { id: 0, ..header(Kind::THROW) })]),
        main("an answer belongs to no call", &[&plain(Header { id: 3, ..header(Kind::THROW) })]),
        main("ready came twice", &[&out_of_place(Kind::READY), &out_of_place(Kind::READY)]),
        main("a body that goes on does not say how long it is", &[&total_cut]),
        main(long, &[&first_part(Kind::CALL, 1, "f", 4001, b"x")]),
        main(long, &[&first_part(Kind::CALL, 1, "f", 4000, b"x"), &first_part(Kind::NOTIFY, 0, "f", 1, b"x")]),
        main(
            "two unfinished bodies have the same id",
            &[&first_part(Kind::NOTIFY, 0, "f", 2, b"x"), &first_part(Kind::RELEASE, 0, "", 8, b"x")],
        ),
        main("more came for a body that is complete or was never begun", &[&part(1, b"x", false)]),
        main("more came for a body that is complete or was never begun", &[&f(call(1)), &part(1, b"x", false)]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 2, b"")]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 0, b"")]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 2, b"xy")]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 2, b"xyz")]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 3, b"x"), &part(1, b"y", false)]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 3, b"x"), &part(1, b"yz", true)]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 3, b"x"), &part(1, b"", true)]),
        main(not_add_up, &[&first_part(Kind::CALL, 1, "f", 3, b"x"), &part(1, b"yzz", false)]),
        main("a cancel names a call of the other end", &[&plain(Header { id: 2, ..header(Kind::CANCEL) })]),
        main("a list of exports ends in the middle", &[&ready(&[2, 0, b'f'])]),
        main("a list of exports ends in the middle", &[&ready(&[0, 0, 1])]),
        main("a name is not UTF-8", &[&ready(&[1, 0, 0xff])]),
        main("a release holds a part of a reference", &[&frame(header(Kind::RELEASE), "", &[0; 12])]),
        main("a close frame is malformed", &[&plain(Header { flags: more, ..close })]),
        main("a close frame is malformed", &[&f(close)]),
        main("a close frame is malformed", &[&frame(close, "", &[b'x'; 1537])]),
    ]
}

fn limits() -> Config {
    Config { max_frame: 3000, max_message: 4000, max_pending: 2, ..Config::default() }
}

/// Gives `session` frames of which only the last breaks a rule, and gives the rule.
fn broken_rule(session: &mut Session, frames: &[Vec<u8>]) -> String {
    let (last, before) = frames.split_last().unwrap();
    for frame in before {
        session.handle_frame(&frame[..]).unwrap();
    }
    let Err(ProtocolError(rule)) = session.handle_frame(&last[..]) else { panic!("{frames:?} break a rule") };
    while let Some(event) = session.poll_event() {
        if let Event::Closed(closed) = event {
            let expected = Closed { by: ClosedBy::Here, reason: CloseReason::PROTOCOL, text: rule.to_string() };
            assert_eq!(closed, expected);
            assert_eq!(session.poll_event(), None);
            let told = frame(
                Header { flags: Flags::new(Format::Text, false), code: CloseReason::PROTOCOL.0, ..header(Kind::CLOSE) },
                "",
                rule.as_bytes(),
            );
            assert_eq!(next_frame(session), Some(told), "the peer is told");
            assert_eq!(next_frame(session), None);
            return rule.into_owned();
        }
    }
    panic!("a breach of `{rule}` closes the link")
}

#[test]
fn each_breach_ends_the_link_and_is_named() {
    for Breach { rule, role, frames } in breaches() {
        assert_eq!(broken_rule(&mut greeted(role, limits()), &frames), rule, "{frames:?}");
    }
}

#[test]
fn before_the_greeting_nothing_else_is_in_place() {
    for (role, kinds) in [
        (Role::Main, [Kind::READY, Kind::CALL, Kind::MORE, Kind::RETURN, Kind(99)]),
        (Role::Worker, [Kind::INTERRUPT, Kind::NOTIFY, Kind::THROW, Kind::CANCEL, Kind::RELEASE]),
    ] {
        for kind in kinds {
            let mut session = Session::new(role, limits());
            let rule = broken_rule(&mut session, &[frame(header(kind), "", b"")]);
            assert_eq!(rule, format!("{} came out of place", kind.name()));
        }
    }
}

#[test]
fn greetings_that_make_no_sense() {
    let right = greeting_frame(Role::Main, greeting());
    let of = |greeting| greeting_frame(Role::Main, greeting);
    let limit = "a greeting announces a limit that no call could keep";
    let mut not_utf8 = frame(header(Kind::HELLO), "n", &greeting().to_bytes());
    not_utf8[16] = 0xff;
    let foreign = [&right[..16], &b"join"[..], &right[20..]].concat();
    let goes_on = [&[1, 1][..], &right[2..]].concat();
    let cases = [
        ("a greeting is too short", right[..right.len() - 1].to_vec()),
        ("the peer does not greet as coincide does", foreign),
        ("a greeting came out of place", goes_on),
        ("a greeting came out of place", greeting_frame(Role::Worker, greeting())),
        ("a name is not UTF-8", not_utf8),
        (limit, of(Greeting { max_frame: 2047, ..greeting() })),
        (limit, of(Greeting { max_message: 2047, ..greeting() })),
        (limit, of(Greeting { max_pending: 0, ..greeting() })),
        (limit, of(Greeting { max_pending: 65_536, ..greeting() })),
        (limit, of(Greeting { max_depth: 0, ..greeting() })),
    ];
    for (rule, frame) in cases {
        assert_eq!(broken_rule(&mut Session::new(Role::Main, limits()), &[frame]), rule);
    }
}

#[test]
fn answers_to_calls_that_cannot_have_them() {
    let mut worker = greeted(Role::Worker, limits());
    let id = worker.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap().to_wire();
    let answer = frame(Header { id, ..header(Kind::RETURN) }, "", b"");
    assert_eq!(broken_rule(&mut worker, &[answer]), "a call was answered before it was sent");

    let mut worker = greeted(Role::Worker, limits());
    let id = worker.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap().to_wire();
    next_frame(&mut worker);
    let again = frame(Header { id, code: 1, ..header(Kind::THROW) }, "", b"");
    let frames = [first_part(Kind::RETURN, id, "", 10, b"x"), again];
    assert_eq!(broken_rule(&mut worker, &frames), "a call was answered twice");
}

#[test]
fn a_body_in_one_frame_keeps_the_limit_too() {
    let mut main = greeted(Role::Main, Config { max_message: 2048, ..Config::default() });
    let rule = broken_rule(&mut main, &[frame(header(Kind::NOTIFY), "f", &[0; 2049])]);
    assert_eq!(rule, "a body is longer than was agreed");
}

/// What a peer that doesn't read costs is bounded: calls whose answers it has not taken count.
#[test]
fn unsent_answers_count_as_unanswered_calls() {
    let mut main = greeted(Role::Main, limits());
    for id in [1, 3] {
        main.handle_frame(&frame(call(id), "f", b"")[..]).unwrap();
        let Some(Event::Call { id, .. }) = main.poll_event() else { panic!() };
        main.reply(id, Format::Bytes, Vec::new()).unwrap();
    }
    let mut taken = greeted(Role::Main, limits());
    assert_eq!(broken_rule(&mut main, &[frame(call(5), "f", b"")]), "more calls are unanswered than was agreed");
    for id in [1, 3, 1, 5] {
        taken.handle_frame(&frame(call(id), "f", b"")[..]).unwrap();
        let Some(Event::Call { id, .. }) = taken.poll_event() else { panic!() };
        taken.reply(id, Format::Bytes, Vec::new()).unwrap();
        next_frame(&mut taken).unwrap();
    }
}

#[test]
fn a_call_nested_too_deep_is_answered_and_breaks_nothing() {
    let mut main = greeted(Role::Main, Config { max_depth: 3, ..limits() });
    main.handle_frame(&frame(Header { code: 4, ..call(1) }, "f", b"")[..]).unwrap();
    assert_eq!(main.poll_event(), None);
    let answer = next_frame(&mut main).unwrap();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&answer[..16]);
    let header = Header::from_bytes(bytes);
    assert_eq!((header.kind, header.id, ErrorCode(header.code)), (Kind::THROW, 1, ErrorCode::TOO_DEEP));
    let outcome =
        Outcome::Threw { code: ErrorCode::TOO_DEEP, format: header.flags.format(), payload: answer[16..].into() };
    assert_eq!(text(outcome), "calls are nested 4 deep and 3 are allowed: main.f");
}

/// Whoever adds a rule adds a test of it.
#[test]
fn every_rule_of_the_sources_is_tested() {
    let sources = [include_str!("../src/session.rs"), include_str!("../src/assembly.rs")].concat();
    let here = include_str!("rules.rs");
    let rules: BTreeSet<_> =
        sources.split("ProtocolError(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(rules.len() > 20, "{rules:?}");
    for rule in rules {
        assert!(here.contains(rule), "the rule `{rule}` has no test here");
    }
}
