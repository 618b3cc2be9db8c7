//! The codec alone, for the tests of values.

use coincide_codec::js::{Js, Leniency, Root, Unsent, blobs_in};
use js_sys::Uint8Array;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// Values to bytes and back, without a link.
#[wasm_bindgen]
pub struct Codec {
    js: RefCell<Js>,
    lost: RefCell<Option<String>>,
}

#[wasm_bindgen]
impl Codec {
    /// A codec with an empty table of keys. `references` keeps the objects that are sent as references, unless it is undefined.
    #[wasm_bindgen(constructor)]
    pub fn new(references: &JsValue) -> Self {
        Self { js: RefCell::new(Js::with_references(references)), lost: RefCell::default() }
    }

    /// The bytes of a value. `blobs` is the result of [`blobs`](Self::blobs) for it, or undefined.
    pub fn encode(
        &self,
        value: &JsValue,
        arguments: bool,
        lenient: bool,
        blobs: &JsValue,
    ) -> Result<Uint8Array, JsError> {
        let mut buffer = Vec::new();
        let root = Root(if arguments { "args" } else { "result" });
        let mut js = self.js.try_borrow_mut().map_err(|_| JsError::new(IN_USE))?;
        match js.encode(value, root, leniency(lenient), blobs, &mut buffer) {
            Ok(lost) => {
                self.lost.replace(lost);
                Ok(Uint8Array::from(&buffer[..]))
            }
            Err(Unsent::Blobs) => Err(JsError::new("the bytes of a blob have to be awaited")),
            Err(error) => Err(error.into()),
        }
    }

    /// The path of the part that the last [`encode`](Self::encode) left out.
    pub fn lost(&self) -> Option<String> {
        self.lost.borrow().clone()
    }

    /// The value that the bytes hold.
    pub fn decode(&self, bytes: &[u8]) -> Result<JsValue, JsError> {
        let mut js = self.js.try_borrow_mut().map_err(|_| JsError::new(IN_USE))?;
        Ok(js.decode(bytes)?)
    }

    /// Awaits the bytes of the blobs in a value.
    pub async fn blobs(value: JsValue, lenient: bool) -> Result<JsValue, JsValue> {
        blobs_in(&value, leniency(lenient)).await
    }
}

fn leniency(lenient: bool) -> Leniency {
    if lenient { Leniency::Lenient } else { Leniency::Strict }
}

const IN_USE: &str = "the codec is in use: a getter of the value has called it";
