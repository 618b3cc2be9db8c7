//! Values of JavaScript to bytes and back, without a tree in between.
//!
//! [`Js`] is the codec of an end. `walk.js` is how it reaches the values: crossing from wasm to JavaScript costs more than most items do, so
//! that `walk.js` tells a whole value, or builds one, in one call, in words that know nothing of the format. All of the format is here:
//! tags, limits, canonical forms, what may be sent and what is said when it may not.
//!
//! Programs for `wasm32-unknown-unknown` use it, built with `wasm-bindgen`; on other targets it compiles, and panics when it is used.
//!
//! # Blobs
//! A worker reads a `Blob` at once. A page has to wait for its bytes: there [`Js::encode`] fails with [`Unsent::Blobs`], the caller
//! awaits [`blobs_in`] and encodes once more, with what that gave.
//!
//! # Costly objects
//! A platform takes tens of microseconds to create a `Blob`, a `File` or a resizable `ArrayBuffer`, each of which is three bytes at least. To
//! keep the time of decoding proportional to the bytes, both directions limit their number: 1,024 in a payload, and one more for each KiB.

mod costly;
mod decode;
mod encode;

pub use encode::{Leniency, Root, Unsent};

use crate::value::MAX_DEPTH;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use hashbrown::HashMap;
use wasm_bindgen::prelude::*;

/// Writes and reads values of JavaScript; keeps the keys of properties that it has met, up to a limit.
///
/// While it writes it may run code of the program, such as getters, which must not use the same one.
pub struct Js {
    source: Source,
    /// Keys that were met when writing, by the number that the source gave them.
    written: Vec<encode::WrittenKey>,
    /// How many payloads have been written.
    payloads: u64,
    told: Vec<u8>,
    target: Target,
    /// Keys that were met when reading: their numbers at the target.
    read: HashMap<Box<[u8]>, u32>,
    /// The target's numbers of the keys of a payload.
    numbers: Vec<u32>,
    words: Vec<u32>,
    references: bool,
}

impl Js {
    /// One that has met no keys, and refuses references.
    pub fn new() -> Self {
        Self::with(&JsValue::UNDEFINED)
    }

    /// One that sends what can't be copied as references, which `references` keeps. It is an object with these methods, which must not
    /// use this `Js`:
    ///
    /// - `known(object)` is asked about each object before anything else is done with it: is it a handle of an object of the other end?
    /// - `outgoing(value)` is asked about functions, local symbols and objects of the platform, which can't be copied: shall there be a
    ///   reference to it?
    /// - `incoming(owner, kind, id)` gives the value for a reference.
    ///
    /// The first two give `[owner, kind, id]`, as in the format, or nothing. There may be a fourth:
    ///
    /// - `unsent(references)` is told what they gave for a value that can't be sent.
    pub fn with_references(references: &JsValue) -> Self {
        Self::with(references)
    }

    fn with(references: &JsValue) -> Self {
        let memory = wasm_bindgen::memory();
        Self {
            source: Source::new(&memory, MAX_DEPTH as u32, references),
            written: Vec::new(),
            payloads: 0,
            told: Vec::new(),
            target: Target::new(&memory, references),
            read: HashMap::new(),
            numbers: Vec::new(),
            words: Vec::new(),
            references: !references.is_undefined(),
        }
    }
}

/// Levels of a value that are written or read between two looks for room on the stack, which does not unwind when it ends.
const LEVELS: usize = 4;

const NO_ROOM: &str = "too little of the stack is left for a value that is nested as deep";

impl Default for Js {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Js {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Js")
            .field("written", &self.written.len())
            .field("read", &self.read.len())
            .finish_non_exhaustive()
    }
}

/// The bytes of all blobs in a value, for [`Js::encode`] with the same leniency after [`Unsent::Blobs`]. It walks over the value as
/// `encode` does, getters included, but not into objects of the platform.
///
/// # Errors
/// When a blob can't be read: what JavaScript has thrown.
pub async fn blobs_in(value: &JsValue, leniency: Leniency) -> Result<JsValue, JsValue> {
    let found = find_blobs(value, MAX_DEPTH as u32, leniency == Leniency::Lenient);
    wasm_bindgen_futures::JsFuture::from(found).await
}

#[wasm_bindgen(module = "/src/js/walk.js")]
extern "C" {
    /// Whether there is stack for [`LEVELS`] more levels of a value.
    #[wasm_bindgen(js_name = hasRoom)]
    fn has_room() -> bool;
    #[wasm_bindgen(js_name = blobsIn)]
    fn find_blobs(value: &JsValue, deepest: u32, lenient: bool) -> js_sys::Promise;

    type Source;
    #[wasm_bindgen(constructor)]
    fn new(memory: &JsValue, deepest: u32, references: &JsValue) -> Source;
    #[wasm_bindgen(method)]
    fn walk(this: &Source, value: &JsValue, blobs: &JsValue, lenient: bool, at: *mut u8, room: usize) -> f64;
    #[wasm_bindgen(method)]
    fn fetch(this: &Source, at: *mut u8);
    #[wasm_bindgen(method)]
    fn copy(this: &Source, number: u32, at: *mut u8, len: usize) -> bool;
    #[wasm_bindgen(method, js_name = copyText)]
    fn copy_text(this: &Source, number: u32, from: usize, at: *mut u8, room: usize) -> usize;
    #[wasm_bindgen(method, js_name = unitsRead)]
    fn units_read(this: &Source) -> usize;
    #[wasm_bindgen(method)]
    fn release(this: &Source, unsent: bool);

    type Target;
    #[wasm_bindgen(constructor)]
    fn new(memory: &JsValue, references: &JsValue) -> Target;
    #[wasm_bindgen(method)]
    fn build(this: &Target, at: *const u32, forget: bool, sharing: bool) -> JsValue;
    #[wasm_bindgen(method, js_name = hasFailed)]
    fn has_failed(this: &Target) -> bool;
    #[wasm_bindgen(method)]
    fn why(this: &Target) -> String;
    #[wasm_bindgen(method)]
    fn forget(this: &Target);
}
