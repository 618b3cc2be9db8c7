#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`typed`] and [`value`] encode and decode types of serde. [`Value`] is the data model of [`value`]; [`value::Writer`] and [`value::Reader`]
//! process values of another runtime.
//!
//! # Memory
//! What a value takes is reserved fallibly: without memory for it there is an error ([`EncodeError::is_out_of_memory`],
//! [`DecodeError::is_out_of_memory`]). Serde's own collections allocate by themselves. Before a list of theirs grows, the value format makes sure
//! that there is memory for it; for maps, and for lists of the typed format, nothing does.
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
/// Bytes that move by memcpy: serde takes a `Vec<u8>` of its own byte by byte.
pub use serde_bytes::{ByteBuf, Bytes};
pub use shared::SharedBytes;
pub use value::Value;
