//! The conformance suite for transports; feature `conformance`.
//!
//! The crate of a transport has this one as a development dependency, with the feature. One line turns the suite into tests. Its expression
//! creates the two ends of a new link, main's first:
//!
//! ```ignore
//! coincide_proto::conformance!(|| {
//!     let (main, worker) = my_transport::pair();
//!     (Box::new(main), Box::new(worker))
//! });
//! ```
//!
//! Each check becomes a test of the same name. The expression is evaluated once in each test, on a separate thread, so it cannot
//! borrow anything. It is called once for each link that the check needs.
//!
//! A check runs real sessions, the two ends on two threads where it matters, and both ends sleep by [`Transport::wait`]. No
//! wait is unbounded: a transport that loses a wake-up fails after [`TIMEOUT`], and one that never returns from a
//! call after [`LIMIT`].
//!
//! Features of a single transport (hostile memory, a killed process) need separate tests.

use crate::{
    Call, CallId, CloseReason, Closed, ClosedBy, Config, Event, Format, Gone, Header, Kind, Outcome, Payload, Progress,
    ReceiveError, Role, Session, Transmit, Transport,
};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

/// The end of main and the end of the worker of a fresh link.
pub type Ends = (Box<dyn Transport + Send>, Box<dyn Transport + Send>);

/// Longest wait for an event within a check.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Longest duration of a check, and of other tests that would otherwise hang.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Makes a test of each check; the argument makes the [`Ends`].
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance! { @tests $make;
            handshake_and_calls_cross_in_both_directions
            both_ends_call_at_once
            frames_of_every_size_arrive_in_order
            bodies_of_every_size_arrive_whole
            body_far_larger_than_the_link_arrives_whole
            segments_arrive_unchanged
            both_ends_may_fill_the_link_at_once
            full_link_refuses_frames_and_loses_none
            has_input_is_true_until_the_input_is_received
            sleeper_is_woken_by_input
            sleeper_is_woken_by_room
            sleeper_is_woken_when_the_peer_leaves
            wait_ends_at_its_timeout
            sleeper_uses_no_processor
            arm_fails_while_there_is_input
            no_wake_up_is_lost
            no_wake_up_is_lost_with_bursts_of_frames
            frames_sent_before_leaving_are_delivered
            send_fails_after_leaving
            drop_leaves_the_link
            protocol_violation_ends_the_link
        }
    };
    (@tests $make:expr; $($check:ident)*) => {
        $(#[test]
        fn $check() {
            $crate::conformance::within($crate::conformance::LIMIT, || $crate::conformance::$check(&$make));
        })*
    };
}

/// Runs a test on a separate thread and returns its result. Fails instead of hanging if the test takes longer than `limit`.
///
/// # Panics
/// If the test panics or does not complete within `limit`.
pub fn within<T: Send + 'static>(limit: Duration, test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = channel();
    let thread = thread::spawn(move || {
        let value = test();
        let _ = done.send(());
        value
    });
    // A test that panics drops the sender.
    if outcome.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        panic!("the test has not completed after {limit:?}");
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// One end with its session.
struct End {
    session: Session,
    transport: Box<dyn Transport + Send>,
}

impl End {
    fn new(role: Role, transport: Box<dyn Transport + Send>) -> Self {
        let config = Config { max_frame: u32::MAX, ..Config::default() };
        Self { session: Session::new(role, config), transport }
    }

    fn pair(make: &dyn Fn() -> Ends) -> (Self, Self) {
        let (main, worker) = make();
        (Self::new(Role::Main, main), Self::new(Role::Worker, worker))
    }

    /// A pair that has completed its handshake.
    fn open_pair(make: &dyn Fn() -> Ends) -> (Self, Self) {
        let (mut main, mut worker) = Self::pair(make);
        worker.flush();
        assert_eq!(main.next(), Event::Opened);
        main.flush();
        assert_eq!(worker.next(), Event::Opened);
        (main, worker)
    }

    /// Sends all queued frames. Returns `false` if there is no room for all of them.
    fn flush(&mut self) -> bool {
        let max_frame = self.transport.max_frame();
        loop {
            match self.session.transmit(max_frame, |frame| self.transport.send(frame)) {
                Ok(Progress::Sent) => {}
                Ok(Progress::Blocked) => return false,
                Ok(Progress::Idle) | Err(_) => return true,
            }
        }
    }

    /// The next event, if there is one at present.
    fn poll(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Some(event);
            }
            let input = self.transport.has_input();
            match self.transport.receive(&mut self.session) {
                Ok(true) => {}
                Ok(false) => {
                    assert!(
                        !input || !self.transport.has_input(),
                        "has_input says that there is something, receive that not"
                    );
                    return None;
                }
                Err(_) => self.session.handle_lost(""),
            }
        }
    }

    /// The next event; blocks in the transport's own wait.
    fn next(&mut self) -> Event {
        loop {
            let blocked = !self.flush();
            if let Some(event) = self.poll() {
                return event;
            }
            self.sleep(blocked);
        }
    }

    /// Sleeps until there is something to do, at most for [`TIMEOUT`].
    fn sleep(&mut self, room: bool) {
        let start = Instant::now();
        self.transport.wait(room, Some(TIMEOUT));
        assert!(start.elapsed() < TIMEOUT, "nothing has come for too long: a frame or a wake-up was lost");
    }

    fn call(&mut self, payload: &[u8]) -> CallId {
        self.session.call(Call { name: "f", ..Call::default() }, payload.to_vec()).expect("the call can be sent")
    }

    /// Answers calls with their own payloads until the link is closed.
    fn echo(mut self) -> Closed {
        loop {
            match self.next() {
                Event::Call { id, format, payload } => {
                    self.session.reply(id, format, payload).expect("the call waits for its answer");
                }
                Event::Closed(closed) => return closed,
                _ => {}
            }
        }
    }

    /// Waits for the answer to a call.
    fn answer(&mut self, call: CallId) -> Vec<u8> {
        match self.next() {
            Event::Ended { id, outcome: Outcome::Returned { payload, .. } } if id == call => payload.into_bytes(),
            other => panic!("expected the answer to the call, got {other:?}"),
        }
    }
}

/// Bytes that differ wherever they are cut.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

/// The handshake, then calls from the worker to main and from main to the worker at once.
///
/// # Panics
/// If the transport fails the check.
pub fn handshake_and_calls_cross_in_both_directions(make: &dyn Fn() -> Ends) {
    for caller_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut caller, callee) = if caller_is_main { (main, worker) } else { (worker, main) };
        let callee = thread::spawn(move || callee.echo());
        for round in 0..1000_u32 {
            let call = caller.call(&round.to_le_bytes());
            assert_eq!(caller.answer(call), round.to_le_bytes());
        }
        caller.session.close(CloseReason::DONE, "");
        caller.flush();
        assert_eq!(callee.join().expect("the callee saw the end").reason, CloseReason::DONE);
    }
}

/// Calls of both ends cross in flight.
///
/// # Panics
/// If the transport fails the check.
pub fn both_ends_call_at_once(make: &dyn Fn() -> Ends) {
    let (main, worker) = End::open_pair(make);
    let busy = |mut end: End| {
        move || {
            let mut answered = 0_u32;
            let mut asked = 0;
            end.call(&0_u32.to_le_bytes());
            while answered < ROUNDS || asked < ROUNDS {
                match end.next() {
                    Event::Call { id, format, payload } => {
                        asked += 1;
                        end.session.reply(id, format, payload).expect("the call waits for its answer");
                    }
                    Event::Ended { outcome: Outcome::Returned { payload, .. }, .. } => {
                        assert_eq!(payload, answered.to_le_bytes());
                        answered += 1;
                        if answered < ROUNDS {
                            end.call(&answered.to_le_bytes());
                        }
                    }
                    other => panic!("expected a call or an answer, got {other:?}"),
                }
            }
            end.flush();
            end
        }
    };
    let main = thread::spawn(busy(main));
    let worker = thread::spawn(busy(worker));
    // Each end stays until both are done.
    let _ends = (main.join().expect("main is done"), worker.join().expect("the worker is done"));
}

/// Frames of every size, from a header to the largest.
///
/// # Panics
/// If the transport fails the check.
pub fn frames_of_every_size_arrive_in_order(make: &dyn Fn() -> Ends) {
    for sender_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut sender, mut receiver) = if sender_is_main { (main, worker) } else { (worker, main) };
        let max = sender.transport.max_frame();
        assert!(max >= crate::MIN_FRAME, "every transport takes frames of 2048 bytes");
        let step = (max / 4096).max(1);
        let sizes = (Header::SIZE..max).step_by(step).chain(max.saturating_sub(300).max(Header::SIZE)..=max);
        let expected: Vec<_> = sizes.clone().collect();
        let sender = thread::spawn(move || {
            let head = Header { kind: Kind::NOTIFY, ..Header::default() }.to_bytes();
            for size in sizes {
                let body = pattern(size - head.len());
                while sender.transport.send(&Transmit::new(&head, &body)) == Ok(false) {
                    sender.sleep(true);
                }
            }
            sender
        });
        for size in expected {
            let Event::Notify { payload, .. } = receiver.next() else { panic!("expected a frame of {size} bytes") };
            assert!(payload == pattern(size - Header::SIZE), "{size} bytes came out differently");
        }
        sender.join().expect("all frames were sent");
    }
}

/// Bodies from nothing to many times the transport's frame.
///
/// # Panics
/// If the transport fails the check.
pub fn bodies_of_every_size_arrive_whole(make: &dyn Fn() -> Ends) {
    let (main, mut worker) = End::open_pair(make);
    let main = thread::spawn(move || main.echo());
    let frame = worker.transport.max_frame();
    let sizes = (0..200).chain([frame - 40, frame - 17, frame - 16, frame - 8, frame, 3 * frame + 1, 4 << 20]);
    for size in sizes {
        let payload = pattern(size);
        let call = worker.call(&payload);
        assert!(worker.answer(call) == payload, "{size} bytes came back differently");
    }
    worker.session.close(CloseReason::DONE, "");
    worker.flush();
    main.join().expect("main saw the end");
}

/// A body of 64 MiB in each direction, one after the other.
///
/// # Panics
/// If the transport fails the check.
pub fn body_far_larger_than_the_link_arrives_whole(make: &dyn Fn() -> Ends) {
    let (main, mut worker) = End::open_pair(make);
    let main = thread::spawn(move || main.echo());
    let payload = pattern(64 << 20);
    let call = worker.session.call(Call { name: "f", ..Call::default() }, payload.clone());
    let call = call.expect("the call can be sent");
    assert!(worker.answer(call) == payload, "the body came back differently");
    worker.session.close(CloseReason::DONE, "");
    worker.flush();
    main.join().expect("main saw the end");
}

/// Bodies of separate pieces, of every size and in each order.
///
/// # Panics
/// If the transport fails the check.
pub fn segments_arrive_unchanged(make: &dyn Fn() -> Ends) {
    let (main, mut worker) = End::open_pair(make);
    let main = thread::spawn(move || main.echo());
    let frame = worker.transport.max_frame();
    for size in [1, 100, frame / 2, frame - 60, frame, 3 * frame + 1, 1 << 20] {
        for lengths in [&[size][..], &[size, 1], &[1, size, 1, size, 7]] {
            let mut payload = Payload::from(pattern(lengths.len()));
            let segments = lengths.iter().enumerate().map(|(at, len)| (at..at, Some(Arc::new(pattern(*len)))));
            payload.segments = Some(Box::new(segments.collect()));
            let call = Call { name: "f", ..Call::default() };
            let call = worker.session.call(call, payload.clone()).expect("the call can be sent");
            let Event::Ended { id, outcome: Outcome::Returned { payload: answer, .. } } = worker.next() else {
                panic!("expected the answer to the call")
            };
            assert!(id == call && answer == payload, "{lengths:?} bytes came back differently");
            assert_eq!(answer.segments().len(), lengths.len());
            worker.session.recycle(answer);
        }
    }
    worker.session.close(CloseReason::DONE, "");
    worker.flush();
    main.join().expect("main saw the end");
}

/// Both ends send more than the link holds before either has received anything.
///
/// # Panics
/// If the transport fails the check.
pub fn both_ends_may_fill_the_link_at_once(make: &dyn Fn() -> Ends) {
    let (main, worker) = End::open_pair(make);
    let exchange = |mut end: End| {
        move || {
            for round in 1..=8_u32 {
                let body = pattern(round as usize * 300_000);
                end.session.notify("n", Format::Bytes, body.clone()).expect("the notification can be sent");
                let Event::Notify { payload, .. } = end.next() else { panic!("expected the body of the other end") };
                assert!(payload == body, "a body came out differently");
            }
            while !end.flush() {
                end.sleep(true);
            }
            end
        }
    };
    let main = thread::spawn(exchange(main));
    let worker = thread::spawn(exchange(worker));
    let _ends = (main.join().expect("main is done"), worker.join().expect("the worker is done"));
}

/// Sends until there is no room, then receives all of it in order.
///
/// # Panics
/// If the transport fails the check.
pub fn full_link_refuses_frames_and_loses_none(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    let payload = pattern(1000);
    let mut sent = 0_u32;
    while worker.flush() {
        let numbered = [&sent.to_le_bytes()[..], &payload].concat();
        worker.session.notify("n", Format::Bytes, numbered).expect("the notification can be sent");
        sent += 1;
        assert!(sent < 1 << 22, "the link takes whatever it is given and never says that it is full");
    }
    assert!(!worker.transport.has_room(), "a frame was refused, and nothing has been received since");
    for expected in 0..sent {
        loop {
            match main.poll() {
                Some(Event::Notify { payload, .. }) => {
                    assert_eq!(payload.head[..4], expected.to_le_bytes());
                    break;
                }
                Some(other) => panic!("expected a notification, got {other:?}"),
                None => {
                    worker.flush();
                }
            }
        }
    }
    assert_eq!(main.poll(), None);
    assert!(worker.transport.has_room(), "everything has been received");
}

/// `has_input` is true while `receive` has a frame or an error to return.
///
/// # Panics
/// If the transport fails the check.
pub fn has_input_is_true_until_the_input_is_received(make: &dyn Fn() -> Ends) {
    for receiver_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut receiver, mut other) = if receiver_is_main { (main, worker) } else { (worker, main) };
        assert!(!receiver.transport.has_input(), "nothing has been sent");
        assert_eq!(receiver.transport.receive(&mut receiver.session), Ok(false));
        for _ in 0..2 {
            other.session.notify("n", Format::Bytes, Vec::new()).expect("the notification can be sent");
        }
        other.flush();
        let start = Instant::now();
        while !receiver.transport.has_input() {
            assert!(start.elapsed() < TIMEOUT, "a frame was sent and is not announced");
            thread::yield_now();
        }
        assert!(receiver.transport.has_input(), "`has_input` consumes nothing");
        for _ in 0..2 {
            assert!(matches!(receiver.next(), Event::Notify { .. }));
        }
        assert!(!receiver.transport.has_input(), "all has been received");
        other.transport.close();
        let start = Instant::now();
        while !receiver.transport.has_input() {
            assert!(start.elapsed() < TIMEOUT, "that the peer has left is something to report");
            thread::yield_now();
        }
        let gone = Err(ReceiveError::Gone(Gone));
        assert_eq!(receiver.transport.receive(&mut receiver.session), gone);
        assert_eq!(receiver.transport.receive(&mut receiver.session), gone, "it stays so");
    }
}

/// Both ends in turn sleep until the other sends.
///
/// # Panics
/// If the transport fails the check.
pub fn sleeper_is_woken_by_input(make: &dyn Fn() -> Ends) {
    for sleeper_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut sleeper, mut other) = if sleeper_is_main { (main, worker) } else { (worker, main) };
        let sleeper = thread::spawn(move || matches!(sleeper.next(), Event::Notify { .. }));
        thread::sleep(SHORT);
        other.session.notify("n", Format::Bytes, Vec::new()).expect("the notification can be sent");
        other.flush();
        assert!(sleeper.join().expect("the sleeper woke up"));
    }
}

/// A sender that has filled the link sleeps until the other has made room.
///
/// # Panics
/// If the transport fails the check.
pub fn sleeper_is_woken_by_room(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    while worker.flush() {
        worker.session.notify("n", Format::Bytes, pattern(1000)).expect("the notification can be sent");
    }
    let sender = thread::spawn(move || {
        while !worker.flush() {
            worker.sleep(true);
        }
        worker
    });
    thread::sleep(SHORT);
    while !sender.is_finished() {
        main.poll();
    }
    sender.join().expect("the sender woke up");
}

/// A sleeping end is woken when the other leaves.
///
/// # Panics
/// If the transport fails the check.
pub fn sleeper_is_woken_when_the_peer_leaves(make: &dyn Fn() -> Ends) {
    for sleeper_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut sleeper, mut other) = if sleeper_is_main { (main, worker) } else { (worker, main) };
        let call = sleeper.call(b"");
        let sleeper = thread::spawn(move || [sleeper.next(), sleeper.next()]);
        thread::sleep(SHORT);
        other.transport.close();
        let [ended, closed] = sleeper.join().expect("the sleeper woke up");
        assert_eq!(ended, Event::Ended { id: call, outcome: Outcome::Closed });
        assert!(matches!(closed, Event::Closed(Closed { by: ClosedBy::Gone, .. })), "{closed:?}");
    }
}

/// A wait without input ends after its timeout.
///
/// # Panics
/// If the transport fails the check.
pub fn wait_ends_at_its_timeout(make: &dyn Fn() -> Ends) {
    let (_main, mut worker) = End::open_pair(make);
    let start = Instant::now();
    while start.elapsed() < SHORT {
        worker.transport.wait(false, Some(SHORT));
    }
    worker.transport.wait(false, Some(Duration::ZERO));
    assert!(!worker.transport.has_input());
}

/// Waiting without input takes hardly any processor time. Checked where the system reports it (on Linux).
///
/// # Panics
/// If the transport fails the check.
pub fn sleeper_uses_no_processor(make: &dyn Fn() -> Ends) {
    for sleeper_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut sleeper, _other) = if sleeper_is_main { (main, worker) } else { (worker, main) };
        let Some((used_before, delayed_before)) = processor_time() else { return };
        let start = Instant::now();
        while start.elapsed() < IDLE {
            sleeper.transport.wait(false, Some(IDLE));
        }
        let elapsed = start.elapsed();
        let (used, delayed) = processor_time().expect("it was there before");
        let (used, delayed) = (used - used_before, delayed - delayed_before);
        assert!(used < IDLE / 4, "an idle wait of {elapsed:?} took {used:?} of the processor");
        // On a busy machine, a thread that never sleeps mostly waits to be scheduled. A thread that has slept does so only once.
        assert!((used + delayed) * 4 < elapsed * 3, "a wait of {elapsed:?} slept hardly at all: {used:?}, {delayed:?}");
    }
}

/// How long this thread has run, and how long it was runnable while others ran.
fn processor_time() -> Option<(Duration, Duration)> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut fields = text.split_whitespace().map(|field| field.parse().ok().map(Duration::from_nanos));
    Some((fields.next()??, fields.next()??))
}

/// Arming fails while there is something to do. Room counts only if it is requested.
///
/// # Panics
/// If the transport fails the check.
pub fn arm_fails_while_there_is_input(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    assert!(main.transport.arm(false), "there is nothing to do");
    main.transport.disarm();
    worker.session.notify("n", Format::Bytes, Vec::new()).expect("the notification can be sent");
    worker.flush();
    assert!(!main.transport.arm(false), "a frame is waiting");
    assert!(matches!(main.poll(), Some(Event::Notify { .. })));
    assert!(!main.transport.arm(true), "there is room");
    assert!(main.transport.arm(false), "room is not requested");
    main.transport.disarm();
    worker.transport.close();
    assert!(!main.transport.arm(false), "the peer has left");
}

/// Many round trips in which either end may be asleep or about to be.
///
/// # Panics
/// If the transport fails the check.
pub fn no_wake_up_is_lost(make: &dyn Fn() -> Ends) {
    let (main, mut worker) = End::open_pair(make);
    let main = thread::spawn(move || main.echo());
    for round in 0..20_000_u32 {
        let call = worker.call(&round.to_le_bytes());
        assert_eq!(worker.answer(call), round.to_le_bytes());
        // Pauses of different lengths, so that the race is met at each of its points.
        for _ in 0..round % 97 * 20 {
            core::hint::spin_loop();
        }
    }
    worker.session.close(CloseReason::DONE, "");
    worker.flush();
    main.join().expect("main saw the end");
}

/// Bursts of frames, with pauses in which the receiver falls asleep or is about to.
///
/// # Panics
/// If the transport fails the check.
pub fn no_wake_up_is_lost_with_bursts_of_frames(make: &dyn Fn() -> Ends) {
    for sender_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut sender, mut receiver) = if sender_is_main { (main, worker) } else { (worker, main) };
        let sender = thread::spawn(move || {
            for number in 0..BURSTS * 8 {
                let payload = [&number.to_le_bytes()[..], &pattern((number % 700) as usize)].concat();
                sender.session.notify("n", Format::Bytes, payload).expect("the notification can be sent");
                while !sender.flush() {
                    sender.sleep(true);
                }
                if number % 8 == 7 {
                    (0..number % 61 * 100).for_each(|_| core::hint::spin_loop());
                }
            }
            sender
        });
        for number in 0..BURSTS * 8 {
            let Event::Notify { payload, .. } = receiver.next() else { panic!("expected notification {number}") };
            assert_eq!(payload.head[..4], number.to_le_bytes());
        }
        sender.join().expect("all was sent");
    }
}

/// Frames that were sent before an end left arrive, followed by `Gone`. Leaving twice is a no-op.
///
/// # Panics
/// If the transport fails the check.
pub fn frames_sent_before_leaving_are_delivered(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    for _ in 0..3 {
        worker.session.notify("n", Format::Bytes, Vec::new()).expect("the notification can be sent");
    }
    worker.flush();
    worker.transport.close();
    worker.transport.close();
    for _ in 0..3 {
        assert!(matches!(main.next(), Event::Notify { .. }));
    }
    assert!(matches!(main.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
    main.session = Session::new(Role::Main, Config::default());
    let sent = main.transport.send(&Transmit::new(&[0; 16], &[]));
    assert_eq!(sent, Err(Gone), "the peer has left");
}

/// An end that has left cannot send any more.
///
/// # Panics
/// If the transport fails the check.
pub fn send_fails_after_leaving(make: &dyn Fn() -> Ends) {
    for leaver_is_main in [false, true] {
        let (main, worker) = End::open_pair(make);
        let (mut leaver, mut other) = if leaver_is_main { (main, worker) } else { (worker, main) };
        leaver.transport.close();
        assert_eq!(leaver.transport.send(&Transmit::new(&[0; 16], &[])), Err(Gone));
        leaver.transport.close();
        leaver.transport.wait(true, Some(Duration::ZERO));
        assert!(matches!(other.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
    }
}

/// An end that is dropped has left.
///
/// # Panics
/// If the transport fails the check.
pub fn drop_leaves_the_link(make: &dyn Fn() -> Ends) {
    let (mut main, worker) = End::open_pair(make);
    drop(worker);
    assert!(matches!(main.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
    let (main, mut worker) = End::open_pair(make);
    drop(main);
    assert!(matches!(worker.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
}

/// An invalid frame is an error of `receive`, and nothing is received afterwards.
///
/// # Panics
/// If the transport fails the check.
pub fn protocol_violation_ends_the_link(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    let sent = worker.transport.send(&Transmit::new(&[0xff; 16], &[]));
    assert_eq!(sent, Ok(true));
    let received = main.transport.receive(&mut main.session);
    assert!(matches!(received, Err(ReceiveError::Protocol(_))), "{received:?}");
    assert!(matches!(main.session.poll_event(), Some(Event::Closed(Closed { reason: CloseReason::PROTOCOL, .. }))));
    assert!(main.transport.receive(&mut main.session).is_err());
}

/// Long enough for a thread to fall asleep, most of the time.
const SHORT: Duration = Duration::from_millis(20);

/// Long enough for the start of a wait, which may spin, not to count.
const IDLE: Duration = Duration::from_millis(200);

const ROUNDS: u32 = 2000;

const BURSTS: u32 = 3000;
