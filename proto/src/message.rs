//! Outgoing messages, cut into frames when they are sent.

use crate::pool::Pool;
use crate::{Flags, Format, Header, Kind, Payload, Transmit};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A message that is not completely sent.
///
/// It stays in its box from queueing until it has been sent, and the box is reused.
#[derive(Debug, Default)]
pub(crate) struct Message {
    header: Header,
    /// Header, name (from byte 16), total length and table of segments, as they are sent before the body.
    head: Vec<u8>,
    body: Payload,
    /// Length of `body`.
    pub(crate) size: usize,
    /// Bytes of `body` that have been sent.
    sent: usize,
    started: bool,
    /// Whether hosted bytes of `body` may be changed by the program before they are sent.
    lent: bool,
    /// Bytes that the session's account is charged with until the message is gone.
    charged: usize,
}

impl Message {
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.header.kind
    }

    #[inline]
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self.header.kind, Kind::RETURN | Kind::THROW)
    }

    /// The next frame of at most `limit` bytes, which begins at this offset in a word.
    #[inline]
    pub(crate) fn frame(&mut self, limit: usize, offset: usize) -> Transmit<'_> {
        let name_end = if self.started { Header::SIZE } else { Header::SIZE + usize::from(self.header.name_len) };
        if self.body.has_segments() {
            return self.frame_of_segments(name_end, limit, offset);
        }
        let body = &self.body.head;
        let rest = self.size - self.sent;
        let more = name_end + rest > limit;
        let mut header = self.header;
        if self.started {
            header = Header { kind: Kind::MORE, id: header.id, ..Header::default() };
        }
        header.flags = self.flags(more);
        let head = &mut self.head[..];
        head[..Header::SIZE].copy_from_slice(&header.to_bytes());
        if !more {
            return Transmit::new(&head[..name_end], &body[self.sent..]);
        }
        let mut head_end = name_end;
        if !self.started {
            head_end += TOTAL;
            head[name_end..head_end].copy_from_slice(&(self.size as u64).to_le_bytes());
        }
        Transmit::new(&head[..head_end], &body[self.sent..self.sent + (limit - head_end)])
    }

    /// The flags of the next frame, without that of segments.
    #[inline]
    fn flags(&self, more: bool) -> Flags {
        let mut flags = Flags::new(self.header.flags.format(), more);
        if !self.started {
            flags.0 |= self.header.flags.0 & Flags::BLOCKS;
        }
        flags
    }

    /// Copies the unsent hosted bytes. Returns `false` if there is no memory for that.
    fn keep(&mut self) -> bool {
        if !core::mem::take(&mut self.lent) {
            return true;
        }
        self.body.hosted().iter().zip(self.body.table()).all(|((_, bytes), (offset, len))| {
            let sent = self.sent as u64;
            offset + len <= sent || bytes.keep(sent.saturating_sub(offset) as usize)
        })
    }

    /// The next frame of a body with segments: as many bytes as fit, in as many pieces as a frame can have.
    fn frame_of_segments(&mut self, name_end: usize, limit: usize, offset: usize) -> Transmit<'_> {
        let rest = self.size - self.sent;
        let table = if self.started { 0 } else { table_size(&self.body) };
        let room = limit.saturating_sub(name_end + table);
        let is_hosted = !self.body.hosted().is_empty();
        let gather = |room| match is_hosted {
            true => {
                let (near, hosted, len) = self.body.gather_hosted(self.sent, room, offset + Header::SIZE);
                ([near, &[], &[]], hosted, len)
            }
            false => {
                let (body, len) = self.body.gather(self.sent, room);
                (body, None, len)
            }
        };
        let (mut body, mut hosted, len) = gather(room);
        let more = len < rest;
        let mut head_end = name_end;
        let mut header = self.header;
        if self.started {
            header = Header { kind: Kind::MORE, id: header.id, ..Header::default() };
        }
        header.flags = self.flags(more);
        if !self.started {
            header.flags.0 |= Flags::SEGMENTS;
            if more {
                head_end += TOTAL;
                self.head[name_end..head_end].copy_from_slice(&(self.size as u64).to_le_bytes());
                (body, hosted, _) = gather(len.min(room - TOTAL));
            }
            let count = self.body.count() as u32;
            self.head[head_end..head_end + COUNT].copy_from_slice(&count.to_le_bytes());
            head_end += COUNT;
            for (offset, len) in self.body.table() {
                self.head[head_end..head_end + 8].copy_from_slice(&offset.to_le_bytes());
                self.head[head_end + 8..head_end + ENTRY].copy_from_slice(&len.to_le_bytes());
                head_end += ENTRY;
            }
        }
        self.head[..Header::SIZE].copy_from_slice(&header.to_bytes());
        Transmit { head: &self.head[..head_end], body, hosted }
    }
}

/// A message that was removed before it was sent completely.
pub(crate) struct Removed {
    pub(crate) kind: Kind,
    pub(crate) id: u32,
    pub(crate) format: Format,
    pub(crate) body: Payload,
}

/// The queues of outgoing messages: first the handshake, then what is urgent, then the rest in the order in which it was pushed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    handshake: Option<Box<Message>>,
    /// Frames without a name, and with bodies that fit any frame. They overtake the parts of a long body.
    urgent: VecDeque<Box<Message>>,
    queue: VecDeque<Box<Message>>,
    /// Answers among them that are not completely sent.
    answers: usize,
    /// Whether messages may have hosted bytes that still belong to the program.
    lends: bool,
    #[allow(clippy::vec_box, reason = "what moves between the queues is the box")]
    spare: Vec<Box<Message>>,
}

impl Outbox {
    /// Queues a message whose body has been charged to the account with `charged` bytes.
    #[inline]
    pub(crate) fn push(&mut self, header: Header, name: &str, mut body: Payload, charged: usize) {
        // A spare buffer may be much larger than its contents, and the queue for a peer that does not receive grows.
        if self.queue.len() >= BACKLOG {
            body.trim();
        }
        let mut message = self.message(header, name, body);
        message.charged = charged;
        self.answers += usize::from(message.is_answer());
        self.queue.push_back(message);
    }

    /// Makes queued messages independent of the program's buffers. Returns `false` if there is no memory for that.
    #[inline]
    pub(crate) fn keep(&mut self) -> bool {
        !core::mem::take(&mut self.lends) || self.queue.iter_mut().all(|message| message.keep())
    }

    /// Number of answers that are not completely sent: for the peer, their calls are still unanswered.
    #[inline]
    pub(crate) fn answers(&self) -> usize {
        self.answers
    }

    pub(crate) fn push_urgent(&mut self, header: Header, body: Vec<u8>) {
        let message = self.message(header, "", body.into());
        self.urgent.push_back(message);
    }

    pub(crate) fn push_handshake(&mut self, header: Header, name: &str, body: Vec<u8>) {
        let message = self.message(header, name, body.into());
        self.handshake = Some(message);
    }

    /// The message whose next frame is to be sent. Before the handshake is over only the handshake itself may leave.
    #[inline]
    pub(crate) fn next(&mut self, opened: bool) -> Option<&mut Message> {
        if self.handshake.is_some() {
            return self.handshake.as_deref_mut();
        }
        if opened {
            self.urgent.front_mut().or_else(|| self.queue.front_mut()).map(|message| &mut **message)
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn has_next(&self, opened: bool) -> bool {
        self.handshake.is_some() || opened && !(self.urgent.is_empty() && self.queue.is_empty())
    }

    /// Records that the frame of [`next`](Self::next) and [`Message::frame`] has been sent, with this number of bytes of the body. Returns
    /// the id of a call that is now completely sent.
    #[inline]
    pub(crate) fn advance(&mut self, part: usize, pool: &mut Pool) -> Option<u32> {
        if self.handshake.is_some() {
            self.recycle_handshake(pool);
            return None;
        }
        let queue = if self.urgent.is_empty() { &mut self.queue } else { &mut self.urgent };
        let message = queue.front_mut()?;
        message.sent += part;
        message.started = true;
        if message.sent < message.size {
            return None;
        }
        let message = queue.pop_front()?;
        let call = (message.kind() == Kind::CALL).then_some(message.header.id);
        self.recycle(message, pool);
        call
    }

    /// Removes the call with this id if it is queued, whole or in part. Returns whether a part of it has been sent, and what was removed.
    pub(crate) fn remove_call(&mut self, id: u32, pool: &mut Pool) -> Option<(bool, Removed)> {
        let found = |message: &Message| message.kind() == Kind::CALL && message.header.id == id;
        let index = self.queue.iter().position(|message| found(message))?;
        let message = self.queue.remove(index)?;
        Some((message.started, self.removed(message, pool)))
    }

    /// Removes all calls, whole or in part. Returns the id of the call of which a part has been sent.
    pub(crate) fn remove_calls(&mut self, pool: &mut Pool) -> Option<u32> {
        // Messages are sent one after the other.
        let begun = self.queue.front().filter(|message| message.started && message.kind() == Kind::CALL);
        let id = begun.map(|message| message.header.id);
        for Removed { body, .. } in self.remove_where(pool, |message| message.kind() == Kind::CALL) {
            pool.give_payload(body);
        }
        id
    }

    /// Removes messages and returns them.
    pub(crate) fn remove_where(&mut self, pool: &mut Pool, mut wanted: impl FnMut(&Message) -> bool) -> Vec<Removed> {
        let mut all = Vec::new();
        let mut index = 0;
        while index < self.queue.len() {
            if wanted(&self.queue[index]) {
                if let Some(message) = self.queue.remove(index) {
                    all.push(self.removed(message, pool));
                }
            } else {
                index += 1;
            }
        }
        all
    }

    fn removed(&mut self, mut message: Box<Message>, pool: &mut Pool) -> Removed {
        let Header { kind, flags, id, .. } = message.header;
        let body = core::mem::take(&mut message.body);
        self.recycle(message, pool);
        Removed { kind, id, format: flags.format(), body }
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.recycle_handshake(pool);
        while let Some(message) = self.urgent.pop_front().or_else(|| self.queue.pop_front()) {
            self.recycle(message, pool);
        }
    }

    #[inline]
    fn message(&mut self, mut header: Header, name: &str, body: Payload) -> Box<Message> {
        header.name_len = name.len() as u16;
        let mut message = self.spare.pop().unwrap_or_default();
        message.header = header;
        message.head.resize(Header::SIZE + name.len() + TOTAL + table_size(&body), 0);
        message.head[Header::SIZE..][..name.len()].copy_from_slice(name.as_bytes());
        message.size = body.len();
        message.lent = !body.hosted().is_empty();
        self.lends |= message.lent;
        message.body = body;
        message.sent = 0;
        message.started = false;
        message.charged = 0;
        message
    }

    #[inline]
    fn recycle(&mut self, mut message: Box<Message>, pool: &mut Pool) {
        self.answers -= usize::from(message.is_answer());
        pool.account.release(message.charged);
        pool.give_payload(core::mem::take(&mut message.body));
        if self.spare.len() < MOST_SPARE {
            self.spare.push(message);
        }
    }

    fn recycle_handshake(&mut self, pool: &mut Pool) {
        if let Some(message) = self.handshake.take() {
            self.recycle(message, pool);
        }
    }
}

/// Queue length from which messages are moved to buffers of their size.
const BACKLOG: usize = 16;

/// Bytes of the table of the segments of a body.
#[inline]
fn table_size(body: &Payload) -> usize {
    match body.count() {
        0 => 0,
        count => COUNT + count * ENTRY,
    }
}

/// Bytes of a total length.
const TOTAL: usize = size_of::<u64>();

/// Bytes of the number of segments.
pub(crate) const COUNT: usize = size_of::<u32>();

/// Bytes of the offset and the length of a segment.
pub(crate) const ENTRY: usize = 2 * size_of::<u64>();

const MOST_SPARE: usize = 16;
