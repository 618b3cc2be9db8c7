#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`pair`] joins two threads, [`process::spawn`] starts a process that is joined to this one. Both ends are
//! [`Transport`](coincide_proto::Transport)s. [`specification`] is `LAYOUT.md`.

// `xtask` removes code for debug formatting from the wasm of the npm package.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![deny(unsafe_code)]

#[cfg(target_family = "wasm")]
mod clock;
mod doorbell;
mod endpoint;
#[cfg(any(fuzzing, all(test, not(loom))))]
#[doc(hidden)]
pub mod fuzzing;
#[allow(unsafe_code)]
#[cfg(not(target_family = "wasm"))]
mod heap;
mod layout;
mod link;
mod memory;
#[cfg(loom)]
pub mod model;
#[cfg(not(target_family = "wasm"))]
pub mod process;
#[allow(unsafe_code)]
#[cfg(not(target_family = "wasm"))]
mod region;
mod ring;
mod sync;
#[allow(unsafe_code)]
mod sys;
#[cfg(not(target_family = "wasm"))]
mod threads;
mod wait;
#[cfg(target_family = "wasm")]
pub mod web;

#[doc = include_str!("../LAYOUT.md")]
pub mod specification {}

pub use doorbell::Doorbell;
pub use layout::Rings;
pub use link::{MainTransport, Ringer, WorkerTransport};
#[cfg(not(target_family = "wasm"))]
pub use threads::{pair, pair_of_loops};
pub use wait::BusyPoll;
