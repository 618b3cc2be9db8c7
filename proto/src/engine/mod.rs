//! One endpoint of a link as a state machine: a session, its transport, and the rules by which received calls run.
//!
//! An [`Engine`] runs no code of the program, holds no future or closure and reads no clock. A *host* (threads, an event loop, JavaScript)
//! keeps a table of functions and a table of pending results. It performs the [`Action`]s that [`poll`](Engine::poll) returns, and needs no
//! rules of its own:
//!
//! ```text
//! event loop: handle_timeout(now) if it is due; perform poll() until it returns None; arm() and sleep
//! worker:     the same, with wait() instead of arm()
//! blocked:    call(..), wait_for(call); perform poll() until it returns the call's own Settle; wait() when it returns None
//! computing:  perform poll_control() until it returns None or a Stop
//! asleep:     fall_asleep(); the same, and wait() after None until the time is over or there is a Stop; wake_up()
//! suspended:  call(..), wait_for(call) or fall_asleep(); suspend(); the event loop runs; resume_fiber(..)
//! ```
//!
//! A host that can suspend code, such as one on WebAssembly stacks, need not block in a call: see
//! [the section on suspended code](#suspended-code).
//!
//! # Rules
//!
//! A worker *serves* while none of its functions runs and it is neither blocked in a call nor asleep. Main always serves, since it
//! never blocks. The *parent* of a call is the call for whose function it was made.
//!
//! ## Received calls and notifications
//!
//! | received | state | action |
//! |---|---|---|
//! | call | the peer has cancelled it already | answered `CANCELLED`; it never runs |
//! | call or notification | the endpoint serves | [`Run`](Action::Run) |
//! | of a function that [`Runs::Anytime`] | the worker is blocked or asleep, and fewer than `max_depth` functions run inside each other | `Run`, inside the wait |
//! | of a function that [`Runs::Anytime`] | `max_depth` functions run inside each other | deferred until the worker serves |
//! | of a function that [`Runs::WhileServing`] | the worker does not serve | deferred until the worker serves |
//! | of a name that is not registered | the worker is not ready | kept until it is |
//! | call of a name that is not registered | the worker is ready, or the endpoint is main | answered `UNKNOWN_FUNCTION`, with the names that are registered |
//! | notification of such a name | the same | dropped |
//! | any whose posted objects have not arrived ([`not_now`](Engine::not_now)) | the endpoint serves | held; later calls, notifications and releases are held behind it, in order, until [`resume`](Engine::resume) |
//! | | the worker is blocked or asleep | deferred until the worker serves |
//! | notification of a function with [`Runs::AtControlPoll`] | received by [`poll_control`](Engine::poll_control) in a function that computes | `Run`, before what is kept |
//! | any other | received by [`poll_control`](Engine::poll_control) in a function that computes, or by [`poll_aside`](Engine::poll_aside) | kept until the next [`poll`](Engine::poll); releases stay behind it |
//! | call nested deeper than `max_depth` in the chain of parents | any | answered `TOO_DEEP` by the session |
//!
//! Deferred calls run first when the worker serves, oldest first. When the worker becomes ready, calls that came early are dispatched
//! before all others. Notifications run in the order in which they were sent, except those that are deferred or early.
//!
//! ## Deadlocks
//!
//! | event | state | action |
//! |---|---|---|
//! | a call is deferred, kept because it is early, put back by [`not_now`](Engine::not_now), or [`started`](Engine::started) | the worker is blocked in its parent | the deadlock timeout begins at the next [`handle_timeout`](Engine::handle_timeout), which is due at once |
//! | the same | any other | no timeout: nothing waits for the call here |
//! | the timeout is over | the parent has ended | nothing; the call stays deferred |
//! | the timeout is over | the call lacks posted objects | answered `DEADLOCK`, with the chain of calls; it never runs |
//! | the timeout is over | the function runs only while serving | answered `DEADLOCK`, with the chain of calls; it never runs |
//! | the timeout is over | too many functions run inside each other | answered `TOO_DEEP`, with the chain |
//! | the timeout is over | the function was started | answered `DEADLOCK`; it runs on, and its result is dropped |
//! | the timeout is over | an early call | `Run` if the function is registered by now, otherwise answered `UNKNOWN_FUNCTION` |
//!
//! ## Cancellations and interrupts
//!
//! | event | state | action |
//! |---|---|---|
//! | the peer cancels a call | kept or deferred | answered `CANCELLED`; it never runs |
//! | | started, also if it was cancelled before that | [`Abort`](Action::Abort); the host stops it and answers |
//! | | a function runs on its behalf and computes or sleeps | [`poll_control`](Engine::poll_control) returns [`Stop::Cancelled`], once for each function |
//! | | a function is blocked on its behalf | the blocked call ends with [`Outcome::Cancelled`](crate::Outcome::Cancelled), which counts as that once |
//! | main interrupts | the worker serves | nothing: there is nothing to abandon |
//! | | the innermost frame is a blocked call | that call ends with [`Outcome::Interrupted`](crate::Outcome::Interrupted) |
//! | | a function computes or sleeps, or the blocked call has just ended | `poll_control` returns [`Stop::Interrupted`], once, or [`take_stop`](Engine::take_stop) before the next blocked call |
//!
//! A call runs on behalf of another if it is that call, or if a function that runs on behalf of the other made its parent.
//! Frames below it on the stack do not matter. A call made by the function of a notification has no parent.
//!
//! ## Suspended code
//!
//! Requires the feature `fibers`. Suspended code is a *fiber* and keeps its own stack. While it is suspended, the endpoint serves and defers no call. Fibers are resumed in any order.
//!
//! | event | state | action |
//! |---|---|---|
//! | the call in which a fiber is suspended ends | any | `Settle` at once; the host resumes the fiber |
//! | main interrupts | no code runs | the call of the fiber that was suspended last ends with `Interrupted`; if it sleeps, `Engine::sleepers_to_stop` names it |
//! | the peer cancels a call | a fiber is suspended in a call on its behalf | that call ends with `Cancelled` |
//! | | a fiber sleeps on its behalf | `sleepers_to_stop` names it |
//! | the link closes | fibers sleep | `sleepers_to_stop` names all of them |
//!
//! ## Ends of calls, and of the link
//!
//! | event | state | action |
//! |---|---|---|
//! | a call made here ends | the endpoint does not wait for it | [`Settle`](Action::Settle) |
//! | | blocked in it, innermost | `Settle`; it is blocked no longer |
//! | | blocked in it, with frames above | kept until it is the innermost frame, then `Settle` |
//! | the host answers | the call is not answered yet | the answer is sent at once |
//! | | answered, or the link is closed | the answer is dropped, even if the peer has used the id again |
//! | the worker's exports arrive | main | [`Ready`](Action::Ready), once |
//! | a payload in the value format arrives and is not delivered: the answer to a call that has ended, arguments that no function receives | the link is open | [`Unread`](Action::Unread) |
//! | a payload of this end is not sent completely, or is dropped because its call is already answered | the link is open | [`Unsent`](Action::Unsent) |
//! | references are released | any | [`Released`](Action::Released), in order with calls |
//! | the link closes | calls are pending | `Settle` with [`Outcome::Closed`](crate::Outcome::Closed) for each |
//! | | calls or notifications are kept or deferred | dropped |
//! | | then | [`Closed`](Action::Closed), once no call is blocked any more; nothing comes after it |
//! | the engine is dropped | the link is open | a worker closes it with `DONE` after what is queued, main aborts it with `TERMINATED` |

mod action;
mod dispatch;
mod fibers;
mod functions;
mod later;
mod port;
mod stack;

pub use action::{Action, FunctionId, Outer, Runs, Stop, Ticket};
#[cfg(feature = "fibers")]
pub use fibers::FiberId;

use crate::{
    Call, CallId, CloseReason, Closed, ClosedBy, ErrorCode, Event, Format, Payload, Role, SendError, Session, Time,
    Transport,
};
use alloc::boxed::Box;
use alloc::collections::{TryReserveError, VecDeque};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use fibers::Fibers;
use functions::Functions;
use later::Later;
use port::Port;
use stack::{Frame, Stack};

/// One endpoint of a link; see the [module](self) for the rules, and for how a host drives it.
///
/// ```
/// use coincide_proto::engine::{Action, Engine, Runs};
/// use coincide_proto::{Config, Format, Outcome, Role, Session, Transport};
///
/// # use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};
/// # use coincide_proto::{Gone, ReceiveError, Transmit};
/// # type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;
/// # struct Memory { sent: Queue, received: Queue }
/// # fn pair() -> (Memory, Memory) {
/// #     let queues: [Queue; 2] = Default::default();
/// #     let [up, down] = &queues;
/// #     (Memory { sent: down.clone(), received: up.clone() }, Memory { sent: up.clone(), received: down.clone() })
/// # }
/// # impl Transport for Memory {
/// #     fn max_frame(&self) -> usize { 4096 }
/// #     fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
/// #         self.sent.borrow_mut().push_back(frame.to_vec());
/// #         Ok(true)
/// #     }
/// #     fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
/// #         let frame = self.received.borrow_mut().pop_front();
/// #         Ok(frame.map(|frame| session.handle_frame(&frame[..])).transpose()?.is_some())
/// #     }
/// #     fn has_input(&self) -> bool { !self.received.borrow().is_empty() }
/// #     fn has_room(&self) -> bool { true }
/// #     fn arm(&mut self, _: bool) -> bool { !self.has_input() }
/// #     fn disarm(&mut self) {}
/// #     fn wait(&mut self, _: bool, _: Option<Duration>) {}
/// #     fn close(&mut self) {}
/// # }
/// let (up, down) = pair(); // two transports joined in memory
/// let mut main = Engine::new(Session::new(Role::Main, Config::default()), Box::new(up));
/// let mut worker = Engine::new(Session::new(Role::Worker, Config::default()), Box::new(down));
/// let hello = main.register("hello", Runs::Anytime);
///
/// let call = worker.call("hello", Format::Bytes, b"PyScript".to_vec(), None)?;
/// worker.wait_for(call);
/// assert_eq!(main.poll(), None); // the handshake
/// assert_eq!(worker.poll(), None);
/// let Some(Action::Run { call: ticket, function, payload, .. }) = main.poll() else { panic!() };
/// assert_eq!(function, hello);
/// main.reply(ticket, Format::Bytes, [b"Hello, ", &payload.into_bytes()[..]].concat());
///
/// let outcome = Outcome::Returned { format: Format::Bytes, payload: b"Hello, PyScript".to_vec().into() };
/// assert_eq!(worker.poll(), Some(Action::Settle { call, outcome }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engine {
    port: Port,
    functions: Functions,
    /// The stack of the running code.
    stack: Stack,
    fibers: Fibers,
    /// The peer's call whose function is running.
    current: Option<CallId>,
    /// Number of the last run.
    serial: u32,
    /// Whether the worker is ready: names that are not registered are then unknown.
    ready: bool,
    /// An interrupt of main is pending.
    interrupted: bool,
    later: Later,
    /// The first deferred call or notification lacks posted objects, so none is dispatched.
    held: bool,
    /// Calls whose deadlock timeout begins at the next `handle_timeout`.
    undated: Vec<CallId>,
    /// Pending actions: aborts of started calls that were cancelled before, and outcomes of calls that are no longer waited for.
    owed: VecDeque<Action>,
    /// The link is closed, and `Closed` has not been returned yet.
    closed: Option<Closed>,
}

impl Engine {
    /// Creates an endpoint. A worker sends its handshake at once.
    pub fn new(session: Session, transport: Box<dyn Transport>) -> Self {
        let ready = session.role() == Role::Main;
        let mut port = Port::new(session, transport);
        port.flush();
        Self {
            port,
            functions: Functions::default(),
            stack: Stack::default(),
            fibers: Fibers::default(),
            current: None,
            serial: 0,
            ready,
            interrupted: false,
            later: Later::default(),
            held: false,
            undated: Vec::new(),
            owed: VecDeque::new(),
            closed: None,
        }
    }

    /// The session: its role, limits and budget, why it is closed, and which calls are unanswered.
    #[inline]
    pub fn session(&self) -> &Session {
        &self.port.session
    }

    /// Returns an empty buffer to encode a payload into. It is reused after it has been sent.
    #[inline]
    pub fn buffer(&mut self) -> Vec<u8> {
        self.port.session.buffer()
    }

    /// Returns an empty payload to encode into. Its buffers are reused after it has been sent.
    #[inline]
    pub fn payload(&mut self) -> Payload {
        self.port.session.payload()
    }

    /// Returns the buffers of an action's payload, so that the next one does not allocate.
    #[inline]
    pub fn recycle(&mut self, payload: impl Into<Payload>) {
        self.port.session.recycle(payload);
    }

    /// Copies the segments of an action's payload into its head, into a buffer of the session (see [`Session::join`]).
    ///
    /// # Errors
    /// When there is no memory for that. The payload is then unchanged.
    pub fn join(&mut self, payload: &mut Payload) -> Result<(), TryReserveError> {
        self.port.session.join(payload)
    }

    /// Registers a function that the peer may call. A name that is registered already keeps its index, and the new function replaces the
    /// old one.
    pub fn register(&mut self, name: &str, runs: Runs) -> FunctionId {
        self.functions.insert(name, runs)
    }

    /// Removes a function and returns its index. Returns `None` if the name is not registered.
    pub fn unregister(&mut self, name: &str) -> Option<FunctionId> {
        self.functions.remove(name)
    }

    /// The names of the registered functions in alphabetical order, without reserved ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.names()
    }

    /// Calls a function of the peer on behalf of the function that is running. Nothing is sent before [`flush`](Self::flush) or
    /// [`poll`](Self::poll). The call ends with an [`Action::Settle`].
    ///
    /// # Errors
    /// When the call exceeds a limit or the link is closed. Nothing is sent, and no action follows.
    #[inline]
    pub fn call(
        &mut self,
        name: &str,
        format: Format,
        payload: impl Into<Payload>,
        deadline: Option<Time>,
    ) -> Result<CallId, SendError> {
        self.port.session.call(Call { name, format, parent: self.current, deadline, blocks: false }, payload)
    }

    /// Combines [`call`](Self::call) and [`wait_for`](Self::wait_for). The call is marked as blocking, so the peer sends no posted objects with the
    /// result.
    ///
    /// # Errors
    /// As [`call`](Self::call). The worker is then not blocked.
    #[inline]
    pub fn call_and_wait(
        &mut self,
        name: &str,
        format: Format,
        payload: impl Into<Payload>,
        deadline: Option<Time>,
    ) -> Result<CallId, SendError> {
        let call = Call { name, format, parent: self.current, deadline, blocks: true };
        let id = self.port.session.call(call, payload)?;
        self.wait_for(id);
        Ok(id)
    }

    /// Calls a function of the peer without an answer. Nothing is sent before [`flush`](Self::flush) or [`poll`](Self::poll).
    ///
    /// # Errors
    /// When the notification exceeds a limit or the link is closed. Nothing is sent.
    pub fn notify(&mut self, name: &str, format: Format, payload: impl Into<Payload>) -> Result<(), SendError> {
        self.port.session.notify(name, format, payload)
    }

    /// Releases references to objects of the peer. Nothing is sent before [`flush`](Self::flush) or
    /// [`poll`](Self::poll).
    ///
    /// # Errors
    /// When the link is closed, or the list is longer than the peer accepts in one message.
    pub fn release(&mut self, references: &[u64]) -> Result<(), SendError> {
        self.port.session.release(references)
    }

    /// Ends a call made here with [`Outcome::Cancelled`](crate::Outcome::Cancelled). A no-op if it has ended already.
    pub fn cancel(&mut self, call: CallId) {
        self.port.session.cancel(call);
    }

    /// Marks the worker as blocked in this call, until its [`Action::Settle`]. Check [`take_stop`](Self::take_stop) before the call is
    /// made.
    #[inline]
    pub fn wait_for(&mut self, call: CallId) {
        self.stack.push(Frame::Wait { call, caller: self.current, outcome: None });
    }

    /// Marks the worker as asleep.
    pub fn fall_asleep(&mut self) {
        self.stack.push(Frame::Sleep);
    }

    /// Ends the innermost sleep.
    pub fn wake_up(&mut self) {
        if let Some(index) = self.stack.position_of_sleep() {
            self.unwind(index);
        }
    }

    /// Why the running function should stop, if it should. Call it before a blocking call; [`poll_control`](Self::poll_control) includes it.
    pub fn take_stop(&mut self) -> Option<Stop> {
        if self.port.session.closed().is_some() {
            return Some(Stop::Closed);
        }
        if core::mem::take(&mut self.interrupted) {
            return Some(Stop::Interrupted);
        }
        if self.fibers.take_cancelled(self.current) {
            return Some(Stop::Cancelled);
        }
        let call = self.current.filter(|call| self.is_cancelled(*call))?;
        self.port.session.stop(call).then_some(Stop::Cancelled)
    }

    /// The peer's call whose function is running.
    pub fn current(&self) -> Option<CallId> {
        self.current
    }

    /// Answers with a result, and sends it. The function has returned.
    #[inline]
    pub fn reply(&mut self, call: Ticket, format: Format, payload: impl Into<Payload>) {
        match self.finish(call) {
            // The call is unanswered.
            Some(id) => _ = self.port.session.reply(id, format, payload),
            None => self.port.session.unsent(format, payload.into()),
        }
        self.port.flush();
    }

    /// Answers with an error, and sends it. The function has returned.
    pub fn throw(&mut self, call: Ticket, code: ErrorCode, format: Format, payload: impl Into<Payload>) {
        match self.finish(call) {
            Some(id) => _ = self.port.session.throw(id, code, format, payload),
            None => self.port.session.unsent(format, payload.into()),
        }
        self.port.flush();
    }

    /// Answers with an error message, and sends it. The function has returned.
    pub fn throw_text(&mut self, call: Ticket, code: ErrorCode, text: &str) {
        if let Some(id) = self.finish(call) {
            self.refuse(id, code, text);
        }
        self.port.flush();
    }

    /// Answers that the call was cancelled, usually after an [`Action::Abort`].
    pub fn answer_cancelled(&mut self, call: Ticket) {
        self.throw_text(call, ErrorCode::CANCELLED, dispatch::CANCELLED);
    }

    /// Records that the function has returned and its result follows. For a notification there is no answer: its ticket is only
    /// used by [`enter`](Self::enter) from then on.
    pub fn started(&mut self, call: Ticket) {
        let Some(id) = self.finish(call) else {
            return;
        };
        self.port.session.start(id);
        if self.port.session.is_cancelled(id) {
            self.owed.push_back(Action::Abort { call });
        }
        self.defer(id);
    }

    /// Records that the function did not run, because posted objects to which its arguments refer have not arrived. `function` and what follows are those of
    /// the [`Run`](Action::Run). The call or notification is dispatched again, at the latest after [`resume`](Self::resume).
    pub fn not_now(&mut self, call: Ticket, function: FunctionId, format: Format, payload: impl Into<Payload>) {
        let payload = payload.into();
        let id = self.finish(call);
        let name = self.functions.name_of(function);
        let event = match (id, name) {
            (Some(id), _) => Event::Call { id, format, payload },
            (None, Some(name)) if call.call.is_none() && self.port.session.closed().is_none() => {
                Event::Notify { name: name.into(), format, payload }
            }
            _ => return self.port.session.unread(format, payload),
        };
        self.put_back(event);
    }

    /// Dispatches calls and notifications that were [put back](Self::not_now) again: posted objects have arrived, or will not arrive.
    pub fn resume(&mut self) {
        self.held = false;
    }

    /// Continues a started function: calls made until [`leave`](Self::leave) are on its behalf.
    pub fn enter(&mut self, call: Ticket) -> Outer {
        let id = call.call.filter(|id| self.port.session.has_begun(*id, call.serial));
        Outer(core::mem::replace(&mut self.current, id))
    }

    /// Suspends the function of [`enter`](Self::enter) again.
    pub fn leave(&mut self, outer: Outer) {
        self.current = outer.0;
    }

    /// Announces to main that the worker's own code has run, with the names of its exports. Idempotent; a no-op on main.
    ///
    /// # Errors
    /// When the names cannot be sent. The worker is then not ready.
    pub fn ready(&mut self) -> Result<(), SendError> {
        if !self.ready {
            self.port.session.ready(self.functions.names())?;
            self.ready = true;
            self.port.flush();
            self.later.end_early();
        }
        Ok(())
    }

    /// Requests that the worker abandon its current work. A no-op on a worker or a closed link.
    pub fn interrupt(&mut self) {
        self.port.session.interrupt();
        self.port.flush();
    }

    /// Closes the link after queued messages have been sent. [`drain`](Self::drain) waits for that.
    pub fn close(&mut self, reason: CloseReason, text: &str) {
        self.port.session.close(reason, text);
        self.port.flush();
    }

    /// Makes queued payloads with [hosted](Payload::hosted) segments independent of the program's buffers. A host calls this before code
    /// of the program runs. Closes the link if there is no memory for the copies.
    #[inline]
    pub fn keep(&mut self) {
        if !self.port.session.keep() {
            self.abort(CloseReason::FAILED, "there is no memory for a copy of a buffer that has been sent in part");
        }
    }

    /// Closes the link at once, and leaves the transport.
    pub fn abort(&mut self, reason: CloseReason, text: &str) {
        self.port.abort(reason, text);
    }

    /// Returns the next action, after sending queued messages. Receives frames until there is an action.
    ///
    /// Returns `None` if there is nothing to do until the transport has input or room, or [`poll_timeout`](Self::poll_timeout) is over. `None` is also
    /// returned after 64 events without an action, so that a flood of them does not block other work of an event loop:
    /// [`is_busy`](Self::is_busy) then returns `true`, [`arm`](Self::arm) `false`, and [`wait`](Self::wait) does not block.
    #[inline]
    pub fn poll(&mut self) -> Option<Action> {
        for _ in 0..MOST_EVENTS {
            if let Some(action) = self.due() {
                return Some(action);
            }
            let event = self.next_event()?;
            if let Some(action) = self.handle(event, false) {
                return Some(action);
            }
        }
        None
    }

    /// Control poll of a worker that computes or sleeps: returns requests of main, and the next action.
    ///
    /// An action runs a function only while the worker sleeps, or for a notification of a function with [`Runs::AtControlPoll`]. With `None` the
    /// function may continue. [`handle_timeout`](Self::handle_timeout) must be called before if it is due, as before a poll.
    ///
    /// # Errors
    /// The reason why the function must stop: interrupts and cancellations once, the end of the link from then on.
    pub fn poll_control(&mut self) -> Result<Option<Action>, Stop> {
        let signals = self.port.poll_control(self.current);
        if signals.interrupt {
            self.interrupted = true;
        }
        if signals.cancel
            && let Some(call) = self.current
        {
            self.port.session.handle_cancel(call);
        }
        let action = if self.stack.is_asleep() {
            // A flood of calls must not delay an interrupt.
            if let Some(stop) = self.take_stop() {
                return Err(stop);
            }
            self.poll()
        } else {
            self.poll_aside()
        };
        match action {
            None => self.take_stop().map_or(Ok(None), Err),
            action => Ok(action),
        }
    }

    /// Returns the next action that runs no function, except for notifications of functions with [`Runs::AtControlPoll`]. Other calls and notifications are kept
    /// for [`poll`](Self::poll).
    pub fn poll_aside(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.due_aside() {
                return Some(action);
            }
            let event = self.port.next_event()?;
            if let Some(action) = self.handle(event, true) {
                return Some(action);
            }
        }
    }

    /// Time at which [`handle_timeout`](Self::handle_timeout) is due. Any event may change it.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.undated.is_empty() { self.port.session.poll_timeout() } else { Some(Time::default()) }
    }

    /// Ends the calls whose deadline is `now` or earlier, and detects deadlocks.
    pub fn handle_timeout(&mut self, now: Time) {
        for call in self.undated.drain(..) {
            self.port.session.defer(call, now);
        }
        self.port.session.handle_timeout(now);
    }

    /// Whether [`poll`](Self::poll) may return an action.
    pub fn is_busy(&self) -> bool {
        self.has_backlog() || self.port.has_input() || self.port.has_output()
    }

    /// Whether the transport has input. Cheap enough to spin on.
    pub fn has_input(&self) -> bool {
        self.port.has_input()
    }

    /// Whether a queued frame lacks room.
    pub fn is_blocked(&self) -> bool {
        self.port.is_blocked()
    }

    /// Sends queued messages while there is room.
    #[inline]
    pub fn flush(&mut self) {
        self.port.flush();
    }

    /// Sends queued messages, and blocks until all are sent or the peer is gone. Where the transport cannot block, the next
    /// [`poll`](Self::poll) sends the rest.
    pub fn drain(&mut self) {
        self.port.flush();
        while self.port.can_wait() && self.port.is_blocked() {
            self.port.wait_for_room();
            self.port.flush();
        }
    }

    /// Announces that this end is about to sleep. Returns `false` if there is something to do first.
    pub fn arm(&mut self) -> bool {
        !self.has_backlog() && self.port.arm()
    }

    /// Clears the announcement.
    pub fn disarm(&mut self) {
        self.port.disarm();
    }

    /// Blocks until there may be an action, or `timeout` is over. The host derives `timeout` from [`poll_timeout`](Self::poll_timeout).
    pub fn wait(&mut self, timeout: Option<Duration>) {
        if !self.has_backlog() {
            self.port.wait(timeout);
        }
    }

    /// Whether [`wait`](Self::wait) blocks. If not, blocking calls are not possible.
    pub fn can_wait(&self) -> bool {
        self.port.can_wait()
    }

    /// Whether the link is closed and everything has been sent.
    pub fn has_left(&self) -> bool {
        self.port.has_left()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        match self.port.session.role() {
            Role::Main => self.port.abort(CloseReason::TERMINATED, ""),
            Role::Worker if self.port.session.closed().is_none_or(|closed| closed.by == ClosedBy::Here) => {
                self.close(CloseReason::DONE, "");
            }
            Role::Worker => {}
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("role", &self.port.session.role())
            .field("ready", &self.ready)
            .field("stack", &self.stack)
            .field("fibers", &self.fibers)
            .field("later", &self.later)
            .field("closed", &self.port.session.closed())
            .finish_non_exhaustive()
    }
}

/// Maximum number of events without an action in one poll.
const MOST_EVENTS: usize = 64;
