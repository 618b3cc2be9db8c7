//! Messages on their way out, cut into frames as they leave.

use crate::pool::Pool;
use crate::{Flags, Header, Kind};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A message that is not completely sent.
#[derive(Debug)]
pub(crate) struct Message {
    /// Header and name, as they travel; the total length as well once the first part of a longer body is prepared.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Bytes of `body` that have been sent.
    pub(crate) sent: usize,
    header: Header,
    started: bool,
}

impl Message {
    pub(crate) fn kind(&self) -> Kind {
        self.header.kind
    }

    pub(crate) fn is_answer(&self) -> bool {
        matches!(self.header.kind, Kind::RETURN | Kind::THROW)
    }

    /// Writes the header of the next frame of at most `limit` bytes and gives the end of its part of the body.
    pub(crate) fn prepare(&mut self, limit: usize) -> usize {
        let name_end = if self.started { Header::SIZE } else { Header::SIZE + usize::from(self.header.name_len) };
        self.head.truncate(name_end);
        let rest = self.body.len() - self.sent;
        let more = name_end + rest > limit;
        let mut header = self.header;
        if self.started {
            header = Header { kind: Kind::MORE, id: header.id, ..Header::default() };
        }
        header.flags = Flags::new(self.header.flags.format(), more);
        self.head[..Header::SIZE].copy_from_slice(&header.to_bytes());
        if !more {
            return self.body.len();
        }
        if !self.started {
            self.head.extend_from_slice(&(self.body.len() as u64).to_le_bytes());
        }
        self.sent + (limit - self.head.len())
    }
}

/// The queues of outgoing messages: first the greeting, then what is urgent, then the rest in the order in which it was pushed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    greeting: Option<Message>,
    /// Frames without a name, and with bodies that fit any frame. They overtake the parts of a long body.
    urgent: VecDeque<Message>,
    queue: VecDeque<Message>,
    /// Answers among them that are not completely sent.
    answers: usize,
    /// Spare heads.
    heads: Vec<Vec<u8>>,
}

impl Outbox {
    pub(crate) fn push(&mut self, header: Header, name: &str, body: Vec<u8>) {
        let message = self.message(header, name, body);
        self.answers += usize::from(message.is_answer());
        self.queue.push_back(message);
    }

    /// Answers that are not completely sent: their calls are unanswered still, as the peer sees it.
    pub(crate) fn answers(&self) -> usize {
        self.answers
    }

    pub(crate) fn push_urgent(&mut self, header: Header, body: Vec<u8>) {
        let message = self.message(header, "", body);
        self.urgent.push_back(message);
    }

    pub(crate) fn push_greeting(&mut self, header: Header, name: &str, body: Vec<u8>) {
        let message = self.message(header, name, body);
        self.greeting = Some(message);
    }

    /// The message whose next frame is to be sent. Before the greeting is over only the greeting itself may leave.
    pub(crate) fn next(&mut self, greeted: bool) -> Option<&mut Message> {
        if self.greeting.is_some() {
            return self.greeting.as_mut();
        }
        if greeted { self.urgent.front_mut().or_else(|| self.queue.front_mut()) } else { None }
    }

    pub(crate) fn has_next(&self, greeted: bool) -> bool {
        self.greeting.is_some() || greeted && !(self.urgent.is_empty() && self.queue.is_empty())
    }

    /// The frame that [`next`](Self::next) and [`Message::prepare`] gave has been sent, up to `end` of its body. Gives
    /// the id of a call of which nothing is left to send.
    pub(crate) fn advance(&mut self, end: usize, pool: &mut Pool) -> Option<u32> {
        if self.greeting.is_some() {
            self.recycle_greeting(pool);
            return None;
        }
        let queue = if self.urgent.is_empty() { &mut self.queue } else { &mut self.urgent };
        let message = queue.front_mut()?;
        message.sent = end;
        message.started = true;
        if end < message.body.len() {
            return None;
        }
        let message = queue.pop_front()?;
        let call = (message.kind() == Kind::CALL).then_some(message.header.id);
        self.recycle(message, pool);
        call
    }

    /// Removes the call with this id if it is still here, whole or in part. `true`: nothing of it has been sent.
    pub(crate) fn remove_call(&mut self, id: u32, pool: &mut Pool) -> bool {
        let found = |message: &Message| message.kind() == Kind::CALL && message.header.id == id;
        let Some(index) = self.queue.iter().position(found) else {
            return false;
        };
        let Some(message) = self.queue.remove(index) else {
            return false;
        };
        let unsent = !message.started;
        self.recycle(message, pool);
        unsent
    }

    /// Removes all calls, whole or in part.
    pub(crate) fn remove_calls(&mut self, pool: &mut Pool) {
        self.remove_where(pool, |message| message.kind() == Kind::CALL);
    }

    /// Removes messages and gives the ids and body lengths of the calls among them.
    pub(crate) fn remove_where(
        &mut self,
        pool: &mut Pool,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Vec<(u32, usize)> {
        let mut calls = Vec::new();
        let mut index = 0;
        while index < self.queue.len() {
            if wanted(&self.queue[index]) {
                if let Some(message) = self.queue.remove(index) {
                    if message.kind() == Kind::CALL {
                        calls.push((message.header.id, message.body.len()));
                    }
                    self.recycle(message, pool);
                }
            } else {
                index += 1;
            }
        }
        calls
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.recycle_greeting(pool);
        while let Some(message) = self.urgent.pop_front().or_else(|| self.queue.pop_front()) {
            self.recycle(message, pool);
        }
    }

    fn message(&mut self, mut header: Header, name: &str, body: Vec<u8>) -> Message {
        header.name_len = name.len() as u16;
        let mut head = self.heads.pop().unwrap_or_default();
        head.clear();
        head.extend_from_slice(&header.to_bytes());
        head.extend_from_slice(name.as_bytes());
        Message { head, body, sent: 0, header, started: false }
    }

    fn recycle(&mut self, message: Message, pool: &mut Pool) {
        self.answers -= usize::from(message.is_answer());
        pool.give(message.body);
        if self.heads.len() < SPARE_HEADS {
            self.heads.push(message.head);
        }
    }

    fn recycle_greeting(&mut self, pool: &mut Pool) {
        if let Some(message) = self.greeting.take() {
            self.recycle(message, pool);
        }
    }
}

const SPARE_HEADS: usize = 16;
