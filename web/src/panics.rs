//! Passes the text of a panic to JavaScript, for the error that reports the trap.

use std::sync::Once;
use wasm_bindgen::prelude::*;

/// Passes the text of each later panic to `link/guard.js`.
pub(crate) fn report() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            panicked(text.as_ptr(), text.len());
        }));
    });
}

#[wasm_bindgen(raw_module = "./link/guard.js")]
extern "C" {
    fn panicked(text: *const u8, len: usize);
}
