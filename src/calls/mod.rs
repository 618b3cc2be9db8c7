//! Calls at either end of a link: proxies, functions, payloads, errors.

pub(crate) mod callback;
pub(crate) mod clock;
pub(crate) mod defaults;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod failure;
pub(crate) mod functions;
pub(crate) mod handles;
pub(crate) mod host;
pub(crate) mod interface;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod operation;
pub(crate) mod payload;
pub(crate) mod pending;
pub(crate) mod proxy;
pub mod raw;
pub(crate) mod remote;
pub(crate) mod remote_function;
pub(crate) mod remote_stream;
pub(crate) mod slot;
pub(crate) mod source;
pub(crate) mod tables;
pub(crate) mod thrown;
pub(crate) mod turn;
#[cfg(all(test, not(target_family = "wasm")))]
mod turn_tests;
