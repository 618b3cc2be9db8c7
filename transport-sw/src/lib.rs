//! The transport of coincide for pages that are not cross-origin isolated: packets in posted messages, and, for a worker that
//! blocks, in the response of a synchronous request that a service worker holds open.
//!
//! [`Delivery`] is one end without any I/O: it makes packets of frames, numbers and acknowledges them, sends again what was lost and
//! drops what came twice, so that each frame arrives exactly once and in order whatever becomes of the service worker.
//! [`Collector`] is the part of a worker that collects packets from the relay. Neither reads a clock or knows a browser;
//! `link` joins them to a session and to what posts and asks for them.
//!
//! Section 20 of `SPEC.md` of `coincide-proto` specifies packets, requests and rules, for whoever writes another end or relay.
//! The relay itself is plain JavaScript: `js/sw.js`, and as a module `js/sw-listeners.js`.

// The npm package has no code that formats for programmers: `xtask` takes it out of the wasm.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![forbid(unsafe_code)]

/// The relay: a service worker by itself, or for `importScripts` at the top of another one. It has to be served from the site's own origin.
pub const RELAY_SCRIPT: &str = include_str!("../js/sw.js");

mod collector;
mod endpoint;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod incoming;
#[cfg(target_family = "wasm")]
pub mod link;
mod outgoing;
mod packet;

pub use collector::{Collector, PollError, PollPolicy, Poller, Unreachable};
pub use endpoint::{Breach, Channel, Delivery, Packet};
