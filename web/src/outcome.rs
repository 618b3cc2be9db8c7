//! How calls end, in the form that JavaScript reads: see `values.js`.

use coincide::raw::RawError;
use coincide::{CallError, CallErrorKind};
use std::cell::{Cell, RefCell};

use crate::failure::kind;
use crate::scratch;

/// What a call ended with.
pub(crate) struct Outcome {
    pub(crate) status: u32,
    /// A value; of a failure its kind, a line break and its message.
    pub(crate) bytes: Vec<u8>,
}

impl Outcome {
    /// Nothing went wrong, and there is no value.
    pub(crate) fn done() -> Self {
        Self::value(Vec::new())
    }

    pub(crate) fn value(bytes: Vec<u8>) -> Self {
        Self { status: VALUE, bytes }
    }

    /// An error of coincide itself.
    pub(crate) fn failed(kind: &str, message: &str) -> Self {
        Self { status: FAILED, bytes: format!("{kind}\n{message}").into_bytes() }
    }

    /// There is no memory for the arguments of a call.
    pub(crate) fn out_of_memory(function: &str) -> Self {
        let message = format!("its arguments cannot be written: {}", scratch::TOO_LARGE);
        Self::of_failure(CallError { function: function.into(), kind: CallErrorKind::OutOfMemory(message) }, function)
    }

    /// A call gave no result. `function` is what errors call the function.
    pub(crate) fn of_error(error: RawError, function: &str) -> Self {
        match error {
            RawError::Threw(payload) => Self { status: THREW, bytes: payload },
            RawError::Failed(error) => Self::of_failure(error, function),
        }
    }

    pub(crate) fn of_failure(error: CallError, function: &str) -> Self {
        let kind = kind(&error);
        Self::failed(kind, &error.named(function).to_string())
    }
}

/// The outcome of the last call of an end, where JavaScript reads it.
#[derive(Default)]
pub(crate) struct Shown {
    /// Status, address and length.
    words: Cell<[u32; 3]>,
    bytes: RefCell<Vec<u8>>,
}

impl Shown {
    /// Keeps the outcome until the next one. Gives the address of the words.
    pub(crate) fn set(&self, Outcome { status, bytes }: Outcome) -> usize {
        self.words.set([status, bytes.as_ptr() as usize as u32, bytes.len() as u32]);
        self.bytes.replace(bytes);
        self.words.as_ptr() as usize
    }

    /// The buffer, which is not needed any more.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.bytes.take()
    }
}

// `values.js` has the same list.
const VALUE: u32 = 0;
const THREW: u32 = 1;
const FAILED: u32 = 2;
