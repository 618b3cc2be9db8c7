//! The two ends of a link as JavaScript holds them. `js/` makes coincide's JavaScript API out of them.
#![cfg(target_family = "wasm")]
#![forbid(unsafe_code)]

mod awaited;
mod codec;
mod failure;
mod function;
mod main_end;
mod panics;
mod pending;
mod references;
mod relay;
mod settled;
mod values;
mod worker_end;
