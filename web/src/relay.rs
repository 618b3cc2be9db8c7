//! The service worker that relays, as JavaScript names it.

use coincide::{Relay, RelayCarrier, RelayPolicy};
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// The address of the relay, and the token of a link.
#[wasm_bindgen]
pub struct RelayName(Relay);

#[wasm_bindgen]
impl RelayName {
    /// A relay at `url`. Both ends of a link use the same `token`. The relay holds a request for at most `hold` milliseconds. A service worker
    /// that is not coincide's needs a `carrier`.
    #[wasm_bindgen(constructor)]
    pub fn new(url: String, token: String, hold: u32, carrier: Option<RelayCarrier>) -> Self {
        let hold = Duration::from_millis(hold.into());
        Self(Relay { url, token, policy: RelayPolicy { hold, ..RelayPolicy::default() }, carrier })
    }
}

impl From<RelayName> for Relay {
    fn from(name: RelayName) -> Self {
        name.0
    }
}
