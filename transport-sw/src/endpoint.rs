//! One end of a link without any I/O.
//!
//! # Channels
//! The direct channel carries posted messages. They arrive in order, but at a worker only when it is back in its event loop.
//! The relay reaches a worker that blocks, and may lose, repeat, delay and reorder packets. Only main sends over it,
//! and only while the worker *collects*, as the turn in each of the worker's packets shows. When the turn changes, main retransmits
//! all unacknowledged frames over the other channel. When the relay queries main, main retransmits them over the relay.
//! Repeated frames have the same number and are accepted once.

use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::packet::{self, GONE, Header, LAST, MAX_FRAME};
use coincide_proto::{Gone, ProtocolError, ReceiveError, Role, Session, Transmit};

/// One end of a link: numbers, acknowledges and retransmits frames, without I/O.
///
/// Frames go in by [`send`](Self::send), packets come out of [`poll_transmit`](Self::poll_transmit). Packets of the peer go in by
/// [`handle`](Self::handle), frames come out of [`receive`](Self::receive).
#[derive(Debug)]
pub struct Delivery {
    role: Role,
    window: usize,
    outgoing: Outgoing,
    incoming: Incoming,
    /// The worker's turn: at main, the newest one received. Odd while the worker collects.
    turn: u32,
    /// Bytes consumed since the last acknowledgement.
    unacknowledged: usize,
    /// A packet is due even without frames.
    news: bool,
    /// The relay received the newest acknowledgement together with the frames before this number, the last of which was sent for the first
    /// time: once the worker has acknowledged that frame, it also has the acknowledgement. `u64::MAX` without such frames.
    relayed_until: Option<u64>,
    /// This end has left.
    left: bool,
    /// Once the peer has left: number of its last frame, plus 1.
    last: Option<u64>,
    /// Set once nothing can be received any more: the reason.
    over: Option<ReceiveError>,
}

/// The channel of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Posted messages between the two ends.
    Direct,
    /// The service worker, from main to a worker that collects.
    Relay,
}

/// A packet to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a packet that is not carried to the other end is lost"]
pub struct Packet {
    /// Channel over which to send it.
    pub channel: Channel,
    /// Bytes of the whole packet.
    pub bytes: Vec<u8>,
}

/// Why a packet was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// The bytes are not a packet, or violate a rule. On the direct channel this ends the link; packets of the relay are ignored.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Frames before those of this packet are missing. The relay has lost them and must query main.
    #[error("frames are missing before the one with number {first}")]
    Gap {
        /// Number of the packet's first frame.
        first: u64,
    },
    /// There is no memory for the packet. On the direct channel this ends the link; the relay is polled again.
    #[error("there is no memory for a packet of {bytes} bytes")]
    OutOfMemory {
        /// Length of the packet.
        bytes: usize,
    },
}

impl Delivery {
    /// Window in bytes on the web, 4 MiB: [`send`](Self::send) refuses frames while this many bytes are unacknowledged.
    pub const WINDOW: usize = 4 << 20;

    /// Largest frame in bytes.
    pub const MAX_FRAME: usize = MAX_FRAME;

    /// Creates one end of a new link. `window` is in bytes, and must be the same at both ends.
    pub fn new(role: Role, window: usize) -> Self {
        Self {
            role,
            window,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            turn: 0,
            unacknowledged: 0,
            news: false,
            relayed_until: None,
            left: false,
            last: None,
            over: None,
        }
    }

    /// Queues a frame. Returns `Ok(false)` if the window is full.
    ///
    /// # Errors
    /// [`Gone`] once the peer, or this end, has left.
    pub fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        if self.left || self.last.is_some() || self.over.is_some() {
            return Err(Gone);
        }
        let fits = self.has_room();
        if fits {
            self.outgoing.push(frame);
        }
        Ok(fits)
    }

    /// Passes the next frame to the session. Returns `Ok(false)` if no frame has arrived.
    ///
    /// # Errors
    /// As [`Transport::receive`](coincide_proto::Transport::receive).
    pub fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        self.receive_with(|frame| session.handle_frame(frame))
    }

    /// Passes the next frame to `take`, whose error ends the link. Otherwise like [`receive`](Self::receive).
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_with(
        &mut self,
        take: impl FnOnce(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<bool, ReceiveError> {
        if let Some(error) = &self.over {
            return Err(error.clone());
        }
        let Some((taken, length)) = self.incoming.pop(take) else {
            if self.last.is_none() {
                return Ok(false);
            }
            self.over = Some(Gone.into());
            return Err(Gone.into());
        };
        self.unacknowledged += length;
        // A quarter of the window: the peer receives the acknowledgement before the window is full.
        self.news |= self.unacknowledged >= self.window / 4;
        taken.map_err(|error| self.fail(error))?;
        Ok(true)
    }

    /// Whether [`receive`](Self::receive) would return a frame or an error.
    pub fn has_input(&self) -> bool {
        !self.incoming.is_empty() || self.last.is_some() || self.over.is_some()
    }

    /// Whether [`send`](Self::send) accepts a frame.
    pub fn has_room(&self) -> bool {
        self.outgoing.bytes() < self.window
    }

    /// Handles a packet of the peer that arrived over `channel`.
    ///
    /// # Errors
    /// [`PacketError`] if the packet was rejected. On the direct channel, any error ends the link.
    pub fn handle(&mut self, packet: Vec<u8>, channel: Channel) -> Result<(), PacketError> {
        let handled = self.take(packet);
        if channel == Channel::Direct
            && let Err(error) = &handled
        {
            // Posted packets arrive in order: no frame can be missing.
            match error {
                PacketError::Protocol(violation) => drop(self.fail(violation.clone())),
                PacketError::Gap { .. } => drop(self.fail(packet::violation("a posted packet leaves a gap"))),
                PacketError::OutOfMemory { .. } => self.lose(),
            }
        }
        handled
    }

    /// Handles the answer of the relay to a poll: any number of packets, one directly after the other.
    ///
    /// # Errors
    /// The error of the first packet that is rejected. Later packets are ignored.
    pub fn handle_polled(&mut self, body: Vec<u8>) -> Result<(), PacketError> {
        let mut at = 0;
        while at < body.len() {
            let (_, length) = Header::read(&body[at..])?;
            if length == body.len() {
                return self.handle(body, Channel::Relay);
            }
            let mut packet = Vec::new();
            packet.try_reserve_exact(length).map_err(|_| PacketError::OutOfMemory { bytes: length })?;
            packet.extend_from_slice(&body[at..at + length]);
            self.handle(packet, Channel::Relay)?;
            at += length;
        }
        Ok(())
    }

    /// At main: handles a query of the relay, with the packet of the worker's poll. Frames that the worker lacks are retransmitted.
    ///
    /// # Errors
    /// [`PacketError`]: the packet is ignored.
    pub fn handle_query(&mut self, packet: Vec<u8>) -> Result<(), PacketError> {
        let (header, _) = Header::read(&packet)?;
        self.handle(packet, Channel::Relay)?;
        // A query of an earlier turn is obsolete.
        if header.turn == self.turn {
            self.outgoing.rewind();
            // The packet's first number shows which of the worker's frames have been acknowledged.
            self.news |= self.left || header.first < self.incoming.consumed();
        }
        Ok(())
    }

    /// Returns the next packet to send, if there is one.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        if !self.news && !self.outgoing.has_unsent() {
            return None;
        }
        let channel = if self.role == Role::Main && self.collects() { Channel::Relay } else { Channel::Direct };
        let header = self.header(if self.left { LAST } else { 0 });
        let end = if self.outgoing.has_new() { self.outgoing.end() } else { u64::MAX };
        self.relayed_until = (channel == Channel::Relay).then_some(end);
        self.news = false;
        self.unacknowledged = 0;
        Some(Packet { channel, bytes: self.outgoing.packet(header) })
    }

    /// At a worker: begins to collect, since it is about to block. Main then sends over the relay.
    pub fn collect(&mut self) {
        self.turn_to(true);
    }

    /// At a worker: begins to listen, since it is back in its event loop. Main then posts.
    pub fn listen(&mut self) {
        self.turn_to(false);
    }

    /// Whether the worker collects, as far as this end knows.
    pub fn collects(&self) -> bool {
        self.turn % 2 == 1
    }

    /// At a worker: the packet of a poll, without frames. It shows the relay, and main on a query, what has arrived and been acknowledged.
    pub fn poll_packet(&self) -> Vec<u8> {
        let mut packet = Vec::new();
        Header { first: self.outgoing.acknowledged(), ..self.header(0) }.write(&mut packet);
        packet
    }

    /// Leaves the link: nothing can be sent or received any more. The peer is notified after all queued frames.
    pub fn close(&mut self) {
        if !self.left {
            self.left = true;
            self.news = true;
            self.over.get_or_insert(ReceiveError::Gone(Gone));
        }
    }

    /// Returns the packet that answers queries after this end is dropped. It contains the unacknowledged frames if they have at most
    /// `limit` bytes; otherwise they are lost.
    pub fn farewell(&mut self, limit: usize) -> Vec<u8> {
        self.outgoing.rewind();
        if self.outgoing.bytes() <= limit {
            return self.outgoing.packet(self.header(LAST));
        }
        let mut packet = Vec::new();
        Header { first: self.outgoing.end(), ..self.header(GONE) }.write(&mut packet);
        packet
    }

    /// Marks the peer as unreachable: nothing can be sent or received any more.
    pub fn lose(&mut self) {
        self.over.get_or_insert(ReceiveError::Gone(Gone));
    }

    /// Whether a packet is due even without frames. [`poll_transmit`](Self::poll_transmit) returns it.
    pub fn owes(&self) -> bool {
        self.news
    }

    fn header(&self, flags: u8) -> Header {
        let turn = if self.role == Role::Worker { self.turn } else { 0 };
        Header { flags, turn, count: 0, first: 0, ack: self.incoming.consumed() }
    }

    fn turn_to(&mut self, collects: bool) {
        if self.collects() != collects {
            self.turn = self.turn.wrapping_add(1);
            self.news = true;
        }
    }

    fn take(&mut self, packet: Vec<u8>) -> Result<(), PacketError> {
        let (header, length) = Header::read(&packet)?;
        if length != packet.len() {
            return Err(packet::violation("a packet has bytes after its last frame").into());
        }
        let gap = header.first > self.incoming.expected();
        if self.incoming.bytes() + self.incoming.new_bytes(&header, &packet) > self.window + MAX_FRAME + 4 && !gap {
            return Err(packet::violation("more frames are unacknowledged than the window allows").into());
        }
        if header.has(LAST | GONE) && header.end() < self.incoming.expected() {
            return Err(packet::violation("the last packet ends before a frame that has arrived").into());
        }
        if !self.incoming.make_room() {
            return Err(PacketError::OutOfMemory { bytes: packet.len() });
        }
        self.outgoing.acknowledge(header.ack)?;
        self.follow(header.turn);
        if gap && !header.has(GONE) {
            return if header.count == 0 && !header.has(LAST) {
                Ok(())
            } else {
                Err(PacketError::Gap { first: header.first })
            };
        }
        if !gap && self.last.is_none() && !self.left {
            self.incoming.push(&header, packet);
        }
        if header.has(LAST | GONE) {
            self.last.get_or_insert(header.end());
        }
        Ok(())
    }

    /// At main: adopts the worker's turn, unless a newer one is known.
    fn follow(&mut self, turn: u32) {
        let ahead = turn.wrapping_sub(self.turn);
        if self.role == Role::Main && ahead != 0 && ahead < 1 << 31 {
            self.turn = turn;
            self.outgoing.rewind();
            // A worker that collects polls for a lost acknowledgement; a worker that listens does not.
            let is_acknowledged = self.relayed_until.is_none_or(|end| end <= self.outgoing.acknowledged());
            self.news |= self.left || !self.collects() && !is_acknowledged;
        }
    }

    fn fail(&mut self, error: ProtocolError) -> ReceiveError {
        self.over.get_or_insert(error.into()).clone()
    }
}
