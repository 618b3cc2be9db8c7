//! Deferred calls: which of them count as deadlocks, and when.

mod link;

use coincide_proto::{Call, CallId, Config, ErrorCode, Event, Format, Role};
use link::Link;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(3);

const MOMENT: Duration = Duration::from_nanos(1);

/// A worker that waits for `outer`, whose handler has called `inner`, which the worker has deferred.
struct Deferred {
    link: Link,
    outer: CallId,
    inner: CallId,
}

impl Deferred {
    fn new() -> Self {
        Self::with(TIMEOUT, None)
    }

    /// With this deadlock timeout, and this time until the deadline of `outer`.
    fn with(deadlock_timeout: Duration, deadline: Option<Duration>) -> Self {
        let mut link = Link::open_with(Config::default(), config(deadlock_timeout));
        let deadline = deadline.map(|deadline| link.now.after(deadline));
        let outer = link.worker.call(Call { name: "outer", deadline, ..Call::default() }, Vec::new()).unwrap();
        link.settle();
        let outer_here = link.called(Role::Main);
        link.nested(Role::Main, "inner", outer_here);
        link.settle();
        let inner = link.called(Role::Worker);
        let now = link.now;
        link.worker.defer(inner, now);
        Self { link, outer, inner }
    }

    fn reply(&mut self, role: Role, id: CallId) {
        self.link.end(role).reply(id, Format::Bytes, Vec::new()).unwrap();
    }
}

fn config(deadlock_timeout: Duration) -> Config {
    Config { deadlock_timeout, ..Config::default() }
}

fn deadlocks(events: &[Event]) -> Vec<CallId> {
    events.iter().filter_map(|event| if let Event::Deadlock(id) = event { Some(*id) } else { None }).collect()
}

#[test]
fn deferred_call_is_a_deadlock_only_while_its_parent_is_pending() {
    type Meanwhile = fn(&mut Deferred);
    let cases: &[(&str, Meanwhile, bool)] = &[
        ("nothing happens", |_| {}, true),
        ("the parent returns", |it| it.reply(Role::Main, it.outer), false),
        ("the parent throws", |it| it.link.main.throw_text(it.outer, ErrorCode::THROWN, "no").unwrap(), false),
        ("the worker cancels the parent", |it| it.link.worker.cancel(it.outer), false),
        ("an interrupt ends the parent", |it| it.link.worker.interrupt_call(it.outer), false),
        ("the call is answered", |it| it.reply(Role::Worker, it.inner), false),
        (
            "main cancels the call",
            |it| {
                it.link.main.cancel(it.inner);
                it.link.settle();
                it.link.worker.throw_text(it.inner, ErrorCode::CANCELLED, "cancelled").unwrap();
            },
            false,
        ),
        (
            "an unrelated call is made and answered",
            |it| {
                let other = it.link.call(Role::Main, "other");
                it.link.settle();
                it.reply(Role::Worker, other);
            },
            true,
        ),
        ("the link closes", |it| it.link.main.abort(coincide_proto::CloseReason::TERMINATED, ""), false),
    ];
    for (name, meanwhile, expected) in cases {
        let mut it = Deferred::new();
        meanwhile(&mut it);
        it.link.settle();
        it.link.advance(TIMEOUT - MOMENT);
        assert_eq!(deadlocks(&it.link.events(Role::Worker)), [], "{name}: before the timeout");
        it.link.advance(MOMENT);
        let found = deadlocks(&it.link.events(Role::Worker));
        assert_eq!(found, if *expected { vec![it.inner] } else { vec![] }, "{name}");
        it.link.advance(TIMEOUT);
        assert_eq!(deadlocks(&it.link.events(Role::Worker)), [], "{name}: a second time");
        assert_eq!(it.link.worker.poll_timeout(), None, "{name}");
    }
}

#[test]
fn earlier_deadline_of_the_parent_prevents_the_deadlock() {
    let until = Duration::from_secs(1);
    let mut link = Deferred::with(TIMEOUT, Some(until)).link;
    assert_eq!(link.worker.poll_timeout(), Some(link.now.after(until)));
    link.advance(TIMEOUT);
    assert_eq!(deadlocks(&link.events(Role::Worker)), []);
}

#[test]
fn call_without_a_parent_is_never_a_deadlock() {
    let mut link = Link::open_with(Config::default(), config(TIMEOUT));
    link.call(Role::Worker, "outer");
    link.call(Role::Main, "inner");
    link.settle();
    let inner = link.called(Role::Worker);
    let now = link.now;
    link.worker.defer(inner, now);
    link.advance(2 * TIMEOUT);
    assert_eq!(link.events(Role::Worker), []);
}

#[test]
fn deadlocks_are_reported_in_the_order_of_first_deferral() {
    let mut link = Link::open_with(Config::default(), config(TIMEOUT));
    link.call(Role::Worker, "outer");
    link.settle();
    let outer = link.called(Role::Main);
    let mut calls = Vec::new();
    for _ in 0..3 {
        link.nested(Role::Main, "inner", outer);
        link.settle();
        let call = link.called(Role::Worker);
        for _ in 0..2 {
            let now = link.now;
            link.worker.defer(call, now);
        }
        calls.push(call);
        link.advance(TIMEOUT / 4);
        let now = link.now;
        link.worker.defer(calls[0], now);
    }
    for call in calls {
        let until = link.worker.poll_timeout().unwrap();
        link.advance(until.since(link.now));
        assert_eq!(link.event(Role::Worker), Event::Deadlock(call));
    }
    assert_eq!(link.worker.poll_timeout(), None);
}

#[test]
fn longest_timeout_never_expires() {
    let mut link = Deferred::with(Duration::MAX, None).link;
    link.advance(Duration::from_secs(1 << 32));
    assert_eq!(link.events(Role::Worker), []);
}
