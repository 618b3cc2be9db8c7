//! Objects of main, used from a worker as if they were its own: `window`, `document`, and what they lead to.
//!
//! [`Scope::window`](crate::Scope::window) gives main's global object as a [`Remote`]. What is read from it is another remote object, or a value in
//! any type that serde can deserialize. Chains of [`get`](Path::get) are ways, not trips: main is asked once, by what the chain ends in.
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
//! # What travels how
//! Whatever serde can serialize goes to main as a copy, with a [`Remote`] in it as the object that it stands for and a [`Callback`] as a function.
//! Primitives and binary data come from main as copies, all other objects as references, which only a [`Remote`] takes:
//! the fields of an object are read by [`gather`](Path::gather).
//!
//! # Errors
//! They are those of every call: what main throws is [`CallErrorKind::Threw`](crate::CallErrorKind::Threw) with class, message and stack, a closed link is
//! [`Closed`](crate::CallErrorKind::Closed), and a worker that can't block gets [`CannotBlock`](crate::CallErrorKind::CannotBlock). The "function" of such an error is the way
//! to the object, such as `window.document.body`.
//!
//! # Memory
//! Main keeps an object for as long as a `Remote` of it is there, and the worker a function for as long as main can call it. Dropping the last `Remote` gives the
//! object back, many at once: at the latest when the worker has nothing else to do. The end of the link gives back everything.

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

pub use batch::Batch;
pub use callback::Callback;
pub use key::Key;
#[cfg(target_family = "wasm")]
pub use main::{Root, Sharing};
pub use path::Path;
pub use remote::Remote;
