//! Sent frames, kept until the peer has acknowledged them.

use crate::packet::{self, HEADER_LEN, Header};
use coincide_proto::{ProtocolError, Transmit};
use std::collections::VecDeque;

/// Frames that are queued, or sent and unacknowledged.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// The frames, each with its length, as in packets.
    frames: VecDeque<Vec<u8>>,
    /// Their total length in bytes.
    bytes: usize,
    /// Number of the first frame. Invariant: `acknowledged <= sent <= end()`.
    acknowledged: u64,
    /// Number of the first frame of the next packet.
    sent: u64,
    /// Number after the last frame that was ever sent. Invariant: `sent <= reached <= end()`.
    reached: u64,
}

impl Outgoing {
    pub(crate) fn push(&mut self, frame: &Transmit<'_>) {
        let packed = packet::pack(frame);
        self.bytes += packed.len();
        self.frames.push_back(packed);
    }

    /// Length in bytes of the unacknowledged frames.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn has_unsent(&self) -> bool {
        self.sent < self.end()
    }

    /// Whether there are frames that were never sent.
    pub(crate) fn has_new(&self) -> bool {
        self.reached < self.end()
    }

    /// Number of the first unacknowledged frame, or of the next one.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Number of the last frame, plus 1.
    pub(crate) fn end(&self) -> u64 {
        self.acknowledged + self.frames.len() as u64
    }

    /// Handles an acknowledgement: the peer expects the frame with this number next.
    pub(crate) fn acknowledge(&mut self, number: u64) -> Result<(), ProtocolError> {
        if number > self.reached {
            return Err(packet::violation("frames are acknowledged that were never sent"));
        }
        while self.acknowledged < number {
            let frame = self.frames.pop_front().expect("there are frames up to `end`");
            self.bytes -= frame.len();
            self.acknowledged += 1;
        }
        self.sent = self.sent.max(self.acknowledged);
        Ok(())
    }

    /// Schedules all unacknowledged frames for retransmission.
    pub(crate) fn rewind(&mut self) {
        self.sent = self.acknowledged;
    }

    /// Returns a packet with all frames to be sent. Fills in `count` and `first` of the header.
    pub(crate) fn packet(&mut self, header: Header) -> Vec<u8> {
        let skipped = (self.sent - self.acknowledged) as usize;
        let frames = self.frames.range(skipped..);
        let header = Header { count: frames.len() as u32, first: self.sent, ..header };
        let mut packet = Vec::with_capacity(HEADER_LEN + frames.clone().map(Vec::len).sum::<usize>());
        header.write(&mut packet);
        frames.for_each(|frame| packet.extend_from_slice(frame));
        self.sent = self.end();
        self.reached = self.end();
        packet
    }
}
