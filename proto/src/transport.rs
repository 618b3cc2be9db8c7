//! The interface of a transport: sends frames, receives frames, and sleeps without a lost wake-up.

use crate::{CallId, Hosted, HostedPart, ProtocolError, Session, in_parts};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// One end of a link that carries whole frames, in order, each at most once.
///
/// A transport moves bytes and wakes endpoints, independent of calls. The loop of an endpoint:
/// 1. [`receive`](Self::receive) until there is no frame.
/// 2. [`send`](Self::send) the frames of [`Session::transmit`].
/// 3. A worker, which may block, calls [`wait`](Self::wait). Main, which must not block, calls [`arm`](Self::arm) and returns to its event
///    loop.
pub trait Transport {
    /// Largest frame in bytes, header included. The session never sends a larger one. At least
    /// [`MIN_FRAME`](crate::MIN_FRAME).
    fn max_frame(&self) -> usize;

    /// Offset in a word of 8 bytes of the place where a frame begins in the memory that both ends share. A [hosted](crate::Hosted) segment that needs
    /// several frames is cut so that its bytes have the same offset in a word at both places. Never changes.
    fn frame_offset(&self) -> usize {
        0
    }

    /// Sends a frame to the peer, and wakes the peer if it sleeps. Returns `Ok(false)` if there is no room at present; nothing was sent.
    ///
    /// # Errors
    /// [`Gone`] once the peer, or this end, has left.
    fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone>;

    /// Passes the next frame to [`Session::handle_frame`]. Returns `Ok(false)` if no frame has arrived.
    ///
    /// # Errors
    /// [`ReceiveError::Gone`] once the peer has left and all its frames have been received.
    /// [`ReceiveError::Protocol`] when the frame, or the transport's own state, is invalid. The link is unusable
    /// from then on: later calls fail in the same way.
    fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError>;

    /// Whether [`receive`](Self::receive) would return a frame or an error. Cheap enough to spin on.
    fn has_input(&self) -> bool;

    /// Whether the frame that [`send`](Self::send) refused last may fit now. Cheap enough to spin on.
    fn has_room(&self) -> bool;

    /// Announces that this end is about to sleep, then polls once more.
    ///
    /// Returns `true` if this end may sleep. From now on, the peer rings for each frame and, with `room`, when there is room to send
    /// again. Returns `false` if there is something to do; nothing is announced then.
    fn arm(&mut self, room: bool) -> bool;

    /// Clears the announcement: this end is awake.
    fn disarm(&mut self);

    /// Blocks until there is input, the peer has left, this end's doorbell was rung, or `timeout` is over. With `room`, also until there is room
    /// to send. `None` waits indefinitely. May return early. Polls briefly before it sleeps.
    fn wait(&mut self, room: bool, timeout: Option<Duration>);

    /// Whether frames arrive while [`wait`](Self::wait) blocks. Default `true`. Never changes.
    ///
    /// With `false`, frames arrive only while the event loop runs. A call that would block fails, and `wait` blocks for at most a part of
    /// `timeout`.
    fn can_wait(&self) -> bool {
        true
    }

    /// Returns what main requests of this worker out of band, while a function computes or sleeps. `running` is main's call that the function
    /// serves.
    ///
    /// For transports whose frames arrive only while the worker waits or is in its event loop; they also receive here what has arrived. Called
    /// often: it should usually cost a few nanoseconds. The default is a no-op.
    fn poll_control(&mut self, running: Option<CallId>) -> ControlSignals {
        let _ = running;
        ControlSignals::default()
    }

    /// Why the peer is unreachable, as a text for errors, after [`receive`](Self::receive) has returned [`Gone`]. `None` if unknown.
    fn why_gone(&self) -> Option<String> {
        None
    }

    /// Leaves the link: the peer receives [`Gone`] after the frames that were sent. Idempotent; dropping does the same.
    fn close(&mut self);
}

/// Requests of main to a worker beside the frames of the link, as returned by [`Transport::poll_control`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlSignals {
    /// Main has interrupted the worker. No frame repeats this.
    pub interrupt: bool,
    /// Main has cancelled the call that the running function serves. A `cancel` frame for it may arrive later.
    pub cancel: bool,
}

/// A frame to be sent: the bytes of `head`, directly followed by the pieces of `body`.
#[derive(Clone, Debug)]
pub struct Transmit<'a> {
    /// The header and the name, the total length if the body continues in further frames, and the table of its segments if it has some.
    pub head: &'a [u8],
    /// The part of the payload in this frame, as pieces in different places. An empty piece is followed only by empty ones.
    pub body: [&'a [u8]; 3],
    /// A range of hosted bytes that follows `body`, which then has at most one piece.
    pub hosted: Option<HostedPart<'a>>,
}

impl<'a> Transmit<'a> {
    /// Creates a frame whose body is contiguous.
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

    /// Copies the frame into one buffer.
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

/// The bytes of a received frame in any memory, from which they are copied out once.
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

/// The peer has left, or this end has closed the link. Nothing can be sent any more.
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
    /// The peer violated the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}
