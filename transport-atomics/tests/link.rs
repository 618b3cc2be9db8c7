//! A link between two threads: frames, wake-ups and leaving.

#![cfg(not(loom))]

use coincide_proto::conformance::within;
use coincide_proto::{Gone, ProtocolError, ReceiveError, Transmit, Transport};
use coincide_transport_atomics::{BusyPoll, Doorbell, MainTransport, Rings, WorkerTransport, pair};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 60 });

fn small() -> Rings {
    Rings::default().up_capacity(0).down_capacity(0)
}

fn small_pair() -> (MainTransport, WorkerTransport) {
    pair(small(), Doorbell::new().unwrap())
}

fn send(end: &mut impl Transport, bytes: &[u8]) -> Result<bool, Gone> {
    let (head, body) = bytes.split_at(bytes.len().min(16));
    end.send(&Transmit::new(head, body))
}

fn send_blocking(end: &mut impl Transport, bytes: &[u8]) {
    while !send(end, bytes).unwrap() {
        end.wait(true, None);
    }
}

macro_rules! receive {
    ($end:expr) => {{
        let mut bytes = None;
        $end.receive_with(|frame| {
            let mut copy = vec![0; frame.len()];
            frame.copy_to(0, &mut copy);
            bytes = Some(copy);
            Ok(())
        })
        .map(|_| bytes)
    }};
}

macro_rules! receive_blocking {
    ($end:expr) => {
        loop {
            match receive!($end) {
                Ok(Some(bytes)) => break Ok(bytes),
                Ok(None) => $end.wait(false, None),
                Err(error) => break Err(error),
            }
        }
    };
}

/// Bytes that identify their frame and show whether it is complete.
fn pattern(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (number.wrapping_mul(31) ^ at.wrapping_mul(7) ^ len) as u8).collect()
}

/// A deterministic random generator without a dependency: xorshift.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn ends_are_send_and_usable_as_trait_objects() {
    fn is_send<T: Send>(_: &T) {}
    let (main, worker) = small_pair();
    is_send(&main);
    is_send(&worker);
    is_send(&worker.ringer());
    let _ends: [Box<dyn Transport>; 2] = [Box::new(main), Box::new(worker)];
}

#[test]
fn frames_of_every_size_arrive_both_ways() {
    let (mut main, mut worker) = small_pair();
    let step = if cfg!(miri) { 97 } else { 1 };
    for len in (1..=main.max_frame()).step_by(step).chain([main.max_frame()]) {
        let bytes = pattern(len, len);
        assert_eq!(send(&mut main, &bytes), Ok(true));
        assert_eq!(send(&mut worker, &bytes), Ok(true));
        assert_eq!(receive!(main), Ok(Some(bytes.clone())));
        assert_eq!(receive!(worker), Ok(Some(bytes)));
    }
    assert_eq!(receive!(main), Ok(None));
    assert_eq!(receive!(worker), Ok(None));
}

#[test]
fn smallest_ring_fits_the_minimal_frame_of_a_session() {
    let (main, worker) = small_pair();
    assert_eq!((main.max_frame(), worker.max_frame()), (coincide_proto::MIN_FRAME, coincide_proto::MIN_FRAME));
}

#[test]
fn full_ring_refuses_frames_until_a_quarter_is_free() {
    let (mut main, mut worker) = small_pair();
    let bytes = pattern(0, worker.max_frame());
    let mut sent = 0;
    while send(&mut worker, &bytes).unwrap() {
        sent += 1;
    }
    assert!((6..8).contains(&sent), "{sent}");
    assert_eq!(receive!(main), Ok(Some(bytes.clone())));
    assert_eq!(receive!(main), Ok(Some(bytes.clone())));
    assert_eq!(send(&mut worker, &bytes), Ok(true));
}

#[test]
#[should_panic(expected = "doesn't fit")]
fn send_panics_for_a_frame_that_is_too_long() {
    let (mut main, _worker) = small_pair();
    let bytes = vec![0; main.max_frame() + 1];
    let _ = send(&mut main, &bytes);
}

#[test]
#[should_panic(expected = "not inside a frame")]
fn bytes_after_a_frame_cannot_be_read() {
    let (mut main, mut worker) = small_pair();
    assert_eq!(send(&mut worker, b"frame"), Ok(true));
    let _ = main.receive_with(|frame| {
        frame.copy_to(1, &mut [0; 5]);
        Ok(())
    });
}

#[test]
fn frames_sent_before_leaving_are_received() {
    let (mut main, mut worker) = small_pair();
    assert_eq!(send(&mut worker, b"one"), Ok(true));
    assert_eq!(send(&mut worker, b"two"), Ok(true));
    worker.close();
    worker.close();
    assert_eq!(send(&mut worker, b"three"), Err(Gone));
    assert_eq!(receive!(worker), Err(ReceiveError::Gone(Gone)));
    assert_eq!(send(&mut main, b"late"), Err(Gone));
    assert_eq!(receive!(main), Ok(Some(b"one".to_vec())));
    assert_eq!(receive!(main), Ok(Some(b"two".to_vec())));
    for _ in 0..2 {
        assert!(main.has_input());
        assert_eq!(receive!(main), Err(ReceiveError::Gone(Gone)));
    }
}

#[test]
fn panic_leaves_the_link() {
    within(LONG, || {
        let (mut main, mut worker) = small_pair();
        let thread = thread::spawn(move || {
            send_blocking(&mut worker, b"last words");
            // Without the message that a panic prints.
            std::panic::resume_unwind(Box::new(()));
        });
        assert_eq!(receive_blocking!(main), Ok(b"last words".to_vec()));
        assert_eq!(receive_blocking!(main), Err(ReceiveError::Gone(Gone)));
        assert!(thread.join().is_err());
    });
}

#[test]
fn session_error_ends_the_link_for_this_end() {
    let (mut main, mut worker) = small_pair();
    assert_eq!(send(&mut worker, b"nonsense"), Ok(true));
    let error = ProtocolError("nonsense".into());
    assert_eq!(main.receive_with(|_| Err(error.clone())), Err(ReceiveError::Protocol(error.clone())));
    assert_eq!(receive!(main), Err(ReceiveError::Protocol(error)));
    assert_eq!(send(&mut main, b"more"), Err(Gone));
}

#[test]
fn wait_ends_at_its_timeout() {
    let (mut main, mut worker) = small_pair();
    for timeout in [Duration::ZERO, Duration::from_millis(3)] {
        let start = Instant::now();
        worker.wait(false, Some(timeout));
        main.wait(false, Some(timeout));
        assert!(start.elapsed() >= timeout);
    }
    // A timeout that does not fit waits indefinitely.
    assert_eq!(send(&mut main, b"x"), Ok(true));
    worker.wait(false, Some(Duration::MAX));
}

#[test]
fn ring_ends_the_current_or_the_next_wait() {
    within(LONG, || {
        let (mut main, mut worker) = small_pair();
        worker.set_busy_poll(BusyPoll::NONE);
        for ringer in [worker.ringer(), main.ringer()] {
            ringer.ring();
            ringer.ring();
        }
        worker.wait(false, None);
        main.wait(false, None);
        assert!(!worker.has_input() && !main.has_input());

        let start = Instant::now();
        worker.wait(false, Some(Duration::from_millis(2)));
        main.wait(false, Some(Duration::from_millis(2)));
        assert!(start.elapsed() >= Duration::from_millis(4));

        let (worker_ringer, main_ringer) = (worker.ringer(), main.ringer());
        let workers = thread::spawn(move || worker.wait(false, None));
        let mains = thread::spawn(move || main.wait(false, None));
        worker_ringer.ring();
        main_ringer.ring();
        workers.join().unwrap();
        mains.join().unwrap();
    });
}

#[test]
fn flag_set_before_a_ring_is_seen_after_the_wait() {
    within(LONG, || {
        for round in 0..if cfg!(miri) { 5 } else { 2_000 } {
            let (_main, mut worker) = small_pair();
            worker.set_busy_poll(if round % 2 == 0 { BusyPoll::NONE } else { BusyPoll::worker() });
            let stop = Arc::new(AtomicBool::new(false));
            let (ringer, seen) = (worker.ringer(), Arc::clone(&stop));
            let thread = thread::spawn(move || {
                while !seen.load(Ordering::Relaxed) {
                    worker.wait(false, None);
                }
            });
            ringer.ring();
            stop.store(true, Ordering::Relaxed);
            ringer.ring();
            thread.join().unwrap();
        }
    });
}

#[test]
fn one_doorbell_serves_many_links() {
    within(LONG, || {
        const LINKS: usize = 4;
        let frames = if cfg!(miri) { 5 } else { 2_000 };
        let doorbell = Doorbell::new().unwrap();
        let mut ends = Vec::new();
        let mut threads = Vec::new();
        for number in 0..LINKS {
            let (main, mut worker) = pair(small(), Arc::clone(&doorbell));
            ends.push(main);
            threads.push(thread::spawn(move || {
                for frame in 0..frames {
                    let bytes = pattern(frame, number + 1);
                    send_blocking(&mut worker, &bytes);
                    assert_eq!(receive_blocking!(worker), Ok(bytes));
                }
            }));
        }
        while !ends.is_empty() {
            ends.retain_mut(|end| {
                loop {
                    match receive!(end) {
                        Ok(Some(bytes)) => assert_eq!(send(end, &bytes), Ok(true)),
                        Ok(None) => break true,
                        Err(error) => {
                            assert_eq!(error, ReceiveError::Gone(Gone));
                            break false;
                        }
                    }
                }
            });
            let armed = ends.iter_mut().map(|end| end.arm(false)).collect::<Vec<_>>();
            if !armed.contains(&false) && !ends.is_empty() {
                doorbell.wait(None);
            }
            ends.iter_mut().for_each(Transport::disarm);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Frames of random sizes in both directions at once, with all the ways to wait mixed.
#[test]
fn frames_arrive_whole_under_load() {
    within(LONG, || {
        let frames = if cfg!(miri) { 60 } else { 60_000 };
        let (main, worker) = small_pair();
        macro_rules! exchange {
            ($end:expr, $seed:expr) => {{
                let mut end = $end;
                move || {
                    let mut numbers = Numbers($seed);
                    let (mut sent, mut received) = (0, 0);
                    let mut next = None;
                    while sent < frames || received < frames {
                        if sent < frames {
                            let bytes = next.take().unwrap_or_else(|| {
                                let len = 1 + numbers.below(if sent % 5 == 0 { end.max_frame() } else { 100 });
                                pattern(sent, len)
                            });
                            if send(&mut end, &bytes).unwrap() {
                                sent += 1;
                            } else {
                                next = Some(bytes);
                            }
                        }
                        let had = match receive!(end).unwrap() {
                            Some(bytes) => {
                                assert_eq!(bytes, pattern(received, bytes.len()));
                                received += 1;
                                true
                            }
                            None => false,
                        };
                        if !had && (sent == frames || next.is_some()) {
                            match numbers.below(4) {
                                0 => end.set_busy_poll(BusyPoll::NONE),
                                1 => end.set_busy_poll(BusyPoll::worker()),
                                _ => {}
                            }
                            if sent < frames || received < frames {
                                end.wait(next.is_some(), None);
                            }
                        }
                    }
                    end
                }
            }};
        }
        let thread = thread::spawn(exchange!(worker, 0x5eed));
        let main = exchange!(main, 0xfeed)();
        drop((thread.join().unwrap(), main));
    });
}

/// An endpoint is woken while it spins, yields or sleeps.
#[test]
fn ping_pong_loses_no_wake_up() {
    within(LONG, || {
        let rounds = if cfg!(miri) { 40 } else { 200_000 };
        let (mut main, mut worker) = small_pair();
        fn pause(numbers: &mut Numbers) {
            for _ in 0..numbers.below(200) {
                std::hint::spin_loop();
            }
        }
        fn busy_poll(numbers: &mut Numbers) -> BusyPoll {
            match numbers.below(8) {
                0 => BusyPoll::NONE,
                1 => BusyPoll::new(Duration::from_nanos(300), Duration::from_nanos(600)),
                2 => BusyPoll::new(Duration::ZERO, Duration::from_micros(3)),
                _ => BusyPoll::worker(),
            }
        }
        let thread = thread::spawn(move || {
            let mut numbers = Numbers(1);
            for round in 0..rounds {
                worker.set_busy_poll(busy_poll(&mut numbers));
                send_blocking(&mut worker, &pattern(round, 8));
                assert_eq!(receive_blocking!(worker), Ok(pattern(round, 8)));
                pause(&mut numbers);
            }
        });
        let mut numbers = Numbers(2);
        loop {
            main.set_busy_poll(busy_poll(&mut numbers));
            match receive_blocking!(main) {
                Ok(bytes) => {
                    pause(&mut numbers);
                    // The worker may receive its last answer and leave before the check for room.
                    assert_eq!(send(&mut main, &bytes), Ok(true));
                }
                Err(error) => {
                    assert_eq!(error, ReceiveError::Gone(Gone));
                    break;
                }
            }
        }
        thread.join().unwrap();
    });
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Receive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let max = Rings::MIN_CAPACITY / 8;
    let step = prop_oneof![
        2 => (1..=max).prop_map(Step::Send),
        3 => (1..200usize).prop_map(Step::Send),
        4 => Just(Step::Receive),
    ];
    prop::collection::vec(step, 0..if cfg!(miri) { 40 } else { 400 })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The ring is a queue that may refuse frames when it is nearly full.
    #[test]
    fn a_ring_is_a_queue(steps in steps()) {
        let (mut main, mut worker) = small_pair();
        let mut queue = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send(len) => {
                    let bytes = pattern(number, len);
                    let queued = queue.iter().map(|bytes: &Vec<u8>| bytes.len() + 68).sum::<usize>();
                    let sent = send(&mut worker, &bytes).unwrap();
                    // With the padding that it may need, the frame takes twice its size.
                    prop_assert!(sent || queued + 2 * len > (16 << 10) - 2 * 2048 - 256);
                    if sent {
                        queue.push_back(bytes);
                    }
                }
                Step::Receive => prop_assert_eq!(receive!(main), Ok(queue.pop_front())),
            }
            prop_assert_eq!(main.has_input(), !queue.is_empty());
        }
        drop(worker);
        while let Some(bytes) = queue.pop_front() {
            prop_assert_eq!(receive!(main), Ok(Some(bytes)));
        }
        prop_assert_eq!(receive!(main), Err(ReceiveError::Gone(Gone)));
    }
}
