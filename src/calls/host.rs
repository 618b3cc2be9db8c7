//! The host of an engine: the functions that it runs and the calls that are awaited. Used at both ends of a link.

use super::error::CallError;
use super::functions::{Answer, Failure, Function, RawReply, Use};
use super::handles::{self, Handles};
use super::local::{Local, Thing};
use super::operation::Operation;
use super::pending::PendingCalls;
use super::remote_function::USE;
use super::remote_stream::{MOST_ROWS, NEXT, RETURN};
use super::source::{Next, Rows};
use super::thrown::Thrown;
use super::{clock, payload};
use coincide_codec::{DecodeError, EncodeError, value};
use coincide_proto::engine::{Action, Engine, FunctionId, Runs, Ticket};
use coincide_proto::{CallId, Closed, ErrorCode, Format, Outcome, Payload, SendError, Session, Time, Transport};
use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use hashbrown::HashMap;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Performs the actions of an engine. Holds the functions that it runs and the calls that are awaited.
pub(crate) struct Host {
    /// Not borrowed while code of the program runs.
    pub(crate) engine: RefCell<Engine>,
    /// By their [`FunctionId`].
    functions: RefCell<Vec<Option<Function>>>,
    /// Functions that were started for calls and have not ended.
    running: RefCell<HashMap<Ticket, AbortHandle>>,
    /// Calls of the peer's functions that are awaited.
    pub(crate) pending: PendingCalls,
    /// Values that stay at one end and are used by the other one.
    pub(crate) handles: Handles,
    /// Listeners for references that the peer has released.
    on_released: RefCell<Vec<Released>>,
    /// Whether the reserved functions that operate on local handles are registered.
    serves_handles: Cell<bool>,
}

type Released = Rc<dyn Fn(&[u64])>;

/// A function that runs, until its answer has been sent.
pub(crate) type Task = LocalBoxFuture<'static, ()>;

/// The part of an action that differs between main and a worker.
pub(crate) enum Effect {
    None,
    Spawn(Task),
    Wake(Waker),
    Ready(Vec<String>),
    Closed(Closed),
}

impl Host {
    pub(crate) fn new(session: Session, transport: Box<dyn Transport>) -> Self {
        Self {
            engine: RefCell::new(Engine::new(session, transport)),
            functions: RefCell::default(),
            running: RefCell::default(),
            pending: PendingCalls::default(),
            handles: Handles::default(),
            serves_handles: Cell::new(false),
            on_released: RefCell::default(),
        }
    }

    /// Registers a function. Replaces the one of the same name.
    pub(crate) fn insert(&self, name: &str, function: Function) {
        let runs = if function.is_async() { Runs::WhileServing } else { Runs::Anytime };
        let FunctionId(id) = self.engine.borrow_mut().register(name, runs);
        let mut functions = self.functions.borrow_mut();
        if functions.len() <= id as usize {
            functions.resize(id as usize + 1, None);
        }
        let before = functions[id as usize].replace(function);
        // Its captures may use this end when they are dropped.
        drop(functions);
        drop(before);
    }

    /// Removes a function. Returns whether the name was registered.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let removed = self.engine.borrow_mut().unregister(name);
        let function = removed.and_then(|FunctionId(id)| self.functions.borrow_mut().get_mut(id as usize)?.take());
        function.is_some()
    }

    /// Releases references to objects of the peer. Nothing is sent before the engine is polled or flushed.
    pub(crate) fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.engine.borrow_mut().release(references)
    }

    /// Counts a function or stream of this end that is sent. The other end may use it from then on.
    pub(crate) fn give(&self, local: &Rc<Local>) {
        self.handles.send(local);
        if !self.serves_handles.replace(true) {
            self.insert(USE, Function::Given(Use::Apply));
            self.insert(NEXT, Function::Given(Use::Next));
            self.insert(RETURN, Function::Given(Use::Return));
        }
    }

    /// Counts the functions and streams in arguments that were encoded for any worker as sent. Returns their ids.
    pub(crate) fn give_all(&self, given: &[Rc<Local>]) -> Vec<u64> {
        self.handles.giving(|| given.iter().for_each(|local| self.give(local)))
    }

    /// Releases the handles and references in a payload of the other end that this end does not read.
    pub(crate) fn release_unread(&self, format: Format, payload: &Payload) {
        if format == Format::Value {
            self.handles.skip(payload);
        }
    }

    /// Releases remote handles. The release is sent with the next frames.
    pub(super) fn give_back(&self, ids: &[u64]) {
        for ids in ids.chunks(MOST_RELEASED) {
            // A closed link has released all of them.
            let _ = self.release(ids);
        }
    }

    /// Adds a listener.
    pub(crate) fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.on_released.borrow_mut().push(Rc::new(listener));
    }

    /// Drops functions and listeners, which may hold handles of this end.
    pub(crate) fn forget_program(&self) {
        self.handles.clear();
        drop(self.functions.take());
        drop(self.on_released.take());
    }

    /// Returns the buffers of a payload, so that the next call allocates nothing.
    pub(crate) fn recycle(&self, payload: impl Into<Payload>) {
        self.engine.borrow_mut().recycle(payload);
    }

    /// The bytes of a payload in one buffer.
    pub(crate) fn join<'p>(&self, payload: &'p mut Payload) -> Result<&'p mut Vec<u8>, DecodeError> {
        match self.engine.borrow_mut().join(payload) {
            Ok(()) => Ok(&mut payload.head),
            Err(_) => Err(DecodeError::out_of_memory()),
        }
    }

    /// The bytes of arguments in one buffer.
    fn joined<'p>(&self, payload: &'p mut Payload) -> Result<&'p mut Vec<u8>, Failure> {
        self.join(payload).map_err(|error| Failure::unread(&error))
    }

    /// Makes a call whose payload `encode` writes. Nothing is sent before the engine is polled or flushed.
    pub(crate) fn call(
        &self,
        function: &str,
        timeout: Option<Duration>,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> Result<CallId, CallError> {
        let (format, payload) = self.encode(function, encode)?;
        let given = self.handles.take_written();
        let deadline = timeout.map(|timeout| clock::now().after(timeout));
        self.call_encoded(function, format, payload, deadline).inspect_err(|_| self.handles.take_back(&given))
    }

    /// The same with arguments that are encoded already.
    pub(crate) fn call_encoded(
        &self,
        function: &str,
        format: Format,
        payload: Payload,
        deadline: Option<Time>,
    ) -> Result<CallId, CallError> {
        let mut engine = self.engine.borrow_mut();
        engine
            .call(function, format, payload, deadline)
            .map_err(|source| CallError::not_sent(function, source, engine.session()))
    }

    /// Calls a function without an answer. Nothing is sent before the engine is polled or flushed.
    pub(crate) fn notify(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> Result<(), CallError> {
        let (format, payload) = self.encode(function, encode)?;
        let given = self.handles.take_written();
        self.notify_encoded(function, format, payload).inspect_err(|_| self.handles.take_back(&given))
    }

    /// The same with arguments that are encoded already.
    pub(crate) fn notify_encoded(&self, function: &str, format: Format, payload: Payload) -> Result<(), CallError> {
        let mut engine = self.engine.borrow_mut();
        engine
            .notify(function, format, payload)
            .map_err(|source| CallError::not_sent(function, source, engine.session()))
    }

    /// Writes arguments into a spare buffer. `encode` may run code of the program.
    fn encode(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Payload) -> Result<Format, EncodeError>,
    ) -> Result<(Format, Payload), CallError> {
        self.give_back(&self.handles.take_many());
        self.handles.take_written();
        let mut payload = self.engine.borrow_mut().payload();
        match encode(&mut payload) {
            Ok(format) => Ok((format, payload)),
            Err(source) => {
                if source.is_out_of_memory() {
                    // Memory is short, so the buffer is not kept for later.
                    drop(payload);
                } else {
                    self.recycle(payload);
                }
                Err(CallError::arguments(function, source))
            }
        }
    }

    /// The next action of the engine.
    pub(crate) fn poll(&self) -> Option<Action> {
        self.engine.borrow_mut().poll()
    }

    /// Blocks until something may have happened, a deadline has passed or `timeout` is over.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        let timeout = match self.until_deadline() {
            Some(deadline) => Some(timeout.map_or(deadline, |timeout| timeout.min(deadline))),
            None => timeout,
        };
        self.engine.borrow_mut().wait(timeout);
        self.expire();
    }

    /// Time until [`expire`](Self::expire) has something to do. Reads the clock only if there are deadlines.
    pub(crate) fn until_deadline(&self) -> Option<Duration> {
        self.engine.borrow().poll_timeout().map(|deadline| deadline.since(clock::now()))
    }

    /// Ends the calls whose deadline has passed.
    pub(crate) fn expire(&self) {
        let mut engine = self.engine.borrow_mut();
        if engine.poll_timeout().is_some() {
            engine.handle_timeout(clock::now());
        }
    }

    /// Performs the part of an action that is the same at both ends.
    pub(crate) fn perform(self: &Rc<Self>, action: Action) -> Effect {
        match action {
            Action::Run { call, function, format, payload } => {
                return self.serve(call, function, format, payload).map_or(Effect::None, Effect::Spawn);
            }
            Action::Settle { call, outcome } => {
                match &outcome {
                    Outcome::Returned { format, payload } if !self.pending.is_read_here(call) => {
                        self.release_unread(*format, payload);
                    }
                    outcome => self.handle_thrown(outcome),
                }
                let waker = self.pending.resolve(call, outcome, self.engine.borrow().session());
                return waker.map_or(Effect::None, Effect::Wake);
            }
            Action::Abort { call } => {
                if let Some(running) = self.running.borrow().get(&call) {
                    running.abort();
                }
            }
            Action::Released(references) => self.handle_released(&references),
            Action::Unread(payload) => {
                self.release_unread(Format::Value, &payload);
                self.recycle(payload);
            }
            Action::Unsent(payload) => {
                self.handle_released(&handles::counted_in(&payload));
                self.recycle(payload);
            }
            Action::Ready(exports) => return Effect::Ready(exports),
            Action::Closed(closed) => return Effect::Closed(closed),
        }
        Effect::None
    }

    /// Aborts the futures of running functions. They are dropped when they are next polled.
    pub(crate) fn abort_running(&self) {
        self.running.borrow().values().for_each(AbortHandle::abort);
    }

    /// Releases the handles in an error, which is a copy for programs. References may be thrown.
    pub(crate) fn handle_thrown(&self, outcome: &Outcome) {
        if let Outcome::Threw { format: Format::Value, payload, .. } = outcome {
            self.handles.skip_thrown(&payload.head, payload.segments());
        }
    }

    /// Receives ids that the other end has released, or that were not sent. Calls the listeners in the order in which they were added.
    fn handle_released(&self, references: &[u64]) {
        self.handles.released(references);
        // A listener may add another one, so the list is not borrowed while it runs.
        for index in 0.. {
            let listener = self.on_released.borrow().get(index).cloned();
            let Some(listener) = listener else {
                return;
            };
            listener(references);
        }
    }

    /// Runs a function. If it is asynchronous, returns a task that sends its answer.
    fn serve(self: &Rc<Self>, call: Ticket, id: FunctionId, format: Format, payload: Payload) -> Option<Task> {
        let function = self.functions.borrow()[id.0 as usize].clone();
        let function = function.expect("the engine runs registered functions only");
        match catch_unwind(AssertUnwindSafe(|| self.run(&function, format, payload))) {
            Ok(Ok(Ran::Returned(format, result))) => self.engine.borrow_mut().reply(call, format, result),
            Ok(Ok(Ran::Started(future))) => return Some(self.start(call, future)),
            Ok(Ok(Ran::StartedRaw(future))) => return Some(self.start(call, future)),
            Ok(Err(failure)) => self.answer::<Payload>(call, Err(failure)),
            Err(panic) => self.answer::<Payload>(call, Err(Failure::panicked(&*panic))),
        }
        None
    }

    /// The arguments of an operation on a stream.
    fn operand<T: DeserializeOwned>(&self, format: Format, mut payload: Payload) -> Result<T, Failure> {
        let args = payload::decode_args(self, format, &mut payload, None);
        self.recycle(payload);
        args
    }

    /// The stream of this end that has this id.
    fn stream(&self, id: u64) -> Result<Rc<Local>, Failure> {
        let gone = || Failure::threw(Thrown::new("ReferenceError", "the stream was released or does not exist"));
        self.handles.given(id).ok_or_else(gone)
    }

    /// The function of this end that the other end calls.
    fn applied(&self, format: Format, payload: &mut Payload) -> Result<Rc<Local>, Failure> {
        if format != Format::Value {
            return Err(Failure::Refused(
                ErrorCode::BAD_ARGUMENTS,
                "the arguments of an operation on a handle are not in the value format".into(),
            ));
        }
        let (head, segments) = payload::parts(payload);
        let operation = value::from_payload(head, segments).map_err(|error| Failure::unread(&error));
        let found = operation.and_then(|operation: Operation| {
            let gone = || Thrown::new("ReferenceError", "the callback was released and cannot be called any more");
            let found = operation.function().and_then(|id| self.handles.given(id).ok_or_else(gone));
            found.map_err(Failure::threw)
        });
        // No function receives the payload.
        found.inspect_err(|_| self.release_unread(format, payload))
    }

    fn start<B>(self: &Rc<Self>, call: Ticket, future: LocalBoxFuture<'static, Answer<B>>) -> Task
    where
        B: Into<Payload> + 'static,
    {
        self.engine.borrow_mut().started(call);
        let (future, handle) = abortable(InCall { host: Rc::clone(self), call, future });
        // Functions of notifications cannot be cancelled.
        if call.call().is_some() {
            self.running.borrow_mut().insert(call, handle);
        }
        let host = Rc::clone(self);
        Box::pin(async move {
            let answer = future.await;
            host.running.borrow_mut().remove(&call);
            match answer {
                Ok(answer) => host.answer(call, answer),
                Err(_) => host.engine.borrow_mut().answer_cancelled(call),
            }
        })
    }

    fn answer<B: Into<Payload>>(&self, call: Ticket, answer: Answer<B>) {
        let mut engine = self.engine.borrow_mut();
        match answer {
            Ok((format, result)) => engine.reply(call, format, result),
            Err(Failure::Threw(payload)) => engine.throw(call, ErrorCode::THROWN, Format::Value, payload),
            Err(Failure::Refused(code, text)) => engine.throw_text(call, code, &text),
        }
    }

    fn run(&self, function: &Function, format: Format, mut payload: Payload) -> Result<Ran, Failure> {
        match function {
            Function::Given(Use::Apply) => {
                let local = self.applied(format, &mut payload)?;
                match &local.thing {
                    Thing::Function(function) => self.run(function, format, payload),
                    Thing::Stream(_) => {
                        self.release_unread(format, &payload);
                        Err(Failure::threw(Thrown::new("TypeError", "a stream can only be iterated")))
                    }
                }
            }
            Function::Given(Use::Next) => {
                let (id, most) = self.operand::<(u64, u64)>(format, payload)?;
                if most == 0 {
                    let text = "the number of rows is not a whole number above 0";
                    return Err(Failure::threw(Thrown::new("RangeError", text)));
                }
                let local = self.stream(id)?;
                let mut result = self.engine.borrow_mut().payload();
                match local.rows()?.next(self, most.min(MOST_ROWS) as usize, &mut result) {
                    Ok(Next::Now(format)) => Ok(Ran::Returned(format, result)),
                    Ok(Next::Later(future)) => {
                        self.recycle(result);
                        Ok(Ran::Started(future))
                    }
                    Err(failure) => {
                        self.recycle(result);
                        Err(failure)
                    }
                }
            }
            Function::Given(Use::Return) => {
                let (id,) = self.operand(format, payload)?;
                self.stream(id)?.rows()?.end();
                let mut result = self.engine.borrow_mut().payload();
                let format = payload::encode_result(None, &(), Format::Value, None, &mut result)?;
                Ok(Ran::Returned(format, result))
            }
            Function::Plain(run) => {
                let mut result = self.engine.borrow_mut().payload();
                let format = run(self, format, &mut payload, &mut result);
                self.recycle(payload);
                match format {
                    Ok(format) => Ok(Ran::Returned(format, result)),
                    Err(failure) => {
                        self.recycle(result);
                        Err(failure)
                    }
                }
            }
            Function::Bytes(run) => {
                if format != Format::Bytes {
                    self.release_unread(format, &payload);
                    let text = "the function takes bytes as they are: call it with `call_bytes`";
                    return Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, text.into()));
                }
                match run(self.joined(&mut payload)?) {
                    Ok(()) => Ok(Ran::Returned(Format::Bytes, payload)),
                    Err(failure) => {
                        self.recycle(payload);
                        Err(failure)
                    }
                }
            }
            Function::Raw(run) => {
                let bytes = self.joined(&mut payload)?;
                let mut result = self.engine.borrow_mut().buffer();
                let reply = run(format, bytes, &mut result);
                self.recycle(payload);
                match reply {
                    Ok(RawReply::Now(format)) => Ok(Ran::Returned(format, result.into())),
                    Ok(RawReply::Later(future)) => {
                        self.recycle(result);
                        Ok(Ran::StartedRaw(future))
                    }
                    Err(failure) => {
                        self.recycle(result);
                        Err(failure)
                    }
                }
            }
            Function::Async(start) => {
                let future = start(self, format, &mut payload);
                self.recycle(payload);
                future.map(Ran::Started)
            }
        }
    }
}

impl Local {
    fn rows(&self) -> Result<&dyn Rows, Failure> {
        match &self.thing {
            Thing::Stream(rows) => Ok(&**rows),
            Thing::Function(_) => Err(Failure::threw(Thrown::new("TypeError", "a callback is not a stream"))),
        }
    }
}

/// Maximum number of ids in one release.
const MOST_RELEASED: usize = 4096;

enum Ran {
    Returned(Format, Payload),
    Started(LocalBoxFuture<'static, Answer>),
    StartedRaw(LocalBoxFuture<'static, Answer<Vec<u8>>>),
}

/// The future of a function that runs for a call of the peer: calls that it makes name that call as their parent.
struct InCall<B> {
    host: Rc<Host>,
    call: Ticket,
    future: LocalBoxFuture<'static, Answer<B>>,
}

impl<B> Future for InCall<B> {
    type Output = Answer<B>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer<B>> {
        let outer = self.host.engine.borrow_mut().enter(self.call);
        let poll = self.future.as_mut().poll(context);
        self.host.engine.borrow_mut().leave(outer);
        poll
    }
}
