//! Packets: a header, and frames with their lengths (section 20 of the specification).

use coincide_proto::{ProtocolError, Transmit};
use std::borrow::Cow;

/// The variable fields of a packet's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) flags: u8,
    /// The worker's turn: odd while it collects.
    pub(crate) turn: u32,
    /// Number of frames that follow.
    pub(crate) count: u32,
    /// Number of the first of them, or of the next frame.
    pub(crate) first: u64,
    /// Number of the next frame that the sender will consume.
    pub(crate) ack: u64,
}

impl Header {
    pub(crate) fn write(&self, packet: &mut Vec<u8>) {
        packet.extend_from_slice(&MAGIC);
        packet.extend_from_slice(&[VERSION, self.flags, 0, 0]);
        packet.extend_from_slice(&self.turn.to_le_bytes());
        packet.extend_from_slice(&self.count.to_le_bytes());
        packet.extend_from_slice(&self.first.to_le_bytes());
        packet.extend_from_slice(&self.ack.to_le_bytes());
    }

    /// Reads the header of `packet` and validates its frames. Returns the header, and the length in bytes of the whole packet.
    pub(crate) fn read(packet: &[u8]) -> Result<(Self, usize), ProtocolError> {
        let Some(bytes) = packet.first_chunk::<HEADER_LEN>() else {
            return Err(violation("a packet is shorter than its header"));
        };
        if !is_packet(packet) {
            return Err(violation("a packet has the wrong magic or version"));
        }
        let header = Self {
            flags: bytes[5],
            turn: word(&bytes[8..]),
            count: word(&bytes[12..]),
            first: u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes")),
            ack: u64::from_le_bytes(bytes[24..].try_into().expect("eight bytes")),
        };
        if header.flags & !FLAGS != 0 {
            return Err(violation("a packet has unknown flags"));
        }
        if header.first.checked_add(u64::from(header.count)).is_none() {
            return Err(violation("a packet has frames beyond the last number"));
        }
        let mut at = HEADER_LEN;
        for _ in 0..header.count {
            at += frame_at(packet, at).ok_or_else(|| violation("a packet has a frame of an impossible length"))?.len()
                + 4;
        }
        Ok((header, at))
    }

    /// Number of the last frame, plus 1.
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Whether a message may be a packet, and not another message of the program.
pub(crate) fn is_packet(message: &[u8]) -> bool {
    message.starts_with(&[MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], VERSION])
}

/// The frame whose length is at `at`.
pub(crate) fn frame_at(packet: &[u8], at: usize) -> Option<&[u8]> {
    let (length, rest) = packet.get(at..)?.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    if (MIN_FRAME..=MAX_FRAME).contains(&length) { rest.get(..length) } else { None }
}

/// A frame with its length, as in packets.
pub(crate) fn pack(frame: &Transmit<'_>) -> Vec<u8> {
    let mut packed = Vec::with_capacity(4 + frame.len());
    packed.extend_from_slice(&(frame.len() as u32).to_le_bytes());
    frame.append_to(&mut packed);
    packed
}

pub(crate) fn violation(rule: &'static str) -> ProtocolError {
    ProtocolError(Cow::Borrowed(rule))
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"))
}

/// The sender has left: no frame follows those of this packet.
pub(crate) const LAST: u8 = 1;
/// The sender has left and keeps no frames: missing frames before those of this packet are lost.
pub(crate) const GONE: u8 = 2;

pub(crate) const HEADER_LEN: usize = 32;
/// Longest frame in bytes.
pub(crate) const MAX_FRAME: usize = 256 << 10;
/// Shortest frame in bytes: a header.
const MIN_FRAME: usize = 16;
const FLAGS: u8 = LAST | GONE;
const MAGIC: [u8; 4] = *b"coin";
const VERSION: u8 = 1;
