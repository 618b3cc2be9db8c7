//! Two engines joined in memory, under a virtual clock: the rules of dispatch, and random schedules.

mod allocations;
mod ends;
mod random;
mod rules;
mod world;
