//! Links of a page and its worker: packets are posted, and collected by synchronous requests where there is a [`Relay`].
//!
//! Both ends live in event loops. What the port brings is given to the end's [`Inbox`]. Frames that were sent leave together in a microtask, before a
//! [`wait`](coincide_proto::Transport::wait), or when [`Inbox::flush`] is called by code that continues to compute.

use crate::collector::{PollError, PollPolicy};
use crate::link::{Host, RelayedBy, WeakInbox, lack_of_memory};
use js_sys::{ArrayBuffer, Uint8Array};
use std::time::Duration;
use wasm_bindgen::prelude::*;

pub use crate::link::{Inbox, MainTransport, WorkerTransport};

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

    fn relayed_by(&self) -> RelayedBy {
        RelayedBy { url: self.url.clone(), token: self.token.clone(), policy: self.policy }
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
/// when something has been delivered after [`arm`](coincide_proto::Transport::arm).
pub fn main_transport(port: &JsValue, relay: Option<&Relay>, ring: impl Fn() + 'static) -> (MainTransport, Inbox) {
    let ends =
        crate::link::main_transport(relay.map(Relay::relayed_by), |link| Box::new(Page::new(link, port, relay, ring)));
    if let Some(relay) = relay {
        let weak = ends.1.downgrade();
        let answer = Closure::<dyn Fn(Uint8Array)>::new(move |packet: Uint8Array| {
            // A question for which there is no memory gets no answer.
            if let (Some(inbox), Some(packet)) = (weak.upgrade(), copied(&packet)) {
                inbox.handle_question(packet);
            }
        });
        relay.carrier().attach(&relay.token, &answer.into_js_value());
    }
    ends
}

/// The worker's end of a link, with arguments as those of [`main_transport`]. The port should be the worker's own `self`: messages that a worker posts
/// over a port of another channel may stay where they are until it no longer blocks.
pub fn worker_transport(port: &JsValue, relay: Option<&Relay>, ring: impl Fn() + 'static) -> (WorkerTransport, Inbox) {
    crate::link::worker_transport(relay.map(Relay::relayed_by), |link| Box::new(Page::new(link, port, relay, ring)))
}

impl Inbox {
    /// Takes a message in. `false`: it is not one of this transport, and nothing was done.
    pub fn deliver(&self, message: &JsValue) -> bool {
        let packet = match message.dyn_ref::<Uint8Array>() {
            Some(array) => array.clone(),
            None => match message.dyn_ref::<ArrayBuffer>() {
                Some(buffer) => Uint8Array::new(buffer),
                None => return false,
            },
        };
        match copied(&packet) {
            Some(bytes) => self.handle(bytes),
            None => {
                self.lose(packet.length() as usize);
                true
            }
        }
    }
}

/// A page or a worker in Rust.
struct Page {
    port: JsValue,
    relay: Option<(String, Carrier)>,
    ring: Box<dyn Fn()>,
    /// Flushes, as JavaScript calls it.
    flush: JsValue,
}

impl Page {
    fn new(link: WeakInbox, port: &JsValue, relay: Option<&Relay>, ring: impl Fn() + 'static) -> Self {
        let flush = Closure::<dyn Fn()>::new(move || {
            if let Some(inbox) = link.upgrade() {
                inbox.flush();
            }
        });
        Self {
            port: port.clone(),
            relay: relay.map(|relay| (relay.token.clone(), relay.carrier())),
            ring: Box::new(ring),
            flush: flush.into_js_value(),
        }
    }
}

impl Host for Page {
    fn post(&self, packet: &[u8]) {
        // A port refuses only what can't be cloned.
        let _ = post(&self.port, &Uint8Array::from(packet));
    }

    fn relay(&self, packet: &[u8]) {
        if let Some((token, carrier)) = &self.relay {
            carrier.relay(token, &Uint8Array::from(packet));
        }
    }

    fn ask(&self, question: &str, timeout: Duration) -> Result<Vec<u8>, PollError> {
        let Some((_, carrier)) = &self.relay else {
            return Err(PollError::Failed("there is no relay".into()));
        };
        let answer = carrier.poll(question, timeout.as_millis() as f64);
        if answer.is_null() {
            return Err(PollError::Busy);
        }
        let body = answer.dyn_into::<Uint8Array>();
        let body = body.map_err(|why| PollError::Failed(why.as_string().unwrap_or_default()))?;
        copied(&body).ok_or_else(|| PollError::Failed(lack_of_memory(body.length() as usize)))
    }

    fn pause(&self, duration: Duration) {
        pause_for(duration.as_secs_f64() * 1000.0);
    }

    fn flush_soon(&self) {
        later(&self.flush);
    }

    fn ring(&self) {
        (self.ring)();
    }

    fn leave(&self, farewell: &[u8]) {
        if let Some((token, carrier)) = &self.relay {
            carrier.detach(token, &Uint8Array::from(farewell));
        }
    }
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

#[wasm_bindgen(module = "/js/link.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn post(port: &JsValue, packet: &Uint8Array) -> Result<(), JsValue>;
    fn later(callback: &JsValue);
    #[wasm_bindgen(js_name = pause)]
    fn pause_for(milliseconds: f64);
    fn own(url: &str) -> Carrier;
}
