#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`Delivery`] is one end of a link, without I/O. [`Poller`] polls the relay for a worker that blocks. Neither reads a clock nor
//! depends on a browser. `link`, compiled for wasm only, connects them to a session and to the functions that post messages and make requests.
//! [`RELAY_SCRIPT`] is the script of the service worker.

// `xtask` removes code for debug formatting from the wasm of the npm package.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![forbid(unsafe_code)]

/// Script of the relay: a service worker, or a script for `importScripts` at the top of another one. Serve it from the site's own origin.
pub const RELAY_SCRIPT: &str = include_str!("../js/sw.js");

mod endpoint;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod incoming;
#[cfg(target_family = "wasm")]
pub mod link;
mod outgoing;
mod packet;
mod poller;

pub use endpoint::{Channel, Delivery, Packet, PacketError};
pub use poller::{PollError, PollPolicy, Poller, RelayIo, Unreachable};
