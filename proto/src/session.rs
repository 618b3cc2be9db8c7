//! The state machine of one end of a link.

use crate::FrameBytes;
use alloc::borrow::Cow;

/// One end of a link.
pub struct Session {}

impl Session {
    /// Takes a frame in.
    ///
    /// # Errors
    /// When the peer broke the protocol.
    pub fn handle_frame(&mut self, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        let _ = frame;
        Ok(())
    }
}

/// The peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end broke the protocol: {0}")]
pub struct ProtocolError(pub Cow<'static, str>);
