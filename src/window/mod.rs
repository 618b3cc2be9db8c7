//! Objects of main, used from a worker as if they were local: `window`, `document`, and all objects that can be reached from them.
//!
//! [`Scope::window`](crate::Scope::window) returns main's global object as a [`Remote`]. Reading from it returns another remote object, or a value of
//! any type that serde can deserialize. A chain of [`get`](Path::get) takes no trips: it is sent with the operation at its end.
//!
//! ```no_run
//! use coincide::window::{Callback, Remote};
//! use coincide::{Scope, Thrown};
//!
//! fn worker(scope: &Scope) -> Result<(), Thrown> {
//!     let window = scope.window();
//!     // One trip.
//!     window.get("document")?.get("body")?.set("textContent", "hi")?;
//!
//!     let document = window.get("document")?.resolve()?;
//!     let title: String = document.get("title")?.read()?;
//!     let button: Remote = document.call("createElement", ("button",))?;
//!     button.set("textContent", format!("Rename {title}"))?;
//!     let renamed = document.clone();
//!     button.run("addEventListener", ("click", Callback::new(move |event: Remote| {
//!         let name: String = event.get("target")?.get("nodeName")?.read()?;
//!         renamed.set("title", name)?;
//!         Ok::<(), Thrown>(())
//!     })))?;
//!     document.get("body")?.run("append", (button,))?;
//!     Ok(())
//! }
//! ```
//!
//! # Copies and references
//! Values that serde can serialize are sent to main as copies. In them, a [`Remote`] stands for its object and a [`Callback`] for a function.
//! Primitives and binary data are received from main as copies, all other objects as references, which only a [`Remote`] accepts.
//! Read the fields of an object with [`gather`](Path::gather).
//!
//! # Errors
//! The errors are those of calls:
//! - [`CallErrorKind::Threw`](crate::CallErrorKind::Threw), with class, message and stack, if main throws.
//! - [`Closed`](crate::CallErrorKind::Closed) if the link is closed.
//! - [`CannotBlock`](crate::CallErrorKind::CannotBlock) if the worker can't block.
//!
//! The `function` of such an error is the path of the object, such as `window.document.body`.
//!
//! # Memory
//! Main keeps an object while a `Remote` of it exists. The worker keeps a function while main can call it. Dropping the last `Remote` releases
//! the object. Releases are sent in batches, at the latest when the worker is idle. The end of the link releases everything.

mod batch;
mod callback;
mod key;
mod link;
#[cfg(target_family = "wasm")]
mod main;
mod path;
mod promise;
mod remote;
mod table;
mod wire;

pub(crate) use link::Aside;

pub use batch::Batch;
pub use callback::Callback;
pub use key::Key;
#[cfg(target_family = "wasm")]
pub use main::{Root, Sharing};
pub use path::Path;
pub use remote::Remote;
