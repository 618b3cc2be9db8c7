//! The names that `errors.js` knows errors by.

use coincide::{CallError, Stop};

pub(crate) fn kind(error: &CallError) -> &'static str {
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

pub(crate) fn kind_of_stop(stop: &Stop) -> &'static str {
    match stop {
        Stop::Interrupted => "Interrupted",
        Stop::Cancelled => "Cancelled",
        Stop::CannotBlock => "CannotBlock",
        _ => "Closed",
    }
}
