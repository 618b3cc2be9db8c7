//! The rules of dispatch: the effect of each event in each state, as listed in the tables of the [module](super)'s documentation.

use super::functions::Registered;
use super::stack::Frame;
use super::{Action, Engine, FunctionId, Runs, Ticket};
use crate::{CallId, CloseReason, ErrorCode, Event, Format, Outcome, Payload, Role};
use alloc::format;
use alloc::string::String;

/// The decision about a received call or notification.
enum Verdict {
    Run(FunctionId),
    Unknown,
    /// The function may still be registered.
    Early,
    /// The function runs once the worker serves.
    Deferred,
}

impl Engine {
    /// Returns the action that is due before anything else is received.
    #[inline]
    pub(super) fn due(&mut self) -> Option<Action> {
        if self.stack.has_outcome()
            && let Some(Frame::Wait { call, outcome: Some(outcome), .. }) = self.stack.pop()
        {
            return Some(Action::Settle { call, outcome });
        }
        if self.interrupted
            && let Some(call) = self.stack.innermost_wait()
            && self.port.session.is_pending(call)
        {
            self.interrupted = false;
            self.port.session.interrupt_call(call);
        }
        self.due_aside()
    }

    #[inline]
    pub(super) fn due_aside(&mut self) -> Option<Action> {
        while let Some(action) = self.owed.pop_front() {
            // The started function may have answered since.
            if !matches!(action, Action::Abort { call } if self.owns(call).is_none()) {
                return Some(action);
            }
        }
        if self.closed.is_some() && !self.stack.has_waits() {
            return self.closed.take().map(Action::Closed);
        }
        None
    }

    /// The next event that has not been dispatched, or that can now be dispatched.
    #[inline]
    pub(super) fn next_event(&mut self) -> Option<Event> {
        if self.takes_deferred()
            && let Some(event) = self.later.pop_deferred()
        {
            return Some(event);
        }
        self.later.unseen.pop_front().or_else(|| self.port.next_event())
    }

    /// Whether there is something to do that needs neither input nor room.
    pub(super) fn has_backlog(&self) -> bool {
        self.port.session.has_events()
            || !self.owed.is_empty()
            || !self.later.unseen.is_empty()
            || self.takes_deferred() && !self.later.deferred.is_empty()
            || self.stack.has_outcome()
            || self.closed.is_some() && !self.stack.has_waits()
    }

    /// `aside`: a function computes, and no other one may run.
    #[inline]
    pub(super) fn handle(&mut self, event: Event, aside: bool) -> Option<Action> {
        match event {
            Event::Notify { name, format, payload } if aside && self.runs_at_control_poll(&name) => {
                self.handle_notification(name, format, payload)
            }
            Event::Call { .. } | Event::Notify { .. } if aside => {
                self.later.unseen.push_back(event);
                None
            }
            // An earlier call may contain one of them.
            Event::Released(_) if aside && !self.later.unseen.is_empty() => {
                self.later.unseen.push_back(event);
                None
            }
            Event::Released(_) if self.later.put_back && !self.takes_deferred() => {
                self.later.deferred.push_back(event);
                None
            }
            Event::Call { id, format, payload } => self.handle_call(id, format, payload),
            Event::Notify { name, format, payload } => self.handle_notification(name, format, payload),
            Event::Ended { id, outcome } => self.handle_end(id, outcome, aside),
            Event::Cancelled(id) => self.handle_cancel(id),
            Event::Deadlock(id) => self.handle_deadlock(id, aside),
            Event::Interrupted => {
                if aside || !self.stack.is_empty() {
                    self.interrupted = true;
                } else {
                    self.fibers.interrupt(&mut self.port.session);
                }
                None
            }
            Event::Released(references) => Some(Action::Released(references)),
            Event::Unread(payload) => Some(Action::Unread(payload)),
            Event::Unsent(payload) => Some(Action::Unsent(payload)),
            Event::Ready(exports) => Some(Action::Ready(exports)),
            Event::Closed(closed) => {
                self.later.clear(&mut self.port.session);
                self.undated.clear();
                self.held = false;
                self.closed = Some(closed);
                None
            }
            Event::Opened => None,
        }
    }

    #[inline]
    fn handle_call(&mut self, id: CallId, format: Format, payload: Payload) -> Option<Action> {
        let Some(name) = self.port.session.function(id) else {
            // The link has been closed since.
            self.port.session.recycle(payload);
            return None;
        };
        self.later.complete(id);
        if self.port.session.is_cancelled(id) {
            self.port.session.unread(format, payload);
            self.refuse(id, ErrorCode::CANCELLED, CANCELLED);
            return None;
        }
        let queue = match self.verdict(self.functions.get(name)) {
            Verdict::Run(function) => return Some(self.run(Some(id), function, format, payload)),
            Verdict::Unknown => {
                self.refuse_unknown(id, format, payload);
                return None;
            }
            Verdict::Early => &mut self.later.early,
            Verdict::Deferred => &mut self.later.deferred,
        };
        queue.push_back(Event::Call { id, format, payload });
        self.defer(id);
        None
    }

    /// Keeps a call or a notification that was dispatched, and whose posted objects have not arrived, for a later dispatch.
    pub(super) fn put_back(&mut self, event: Event) {
        self.later.put_back = true;
        if let Event::Call { id, .. } = event {
            // The function has not begun.
            self.port.session.begin(id, 0);
            self.later.lacking.push(id);
            self.defer(id);
        }
        if self.serves() {
            self.held = true;
            self.later.deferred.push_front(event);
        } else {
            self.later.deferred.push_back(event);
        }
    }

    fn handle_notification(&mut self, name: String, format: Format, payload: Payload) -> Option<Action> {
        let queue = match self.verdict(self.functions.get(&name)) {
            Verdict::Run(function) => return Some(self.run(None, function, format, payload)),
            Verdict::Unknown => {
                self.port.session.unread(format, payload);
                return None;
            }
            Verdict::Early => &mut self.later.early,
            Verdict::Deferred => &mut self.later.deferred,
        };
        queue.push_back(Event::Notify { name, format, payload });
        if self.held && self.later.deferred.len() > MOST_HELD {
            self.abort(CloseReason::FAILED, "too many notifications wait for posted objects that have not arrived");
        }
        None
    }

    #[inline]
    fn verdict(&self, function: Option<Registered>) -> Verdict {
        match function {
            None if self.ready => Verdict::Unknown,
            None => Verdict::Early,
            Some(function) if self.may_run(function.runs) => Verdict::Run(function.id),
            Some(_) => Verdict::Deferred,
        }
    }

    #[cold]
    fn runs_at_control_poll(&self, name: &str) -> bool {
        self.functions.get(name).is_some_and(|function| function.runs == Runs::AtControlPoll)
    }

    #[inline]
    fn may_run(&self, runs: Runs) -> bool {
        if self.serves() { !self.held } else { runs != Runs::WhileServing && !self.is_too_deep() }
    }

    /// Whether deferred calls are dispatched now.
    #[inline]
    fn takes_deferred(&self) -> bool {
        self.serves() && !self.held
    }

    #[inline]
    pub(super) fn serves(&self) -> bool {
        self.stack.is_empty() || self.port.session.role() == Role::Main
    }

    fn is_too_deep(&self) -> bool {
        self.stack.depth() >= usize::from(self.port.session.config().max_depth)
    }

    #[inline]
    fn run(&mut self, call: Option<CallId>, function: FunctionId, format: Format, payload: Payload) -> Action {
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        let serial = self.serial;
        if let Some(id) = call {
            self.port.session.begin(id, serial);
        }
        if self.stack.is_empty() {
            // The interrupt concerned code that ran before.
            self.interrupted = false;
        }
        let outer = core::mem::replace(&mut self.current, call);
        self.stack.push(Frame::Run { serial, outer });
        Action::Run { call: Ticket { call, serial }, function, format, payload }
    }

    /// Records that the function of this run has returned. Returns its call, if that is unanswered.
    #[inline]
    pub(super) fn finish(&mut self, call: Ticket) -> Option<CallId> {
        if let Some(index) = self.stack.position_of_run(call.serial) {
            self.unwind(index);
        }
        self.owns(call)
    }

    #[inline]
    fn owns(&self, call: Ticket) -> Option<CallId> {
        call.call.filter(|id| self.port.session.has_begun(*id, call.serial))
    }

    /// Removes the frames from `index` on, which have ended. All but the first remain only from a host that has unwound them.
    #[inline]
    pub(super) fn unwind(&mut self, index: usize) {
        while self.stack.len() > index {
            match self.stack.pop() {
                Some(Frame::Run { outer, .. }) => self.current = outer,
                Some(Frame::Wait { call, outcome: None, .. }) => self.port.session.cancel(call),
                Some(Frame::Wait { call, outcome: Some(outcome), .. }) => {
                    self.owed.push_back(Action::Settle { call, outcome });
                }
                Some(Frame::Sleep) | None => {}
            }
        }
    }

    fn handle_end(&mut self, call: CallId, outcome: Outcome, aside: bool) -> Option<Action> {
        if !aside && self.stack.innermost_wait() == Some(call) {
            self.stack.pop();
            return Some(Action::Settle { call, outcome });
        }
        match self.stack.keep(call, outcome) {
            Ok(()) => None,
            Err(outcome) => self.fibers.end(call, outcome).map(|outcome| Action::Settle { call, outcome }),
        }
    }

    fn handle_cancel(&mut self, id: CallId) -> Option<Action> {
        if let Some((format, payload)) = self.later.take(id) {
            self.port.session.unread(format, payload);
            self.refuse(id, ErrorCode::CANCELLED, CANCELLED);
            // Later calls may have been held behind it.
            self.held = false;
            return None;
        }
        // Blocked calls on behalf of the call stop here; code that computes or sleeps polls for the cancellation.
        for index in 0..self.stack.len() + self.fibers.len() {
            let wait = self.stack.wait_at(index).or_else(|| self.fibers.wait_at(index.checked_sub(self.stack.len())?));
            if let Some((call, Some(caller))) = wait
                && self.is_cancelled(caller)
                && self.port.session.is_pending(call)
                && self.port.session.stop(caller)
            {
                self.port.session.cancel(call);
            }
        }
        let mut index = 0;
        while let Some(current) = self.fibers.outside_of_calls(index) {
            if current.is_some_and(|call| self.is_cancelled(call) && self.port.session.stop(call)) {
                self.fibers.cancel(index);
            }
            index += 1;
        }
        let serial = self.port.session.started(id)?;
        Some(Action::Abort { call: Ticket { call: Some(id), serial } })
    }

    /// Whether the peer has cancelled a call, or a call on whose behalf it made that one.
    pub(super) fn is_cancelled(&self, call: CallId) -> bool {
        let session = &self.port.session;
        let mut next = Some(call);
        // The peer chooses parents: they may form a cycle.
        for _ in 0..=self.stack.len() + self.fibers.len() {
            let Some(call) = next else {
                break;
            };
            if session.is_cancelled(call) {
                return true;
            }
            next = session.parent(call).and_then(|parent| self.caller_of(parent));
        }
        false
    }

    /// The peer's call whose function is blocked or suspended in this call.
    fn caller_of(&self, call: CallId) -> Option<CallId> {
        self.stack.caller_of(call).or_else(|| self.fibers.caller_of(call))
    }

    /// Defers a call that cannot end yet. If the worker is blocked in the call whose function made it, it counts as a deadlock after the timeout.
    pub(super) fn defer(&mut self, id: CallId) {
        let parent = self.port.session.parent(id);
        if parent.is_some_and(|parent| self.stack.position_of_wait(parent).is_some()) {
            self.undated.push(id);
        }
    }

    /// Handles the timeout of a deferred call.
    #[cold]
    fn handle_deadlock(&mut self, id: CallId, aside: bool) -> Option<Action> {
        let session = &self.port.session;
        // The parent may have been cancelled since.
        let name = session.function(id).filter(|_| session.waits_for_us(id))?;
        let function = self.functions.get(name);
        let lacks = self.later.complete(id);
        let Some((format, payload)) = self.later.take_deferred(id) else {
            if session.started(id).is_some() {
                let text = self.deadlock(id, "has begun, and its result is dropped", ASYNCHRONOUS);
                self.refuse(id, ErrorCode::DEADLOCK, &text);
            }
            return None;
        };
        let (code, text) = match function {
            None => {
                self.refuse_unknown(id, format, payload);
                return None;
            }
            Some(_) if lacks => (ErrorCode::DEADLOCK, self.deadlock(id, "was not run", POSTED)),
            Some(function) if function.runs == Runs::WhileServing => {
                (ErrorCode::DEADLOCK, self.deadlock(id, "was not run", ASYNCHRONOUS))
            }
            Some(_) if self.is_too_deep() => {
                let (most, chain) = (session.config().max_depth, session.chain(id));
                let text = format!("{most} functions are running inside each other and no more are allowed: {chain}");
                (ErrorCode::TOO_DEEP, text)
            }
            Some(_) if aside => {
                self.later.unseen.push_front(Event::Call { id, format, payload });
                return None;
            }
            Some(function) => return Some(self.run(Some(id), function.id, format, payload)),
        };
        self.port.session.unread(format, payload);
        self.refuse(id, code, &text);
        None
    }

    fn deadlock(&self, id: CallId, state: &str, (why, instead): (&str, &str)) -> String {
        let chain = self.port.session.chain(id);
        format!(
            "the function {state}: {why} only while the worker is not blocked, and it is blocked in the function of main that \
             made this call and has not returned since: {chain}; do not await the call there, or {instead}"
        )
    }

    #[cold]
    fn refuse_unknown(&mut self, id: CallId, format: Format, payload: Payload) {
        self.port.session.unread(format, payload);
        let text = self.functions.unknown(self.port.session.function(id).unwrap_or_default());
        self.refuse(id, ErrorCode::UNKNOWN_FUNCTION, &text);
    }

    /// Answers an unanswered call with an error.
    pub(super) fn refuse(&mut self, id: CallId, code: ErrorCode, text: &str) {
        _ = self.port.session.throw_text(id, code, text);
    }
}

/// Error text: why a started function may never end, and what to do.
const ASYNCHRONOUS: (&str, &str) = ("asynchronous functions make progress", "make the function synchronous");

/// Error text: why a call whose arguments refer to posted objects may never run, and what to do.
const POSTED: (&str, &str) = ("objects that are posted arrive", "send only what is copied");

/// Maximum number of notifications and calls held behind a call whose posted objects have not arrived.
const MOST_HELD: usize = 1 << 16;

/// The text of the answer to a call that its caller has cancelled.
pub(super) const CANCELLED: &str = "the caller cancelled the call";
