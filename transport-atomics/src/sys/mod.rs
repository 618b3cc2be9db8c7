//! What differs from platform to platform: sleeping on a word, the signal of a bell, links to other processes.

// Loom and miri know threads, but neither futexes nor descriptors.
#[cfg(all(target_os = "linux", not(any(loom, miri))))]
#[path = "linux.rs"]
mod platform;
#[cfg(not(all(target_os = "linux", not(any(loom, miri)))))]
#[path = "other.rs"]
mod platform;

pub(crate) use platform::{Inherited, Life, Parking, Prepared, RemoteBell, Signal, inherit, prepare};
