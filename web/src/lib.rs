//! The two ends of a link as JavaScript holds them. `js/` makes coincide's JavaScript API out of them.
//!
//! Values cross as bytes of the value format. JavaScript encodes them into scratch memory and decodes them where they are.
#![cfg(target_family = "wasm")]
#![forbid(unsafe_code)]

mod awaited;
mod convert;
mod failure;
mod function;
mod later;
mod main_end;
mod outcome;
mod panics;
mod pending;
mod references;
mod relay;
mod scratch;
mod worker_end;
