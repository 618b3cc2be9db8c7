//! The state machine of one end of a link.

mod receive;

use crate::assembly::Assemblies;
use crate::budget::Budget;
use crate::calls::{Incoming, Outgoing, Stage};
use crate::message::{Outbox, Removed};
use crate::pool::Pool;
use crate::{
    Allot, CallId, CloseReason, Closed, ClosedBy, Config, ErrorCode, Event, Flags, Format, FrameBytes, Handshake,
    Header, Kind, MAX_NAME, MAX_SEGMENTS, MIN_FRAME, NoSuchCall, Outcome, Payload, ProtocolError, Role, SendError,
    Time, Transmit,
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
    /// Whether `ready` has been received (main) or queued (worker).
    is_ready: bool,
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
            is_ready: false,
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

    /// Name of the peer in its handshake, for a host that accepts several workers. Empty before the handshake, and at a worker.
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
    /// When there is no memory for that. The payload is then unchanged.
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
    /// When the call has already been answered, or the link is closed. The error can be ignored.
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
    /// When the call has already been answered, or the link is closed. The error can be ignored.
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
    /// When the call has already been answered, or the link is closed. The error can be ignored.
    pub fn throw_text(&mut self, id: CallId, code: ErrorCode, text: &str) -> Result<(), NoSuchCall> {
        let payload = self.text(text);
        self.answer(id, Kind::THROW, code.0, Format::Text, payload.into(), 0)
    }

    /// Defers a call of the peer whose function can run, or end, only after this end no longer waits for its [`parent`](Self::parent). If the
    /// parent is still pending after [`Config::deadlock_timeout`], there is an [`Event::Deadlock`].
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
        if self.role == Role::Main || self.is_ready {
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
        self.is_ready = true;
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

fn close_header(reason: CloseReason) -> Header {
    Header { kind: Kind::CLOSE, flags: Flags::new(Format::Text, false), code: reason.0, ..Header::default() }
}

/// Longest text in bytes of an error or a close: fits into the smallest frame.
const LONGEST_TEXT: usize = 1536;

/// Least length in bytes of a value that contains an object: its tag, its owner and its id.
const LEAST_WITH_OBJECT: usize = 3;

/// Maximum number of pairs of calls that [`Session::chain`] lists.
const LONGEST_CHAIN: usize = 8;
