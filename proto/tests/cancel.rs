//! Calls that end before their answers: cancelled, timed out, interrupted.

mod link;

use coincide_proto::{Call, CallId, Config, ErrorCode, Event, Format, Kind, NoSuchCall, Outcome, Role, Time};
use link::{Link, pattern, returned};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn call_until(link: &mut Link, name: &str, deadline: Duration) -> CallId {
    let deadline = Some(link.now.after(deadline));
    link.worker.call(Call { name, deadline, ..Call::default() }, Vec::new()).unwrap()
}

#[test]
fn cancel_before_sending_sends_nothing() {
    let mut link = Link::open();
    let call = link.call(Role::Worker, "f");
    link.worker.cancel(call);
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    assert!(!link.worker.has_output());
    link.worker.cancel(call);
    link.nothing_happened();
}

#[test]
fn cancel_of_a_partly_sent_call_is_answered_by_the_session() {
    let mut link = Link::open();
    link.max_frame = 2048;
    let call = link.worker.call(Call { name: "f", ..Call::default() }, pattern(10_000)).unwrap();
    for _ in 0..2 {
        assert_eq!(link.send(Role::Worker), coincide_proto::Progress::Sent);
    }
    link.worker.cancel(call);
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    assert_eq!(link.send(Role::Worker), coincide_proto::Progress::Sent);
    assert_eq!(link.up.back().unwrap()[0], Kind::CANCEL.0);
    assert!(!link.worker.has_output(), "the rest of the body is not sent");
    link.settle();
    link.nothing_happened();
    let next = link.call(Role::Worker, "g");
    assert_ne!(next, call);
    link.settle();
    assert_eq!(link.called(Role::Main), next);
}

#[test]
fn cancel_of_a_sent_call_leaves_its_id_in_use_until_the_answer() {
    let mut link = Link::open();
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    assert!(!link.main.is_cancelled(id));
    link.worker.cancel(call);
    link.worker.cancel(call);
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    link.settle();
    assert_eq!(link.event(Role::Main), Event::Cancelled(id));
    assert!(link.main.is_cancelled(id));
    let next = link.call(Role::Worker, "g");
    assert_ne!(next, call, "the id is in use until the answer has arrived");
    link.main.throw_text(id, ErrorCode::CANCELLED, "stopped").unwrap();
    link.settle();
    assert_eq!(link.called(Role::Main), next);
    assert_eq!(link.events(Role::Worker), [], "the answer is dropped");
}

#[test]
fn cancel_that_crosses_the_answer_is_ignored() {
    let mut link = Link::open();
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    link.worker.cancel(call);
    link.main.reply(id, Format::Bytes, b"late".to_vec()).unwrap();
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    link.settle();
    link.nothing_happened();
    assert_eq!(link.main.reply(id, Format::Bytes, Vec::new()), Err(NoSuchCall));
}

#[test]
fn cancel_while_a_streamed_answer_arrives_drops_the_rest() {
    let mut link = Link::open();
    link.max_frame = 2048;
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    link.main.reply(id, Format::Bytes, pattern(10_000)).unwrap();
    let _ = link.send(Role::Main);
    link.receive(Role::Worker);
    link.worker.cancel(call);
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    link.settle();
    link.nothing_happened();
    // The link works, and the id is free.
    let ids: Vec<_> = (0..3).map(|_| link.call(Role::Worker, "g")).collect();
    link.settle();
    assert_eq!(link.events(Role::Main).len(), 3);
    assert!(!ids.contains(&call));
}

#[test]
fn cancel_overtakes_long_bodies() {
    let mut link = Link::open();
    let first = link.call(Role::Worker, "f");
    link.settle();
    link.called(Role::Main);
    link.max_frame = 2048;
    link.worker.notify("long", Format::Bytes, pattern(10_000)).unwrap();
    let _ = link.send(Role::Worker);
    link.worker.cancel(first);
    link.settle();
    let events = link.events(Role::Main);
    assert!(matches!(&events[..], [Event::Cancelled(id), Event::Notify { payload, .. }]
        if *id == first && *payload == pattern(10_000)));
}

#[test]
fn deadlines_end_calls_in_the_order_of_deadlines() {
    let mut link = Link::open();
    let late = call_until(&mut link, "late", 3 * SECOND);
    let soon = call_until(&mut link, "soon", SECOND);
    let never = link.call(Role::Worker, "never");
    assert_eq!(link.worker.poll_timeout(), Some(Time(0).after(SECOND)));
    link.settle();
    let calls: Vec<_> = link.events(Role::Main);
    assert_eq!(calls.len(), 3);
    link.advance(SECOND - Duration::from_nanos(1));
    link.nothing_happened();
    link.advance(Duration::from_nanos(1));
    assert_eq!(link.ended(Role::Worker, soon), Outcome::TimedOut);
    assert_eq!(link.worker.poll_timeout(), Some(Time(0).after(3 * SECOND)));
    link.settle();
    assert_eq!(link.event(Role::Main), Event::Cancelled(soon), "the callee receives the cancellation");
    link.main.reply(late, Format::Bytes, b"in time".to_vec()).unwrap();
    link.settle();
    assert_eq!(link.ended(Role::Worker, late), returned(b"in time"));
    assert_eq!(link.worker.poll_timeout(), None, "an answered call has no deadline");
    link.advance(100 * SECOND);
    link.nothing_happened();
    link.main.reply(never, Format::Bytes, Vec::new()).unwrap();
    link.settle();
    assert_eq!(link.ended(Role::Worker, never), returned(b""));
}

#[test]
fn late_values_are_unread_and_other_late_answers_are_dropped() {
    // Bytes of the answer, frames of it that arrive before the call is cancelled, and how the call ends.
    for (size, frames, times_out) in
        [(100, 0, false), (100, 0, true), (10_000, 0, false), (10_000, 2, false), (10_000, 2, true)]
    {
        for format in [Format::Value, Format::Bytes, Format::Typed] {
            for throws in [false, true] {
                let mut link = Link::open();
                link.max_frame = 2048;
                let call = call_until(&mut link, "f", SECOND);
                link.settle();
                let id = link.called(Role::Main);
                match throws {
                    true => link.main.throw(id, ErrorCode::THROWN, format, pattern(size)).unwrap(),
                    false => link.main.reply(id, format, pattern(size)).unwrap(),
                }
                for _ in 0..frames {
                    let _ = link.send(Role::Main);
                    link.receive(Role::Worker);
                }
                if times_out {
                    link.advance(SECOND);
                } else {
                    link.worker.cancel(call);
                }
                let expected = if times_out { Outcome::TimedOut } else { Outcome::Cancelled };
                assert_eq!(link.ended(Role::Worker, call), expected);
                link.settle();
                let unread = (format == Format::Value).then(|| Event::Unread(pattern(size).into()));
                assert_eq!(link.events(Role::Worker), Vec::from_iter(unread));
                assert_eq!(link.events(Role::Main), [], "the call was answered");
            }
        }
    }
}

#[test]
fn values_that_are_partly_sent_are_reported_as_unsent() {
    let unsent = |link: &mut Link, role, size| assert_eq!(link.event(role), Event::Unsent(pattern(size).into()));
    let called = Call { name: "f", format: Format::Value, ..Call::default() };
    for frames in 0..3 {
        let mut link = Link::open();
        link.max_frame = 2048;
        let call = link.worker.call(called, pattern(10_000)).unwrap();
        for _ in 0..frames {
            let _ = link.send(Role::Worker);
        }
        link.worker.cancel(call);
        let events = link.events(Role::Worker);
        let ended = Event::Ended { id: call, outcome: Outcome::Cancelled };
        assert_eq!(events, [Event::Unsent(pattern(10_000).into()), ended], "{frames} frames have left");
        link.settle();
        link.nothing_happened();
    }
    // Sent completely: the receiver is responsible for it.
    let mut link = Link::open();
    let call = link.worker.call(called, pattern(100)).unwrap();
    link.settle();
    link.worker.cancel(call);
    assert_eq!(link.ended(Role::Worker, call), Outcome::Cancelled);
    let id = link.called(Role::Main);
    link.main.reply(id, Format::Bytes, Vec::new()).unwrap();
    assert_eq!(link.main.reply(id, Format::Value, pattern(50)), Err(NoSuchCall));
    unsent(&mut link, Role::Main, 50);

    // Messages that exceed the limits of the peer, once these are known.
    let mut link = Link::new(Config { max_message: 3000, ..Config::default() }, Config::default());
    let call = link.worker.call(called, pattern(5000)).unwrap();
    link.worker.notify("n", Format::Value, pattern(4000)).unwrap();
    link.settle();
    let mut events = link.events(Role::Worker);
    assert!(matches!(events.remove(2), Event::Ended { id, outcome: Outcome::NotSent(_) } if id == call), "{events:?}");
    assert_eq!(events, [Event::Opened, Event::Unsent(pattern(5000).into()), Event::Unsent(pattern(4000).into())]);
    let call = link.call(Role::Main, "g");
    link.settle();
    let id = link.called(Role::Worker);
    link.worker.reply(id, Format::Value, pattern(3500)).unwrap();
    unsent(&mut link, Role::Worker, 3500);
    link.settle();
    assert!(matches!(link.events(Role::Main)[..], [Event::Opened, Event::Ended { id, .. }] if id == call));
}

#[test]
fn late_answer_does_not_reach_another_call() {
    let mut link = Link::open();
    let first = call_until(&mut link, "slow", SECOND);
    link.settle();
    assert_eq!(link.called(Role::Main), first);
    link.advance(SECOND);
    assert_eq!(link.ended(Role::Worker, first), Outcome::TimedOut);
    let others: Vec<_> = (0..100).map(|_| link.call(Role::Worker, "other")).collect();
    assert!(!others.contains(&first), "the id is not used again while the answer is outstanding");
    link.main.reply(first, Format::Bytes, b"late".to_vec()).unwrap();
    link.settle();
    assert_eq!(link.events(Role::Worker), [], "the late answer is dropped");
    assert_eq!(link.events(Role::Main).len(), 100, "the callee has answered and receives no cancel");
}

#[test]
fn deadline_before_sending_sends_nothing() {
    let mut link = Link::open();
    let call = call_until(&mut link, "f", Duration::ZERO);
    link.advance(Duration::ZERO);
    assert_eq!(link.ended(Role::Worker, call), Outcome::TimedOut);
    assert!(!link.worker.has_output());
    assert_eq!(link.worker.poll_timeout(), None);
}

#[test]
fn interrupt_ends_only_the_calls_that_the_owner_ends() {
    let mut link = Link::open();
    let calls = [link.call(Role::Worker, "a"), link.call(Role::Worker, "b")];
    link.settle();
    link.events(Role::Main);
    link.main.interrupt();
    link.settle();
    assert_eq!(link.event(Role::Worker), Event::Interrupted);
    link.worker.interrupt_call(calls[1]);
    link.worker.interrupt_call(calls[1]);
    assert_eq!(link.ended(Role::Worker, calls[1]), Outcome::Interrupted);
    link.settle();
    assert_eq!(link.event(Role::Main), Event::Cancelled(calls[1]), "the callee receives the cancellation");
    link.main.reply(calls[0], Format::Bytes, Vec::new()).unwrap();
    link.settle();
    assert_eq!(link.ended(Role::Worker, calls[0]), returned(b""));
}

#[test]
fn ended_call_counts_as_unanswered_until_its_answer() {
    let mut link = Link::open_with(Config { max_pending: 1, ..Config::default() }, Config::default());
    let call = link.call(Role::Worker, "f");
    link.settle();
    let id = link.called(Role::Main);
    link.worker.cancel(call);
    assert!(link.worker.call(Call { name: "g", ..Call::default() }, Vec::new()).is_err());
    link.main.reply(id, Format::Bytes, Vec::new()).unwrap();
    link.settle();
    assert_eq!(link.events(Role::Worker).len(), 1);
    let next = link.call(Role::Worker, "g");
    link.settle();
    assert_eq!(link.called(Role::Main), next);
}
