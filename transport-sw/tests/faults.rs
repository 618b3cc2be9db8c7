//! Faults of the relay: each frame arrives exactly once and in order. One thread, with random schedules.

use coincide_proto::{Config, Event, Format, Progress, ReceiveError, Role, Session};
use coincide_transport_sw::{Channel, Delivery};
use proptest::prelude::*;
use std::collections::VecDeque;

/// A step of a schedule.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// An end sends `count` notifications of this length.
    Send {
        main: bool,
        count: u8,
        length: u16,
    },
    /// An end handles a packet that was posted to it; a worker only while it listens.
    Posted {
        main: bool,
    },
    /// The worker begins to block, or is back in its event loop.
    Collect,
    Listen,
    /// The worker polls this number of packets of the relay.
    Poll {
        packets: u8,
    },
    /// The relay queries main, with the current or an old query.
    Query,
    QueryLate,
    /// The relay loses a packet, repeats it, moves it behind all others, or loses all state.
    Lose {
        at: u8,
    },
    Repeat {
        at: u8,
    },
    Delay {
        at: u8,
    },
    Restart,
    /// The relay returns malformed bytes.
    Malformed {
        byte: u8,
        length: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 1..6_u8, 0..300_u16).prop_map(|(main, count, length)| Step::Send { main, count, length }),
        4 => any::<bool>().prop_map(|main| Step::Posted { main }),
        2 => Just(Step::Collect),
        1 => Just(Step::Listen),
        3 => (0..8_u8).prop_map(|packets| Step::Poll { packets }),
        2 => Just(Step::Query),
        1 => Just(Step::QueryLate),
        1 => any::<u8>().prop_map(|at| Step::Lose { at }),
        1 => any::<u8>().prop_map(|at| Step::Repeat { at }),
        1 => any::<u8>().prop_map(|at| Step::Delay { at }),
        1 => Just(Step::Restart),
        1 => (any::<u8>(), 1..80_u8).prop_map(|(byte, length)| Step::Malformed { byte, length }),
    ]
}

struct End {
    endpoint: Delivery,
    session: Session,
    /// Posted to this end.
    posted: VecDeque<Vec<u8>>,
    /// Numbers of notifications sent and received.
    sent: u32,
    received: u32,
}

impl End {
    fn new(role: Role) -> Self {
        Self {
            endpoint: Delivery::new(role, WINDOW),
            session: Session::new(role, Config::default()),
            posted: VecDeque::new(),
            sent: 0,
            received: 0,
        }
    }

    fn receive(&mut self) {
        loop {
            match self.endpoint.receive(&mut self.session) {
                Ok(true) => {}
                Ok(false) | Err(ReceiveError::Gone(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        while let Some(event) = self.session.poll_event() {
            if let Event::Notify { payload, .. } = event {
                assert_eq!(payload.head[..4], self.received.to_le_bytes(), "a frame is lost, repeated or out of order");
                self.received += 1;
            }
        }
    }
}

struct Link {
    main: End,
    worker: End,
    relay: Vec<Vec<u8>>,
    queries: Vec<Vec<u8>>,
}

impl Link {
    fn open() -> Self {
        let (main, worker) = (End::new(Role::Main), End::new(Role::Worker));
        let mut link = Self { main, worker, relay: Vec::new(), queries: Vec::new() };
        for _ in 0..2 {
            link.flush();
            link.posted(true);
            link.flush();
            link.posted(false);
        }
        link
    }

    fn flush(&mut self) {
        for from_main in [true, false] {
            let (from, to) =
                if from_main { (&mut self.main, &mut self.worker) } else { (&mut self.worker, &mut self.main) };
            let End { session, endpoint, .. } = from;
            while session.transmit(Delivery::MAX_FRAME, |frame| endpoint.send(frame)) == Ok(Progress::Sent) {}
            while let Some(packet) = endpoint.poll_transmit() {
                match packet.channel {
                    Channel::Direct => to.posted.push_back(packet.bytes),
                    Channel::Relay => self.relay.push(packet.bytes),
                }
            }
        }
    }

    fn posted(&mut self, main: bool) {
        if !main && self.worker.endpoint.collects() {
            return;
        }
        let end = if main { &mut self.main } else { &mut self.worker };
        if let Some(packet) = end.posted.pop_front() {
            end.endpoint.handle(packet, Channel::Direct).expect("posted packets are valid");
            end.receive();
        }
    }

    fn take(&mut self, step: Step) {
        let at = |at: u8, length: usize| usize::from(at) % length.max(1);
        match step {
            Step::Send { main, count, length } => {
                let end = if main { &mut self.main } else { &mut self.worker };
                for _ in 0..count {
                    let payload = [&end.sent.to_le_bytes()[..], &vec![7; usize::from(length)]].concat();
                    end.session.notify("n", Format::Bytes, payload).expect("the notification can be sent");
                    end.sent += 1;
                }
            }
            Step::Posted { main } => self.posted(main),
            Step::Collect => self.worker.endpoint.collect(),
            Step::Listen => self.worker.endpoint.listen(),
            Step::Poll { packets } if self.worker.endpoint.collects() => {
                let count = usize::from(packets).min(self.relay.len());
                let body: Vec<_> = self.relay.drain(..count).collect();
                // After a gap, the relay must query main.
                let _ = self.worker.endpoint.handle_polled(body.concat());
                self.worker.receive();
            }
            Step::Query if self.worker.endpoint.collects() => {
                let query = self.worker.endpoint.poll_packet();
                self.queries.push(query.clone());
                self.query(query);
            }
            Step::QueryLate => {
                if let Some(query) = self.queries.first().cloned() {
                    self.query(query);
                }
            }
            Step::Lose { at: index } if !self.relay.is_empty() => {
                self.relay.remove(at(index, self.relay.len()));
            }
            Step::Repeat { at: index } if !self.relay.is_empty() => {
                self.relay.push(self.relay[at(index, self.relay.len())].clone());
            }
            Step::Delay { at: index } if !self.relay.is_empty() => {
                let packet = self.relay.remove(at(index, self.relay.len()));
                self.relay.push(packet);
            }
            Step::Restart => self.relay.clear(),
            Step::Malformed { byte, length } => {
                let malformed = vec![byte; usize::from(length)];
                assert!(self.worker.endpoint.handle_polled(malformed.clone()).is_err());
                assert!(self.main.endpoint.handle_query(malformed).is_err());
            }
            _ => {}
        }
        self.flush();
    }

    fn query(&mut self, query: Vec<u8>) {
        self.main.endpoint.handle_query(query).expect("the query is from the worker");
        self.main.receive();
    }

    /// Delivers all packets without faults, to a worker that blocks or is in its event loop.
    fn settle(&mut self, collecting: bool) {
        for _ in 0..10_000 {
            if collecting {
                self.take(Step::Collect);
                self.take(Step::Poll { packets: u8::MAX });
                self.take(Step::Query);
                self.take(Step::Poll { packets: u8::MAX });
            } else {
                self.take(Step::Listen);
                self.posted(false);
            }
            self.posted(true);
            self.flush();
            let done = self.main.sent == self.worker.received && self.worker.sent == self.main.received;
            if done && self.main.posted.is_empty() {
                return;
            }
        }
        panic!("frames never arrive");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_frame_arrives_once_and_in_order(steps in prop::collection::vec(step(), 0..150), collecting: bool) {
        let mut link = Link::open();
        for step in steps {
            link.take(step);
        }
        link.settle(collecting);
        prop_assert_eq!(link.main.sent, link.worker.received);
        prop_assert_eq!(link.worker.sent, link.main.received);
    }

    #[test]
    fn what_was_sent_before_leaving_arrives(steps in prop::collection::vec(step(), 0..60), limit: bool) {
        let mut link = Link::open();
        for step in steps {
            link.take(step);
        }
        link.take(Step::Collect);
        link.flush();
        while !link.main.posted.is_empty() {
            link.posted(true);
        }
        while link.main.session.has_output() {
            link.take(Step::Poll { packets: u8::MAX });
            link.take(Step::Query);
            link.posted(true);
        }
        link.main.endpoint.close();
        link.flush();
        // Everything is lost, and only the program that answers for main is left.
        link.relay.clear();
        let farewell = link.main.endpoint.farewell(if limit { 0 } else { usize::MAX });
        let (sent, before) = (link.main.sent, link.worker.received);
        link.worker.endpoint.handle_polled(farewell).expect("the packet contains what the worker lacks");
        link.worker.receive();
        prop_assert!(link.worker.endpoint.has_input(), "main has left");
        prop_assert!(link.worker.received == sent || limit && link.worker.received == before);
    }
}

/// The worker has received main's frame in a packet that did not contain the newest acknowledgement.
#[test]
fn lost_acknowledgement_is_sent_again() {
    let mut link = Link::open();
    link.take(Step::Collect);
    link.take(Step::Posted { main: true });
    link.take(Step::Send { main: true, count: 1, length: 0 });
    // More than the window holds.
    link.take(Step::Send { main: false, count: 8, length: 275 });
    link.take(Step::Posted { main: true });
    assert!(link.worker.session.has_output(), "the window is not full");
    link.take(Step::Lose { at: 1 });
    link.take(Step::Query);
    link.take(Step::Lose { at: 1 });
    assert_eq!(link.relay.len(), 1, "the frame is in flight without the acknowledgement");
    link.take(Step::Poll { packets: 1 });
    link.settle(false);
}

/// Small enough to be full at times.
const WINDOW: usize = 2000;
