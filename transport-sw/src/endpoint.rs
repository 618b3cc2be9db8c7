//! One end of a link without any I/O.
//!
//! # Who sends where
//! The direct channel carries posted messages: what is sent arrives, in order, but at a worker only once it is back in its event loop.
//! The relay reaches a worker that blocks, and may lose, repeat, delay and reorder packets. Only main sends over it,
//! and only while the worker *collects*, as it says in each of its packets by the number of its turn. Whenever that changes, main sends
//! everything again that has not been acknowledged, over the other channel; when the relay asks, it does so over the relay.
//! Frames that arrive twice have the same number and are taken once.

use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::packet::{self, GONE, Header, LAST, MAX_FRAME};
use coincide_proto::{Gone, ProtocolError, ReceiveError, Role, Session, Transmit};

/// Numbers, acknowledges and re-sends what crosses a link, at one end of it.
///
/// Frames go in by [`send`](Self::send), packets come out of [`poll_transmit`](Self::poll_transmit). Packets of the peer go in by
/// [`handle`](Self::handle), frames come out of [`receive`](Self::receive).
#[derive(Debug)]
pub struct Delivery {
    role: Role,
    window: usize,
    outgoing: Outgoing,
    incoming: Incoming,
    /// The worker's turn: at main the newest that it has seen. Odd while the worker collects.
    turn: u32,
    /// Length in bytes of what has been consumed since the last acknowledgement.
    unacknowledged: usize,
    /// A packet has to leave even if there are no frames for it.
    news: bool,
    /// The relay was given the newest acknowledgement together with the frames before this number, of which the last had never been sent
    /// before: if the worker has those, it has that. The largest number stands for no such frames.
    told: Option<u64>,
    /// This end has left.
    left: bool,
    /// Number after that of the last frame, once the peer has left.
    last: Option<u64>,
    /// Why nothing can be received any more.
    over: Option<ReceiveError>,
}

/// What carries a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Posted messages between the two ends.
    Direct,
    /// The service worker, from main to a worker that collects.
    Relay,
}

/// A packet that is ready to travel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a packet that is not carried to the other end is lost"]
pub struct Packet {
    /// What is to carry it.
    pub channel: Channel,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Why a packet was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// It is none, or breaks a rule. From the direct channel that ends the link; what comes from the relay is ignored.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Frames before those of this packet have not arrived. The relay has lost them and has to ask for them.
    #[error("frames are missing before the one with number {first}")]
    Gap {
        /// Number of the packet's first frame.
        first: u64,
    },
    /// There is no memory for it. The relay is asked again, a link whose packets are posted ends.
    #[error("there is no memory for a packet of {bytes} bytes")]
    OutOfMemory {
        /// Length of the packet.
        bytes: usize,
    },
}

impl Delivery {
    /// Most bytes of frames that wait for their acknowledgement before [`send`](Self::send) refuses more, on the web: 4 MiB.
    pub const WINDOW: usize = 4 << 20;

    /// Largest frame in bytes.
    pub const MAX_FRAME: usize = MAX_FRAME;

    /// One end of a fresh link with a window of so many bytes, which must be the same at both ends.
    pub fn new(role: Role, window: usize) -> Self {
        Self {
            role,
            window,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            turn: 0,
            unacknowledged: 0,
            news: false,
            told: None,
            left: false,
            last: None,
            over: None,
        }
    }

    /// Takes a frame over. `Ok(false)`: too much waits for its acknowledgement.
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

    /// Gives the next frame to the session. `Ok(false)`: there is none now.
    ///
    /// # Errors
    /// As [`Transport::receive`](coincide_proto::Transport::receive).
    pub fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
        self.receive_with(|frame| session.handle_frame(frame))
    }

    /// Gives the next frame to `take`, whose error ends the link. Otherwise as [`receive`](Self::receive).
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
        // A quarter: the peer is told before it has to stop.
        self.news |= self.unacknowledged >= self.window / 4;
        taken.map_err(|error| self.fail(error))?;
        Ok(true)
    }

    /// Whether [`receive`](Self::receive) has something to give or to report.
    pub fn has_input(&self) -> bool {
        !self.incoming.is_empty() || self.last.is_some() || self.over.is_some()
    }

    /// Whether [`send`](Self::send) takes a frame.
    pub fn has_room(&self) -> bool {
        self.outgoing.bytes() < self.window
    }

    /// Takes in a packet of the peer that came over this channel.
    ///
    /// # Errors
    /// [`PacketError`] says why nothing of it was taken. One from the direct channel ends the link.
    pub fn handle(&mut self, packet: Vec<u8>, channel: Channel) -> Result<(), PacketError> {
        let handled = self.take(packet);
        if channel == Channel::Direct
            && let Err(violation) = &handled
        {
            // What is posted arrives, in order: nothing can be missing.
            match violation {
                PacketError::Protocol(error) => drop(self.fail(error.clone())),
                PacketError::Gap { .. } => drop(self.fail(packet::violation("a posted packet leaves out frames"))),
                PacketError::OutOfMemory { .. } => self.lose(),
            }
        }
        handled
    }

    /// Takes in a body of the relay: any number of packets, one behind the other.
    ///
    /// # Errors
    /// That of the first packet that is not taken; those behind it are not looked at.
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

    /// At main: the relay asks on behalf of a worker that has sent it this packet. What the worker lacks is sent again.
    ///
    /// # Errors
    /// [`PacketError`]: the packet is ignored.
    pub fn handle_question(&mut self, packet: Vec<u8>) -> Result<(), PacketError> {
        let (header, _) = Header::read(&packet)?;
        self.handle(packet, Channel::Relay)?;
        // Questions of a former turn came too late.
        if header.turn == self.turn {
            self.outgoing.rewind();
            // The worker tells by the packet's first number which of its frames have been acknowledged.
            self.news |= self.left || header.first < self.incoming.consumed();
        }
        Ok(())
    }

    /// The next packet to leave, if there is one.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        if !self.news && !self.outgoing.has_unsent() {
            return None;
        }
        let channel = if self.role == Role::Main && self.collects() { Channel::Relay } else { Channel::Direct };
        let header = self.header(if self.left { LAST } else { 0 });
        let end = if self.outgoing.has_new() { self.outgoing.end() } else { u64::MAX };
        self.told = (channel == Channel::Relay).then_some(end);
        self.news = false;
        self.unacknowledged = 0;
        Some(Packet { channel, bytes: self.outgoing.packet(header) })
    }

    /// At a worker: from now on it blocks, and main has to send over the relay.
    pub fn collect(&mut self) {
        self.turn_to(true);
    }

    /// At a worker: it is back in its event loop, and main has to post.
    pub fn listen(&mut self) {
        self.turn_to(false);
    }

    /// Whether the worker collects, as far as this end knows.
    pub fn collects(&self) -> bool {
        self.turn % 2 == 1
    }

    /// At a worker: the packet that tells the relay, and main if the relay asks, what has arrived and been acknowledged. It has no
    /// frames.
    pub fn poll_packet(&self) -> Vec<u8> {
        let mut packet = Vec::new();
        Header { first: self.outgoing.acknowledged(), ..self.header(0) }.write(&mut packet);
        packet
    }

    /// This end leaves: nothing can be sent or received any more, and the peer is told behind all frames.
    pub fn close(&mut self) {
        if !self.left {
            self.left = true;
            self.news = true;
            self.over.get_or_insert(ReceiveError::Gone(Gone));
        }
    }

    /// The packet that answers for this end when nobody keeps it any more. It has the frames that have not been acknowledged, unless they are
    /// larger than `limit` bytes; then they are lost.
    pub fn farewell(&mut self, limit: usize) -> Vec<u8> {
        self.outgoing.rewind();
        if self.outgoing.bytes() <= limit {
            return self.outgoing.packet(self.header(LAST));
        }
        let mut packet = Vec::new();
        Header { first: self.outgoing.end(), ..self.header(GONE) }.write(&mut packet);
        packet
    }

    /// Nothing can be carried any more: the peer is out of reach.
    pub fn lose(&mut self) {
        self.over.get_or_insert(ReceiveError::Gone(Gone));
    }

    /// Whether the peer has to be told something even if there is no frame for it: [`poll_transmit`](Self::poll_transmit) does so now.
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
            return Err(packet::violation("a packet goes on behind its last frame").into());
        }
        let gap = header.first > self.incoming.expected();
        if self.incoming.bytes() + self.incoming.new_bytes(&header, &packet) > self.window + MAX_FRAME + 4 && !gap {
            return Err(packet::violation("more frames are unacknowledged than the window allows").into());
        }
        if header.has(LAST | GONE) && header.end() < self.incoming.expected() {
            return Err(packet::violation("frames have come from behind the last one").into());
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

    /// At main: the worker's turn is this one, unless a newer packet has said otherwise.
    fn follow(&mut self, turn: u32) {
        let ahead = turn.wrapping_sub(self.turn);
        if self.role == Role::Main && ahead != 0 && ahead < 1 << 31 {
            self.turn = turn;
            self.outgoing.rewind();
            // Who collects asks for an acknowledgement that was lost; who listens doesn't.
            let told = self.told.is_none_or(|end| end <= self.outgoing.acknowledged());
            self.news |= self.left || !self.collects() && !told;
        }
    }

    fn fail(&mut self, error: ProtocolError) -> ReceiveError {
        self.over.get_or_insert(error.into()).clone()
    }
}
