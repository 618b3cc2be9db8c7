//! Messages and the relay, which `js/link/ports.js` implements.

use coincide_proto::{CallId, ControlSignals};
use coincide_transport_atomics::web::Instant;
use coincide_transport_sw::PollError;
use coincide_transport_sw::link::{Platform, lack_of_memory};
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// A port that JavaScript keeps under this number.
pub(crate) struct Port(pub(crate) u32);

impl Platform for Port {
    fn post(&self, packet: &[u8]) {
        post(self.0, packet.as_ptr(), packet.len());
    }

    fn relay(&self, packet: &[u8]) {
        relay(self.0, packet.as_ptr(), packet.len());
    }

    fn poll(&self, request: &str, timeout: Duration) -> Result<Vec<u8>, PollError> {
        let status = poll(self.0, request.as_ptr(), request.len(), timeout.as_millis() as f64);
        if status == BUSY {
            return Err(PollError::Busy);
        }
        let len = answer_length();
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(len).is_err() {
            return Err(PollError::Failed(lack_of_memory(len)));
        }
        bytes.resize(len, 0);
        take_answer(bytes.as_mut_ptr());
        if status == FAILED {
            return Err(PollError::Failed(String::from_utf8_lossy(&bytes).into_owned()));
        }
        Ok(bytes)
    }

    fn now(&self) -> Duration {
        Instant::now() - Instant::ORIGIN
    }

    fn pause(&self, duration: Duration) {
        pause_for(self.0, duration.as_secs_f64() * 1000.0);
    }

    fn has_out_of_band(&self) -> bool {
        true
    }

    fn interrupt(&self) {
        raise(self.0, 0);
    }

    fn cancel(&self, call: CallId) {
        raise(self.0, call.to_wire());
    }

    fn poll_control(&self, running: Option<CallId>) -> ControlSignals {
        let signals = poll_control(self.0, running.map_or(0, CallId::to_wire));
        ControlSignals { interrupt: signals & INTERRUPT != 0, cancel: signals & CANCEL != 0 }
    }

    fn flush_soon(&self) {
        flush_soon(self.0);
    }

    /// A no-op: JavaScript takes a turn after each delivery.
    fn ring(&self) {}

    fn leave(&self, farewell: &[u8]) {
        leave(self.0, farewell.as_ptr(), farewell.len());
    }
}

// Flags in the result of `pollControl`. `out-of-band/layout.js` has the same list.
const INTERRUPT: u32 = 1;
const CANCEL: u32 = 2;

// Results of `poll`.
const BUSY: u32 = 1;
const FAILED: u32 = 2;

#[wasm_bindgen(raw_module = "./link/ports.js")]
extern "C" {
    fn post(port: u32, at: *const u8, len: usize);
    fn relay(port: u32, at: *const u8, len: usize);
    fn poll(port: u32, at: *const u8, len: usize, timeout: f64) -> u32;
    #[wasm_bindgen(js_name = answerLength)]
    fn answer_length() -> usize;
    #[wasm_bindgen(js_name = takeAnswer)]
    fn take_answer(to: *mut u8);
    #[wasm_bindgen(js_name = pause)]
    fn pause_for(port: u32, milliseconds: f64);
    fn raise(port: u32, call: u32);
    #[wasm_bindgen(js_name = pollControl)]
    fn poll_control(port: u32, running: u32) -> u32;
    #[wasm_bindgen(js_name = flushSoon)]
    fn flush_soon(port: u32);
    fn leave(port: u32, at: *const u8, len: usize);
}
