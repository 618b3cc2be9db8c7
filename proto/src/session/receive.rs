//! Received frames: validation, bodies in parts, and the events that they cause.

use super::{LONGEST_TEXT, Session, State};
use crate::assembly::{Assembly, Purpose};
use crate::calls::Stage;
use crate::message::{COUNT, ENTRY, Removed};
use crate::pool::Pool;
use crate::{
    CallId, CloseReason, ClosedBy, ErrorCode, Event, Format, FrameBytes, Handshake, Header, Kind, MAX_NAME,
    MAX_SEGMENTS, MIN_FRAME, Outcome, Payload, ProtocolError, Role, SendError, VERSION,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Session {
    pub(super) fn accept(&mut self, frame: &(impl FrameBytes + ?Sized)) -> Result<(), ProtocolError> {
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
            Kind::READY if self.is_ready => Err(ProtocolError("ready arrived twice".into())),
            Kind::READY => {
                self.is_ready = true;
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
        // A body in one frame is never unfinished, so it does not count with the unfinished bodies.
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

    /// Handles a body of `size` bytes for which there is no memory, or which exceeds the budget. Its call ends as soon as it can be answered.
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

    /// Handles a cancellation of a call of the peer. Idempotent.
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

/// Bytes of memory for each byte of a list of exports that is read. An empty name has two bytes, and its string three words.
const LISTED_NAME: u64 = 16;
