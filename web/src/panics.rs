//! The text of a panic, for the error that reports the trap after it.

use wasm_bindgen::prelude::*;

/// Passes the text of each later panic to `guard.js`.
pub(crate) fn report() {
    std::panic::set_hook(Box::new(|info| panicked(&info.to_string())));
}

#[wasm_bindgen(raw_module = "./guard.js")]
extern "C" {
    fn panicked(text: &str);
}
