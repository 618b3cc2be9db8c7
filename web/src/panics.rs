//! What a panic says, for the error by which its trap is reported.

use wasm_bindgen::prelude::*;

/// From now on `guard.js` knows the text of a panic.
pub(crate) fn report() {
    std::panic::set_hook(Box::new(|info| panicked(&info.to_string())));
}

#[wasm_bindgen(raw_module = "./guard.js")]
extern "C" {
    fn panicked(text: &str);
}
