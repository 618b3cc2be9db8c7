#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`Session`] is one end of a link and produces [`Event`]s; a [`Transport`] carries its frames. [`engine`] adds the rules by which
//! both ends dispatch calls, still without I/O.
// `xtask` removes code for debug formatting from the wasm of the npm package.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "conformance")]
extern crate std;

mod assembly;
mod budget;
mod calls;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deadlines;
pub mod engine;
mod error;
mod event;
mod frame;
mod hosted;
mod message;
mod payload;
mod pool;
mod session;
mod transport;

pub use budget::Budget;
pub use config::Config;
pub use error::{NoSuchCall, ProtocolError, SendError};
pub use event::{CallId, Closed, ClosedBy, Event, Outcome, Role, Time};
pub use frame::{CloseReason, ErrorCode, Flags, Format, Handshake, Header, Kind, MAGIC, MAX_NAME, MIN_FRAME, VERSION};
pub use hosted::{Allot, Hosted, HostedPart, HostedSegment, in_parts};
pub use payload::{MAX_SEGMENTS, Payload, Segment};
pub use session::{Call, Progress, Session};
pub use transport::{ControlSignals, FrameBytes, Gone, ReceiveError, Transmit, Transport};
