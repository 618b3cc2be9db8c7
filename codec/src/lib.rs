//! Values to bytes and back: the payload formats of coincide.
//!
//! - [`typed`]: a schema hash and plain postcard, for two ends that know the same serde type.
//! - [`value`]: self-describing, for everybody else. [`Value`] is its data model; anything that serde can serialize or deserialize goes
//!   to it and comes from it without a `Value` in between, and [`value::Writer`] and [`value::Reader`] are for those who
//!   walk over values of another runtime.
//!
//! | serde | value |
//! |---|---|
//! | `()`, unit structs | `undefined` |
//! | `None` | `null`; `undefined` is read as `None` too |
//! | booleans, strings, `char` | the same |
//! | integers | a number up to 2^53 - 1 in magnitude, beyond a bigint; either is read |
//! | floats | a number |
//! | sequences, tuples | an array; a `Set` and typed arrays are read too |
//! | bytes ([`Bytes`], [`ByteBuf`], [`SharedBytes`]) | a `Uint8Array`; buffers, views of bytes and blobs are read too |
//! | structs, maps with strings as keys | a plain object; a `Map` is read too |
//! | other maps | a `Map` |
//! | variants without content | a string |
//! | other variants | an object with one property, the variant's name |
//!
//! ```
//! use coincide_codec::{Value, value};
//!
//! let mut buffer = Vec::new();
//! value::args_to_buf(&("PyScript", [1, 2]), &mut buffer)?;
//! let args: (String, Vec<u8>) = value::args_from_slice(&buffer)?;
//! assert_eq!(args, ("PyScript".into(), vec![1, 2]));
//! assert_eq!(Value::decode(&buffer)?, Value::Array(vec!["PyScript".into(), Value::Array(vec![1.into(), 2.into()])]));
//! let error = value::args_from_slice::<(String, String)>(&buffer).unwrap_err();
//! assert_eq!(error.to_string(), "args[1]: expected a string, got sequence");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a value takes is reserved fallibly: without memory for it there is an error ([`EncodeError::is_out_of_memory`],
//! [`DecodeError::is_out_of_memory`]). Serde's own collections allocate by themselves. Before a list of theirs grows, the value format makes sure
//! that there is memory for it; for maps, and for lists of the typed format, nothing does.
//!
//! The bytes are specified in sections 17 and 18 of `proto/SPEC.md` in the repository.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod error;
#[cfg(feature = "js")]
pub mod js;
mod memory;
pub mod schema;
pub mod shared;
pub mod typed;
pub mod value;

pub use error::{DecodeError, DecodeErrorKind, EncodeError, Path, PathSegment};
/// Bytes that move by memcpy: serde takes a `Vec<u8>` of its own byte by byte.
pub use serde_bytes::{ByteBuf, Bytes};
pub use shared::SharedBytes;
pub use value::Value;
