//! Encoding and decoding of JavaScript values, for programs compiled to `wasm32-unknown-unknown`.
//!
//! The codec is written in JavaScript, in `js/` beside this crate's sources, so only the bytes of a value cross the boundary of wasm. The npm
//! package uses the same modules. On other targets this module compiles, and panics when it is used.

use crate::memory::OutOfMemory;
use crate::{DecodeError, EncodeError};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use wasm_bindgen::prelude::*;

/// Encodes and decodes JavaScript values. Caches the keys of properties, up to a limit.
///
/// Encoding may run code of the program, such as getters, which may use the same codec.
pub struct Js {
    codec: Codec,
}

/// Treatment of values that can't be copied: functions, local symbols, and objects of the platform.
///
/// Instances of the program's own classes are copied as plain objects either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// They are errors, as for structured clone.
    Strict,
    /// Functions and symbols become `undefined`, objects of the platform the result of their `toJSON` or their own data.
    Lenient,
}

impl Js {
    /// Creates a codec that refuses references.
    pub fn new() -> Self {
        Self::with_references(&JsValue::UNDEFINED)
    }

    /// Creates a codec that sends values that can't be copied as references. `references` is an object with these methods:
    ///
    /// - `known(object)` is called first for each object. It returns `[owner, kind, id]`, as in the format, for a reference to an object of the
    ///   other end, and undefined for other objects.
    /// - `outgoing(value)` is called for functions, local symbols and objects of the platform. It returns `[owner, kind, id]` of a reference,
    ///   or undefined to refuse the value.
    /// - `incoming(owner, kind, id)` returns the value for a reference.
    /// - `unsent(references)`, which is optional, receives the results of the first two for a value that can't be sent.
    pub fn with_references(references: &JsValue) -> Self {
        Self { codec: Codec::new(references) }
    }

    /// Appends the item for a value. `root` is its name in errors, such as `args` or `result`.
    ///
    /// # Errors
    /// When a part of the value can't be sent, with the path to it. When it contains a blob, on a thread that can't read blobs synchronously. When
    /// there is no memory for the bytes. The buffer is then unchanged.
    pub fn encode(
        &self,
        value: &JsValue,
        root: &str,
        leniency: Leniency,
        buffer: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let lenient = leniency == Leniency::Lenient;
        let len = self.codec.encode(value, root, lenient).map_err(|error| match self.codec.lacks_memory(&error) {
            true => OutOfMemory.into(),
            false => EncodeError::new(self.codec.text(&error)),
        })?;
        let start = buffer.len();
        buffer.try_reserve(len).map_err(|_| OutOfMemory)?;
        buffer.resize(start + len, 0);
        self.codec.fetch(&mut buffer[start..]);
        Ok(())
    }

    /// Decodes a value.
    ///
    /// # Errors
    /// When the bytes are malformed, contain a kind of value that this platform lacks, or there is no memory for the value.
    pub fn decode(&self, bytes: &[u8]) -> Result<JsValue, DecodeError> {
        self.codec.decode(bytes).map_err(|error| match self.codec.lacks_memory(&error) {
            true => DecodeError::out_of_memory(),
            false => DecodeError::mismatch(self.codec.text(&error)),
        })
    }
}

impl Default for Js {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Js {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Js").finish_non_exhaustive()
    }
}

#[wasm_bindgen(module = "/js/codec.js")]
extern "C" {
    type Codec;
    #[wasm_bindgen(constructor)]
    fn new(references: &JsValue) -> Codec;
    /// The number of bytes, for [`fetch`](Codec::fetch).
    #[wasm_bindgen(method, catch)]
    fn encode(this: &Codec, value: &JsValue, root: &str, lenient: bool) -> Result<usize, JsValue>;
    #[wasm_bindgen(method)]
    fn fetch(this: &Codec, target: &mut [u8]);
    #[wasm_bindgen(method, catch)]
    fn decode(this: &Codec, bytes: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, js_name = lacksMemory)]
    fn lacks_memory(this: &Codec, error: &JsValue) -> bool;
    #[wasm_bindgen(method)]
    fn text(this: &Codec, error: &JsValue) -> String;
}

/// The modules that `codec.js` imports. wasm-bindgen copies a module only if something is declared in it.
mod modules {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(module = "/js/encode.js")]
    #[allow(dead_code)]
    extern "C" {
        type Encoder;
    }

    #[wasm_bindgen(module = "/js/decode.js")]
    #[allow(dead_code)]
    extern "C" {
        type Decoder;
    }

    #[wasm_bindgen(module = "/js/refusal.js")]
    #[allow(dead_code)]
    extern "C" {
        type Refusal;
    }

    #[wasm_bindgen(module = "/js/classes.js")]
    #[allow(dead_code)]
    extern "C" {
        #[wasm_bindgen(js_name = isHollow)]
        fn is_hollow(value: &JsValue) -> bool;
    }

    #[wasm_bindgen(module = "/js/format.js")]
    #[allow(dead_code)]
    extern "C" {
        #[wasm_bindgen(js_name = isWellFormed)]
        fn is_well_formed(text: &JsValue) -> bool;
    }

    use wasm_bindgen::JsValue;
}
