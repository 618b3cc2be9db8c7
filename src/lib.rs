#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//! [`Main`] serves workers; [`Main::spawn`] starts one and gives a [`Worker`], main's handle. The worker's own side is a
//! [`Scope`]: its [`Sync`] calls main, [`Scope::export`] offers functions that main reaches through [`Worker::exports`]. Typed
//! interfaces are declared by [`interface!`]. Why a call failed is told by [`CallError`].
#![forbid(unsafe_code)]

mod cancel;
mod clock;
mod end;
mod error;
mod exports;
mod functions;
mod interface;
mod link;
mod main_loop;
mod names;
#[cfg(not(target_family = "wasm"))]
mod native;
mod payload;
mod pending;
pub mod raw;
mod scope;
#[cfg(target_family = "wasm")]
mod script;
mod sync;
mod thrown;
#[cfg(target_family = "wasm")]
mod web;
pub mod window;
mod worker;

pub use cancel::CancelToken;
pub use coincide_codec::{ByteBuf, Bytes, Value};
pub use coincide_proto::{CloseReason, Closed, ClosedBy, Config as Limits, ErrorCode, SendError, Transport};
pub use coincide_transport_atomics::LinkConfig as Rings;
#[cfg(target_family = "wasm")]
pub use coincide_transport_sw::{
    Patience as RelayPatience,
    web::{Carrier as RelayCarrier, Inbox, Relay},
};
pub use error::{CallError, LinkClosed, SpawnError, Stop};
pub use exports::{BytesFuture, CallFuture, Exports, RawFuture};
pub use functions::{Fallible, Handler, Plain, Reply};
pub use interface::{Caller, Interface};
pub use main_loop::{Main, Turn};
pub use names::Workers;
#[cfg(not(target_family = "wasm"))]
pub use native::serve_process;
pub use payload::{Args, DecodeError, EncodeError, Schema};
pub use scope::Scope;
#[cfg(target_family = "wasm")]
pub use script::{ServeError, serve_script};
pub use sync::Sync;
pub use thrown::Thrown;
#[cfg(target_family = "wasm")]
pub use web::Attached;
pub use worker::{Worker, WorkerBuilder};
