//! The engines of a thread of JavaScript, as a state machine. `js/` is the host: see `js/link/end.js` and `js/link/loop.js`.
//!
//! JavaScript calls a function, which returns an action, and performs the action. Only numbers cross the boundary:
//! - An end has an id.
//! - A payload is an offset and a length in scratch memory.
//! - An action is a kind, which is returned, and words at a fixed address (see `memory.rs`).
//!
//! wasm calls functions for shared memory, ports and the clock, which neither throw nor call wasm. No code of the program runs above a frame of
//! wasm.
// `xtask` removes code for debug formatting from the wasm of the npm package.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![cfg(target_family = "wasm")]
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "wasm-bindgen exports public functions only")]

mod action;
mod buffers;
mod calls;
mod end;
mod failure;
mod memory;
#[cfg(debug_assertions)]
mod panics;
mod ports;
mod turn;
