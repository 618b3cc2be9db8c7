//! The engines of a thread of JavaScript, as a state machine. `js/` is the host: see `js/end.js` and `js/loop.js`.
//!
//! JavaScript calls a function, which returns; then JavaScript does what it says. Only numbers cross: ends are named by ids, payloads by offset and
//! length in scratch memory, actions by a kind that is returned and by words at a fixed address (`memory.rs` has both). wasm calls functions of shared
//! memory, of the port and of the clock, which neither throw nor call wasm. No code of the program runs above a frame of wasm.
// The npm package has no code that formats for programmers: `xtask` takes it out of the wasm.
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
