//! Bodies for which there is no memory: a budget is exhausted, or the allocator fails. A separate test binary, because the allocator belongs to
//! the whole process.

mod link;

use coincide_proto::{
    Budget, Call, CallId, CloseReason, ClosedBy, Config, ErrorCode, Event, Flags, Format, Header, Kind, Outcome,
    Progress, Role, SendError, Session,
};
use link::{Link, first_part, frame, next_frame, part, pattern};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A session with a budget, which has received a handshake. The test writes the frames of its peer.
fn opened(role: Role, budget: &Budget) -> Session {
    let config = Config { max_frame: 8 << 20, ..Config::default() };
    let mut session = Session::new(role, config).with_budget(budget);
    let handshake = coincide_proto::Handshake { max_message: 1 << 30, max_frame: 1 << 20, ..link::handshake() };
    session.handle_frame(&link::handshake_frame(role, handshake)[..]).unwrap();
    while next_frame(&mut session).is_some() {}
    assert_eq!(session.poll_event(), Some(Event::Opened));
    session
}

fn receive(session: &mut Session, frame: &[u8]) {
    session.handle_frame(frame).unwrap();
}

/// The error code and the text of the answer that `session` sends to the call `id`.
fn refusal(session: &mut Session, id: u32) -> (ErrorCode, String) {
    let answer = next_frame(session).expect("an answer");
    let header = Header::from_bytes(*answer.first_chunk().unwrap());
    assert_eq!((header.kind, header.id), (Kind::THROW, id));
    (ErrorCode(header.code), String::from_utf8(answer[Header::SIZE..].to_vec()).unwrap())
}

/// Checks that a small call of the peer works.
fn serves(session: &mut Session, id: u32) {
    receive(session, &frame(Header { kind: Kind::CALL, code: 1, id, ..Header::default() }, "small", b"x"));
    let Some(Event::Call { id, format, payload }) = session.poll_event() else { panic!("the call has arrived") };
    session.reply(id, format, payload).unwrap();
    assert_eq!(next_frame(session).unwrap()[0], Kind::RETURN.0);
}

fn call(session: &mut Session) -> CallId {
    let id = session.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap();
    next_frame(session).expect("the call is sent");
    id
}

/// The peer does not receive, so answers stay queued. They must not keep the buffers of the arguments.
#[test]
fn queued_answers_do_not_keep_large_buffers() {
    // Small results, large results of which most exceed the budget, and errors.
    let answers: [fn(&mut Session, CallId); 3] = [
        |session, id| {
            let mut result = session.buffer();
            result.push(7);
            session.reply(id, Format::Bytes, result).unwrap();
        },
        |session, id| {
            let mut result = session.buffer();
            result.resize(256 * KIB, 7);
            session.reply(id, Format::Bytes, result).unwrap();
        },
        |session, id| session.throw_text(id, ErrorCode::PANICKED, "it failed").unwrap(),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let mut session = opened(Role::Main, &Budget::new(MIB));
        let before = BYTES.get();
        for call in 0..200 {
            let header = Header { kind: Kind::CALL, code: 1, id: 2 * call + 1, ..Header::default() };
            receive(&mut session, &frame(header, "f", &vec![0; 256 * KIB]));
            let Some(Event::Call { id, payload, .. }) = session.poll_event() else { panic!("the call has arrived") };
            session.recycle(payload);
            answer(&mut session, id);
        }
        // Spare buffers, the budget, and the first messages of the queue: without a limit it is 50 MiB.
        let held = BYTES.get() - before;
        assert!(held < 10 * MIB as isize, "{index}: {held} bytes");
    }
}

#[test]
fn links_that_share_a_budget_refuse_what_exceeds_it_and_stay_open() {
    let (limit, total) = (4 * MIB, 4 * MIB);
    let budget = Budget::new(limit);
    let mut links = [(); 5].map(|()| opened(Role::Main, &budget));
    let before = BYTES.get();
    // All announce their totals first, then each sends half.
    for link in &mut links {
        receive(link, &first_part(Kind::CALL, 1, "f", total as u64, &pattern(KIB)));
    }
    let chunk = pattern(128 * KIB);
    for _ in 0..total / 2 / chunk.len() {
        for link in &mut links {
            receive(link, &part(1, &chunk, true));
            assert!(budget.used() <= limit, "{budget}");
        }
    }
    let growth = BYTES.get() - before;
    assert!(growth < (limit + 5 * 128 * KIB) as isize, "{growth} bytes are held");
    for link in &mut links {
        assert_eq!(link.poll_event(), None);
        serves(link, 3);
    }
    let sent = KIB + total / 2 / chunk.len() * chunk.len();
    let mut refused = 0;
    for link in &mut links {
        receive(link, &part(1, &pattern(total - sent), false));
        if link.poll_event().is_none() {
            let (code, text) = refusal(link, 1);
            assert_eq!(code, ErrorCode::OUT_OF_MEMORY);
            assert!(text.starts_with("the 4194304 bytes of its arguments exceed the memory budget of main"), "{text}");
            assert!(text.contains("set_memory_budget") && text.contains("`memory`"), "{text}");
            refused += 1;
        }
        serves(link, 5);
    }
    assert!((3..=4).contains(&refused), "{refused}");
    assert_eq!(budget.used(), 0, "all bodies have arrived or were refused");
}

#[test]
fn announcement_beyond_the_budget_is_refused_without_being_stored() {
    let budget = Budget::new(MIB);
    let mut main = opened(Role::Main, &budget);
    for total in [2 * MIB as u64, 1 << 30] {
        let before = BYTES.get();
        receive(&mut main, &first_part(Kind::CALL, 1, "f", total, &[7; KIB]));
        receive(&mut main, &part(1, &vec![7; MIB - 16], true));
        assert!(BYTES.get() - before < (64 * KIB) as isize);
        assert_eq!(
            (budget.used(), main.has_output()),
            (0, false),
            "the caller is answered when it has sent everything"
        );
        receive(&mut main, &frame(Header { kind: Kind::CANCEL, id: 1, ..Header::default() }, "", b""));
        assert_eq!(refusal(&mut main, 1).0, ErrorCode::CANCELLED);
        serves(&mut main, 3);
    }
}

#[test]
fn late_answers_are_received_within_the_budget_and_otherwise_dropped() {
    let budget = Budget::new(MIB);
    let mut main = opened(Role::Main, &budget);
    for (total, fits) in [(MIB / 2, true), (2 * MIB, false), (MIB / 2, true)] {
        for begun in [false, true] {
            let id = call(&mut main);
            let half = vec![7; total / 2];
            let flags = Flags::new(Format::Value, true);
            let header = Header { kind: Kind::RETURN, flags, id: id.to_wire(), ..Header::default() };
            let first = frame(header, "", &[&(total as u64).to_le_bytes(), &half[..]].concat());
            let rest = part(id.to_wire(), &half, false);
            if begun {
                receive(&mut main, &first);
            }
            main.cancel(id);
            if !begun {
                receive(&mut main, &first);
            }
            assert!(budget.used() <= MIB, "{budget}");
            while next_frame(&mut main).is_some() {}
            receive(&mut main, &rest);
            let events: Vec<Event> = std::iter::from_fn(|| main.poll_event()).collect();
            let is_unread = |event: &Event| matches!(event, Event::Unread(payload) if payload.len() == total);
            assert_eq!(events.iter().any(is_unread), fits, "{total} bytes, begun: {begun}");
            let ends = events.iter().filter(|event| matches!(event, Event::Ended { .. })).count();
            assert_eq!((ends, budget.used()), (1, 0));
        }
    }
    // An answer to a call that has been answered, or never existed, closes the link.
    let id = call(&mut main);
    let answer = frame(Header { kind: Kind::RETURN, id: id.to_wire(), ..Header::default() }, "", b"value");
    main.cancel(id);
    receive(&mut main, &answer);
    assert!(main.handle_frame(&answer[..]).is_err());
}

#[test]
fn answer_beyond_the_budget_ends_its_call_and_the_rest_is_dropped() {
    let budget = Budget::new(MIB);
    let mut main = opened(Role::Main, &budget);
    for (kind, announced_too_much) in [(Kind::RETURN, true), (Kind::RETURN, false), (Kind::THROW, false)] {
        let blocker = if announced_too_much { 0 } else { MIB };
        let mut other = opened(Role::Main, &budget);
        let id = call(&mut main);
        let total = if announced_too_much { 2 * MIB } else { 512 * KIB };
        receive(&mut main, &first_part(kind, id.to_wire(), "", total as u64, &[7; KIB]));
        if blocker > 0 {
            assert_eq!(main.poll_event(), None);
            other.notify("n", Format::Bytes, vec![0; blocker]).unwrap();
            receive(&mut main, &part(id.to_wire(), &vec![7; 256 * KIB], true));
        }
        let Some(Event::Ended { id: ended, outcome: outcome @ Outcome::Threw { code, .. } }) = main.poll_event() else {
            panic!("the call has ended")
        };
        assert_eq!((ended, code), (id, ErrorCode::OUT_OF_MEMORY));
        let text = link::text(outcome);
        assert!(
            text.starts_with(&format!("the {total} bytes of its answer exceed the memory budget of main")),
            "{text}"
        );
        // The id is in use until the whole answer has arrived; after that it belongs to no call.
        main.cancel(id);
        assert!(!main.has_output());
        let sent = KIB + if blocker > 0 { 256 * KIB } else { 0 };
        receive(&mut main, &part(id.to_wire(), &vec![7; total - sent - 1], true));
        receive(&mut main, &part(id.to_wire(), &[7], false));
        assert_eq!(main.poll_event(), None);
        drop(other);
        assert_eq!(budget.used(), 0);
        let next = call(&mut main);
        receive(&mut main, &frame(Header { kind: Kind::RETURN, id: next.to_wire(), ..Header::default() }, "", b"ok"));
        assert_eq!(main.poll_event(), Some(Event::Ended { id: next, outcome: link::returned(b"ok") }));
    }
}

#[test]
fn notification_beyond_the_budget_is_dropped() {
    let budget = Budget::new(0);
    let mut main = opened(Role::Main, &budget);
    receive(&mut main, &first_part(Kind::NOTIFY, 0, "n", MIB as u64, &[7; KIB]));
    receive(&mut main, &part(0, &vec![7; MIB - KIB], false));
    assert_eq!((main.poll_event(), main.has_output()), (None, false));
    serves(&mut main, 1);
}

#[test]
fn export_or_release_list_beyond_the_budget_closes_the_link() {
    for (kind, what) in [(Kind::READY, "the list of exports"), (Kind::RELEASE, "a list of references")] {
        let mut main = opened(Role::Main, &Budget::new(0));
        receive(&mut main, &first_part(kind, 0, "", MIB as u64, &[0; KIB]));
        let closed = main.closed().expect("the link is closed").clone();
        assert_eq!((closed.by, closed.reason), (ClosedBy::Here, CloseReason::FAILED));
        assert!(closed.text.contains(what), "{}", closed.text);
        receive(&mut main, &part(0, &[0; KIB], true));
    }
    // Empty names take many times their encoded size in memory.
    let mut main = opened(Role::Main, &Budget::new(0));
    receive(&mut main, &frame(Header { kind: Kind::READY, ..Header::default() }, "", &[0; 64 * KIB]));
    assert_eq!(main.closed().map(|closed| closed.reason), Some(CloseReason::FAILED));
}

#[test]
fn body_longer_than_announced_closes_the_link_even_if_it_was_refused() {
    for limit in [0, usize::MAX] {
        let mut main = opened(Role::Main, &Budget::new(limit));
        receive(&mut main, &first_part(Kind::CALL, 1, "f", MIB as u64, &[7; KIB]));
        main.handle_frame(&part(1, &vec![7; MIB], true)[..]).unwrap_err();
        assert_eq!(main.closed().map(|closed| closed.reason), Some(CloseReason::PROTOCOL));
    }
}

#[test]
fn queue_beyond_the_budget_refuses_calls_and_replaces_answers() {
    let budget = Budget::new(MIB);
    let mut main = opened(Role::Main, &budget);
    let big = || vec![7; 800 * KIB];
    main.call(Call { name: "first", ..Call::default() }, big()).unwrap();
    let full = |error| matches!(error, SendError::OutOfMemory { size, limit, .. } if size == 800 * KIB && limit == MIB);
    assert!(full(main.call(Call { name: "second", ..Call::default() }, big()).unwrap_err()));
    assert!(full(main.notify("third", Format::Bytes, big()).unwrap_err()));
    receive(&mut main, &frame(Header { kind: Kind::CALL, code: 1, id: 1, ..Header::default() }, "f", b""));
    receive(&mut main, &frame(Header { kind: Kind::CALL, code: 1, id: 3, ..Header::default() }, "f", b""));
    let calls = [0, 1].map(|_| match main.poll_event() {
        Some(Event::Call { id, .. }) => id,
        other => panic!("{other:?}"),
    });
    main.reply(calls[0], Format::Bytes, big()).unwrap();
    main.throw(calls[1], ErrorCode::THROWN, Format::Value, big()).unwrap();
    while main.has_output() && budget.used() > 0 {
        next_frame(&mut main).unwrap();
    }
    for id in [1, 3] {
        let (code, text) = refusal(&mut main, id);
        assert_eq!(code, ErrorCode::OUT_OF_MEMORY);
        assert!(text.starts_with("the 819200 bytes of its answer exceed"), "{text}");
    }
    main.notify("fits again", Format::Bytes, big()).unwrap();
}

#[test]
fn bodies_return_their_bytes_to_the_budget_when_they_end() {
    type End = fn(&mut Session);
    let ends: [(&str, End); 5] = [
        ("aborted", |session| session.abort(CloseReason::DONE, "")),
        ("gone", |session| session.handle_lost("")),
        ("closed by the peer", |session| {
            receive(session, &frame(Header { kind: Kind::CLOSE, ..Header::default() }, "", b""));
        }),
        ("violation", |session| assert!(session.handle_frame(&[0; 20][..]).is_err())),
        ("dropped", |session| *session = Session::new(Role::Main, Config::default())),
    ];
    for (what, end) in ends {
        let budget = Budget::new(usize::MAX);
        let mut main = opened(Role::Main, &budget);
        let call = call(&mut main);
        receive(&mut main, &first_part(Kind::RETURN, call.to_wire(), "", MIB as u64, &vec![7; 200 * KIB]));
        receive(&mut main, &first_part(Kind::CALL, 1, "f", MIB as u64, &vec![7; 200 * KIB]));
        main.notify("n", Format::Bytes, vec![7; 200 * KIB]).unwrap();
        assert!(budget.used() > 400 * KIB);
        main.cancel(call);
        assert!(budget.used() < 400 * KIB, "bodies for which no call waits are dropped");
        end(&mut main);
        assert_eq!(budget.used(), 0, "{what}");
    }
}

#[test]
fn bodies_between_two_sessions_stay_within_the_budget_of_each() {
    let budget = Budget::new(3 * MIB);
    let mut link = Link::new(Config::default(), Config::default());
    link.main = Session::new(Role::Main, Config::default()).with_budget(&budget);
    link.settle();
    assert!(!link.events(Role::Main).is_empty() && !link.events(Role::Worker).is_empty());
    for (size, fits) in [(2 * MIB, true), (4 * MIB, false), (MIB, true)] {
        let call = link.worker.call(Call { name: "f", ..Call::default() }, pattern(size)).unwrap();
        while link.send(Role::Worker) == Progress::Sent {
            link.receive(Role::Main);
        }
        if fits {
            let Event::Call { id, format, payload } = link.event(Role::Main) else { panic!() };
            link.main.reply(id, format, payload).unwrap();
        }
        link.settle();
        let outcome = link.ended(Role::Worker, call);
        assert_eq!(matches!(outcome, Outcome::Returned { .. }), fits, "{size}");
        assert!(fits || matches!(outcome, Outcome::Threw { code: ErrorCode::OUT_OF_MEMORY, .. }));
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn failed_allocation_refuses_the_body_and_the_link_stays_open() {
    let size = 512 * KIB;
    for in_parts in [false, true] {
        let mut main = Session::new(Role::Main, Config::default());
        receive(&mut main, &link::handshake_frame(Role::Main, link::handshake()));
        while next_frame(&mut main).is_some() {}
        assert_eq!(main.poll_event(), Some(Event::Opened));
        let body = pattern(size);
        let frames = if in_parts {
            vec![first_part(Kind::CALL, 1, "f", size as u64, &body[..size / 2]), part(1, &body[size / 2..], false)]
        } else {
            vec![frame(Header { kind: Kind::CALL, code: 1, id: 1, ..Header::default() }, "f", &body)]
        };
        LARGEST.set(size / 4);
        let handled = frames.iter().try_for_each(|frame| main.handle_frame(&frame[..]));
        LARGEST.set(usize::MAX);
        handled.unwrap();
        assert_eq!(main.poll_event(), None);
        let (code, text) = refusal(&mut main, 1);
        assert_eq!(code, ErrorCode::OUT_OF_MEMORY);
        assert_eq!(text, "main has no memory for the 524288 bytes of its arguments: send less at a time");
        serves(&mut main, 3);
    }
}

#[test]
fn list_of_exports_without_memory_closes_the_link() {
    let mut main = opened(Role::Main, &Budget::new(usize::MAX));
    // Empty names: two bytes each on the wire, three words each in memory.
    let list = frame(Header { kind: Kind::READY, ..Header::default() }, "", &[0; 100 * KIB]);
    LARGEST.set(200 * KIB);
    let handled = main.handle_frame(&list[..]);
    LARGEST.set(usize::MAX);
    handled.unwrap();
    let Some(Event::Closed(closed)) = main.poll_event() else { panic!("the link is closed") };
    assert_eq!((closed.by, closed.reason), (ClosedBy::Here, CloseReason::FAILED));
    assert_eq!(closed.text, "main has no memory for the 102400 bytes of the list of exports: send less at a time");
}

#[test]
fn release_without_memory_is_not_sent() {
    let mut worker = opened(Role::Worker, &Budget::new(usize::MAX));
    let references = vec![7; 10 * KIB];
    LARGEST.set(40 * KIB);
    let released = worker.release(&references);
    LARGEST.set(usize::MAX);
    assert!(matches!(released, Err(SendError::OutOfMemory { size: 81_920, .. })), "{released:?}");
    assert!(next_frame(&mut worker).is_none());
    worker.release(&references).unwrap();
}

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    /// Larger allocations of this thread fail.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Counts the bytes that each thread allocates, and fails above a limit of the thread.
struct Failing;

fn count(bytes: isize) {
    // The counter of an ending thread no longer exists.
    let _ = BYTES.try_with(|count| count.set(count.get() + bytes));
}

// SAFETY: each method does what the system's allocator does, or fails as allocators may; the counting allocates nothing.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LARGEST.try_with(|largest| layout.size() > largest.get()).unwrap_or(false) {
            return std::ptr::null_mut();
        }
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;
