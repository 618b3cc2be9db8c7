//! Calls whose payloads are bytes in a known format: for authors of language runtimes, whose values serde doesn't know.
//!
//! A runtime walks its own values into the bytes of the value format (see [`Format::Value`]) and back. Arguments are an array, also
//! of none; a result is one value; what a function throws is a value too, by preference an error.
//!
//! ```
//! use coincide::raw::{Format, RawReply};
//! use coincide::{Main, Value};
//!
//! let main = Main::new()?;
//! let worker = main.spawn(|scope| {
//!     let mut arguments = Vec::new();
//!     Value::Array(vec![20.into()]).encode(&mut arguments)?;
//!     let (format, result) = scope.sync().call_raw("double", |buffer| {
//!         buffer.extend_from_slice(&arguments);
//!         Format::Value
//!     })?;
//!     assert_eq!((format, Value::decode(&result)?), (Format::Value, 40.into()));
//!     Ok(())
//! })?;
//! worker.register_raw("double", |_format, arguments, result| {
//!     assert_eq!(Value::decode(arguments), Ok(Value::Array(vec![20.into()])));
//!     Value::from(40).encode(result).expect("a number can be sent");
//!     Ok(RawReply::Now(Format::Value))
//! });
//! main.block_on(worker.ready())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::error::CallError;
use crate::{ErrorCode, Thrown};
use coincide_proto::{Outcome, Session};
use futures_util::future::LocalBoxFuture;

pub use crate::functions::Failure;
pub use coincide_proto::Format;

/// How a raw function answers.
pub enum RawReply {
    /// The result is in the buffer, in this format.
    Now(Format),
    /// The result comes later: its format and its bytes.
    Later(LocalBoxFuture<'static, Result<(Format, Vec<u8>), Failure>>),
}

impl std::fmt::Debug for RawReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(format) => f.debug_tuple("Now").field(format).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// Why a raw call gave no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RawError {
    /// The function threw: the bytes of a value.
    #[error("{}", Thrown::from_payload(.0))]
    Threw(Vec<u8>),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl RawError {
    pub(crate) fn from_outcome(function: &str, outcome: Outcome, session: &Session) -> Self {
        match outcome {
            Outcome::Threw { code: ErrorCode::THROWN, format: Format::Value, payload } => Self::Threw(payload),
            outcome => Self::Failed(CallError::from_outcome(function, &outcome, session)),
        }
    }

    pub(crate) fn into_call_error(self, function: &str) -> CallError {
        match self {
            Self::Threw(payload) => {
                CallError::Threw { function: function.into(), thrown: Box::new(Thrown::from_payload(&payload)) }
            }
            Self::Failed(error) => error.named(function),
        }
    }
}
