//! What a transport offers to a session: frames out, frames in, and a way to sleep without missing one.

use crate::{CallId, Hosted, HostedPart, ProtocolError, Session, in_parts};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// One end of a link that carries whole frames, in order, each at most once.
///
/// A transport moves bytes and wakes endpoints; it knows nothing of calls. An endpoint's loop is: [`receive`](Self::receive)
/// until there is nothing more, [`send`](Self::send) what [`Session::transmit`] offers, and then either
/// [`wait`](Self::wait) (a worker, which may block) or [`arm`](Self::arm) and return to an event loop (main, which may not).
pub trait Transport {
    /// Largest frame in bytes, header included, that fits; the session never offers a larger one. At least
    /// [`MIN_FRAME`](crate::MIN_FRAME).
    fn max_frame(&self) -> usize;

    /// Offset in a word of 8 bytes of the place where a frame begins in the memory that both ends share. A [hosted](crate::Hosted) segment that needs
    /// several frames is cut so that its bytes have the same offset in a word at both places. Never changes.
    fn frame_offset(&self) -> usize {
        0
    }

    /// Hands a frame to the peer and wakes it if it sleeps. `Ok(false)`: there is no room now, and nothing was sent.
    ///
    /// # Errors
    /// [`Gone`] once the peer, or this end, has left.
    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone>;

    /// Gives the next frame, if there is one, to [`Session::handle_frame`]. `Ok(false)`: none is waiting.
    ///
    /// # Errors
    /// [`ReceiveError::Gone`] once the peer has left and every frame that it had sent has been received.
    /// [`ReceiveError::Protocol`] when the frame, or the transport's own state, makes no sense. The link is unusable
    /// then: it fails in the same way again.
    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError>;

    /// Whether [`receive`](Self::receive) has something to give or to report. Cheap enough to spin on.
    fn has_input(&self) -> bool;

    /// Whether the frame that [`send`](Self::send) refused last may fit by now. Cheap enough to spin on.
    fn has_room(&self) -> bool;

    /// Announces that this end is about to sleep, then looks again: `true` means that it may sleep, since from now on
    /// the peer rings for each frame and, if `room` is asked for, when there is room to send again. `false` means that there
    /// is something to do, and nothing is announced.
    fn arm(&mut self, room: bool) -> bool;

    /// Takes the announcement back: this end is awake.
    fn disarm(&mut self);

    /// Blocks until there is input, or (if `room` is asked for) room to send, or the peer has left, or this end's
    /// doorbell was rung, or `timeout` is over; `None` waits for ever. May return early. Spins briefly before it sleeps.
    fn wait(&mut self, room: bool, timeout: Option<Duration>);

    /// Whether frames arrive while [`wait`](Self::wait) blocks. Where they arrive only once the event loop runs again, they don't: a call that would
    /// have to block ends with an error there, and `wait` blocks for a part of `timeout` at most. Never changes.
    fn can_wait(&self) -> bool {
        true
    }

    /// Takes in what has come while a function of this worker computes or sleeps, where frames come only when it waits or is in its event loop.
    /// Returns what main asks of it beside the frames; `running` is main's call that the function serves. Called often, so it should cost
    /// next to nothing most of the time. Other transports have nothing to do here.
    fn poll_control(&mut self, running: Option<CallId>) -> Asked {
        let _ = running;
        Asked::default()
    }

    /// Why the peer is out of reach, in words, once [`receive`](Self::receive) has said that it is gone; `None` if nobody knows.
    fn why_gone(&self) -> Option<String> {
        None
    }

    /// Leaves the link: the peer sees [`Gone`] after the frames that were sent. Twice is fine; dropping does the same.
    fn close(&mut self);
}

/// What main asks of a worker beside the frames of the link: see [`Transport::poll_control`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Main has interrupted the worker. No frame says the same.
    pub interrupt: bool,
    /// Main has cancelled the call that the running function serves. The frame that says the same may arrive later.
    pub cancel: bool,
}

/// A frame that is ready to travel: the bytes of `head`, then those of the pieces of `body`, without anything between.
#[derive(Clone, Debug)]
pub struct Transmit<'a> {
    /// The header, the name, where the body goes on its total length, and its segments if it has some.
    pub head: &'a [u8],
    /// The part of the payload that travels in this frame: pieces that lie in different places. An empty one is followed by empty ones only.
    pub body: [&'a [u8]; 3],
    /// What follows of it and is kept by the host: a range of its bytes. Then `body` is at most one piece.
    pub hosted: Option<HostedPart<'a>>,
}

impl<'a> Transmit<'a> {
    /// A frame whose body lies in one place.
    #[inline]
    pub const fn new(head: &'a [u8], body: &'a [u8]) -> Self {
        Self { head, body: [body, &[], &[]], hosted: None }
    }

    /// Length in bytes of the whole frame.
    #[inline]
    pub fn len(&self) -> usize {
        let [first, second, third] = self.body;
        let hosted = self.hosted.as_ref().map_or(0, |(_, range)| range.len());
        self.head.len() + first.len() + second.len() + third.len() + hosted
    }

    /// The head, then the pieces of the body, without the bytes that the host keeps.
    #[inline]
    pub fn pieces(&self) -> [&'a [u8]; 4] {
        let [first, second, third] = self.body;
        [self.head, first, second, third]
    }

    /// The frame as one buffer.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.len());
        self.append_to(&mut frame);
        frame
    }

    /// Appends the frame to a buffer.
    pub fn append_to(&self, buffer: &mut Vec<u8>) {
        self.pieces().into_iter().for_each(|piece| buffer.extend_from_slice(piece));
        if let Some((bytes, range)) = &self.hosted {
            let start = buffer.len();
            buffer.resize(start + range.len(), 0);
            bytes.copy_to(range.start, &mut buffer[start..]);
        }
    }

    /// Always false: a frame has at least a header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The bytes of a received frame, wherever they lie; they are copied out of it once.
pub trait FrameBytes {
    /// Length in bytes of the whole frame, header included.
    fn len(&self) -> usize;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies `target.len()` bytes from offset `at`.
    ///
    /// # Panics
    /// If the range is not inside the frame.
    fn copy_to(&self, at: usize, target: &mut [u8]);

    /// Appends `len` bytes from offset `at` to `target`.
    ///
    /// # Panics
    /// If the range is not inside the frame.
    fn append_to(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        let end = target.len();
        target.resize(end + len, 0);
        self.copy_to(at, &mut target[end..]);
    }

    /// Copies `len` bytes from offset `at` to offset `to` of hosted bytes.
    ///
    /// # Panics
    /// If either range is not inside its bytes.
    fn copy_to_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        in_parts(len, |from, part| {
            self.copy_to(at + from, part);
            target.copy_from(to + from, part);
        });
    }
}

impl<F: FrameBytes + ?Sized> FrameBytes for &F {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        (**self).copy_to(at, target);
    }

    fn append_to(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        (**self).append_to(at, len, target);
    }

    fn copy_to_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        (**self).copy_to_hosted(at, target, to, len);
    }
}

impl FrameBytes for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        target.copy_from_slice(&self[at..at + target.len()]);
    }

    fn append_to(&self, at: usize, len: usize, target: &mut Vec<u8>) {
        target.extend_from_slice(&self[at..at + len]);
    }

    fn copy_to_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        target.copy_from(to, &self[at..at + len]);
    }
}

/// The peer has left, or this end has closed the link: nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the link is gone")]
pub struct Gone;

/// Why nothing more can be received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer has left.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The peer broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}
