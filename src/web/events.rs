//! What is asked of the event loop of a page.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/events.js")]
extern "C" {
    pub(crate) fn delay(milliseconds: f64) -> js_sys::Promise;
    #[wasm_bindgen(js_name = nextTask)]
    pub(crate) fn next_task() -> js_sys::Promise;
    /// Whether a user waits for the page to react to a key or a click, as far as the browser tells.
    #[wasm_bindgen(js_name = inputPending)]
    pub(crate) fn input_pending() -> bool;
}
