//! The suite that every transport has to pass; feature `conformance`.
//!
//! A transport's crate turns it into tests with one line, which names how the two ends of a fresh link are made, main's first:
//!
//! ```ignore
//! coincide_proto::conformance!(|| { let (main, worker) = my_transport::pair(); (Box::new(main), Box::new(worker)) });
//! ```
//!
//! Each check runs real sessions, the two ends on two threads where it matters. Nothing waits without an end: a transport that
//! loses a wake-up fails after [`PATIENCE`] instead of hanging.

use crate::{
    Call, CallId, CloseReason, Closed, ClosedBy, Config, Event, Format, Outcome, Progress, Role, Session, Transport,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;
use std::thread;
use std::time::Instant;

/// The end of main and the end of the worker of a fresh link.
pub type Ends = (Box<dyn Transport + Send>, Box<dyn Transport + Send>);

/// How long a check waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a test of each check; the argument makes the [`Ends`].
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance! { @tests $make;
            a_greeting_and_calls_cross_both_ways
            bodies_of_every_size_arrive_whole
            a_full_link_refuses_and_loses_nothing
            a_sleeper_is_woken_by_input
            a_sleeper_is_woken_by_room
            a_sleeper_is_woken_when_the_peer_leaves
            a_wait_ends_with_its_timeout
            arming_looks_again
            no_wake_up_is_lost
            leaving_delivers_what_was_sent_before
            dropping_is_leaving
            a_peer_that_breaks_the_protocol_ends_the_link
        }
    };
    (@tests $make:expr; $($check:ident)*) => {
        $(#[test]
        fn $check() {
            $crate::conformance::$check(&$make);
        })*
    };
}

/// One end with its session.
struct End {
    session: Session,
    transport: Box<dyn Transport + Send>,
    start: Instant,
}

impl End {
    fn new(role: Role, transport: Box<dyn Transport + Send>) -> Self {
        Self { session: Session::new(role, Config::default()), transport, start: Instant::now() }
    }

    fn pair(make: &dyn Fn() -> Ends) -> (Self, Self) {
        let (main, worker) = make();
        (Self::new(Role::Main, main), Self::new(Role::Worker, worker))
    }

    /// A pair that has exchanged its greetings.
    fn open_pair(make: &dyn Fn() -> Ends) -> (Self, Self) {
        let (mut main, mut worker) = Self::pair(make);
        worker.flush();
        assert_eq!(main.next(), Event::Opened);
        main.flush();
        assert_eq!(worker.next(), Event::Opened);
        (main, worker)
    }

    /// Sends what there is; `false`: there is no room for all of it.
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

    /// The next event, if there is one now.
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
                Err(_) => self.session.handle_gone(),
            }
        }
    }

    /// The next event; blocks in the transport's own wait.
    fn next(&mut self) -> Event {
        loop {
            let blocked = !self.flush();
            if let Some(event) = self.poll() {
                self.start = Instant::now();
                return event;
            }
            assert!(self.start.elapsed() < PATIENCE, "nothing has arrived for too long: a frame or a wake-up was lost");
            self.transport.wait(blocked, Some(PATIENCE));
        }
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
            Event::Ended { id, outcome: Outcome::Returned { payload, .. } } if id == call => payload,
            other => panic!("expected the answer to the call, got {other:?}"),
        }
    }
}

/// Bytes that differ wherever they are cut.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

/// The greeting, then calls from the worker to main and from main to the worker at once.
///
/// # Panics
/// If the transport fails the check.
pub fn a_greeting_and_calls_cross_both_ways(make: &dyn Fn() -> Ends) {
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

/// Sends until there is no room, then receives all of it in order.
///
/// # Panics
/// If the transport fails the check.
pub fn a_full_link_refuses_and_loses_nothing(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    let payload = pattern(1000);
    let mut sent = 0_u32;
    while worker.flush() {
        let numbered = [&sent.to_le_bytes()[..], &payload].concat();
        worker.session.notify("n", Format::Bytes, numbered).expect("the notification can be sent");
        sent += 1;
        assert!(sent < 1 << 22, "the link takes whatever it is given and never says that it is full");
    }
    for expected in 0..sent {
        loop {
            match main.poll() {
                Some(Event::Notify { payload, .. }) => {
                    assert_eq!(payload[..4], expected.to_le_bytes());
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
}

/// Both ends in turn sleep until the other sends.
///
/// # Panics
/// If the transport fails the check.
pub fn a_sleeper_is_woken_by_input(make: &dyn Fn() -> Ends) {
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
pub fn a_sleeper_is_woken_by_room(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    while worker.flush() {
        worker.session.notify("n", Format::Bytes, pattern(1000)).expect("the notification can be sent");
    }
    let sender = thread::spawn(move || {
        let start = Instant::now();
        while !worker.flush() {
            assert!(start.elapsed() < PATIENCE, "room was made and the sleeper not woken");
            worker.transport.wait(true, Some(PATIENCE));
        }
        worker
    });
    thread::sleep(SHORT);
    while !sender.is_finished() {
        main.poll();
    }
    sender.join().expect("the sender woke up");
}

/// A sleeper sees the other leave.
///
/// # Panics
/// If the transport fails the check.
pub fn a_sleeper_is_woken_when_the_peer_leaves(make: &dyn Fn() -> Ends) {
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

/// A wait for nothing ends by itself.
///
/// # Panics
/// If the transport fails the check.
pub fn a_wait_ends_with_its_timeout(make: &dyn Fn() -> Ends) {
    let (_main, mut worker) = End::open_pair(make);
    let start = Instant::now();
    while start.elapsed() < SHORT {
        worker.transport.wait(false, Some(SHORT));
    }
    worker.transport.wait(false, Some(Duration::ZERO));
    assert!(!worker.transport.has_input());
}

/// Arming refuses while there is something to do, and room counts if it is asked for.
///
/// # Panics
/// If the transport fails the check.
pub fn arming_looks_again(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    assert!(main.transport.arm(false), "there is nothing to do");
    main.transport.disarm();
    worker.session.notify("n", Format::Bytes, Vec::new()).expect("the notification can be sent");
    worker.flush();
    assert!(!main.transport.arm(false), "a frame is waiting");
    assert!(matches!(main.poll(), Some(Event::Notify { .. })));
    assert!(!main.transport.arm(true), "there is room");
    assert!(main.transport.arm(false), "nobody asks for room");
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

/// Frames that were sent before an end left arrive, and then its leaving. Leaving twice is fine.
///
/// # Panics
/// If the transport fails the check.
pub fn leaving_delivers_what_was_sent_before(make: &dyn Fn() -> Ends) {
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
    let sent = main.transport.send(&crate::Transmit { head: &[0; 16], body: &[] });
    assert_eq!(sent, Err(crate::Gone), "nobody is there to send to");
}

/// An end that is dropped has left.
///
/// # Panics
/// If the transport fails the check.
pub fn dropping_is_leaving(make: &dyn Fn() -> Ends) {
    let (mut main, worker) = End::open_pair(make);
    drop(worker);
    assert!(matches!(main.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
    let (main, mut worker) = End::open_pair(make);
    drop(main);
    assert!(matches!(worker.next(), Event::Closed(Closed { by: ClosedBy::Gone, .. })));
}

/// A frame that makes no sense is an error of `receive`, and then nothing more is received.
///
/// # Panics
/// If the transport fails the check.
pub fn a_peer_that_breaks_the_protocol_ends_the_link(make: &dyn Fn() -> Ends) {
    let (mut main, mut worker) = End::open_pair(make);
    let sent = worker.transport.send(&crate::Transmit { head: &[0xff; 16], body: &[] });
    assert_eq!(sent, Ok(true));
    let received = main.transport.receive(&mut main.session);
    assert!(matches!(received, Err(crate::ReceiveError::Protocol(_))), "{received:?}");
    assert!(matches!(main.session.poll_event(), Some(Event::Closed(Closed { reason: CloseReason::PROTOCOL, .. }))));
    assert!(main.transport.receive(&mut main.session).is_err());
}

/// Long enough for a thread to fall asleep, most of the time.
const SHORT: Duration = Duration::from_millis(20);
