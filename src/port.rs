//! One end of a link at work: a session and the transport that carries its frames.

use crate::clock;
use coincide_proto::{CloseReason, Event, Gone, Progress, ReceiveError, Session, Transport};
use std::time::Duration;

pub(crate) struct Port {
    pub(crate) session: Session,
    transport: Box<dyn Transport>,
    max_frame: usize,
    /// There was a frame and no room for it.
    blocked: bool,
    /// The transport refuses to send; what the peer sent before is still to be received.
    deaf_peer: bool,
    /// The transport has been left.
    left: bool,
}

impl Port {
    pub(crate) fn new(session: Session, transport: Box<dyn Transport>) -> Self {
        let max_frame = transport.max_frame();
        Self { session, transport, max_frame, blocked: false, deaf_peer: false, left: false }
    }

    /// The next event; takes frames in until there is one. `None`: nothing has happened.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Some(event);
            }
            if !self.receive() {
                // The session answers calls that it refuses by itself, without an event.
                if self.has_output() {
                    self.flush();
                }
                return None;
            }
        }
    }

    /// Whether [`next_event`](Self::next_event) may have something to give.
    pub(crate) fn has_input(&self) -> bool {
        !self.left && self.transport.has_input()
    }

    /// Whether the peer may send something soon after what was sent to it.
    pub(crate) fn is_worth_lingering(&self) -> bool {
        self.transport.is_worth_lingering()
    }

    /// Whether [`flush`](Self::flush) may have something to send, and room for it.
    pub(crate) fn has_output(&self) -> bool {
        !self.left && !self.deaf_peer && self.session.has_output() && (!self.blocked || self.transport.has_room())
    }

    /// Sends what the session offers, as far as there is room.
    pub(crate) fn flush(&mut self) {
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

    /// Announces that this end is about to sleep. `false`: there is something to do first.
    pub(crate) fn arm(&mut self) -> bool {
        self.left || self.transport.arm(self.blocked)
    }

    pub(crate) fn disarm(&mut self) {
        if !self.left {
            self.transport.disarm();
        }
    }

    /// Blocks until something may have happened, a deadline of the session has passed or `timeout` is over.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) {
        if self.left {
            return;
        }
        let timeout = match self.until_deadline() {
            Some(deadline) => Some(timeout.map_or(deadline, |timeout| timeout.min(deadline))),
            None => timeout,
        };
        self.transport.wait(self.blocked, timeout);
    }

    /// Whether [`wait`](Self::wait) blocks.
    pub(crate) fn can_wait(&self) -> bool {
        self.transport.can_wait()
    }

    /// Takes in what has come while this end computes; see [`Transport::look`].
    pub(crate) fn look(&mut self) {
        if !self.left {
            self.transport.look();
        }
    }

    /// Whether there is a frame that found no room.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked && !self.left && !self.deaf_peer
    }

    /// Blocks until there may be room to send. Takes frames in meanwhile, so that two ends that both send can't block each
    /// other for ever; their events wait.
    pub(crate) fn wait_for_room(&mut self) {
        if self.transport.has_input() {
            self.receive();
        } else {
            self.transport.wait(true, None);
        }
    }

    /// Whether the link is closed, and nothing is left to be sent.
    #[cfg(target_family = "wasm")]
    pub(crate) fn has_left(&self) -> bool {
        self.left
    }

    /// How long it is until [`expire`](Self::expire) has something to do.
    pub(crate) fn until_deadline(&self) -> Option<Duration> {
        self.session.poll_timeout().map(|deadline| deadline.since(clock::now()))
    }

    /// Ends the calls whose deadline has passed. Reads the clock only if there are deadlines.
    pub(crate) fn expire(&mut self) {
        if self.session.poll_timeout().is_some() {
            self.session.handle_timeout(clock::now());
        }
    }

    /// Closes the link at once and leaves the transport.
    pub(crate) fn abort(&mut self, reason: CloseReason, text: &str) {
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
