//! References to objects of the other end: the names of the functions that serve them, and their release.

use js_sys::{Float64Array, Function};
use wasm_bindgen::prelude::*;

/// Main's function that carries out operations.
pub(crate) const REFLECT: &str = "coincide:reflect";

/// The same, for operations whose results are not needed.
pub(crate) const REFLECT_LATER: &str = "coincide:reflect-later";

/// The worker's function that calls its functions.
pub(crate) const INVOKE: &str = "coincide:invoke";

/// Name of an operation in errors.
pub(crate) const SHOWN: &str = "window";

/// Name in errors of a function of the worker that main has a reference to.
pub(crate) const CALLBACK: &str = "a callback";

/// Ids from JavaScript numbers. They count up from zero, so all are integers.
pub(crate) fn ids(ids: &Float64Array) -> Vec<u64> {
    ids.to_vec().into_iter().map(|id| id as u64).collect()
}

/// A listener that passes released references to JavaScript.
pub(crate) fn listener(released: Function) -> impl Fn(&[u64]) + 'static {
    move |ids| {
        let ids: Vec<f64> = ids.iter().map(|id| *id as f64).collect();
        // The function only forgets them, which cannot fail.
        let _ = released.call1(&JsValue::UNDEFINED, &Float64Array::from(&ids[..]));
    }
}
