//! The state machine of one end of a link.

use crate::assembly::{Assemblies, Assembly, Purpose};
use crate::budget::Budget;
use crate::calls::{Incoming, Outgoing, Stage};
use crate::message::{COUNT, ENTRY, Outbox, Removed};
use crate::pool::Pool;
use crate::{
    Allot, CallId, CloseReason, Closed, ClosedBy, Config, ErrorCode, Event, Flags, Format, FrameBytes, Handshake,
    Header, Kind, MAX_NAME, MAX_SEGMENTS, MIN_FRAME, NoSuchCall, Outcome, Payload, ProtocolError, Role, SendError,
    Time, Transmit, VERSION,
};
use alloc::collections::{TryReserveError, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// One end of a link: numbers calls, matches answers, tracks nesting, enforces deadlines and limits.
///
/// A session does no I/O and reads no clock. Its owner
/// - passes received frames to [`handle_frame`](Self::handle_frame) (a [`Transport`](crate::Transport) does that),
/// - sends frames with [`transmit`](Self::transmit) until that is idle,
/// - takes events from [`poll_event`](Self::poll_event),
/// - and calls [`handle_timeout`](Self::handle_timeout) at the time that [`poll_timeout`](Self::poll_timeout) returns.
///
/// The same type serves both roles. Every call that [`call`](Self::call) accepted ends with exactly one [`Event::Ended`].
///
/// ```
/// use coincide_proto::{Call, Config, Event, Outcome, Role, Session, Time};
///
/// let mut session = Session::new(Role::Worker, Config::default());
/// let due = Time(1_000);
/// // A deadline is an absolute time: call `handle_timeout` then.
/// let call = Call { name: "hello", deadline: Some(due), ..Call::default() };
/// let id = session.call(call, b"PyScript".to_vec())?;
/// assert_eq!(session.poll_timeout(), Some(due));
/// session.handle_timeout(due);
/// assert_eq!(session.poll_event(), Some(Event::Ended { id, outcome: Outcome::TimedOut }));
/// # Ok::<(), coincide_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    role: Role,
    config: Config,
    state: State,
    /// The handshake of the peer. Valid once the state is `Open`.
    peer: Handshake,
    peer_name: String,
    received_ready: bool,
    outbox: Outbox,
    outgoing: Outgoing,
    incoming: Incoming,
    assemblies: Assemblies,
    events: VecDeque<Event>,
    pool: Pool,
    /// The name in the frame being handled.
    name: Vec<u8>,
    closed: Option<Closed>,
    /// Value of [`Transport::frame_offset`](crate::Transport::frame_offset).
    frame_offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Open,
    Closed,
}

/// The parameters of a call, besides its payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// Name of the function, at most [`MAX_NAME`] bytes.
    pub name: &'a str,
    /// Format of the payload.
    pub format: Format,
    /// The call of the peer whose handler makes this one, if any. The peer detects deadlocks by it.
    pub parent: Option<CallId>,
    /// Time at which the call ends with [`Outcome::TimedOut`] if it is still pending.
    pub deadline: Option<Time>,
    /// Whether this end blocks until the answer, and therefore receives no posted objects in it.
    pub blocks: bool,
}

/// Result of [`Session::transmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// A frame was sent; there may be more.
    Sent,
    /// There is a frame, but no room for it.
    Blocked,
    /// There is nothing to send.
    Idle,
}

impl Session {
    /// Creates a session. Calls may be made at once; they are sent after the handshake.
    pub fn new(role: Role, config: Config) -> Self {
        let config = config.clamped();
        let mut session = Self {
            role,
            state: State::Handshake,
            peer: config.handshake(),
            peer_name: String::new(),
            received_ready: false,
            outbox: Outbox::default(),
            outgoing: Outgoing::new(role),
            incoming: Incoming::default(),
            assemblies: Assemblies::default(),
            events: VecDeque::new(),
            pool: Pool::new(config.spare_bytes),
            name: Vec::new(),
            closed: None,
            frame_offset: 0,
            config,
        };
        if role == Role::Worker {
            session.send_handshake(Kind::HELLO);
        }
        session
    }

    /// Charges the bodies in flight of this session to a budget, which sessions may share. Without one, only the limits of
    /// [`Config`] apply.
    ///
    /// # Panics
    /// If calls have been made already.
    #[must_use]
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.pool.account.set_budget(budget);
        self
    }

    /// Sets the offset of frames in a word.
    pub(crate) fn set_frame_offset(&mut self, offset: usize) {
        self.frame_offset = offset;
    }

    /// Receives segments of at least `least` bytes into memory of the host, instead of buffers as by
    /// [`Config::segments`](crate::Config::segments).
    #[must_use]
    pub fn with_hosted(mut self, least: usize, allot: Allot) -> Self {
        self.pool.hosts = Some((least, allot));
        self
    }

    /// Copies the unsent parts of hosted segments, after which the program may change its buffers. Returns whether there was memory for the copies;
    /// otherwise the link must be [aborted](Self::abort).
    #[inline]
    #[must_use]
    pub fn keep(&mut self) -> bool {
        self.outbox.keep()
    }

    /// The budget to which bodies in flight are charged.
    pub fn budget(&self) -> Option<&Budget> {
        self.pool.account.budget()
    }

    /// The role of this end.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the handshake is complete and the link is not closed.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// By which end the link was closed and why, if it is closed.
    #[inline]
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Name of the peer in its handshake, which distinguishes workers at a host that accepts several. Empty before the handshake, and for main.
    pub fn peer_name(&self) -> &str {
        &self.peer_name
    }

    /// An empty buffer to encode a payload into. The session reuses it after it has been sent.
    #[inline]
    pub fn buffer(&mut self) -> Vec<u8> {
        self.pool.take()
    }

    /// An empty payload to encode into: a [`buffer`](Self::buffer), and a list for segments if one is spare.
    #[inline]
    pub fn payload(&mut self) -> Payload {
        Payload { head: self.pool.take(), segments: self.pool.take_list(), hosted: None }
    }

    /// Returns the buffers of an event, so that the next one needs no allocation.
    #[inline]
    pub fn recycle(&mut self, payload: impl Into<Payload>) {
        self.pool.give_payload(payload.into());
    }

    /// Copies the segments of a payload into its head, as [`Payload::join`] does, into a spare buffer.
    ///
    /// # Errors
    /// When there is no memory for that. Then nothing has changed.
    pub fn join(&mut self, payload: &mut Payload) -> Result<(), TryReserveError> {
        if payload.segments().is_empty() {
            return payload.join();
        }
        let len = payload.len();
        let mut head = self.pool.take_stale(len);
        head.clear();
        let room = head.try_reserve_exact(len);
        if room.is_ok() {
            payload.pieces().for_each(|piece| head.extend_from_slice(piece));
            core::mem::swap(&mut payload.head, &mut head);
            if let Some(segments) = payload.segments.take() {
                self.pool.give_payload(Payload { segments: Some(segments), ..Payload::default() });
            }
        }
        self.pool.give(head);
        room
    }

    /// Calls a function of the peer. The call ends with an [`Event::Ended`] that carries the returned id.
    ///
    /// # Errors
    /// When the call exceeds a limit or the link is closed. Nothing is sent, and no event follows.
    ///
    /// # Panics
    /// If the ranges of the payload's segments violate the rules of [`Payload`]. This applies to all methods with a payload.
    #[inline]
    pub fn call(&mut self, call: Call<'_>, payload: impl Into<Payload>) -> Result<CallId, SendError> {
        let payload = checked(payload.into());
        let parent = call.parent.and_then(|id| Some((id, self.incoming.get(id)?)));
        let (parent, depth) = parent.map_or((0, 1), |(id, parent)| (id.0, parent.depth.saturating_add(1)));
        if let Err(error) = self.check_sendable(call.name, payload.len(), depth) {
            self.pool.give_payload(payload);
            return Err(error);
        }
        let size = payload.len();
        if !self.pool.account.charge(size) {
            self.pool.give_payload(payload);
            return Err(self.out_of_memory(size));
        }
        let limit = self.peer.max_pending;
        let id = if self.outgoing.unanswered() < limit as usize {
            self.outgoing.insert(call.name, parent, call.deadline)
        } else {
            None
        };
        let Some(id) = id else {
            self.pool.account.release(size);
            self.pool.give_payload(payload);
            return Err(SendError::Overloaded { limit });
        };
        let mut flags = Flags::new(call.format, false);
        if call.blocks {
            flags.0 |= Flags::BLOCKS;
        }
        let header = Header { kind: Kind::CALL, flags, code: depth, id, parent, ..Header::default() };
        self.outbox.push(header, call.name, payload, size);
        Ok(CallId(id))
    }

    /// Calls a function of the peer without an answer.
    ///
    /// Errors at the peer are not reported. A notification that was queued before
    /// the handshake and is larger than the peer accepts is dropped.
    ///
    /// # Errors
    /// When the notification exceeds a limit or the link is closed. Nothing is sent.
    pub fn notify(&mut self, name: &str, format: Format, payload: impl Into<Payload>) -> Result<(), SendError> {
        let payload = checked(payload.into());
        if let Err(error) = self.check_sendable(name, payload.len(), 1) {
            self.pool.give_payload(payload);
            return Err(error);
        }
        let size = payload.len();
        if !self.pool.account.charge(size) {
            self.pool.give_payload(payload);
            return Err(self.out_of_memory(size));
        }
        let header = Header { kind: Kind::NOTIFY, flags: Flags::new(format, false), code: 1, ..Header::default() };
        self.outbox.push(header, name, payload, size);
        Ok(())
    }

    /// Answers a call of the peer with a result. A result that is larger than the peer accepts, or than the budget of this end allows, is
    /// replaced by an error.
    ///
    /// # Errors
    /// When the call has already been answered, or the link is closed. The caller can ignore this error.
    #[inline]
    pub fn reply(&mut self, id: CallId, format: Format, payload: impl Into<Payload>) -> Result<(), NoSuchCall> {
        let payload = checked(payload.into());
        let limit = self.peer.max_message;
        if payload.len() as u64 > limit && self.incoming.get(id).is_some() {
            let text = format!("it has {} bytes and the caller accepts at most {limit}: return less", payload.len());
            self.unsent(format, payload);
            return self.throw_text(id, ErrorCode::TOO_LARGE, &text);
        }
        self.answer_with(id, Kind::RETURN, 0, format, payload)
    }

    /// Answers a call of the peer with an error.
    ///
    /// # Errors
    /// When the call has already been answered, or the link is closed. The caller can ignore this error.
    pub fn throw(
        &mut self,
        id: CallId,
        code: ErrorCode,
        format: Format,
        payload: impl Into<Payload>,
    ) -> Result<(), NoSuchCall> {
        let payload = checked(payload.into());
        if payload.len() as u64 > self.peer.max_message {
            let (size, limit) = (payload.len(), self.peer.max_message);
            self.unsent(format, payload);
            let text = format!("the function threw an error of {size} bytes and the caller accepts at most {limit}");
            return self.throw_text(id, ErrorCode::TOO_LARGE, &text);
        }
        self.answer_with(id, Kind::THROW, code.0, format, payload)
    }

    /// Answers a call of the peer with an error message, truncated to the largest text that the peer accepts.
    ///
    /// # Errors
    /// When the call has already been answered, or the link is closed. The caller can ignore this error.
    pub fn throw_text(&mut self, id: CallId, code: ErrorCode, text: &str) -> Result<(), NoSuchCall> {
        let payload = self.text(text);
        self.answer(id, Kind::THROW, code.0, Format::Text, payload.into(), 0)
    }

    /// Defers a call of the peer whose function cannot run, or cannot end, before this end stops waiting for the call whose handler made it
    /// ([`parent`](Self::parent)). If that is still pending after [`Config::deadlock_timeout`], there is an [`Event::Deadlock`].
    pub fn defer(&mut self, id: CallId, now: Time) {
        self.incoming.defer(id, now.after(self.config.deadlock_timeout));
    }

    /// Ends a call made here with [`Outcome::Cancelled`], and cancels it at the peer. A no-op if it has ended already.
    pub fn cancel(&mut self, id: CallId) {
        self.end_here(id.0, Outcome::Cancelled);
    }

    /// Ends a call made here with [`Outcome::Interrupted`], and cancels it at the peer. A no-op if it has ended already.
    pub fn interrupt_call(&mut self, id: CallId) {
        self.end_here(id.0, Outcome::Interrupted);
    }

    /// Requests that the worker abandon its current work. A no-op on a worker or a closed link.
    pub fn interrupt(&mut self) {
        if self.role == Role::Main && self.state != State::Closed {
            self.outbox.push_urgent(Header { kind: Kind::INTERRUPT, ..Header::default() }, Vec::new());
        }
    }

    /// Announces to main that the worker's own code has run, with the names of its exports. Idempotent; a no-op on main.
    ///
    /// # Errors
    /// When a name is longer than [`MAX_NAME`], or the list is longer than main accepts.
    pub fn ready<'a>(&mut self, exports: impl IntoIterator<Item = &'a str>) -> Result<(), SendError> {
        if self.role == Role::Main || self.received_ready {
            return Ok(());
        }
        let mut payload = self.pool.take();
        for name in exports {
            if name.len() > MAX_NAME {
                return Err(SendError::NameTooLong { length: name.len() });
            }
            let size = payload.len() + 2 + name.len();
            if payload.try_reserve(2 + name.len()).is_err() {
                return Err(self.out_of_memory(size));
            }
            payload.extend_from_slice(&(name.len() as u16).to_le_bytes());
            payload.extend_from_slice(name.as_bytes());
        }
        self.check_sendable("", payload.len(), 1)?;
        self.received_ready = true;
        self.outbox.push(Header { kind: Kind::READY, ..Header::default() }, "", payload.into(), 0);
        Ok(())
    }

    /// Releases references to objects of the peer.
    ///
    /// # Errors
    /// When the link is closed, or the list is longer than the peer accepts in one message.
    pub fn release(&mut self, references: &[u64]) -> Result<(), SendError> {
        let size = references.len() * 8;
        self.check_sendable("", size, 1)?;
        let mut payload = self.pool.take();
        if payload.try_reserve(size).is_err() {
            return Err(self.out_of_memory(size));
        }
        payload.extend(references.iter().flat_map(|reference| reference.to_le_bytes()));
        self.outbox.push(Header { kind: Kind::RELEASE, ..Header::default() }, "", payload.into(), 0);
        Ok(())
    }

    /// Closes the link after queued messages have been sent: answers and notifications still arrive, calls made here end with
    /// [`Outcome::Closed`]. A no-op if the link is closed already.
    pub fn close(&mut self, reason: CloseReason, text: &str) {
        if self.state == State::Handshake {
            return self.abort(reason, text);
        }
        if self.state == State::Open {
            let payload = self.text(text);
            self.shut(ClosedBy::Here, reason, text);
            if let Some(id) = self.outbox.remove_calls(&mut self.pool) {
                // While its body is unfinished, its total counts against the limit for later bodies.
                self.outbox.push_urgent(Header { kind: Kind::CANCEL, id, ..Header::default() }, Vec::new());
            }
            self.outbox.push(close_header(reason), "", payload.into(), 0);
        }
    }

    /// Closes the link at once: queued messages are dropped, and the next frame is `close` with the reason.
    pub fn abort(&mut self, reason: CloseReason, text: &str) {
        if self.state != State::Closed {
            self.outbox.clear(&mut self.pool);
            let payload = self.text(text);
            self.shut(ClosedBy::Here, reason, text);
            self.outbox.push_urgent(close_header(reason), payload);
        }
    }

    /// Handles the loss of the peer, as reported by the transport. `why` is the reason, or an empty text.
    pub fn handle_lost(&mut self, why: &str) {
        if self.state != State::Closed {
            self.outbox.clear(&mut self.pool);
            self.shut(ClosedBy::Gone, CloseReason::FAILED, why);
        }
    }

    /// Handles a protocol violation that the transport has found.
    pub fn handle_protocol_error(&mut self, error: &ProtocolError) {
        self.abort(CloseReason::PROTOCOL, &error.0);
    }

    /// Handles a frame of the peer. Frames after the link was closed are ignored.
    ///
    /// # Errors
    /// When the peer violated the protocol. The link is then closed, and a `close` frame with the reason is queued.
    pub fn handle_frame(&mut self, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        if self.state == State::Closed {
            return Ok(());
        }
        let result = self.accept(frame);
        if let Err(error) = &result {
            self.handle_protocol_error(error);
        }
        result
    }

    /// Offers the next frame of at most `max_frame` bytes to `send`, which returns whether there was room for it.
    ///
    /// # Errors
    /// The error of `send`. The frame stays queued.
    ///
    /// # Panics
    /// If `max_frame` is less than [`MIN_FRAME`].
    pub fn transmit<E>(
        &mut self,
        max_frame: usize,
        send: impl FnOnce(&Transmit<'_>) -> Result<bool, E>,
    ) -> Result<Progress, E> {
        assert!(max_frame >= MIN_FRAME, "a transport takes frames of 2048 bytes at least");
        let peer_max = if self.state == State::Handshake { MIN_FRAME } else { self.peer.max_frame as usize };
        let limit = max_frame.min(peer_max);
        let opened = self.state != State::Handshake;
        let Some(message) = self.outbox.next(opened) else {
            return Ok(Progress::Idle);
        };
        let frame = message.frame(limit, self.frame_offset);
        if !send(&frame)? {
            return Ok(Progress::Blocked);
        }
        let part = frame.len() - frame.head.len();
        let sent = self.outbox.advance(part, &mut self.pool);
        if let Some(call) = sent.and_then(|id| self.outgoing.get_mut(id)) {
            call.sent = true;
        }
        Ok(Progress::Sent)
    }

    /// Whether [`transmit`](Self::transmit) has a frame to offer.
    #[inline]
    pub fn has_output(&self) -> bool {
        self.outbox.has_next(self.state != State::Handshake)
    }

    /// Returns the oldest event.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Time at which to call [`handle_timeout`](Self::handle_timeout) next. A frame may change it.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Time> {
        match (self.outgoing.next_deadline(), self.incoming.next_deferred()) {
            (Some(deadline), Some((deferred, _))) => Some(deadline.min(deferred)),
            (deadline, deferred) => deadline.or(deferred.map(|(time, _)| time)),
        }
    }

    /// Ends the calls whose deadline is `now` or earlier, and reports deadlocks.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(id) = self.outgoing.overdue(now) {
            self.end_here(id, Outcome::TimedOut);
        }
        while let Some((until, id)) = self.incoming.next_deferred()
            && until <= now
        {
            self.incoming.end_deferral(id);
            if self.waits_for_us(id) {
                self.events.push_back(Event::Deadlock(id));
            }
        }
    }

    /// Name of the function that the unanswered call `id` of the peer is for.
    #[inline]
    pub fn function(&self, id: CallId) -> Option<&str> {
        self.incoming.get(id).map(|call| call.name.as_str())
    }

    /// Whether the peer has cancelled its unanswered call `id`.
    pub fn is_cancelled(&self, id: CallId) -> bool {
        self.incoming.get(id).is_some_and(|call| call.cancelled)
    }

    /// Whether the peer blocks until its unanswered call `id` is answered, and therefore receives no posted objects in the answer.
    #[inline]
    pub fn blocks(&self, id: CallId) -> bool {
        self.incoming.get(id).is_some_and(|call| call.blocks)
    }

    /// Marks the function of the unanswered call `id` of the peer as stopped. Returns false if it was marked before.
    pub fn stop(&mut self, id: CallId) -> bool {
        self.incoming.get_mut(id).is_some_and(|call| !core::mem::replace(&mut call.stopped, true))
    }

    /// The call made here whose handler made the unanswered call `id` of the peer, if one did. It may have ended.
    #[inline]
    pub fn parent(&self, id: CallId) -> Option<CallId> {
        let parent = self.incoming.get(id)?.parent;
        (parent != 0).then_some(CallId(parent))
    }

    /// Whether a call made here has not ended.
    #[inline]
    pub fn is_pending(&self, id: CallId) -> bool {
        self.outgoing.get(id.0).is_some_and(|call| call.stage == Stage::Pending)
    }

    /// Whether the unanswered call `id` of the peer was made by the handler of a call that has not ended. That handler may wait for the answer.
    #[inline]
    pub fn waits_for_us(&self, id: CallId) -> bool {
        self.parent(id).is_some_and(|parent| self.is_pending(parent))
    }

    /// The chain of calls that led to the unanswered call `id` of the peer, innermost first, such as
    /// `worker.compute, called by main.hello, called by worker.start`.
    pub fn chain(&self, id: CallId) -> String {
        let mut text = String::new();
        let mut incoming = self.incoming.get(id);
        for link in 0..LONGEST_CHAIN {
            let Some(call) = incoming else {
                return text;
            };
            let separator = if link > 0 { ", called by " } else { "" };
            let _ = write!(text, "{separator}{}.{}", self.role.name(), call.name);
            let Some(outgoing) = self.outgoing.get(call.parent) else {
                return text;
            };
            let _ = write!(text, ", called by {}.{}", self.role.peer().name(), outgoing.name);
            incoming = self.incoming.get(CallId(outgoing.parent));
        }
        text.push_str(", ...");
        text
    }

    /// The settings, within their ranges.
    #[inline]
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether [`poll_event`](Self::poll_event) would return an event.
    #[inline]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Records that the function of the unanswered call `id` of the peer runs, as run number `run`.
    #[inline]
    pub(crate) fn begin(&mut self, id: CallId, run: u32) {
        if let Some(call) = self.incoming.get_mut(id) {
            call.run = run;
        }
    }

    /// Whether the unanswered call `id` of the peer is the one whose function ran as run number `run`.
    #[inline]
    pub(crate) fn has_begun(&self, id: CallId, run: u32) -> bool {
        self.incoming.get(id).is_some_and(|call| call.run == run)
    }

    /// Records that the function of the unanswered call `id` of the peer has returned, and its result follows.
    pub(crate) fn start(&mut self, id: CallId) {
        if let Some(call) = self.incoming.get_mut(id) {
            call.started = true;
        }
    }

    /// Number of the run whose result follows.
    pub(crate) fn started(&self, id: CallId) -> Option<u32> {
        self.incoming.get(id).filter(|call| call.started).map(|call| call.run)
    }

    fn send_handshake(&mut self, kind: Kind) {
        let mut payload = self.pool.take();
        payload.extend_from_slice(&self.config.handshake().to_bytes());
        self.outbox.push_handshake(Header { kind, ..Header::default() }, &self.config.name, payload);
    }

    #[inline]
    fn check_sendable(&self, name: &str, size: usize, depth: u16) -> Result<(), SendError> {
        if self.state == State::Closed {
            return Err(SendError::Closed);
        }
        if name.len() > MAX_NAME {
            return Err(SendError::NameTooLong { length: name.len() });
        }
        if size as u64 > self.peer.max_message {
            return Err(SendError::TooLarge { size, limit: self.peer.max_message });
        }
        if depth > self.peer.max_depth {
            return Err(SendError::TooDeep { depth, limit: self.peer.max_depth });
        }
        Ok(())
    }

    /// Answers with a payload of the program's, which is charged to the account.
    #[inline]
    fn answer_with(
        &mut self,
        id: CallId,
        kind: Kind,
        code: u16,
        format: Format,
        payload: Payload,
    ) -> Result<(), NoSuchCall> {
        let size = payload.len();
        if self.pool.account.charge(size) {
            return self.answer(id, kind, code, format, payload, size);
        }
        self.unsent(format, payload);
        let text = self.lack_of_memory("its answer", size as u64);
        self.throw_text(id, ErrorCode::OUT_OF_MEMORY, &text)
    }

    /// `charged` is the number of bytes that the account was charged for the payload.
    #[inline]
    fn answer(
        &mut self,
        id: CallId,
        kind: Kind,
        code: u16,
        format: Format,
        payload: Payload,
        charged: usize,
    ) -> Result<(), NoSuchCall> {
        if !self.incoming.remove(id) {
            self.pool.account.release(charged);
            self.unsent(format, payload);
            return Err(NoSuchCall);
        }
        let header = Header { kind, flags: Flags::new(format, false), code, id: id.0, ..Header::default() };
        self.outbox.push(header, "", payload, charged);
        Ok(())
    }

    /// Why a payload was not charged to the account.
    #[cold]
    fn out_of_memory(&self, size: usize) -> SendError {
        let (used, limit) = self.budget().map_or((0, 0), |budget| (budget.used(), budget.limit()));
        SendError::OutOfMemory { size, used, limit }
    }

    /// Why there is no room for `size` bytes of something.
    #[cold]
    fn lack_of_memory(&self, what: &str, size: u64) -> String {
        let role = self.role.name();
        match self.budget() {
            Some(budget) if !self.pool.account.fits(size) => format!(
                "the {size} bytes of {what} exceed the memory budget of {role}, of which {budget}: send less at a time, or raise the \
                 budget (`set_memory_budget`, in JavaScript the option `memory`)"
            ),
            _ => format!("{role} has no memory for the {size} bytes of {what}: send less at a time"),
        }
    }

    /// A message text as a payload, cut to fit in one frame of any peer.
    fn text(&mut self, text: &str) -> Vec<u8> {
        let end = text.floor_char_boundary(LONGEST_TEXT);
        let mut payload = self.pool.take();
        payload.extend_from_slice(&text.as_bytes()[..end]);
        payload
    }

    /// Reports a payload that has arrived and is not read, if it may contain objects.
    pub(crate) fn unread(&mut self, format: Format, payload: Payload) {
        self.drop_payload(format, payload, Event::Unread);
    }

    /// Reports a payload of this end that the peer does not receive, if it may contain objects.
    pub(crate) fn unsent(&mut self, format: Format, payload: Payload) {
        self.drop_payload(format, payload, Event::Unsent);
    }

    fn drop_payload(&mut self, format: Format, payload: Payload, event: fn(Payload) -> Event) {
        if format == Format::Value && payload.head.len() >= LEAST_WITH_OBJECT && self.state != State::Closed {
            self.events.push_back(event(payload));
        } else {
            self.pool.give_payload(payload);
        }
    }

    fn end_here(&mut self, id: u32, outcome: Outcome) {
        let Some(call) = self.outgoing.get(id).filter(|call| call.stage == Stage::Pending) else {
            return;
        };
        let mut begun = true;
        if !call.sent
            && let Some((has_begun, Removed { format, body, .. })) = self.outbox.remove_call(id, &mut self.pool)
        {
            begun = has_begun;
            self.unsent(format, body);
        }
        if !begun {
            self.outgoing.remove(id);
        } else {
            self.outgoing.abandon(id);
            self.assemblies.discard_answer(id, &mut self.pool);
            self.outbox.push_urgent(Header { kind: Kind::CANCEL, id, ..Header::default() }, Vec::new());
        }
        self.events.push_back(Event::Ended { id: CallId(id), outcome });
    }

    fn shut(&mut self, by: ClosedBy, reason: CloseReason, text: &str) {
        self.state = State::Closed;
        self.incoming.clear();
        self.assemblies.clear(&mut self.pool);
        for id in self.outgoing.drain_pending() {
            self.events.push_back(Event::Ended { id: CallId(id), outcome: Outcome::Closed });
        }
        let closed = Closed { by, reason, text: text.to_string() };
        self.closed = Some(closed.clone());
        self.events.push_back(Event::Closed(closed));
    }

    fn accept(&mut self, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        let mut header = [0; Header::SIZE];
        if frame.len() < Header::SIZE {
            return Err(ProtocolError("a frame is shorter than its header".into()));
        }
        let longest = if self.state == State::Handshake { MIN_FRAME } else { self.config.max_frame as usize };
        if frame.len() > longest {
            return Err(ProtocolError("a frame is longer than the limit".into()));
        }
        frame.copy_to(0, &mut header);
        let header = Header::from_bytes(header);
        if header.flags.has_unknown() || header.flags.blocks() && header.kind != Kind::CALL {
            return Err(ProtocolError("a frame has an unknown flag".into()));
        }
        if header.flags.has_segments() && !matches!(header.kind, Kind::CALL | Kind::RETURN | Kind::THROW | Kind::NOTIFY)
        {
            return Err(ProtocolError("a frame has segments that its kind does not have".into()));
        }
        let known = match header.kind {
            Kind::HELLO | Kind::WELCOME => return self.accept_handshake(header, frame),
            Kind::CLOSE => return self.accept_close(header, frame),
            _ if self.state != State::Open => false,
            Kind::READY => self.role == Role::Main,
            Kind::INTERRUPT => self.role == Role::Worker,
            _ => true,
        };
        if !known {
            let wrong = format!("{} is out of place", header.kind.name());
            return Err(ProtocolError(wrong.into()));
        }
        if header.name_len != 0 && !matches!(header.kind, Kind::CALL | Kind::NOTIFY | Kind(0 | 13..)) {
            return Err(ProtocolError("a frame has a name that its kind does not have".into()));
        }
        if header.flags.more() && matches!(header.kind, Kind::CANCEL | Kind::INTERRUPT) {
            return Err(ProtocolError("a frame without a body has the flag more".into()));
        }
        match header.kind {
            Kind::CALL => self.accept_call(header, frame),
            Kind::RETURN | Kind::THROW => self.accept_answer(header, frame),
            Kind::NOTIFY => {
                self.read_name(header, frame)?;
                self.accept_body(header.without_id(), frame, Purpose::Notify)
            }
            Kind::READY if self.received_ready => Err(ProtocolError("ready arrived twice".into())),
            Kind::READY => {
                self.received_ready = true;
                self.accept_body(header.without_id(), frame, Purpose::Ready)
            }
            Kind::RELEASE => self.accept_body(header.without_id(), frame, Purpose::Release),
            Kind::MORE => self.accept_more(header, frame),
            Kind::CANCEL => self.accept_cancel(header),
            Kind::INTERRUPT => {
                self.events.push_back(Event::Interrupted);
                Ok(())
            }
            Kind(kind) => Err(ProtocolError(format!("frames of kind {kind} are unknown").into())),
        }
    }

    fn accept_handshake(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        let expected = if self.role == Role::Main { Kind::HELLO } else { Kind::WELCOME };
        if self.state != State::Handshake || header.kind != expected || header.flags.more() {
            return Err(ProtocolError("a handshake is out of place".into()));
        }
        self.peer_name = self.read_name(header, frame)?.to_string();
        let mut bytes = [0; Handshake::SIZE];
        let at = Header::SIZE + usize::from(header.name_len);
        if frame.len() < at + Handshake::SIZE {
            return Err(ProtocolError("a handshake is too short".into()));
        }
        frame.copy_to(at, &mut bytes);
        let Some(peer) = Handshake::from_bytes(&bytes) else {
            return Err(ProtocolError("a handshake does not begin with the magic number".into()));
        };
        if peer.major != VERSION.0 {
            let text = format!("version {} was offered, this end speaks {}", peer.major, VERSION.0);
            self.abort(CloseReason::INCOMPATIBLE, &text);
            return Ok(());
        }
        let sane = peer.max_frame as usize >= MIN_FRAME
            && peer.max_message >= MIN_FRAME as u64
            && (1..=65_535).contains(&peer.max_pending)
            && peer.max_depth > 0;
        if !sane {
            return Err(ProtocolError("a handshake announces a limit out of range".into()));
        }
        self.peer = peer;
        if self.role == Role::Main {
            self.send_handshake(Kind::WELCOME);
        }
        self.state = State::Open;
        self.events.push_back(Event::Opened);
        self.end_calls_over_the_limits();
        Ok(())
    }

    /// Calls that were queued before the peer's limits were known may turn out not to fit them.
    fn end_calls_over_the_limits(&mut self) {
        let (max_message, max_pending) = (self.peer.max_message, self.peer.max_pending as usize);
        let mut calls = 0;
        let mut ready_fits = true;
        let removed = self.outbox.remove_where(&mut self.pool, |message| {
            let fits = message.size as u64 <= max_message;
            ready_fits &= fits || message.kind() != Kind::READY;
            calls += usize::from(fits && message.kind() == Kind::CALL);
            !fits || (message.kind() == Kind::CALL && calls > max_pending)
        });
        for Removed { kind, id, format, body } in removed {
            let size = body.len();
            self.unsent(format, body);
            if kind != Kind::CALL {
                continue;
            }
            self.outgoing.remove(id);
            let error = if size as u64 > max_message {
                SendError::TooLarge { size, limit: max_message }
            } else {
                SendError::Overloaded { limit: self.peer.max_pending }
            };
            let outcome = Outcome::NotSent(error);
            self.events.push_back(Event::Ended { id: CallId(id), outcome });
        }
        if !ready_fits {
            // Main would wait for it indefinitely.
            self.abort(CloseReason::INCOMPATIBLE, "the list of exports is longer than main takes");
        }
    }

    fn accept_close(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        let size = frame.len() - Header::SIZE;
        if header.flags.more() || header.name_len != 0 || size > LONGEST_TEXT {
            return Err(ProtocolError("a close frame is malformed".into()));
        }
        let mut text = alloc::vec![0; size];
        frame.copy_to(Header::SIZE, &mut text);
        self.outbox.clear(&mut self.pool);
        self.shut(ClosedBy::Peer, CloseReason(header.code), &String::from_utf8_lossy(&text));
        Ok(())
    }

    fn accept_call(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        if header.id & 1 != self.role.peer().parity() || header.id == 0 {
            return Err(ProtocolError("a call has an id of the other end".into()));
        }
        if header.parent != 0 && header.parent & 1 != self.role.parity() {
            return Err(ProtocolError("a call has a parent of its own end".into()));
        }
        if header.code == 0 {
            return Err(ProtocolError("a call has depth 0".into()));
        }
        // An answer that is still queued counts as pending, so that a peer cannot make any number of answers pile up.
        if self.incoming.len() + self.outbox.answers() >= self.config.max_pending as usize {
            return Err(ProtocolError("more calls are unanswered than the limit allows".into()));
        }
        read_name(&mut self.name, header, frame)?;
        let name = self.take_name()?;
        let blocks = header.flags.blocks();
        let Some(spare) = self.incoming.insert(header.id, name, header.parent, header.code, blocks) else {
            return Err(ProtocolError("two unanswered calls have the same id".into()));
        };
        self.name = spare.into_bytes();
        self.accept_body(header, frame, Purpose::Call)
    }

    fn accept_answer(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        let Some(call) = self.outgoing.get_mut(header.id) else {
            return Err(ProtocolError("an answer belongs to no call".into()));
        };
        if !call.sent && call.stage == Stage::Pending {
            return Err(ProtocolError("a call was answered before it was sent".into()));
        }
        if call.answering {
            return Err(ProtocolError("a call was answered twice".into()));
        }
        call.answering = true;
        let abandoned = call.stage == Stage::Abandoned;
        let purpose = match header.kind {
            _ if abandoned && header.flags.format() == Format::Value => Purpose::LateAnswer,
            _ if abandoned => Purpose::DroppedAnswer,
            Kind::RETURN => Purpose::Return,
            _ => Purpose::Throw(ErrorCode(header.code)),
        };
        self.accept_body(header, frame, purpose)
    }

    /// Handles the first part of a body, which is the only part unless the body is long. A name is known to fit the frame.
    fn accept_body(
        &mut self,
        header: Header,
        frame: &(impl FrameBytes + ?Sized),
        purpose: Purpose,
    ) -> Result<(), ProtocolError> {
        let mut at = Header::SIZE + usize::from(header.name_len);
        let (format, more) = (header.flags.format(), header.flags.more());
        if !more && !header.flags.has_segments() {
            let size = frame.len() - at;
            if size as u64 > self.config.max_message {
                return Err(ProtocolError("a body is longer than the limit".into()));
            }
            if purpose == Purpose::DroppedAnswer {
                return self.complete(header.id, format, purpose, Payload::default());
            }
            let mut body = self.pool.take_stale(size);
            if body.try_reserve_exact(size.saturating_sub(body.len())).is_err() {
                let (purpose, body) = self.refuse(header.id, purpose, size as u64);
                return self.complete(header.id, format, purpose, body.into());
            }
            body.resize(size, 0);
            frame.copy_to(at, &mut body);
            return self.complete(header.id, format, purpose, body.into());
        }
        let mut total = [0; 8];
        if more {
            if frame.len() < at + total.len() {
                return Err(ProtocolError("a body in parts has no total length".into()));
            }
            frame.copy_to(at, &mut total);
            at += total.len();
        }
        let mut total = u64::from_le_bytes(total);
        let table = if header.flags.has_segments() { Some(Table::read(&frame, &mut at)?) } else { None };
        if !more {
            total = (frame.len() - at) as u64;
        }
        if table.as_ref().is_some_and(|table| !table.fits(total)) {
            return Err(ProtocolError("the segments of a body are not in order, or are beyond its end".into()));
        }
        // What one frame holds waits for nothing, so it does not count with the unfinished bodies.
        let unfinished = if more { self.assemblies.bytes() } else { 0 };
        if total > self.config.max_message.saturating_sub(unfinished) {
            return Err(ProtocolError("a body is longer than the limit".into()));
        }
        let fits = purpose == Purpose::DroppedAnswer || self.pool.account.fits(total);
        let hosts = self.pool.hosts;
        let hosted = table.as_ref().zip(hosts).map_or_else(Vec::new, |(table, (least, _))| table.hosted(least));
        let body = match table.filter(|_| hosts.is_none() && self.config.segments) {
            _ if !fits || purpose == Purpose::DroppedAnswer => Payload::default(),
            None => {
                let outside: usize = hosted.iter().map(|(_, len)| len).sum();
                self.pool.take_stale(total as usize - outside).into()
            }
            Some(table) => table.buffers(total, &mut self.pool),
        };
        let mut assembly = Assembly::new(header.id, format, purpose, total, body).with_hosted(hosted);
        if !more {
            return self.accept_whole(assembly, fits, &frame, at);
        }
        if purpose == Purpose::Notify {
            assembly.name = core::mem::take(&mut self.name);
        }
        if !self.assemblies.insert(assembly) {
            return Err(ProtocolError("two unfinished bodies have the same id".into()));
        }
        if !fits {
            self.refuse_rest(header.id);
            if self.state == State::Closed {
                return Ok(());
            }
        }
        self.accept_part(header.id, &frame, at, true)
    }

    /// Handles a body with segments that is in one frame from `at` on.
    fn accept_whole(
        &mut self,
        mut assembly: Assembly,
        fits: bool,
        frame: &dyn FrameBytes,
        at: usize,
    ) -> Result<(), ProtocolError> {
        let (id, format, purpose, total) = (assembly.id, assembly.format, assembly.purpose, assembly.total);
        let received = fits && assembly.append(frame, at, total, &mut self.pool);
        assembly.settle(&mut self.pool);
        if received {
            return self.complete(id, format, purpose, assembly.body);
        }
        let (purpose, body) = self.refuse(id, purpose, total);
        self.complete(id, format, purpose, body.into())
    }

    /// Handles a body of `size` bytes for which there is no memory, or which exceeds the budget: ends its call as soon as that may be ended.
    /// Returns the purpose for which the rest is received, and the body to [complete](Self::complete) it with.
    #[cold]
    fn refuse(&mut self, id: u32, purpose: Purpose, size: u64) -> (Purpose, Vec<u8>) {
        match purpose {
            Purpose::Call => {
                let text = self.lack_of_memory("its arguments", size);
                (Purpose::RefusedCall, self.text(&text))
            }
            Purpose::Notify => (Purpose::DroppedNotification, Vec::new()),
            Purpose::Return | Purpose::Throw(_) => {
                let text = self.lack_of_memory("its answer", size);
                let outcome = Outcome::Threw {
                    code: ErrorCode::OUT_OF_MEMORY,
                    format: Format::Text,
                    payload: self.text(&text).into(),
                };
                self.outgoing.abandon(id);
                self.events.push_back(Event::Ended { id: CallId(id), outcome });
                (Purpose::DroppedAnswer, Vec::new())
            }
            Purpose::Ready | Purpose::Release => {
                let what = if purpose == Purpose::Ready { "the list of exports" } else { "a list of references" };
                let text = self.lack_of_memory(what, size);
                self.abort(CloseReason::FAILED, &text);
                (Purpose::DroppedNotification, Vec::new())
            }
            Purpose::LateAnswer => (Purpose::DroppedAnswer, Vec::new()),
            dropped => (dropped, Vec::new()),
        }
    }

    /// Refuses a body that has not arrived completely. This may close the link.
    #[cold]
    fn refuse_rest(&mut self, id: u32) {
        let Some(assembly) = self.assemblies.get_mut(id) else {
            return;
        };
        let (purpose, total) = (assembly.purpose, assembly.total);
        // Memory is short, so the buffer is not kept for later.
        drop(assembly.stop_keeping(Purpose::DroppedNotification, &mut self.pool));
        let (purpose, body) = self.refuse(id, purpose, total);
        if let Some(assembly) = self.assemblies.get_mut(id) {
            assembly.purpose = purpose;
            assembly.body = body.into();
        }
    }

    fn accept_more(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
        self.accept_part(header.id, &frame, Header::SIZE, header.flags.more())
    }

    fn accept_part(&mut self, id: u32, frame: &dyn FrameBytes, at: usize, more: bool) -> Result<(), ProtocolError> {
        let Some(assembly) = self.assemblies.get_mut(id) else {
            return Err(ProtocolError("a part belongs to no unfinished body".into()));
        };
        let end = assembly.end_of(frame.len() - at, more)?;
        if !assembly.append(frame, at, end, &mut self.pool) {
            self.refuse_rest(id);
            match self.assemblies.get_mut(id) {
                Some(assembly) => assembly.skip_to(end),
                None => return Ok(()), // The link is closed, for lack of memory.
            }
        }
        if !more {
            let mut assembly = self.assemblies.remove(id);
            assembly.settle(&mut self.pool);
            if assembly.purpose == Purpose::Notify {
                self.name = assembly.name;
            }
            self.complete(id, assembly.format, assembly.purpose, assembly.body)?;
        }
        Ok(())
    }

    fn accept_cancel(&mut self, header: Header) -> Result<(), ProtocolError> {
        let id = CallId(header.id);
        if header.id & 1 != self.role.peer().parity() || header.id == 0 {
            return Err(ProtocolError("a cancel names a call of the other end".into()));
        }
        self.handle_cancel(id);
        Ok(())
    }

    /// Handles a cancellation of a call of the peer. Twice is fine.
    pub(crate) fn handle_cancel(&mut self, id: CallId) {
        let Some(call) = self.incoming.get_mut(id) else {
            return; // The cancellation and the answer have crossed.
        };
        let first = !core::mem::replace(&mut call.cancelled, true);
        if self.assemblies.contains(id.0) {
            let mut assembly = self.assemblies.remove(id.0);
            assembly.settle(&mut self.pool);
            self.pool.give_payload(assembly.body);
            let _ = self.throw_text(id, ErrorCode::CANCELLED, "the call was cancelled while it was being sent");
        } else if first {
            self.events.push_back(Event::Cancelled(id));
        }
    }

    /// Handles a complete body. That of a notification is for the function `self.name`.
    fn complete(&mut self, id: u32, format: Format, purpose: Purpose, payload: Payload) -> Result<(), ProtocolError> {
        let id = CallId(id);
        // Each arm pushes its event itself: copies of a common variable would cost more than all the rest.
        match purpose {
            Purpose::Call => {
                let depth = self.incoming.get(id).map_or(0, |call| call.depth);
                if depth > self.config.max_depth {
                    self.unread(format, payload);
                    let limit = self.config.max_depth;
                    let chain = self.chain(id);
                    let text = format!("calls are nested {depth} deep and {limit} are allowed: {chain}");
                    let _ = self.throw_text(id, ErrorCode::TOO_DEEP, &text);
                    return Ok(());
                }
                self.events.push_back(Event::Call { id, format, payload });
            }
            Purpose::Notify => {
                let name = self.take_name()?;
                self.events.push_back(Event::Notify { name, format, payload });
            }
            Purpose::Return => {
                self.outgoing.remove(id.0);
                self.events.push_back(Event::Ended { id, outcome: Outcome::Returned { format, payload } });
            }
            Purpose::Throw(code) => {
                self.outgoing.remove(id.0);
                self.events.push_back(Event::Ended { id, outcome: Outcome::Threw { code, format, payload } });
            }
            Purpose::LateAnswer => {
                self.outgoing.remove(id.0);
                self.unread(format, payload);
            }
            Purpose::DroppedAnswer => self.outgoing.remove(id.0),
            Purpose::RefusedCall => {
                let _ = self.answer(id, Kind::THROW, ErrorCode::OUT_OF_MEMORY.0, Format::Text, payload, 0);
            }
            Purpose::DroppedNotification => {}
            Purpose::Ready => {
                let fits = self.pool.account.fits(payload.len() as u64 * LISTED_NAME);
                let Some(exports) = (if fits { exports(&payload.head)? } else { None }) else {
                    self.refuse(id.0, purpose, payload.len() as u64);
                    return Ok(());
                };
                self.pool.give_payload(payload);
                self.events.push_back(Event::Ready(exports));
            }
            Purpose::Release => {
                let (references, rest) = payload.head.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(ProtocolError("a release ends in the middle of a reference".into()));
                }
                let mut list = Vec::new();
                if !self.pool.account.fits(payload.len() as u64) || list.try_reserve_exact(references.len()).is_err() {
                    self.refuse(id.0, purpose, payload.len() as u64);
                    return Ok(());
                }
                list.extend(references.iter().map(|bytes| u64::from_le_bytes(*bytes)));
                self.pool.give_payload(payload);
                self.events.push_back(Event::Released(list));
            }
        }
        Ok(())
    }

    fn read_name(&mut self, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<&str, ProtocolError> {
        read_name(&mut self.name, header, frame)?;
        checked_name(&self.name)
    }

    /// The name that was read, without copying it.
    #[inline]
    fn take_name(&mut self) -> Result<String, ProtocolError> {
        String::from_utf8(core::mem::take(&mut self.name)).map_err(|_| not_text())
    }
}

/// A payload that is about to be sent, with no more segments than can travel.
#[inline]
fn checked(payload: Payload) -> Payload {
    if payload.has_segments() { checked_segments(payload) } else { payload }
}

fn checked_segments(mut payload: Payload) -> Payload {
    assert!(payload.is_sound(), "the segments of a payload are ascending ranges of its head");
    if payload.count() > MAX_SEGMENTS {
        payload = payload.into_bytes().into();
    }
    payload
}

/// The segments that a message has announced.
struct Table {
    /// Offset in the body and length of each.
    entries: [(u64, u64); MAX_SEGMENTS],
    count: usize,
}

impl Table {
    /// Reads a table in a frame from `at`, which is behind it then.
    fn read(frame: &dyn FrameBytes, at: &mut usize) -> Result<Self, ProtocolError> {
        let wrong = || ProtocolError("a table of segments is too short, or has no entry or more than 32".into());
        let mut count = [0; COUNT];
        if frame.len() < *at + COUNT {
            return Err(wrong());
        }
        frame.copy_to(*at, &mut count);
        *at += COUNT;
        let count = u32::from_le_bytes(count) as usize;
        if !(1..=MAX_SEGMENTS).contains(&count) || frame.len() < *at + count * ENTRY {
            return Err(wrong());
        }
        let mut entries = [(0, 0); MAX_SEGMENTS];
        for entry in &mut entries[..count] {
            let mut bytes = [0; ENTRY];
            frame.copy_to(*at, &mut bytes);
            *at += ENTRY;
            let both = u128::from_le_bytes(bytes);
            *entry = (both as u64, (both >> 64) as u64);
        }
        Ok(Self { entries, count })
    }

    fn entries(&self) -> &[(u64, u64)] {
        &self.entries[..self.count]
    }

    /// Whether the segments are ascending, not empty, and inside of a body of `total` bytes.
    fn fits(&self, total: u64) -> bool {
        let mut end = 0;
        self.entries().iter().all(|(offset, len)| {
            let fits = *offset >= end && *len > 0 && offset.checked_add(*len).is_some_and(|end| end <= total);
            end = offset.wrapping_add(*len);
            fits
        })
    }

    /// Buffers for a body of `total` bytes, which fits the address space and the segments.
    fn buffers(&self, total: u64, pool: &mut Pool) -> Payload {
        let outside: u64 = self.entries().iter().map(|(_, len)| len).sum();
        let mut list = pool.take_list().unwrap_or_default();
        let mut before = 0;
        list.extend(self.entries().iter().map(|(offset, len)| {
            let start = (offset - before) as usize;
            before += len;
            (start..start + *len as usize, Some(pool.take_segment(*len as usize)))
        }));
        Payload { head: pool.take_stale((total - outside) as usize), segments: Some(list), hosted: None }
    }

    /// The segments of `least` bytes and more: where each belongs in a head that has all else, and its length.
    fn hosted(&self, least: usize) -> Vec<(usize, usize)> {
        let mut before = 0;
        let large = self.entries().iter().filter(|(_, len)| *len >= least as u64);
        large
            .map(|(offset, len)| {
                let start = offset - before;
                before += len;
                (start as usize, *len as usize)
            })
            .collect()
    }
}

fn read_name(name: &mut Vec<u8>, header: Header, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
    let length = usize::from(header.name_len);
    if length > MAX_NAME || Header::SIZE + length > frame.len() {
        return Err(ProtocolError("a name is too long".into()));
    }
    name.resize(length, 0);
    frame.copy_to(Header::SIZE, name);
    Ok(())
}

fn checked_name(name: &[u8]) -> Result<&str, ProtocolError> {
    core::str::from_utf8(name).map_err(|_| not_text())
}

fn not_text() -> ProtocolError {
    ProtocolError("a name is not UTF-8".into())
}

/// The names in a list of exports. `None`: there is no memory for them.
fn exports(mut payload: &[u8]) -> Result<Option<Vec<String>>, ProtocolError> {
    let mut names = Vec::new();
    while !payload.is_empty() {
        let name = payload.split_first_chunk().and_then(|(length, rest)| {
            let length = usize::from(u16::from_le_bytes(*length));
            payload = rest.get(length..)?;
            rest.get(..length)
        });
        let name = name.ok_or_else(|| ProtocolError("a list of exports is cut off".into()))?;
        if name.len() > MAX_NAME {
            return Err(ProtocolError("the name of an export is too long".into()));
        }
        let mut copy = String::new();
        let name = checked_name(name)?;
        if names.try_reserve(1).is_err() || copy.try_reserve_exact(name.len()).is_err() {
            return Ok(None);
        }
        copy.push_str(name);
        names.push(copy);
    }
    Ok(Some(names))
}

fn close_header(reason: CloseReason) -> Header {
    Header { kind: Kind::CLOSE, flags: Flags::new(Format::Text, false), code: reason.0, ..Header::default() }
}

/// Longest text in bytes of an error or a close: fits into the smallest frame.
const LONGEST_TEXT: usize = 1536;

/// Least length in bytes of a value that contains an object: its tag, its owner and its id.
const LEAST_WITH_OBJECT: usize = 3;

/// Bytes of memory that each byte of a list of exports may take when it is read: a name without a character has two bytes, and a string three
/// words.
const LISTED_NAME: u64 = 16;

/// Most pairs of calls that [`Session::chain`] writes out.
const LONGEST_CHAIN: usize = 8;
