//! The names that `errors.js` knows errors by.

use coincide::{CallError, CallErrorKind, Stop};

pub(crate) fn kind(error: &CallError) -> &'static str {
    match &error.kind {
        CallErrorKind::Panicked(_) => "Panicked",
        CallErrorKind::BadResult(_) => "BadResult",
        CallErrorKind::UnknownFunction(_) => "UnknownFunction",
        CallErrorKind::BadArguments(_) => "BadArguments",
        CallErrorKind::SchemaMismatch(_) => "SchemaMismatch",
        CallErrorKind::Arguments(_) => "Arguments",
        CallErrorKind::Result(_) => "Result",
        CallErrorKind::NotSent(_) => "NotSent",
        CallErrorKind::CannotBlock => "CannotBlock",
        CallErrorKind::TooDeep(_) => "TooDeep",
        CallErrorKind::Deadlock(_) => "Deadlock",
        CallErrorKind::OutOfMemory(_) => "OutOfMemory",
        CallErrorKind::TimedOut => "TimedOut",
        CallErrorKind::Cancelled => "Cancelled",
        CallErrorKind::Interrupted => "Interrupted",
        CallErrorKind::Closed(_) => "Closed",
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
