//! The errors of coincide as JavaScript values.

use coincide::raw::RawError;
use coincide::{CallError, SpawnError};
use coincide_codec::DecodeError;
use std::error::Error;
use wasm_bindgen::prelude::*;

use crate::values::{Unsent, Values};

/// The error of a call that gave no result.
pub(crate) fn of_call(error: RawError, function: &str, values: &Values) -> JsValue {
    match error {
        RawError::Threw(payload) => match values.decode(&payload) {
            Ok(thrown) => remote(&thrown, function).unwrap_or(thrown),
            Err(error) => {
                failed("Refused", &format!("`{function}` threw a value that cannot be read here: {error}"), function)
            }
        },
        RawError::Failed(error) => failed(kind(&error), &error.named(function).to_string(), function),
    }
}

/// The error of a call whose arguments cannot be sent.
pub(crate) fn of_arguments(function: &str, why: &Unsent) -> JsValue {
    match why {
        Unsent::Refused(error) if error.is_out_of_memory() => of_memory(function, "arguments", "written", error),
        why => failed("Arguments", &format!("the arguments of `{function}` cannot be sent: {why}"), function),
    }
}

/// The error of a call whose result cannot be read here.
pub(crate) fn of_result(function: &str, error: &DecodeError) -> JsValue {
    if error.is_out_of_memory() {
        return of_memory(function, "result", "read", error);
    }
    failed("Result", &format!("the result of `{function}` cannot be read here: {error}"), function)
}

fn of_memory(function: &str, what: &str, done: &str, error: &dyn Error) -> JsValue {
    let message = format!("its {what} cannot be {done}: {error}");
    let error = CallError::OutOfMemory { function: function.into(), message };
    failed(kind(&error), &error.to_string(), function)
}

/// The error of a link that cannot be created.
pub(crate) fn of_start(error: SpawnError) -> JsValue {
    failed("NotStarted", &error.to_string(), "")
}

/// The name of a kind of error in `errors.js`.
fn kind(error: &CallError) -> &'static str {
    match error {
        CallError::Panicked { .. } => "Panicked",
        CallError::BadResult { .. } => "BadResult",
        CallError::UnknownFunction { .. } => "UnknownFunction",
        CallError::BadArguments { .. } => "BadArguments",
        CallError::SchemaMismatch { .. } => "SchemaMismatch",
        CallError::Arguments { .. } => "Arguments",
        CallError::Result { .. } => "Result",
        CallError::NotSent { .. } => "NotSent",
        CallError::CannotBlock { .. } => "CannotBlock",
        CallError::TooDeep { .. } => "TooDeep",
        CallError::Deadlock { .. } => "Deadlock",
        CallError::OutOfMemory { .. } => "OutOfMemory",
        CallError::TimedOut { .. } => "TimedOut",
        CallError::Cancelled { .. } => "Cancelled",
        CallError::Interrupted { .. } => "Interrupted",
        CallError::Closed { .. } => "Closed",
        _ => "Refused",
    }
}

/// An error of coincide itself.
pub(crate) fn failed(kind: &str, message: &str, function: &str) -> JsValue {
    // A program may replace the functions that format stacks, and they may throw.
    try_failed(kind, message, function).unwrap_or_else(|thrown| thrown)
}

#[wasm_bindgen(raw_module = "./errors.js")]
extern "C" {
    #[wasm_bindgen(js_name = failed, catch)]
    fn try_failed(kind: &str, message: &str, function: &str) -> Result<JsValue, JsValue>;
    /// The error that the other end threw, with the stack of this end below the other's.
    #[wasm_bindgen(catch)]
    fn remote(thrown: &JsValue, function: &str) -> Result<JsValue, JsValue>;
}
