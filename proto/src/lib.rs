//! Frames and the session state machine of coincide, without I/O.
//!
//! A [`Session`] is one end of a link between *main*, which must never block, and a *worker*, which may. It turns calls into
//! frames and frames into [`Event`]s; bytes and the current time come in as arguments. A [`Transport`] carries the frames.
//! The specification of everything that travels is `SPEC.md` in this crate's folder.
//!
//! ```
//! use coincide_proto::{Call, Config, Event, Format, Outcome, Progress, Role, Session};
//!
//! /// Carries all frames of one session to the other.
//! fn carry(from: &mut Session, to: &mut Session) {
//!     let mut deliver = |frame: &coincide_proto::Transmit<'_>| {
//!         to.handle_frame(&frame.to_vec()[..]).map(|()| true)
//!     };
//!     while from.transmit(4096, &mut deliver) == Ok(Progress::Sent) {}
//! }
//!
//! let mut main = Session::new(Role::Main, Config::default());
//! let mut worker = Session::new(Role::Worker, Config { name: "greeter".into(), ..Config::default() });
//! let call = worker.call(Call { name: "hello", ..Call::default() }, b"PyScript".to_vec())?;
//! carry(&mut worker, &mut main); // the greeting
//! carry(&mut main, &mut worker);
//! carry(&mut worker, &mut main); // the call
//!
//! assert_eq!(main.poll_event(), Some(Event::Opened));
//! assert_eq!(main.peer_name(), "greeter");
//! let Some(Event::Call { id, payload, .. }) = main.poll_event() else { panic!() };
//! assert_eq!(main.function(id), Some("hello"));
//! main.reply(id, Format::Bytes, [b"Hello, ", &payload.into_bytes()[..]].concat())?;
//! carry(&mut main, &mut worker);
//!
//! assert_eq!(worker.poll_event(), Some(Event::Opened));
//! let outcome = Outcome::Returned { format: Format::Bytes, payload: b"Hello, PyScript".to_vec().into() };
//! assert_eq!(worker.poll_event(), Some(Event::Ended { id: call, outcome }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
// The npm package has no code that formats for programmers: `xtask` takes it out of the wasm.
#![cfg_attr(target_family = "wasm", warn(clippy::use_debug))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "conformance")]
extern crate std;

mod assembly;
mod budget;
mod calls;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deadlines;
pub mod engine;
mod error;
mod event;
mod frame;
mod hosted;
mod message;
mod payload;
mod pool;
mod session;
mod transport;

pub use budget::Budget;
pub use config::Config;
pub use error::{NoSuchCall, ProtocolError, SendError};
pub use event::{CallId, Closed, ClosedBy, Event, Outcome, Role, Time};
pub use frame::{CloseReason, ErrorCode, Flags, Format, Greeting, Header, Kind, MAGIC, MAX_NAME, MIN_FRAME, VERSION};
pub use hosted::{Allot, Hosted, HostedPart, HostedSegment, in_parts};
pub use payload::{MAX_SEGMENTS, Payload, Segment};
pub use session::{Call, Progress, Session};
pub use transport::{Asked, FrameBytes, Gone, ReceiveError, Transmit, Transport};
