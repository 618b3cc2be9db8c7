//! Frames and the session state machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod frame;
mod session;
mod transport;

pub use frame::{
    CloseReason, ErrorCode, Flags, Format, Greeting, Header, Kind, MAGIC, MAX_NAME, MIN_FRAME, VERSION,
};
pub use session::{ProtocolError, Session};
pub use transport::{FrameBytes, Gone, ReceiveError, Transmit, Transport};
