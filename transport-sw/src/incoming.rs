//! Received frames, in order and without repetitions, until the session consumes them.

use crate::packet::{self, HEADER_LEN, Header};
use std::collections::VecDeque;

/// Frames that have been received and not consumed.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    parcels: VecDeque<Parcel>,
    /// Length in bytes of the frames in them, with their lengths.
    bytes: usize,
    /// Number of the next frame that the session consumes.
    consumed: u64,
    /// Number of the next frame that may arrive. Invariant: `consumed <= expected`.
    expected: u64,
}

/// Frames of one packet.
#[derive(Debug)]
struct Parcel {
    bytes: Vec<u8>,
    /// Position of the next frame, at its length.
    at: usize,
    /// Number of frames left.
    left: u32,
}

impl Incoming {
    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    pub(crate) fn expected(&self) -> u64 {
        self.expected
    }

    /// Length in bytes of the frames that are not consumed.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Length in bytes of the new frames of a packet.
    pub(crate) fn new_bytes(&self, header: &Header, packet: &[u8]) -> usize {
        self.new_frames(header, packet).map_or(0, |at| packet.len() - at)
    }

    /// Reserves room for one more packet. Returns `false` if there is no memory for it.
    pub(crate) fn make_room(&mut self) -> bool {
        self.parcels.try_reserve(1).is_ok()
    }

    /// Adds the new frames of a packet that [`Header::read`] has validated and that leaves no gap.
    pub(crate) fn push(&mut self, header: &Header, mut packet: Vec<u8>) {
        let Some(at) = self.new_frames(header, &packet) else { return };
        let left = (header.end() - self.expected) as u32;
        self.bytes += packet.len() - at;
        self.expected = header.end();
        let known = if at == HEADER_LEN { 0 } else { at };
        // Repeated frames are dropped: memory is bounded by new frames.
        packet.drain(..known);
        self.parcels.push_back(Parcel { bytes: packet, at: at - known, left });
    }

    /// Passes the next frame to `take`, and drops it. Returns the result and the length of the frame in bytes, or `None` if there is no frame.
    pub(crate) fn pop<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> Option<(T, usize)> {
        let parcel = self.parcels.front_mut()?;
        let frame = packet::frame_at(&parcel.bytes, parcel.at).expect("frames were judged when they came");
        let (taken, length) = (take(frame), 4 + frame.len());
        parcel.at += length;
        parcel.left -= 1;
        if parcel.left == 0 {
            self.parcels.pop_front();
        }
        self.bytes -= length;
        self.consumed += 1;
        Some((taken, length))
    }

    /// Position of the first new frame of a packet, if there is one.
    fn new_frames(&self, header: &Header, packet: &[u8]) -> Option<usize> {
        if header.end() <= self.expected {
            return None;
        }
        let mut at = HEADER_LEN;
        for _ in header.first..self.expected {
            at += 4 + packet::frame_at(packet, at).map_or(0, <[u8]>::len);
        }
        Some(at)
    }
}
