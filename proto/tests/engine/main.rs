//! Two engines joined in memory, under a virtual clock: the rules of dispatch, and random schedules.

mod allocations;
mod control_poll;
#[path = "../counting/mod.rs"]
mod counting;
mod deadlocks;
mod dispatch;
mod ends;
#[cfg(feature = "fibers")]
mod fibers;
mod missing_objects;
mod random;
#[path = "../schedule/mod.rs"]
mod schedule;
mod states;
mod world;
