#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`Main`] serves workers; [`Main::spawn`] starts one and returns a [`Worker`], main's handle. The worker's own side is a
//! [`Scope`]: its [`SyncProxy`] calls main, [`Scope::export`] exports functions that main awaits through a [`Proxy`]. Typed
//! interfaces are declared by [`interface!`]. A call that fails returns a [`CallError`].
#![forbid(unsafe_code)]
// Main is the end that never blocks.
#![allow(special_module_name)]

mod calls;
#[cfg_attr(target_family = "wasm", path = "web/events.rs")]
#[cfg_attr(not(target_family = "wasm"), path = "native/events.rs")]
mod events;
mod main;
#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod script;
pub mod window;
mod worker;

pub use calls::error::{CallError, CallErrorKind, LinkClosed, SpawnError, Stop};
pub use calls::functions::{Fallible, Handler, Plain, Reply};
pub use calls::interface::{Caller, Interface};
pub use calls::payload::{Args, Schema};
pub use calls::proxy::{BytesFuture, CallFuture, Proxy, RawFuture};
pub use calls::raw;
pub use calls::thrown::Thrown;
pub use calls::turn::Turn;
pub use coincide_codec::{ByteBuf, Bytes, DecodeError, EncodeError, SharedBytes, Value};
pub use coincide_proto::{CloseReason, Closed, ClosedBy, Config, ErrorCode, SendError, Transport};
pub use coincide_transport_atomics::{Bell, Rings};
pub use main::{Main, SharedFuture, SharedProxy, Worker, WorkerBuilder, Workers};
#[cfg(not(target_family = "wasm"))]
pub use native::serve_process;
#[cfg(target_family = "wasm")]
pub use script::{ServeError, serve_script};
#[cfg(not(target_family = "wasm"))]
pub use worker::Detached;
pub use worker::{CancelToken, Driver, Scope, SyncProxy};
