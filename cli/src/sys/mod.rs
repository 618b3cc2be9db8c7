//! Differences between operating systems.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{do_not_block, is_link_loop, raise_file_limit};
#[cfg(unix)]
pub(crate) use unix::{do_not_block, is_link_loop, raise_file_limit};
