//! Two ends joined in memory, like a page and its worker by posted messages and a service worker.

use coincide_proto::{Gone, ReceiveError, Role, Session, Transmit, Transport};
use coincide_transport_sw::{Channel, Delivery, PollError, PollPolicy, Poller, RelayIo};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Rates of faults of the relay.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Of 256 packets this number is lost, and the same number is repeated, reordered or delayed.
    pub(crate) packets: u8,
    /// Of 256 polls this number fails because the relay restarts, the same number returns malformed bytes, and the same number finds no room.
    pub(crate) polls: u8,
}

/// The connection of the ends.
pub(crate) struct Net {
    state: Mutex<State>,
    changed: Condvar,
    faults: Faults,
}

#[derive(Default)]
struct State {
    /// Posted to main, and to the worker.
    posted: [VecDeque<Vec<u8>>; 2],
    /// Packets that the relay keeps for the next poll.
    kept: Vec<Vec<u8>>,
    /// Packets that the relay delays.
    late: Vec<Vec<u8>>,
    /// Queries of the relay to main.
    queries: VecDeque<Vec<u8>>,
    random: u64,
}

impl State {
    /// Whether an event of probability `rate` / 256 occurs.
    fn happens(&mut self, rate: u8) -> bool {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 56) < u64::from(rate)
    }

    fn relay(&mut self, packet: Vec<u8>, rate: u8) {
        if self.happens(rate) {
            return;
        }
        if self.happens(rate) {
            self.kept.push(packet.clone());
        }
        if self.happens(rate) {
            return self.late.push(packet);
        }
        let late = if self.happens(rate.saturating_mul(4)) { std::mem::take(&mut self.late) } else { Vec::new() };
        self.kept.push(packet);
        self.kept.extend(late);
        let length = self.kept.len();
        if length > 1 && self.happens(rate) {
            self.kept.swap(length - 1, length - 2);
        }
    }
}

/// One end over the net.
pub(crate) struct End {
    side: Arc<Side>,
    poller: Poller,
}

/// The part of an end that its event loop runs independently.
struct Side {
    net: Arc<Net>,
    role: Role,
    endpoint: Mutex<Delivery>,
}

/// The ends of a fresh link, main's first.
pub(crate) fn pair(window: usize, faults: Faults) -> (End, End) {
    let state = Mutex::new(State { random: 0x2545_f491_4f6c_dd1d, ..State::default() });
    let net = Arc::new(Net { state, changed: Condvar::new(), faults });
    let hold = if faults.packets > 0 { Duration::from_millis(5) } else { Duration::from_secs(60) };
    let end = |role| End {
        side: Arc::new(Side { net: Arc::clone(&net), role, endpoint: Mutex::new(Delivery::new(role, window)) }),
        poller: Poller::new(PollPolicy { hold, pause: Duration::from_micros(10), attempts: u32::MAX }),
    };
    let ends = (end(Role::Main), end(Role::Worker));
    let main = Arc::clone(&ends.0.side);
    // A page's event loop runs independently of main's end.
    std::thread::spawn(move || {
        while Arc::strong_count(&main.net) > 1 || Arc::strong_count(&main) > 1 {
            main.pump();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    ends
}

impl Net {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Side {
    fn endpoint(&self) -> MutexGuard<'_, Delivery> {
        self.endpoint.lock().unwrap()
    }

    fn inbox(&self) -> usize {
        usize::from(self.role == Role::Worker)
    }

    fn flush(&self) {
        let mut endpoint = self.endpoint();
        while let Some(packet) = endpoint.poll_transmit() {
            let mut state = self.net.state();
            match packet.channel {
                Channel::Direct => state.posted[1 - self.inbox()].push_back(packet.bytes),
                Channel::Relay => state.relay(packet.bytes, self.net.faults.packets),
            }
            drop(state);
            self.net.changed.notify_all();
        }
    }

    /// A turn of the event loop: handles posted packets. A worker that collects also polls the relay.
    fn pump(&self) {
        // Locked throughout: two concurrent turns would reorder packets.
        let mut endpoint = self.endpoint();
        loop {
            let Some(packet) = self.net.state().posted[self.inbox()].pop_front() else { break };
            let _ = endpoint.handle(packet, Channel::Direct);
        }
        // Only main is queried.
        while let Some(query) = self.next_query() {
            let _ = endpoint.handle_query(query);
        }
        if self.role == Role::Worker && endpoint.collects() {
            let kept = std::mem::take(&mut self.net.state().kept).concat();
            let _ = endpoint.handle_polled(kept);
        }
        drop(endpoint);
        self.flush();
    }

    fn next_query(&self) -> Option<Vec<u8>> {
        if self.role == Role::Main { self.net.state().queries.pop_front() } else { None }
    }

    fn is_ready(&self, room: bool) -> bool {
        self.pump();
        let endpoint = self.endpoint();
        endpoint.has_input() || room && endpoint.has_room()
    }
}

/// The relay as the worker reaches it.
struct Requests<'a>(&'a Net);

impl RelayIo for Requests<'_> {
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError> {
        let start = Instant::now();
        let mut state = self.0.state();
        if state.happens(self.0.faults.polls) {
            state.kept.clear();
            state.late.clear();
            return Err(PollError::Failed("it was started anew".into()));
        }
        if state.happens(self.0.faults.polls) {
            return Ok(b"<html>".repeat(9));
        }
        if state.happens(self.0.faults.polls) {
            return Err(PollError::Busy);
        }
        let mut asked = false;
        loop {
            if !state.kept.is_empty() {
                return Ok(std::mem::take(&mut state.kept).concat());
            }
            let elapsed = start.elapsed();
            let Some(rest) = hold.checked_sub(elapsed).filter(|rest| !rest.is_zero()) else { return Ok(Vec::new()) };
            if !asked && (ask || elapsed >= QUERY_AFTER) {
                asked = true;
                state.queries.push_back(packet.to_vec());
                self.0.changed.notify_all();
            }
            let rest = if asked { rest } else { rest.min(QUERY_AFTER) };
            state = self.0.changed.wait_timeout(state, rest).unwrap().0;
        }
    }

    fn pause(&mut self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

impl Transport for End {
    fn max_frame(&self) -> usize {
        // Below the maximum: with all sizes of the suite the maximum would take minutes.
        20_000
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        self.side.pump();
        let sent = self.side.endpoint().send(frame);
        self.side.flush();
        sent
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        self.side.pump();
        let received = self.side.endpoint().receive(session);
        self.side.flush();
        received
    }

    fn has_input(&self) -> bool {
        self.side.is_ready(false)
    }

    fn has_room(&self) -> bool {
        self.side.pump();
        self.side.endpoint().has_room()
    }

    fn arm(&mut self, room: bool) -> bool {
        if self.side.role == Role::Worker {
            self.side.endpoint().listen();
        }
        !self.side.is_ready(room)
    }

    fn disarm(&mut self) {}

    fn wait(&mut self, room: bool, timeout: Option<Duration>) {
        if self.side.is_ready(room) || timeout == Some(Duration::ZERO) {
            return;
        }
        let net = &self.side.net;
        if self.side.role == Role::Worker {
            self.side.endpoint().collect();
            self.side.flush();
            let _ = self.poller.poll(&mut self.side.endpoint(), &mut Requests(net), timeout);
            return self.side.flush();
        }
        let start = Instant::now();
        while !self.side.is_ready(room) {
            let Some(rest) = timeout.unwrap_or(LONG).checked_sub(start.elapsed()) else { return };
            let state = net.state();
            if state.posted[0].is_empty() && state.queries.is_empty() {
                drop(net.changed.wait_timeout(state, rest).unwrap());
            }
        }
    }

    fn close(&mut self) {
        self.side.endpoint().close();
        self.side.flush();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close();
    }
}

/// Time after which the relay queries main.
const QUERY_AFTER: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);
