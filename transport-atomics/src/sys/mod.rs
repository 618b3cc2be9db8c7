//! Platform code: sleeping on a word, the signal of a doorbell, the clock, links to other processes.

// Loom and miri support threads, but neither futexes nor descriptors.
#[cfg(all(target_os = "linux", not(any(loom, miri))))]
#[path = "linux.rs"]
mod platform;
#[cfg(target_family = "wasm")]
#[path = "wasm.rs"]
mod platform;
#[cfg(not(any(all(target_os = "linux", not(any(loom, miri))), target_family = "wasm")))]
#[path = "other.rs"]
mod platform;

#[cfg(target_family = "wasm")]
pub(crate) use crate::clock::Instant;
#[cfg(not(target_family = "wasm"))]
pub(crate) use std::time::Instant;

#[cfg(not(target_family = "wasm"))]
pub(crate) use platform::{Inherited, Life, Parking, Prepared, Process, RemoteDoorbell, inherit, prepare};
pub(crate) use platform::{SharedMemory, Signal};
