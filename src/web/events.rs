//! Interface of the event loop of a page for endpoints.

use coincide_transport_atomics::Doorbell;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Resumes in a new task, so that the page can run other tasks in between.
pub(crate) async fn next_task() {
    // Fails only if the event loop has been torn down.
    let _ = JsFuture::from(in_next_task()).await;
}

/// Awaits `rung` for at most `timeout`.
pub(crate) async fn within(timeout: Duration, _doorbell: &Arc<Doorbell>, rung: impl Future<Output = ()>) {
    let delay = JsFuture::from(delay(milliseconds(timeout)));
    let (Either::Left(_) | Either::Right(_)) = select(pin!(rung), pin!(delay)).await;
}

/// Rounded up, so that a deadline has passed when the timer fires; timers take 31 bits.
fn milliseconds(timeout: Duration) -> f64 {
    (timeout.as_secs_f64() * 1000.0).ceil().min(f64::from(i32::MAX))
}

#[wasm_bindgen(module = "/src/web/events.js")]
extern "C" {
    fn delay(milliseconds: f64) -> js_sys::Promise;
    #[wasm_bindgen(js_name = nextTask)]
    fn in_next_task() -> js_sys::Promise;
    /// Whether a key or a click of the user is pending. `false` if the browser does not report it.
    #[wasm_bindgen(js_name = inputPending)]
    pub(crate) fn input_pending() -> bool;
}
