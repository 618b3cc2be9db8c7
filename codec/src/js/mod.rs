//! Values of JavaScript to bytes and back, without a tree in between.
//!
//! [`Js`] walks over a value and writes its items as it goes; reading, it builds the value item by item. `js/walk.js` is how it
//! reaches the values: it classifies, reads and builds, and passes nothing but numbers. What a property is called crosses once; from
//! then on its key is a number.

mod decode;
mod encode;

pub use encode::{Leniency, Root, Unsent};

use crate::DecodeError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wasm_bindgen::prelude::*;

/// Writes and reads values of JavaScript; keeps the keys of properties that it has met.
///
/// While it works it may run code of the program, such as getters, which must not use the same one.
#[derive(Debug)]
pub struct Js {
    source: Source,
    target: Target,
    /// Keys that were met when writing, by the number that the source gave them.
    written: Vec<encode::WrittenKey>,
    /// Numbers of keys that were met when reading.
    read: HashMap<Box<[u8]>, u32>,
    scratch: Vec<u8>,
}

impl Js {
    /// One that has met no keys.
    pub fn new() -> Self {
        let memory = wasm_bindgen::memory();
        Self {
            source: Source::new(&memory),
            target: Target::new(&memory),
            written: Vec::new(),
            read: HashMap::new(),
            scratch: Vec::new(),
        }
    }
}

impl Default for Js {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of all blobs in a value, which can be had only by waiting: for [`Js::encode`] after [`Unsent::Blobs`].
///
/// # Errors
/// When a blob can't be read.
pub async fn blobs_in(value: &JsValue) -> Result<JsValue, JsValue> {
    wasm_bindgen_futures::JsFuture::from(find_blobs(value)).await
}

fn platform(thrown: &JsValue) -> DecodeError {
    let message = js_sys::Reflect::get(thrown, &JsValue::from_str("message")).ok();
    DecodeError::mismatch(message.and_then(|message| message.as_string()).unwrap_or_default())
}

#[wasm_bindgen(module = "/js/walk.js")]
extern "C" {
    #[wasm_bindgen(js_name = blobsIn)]
    fn find_blobs(value: &JsValue) -> js_sys::Promise;

    #[derive(Debug)]
    type Source;
    #[wasm_bindgen(constructor)]
    fn new(memory: &JsValue) -> Source;
    #[wasm_bindgen(method)]
    fn begin(this: &Source, value: &JsValue, blobs: &JsValue, lenient: bool) -> u32;
    #[wasm_bindgen(method)]
    fn reset(this: &Source);
    #[wasm_bindgen(method)]
    fn describe(this: &Source) -> alloc::string::String;
    #[wasm_bindgen(method)]
    fn plain(this: &Source) -> u32;
    #[wasm_bindgen(method)]
    fn enter(this: &Source, kind: u32) -> i32;
    #[wasm_bindgen(method)]
    fn leave(this: &Source);
    #[wasm_bindgen(method)]
    fn item(this: &Source, index: u32) -> u32;
    #[wasm_bindgen(method)]
    fn key(this: &Source, index: u32) -> i32;
    #[wasm_bindgen(method, js_name = keyText)]
    fn key_text(this: &Source, number: u32);
    #[wasm_bindgen(method)]
    fn property(this: &Source, index: u32) -> u32;
    #[wasm_bindgen(method)]
    fn number(this: &Source) -> f64;
    #[wasm_bindgen(method)]
    fn shared(this: &Source) -> u32;
    #[wasm_bindgen(method)]
    fn text(this: &Source, at: *mut u8, room: usize) -> i32;
    #[wasm_bindgen(method)]
    fn units(this: &Source) -> usize;
    #[wasm_bindgen(method)]
    fn unit(this: &Source, index: usize) -> u16;
    #[wasm_bindgen(method)]
    fn symbol(this: &Source) -> bool;
    #[wasm_bindgen(method)]
    fn bigint(this: &Source) -> bool;
    #[wasm_bindgen(method)]
    fn date(this: &Source) -> f64;
    #[wasm_bindgen(method)]
    fn part(this: &Source, which: u32) -> u32;
    #[wasm_bindgen(method)]
    fn back(this: &Source);
    #[wasm_bindgen(method, js_name = hasCause)]
    fn has_cause(this: &Source) -> bool;
    #[wasm_bindgen(method)]
    fn measure(this: &Source, which: u32) -> f64;
    #[wasm_bindgen(method)]
    fn copy(this: &Source, at: *mut u8);
    #[wasm_bindgen(method)]
    fn why(this: &Source) -> alloc::string::String;

    #[derive(Debug)]
    type Target;
    #[wasm_bindgen(constructor)]
    fn new(memory: &JsValue) -> Target;
    #[wasm_bindgen(method)]
    fn begin(this: &Target);
    #[wasm_bindgen(method)]
    fn end(this: &Target) -> JsValue;
    #[wasm_bindgen(method)]
    fn intern(this: &Target, at: *const u8, length: usize) -> u32;
    #[wasm_bindgen(method, js_name = internUnits)]
    fn intern_units(this: &Target, at: *const u8, length: usize) -> u32;
    #[wasm_bindgen(method, js_name = internSymbol, catch)]
    fn intern_symbol(this: &Target, registered: bool, at: *const u8, length: usize) -> Result<u32, JsValue>;
    #[wasm_bindgen(method)]
    fn forget(this: &Target, from: u32);
    #[wasm_bindgen(method)]
    fn simple(this: &Target, key: u32, kind: u32);
    #[wasm_bindgen(method)]
    fn number(this: &Target, key: u32, value: f64);
    #[wasm_bindgen(method)]
    fn string(this: &Target, key: u32, at: *const u8, length: usize);
    #[wasm_bindgen(method, js_name = stringUnits)]
    fn string_units(this: &Target, key: u32, at: *const u8, length: usize);
    #[wasm_bindgen(method)]
    fn bigint(this: &Target, key: u32, negative: bool, at: *const u8, length: usize);
    #[wasm_bindgen(method, catch)]
    fn symbol(this: &Target, key: u32, registered: bool, at: *const u8, length: usize) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn shared(this: &Target, key: u32, number: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn hole(this: &Target);
    #[wasm_bindgen(method)]
    fn array(this: &Target, key: u32);
    #[wasm_bindgen(method)]
    fn object(this: &Target, key: u32);
    #[wasm_bindgen(method)]
    fn map(this: &Target, key: u32);
    #[wasm_bindgen(method)]
    fn set(this: &Target, key: u32);
    #[wasm_bindgen(method)]
    fn close(this: &Target);
    #[wasm_bindgen(method)]
    fn date(this: &Target, key: u32, milliseconds: f64);
    #[wasm_bindgen(method)]
    fn say(this: &Target, at: *const u8, length: usize);
    #[wasm_bindgen(method, js_name = sayUnits)]
    fn say_units(this: &Target, at: *const u8, length: usize);
    #[wasm_bindgen(method, catch)]
    fn regexp(this: &Target, key: u32, last_index: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn error(this: &Target, key: u32, has_cause: bool);
    #[wasm_bindgen(method)]
    fn boxed(this: &Target, key: u32);
    #[wasm_bindgen(method, catch)]
    fn buffer(this: &Target, key: u32, at: *const u8, length: usize, max: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn bytes(this: &Target, key: u32, at: *const u8, length: usize);
    #[wasm_bindgen(method)]
    fn view(this: &Target, key: u32, kind: u32, offset: f64, length: f64);
    #[wasm_bindgen(method, catch)]
    fn blob(this: &Target, key: u32, at: *const u8, length: usize) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn file(this: &Target, key: u32, last_modified: f64, at: *const u8, length: usize) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn image(this: &Target, key: u32, width: u32, height: u32, at: *const u8, length: usize) -> Result<(), JsValue>;
}
