//! Each rule of the protocol, violated by hand-written frames.

mod link;
#[path = "link/violations.rs"]
mod violations;

use coincide_proto::{
    CloseReason, Closed, ClosedBy, Config, ErrorCode, Event, Flags, Format, Header, Kind, Outcome, ProtocolError, Role,
    Session,
};
use link::{frame, next_frame, opened, text};
use std::collections::BTreeSet;
use violations::{call, header, limits, violations};

/// Passes frames to `session`, the last of which violates a rule, and returns the rule.
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
            let flags = Flags::new(Format::Text, false);
            let close = Header { flags, code: CloseReason::PROTOCOL.0, ..header(Kind::CLOSE) };
            assert_eq!(next_frame(session), Some(frame(close, "", rule.as_bytes())), "a close frame names the rule");
            assert_eq!(next_frame(session), None);
            return rule.into_owned();
        }
    }
    panic!("a violation of `{rule}` closes the link")
}

#[test]
fn each_violation_closes_the_link_and_is_named() {
    for violation in violations() {
        let mut session = violation.session().0;
        assert_eq!(broken_rule(&mut session, &violation.frames), violation.rule, "{:02x?}", violation.frames);
    }
}

#[test]
fn max_message_applies_to_a_body_in_one_frame() {
    let mut main = opened(Role::Main, Config { max_message: 2048, ..Config::default() });
    let rule = broken_rule(&mut main, &[frame(header(Kind::NOTIFY), "f", &[0; 2049])]);
    assert_eq!(rule, "a body is longer than the limit");
}

/// The cost of a peer that does not receive is bounded: calls count until their answers are sent.
#[test]
fn unsent_answers_count_as_unanswered_calls() {
    let mut main = opened(Role::Main, limits());
    for id in [1, 3] {
        main.handle_frame(&frame(call(id), "f", b"")[..]).unwrap();
        let Some(Event::Call { id, .. }) = main.poll_event() else { panic!() };
        main.reply(id, Format::Bytes, Vec::new()).unwrap();
    }
    assert_eq!(broken_rule(&mut main, &[frame(call(5), "f", b"")]), "more calls are unanswered than the limit allows");
    let mut taken = opened(Role::Main, limits());
    for id in [1, 3, 1, 5] {
        taken.handle_frame(&frame(call(id), "f", b"")[..]).unwrap();
        let Some(Event::Call { id, .. }) = taken.poll_event() else { panic!() };
        taken.reply(id, Format::Bytes, Vec::new()).unwrap();
        next_frame(&mut taken).unwrap();
    }
}

#[test]
fn call_beyond_the_depth_limit_is_answered_with_an_error() {
    let mut main = opened(Role::Main, Config { max_depth: 3, ..limits() });
    main.handle_frame(&frame(Header { code: 4, ..call(1) }, "f", b"")[..]).unwrap();
    assert_eq!(main.poll_event(), None);
    let answer = next_frame(&mut main).unwrap();
    let header = Header::from_bytes(*answer.first_chunk().unwrap());
    assert_eq!((header.kind, header.id, ErrorCode(header.code)), (Kind::THROW, 1, ErrorCode::TOO_DEEP));
    let (code, format) = (ErrorCode::TOO_DEEP, header.flags.format());
    let outcome = Outcome::Threw { code, format, payload: answer[16..].to_vec().into() };
    assert_eq!(text(outcome), "calls are nested 4 deep and 3 are allowed: main.f");
}

/// Each rule in the sources needs a test and a line in the specification.
#[test]
fn every_rule_of_the_sources_and_of_the_specification_is_tested() {
    let sources = [
        include_str!("../src/session.rs"),
        include_str!("../src/session/receive.rs"),
        include_str!("../src/assembly.rs"),
    ]
    .concat();
    let rules: BTreeSet<_> =
        sources.split("ProtocolError(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let violations = violations();
    assert!(rules.len() > 20, "{rules:?}");
    for rule in rules {
        assert!(violations.iter().any(|violation| violation.rule == rule), "the rule `{rule}` has no test");
    }
    let specification = include_str!("../SPEC.md");
    let section = specification.split("## 15 ").nth(1).unwrap().split("\n## ").next().unwrap();
    let specified: BTreeSet<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .filter(|name| *name != "name")
        .collect();
    let tested: BTreeSet<_> = violations.iter().map(|violation| violation.name).collect();
    assert_eq!(specified, tested);
}
