//! Arguments of JavaScript.

use std::time::Duration;
use wasm_bindgen::prelude::*;

/// A text of JavaScript. As an argument of type `String` it would be copied before there is known to be enough stack.
pub(crate) fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// A time in milliseconds; infinity is none.
pub(crate) fn duration(milliseconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// A number of bytes; more than a memory can have is no limit.
pub(crate) fn bytes(bytes: f64) -> usize {
    // A cast saturates.
    bytes as usize
}
