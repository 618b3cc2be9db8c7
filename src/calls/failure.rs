//! Failures of functions, as their end reports them.

use super::thrown::Thrown;
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::ErrorCode;
use std::any::Any;

/// Failure of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The function threw: the bytes of a value.
    Threw(Vec<u8>),
    /// The function could not be run, or its result cannot be sent: the reason, for programs and in words.
    Refused(ErrorCode, String),
}

impl Failure {
    /// The value is encoded here instead of where answers are sent, so that programs whose functions throw bytes do not contain the data model.
    pub(crate) fn threw(thrown: Thrown) -> Self {
        let mut payload = Vec::new();
        thrown.encode(&mut payload);
        Self::Threw(payload)
    }

    /// The result can't be written.
    pub fn unsent(error: &EncodeError) -> Self {
        let code = if error.is_out_of_memory() { ErrorCode::OUT_OF_MEMORY } else { ErrorCode::BAD_RESULT };
        Self::Refused(code, error.to_string())
    }

    /// The arguments can't be read.
    pub fn unread(error: &DecodeError) -> Self {
        let code = if error.is_out_of_memory() { ErrorCode::OUT_OF_MEMORY } else { ErrorCode::BAD_ARGUMENTS };
        Self::Refused(code, error.to_string())
    }

    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        Self::Refused(ErrorCode::PANICKED, format!("the function panicked: {}", panic_message(panic)))
    }
}

/// Message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
