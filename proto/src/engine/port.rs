//! A session and the transport that carries its frames.

use crate::{CallId, CloseReason, ControlSignals, Event, Gone, Progress, ReceiveError, Session, Transport};
use alloc::boxed::Box;
use core::time::Duration;

pub(super) struct Port {
    pub(super) session: Session,
    transport: Box<dyn Transport>,
    max_frame: usize,
    /// A frame is queued for which there was no room.
    blocked: bool,
    /// The transport refuses to send. Earlier frames of the peer may still be received.
    deaf_peer: bool,
    /// The transport has been left.
    left: bool,
}

impl Port {
    pub(super) fn new(mut session: Session, transport: Box<dyn Transport>) -> Self {
        session.set_frame_offset(transport.frame_offset());
        let max_frame = transport.max_frame();
        Self { session, transport, max_frame, blocked: false, deaf_peer: false, left: false }
    }

    /// The next event. Sends queued messages, and receives frames until there is an event. `None` if no frame is left.
    #[inline]
    pub(super) fn next_event(&mut self) -> Option<Event> {
        loop {
            // The host may not poll for a long time after the end of a call: the cancellation must be sent before.
            if self.has_output() {
                self.flush();
            }
            if let Some(event) = self.session.poll_event() {
                return Some(event);
            }
            if !self.receive() {
                return None;
            }
        }
    }

    pub(super) fn has_input(&self) -> bool {
        !self.left && self.transport.has_input()
    }

    #[inline]
    pub(super) fn has_output(&self) -> bool {
        !self.left && !self.deaf_peer && self.session.has_output() && (!self.blocked || self.transport.has_room())
    }

    pub(super) fn flush(&mut self) {
        self.blocked = false;
        if self.left || self.deaf_peer {
            return;
        }
        loop {
            match self.session.transmit(self.max_frame, |frame| self.transport.send(frame)) {
                Ok(Progress::Sent) => {}
                Ok(Progress::Idle) => break,
                Ok(Progress::Blocked) => {
                    self.blocked = true;
                    return;
                }
                Err(Gone) => {
                    self.deaf_peer = true;
                    return;
                }
            }
        }
        if self.session.closed().is_some() {
            self.leave();
        }
    }

    pub(super) fn arm(&mut self) -> bool {
        self.left || self.transport.arm(self.is_blocked())
    }

    pub(super) fn disarm(&mut self) {
        if !self.left {
            self.transport.disarm();
        }
    }

    pub(super) fn wait(&mut self, timeout: Option<Duration>) {
        if !self.left {
            self.transport.wait(self.is_blocked(), timeout);
        }
    }

    pub(super) fn can_wait(&self) -> bool {
        self.transport.can_wait()
    }

    pub(super) fn poll_control(&mut self, running: Option<CallId>) -> ControlSignals {
        if self.left { ControlSignals::default() } else { self.transport.poll_control(running) }
    }

    /// Whether there is a frame that found no room, and that has not been cancelled since.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked && !self.left && !self.deaf_peer && self.session.has_output()
    }

    /// Blocks until there may be room to send. Also receives frames, so that two ends that both send cannot block each other;
    /// their events are queued.
    pub(super) fn wait_for_room(&mut self) {
        if self.transport.has_input() {
            self.receive();
        } else {
            self.transport.wait(true, None);
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    pub(super) fn abort(&mut self, reason: CloseReason, text: &str) {
        self.session.abort(reason, text);
        self.flush();
        self.leave();
    }

    fn receive(&mut self) -> bool {
        if self.left {
            return false;
        }
        match self.transport.receive(&mut self.session) {
            Ok(received) => return received,
            Err(ReceiveError::Protocol(error)) => {
                self.session.handle_protocol_error(&error);
                self.flush();
            }
            Err(_) => self.session.handle_lost(&self.transport.why_gone().unwrap_or_default()),
        }
        self.leave();
        true
    }

    fn leave(&mut self) {
        self.left = true;
        self.transport.close();
    }
}
