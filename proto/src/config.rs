//! Settings of a session: limits, and the name of the endpoint.

use crate::{Handshake, MAX_NAME, MIN_FRAME, VERSION};
use alloc::string::String;
use core::time::Duration;

/// Settings of a session. Values out of range are clamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of the worker in its handshake. Truncated to [`MAX_NAME`] bytes. Default empty.
    pub name: String,
    /// Largest frame in bytes accepted from the peer, at least [`MIN_FRAME`]. Default 1 MiB.
    pub max_frame: u32,
    /// Largest body in bytes accepted from the peer, and largest sum of bodies that arrive in parts. At least [`MIN_FRAME`]. Default 1 GiB.
    pub max_message: u64,
    /// Maximum number of unanswered calls of the peer, 1 to 65,535. Default 16,384.
    pub max_pending: u32,
    /// Deepest nesting of calls, at least 1. Default 64.
    pub max_depth: u16,
    /// Maximum total size in bytes of spare buffers. Default 4 MiB.
    pub spare_bytes: usize,
    /// Whether payloads are received with the [segments](crate::Payload) that the peer names. Default true. If false, every payload arrives
    /// as a head.
    pub segments: bool,
    /// Time after which a deferred call counts as a deadlock if the call whose handler made it has not ended
    /// (see [`Session::defer`](crate::Session::defer)). Default 3 s.
    pub deadlock_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            max_frame: 1 << 20,
            max_message: 1 << 30,
            max_pending: 16_384,
            max_depth: 64,
            spare_bytes: 4 << 20,
            segments: true,
            deadlock_timeout: Duration::from_secs(3),
        }
    }
}

impl Config {
    pub(crate) fn clamped(mut self) -> Self {
        self.name.truncate(self.name.floor_char_boundary(MAX_NAME));
        self.max_frame = self.max_frame.max(MIN_FRAME as u32);
        self.max_message = self.max_message.max(MIN_FRAME as u64);
        self.max_pending = self.max_pending.clamp(1, 65_535);
        self.max_depth = self.max_depth.max(1);
        self
    }

    pub(crate) fn handshake(&self) -> Handshake {
        Handshake {
            major: VERSION.0,
            minor: VERSION.1,
            features: 0,
            max_frame: self.max_frame,
            max_message: self.max_message,
            max_pending: self.max_pending,
            max_depth: self.max_depth,
        }
    }
}
