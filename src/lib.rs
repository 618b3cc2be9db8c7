//! **Synchronous** calls from a worker to main, which never blocks and awaits the functions that the worker exports.
//!
//! A worker is a thread, a process, or on a page a Web Worker with both ends compiled to wasm. A link is a pair of rings in shared
//! memory. On pages without shared memory it consists of messages: see `Tier` in the documentation for wasm.
//!
//! ```sh
//! cargo add coincide
//! ```
//!
//! ```
//! use coincide::{Main, Thrown};
//!
//! let main = Main::new()?;
//! let worker = main.spawn(|scope| {
//!     // Blocks this thread, not main, until the result arrives.
//!     let greeting: String = scope.sync().call("hello", ("PyScript",))?;
//!     assert_eq!(greeting, "Hello, PyScript");
//!     scope.export("heavy_computation", || 6 * 7);
//!     Ok::<(), Thrown>(())
//! })?;
//! worker.register("hello", |name: String| format!("Hello, {name}"));
//! let result: i32 = main.block_on(worker.proxy().call("heavy_computation", ()))?;
//! assert_eq!(result, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to begin
//! | you want to | see |
//! |---|---|
//! | run the main end of workers | [`Main`] |
//! | start a worker: a thread, a process, a Web Worker, or over a transport of your own | [`Main::spawn`], [`WorkerBuilder`] |
//! | register functions for a worker, and end it | [`Worker`] |
//! | spread calls over several workers | [`Pool`] |
//! | write a worker | [`Scope`] |
//! | call main from the worker, blocking | [`SyncProxy`] |
//! | call the other end and await the result | [`Proxy`]; from other threads [`SharedProxy`] |
//! | pass functions as arguments and results | [`Callback`], [`RemoteFunction`] |
//! | send rows as the other end requests them | [`Source`], [`RemoteStream`] |
//! | have the compiler check names and types on both sides | [`interface!`] |
//! | handle calls that fail | [`CallError`], [`Thrown`] |
//! | end a call early | [`SyncProxy::with_timeout`], [`CancelToken`]; dropping the future of an awaited call |
//! | change limits and sizes | [`Config`], [`Rings`], [`Main::set_memory_budget`] |
//! | run a worker in an event loop | [`Driver`] |
//! | use the page's `window` in a worker | [`window`] |
//!
//! [The repository](https://github.com/coincide-rs/coincide) has the npm package with the same protocol, [the specification](https://github.com/coincide-rs/coincide/blob/main/proto/SPEC.md),
//! [the structure of the crates](https://github.com/coincide-rs/coincide/blob/main/docs/explanation/architecture.md) and measurements against peers.
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

pub use calls::callback::Callback;
pub use calls::error::{CallError, CallErrorKind, LinkClosed, SpawnError, Stop};
pub use calls::functions::{Fallible, Handler, Plain, Reply};
pub use calls::interface::{Caller, Interface};
pub use calls::payload::{Args, Schema};
pub use calls::proxy::{BytesFuture, CallFuture, Proxy, RawFuture};
pub use calls::raw;
pub use calls::remote_function::RemoteFunction;
pub use calls::remote_stream::{BlockingStream, RemoteStream};
pub use calls::source::Source;
pub use calls::thrown::Thrown;
pub use calls::turn::Turn;
pub use coincide_codec::{ByteBuf, Bytes, DecodeError, EncodeError, SharedBytes, Value};
pub use coincide_proto::{CloseReason, Closed, ClosedBy, Config, ErrorCode, SendError, Transport};
pub use coincide_transport_atomics::{Doorbell, Rings};
pub use main::{Main, Pool, PoolFuture, PoolProxy, SharedFuture, SharedProxy, Worker, WorkerBuilder, Workers};
#[cfg(not(target_family = "wasm"))]
pub use native::serve_process;
#[cfg(target_family = "wasm")]
pub use script::{Diagnosis, ServeError, Tier, serve_script};
#[cfg(not(target_family = "wasm"))]
pub use worker::Detached;
pub use worker::{CancelToken, Driver, Scope, SyncProxy};

/// Compiles and runs the programs of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
