//! The ends of links in a thread.

use crate::action;
use crate::buffers::{self, Buffer};
use crate::failure::show_text;
use crate::memory::{self, Word};
use crate::ports::Port;
use crate::turn::Turn;
use coincide_proto::engine::{Action, Engine};
use coincide_proto::{Budget, CloseReason, Config, ErrorCode, Format, Payload, Role, Session, Time, Transport};
use coincide_transport_atomics::Rings;
use coincide_transport_atomics::web::{Instant, attached as atomics};
use coincide_transport_sw::PollPolicy;
use coincide_transport_sw::link::{self as messages, Inbox, RelayedBy};
use std::cell::RefCell;
use std::time::Duration;
use wasm_bindgen::prelude::*;

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host::new());
}

/// The state of a thread. Each function that JavaScript calls borrows it. Such functions are never nested.
pub(crate) struct Host {
    /// Ends in ascending order of their ids.
    ends: Vec<End>,
    last: u32,
    budget: Budget,
    start: Instant,
    pub(crate) turn: Turn,
}

/// One end of a link.
pub(crate) struct End {
    id: u32,
    pub(crate) engine: Engine,
    pub(crate) inbox: Option<Inbox>,
}

/// Calls `act` with the host.
pub(crate) fn with_host<T>(act: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(act)
}

/// Calls `act` with an end and the clock. Returns the default for an end that was dropped.
pub(crate) fn with_end<T: Default>(id: u32, act: impl FnOnce(&mut End, Clock) -> T) -> T {
    with_host(|host| {
        let clock = Clock(host.start);
        match host.ends.binary_search_by_key(&id, |end| end.id) {
            Ok(index) => act(&mut host.ends[index], clock),
            Err(_) => T::default(),
        }
    })
}

/// The monotonic clock of deadlines.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn now(self) -> Time {
        Time::default().after(self.0.elapsed())
    }
}

impl Host {
    fn new() -> Self {
        #[cfg(debug_assertions)]
        crate::panics::report();
        Self {
            ends: Vec::new(),
            last: 0,
            budget: Budget::new(MEMORY_BUDGET),
            start: Instant::now(),
            turn: Turn::default(),
        }
    }

    /// The ends, the state of the turn, and the clock.
    pub(crate) fn parts(&mut self) -> (&mut [End], &mut Turn, Clock) {
        (&mut self.ends, &mut self.turn, Clock(self.start))
    }

    fn add(&mut self, role: Role, deadlock: f64, transport: Box<dyn Transport>, inbox: Option<Inbox>) -> u32 {
        // JavaScript decodes a payload in place, so it is in one buffer, except for contents that become an `ArrayBuffer`.
        let mut config = Config { segments: false, ..Config::default() };
        if !deadlock.is_nan() {
            config.deadlock_timeout = duration(deadlock).unwrap_or(Duration::MAX);
        }
        let session = Session::new(role, config).with_budget(&self.budget);
        let session = session.with_hosted(buffers::LEAST, Buffer::allot);
        self.last += 1;
        self.ends.push(End { id: self.last, engine: Engine::new(session, transport), inbox });
        self.last
    }
}

impl End {
    /// The next action. Calls in other formats than values are refused.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        loop {
            let action = self.engine.poll()?;
            if let Some(action) = self.accepted(action) {
                return Some(action);
            }
        }
    }

    /// Refuses a call whose arguments are not in the value format, and drops payloads without handles.
    pub(crate) fn accepted(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Run { call, format, payload, .. } if format != Format::Value => {
                self.engine.recycle(payload);
                self.engine.throw_text(call, ErrorCode::BAD_ARGUMENTS, NOT_VALUES);
                None
            }
            Action::Unread(payload) | Action::Unsent(payload) if !refers(&payload) => {
                self.engine.recycle(payload);
                None
            }
            action => Some(action),
        }
    }

    /// Writes an action of this end to the words. Returns its kind.
    pub(crate) fn show(&mut self, action: Action) -> u32 {
        memory::set(Word::End, self.id);
        action::show(action, None, &mut self.engine)
    }

    /// Whether the engine has work, or a deadline has passed.
    pub(crate) fn is_busy(&self, clock: Clock) -> bool {
        self.engine.is_busy() || self.engine.poll_timeout().is_some_and(|deadline| deadline <= clock.now())
    }

    /// Ends the calls whose deadline has passed. Reads the clock only if there are deadlines.
    pub(crate) fn expire(&mut self, clock: Clock) {
        if self.engine.poll_timeout().is_some() {
            self.engine.handle_timeout(clock.now());
        }
    }

    /// Time until the next deadline.
    pub(crate) fn until_deadline(&self, clock: Clock) -> Option<Duration> {
        self.engine.poll_timeout().map(|deadline| deadline.since(clock.now()))
    }

    /// Blocks until frames may have arrived, a deadline has passed or `timeout` is over.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>, clock: Clock) {
        let timeout = match self.until_deadline(clock) {
            Some(deadline) => Some(timeout.map_or(deadline, |timeout| timeout.min(deadline))),
            None => timeout,
        };
        self.engine.wait(timeout);
        self.expire(clock);
    }

    /// Sends queued frames before code of the program runs. Requests a turn of the event loop for a deadline, or if there was no room.
    pub(crate) fn flush(&mut self) {
        self.engine.flush();
        self.engine.keep();
        self.note_wake();
    }

    /// Sets the word `Wake`: whether the event loop has to take a turn for room, a deadline or an event.
    pub(crate) fn note_wake(&self) {
        let wake =
            self.engine.is_blocked() || self.engine.poll_timeout().is_some() || self.engine.session().has_events();
        memory::set(Word::Wake, wake.into());
    }
}

/// Whether a value may contain references, handles or posted objects: one of their tags, followed by an owner. Other items may contain such bytes as well.
fn refers(payload: &Payload) -> bool {
    payload.head.windows(2).any(|bytes| matches!(bytes, [REFERENCE | HANDLE | POSTED, 0 | 1]))
}

/// Length in bytes of the buffer of a link with rings of this capacity.
#[wasm_bindgen(js_name = bufferLength)]
pub fn buffer_length(ring: usize) -> usize {
    atomics::buffer_len(&rings(ring))
}

/// Main's end of a new link in the shared memory `handle`. Returns its id. If it cannot be created, returns 0 and shows the reason, like the next 3 functions.
#[wasm_bindgen(js_name = mainShared)]
pub fn main_shared(handle: u32, ring: usize) -> u32 {
    match atomics::main_transport(handle, &rings(ring)) {
        Ok(end) => with_host(|host| host.add(Role::Main, f64::NAN, Box::new(end), None)),
        Err(error) => refused(&error),
    }
}

/// The worker's end of a link in shared memory. `deadlock` is the deadlock timeout in milliseconds; NaN stands for the default.
#[wasm_bindgen(js_name = workerShared)]
pub fn worker_shared(handle: u32, deadlock: f64) -> u32 {
    match atomics::worker_transport(handle) {
        Ok(end) => with_host(|host| host.add(Role::Worker, deadlock, Box::new(end), None)),
        Err(error) => refused(&error),
    }
}

/// Main's end of a link in messages over `port`. Scratch memory contains the token of the relay, a line break and its address, or nothing without a relay.
#[wasm_bindgen(js_name = mainByMessages)]
pub fn main_by_messages(port: u32, at: usize, len: usize) -> u32 {
    let (end, inbox) = messages::main_transport(relay(at, len, 0), Box::new(Port(port)));
    with_host(|host| host.add(Role::Main, f64::NAN, Box::new(end), Some(inbox)))
}

/// The worker's end of a link in messages. The relay holds a request for `hold` milliseconds at most.
#[wasm_bindgen(js_name = workerByMessages)]
pub fn worker_by_messages(port: u32, at: usize, len: usize, hold: u32, deadlock: f64) -> u32 {
    let (end, inbox) = messages::worker_transport(relay(at, len, hold), Box::new(Port(port)));
    with_host(|host| host.add(Role::Worker, deadlock, Box::new(end), Some(inbox)))
}

/// Drops an end.
#[wasm_bindgen(js_name = dropEnd)]
pub fn drop_end(id: u32) {
    with_host(|host| {
        if let Ok(index) = host.ends.binary_search_by_key(&id, |end| end.id) {
            host.ends.remove(index);
            host.turn.removed(index);
        }
    });
}

/// Receives the packet of a message, in scratch memory.
#[wasm_bindgen]
pub fn deliver(id: u32, at: usize, len: usize) {
    with_end(id, |end, _| {
        if let Some(inbox) = &end.inbox {
            match memory::take(at, len, Vec::new) {
                Some(packet) => _ = inbox.handle(packet),
                None => inbox.lose(len),
            }
        }
    });
}

/// Records that a packet was dropped for lack of memory.
#[wasm_bindgen]
pub fn lose(id: u32, len: usize) {
    with_end(id, |end, _| {
        if let Some(inbox) = &end.inbox {
            inbox.lose(len);
        }
    });
}

/// Receives the packet of a query of the relay, in scratch memory.
#[wasm_bindgen]
pub fn query(id: u32, at: usize, len: usize) {
    with_end(id, |end, _| {
        // Without memory, a query is not answered.
        if let (Some(inbox), Some(packet)) = (&end.inbox, memory::take(at, len, Vec::new)) {
            inbox.handle_query(packet);
        }
    });
}

/// Posts queued frames.
#[wasm_bindgen]
pub fn flush(id: u32) {
    with_end(id, |end, _| {
        if let Some(inbox) = &end.inbox {
            inbox.flush();
        }
    });
}

/// Sets the budget in bytes for the bodies in flight of all links of the thread.
#[wasm_bindgen(js_name = setMemory)]
pub fn set_memory(bytes: f64) {
    // The cast saturates.
    with_host(|host| host.budget.set_limit(bytes as usize));
}

/// Closes a link at once: because the worker has failed, with the text in scratch memory, or because it was terminated.
#[wasm_bindgen]
pub fn abort(id: u32, has_failed: bool, at: usize, len: usize) {
    let text = memory::text(at, len);
    let reason = if has_failed { CloseReason::FAILED } else { CloseReason::TERMINATED };
    with_end(id, |end, _| end.engine.abort(reason, &text));
}

/// Converts milliseconds. Returns `None` for infinity and for more than three centuries.
pub(crate) fn duration(milliseconds: f64) -> Option<Duration> {
    (milliseconds < 1e13).then(|| Duration::from_nanos((milliseconds * 1e6) as u64))
}

fn refused(error: &std::io::Error) -> u32 {
    // Avoids the code that formats errors of the system, which do not occur here.
    show_text(&error.get_ref().map(ToString::to_string).unwrap_or_default());
    0
}

fn rings(capacity: usize) -> Rings {
    Rings::default().up_capacity(capacity).down_capacity(capacity)
}

fn relay(at: usize, len: usize, hold: u32) -> Option<RelayedBy> {
    let text = memory::text(at, len);
    let (token, url) = text.split_once('\n')?;
    let policy = PollPolicy { hold: Duration::from_millis(hold.into()), ..PollPolicy::default() };
    Some(RelayedBy { url: url.into(), token: token.into(), policy })
}

// Tags of items. `codec/js/format.js` lists all of them.
const REFERENCE: u8 = 0x9d;
const HANDLE: u8 = 0x9f;
const POSTED: u8 = 0xa0;

const NOT_VALUES: &str = "a JavaScript function takes values: call it by its name, without `call_bytes` and types";

/// Default of [`set_memory`]. A wasm memory has 4 GiB at most, and a growing body temporarily takes up to twice its size.
const MEMORY_BUDGET: usize = 1 << 30;
