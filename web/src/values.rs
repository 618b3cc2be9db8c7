//! Conversion of values between JavaScript and payloads.

use coincide_codec::js::{self, Js, Leniency, Root};
use coincide_codec::{DecodeError, EncodeError};
use js_sys::Array;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;

pub(crate) use coincide_codec::js::Unsent;

/// The codec of a link, and spare buffers.
#[derive(Clone)]
pub(crate) struct Values {
    shared: Rc<Shared>,
}

struct Shared {
    results: Leniency,
    /// Keeps the objects that are sent as references; undefined where everything is copied.
    references: JsValue,
    /// Empty while in use: encoding may run code of the program, which may call the other end.
    js: Cell<Option<Box<Js>>>,
    spare: RefCell<Vec<Vec<u8>>>,
}

impl Values {
    pub(crate) fn new(strict: bool) -> Self {
        Self::making(if strict { Leniency::Strict } else { Leniency::Lenient }, JsValue::UNDEFINED)
    }

    /// Values that may be references, which `references` keeps: see [`Js::with_references`].
    pub(crate) fn with_references(references: JsValue) -> Self {
        Self::making(Leniency::Strict, references)
    }

    fn making(results: Leniency, references: JsValue) -> Self {
        Self { shared: Rc::new(Shared { results, references, js: Cell::new(None), spare: RefCell::default() }) }
    }

    /// An empty buffer.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.shared.spare.borrow_mut().pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Returns a buffer for reuse.
    pub(crate) fn recycle(&self, buffer: Vec<u8>) {
        let mut spare = self.shared.spare.borrow_mut();
        if buffer.capacity() > 0 && buffer.capacity() <= LARGEST_SPARE && spare.len() < MOST_SPARE {
            spare.push(buffer);
        }
    }

    /// Appends arguments. Nothing is left out.
    pub(crate) fn encode_arguments(&self, arguments: &Array, buffer: &mut Vec<u8>) -> Result<(), Unsent> {
        self.encode(arguments, ARGUMENTS, Leniency::Strict, &JsValue::UNDEFINED, buffer).map(|_| ())
    }

    /// Appends arguments, after awaiting the bytes of the blobs in them.
    pub(crate) async fn encode_arguments_later(&self, arguments: &Array, buffer: &mut Vec<u8>) -> Result<(), Unsent> {
        let blobs = blobs_in(arguments, Leniency::Strict).await?;
        self.encode(arguments, ARGUMENTS, Leniency::Strict, &blobs, buffer).map(|_| ())
    }

    /// Appends the result of the function `name`.
    pub(crate) fn encode_result(&self, value: &JsValue, name: &str, buffer: &mut Vec<u8>) -> Result<(), Unsent> {
        let left_out = self.encode(value, RESULT, self.shared.results, &JsValue::UNDEFINED, buffer)?;
        if let Some(path) = left_out {
            tell_loss(name, &path);
        }
        Ok(())
    }

    /// Appends the result of the function `name`, after awaiting the bytes of the blobs in it.
    pub(crate) async fn encode_result_later(
        &self,
        value: &JsValue,
        name: &str,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Unsent> {
        match self.encode_result(value, name, buffer) {
            Err(Unsent::Blobs) => {
                let blobs = blobs_in(value, self.shared.results).await?;
                self.encode(value, RESULT, self.shared.results, &blobs, buffer).map(|_| ())
            }
            other => other,
        }
    }

    /// Appends a thrown value. A value that cannot be sent is reduced to an error that can, or to text.
    pub(crate) fn encode_thrown(&self, thrown: &JsValue, buffer: &mut Vec<u8>) {
        let encode = |value: &JsValue, buffer: &mut Vec<u8>| {
            self.encode(value, THROWN, Leniency::Lenient, &JsValue::UNDEFINED, buffer)
        };
        let start = buffer.len();
        let whole = encode(thrown, buffer);
        // A function or a symbol would arrive as `undefined`.
        let lost = thrown.is_function() || thrown.is_symbol();
        if whole.is_ok_and(|left_out| left_out.is_none() || !lost) {
            return;
        }
        buffer.truncate(start);
        if encode(&bare(thrown), buffer).is_err() {
            // Text can always be sent.
            let _ = encode(&JsValue::from_str(&in_words(thrown)), buffer);
        }
    }

    /// The value that a payload holds.
    pub(crate) fn decode(&self, payload: &[u8]) -> Result<JsValue, DecodeError> {
        self.with(|js| js.decode(payload))
    }

    fn encode(
        &self,
        value: &JsValue,
        root: Root,
        leniency: Leniency,
        blobs: &JsValue,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<String>, Unsent> {
        self.with(|js| js.encode(value, root, leniency, blobs, buffer))
    }

    fn with<T>(&self, action: impl FnOnce(&mut Js) -> T) -> T {
        let js = self.shared.js.take();
        let mut js = js.unwrap_or_else(|| Box::new(Js::with_references(&self.shared.references)));
        let result = action(&mut js);
        self.shared.js.set(Some(js));
        result
    }
}

async fn blobs_in(value: &JsValue, leniency: Leniency) -> Result<JsValue, Unsent> {
    let blobs = js::blobs_in(value, leniency).await;
    blobs.map_err(|error| EncodeError::new(format!("a blob in it cannot be read: {}", in_words(&error))).into())
}

/// A JavaScript string. An argument of type `String` would be copied before the stack is checked.
pub(crate) fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// A duration from a number of milliseconds; `None` for infinity.
pub(crate) fn duration(milliseconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// A number of bytes from a JavaScript number. One beyond the address space saturates, which means no limit.
pub(crate) fn bytes(bytes: f64) -> usize {
    // A cast saturates.
    bytes as usize
}

const ARGUMENTS: Root = Root("args");

const RESULT: Root = Root("result");

const THROWN: Root = Root("thrown");

/// Larger buffers are freed instead of kept for reuse.
const LARGEST_SPARE: usize = 4 << 20;

const MOST_SPARE: usize = 8;

#[wasm_bindgen(raw_module = "./values.js")]
extern "C" {
    #[wasm_bindgen(js_name = tellLoss)]
    fn tell_loss(function: &str, path: &str);
    fn bare(thrown: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = inWords)]
    fn in_words(value: &JsValue) -> String;
}
