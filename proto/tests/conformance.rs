//! The conformance suite on a simple transport, and on faulty variants of it, which must fail.
#![cfg(feature = "conformance")]

use coincide_proto::{Gone, ProtocolError, ReceiveError, Session, Transmit, Transport, conformance};
use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

coincide_proto::conformance!(|| pipe(Fault::None));

/// The fault of a transport.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Loses frames at times.
    Loses,
    /// Delivers the newest frame first.
    Reorders,
    /// Drops sent frames when an end leaves.
    Forgets,
    /// Arms while there is input.
    Careless,
    /// Spins instead of sleeping.
    Restless,
}

#[test]
fn faulty_transports_fail_the_suite() {
    type Check = fn(&dyn Fn() -> conformance::Ends);
    let cases: [(Fault, Check); 5] = [
        (Fault::Loses, conformance::full_link_refuses_frames_and_loses_none),
        (Fault::Reorders, conformance::full_link_refuses_frames_and_loses_none),
        (Fault::Forgets, conformance::frames_sent_before_leaving_are_delivered),
        (Fault::Careless, conformance::arm_fails_while_there_is_input),
        (Fault::Restless, conformance::sleeper_uses_no_processor),
    ];
    for (fault, check) in cases {
        if fault == Fault::Restless && !cfg!(target_os = "linux") {
            continue;
        }
        let outcome = catch_unwind(|| check(&|| pipe(fault)));
        assert!(outcome.is_err(), "{fault:?} was not detected");
    }
}

#[test]
fn test_that_hangs_or_panics_fails_within_its_limit() {
    let failure = |limit, test: fn()| {
        let outcome = catch_unwind(|| conformance::within(limit, test));
        let panic = outcome.expect_err("the failure was not detected");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let hangs = || loop {
        std::thread::park();
    };
    assert_eq!(failure(Duration::from_millis(1), hangs), "the test has not completed after 1ms");
    assert_eq!(failure(conformance::LIMIT, || panic!("{}", "failed")), "failed");
    assert_eq!(conformance::within(conformance::LIMIT, || 7), 7);
}

/// A queue in each direction, and one lock for all.
#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queues: [VecDeque<Vec<u8>>; 2],
    left: [bool; 2],
    /// A frame has been lost.
    lost: bool,
}

struct PipeEnd {
    pipe: Arc<Pipe>,
    /// The index of the queue to the peer; the peer's is the other.
    own: usize,
    /// The peer has violated the protocol.
    broken: Option<ProtocolError>,
    fault: Fault,
}

fn pipe(fault: Fault) -> conformance::Ends {
    let pipe = Arc::new(Pipe::default());
    let end = |own| Box::new(PipeEnd { pipe: Arc::clone(&pipe), own, broken: None, fault });
    (end(0), end(1))
}

const ROOM: usize = 16;

impl PipeEnd {
    fn state(&self) -> MutexGuard<'_, State> {
        self.pipe.state.lock().unwrap()
    }

    fn has_something(&self, state: &State, room: bool) -> bool {
        let peer = 1 - self.own;
        !state.queues[peer].is_empty() || state.left[peer] || room && state.queues[self.own].len() < ROOM
    }
}

impl Transport for PipeEnd {
    fn max_frame(&self) -> usize {
        5000
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        let mut state = self.state();
        if state.left.contains(&true) {
            return Err(Gone);
        }
        let queue = &mut state.queues[self.own];
        if queue.len() >= ROOM {
            return Ok(false);
        }
        queue.push_back(frame.to_vec());
        if self.fault == Fault::Loses && queue.len() == ROOM / 2 && !std::mem::replace(&mut state.lost, true) {
            state.queues[self.own].pop_back();
        }
        self.pipe.changed.notify_all();
        Ok(true)
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        let peer = 1 - self.own;
        if let Some(error) = &self.broken {
            return Err(error.clone().into());
        }
        let mut state = self.state();
        let queue = &mut state.queues[peer];
        let frame = if self.fault == Fault::Reorders { queue.pop_back() } else { queue.pop_front() };
        let left = state.left[peer];
        drop(state);
        match frame {
            Some(frame) => {
                self.pipe.changed.notify_all();
                self.broken = session.handle_frame(&frame[..]).err();
                self.broken.clone().map_or(Ok(true), |error| Err(error.into()))
            }
            None if left => Err(Gone.into()),
            None => Ok(false),
        }
    }

    fn has_input(&self) -> bool {
        self.has_something(&self.state(), false)
    }

    fn has_room(&self) -> bool {
        self.state().queues[self.own].len() < ROOM
    }

    fn arm(&mut self, room: bool) -> bool {
        self.fault == Fault::Careless || !self.has_something(&self.state(), room)
    }

    fn disarm(&mut self) {}

    fn wait(&mut self, room: bool, timeout: Option<Duration>) {
        let start = Instant::now();
        let mut state = self.state();
        while !self.has_something(&state, room) {
            let Some(rest) = timeout.unwrap_or(Duration::MAX).checked_sub(start.elapsed()) else {
                return;
            };
            if self.fault == Fault::Restless {
                drop(state);
                state = self.state();
                continue;
            }
            state = self.pipe.changed.wait_timeout(state, rest.min(Duration::from_secs(3600))).unwrap().0;
        }
    }

    fn close(&mut self) {
        let mut state = self.state();
        state.left[self.own] = true;
        if self.fault == Fault::Forgets {
            state.queues[self.own].clear();
        }
        self.pipe.changed.notify_all();
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.close();
    }
}
