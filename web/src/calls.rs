//! Calls, answers, waits and checks of an end.

use crate::action::{self, ENDED, NONE, STOPPED};
use crate::end::{Clock, End, duration, with_end};
use crate::failure::{show_cannot_block, show_out_of_memory, show_stop, show_text, show_unsent};
use crate::memory::{self, Word, name_of};
use coincide_proto::engine::{FunctionId, Runs, Ticket};
use coincide_proto::{CallId, ErrorCode, Format, SendError, Time};
use wasm_bindgen::prelude::*;

/// Registers a function. Returns its index. `at_control_poll`: its notifications also run in control polls of a computing function.
#[wasm_bindgen]
pub fn register(id: u32, name: usize, at_control_poll: bool) -> u32 {
    let runs = if at_control_poll { Runs::AtControlPoll } else { Runs::Anytime };
    with_end(id, |end, _| end.engine.register(&name_of(name), runs).0)
}

/// Removes a function. Returns its index plus 1, or 0 if no function has that name.
#[wasm_bindgen]
pub fn unregister(id: u32, name: usize) -> u32 {
    with_end(id, |end, _| end.engine.unregister(&name_of(name)).map_or(0, |FunctionId(index)| index + 1))
}

/// Calls a function of the other end with the arguments in scratch memory. `timeout` is in milliseconds, infinite for none. Returns the call's id. If the call
/// was not made, returns 0 and shows the reason.
#[wasm_bindgen]
pub fn start(id: u32, name: usize, at: usize, len: usize, timeout: f64) -> u32 {
    with_end(id, |end, clock| {
        let call = end.make(name, at, len, timeout, false, clock);
        end.flush();
        call.map_or(0, CallId::to_wire)
    })
}

/// Calls a function like [`start`], for a worker that blocks until the call has ended. Returns the kind of the next action. [`ENDED`]: the outcome is shown. The word
/// `Own` is the call, or 0 if it was not made.
#[wasm_bindgen]
pub fn call(id: u32, name: usize, at: usize, len: usize, timeout: f64) -> u32 {
    with_end(id, |end, clock| {
        memory::set(Word::Own, 0);
        match end.engine.take_stop() {
            // Sending on a closed link fails below, with a more precise reason.
            None | Some(coincide_proto::engine::Stop::Closed) => {}
            Some(stop) => {
                show_stop(stop, end.engine.session());
                return ENDED;
            }
        }
        if !end.engine.can_wait() {
            show_cannot_block();
            return ENDED;
        }
        let Some(own) = end.make(name, at, len, timeout, true, clock) else {
            return ENDED;
        };
        memory::set(Word::Own, own.to_wire());
        end.block(own, clock)
    })
}

/// Continues to block in a call, after an action. Returns as [`call`] does.
#[wasm_bindgen]
pub fn wait(id: u32, own: u32) -> u32 {
    with_end(id, |end, clock| {
        // Further calls must not delay a deadline.
        end.expire(clock);
        end.block(CallId::from_wire(own), clock)
    })
}

/// Calls a function of the other end without an answer. Returns whether it was sent; if not, the reason is shown.
#[wasm_bindgen]
pub fn notify(id: u32, name: usize, at: usize, len: usize) -> bool {
    with_end(id, |end, _| {
        let Some(payload) = memory::take_payload(at, len, || end.engine.buffer()) else {
            show_out_of_memory();
            return false;
        };
        if let Err(error) = end.engine.notify(&name_of(name), Format::Value, payload) {
            show_unsent(&error, &mut end.engine);
            return false;
        }
        if end.engine.can_wait() {
            end.engine.drain();
        }
        end.flush();
        end.post_in_time();
        true
    })
}

/// Cancels a call.
#[wasm_bindgen]
pub fn cancel(id: u32, call: u32) {
    with_end(id, |end, _| {
        end.engine.cancel(CallId::from_wire(call));
        end.flush();
    });
}

/// Answers a call, or a notification, whose answer is dropped. `status` is one of the constants below; its data is in scratch memory. `is_late`: code of the
/// program may run before wasm is called again.
#[wasm_bindgen]
pub fn answer(id: u32, call: u32, serial: u32, status: u32, at: usize, len: usize, is_late: bool) {
    let ticket = Ticket::new((call != 0).then(|| CallId::from_wire(call)), serial);
    with_end(id, |end, _| {
        end.answer(ticket, status, at, len);
        if is_late {
            end.engine.keep();
        }
        end.note_wake();
    });
}

/// Releases references of the other end. Their ids are in scratch memory, as floats of 8 bytes.
#[wasm_bindgen]
pub fn release(id: u32, at: usize, len: usize) {
    // Ids are counted from 0, so all are integers.
    let ids: Vec<u64> = memory::peek(at, len, |bytes| {
        bytes.chunks_exact(8).filter_map(|id| id.try_into().ok()).map(|id| f64::from_le_bytes(id) as u64).collect()
    });
    with_end(id, |end, _| {
        // A closed link has no references.
        _ = end.engine.release(&ids);
        end.flush();
    });
}

/// Dispatches the calls again that were put back for lack of posted objects.
#[wasm_bindgen]
pub fn resume(id: u32) {
    with_end(id, |end, _| end.engine.resume());
}

/// Interrupts the worker.
#[wasm_bindgen]
pub fn interrupt(id: u32) {
    with_end(id, |end, _| {
        end.engine.interrupt();
        end.flush();
    });
}

/// Reports to main that the worker is ready, with the names of its exports. Returns true if that was sent, or the link is closed; otherwise the reason is shown.
#[wasm_bindgen]
pub fn ready(id: u32) -> bool {
    with_end(id, |end, _| {
        let sent = end.engine.ready();
        end.flush();
        match sent {
            Ok(()) | Err(SendError::Closed) => true,
            Err(error) => {
                show_text(&error.to_string());
                false
            }
        }
    })
}

/// Whether the other end has attached to the link.
#[wasm_bindgen(js_name = isOpen)]
pub fn is_open(id: u32) -> bool {
    with_end(id, |end, _| end.engine.session().is_open())
}

/// The next action of an end, outside of a turn.
#[wasm_bindgen]
pub fn poll(id: u32) -> u32 {
    with_end(id, |end, clock| {
        end.expire(clock);
        let kind = end.poll().map_or(NONE, |action| end.show(action));
        end.engine.keep();
        kind
    })
}

/// The next action of a worker whose function computes. [`NONE`]: the function may continue. [`STOPPED`]: it is to stop.
#[wasm_bindgen]
pub fn check(id: u32) -> u32 {
    with_end(id, |end, clock| {
        let kind = end.poll_control(clock);
        end.engine.keep();
        kind
    })
}

/// Sleeps for a number of milliseconds. Returns the kind of the next action. After an action, it is called again with the remaining milliseconds and without
/// `begins`. [`NONE`]: the time is over. [`STOPPED`]: the function is to stop.
#[wasm_bindgen]
pub fn sleep(id: u32, milliseconds: f64, begins: bool) -> u32 {
    with_end(id, |end, clock| {
        if begins {
            end.engine.fall_asleep();
        }
        let until = duration(milliseconds).map(|duration| clock.now().after(duration));
        let kind = end.sleep_until(until, clock);
        if kind == NONE || kind == STOPPED {
            end.engine.wake_up();
        }
        end.engine.keep();
        kind
    })
}

/// Ends the innermost sleep.
#[wasm_bindgen(js_name = wakeUp)]
pub fn wake_up(id: u32) {
    with_end(id, |end, _| end.engine.wake_up());
}

impl End {
    /// Makes a call, in which the worker blocks or not. If it cannot be made, shows the reason.
    fn make(&mut self, name: usize, at: usize, len: usize, timeout: f64, blocks: bool, clock: Clock) -> Option<CallId> {
        let Some(payload) = memory::take_payload(at, len, || self.engine.buffer()) else {
            show_out_of_memory();
            return None;
        };
        let deadline = duration(timeout).map(|timeout| clock.now().after(timeout));
        let name = name_of(name);
        let made = match blocks {
            true => self.engine.call_and_wait(&name, Format::Value, payload, deadline),
            false => self.engine.call(&name, Format::Value, payload, deadline),
        };
        match made {
            Ok(call) => Some(call),
            Err(error) => {
                show_unsent(&error, &mut self.engine);
                None
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, status: u32, at: usize, len: usize) {
        let engine = &mut self.engine;
        let code = match status {
            LATER => return engine.started(ticket),
            CANCELLED => return engine.answer_cancelled(ticket),
            NOT_NOW => {
                let function = FunctionId(memory::get(Word::Function));
                return engine.not_now(ticket, function, Format::Value, memory::take_shown());
            }
            RETURNED | THREW => {
                let Some(payload) = memory::take_payload(at, len, || engine.buffer()) else {
                    return engine.throw_text(ticket, ErrorCode::OUT_OF_MEMORY, memory::TOO_LARGE);
                };
                return match status {
                    RETURNED => engine.reply(ticket, Format::Value, payload),
                    _ => engine.throw(ticket, ErrorCode::THROWN, Format::Value, payload),
                };
            }
            BAD_ARGUMENTS => ErrorCode::BAD_ARGUMENTS,
            OUT_OF_MEMORY => ErrorCode::OUT_OF_MEMORY,
            BAD_RESULT => ErrorCode::BAD_RESULT,
            _ => return engine.throw_text(ticket, ErrorCode::BAD_RESULT, NO_ROOM),
        };
        engine.throw_text(ticket, code, &memory::text(at, len));
    }

    fn block(&mut self, own: CallId, clock: Clock) -> u32 {
        loop {
            if let Some(action) = self.poll() {
                self.engine.keep();
                return action::show(action, Some(own), &mut self.engine);
            }
            self.wait(None, clock);
        }
    }

    fn sleep_until(&mut self, until: Option<Time>, clock: Clock) -> u32 {
        loop {
            let kind = self.poll_control(clock);
            if kind != NONE {
                return kind;
            }
            let left = until.map(|until| until.since(clock.now()));
            if left.is_some_and(|left| left.is_zero()) {
                return NONE;
            }
            self.wait(left, clock);
        }
    }

    /// The next action of a worker that computes or sleeps, or [`NONE`]. [`STOPPED`]: its function is to stop, and why is shown.
    fn poll_control(&mut self, clock: Clock) -> u32 {
        self.post_in_time();
        self.expire(clock);
        loop {
            match self.engine.poll_control() {
                Ok(Some(action)) => {
                    if let Some(action) = self.accepted(action) {
                        return self.show(action);
                    }
                }
                Ok(None) => return NONE,
                Err(stop) => {
                    show_stop(stop, self.engine.session());
                    return STOPPED;
                }
            }
        }
    }

    /// Posts frames that were queued some time ago, because the worker may not return to its event loop soon.
    fn post_in_time(&self) {
        if let Some(inbox) = &self.inbox
            && self.engine.session().role() == coincide_proto::Role::Worker
        {
            inbox.flush_in_time();
        }
    }
}

// Status numbers of answers. `link/end.js` has the same list, and one more for a stack without room.
const RETURNED: u32 = 0;
const THREW: u32 = 1;
const BAD_ARGUMENTS: u32 = 2;
const BAD_RESULT: u32 = 3;
const LATER: u32 = 4;
const OUT_OF_MEMORY: u32 = 5;
const CANCELLED: u32 = 6;
const NOT_NOW: u32 = 8;

const NO_ROOM: &str = "too little of the stack is left to serve the call";
