//! The end of a link: every pending call ends once, and `Closed` is the last event.

mod link;

use coincide_proto::{
    Call, CloseReason, Closed, ClosedBy, Config, Event, Format, Header, Kind, NoSuchCall, Outcome, ProtocolError, Role,
    SendError,
};
use link::{Link, ROLES, next_frame, pattern, returned};

fn closed(by: ClosedBy, reason: CloseReason, text: &str) -> Event {
    Event::Closed(Closed { by, reason, text: text.into() })
}

/// A link with a call pending on each end: main's, and the worker's.
fn busy() -> (Link, [coincide_proto::CallId; 2]) {
    let mut link = Link::open();
    let calls = ROLES.map(|role| link.call(role, "f"));
    link.settle();
    for role in ROLES {
        link.called(role);
    }
    (link, calls)
}

fn index(role: Role) -> usize {
    usize::from(role == Role::Worker)
}

fn is_over(link: &mut Link, role: Role, call: coincide_proto::CallId) {
    let session = link.end(role);
    assert!(!session.is_open());
    assert_eq!(session.call(Call { name: "f", ..Call::default() }, Vec::new()), Err(SendError::Closed));
    assert_eq!(session.notify("f", Format::Bytes, Vec::new()), Err(SendError::Closed));
    assert_eq!(session.release(&[1]), Err(SendError::Closed));
    assert_eq!(session.reply(call, Format::Bytes, Vec::new()), Err(NoSuchCall));
    session.cancel(call);
    session.interrupt();
    session.close(CloseReason::FAILED, "again");
    session.abort(CloseReason::FAILED, "again");
    session.handle_lost("");
    session.handle_frame(&[0xff; 3][..]).expect("later frames are ignored");
    assert_eq!(session.poll_event(), None, "no event follows the end");
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn close_sends_queued_messages_first() {
    for role in ROLES {
        let (mut link, calls) = busy();
        let [own, other] = [calls[index(role)], calls[index(role.peer())]];
        link.end(role).reply(other, Format::Bytes, b"answer".to_vec()).unwrap();
        link.end(role).notify("last", Format::Bytes, Vec::new()).unwrap();
        link.call(role, "never sent");
        let unsent = link.call(role, "neither");
        link.end(role).close(CloseReason::DONE, "bye");
        let events = link.events(role);
        assert_eq!(events.len(), 4);
        assert!(events.contains(&Event::Ended { id: own, outcome: Outcome::Closed }));
        assert!(events.contains(&Event::Ended { id: unsent, outcome: Outcome::Closed }));
        assert_eq!(events[3], closed(ClosedBy::Here, CloseReason::DONE, "bye"));
        link.settle();
        let notify = Event::Notify { name: "last".into(), format: Format::Bytes, payload: Vec::new().into() };
        assert_eq!(
            link.events(role.peer()),
            [
                Event::Ended { id: other, outcome: returned(b"answer") },
                notify,
                closed(ClosedBy::Peer, CloseReason::DONE, "bye")
            ]
        );
        assert_eq!(link.end(role.peer()).closed().map(|closed| &closed.text[..]), Some("bye"));
        is_over(&mut link, role, other);
        is_over(&mut link, role.peer(), own);
    }
}

#[test]
fn close_during_a_streamed_call_drops_its_rest() {
    let mut link = Link::open();
    link.max_frame = 2048;
    let call = link.worker.call(Call { name: "f", ..Call::default() }, pattern(10_000)).unwrap();
    let _ = link.send(Role::Worker);
    link.worker.close(CloseReason::DONE, "");
    let cancel = Header { kind: Kind::CANCEL, id: call.to_wire(), ..Header::default() };
    assert_eq!(next_frame(&mut link.worker), Some(cancel.to_bytes().to_vec()));
    let _ = link.send(Role::Worker);
    assert!(!link.worker.has_output());
    assert_eq!(link.events(Role::Worker)[0], Event::Ended { id: call, outcome: Outcome::Closed });
    link.settle();
    assert_eq!(link.event(Role::Main), closed(ClosedBy::Peer, CloseReason::DONE, ""));
}

/// The peer counts the total of a body until it is complete or cancelled.
#[test]
fn aborted_call_frees_the_limit_for_later_bodies() {
    for role in ROLES {
        let limits = Config { max_message: 8000, ..Config::default() };
        let mut link = Link::open_with(limits.clone(), limits);
        link.max_frame = 2048;
        let other = link.call(role.peer(), "f");
        link.settle();
        link.called(role);
        let session = link.end(role);
        session.call(Call { name: "f", ..Call::default() }, pattern(8000)).unwrap();
        session.reply(other, Format::Bytes, pattern(8000)).unwrap();
        session.notify("last", Format::Bytes, pattern(7999)).unwrap();
        let _ = link.send(role);
        link.end(role).close(CloseReason::DONE, "");
        link.settle();
        let notify = Event::Notify { name: "last".into(), format: Format::Bytes, payload: pattern(7999).into() };
        let ended = Event::Ended { id: other, outcome: returned(&pattern(8000)) };
        let done = closed(ClosedBy::Peer, CloseReason::DONE, "");
        assert!(link.events(role.peer()) == [ended, notify, done]);
    }
}

#[test]
fn close_sends_a_streamed_answer_completely() {
    let mut link = Link::open();
    link.max_frame = 2048;
    let call = link.call(Role::Main, "f");
    link.settle();
    link.called(Role::Worker);
    link.worker.reply(call, Format::Bytes, pattern(10_000)).unwrap();
    let _ = link.send(Role::Worker);
    link.worker.close(CloseReason::DONE, "");
    link.settle();
    let events = link.events(Role::Main);
    assert!(events[0] == Event::Ended { id: call, outcome: returned(&pattern(10_000)) });
    assert_eq!(events[1..], [closed(ClosedBy::Peer, CloseReason::DONE, "")]);
}

#[test]
fn abort_drops_queued_messages() {
    for role in ROLES {
        let (mut link, calls) = busy();
        let other = calls[index(role.peer())];
        link.end(role).reply(other, Format::Bytes, b"answer".to_vec()).unwrap();
        link.end(role).abort(CloseReason::TERMINATED, "now");
        let ended = Event::Ended { id: calls[index(role)], outcome: Outcome::Closed };
        assert_eq!(link.events(role), [ended, closed(ClosedBy::Here, CloseReason::TERMINATED, "now")]);
        link.settle();
        let ended = Event::Ended { id: other, outcome: Outcome::Closed };
        assert_eq!(link.events(role.peer()), [ended, closed(ClosedBy::Peer, CloseReason::TERMINATED, "now")]);
        is_over(&mut link, role, other);
    }
}

#[test]
fn loss_of_the_peer_ends_all_calls() {
    for role in ROLES {
        let (mut link, calls) = busy();
        link.end(role).reply(calls[index(role.peer())], Format::Bytes, Vec::new()).unwrap();
        link.end(role).handle_lost("");
        let ended = Event::Ended { id: calls[index(role)], outcome: Outcome::Closed };
        assert_eq!(link.events(role), [ended, closed(ClosedBy::Gone, CloseReason::FAILED, "")]);
        assert!(!link.end(role).has_output());
        is_over(&mut link, role, calls[0]);
    }
}

#[test]
fn both_ends_may_close_at_once() {
    let (mut link, calls) = busy();
    for role in ROLES {
        link.end(role).close(CloseReason::DONE, role.name());
    }
    link.settle();
    for role in ROLES {
        let ended = Event::Ended { id: calls[index(role)], outcome: Outcome::Closed };
        assert_eq!(link.events(role), [ended, closed(ClosedBy::Here, CloseReason::DONE, role.name())]);
    }
}

#[test]
fn close_does_not_end_a_call_twice() {
    let (mut link, calls) = busy();
    link.worker.cancel(calls[1]);
    assert_eq!(link.ended(Role::Worker, calls[1]), Outcome::Cancelled);
    link.worker.close(CloseReason::DONE, "");
    assert_eq!(link.event(Role::Worker), closed(ClosedBy::Here, CloseReason::DONE, ""));
}

#[test]
fn violation_found_by_the_transport_closes_the_link() {
    let (mut link, calls) = busy();
    link.main.handle_protocol_error(&ProtocolError("an index is out of range".into()));
    let ended = Event::Ended { id: calls[0], outcome: Outcome::Closed };
    let reason = CloseReason::PROTOCOL;
    assert_eq!(link.events(Role::Main), [ended, closed(ClosedBy::Here, reason, "an index is out of range")]);
    link.settle();
    let events = link.events(Role::Worker);
    assert_eq!(events.last(), Some(&closed(ClosedBy::Peer, reason, "an index is out of range")));
}

#[test]
fn unknown_close_reason_is_passed_on() {
    let mut link = Link::open();
    link.worker.close(CloseReason(0x8123), "of the application");
    link.settle();
    assert_eq!(link.event(Role::Main), closed(ClosedBy::Peer, CloseReason(0x8123), "of the application"));
}

#[test]
fn long_close_texts_are_truncated() {
    let mut link = Link::open();
    link.worker.abort(CloseReason::FAILED, &"x".repeat(9999));
    link.settle();
    assert_eq!(link.event(Role::Main), closed(ClosedBy::Peer, CloseReason::FAILED, &"x".repeat(1536)));
}
