//! Links of a page and its worker: packets are posted, and collected by synchronous requests where there is a [`Relay`].
//!
//! Both ends live in event loops. Whoever listens to the port hands what it brings to the end's [`Inbox`]; frames that
//! were sent leave together in a microtask, before a [`wait`](Transport::wait), or when [`Inbox::flush`] is called by code that goes on
//! computing.

use crate::collector::{Collector, PollError, PollPolicy, Poller};
use crate::endpoint::{Channel, Delivery, Packet};
use crate::packet;
use coincide_proto::{Gone, ReceiveError, Role, Session, Transmit, Transport};
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::mem;
use std::rc::{Rc, Weak};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_time::Instant;

/// The service worker that relays to a worker that blocks, and the link's name there.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Absolute address of the service worker's script.
    pub url: String,
    /// 32 hexadecimal digits that nobody can guess, such as of 16 bytes of `crypto.getRandomValues`. Whoever knows them
    /// can read and write what crosses the link.
    pub token: String,
    /// How long the worker waits for the relay.
    pub policy: PollPolicy,
    /// How the service worker is spoken to, if it isn't one that relays as section 20 has it.
    pub carrier: Option<Carrier>,
}

impl Relay {
    fn carrier(&self) -> Carrier {
        self.carrier.clone().unwrap_or_else(|| own(&self.url))
    }
}

#[wasm_bindgen]
extern "C" {
    /// Carries polls to a service worker and main's packets back, by whatever protocol the service worker speaks: an object with the methods
    /// `poll(question, timeout)` at a worker, and `attach(token, answer)`, `relay(token, packet)` and `detach(token, packet)` at main.
    ///
    /// `poll` blocks until main's packets are there, which it gives as a `Uint8Array`, or says in a string why there is no answer, after `timeout`
    /// milliseconds at the latest. It gives `null` if the service worker is there and has no room for the link now. The question is the one of section 20's polls. `answer` is to be called with the packet of a question that main has to answer. What
    /// it calls meanwhile, and at any other time, is `relay`; packets that it loses are sent again when the next question comes. After `detach` its packet answers.
    #[derive(Clone, Debug)]
    pub type Carrier;
    #[wasm_bindgen(method)]
    fn poll(this: &Carrier, question: &str, timeout: f64) -> JsValue;
    #[wasm_bindgen(method)]
    fn attach(this: &Carrier, token: &str, answer: &JsValue);
    #[wasm_bindgen(method)]
    fn detach(this: &Carrier, token: &str, packet: &Uint8Array);
    #[wasm_bindgen(method)]
    fn relay(this: &Carrier, token: &str, packet: &Uint8Array);
}

/// Main's end of a link. `port` is any object with a `postMessage` that takes a message and a list of what to transfer; `ring` is called
/// when something has been delivered after [`arm`](Transport::arm).
pub fn main_transport(port: &JsValue, relay: Option<&Relay>, ring: impl Fn() + 'static) -> (MainTransport, Inbox) {
    let link = Link::new(Role::Main, port, relay, Box::new(ring));
    if let Some(Way { relay, carrier }) = &link.way {
        let weak = Rc::downgrade(&link);
        let answer = Closure::<dyn Fn(Uint8Array)>::new(move |packet: Uint8Array| {
            if let Some(link) = weak.upgrade() {
                // A question that is not a packet, or for which there is no memory, gets no answer.
                let Some(packet) = copied(&packet) else { return };
                let _ = link.endpoint.borrow_mut().handle_question(packet);
                link.flush();
                link.wake();
            }
        });
        carrier.attach(&relay.token, &answer.into_js_value());
    }
    (MainTransport(Rc::clone(&link)), Inbox(link))
}

/// The worker's end of a link, with arguments as those of [`main_end`]. The port should be the worker's own `self`: messages that a worker posts
/// over a port of another channel may stay where they are until it no longer blocks.
pub fn worker_transport(port: &JsValue, relay: Option<&Relay>, ring: impl Fn() + 'static) -> (WorkerTransport, Inbox) {
    let link = Link::new(Role::Worker, port, relay, Box::new(ring));
    let collector = relay.map(|relay| Collector::new(relay.policy));
    (WorkerTransport { link: Rc::clone(&link), collector, looked: Instant::now() }, Inbox(link))
}

/// Main's end of a link. It never blocks.
pub struct MainTransport(Rc<Link>);

/// A worker's end of a link. It can block if there is a relay.
pub struct WorkerTransport {
    link: Rc<Link>,
    collector: Option<Collector>,
    /// When the relay was last asked by code that computes.
    looked: Instant,
}

/// Where messages that an end's port has received are put in.
pub struct Inbox(Rc<Link>);

impl Inbox {
    /// Takes a message in. `false`: it is not one of this transport, and nothing was done.
    pub fn deliver(&self, message: &JsValue) -> bool {
        let Some(packet) = packet_in(message) else {
            return false;
        };
        match copied(&packet) {
            // A breach is the end's to report.
            Some(bytes) => drop(self.0.endpoint.borrow_mut().handle(bytes, Channel::Direct)),
            None => self.0.lose_for_lack_of_memory(packet.length()),
        }
        self.0.flush();
        self.0.wake();
        true
    }

    /// Posts what was sent and is still here, for code that doesn't return to its event loop for a while.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// The same for code of which nobody knows when it returns, and that may send a lot: posts only if nothing was posted in the last
    /// few milliseconds.
    pub fn flush_in_time(&self) {
        if self.0.flushed.get().elapsed() >= FLUSH_EVERY {
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
        self.0.send(frame)
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
        let Some(collector) = &mut self.collector else {
            return self.link.flush();
        };
        if self.link.is_ready(room) || timeout == Some(Duration::ZERO) {
            return self.link.flush();
        }
        self.link.collect(collector, timeout);
    }

    fn look(&mut self) {
        let Some(collector) = &mut self.collector else {
            return;
        };
        if self.looked.elapsed() >= LOOK_EVERY && !self.link.is_ready(false) {
            self.link.collect(collector, Some(LOOK_FOR));
            self.looked = Instant::now();
        }
    }

    fn can_wait(&self) -> bool {
        self.collector.is_some()
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
        if let Some(Way { relay, carrier }) = &self.0.way {
            let farewell = self.0.endpoint.borrow_mut().farewell(FAREWELL);
            carrier.detach(&relay.token, &Uint8Array::from(&farewell[..]));
        }
    }
}

impl Drop for WorkerTransport {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// What an end and its inbox share.
struct Link {
    endpoint: RefCell<Delivery>,
    port: JsValue,
    way: Option<Way>,
    ring: Box<dyn Fn()>,
    /// The end sleeps; whether it waits for room too.
    armed: Cell<Option<bool>>,
    /// A flush comes in a microtask.
    flushing: Cell<bool>,
    flushed: Cell<Instant>,
    /// Flushes, as JavaScript calls it.
    flush: JsValue,
    failure: RefCell<Option<String>>,
}

impl Link {
    fn new(role: Role, port: &JsValue, relay: Option<&Relay>, ring: Box<dyn Fn()>) -> Rc<Self> {
        Rc::new_cyclic(|weak: &Weak<Self>| {
            let weak = weak.clone();
            let flush = Closure::<dyn Fn()>::new(move || {
                if let Some(link) = weak.upgrade() {
                    link.flush();
                }
            });
            Self {
                endpoint: RefCell::new(Delivery::new(role, Delivery::WINDOW)),
                port: port.clone(),
                way: relay.map(|relay| Way { relay: relay.clone(), carrier: relay.carrier() }),
                ring,
                armed: Cell::new(None),
                flushing: Cell::new(false),
                flushed: Cell::new(Instant::now()),
                flush: flush.into_js_value(),
                failure: RefCell::new(None),
            }
        })
    }

    fn send(&self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        let sent = self.endpoint.borrow_mut().send(frame)?;
        if sent && !self.flushing.replace(true) {
            later(&self.flush);
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

    /// Asks the relay once, for `timeout` at most.
    fn collect(&self, collector: &mut Collector, timeout: Option<Duration>) {
        self.endpoint.borrow_mut().collect();
        self.flush();
        let way = self.way.as_ref().expect("there is a collector only with a relay");
        let collected = collector.collect(&mut self.endpoint.borrow_mut(), &mut Requests(way), timeout);
        if let Err(error) = collected {
            let text = format!("the service worker at {} no longer answers: {error}", way.relay.url);
            self.failure.replace(Some(text));
        }
    }

    /// A posted packet was dropped, and it will not be sent again.
    fn lose_for_lack_of_memory(&self, bytes: u32) {
        self.failure.replace(Some(lack_of_memory(bytes)));
        self.endpoint.borrow_mut().lose();
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
            (self.ring)();
        }
    }

    fn flush(&self) {
        self.flushing.set(false);
        self.flushed.set(Instant::now());
        loop {
            let packet = self.endpoint.borrow_mut().poll_transmit();
            let Some(Packet { channel, bytes }) = packet else { break };
            let bytes = Uint8Array::from(&bytes[..]);
            match (channel, &self.way) {
                (Channel::Relay, Some(Way { relay, carrier })) => carrier.relay(&relay.token, &bytes),
                // Without a relay no worker collects: what a stranger claims gets an answer that it doesn't take.
                _ => {
                    // A port refuses only what can't be cloned.
                    let _ = post(&self.port, &bytes);
                }
            }
        }
    }

    fn close(&self) {
        self.endpoint.borrow_mut().close();
        self.flush();
    }
}

/// A relay, and how it is spoken to.
struct Way {
    relay: Relay,
    carrier: Carrier,
}

/// The relay, asked by synchronous requests.
struct Requests<'a>(&'a Way);

impl Poller for Requests<'_> {
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError> {
        // Rounded up: a wait must not end before its time.
        let milliseconds = hold.as_micros().div_ceil(1000);
        let mut question = format!("{} {milliseconds} {} ", self.0.relay.token, u8::from(ask));
        for byte in packet {
            let _ = write!(question, "{byte:02x}");
        }
        let timeout = (hold + GRACE).as_millis() as f64;
        let answer = self.0.carrier.poll(&question, timeout);
        if answer.is_null() {
            return Err(PollError::Busy);
        }
        let body = answer.dyn_into::<Uint8Array>();
        let body = body.map_err(|why| PollError::Failed(why.as_string().unwrap_or_default()))?;
        copied(&body).ok_or_else(|| PollError::Failed(lack_of_memory(body.length())))
    }

    fn pause(&mut self, pause: Duration) {
        pause_for(pause.as_secs_f64() * 1000.0);
    }
}

/// A message that looks like a packet.
fn packet_in(message: &JsValue) -> Option<Uint8Array> {
    let array = match message.dyn_ref::<Uint8Array>() {
        Some(array) => array.clone(),
        None => Uint8Array::new(message.dyn_ref::<ArrayBuffer>()?),
    };
    let mut start = [0; 8];
    if (array.length() as usize) < mem::size_of_val(&start) {
        return None;
    }
    array.subarray(0, 8).copy_to(&mut start);
    packet::is_packet(&start).then_some(array)
}

/// The bytes of an array, whose length the peer has chosen. `None`: there is no memory for them.
fn copied(array: &Uint8Array) -> Option<Vec<u8>> {
    let len = array.length() as usize;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    bytes.resize(len, 0);
    array.copy_to(&mut bytes);
    Some(bytes)
}

fn lack_of_memory(bytes: u32) -> String {
    format!("there is no memory for a packet of {bytes} bytes")
}

/// Most bytes of frames that are kept for a worker that has not collected them when main's end goes.
const FAREWELL: usize = 16 << 10;

/// How often frames leave one by one, while code runs that has not returned to its event loop: more of them travel together.
const FLUSH_EVERY: Duration = Duration::from_millis(4);

/// How often a worker that computes asks the relay when it looks, and for how long: it loses a twentieth of its time at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const LOOK_FOR: Duration = Duration::from_millis(10);

/// How much longer than the relay may hold a poll the worker waits for the answer.
const GRACE: Duration = Duration::from_secs(10);

#[wasm_bindgen(module = "/js/link.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn post(port: &JsValue, packet: &Uint8Array) -> Result<(), JsValue>;
    fn later(callback: &JsValue);
    #[wasm_bindgen(js_name = pause)]
    fn pause_for(milliseconds: f64);
    fn own(url: &str) -> Carrier;
}
