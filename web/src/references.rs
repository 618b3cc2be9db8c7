//! References to objects of the other end: the names of the functions that serve them, and how they are given back.

use js_sys::{Float64Array, Function};
use wasm_bindgen::prelude::*;

/// Main's function that carries out operations.
pub(crate) const REFLECT: &str = "coincide:reflect";

/// The same, for operations whose results nobody waits for.
pub(crate) const REFLECT_LATER: &str = "coincide:reflect-later";

/// The worker's function that calls its functions.
pub(crate) const INVOKE: &str = "coincide:invoke";

/// What errors call an operation.
pub(crate) const SHOWN: &str = "window";

/// What errors call a function of the worker that main has a reference to.
pub(crate) const CALLBACK: &str = "a callback";

/// Ids as JavaScript has them; they are counted up from zero, so that all are whole.
pub(crate) fn ids(ids: &Float64Array) -> Vec<u64> {
    ids.to_vec().into_iter().map(|id| id as u64).collect()
}

/// Tells JavaScript which references have been given back.
pub(crate) fn listener(released: Function) -> impl Fn(&[u64]) + 'static {
    move |ids| {
        let ids: Vec<f64> = ids.iter().map(|id| *id as f64).collect();
        // It only forgets them, which cannot fail.
        let _ = released.call1(&JsValue::UNDEFINED, &Float64Array::from(&ids[..]));
    }
}
