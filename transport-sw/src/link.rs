//! The two ends of a link in event loops, over a [`Platform`] that posts packets and makes requests.
//!
//! The program passes received messages to the end's [`Inbox`]. Frames are sent in batches: when the platform calls [`Inbox::flush`] after
//! [`Platform::flush_soon`], before a [`wait`](Transport::wait), and when the end is [armed](Transport::arm).

use crate::endpoint::{Channel, Delivery, Packet};
use crate::packet;
use crate::poller::{PollError, PollPolicy, Poller, RelayIo};
use coincide_proto::{CallId, ControlSignals, Gone, Header, Kind, ReceiveError, Role, Session, Transmit, Transport};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// I/O and clock of an end, provided by the program that it runs in. Methods must not call the end.
pub trait Platform {
    /// Posts a packet to the other end.
    fn post(&self, packet: &[u8]);

    /// Hands a packet to the relay, which may lose it. Only at main, and only on links with a relay.
    fn relay(&self, packet: &[u8]);

    /// Polls the relay (section 20 of the specification) and blocks until its answer, for at most `timeout`. Only at workers, and only on links
    /// with a relay.
    ///
    /// # Errors
    /// [`PollError`] is the reason why there are no packets.
    fn poll(&self, request: &str, timeout: Duration) -> Result<Vec<u8>, PollError>;

    /// Time of a monotonic clock, since an arbitrary origin.
    fn now(&self) -> Duration;

    /// Blocks for at most `duration`. An out-of-band request of main may end it early.
    fn pause(&self, duration: Duration);

    /// Whether [`interrupt`](Self::interrupt), [`cancel`](Self::cancel) and [`poll_control`](Self::poll_control) reach a computing worker beside
    /// the frames. Called on links without a relay only. If `false`, interrupts and cancellations are frames, which a worker receives when its
    /// event loop runs.
    fn has_out_of_band(&self) -> bool;

    /// Signals an interrupt to a worker that computes or sleeps, which receives it by [`poll_control`](Self::poll_control). Only at main, and only
    /// on links with out-of-band signals.
    fn interrupt(&self);

    /// Signals the cancellation of a call in the same way.
    fn cancel(&self, call: CallId);

    /// Returns the out-of-band requests of main to this worker, whose running function serves the call `running`. Only at workers, and only on
    /// links with out-of-band signals.
    fn poll_control(&self, running: Option<CallId>) -> ControlSignals;

    /// Frames are queued: the platform must call [`Inbox::flush`] soon, such as in a microtask.
    fn flush_soon(&self);

    /// Input has arrived since the end was [armed](Transport::arm).
    fn ring(&self);

    /// Main's end is dropped: from now on, the platform answers queries of the relay with this packet.
    fn leave(&self, farewell: &[u8]);
}

/// The relay of a link.
#[derive(Clone, Debug)]
pub struct RelayedBy {
    /// Absolute address of the service worker's script.
    pub url: String,
    /// The token of the link, known to both ends.
    pub token: String,
    /// Timeouts and retries of the worker's polls.
    pub policy: PollPolicy,
}

/// Creates main's end of a link, without a relay if that is `None`.
pub fn main_transport(relay: Option<RelayedBy>, platform: Box<dyn Platform>) -> (MainTransport, Inbox) {
    let link = Link::new(Role::Main, relay, platform);
    (MainTransport(Rc::clone(&link)), Inbox(link))
}

/// Creates the worker's end of a link. Arguments as for [`main_transport`].
pub fn worker_transport(relay: Option<RelayedBy>, platform: Box<dyn Platform>) -> (WorkerTransport, Inbox) {
    let poller = relay.as_ref().map(|relay| Poller::new(relay.policy));
    let link = Link::new(Role::Worker, relay, platform);
    let polled = link.platform.now();
    (WorkerTransport { link: Rc::clone(&link), poller, polled }, Inbox(link))
}

/// Main's end of a link, which never blocks.
pub struct MainTransport(Rc<Link>);

/// The worker's end of a link, which can block if there is a relay.
pub struct WorkerTransport {
    link: Rc<Link>,
    poller: Option<Poller>,
    /// Time of the last poll of the relay.
    polled: Duration,
}

/// Handles the messages that an end receives.
#[derive(Clone)]
pub struct Inbox(Rc<Link>);

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inbox").finish_non_exhaustive()
    }
}

/// A weak reference to an [`Inbox`], for the platform of the same end.
#[derive(Clone)]
pub struct WeakInbox(Weak<Link>);

impl WeakInbox {
    /// The inbox, or `None` if its end was dropped.
    pub fn upgrade(&self) -> Option<Inbox> {
        self.0.upgrade().map(Inbox)
    }
}

impl fmt::Debug for WeakInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakInbox").finish_non_exhaustive()
    }
}

impl Inbox {
    /// A weak reference to the inbox.
    pub fn downgrade(&self) -> WeakInbox {
        WeakInbox(Rc::downgrade(&self.0))
    }

    /// Handles a message. Returns `false` if it is not a packet of this transport.
    pub fn handle(&self, message: Vec<u8>) -> bool {
        if !packet::is_packet(&message) {
            return false;
        }
        // The end reports an error of the packet itself.
        drop(self.0.endpoint.borrow_mut().handle(message, Channel::Direct));
        self.0.flush();
        self.0.wake();
        true
    }

    /// Handles the packet of a query of the relay, which main's end answers. A malformed packet is ignored.
    pub fn handle_query(&self, packet: Vec<u8>) {
        drop(self.0.endpoint.borrow_mut().handle_query(packet));
        self.0.flush();
        self.0.wake();
    }

    /// Ends the link because there is no memory for a posted packet of `bytes` bytes, which is not retransmitted.
    pub fn lose(&self, bytes: usize) {
        self.0.failure.replace(Some(lack_of_memory(bytes)));
        self.0.endpoint.borrow_mut().lose();
        self.0.wake();
    }

    /// Posts queued frames, for code that does not return to its event loop soon.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// The same for code that may run long and send often: posts only if nothing was posted in the last 4 ms.
    pub fn flush_in_time(&self) {
        if self.0.since(self.0.flushed.get()) >= FLUSH_EVERY {
            self.0.flush();
        }
    }

    /// Why the end is gone, if the service worker no longer answers, or this end had no memory for a packet.
    pub fn failure(&self) -> Option<String> {
        self.0.failure.borrow().clone()
    }
}

impl Transport for MainTransport {
    fn max_frame(&self) -> usize {
        Delivery::MAX_FRAME
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        if self.0.relay.is_some() || !self.0.platform.has_out_of_band() {
            return self.0.send(frame);
        }
        // A computing worker receives no frame before it returns to its event loop.
        let header = frame.head.first_chunk().map(|header| Header::from_bytes(*header)).unwrap_or_default();
        match header.kind {
            // A worker in its event loop has nothing to abandon.
            Kind::INTERRUPT => {
                self.0.platform.interrupt();
                Ok(true)
            }
            Kind::CANCEL => {
                let sent = self.0.send(frame)?;
                if sent {
                    self.0.platform.cancel(CallId::from_wire(header.id));
                }
                Ok(sent)
            }
            _ => self.0.send(frame),
        }
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        self.0.receive(session)
    }

    fn has_input(&self) -> bool {
        self.0.endpoint.borrow().has_input()
    }

    fn has_room(&self) -> bool {
        self.0.endpoint.borrow().has_room()
    }

    fn arm(&mut self, room: bool) -> bool {
        self.0.arm(room)
    }

    fn disarm(&mut self) {
        self.0.armed.set(None);
    }

    fn wait(&mut self, _room: bool, _timeout: Option<Duration>) {
        self.0.flush();
    }

    fn can_wait(&self) -> bool {
        false
    }

    fn why_gone(&self) -> Option<String> {
        self.0.failure.borrow().clone()
    }

    fn close(&mut self) {
        self.0.close();
    }
}

impl Transport for WorkerTransport {
    fn max_frame(&self) -> usize {
        Delivery::MAX_FRAME
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        self.link.send(frame)
    }

    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        self.link.receive(session)
    }

    fn has_input(&self) -> bool {
        self.link.endpoint.borrow().has_input()
    }

    fn has_room(&self) -> bool {
        self.link.endpoint.borrow().has_room()
    }

    fn arm(&mut self, room: bool) -> bool {
        if self.link.is_ready(room) {
            return false;
        }
        self.link.endpoint.borrow_mut().listen();
        self.link.arm(room)
    }

    fn disarm(&mut self) {
        self.link.armed.set(None);
    }

    fn wait(&mut self, room: bool, timeout: Option<Duration>) {
        let Some(poller) = &mut self.poller else {
            self.link.flush();
            if !self.link.is_ready(room) {
                self.link.platform.pause(timeout.map_or(POLL_EVERY, |timeout| timeout.min(POLL_EVERY)));
            }
            return;
        };
        if self.link.is_ready(room) || timeout == Some(Duration::ZERO) {
            return self.link.flush();
        }
        self.link.poll_relay(poller, timeout);
        self.polled = self.link.platform.now();
    }

    fn poll_control(&mut self, running: Option<CallId>) -> ControlSignals {
        let Some(poller) = &mut self.poller else {
            let platform = &self.link.platform;
            return if platform.has_out_of_band() { platform.poll_control(running) } else { ControlSignals::default() };
        };
        if self.link.since(self.polled) >= POLL_EVERY && !self.link.is_ready(false) {
            self.link.poll_relay(poller, Some(POLL_FOR));
            self.polled = self.link.platform.now();
        }
        ControlSignals::default()
    }

    fn can_wait(&self) -> bool {
        self.poller.is_some()
    }

    fn why_gone(&self) -> Option<String> {
        self.link.failure.borrow().clone()
    }

    fn close(&mut self) {
        self.link.close();
    }
}

impl Drop for MainTransport {
    fn drop(&mut self) {
        self.0.close();
        if self.0.relay.is_some() {
            let farewell = self.0.endpoint.borrow_mut().farewell(FAREWELL);
            self.0.platform.leave(&farewell);
        }
    }
}

impl Drop for WorkerTransport {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// State shared by an end and its inbox.
struct Link {
    endpoint: RefCell<Delivery>,
    platform: Box<dyn Platform>,
    relay: Option<RelayedBy>,
    /// Set while the end sleeps: whether it also waits for room.
    armed: Cell<Option<bool>>,
    /// The platform has been asked to flush soon.
    flushing: Cell<bool>,
    flushed: Cell<Duration>,
    failure: RefCell<Option<String>>,
}

impl Link {
    fn new(role: Role, relay: Option<RelayedBy>, platform: Box<dyn Platform>) -> Rc<Self> {
        Rc::new(Self {
            endpoint: RefCell::new(Delivery::new(role, Delivery::WINDOW)),
            relay,
            armed: Cell::new(None),
            flushing: Cell::new(false),
            flushed: Cell::new(platform.now()),
            platform,
            failure: RefCell::new(None),
        })
    }

    /// Time elapsed since a moment of the platform's clock.
    fn since(&self, moment: Duration) -> Duration {
        self.platform.now().saturating_sub(moment)
    }

    fn send(&self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        let sent = self.endpoint.borrow_mut().send(frame)?;
        if sent && !self.flushing.replace(true) {
            self.platform.flush_soon();
        }
        Ok(sent)
    }

    fn receive(&self, session: &mut Session) -> Result<bool, ReceiveError> {
        let mut endpoint = self.endpoint.borrow_mut();
        let received = endpoint.receive(session);
        let owes = endpoint.owes();
        drop(endpoint);
        if owes {
            self.flush();
        }
        received
    }

    /// Polls the relay once, for at most `timeout`.
    fn poll_relay(&self, poller: &mut Poller, timeout: Option<Duration>) {
        let Some(relay) = &self.relay else {
            return;
        };
        self.endpoint.borrow_mut().collect();
        self.flush();
        let mut requests = Requests { platform: &*self.platform, relay };
        if let Err(error) = poller.poll(&mut self.endpoint.borrow_mut(), &mut requests, timeout) {
            let text = format!("the service worker at {} no longer answers: {error}", relay.url);
            self.failure.replace(Some(text));
        }
    }

    fn is_ready(&self, room: bool) -> bool {
        let endpoint = self.endpoint.borrow();
        endpoint.has_input() || room && endpoint.has_room()
    }

    fn arm(&self, room: bool) -> bool {
        self.flush();
        let ready = self.is_ready(room);
        if !ready {
            self.armed.set(Some(room));
        }
        !ready
    }

    fn wake(&self) {
        if self.armed.get().is_some_and(|room| self.is_ready(room)) {
            self.armed.set(None);
            self.platform.ring();
        }
    }

    fn flush(&self) {
        self.flushing.set(false);
        self.flushed.set(self.platform.now());
        loop {
            let packet = self.endpoint.borrow_mut().poll_transmit();
            let Some(Packet { channel, bytes }) = packet else { break };
            match channel {
                Channel::Relay if self.relay.is_some() => self.platform.relay(&bytes),
                // Without a relay, a worker does not collect. A hostile peer that claims to collect receives posted packets.
                _ => self.platform.post(&bytes),
            }
        }
    }

    fn close(&self) {
        self.endpoint.borrow_mut().close();
        self.flush();
    }
}

/// Polls of the relay by synchronous requests.
struct Requests<'a> {
    platform: &'a dyn Platform,
    relay: &'a RelayedBy,
}

impl RelayIo for Requests<'_> {
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError> {
        // Rounded up: a wait must not end before its time.
        let milliseconds = u64::try_from(hold.as_micros()).unwrap_or(u64::MAX).div_ceil(1000);
        let mut request = format!("{} {milliseconds} {} ", self.relay.token, u8::from(ask));
        for byte in packet {
            for digit in [byte >> 4, byte & 15] {
                request.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        self.platform.poll(&request, hold + GRACE)
    }

    fn pause(&mut self, pause: Duration) {
        self.platform.pause(pause);
    }
}

/// Error text for a packet, or an answer of the relay, that is lost for lack of memory.
pub fn lack_of_memory(bytes: usize) -> String {
    format!("there is no memory for a packet of {bytes} bytes")
}

/// Maximum length in bytes of the frames that are kept for a worker after main's end is dropped.
const FAREWELL: usize = 16 << 10;

/// Shortest time between two flushes by [`Inbox::flush_in_time`], so that frames are sent in batches.
const FLUSH_EVERY: Duration = Duration::from_millis(4);

/// Interval and duration of the polls of the relay by a computing worker. They take at most a twentieth of its time.
const POLL_EVERY: Duration = Duration::from_millis(200);
const POLL_FOR: Duration = Duration::from_millis(10);

/// Time for which the worker waits for an answer beyond the hold time of the poll.
const GRACE: Duration = Duration::from_secs(10);
