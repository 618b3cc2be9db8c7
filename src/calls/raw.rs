//! Calls whose payloads are bytes in a known format, for language runtimes whose values do not implement serde's traits.
//!
//! A runtime encodes its own values in the value format (see [`Format::Value`]) and decodes them. Arguments are an array, even if there are
//! none. A result is one value. A function throws a value, preferably an error.
//!
//! The bytes belong to the program, with the references and handles in them: what a raw function receives, also if it refuses its arguments, what a raw call
//! returns, and references in what it throws. The program releases each of them once for each time that it has received it, with [`Worker::release`](crate::Worker::release) or
//! [`Scope::release`](crate::Scope::release), and keeps what it has sent until [`on_released`](crate::Worker::on_released) reports it.
//! `Reader::skip_references` and `Reader::skip_handles` of `coincide-codec` find them. References and handles in payloads that the program does not receive are released
//! for it: arguments for which there is no function, results of calls that have ended, and handles in errors.
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
