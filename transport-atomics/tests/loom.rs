//! The ring and the wake-up rule under every execution that the orderings allow. Run by
//! `RUSTFLAGS="--cfg loom" cargo test -p coincide-transport-atomics --test loom --release`.
//!
//! A lost wake-up is reported as a deadlock, a racing copy as a causality violation.

#![cfg(loom)]

use coincide_proto::{Gone, ReceiveError};
use coincide_transport_atomics::Rings;
use coincide_transport_atomics::model::{ModelEnd, pair};
use loom::thread;

/// The smallest rings: four lines, so at most three records at a time.
fn tiny() -> Rings {
    Rings::default().up_capacity(256).down_capacity(256)
}

/// Runs all executions of `model`, with at most `preemptions` preemptions if there is a limit.
fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Waits for the next frame.
fn next(end: &mut ModelEnd) -> Result<u32, ReceiveError> {
    loop {
        if let Some(word) = end.receive()? {
            return Ok(word);
        }
        end.wait(false);
    }
}

/// Sends as soon as there is room.
fn send(end: &mut ModelEnd, word: u32, len: usize) {
    while !end.send(word, len).unwrap() {
        end.wait(true);
    }
}

/// Records are published and consumed without sleeping, past the end of the ring.
#[test]
fn records_arrive_whole_and_in_order() {
    check(None, || {
        let (mut main, mut worker) = pair(tiny());
        // Moves the ring on, so that the frames below wrap.
        for word in 0..3 {
            assert!(worker.send(word, 8).unwrap());
            assert_eq!(main.receive(), Ok(Some(word)));
        }
        let sender = thread::spawn(move || {
            for word in [10, 11, 12] {
                while !worker.send(word, 8).unwrap() {
                    thread::yield_now();
                }
            }
            worker
        });
        let mut expected = 10;
        while expected < 13 {
            match main.receive().unwrap() {
                Some(word) => {
                    assert_eq!(word, expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        drop(sender.join());
    });
}

/// A record after padding, since it does not fit before the end of the ring.
#[test]
fn padding_and_the_record_after_it_appear_together() {
    check(None, || {
        let (mut main, mut worker) = pair(Rings::default().up_capacity(512).down_capacity(256));
        // Seven lines of eight: a record of two lines needs padding.
        for word in 0..7 {
            assert!(worker.send(word, 8).unwrap());
            assert_eq!(main.receive(), Ok(Some(word)));
        }
        let sender = thread::spawn(move || {
            assert!(worker.send(10, 64).unwrap());
            assert!(worker.send(11, 8).unwrap());
            worker
        });
        for expected in [10, 11] {
            loop {
                // Visible records can be received.
                let seen = main.has_input();
                match main.receive().unwrap() {
                    Some(word) => {
                        assert_eq!(word, expected);
                        break;
                    }
                    None => assert!(!seen),
                }
                thread::yield_now();
            }
        }
        drop(sender.join());
    });
}

/// A worker that parks while main sends is woken by its word.
#[test]
fn parked_worker_is_woken_by_a_frame() {
    check(None, || {
        let (mut main, mut worker) = pair(tiny());
        let thread = thread::spawn(move || {
            assert_eq!(next(&mut worker), Ok(1));
            assert_eq!(next(&mut worker), Ok(2));
            worker
        });
        assert!(main.send(1, 8).unwrap());
        assert!(main.send(2, 8).unwrap());
        drop(thread.join());
    });
}

/// Main that parks while the worker sends is woken by its doorbell.
#[test]
fn parked_main_is_woken_by_a_frame() {
    check(None, || {
        let (mut main, mut worker) = pair(tiny());
        let thread = thread::spawn(move || {
            assert!(worker.send(1, 8).unwrap());
            assert!(worker.send(2, 8).unwrap());
            worker
        });
        assert_eq!(next(&mut main), Ok(1));
        assert_eq!(next(&mut main), Ok(2));
        drop(thread.join());
    });
}

/// Both park in turn.
#[test]
fn ping_pong_loses_no_wake_up() {
    check(Some(3), || {
        let (mut main, mut worker) = pair(tiny());
        let thread = thread::spawn(move || {
            for round in 0..2 {
                assert!(worker.send(round, 8).unwrap());
                assert_eq!(next(&mut worker), Ok(round));
            }
            worker
        });
        for _ in 0..2 {
            let word = next(&mut main).unwrap();
            assert!(main.send(word, 8).unwrap());
        }
        drop(thread.join());
    });
}

/// A producer that parks for want of room, while the consumer makes room and parks for want of frames.
#[test]
fn parked_producer_is_woken_by_room() {
    check(Some(3), || {
        let (mut main, mut worker) = pair(tiny());
        for word in 0..3 {
            assert!(worker.send(word, 8).unwrap());
        }
        let thread = thread::spawn(move || {
            for word in 3..5 {
                send(&mut worker, word, 8);
            }
            worker
        });
        for word in 0..5 {
            assert_eq!(next(&mut main), Ok(word));
        }
        drop(thread.join());
    });
}

/// Both ends are full and both want room: each finds the other's frames instead.
#[test]
fn two_full_rings_do_not_deadlock() {
    fn exchange(end: &mut ModelEnd) {
        let (mut sent, mut received) = (3, 0);
        while sent < 4 || received < 4 {
            if sent < 4 && end.send(sent, 8).unwrap() {
                sent += 1;
            } else if let Some(word) = end.receive().unwrap() {
                assert_eq!(word, received);
                received += 1;
            } else {
                end.wait(sent < 4);
            }
        }
    }
    check(Some(2), || {
        let (mut main, mut worker) = pair(tiny());
        for word in 0..3 {
            assert!(worker.send(word, 8).unwrap());
            assert!(main.send(word, 8).unwrap());
        }
        let thread = thread::spawn(move || {
            exchange(&mut worker);
            worker
        });
        exchange(&mut main);
        drop(thread.join());
    });
}

/// A parked end receives all frames of a peer that leaves, and then its leaving.
#[test]
fn peer_is_gone_after_its_last_frame() {
    check(None, || {
        let (mut main, mut worker) = pair(tiny());
        let thread = thread::spawn(move || {
            assert!(worker.send(1, 8).unwrap());
        });
        assert_eq!(next(&mut main), Ok(1));
        assert_eq!(next(&mut main), Err(ReceiveError::Gone(Gone)));
        assert_eq!(main.send(2, 8), Err(Gone));
        thread.join().unwrap();
    });
}

/// Main leaves while the worker parks for want of room.
#[test]
fn leaving_ends_the_wait_for_room() {
    check(None, || {
        let (main, mut worker) = pair(tiny());
        for word in 0..3 {
            assert!(worker.send(word, 8).unwrap());
        }
        let thread = thread::spawn(move || {
            while worker.send(3, 8) != Err(Gone) {
                worker.wait(true);
            }
        });
        drop(main);
        thread.join().unwrap();
    });
}

/// Each ring of a third thread ends the current or the next wait.
#[test]
fn ring_ends_a_wait() {
    check(None, || {
        let (main, mut worker) = pair(tiny());
        let stop = std::sync::Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let ringer = worker.ringer();
        let thread = {
            let stop = stop.clone();
            thread::spawn(move || {
                while !stop.load(loom::sync::atomic::Ordering::Relaxed) {
                    worker.wait(false);
                }
            })
        };
        ringer.ring();
        stop.store(true, loom::sync::atomic::Ordering::Relaxed);
        ringer.ring();
        thread.join().unwrap();
        drop(main);
    });
}
