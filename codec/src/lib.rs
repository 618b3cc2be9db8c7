#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`typed`] and [`value`] encode and decode types of serde. [`Value`] is the data model of [`value`]; [`value::Writer`] and [`value::Reader`]
//! process values of another runtime.
//!
//! # Memory
//! Memory for a value is allocated fallibly: if the allocation fails, the result is an error ([`EncodeError::is_out_of_memory`],
//! [`DecodeError::is_out_of_memory`]). Serde's own collections allocate infallibly. The value format checks for memory before a list
//! grows. Maps, and lists in the typed format, are not checked.
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
mod slot;
pub mod typed;
pub mod value;

pub use error::{DecodeError, DecodeErrorKind, EncodeError, Path, PathSegment};
/// Byte strings that are copied as a whole: serde processes a plain `Vec<u8>` byte by byte.
pub use serde_bytes::{ByteBuf, Bytes};
pub use shared::SharedBytes;
pub use value::Value;
