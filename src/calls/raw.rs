//! Calls whose payloads are bytes in a known format, for language runtimes whose values do not implement serde's traits.
//!
//! A runtime encodes its own values in the value format (see [`Format::Value`]) and decodes them. Arguments are an array, even if there are
//! none. A result is one value. A function throws a value, preferably an error.
//!
//! The program owns the references and handles in these bytes:
//! - in the arguments that a raw function receives, even if it refuses them,
//! - in the result of a raw call,
//! - references in an error that a raw call throws.
//!
//! The program releases each of them as often as it was received, by [`Worker::release`](crate::Worker::release) or
//! [`Scope::release`](crate::Scope::release). It keeps the objects that it has sent until [`on_released`](crate::Worker::on_released) reports
//! them. `Reader::skip_references` and `Reader::skip_handles` of `coincide-codec` find them.
//!
//! References and handles in other payloads are released automatically. These are arguments for which there is no function, results of calls
//! that have ended, and handles in errors.
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

pub use super::error::RawError;
pub use super::functions::{Failure, RawReply};
pub use coincide_proto::Format;
