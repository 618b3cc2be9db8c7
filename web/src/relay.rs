//! The service worker that relays, as JavaScript names it.

use coincide::{Relay, RelayCarrier, RelayPatience};
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// Where the relay is, and which link is meant.
#[wasm_bindgen]
pub struct RelayName(Relay);

#[wasm_bindgen]
impl RelayName {
    /// A relay at `url`. Both ends of a link name the same `token`. One request is held for `hold` milliseconds at most. A service worker that
    /// isn't coincide's takes a `carrier`.
    #[wasm_bindgen(constructor)]
    pub fn new(url: String, token: String, hold: u32, carrier: Option<RelayCarrier>) -> Self {
        let hold = Duration::from_millis(hold.into());
        Self(Relay { url, token, patience: RelayPatience { hold, ..RelayPatience::default() }, carrier })
    }
}

impl From<RelayName> for Relay {
    fn from(name: RelayName) -> Self {
        name.0
    }
}
