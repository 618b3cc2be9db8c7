//! What both ends of a link have in common: they call functions of the other end, and serve their own.

use crate::error::CallError;
use crate::functions::{Answer, Failure, Function, Functions};
use crate::pending::PendingCalls;
use crate::port::Port;
use crate::raw::RawReply;
use crate::{clock, payload};
use coincide_proto::{Call, CallId, ErrorCode, Format, SendError};
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// One end of a link with the functions that it serves.
pub(crate) struct End {
    pub(crate) port: RefCell<Port>,
    pub(crate) functions: RefCell<Functions>,
    /// Calls of the peer's functions that somebody awaits.
    pub(crate) pending: PendingCalls,
    /// The peer's call whose function is running; calls made meanwhile name it as their parent.
    pub(crate) current: Cell<Option<CallId>>,
    /// The call that was made here last.
    pub(crate) latest: Cell<Option<CallId>>,
    /// Receive the references that the peer no longer holds: listeners of the program, and of the library.
    on_released: RefCell<Vec<Released>>,
}

type Released = Rc<dyn Fn(&[u64])>;

/// What became of a call of the peer.
pub(crate) enum Served {
    /// It has its answer.
    Answered,
    /// Its function is asynchronous: the answer is this future's output.
    Started(LocalBoxFuture<'static, Answer>),
}

impl End {
    pub(crate) fn new(port: Port) -> Self {
        Self {
            port: RefCell::new(port),
            functions: RefCell::default(),
            pending: PendingCalls::default(),
            current: Cell::new(None),
            latest: Cell::new(None),
            on_released: RefCell::default(),
        }
    }

    /// Gives references of the peer back. Nothing is sent before [`Port::flush`].
    pub(crate) fn release(&self, references: &[u64]) -> Result<(), SendError> {
        self.port.borrow_mut().session.release(references)
    }

    /// Adds a listener.
    pub(crate) fn on_released(&self, listener: impl Fn(&[u64]) + 'static) {
        self.on_released.borrow_mut().push(Rc::new(listener));
    }

    /// Calls the listeners in the order in which they were added. Without any, no reference was ever sent.
    pub(crate) fn handle_released(&self, references: &[u64]) {
        // A listener may add another one, so the list is not borrowed while it runs.
        for index in 0.. {
            let listener = self.on_released.borrow().get(index).cloned();
            let Some(listener) = listener else {
                return;
            };
            listener(references);
        }
    }

    /// Drops functions and listeners: they may hold handles of this very end.
    pub(crate) fn forget_program(&self) {
        self.functions.take();
        self.on_released.take();
    }

    /// Makes a call whose payload `encode` writes. Nothing is sent before [`Port::flush`].
    pub(crate) fn call(
        &self,
        function: &str,
        timeout: Option<Duration>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, payload::EncodeError>,
    ) -> Result<CallId, CallError> {
        let (format, buffer) = self.encode(function, encode)?;
        let mut port = self.port.borrow_mut();
        let deadline = timeout.map(|timeout| clock::now().after(timeout));
        let call = Call { name: function, format, parent: self.current.get(), deadline };
        let id =
            port.session.call(call, buffer).map_err(|source| CallError::not_sent(function, source, &port.session))?;
        self.latest.set(Some(id));
        Ok(id)
    }

    /// Calls a function without wanting an answer. Nothing is sent before [`Port::flush`].
    pub(crate) fn notify(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, payload::EncodeError>,
    ) -> Result<(), CallError> {
        let (format, buffer) = self.encode(function, encode)?;
        let mut port = self.port.borrow_mut();
        port.session
            .notify(function, format, buffer)
            .map_err(|source| CallError::not_sent(function, source, &port.session))
    }

    /// Writes arguments into a spare buffer. The port is free meanwhile: `encode` may run code of the program.
    fn encode(
        &self,
        function: &str,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Format, payload::EncodeError>,
    ) -> Result<(Format, Vec<u8>), CallError> {
        let mut buffer = self.port.borrow_mut().session.buffer();
        match encode(&mut buffer) {
            Ok(format) => Ok((format, buffer)),
            Err(source) => {
                if source.is_out_of_memory() {
                    // Memory is short, so the buffer is not kept for later.
                    drop(buffer);
                    return Err(CallError::arguments(function, source));
                }
                self.port.borrow_mut().session.recycle(buffer);
                Err(CallError::arguments(function, source))
            }
        }
    }

    /// The function that a call of the peer is for.
    pub(crate) fn function(&self, id: CallId) -> Option<Function> {
        self.functions.borrow().get(self.port.borrow().session.function(id)?)
    }

    /// Runs `function`, which a call of the peer is for, or begins to. Without one, the answer is that it is unknown.
    pub(crate) fn serve(&self, id: CallId, function: Option<Function>, format: Format, payload: Vec<u8>) -> Served {
        let answer = match function {
            None => {
                let mut port = self.port.borrow_mut();
                port.session.recycle(payload);
                let Some(name) = port.session.function(id) else {
                    return Served::Answered; // The link has been closed since.
                };
                Err(self.functions.borrow().unknown(name))
            }
            Some(function) => {
                let outer = self.current.replace(Some(id));
                let run = catch_unwind(AssertUnwindSafe(|| self.run(&function, format, payload)));
                self.current.set(outer);
                match run {
                    Ok(Ok(Ran::Returned(format, result))) => Ok((format, result)),
                    Ok(Ok(Ran::Started(future))) => return Served::Started(future),
                    Ok(Err(failure)) => Err(failure),
                    Err(panic) => Err(Failure::panicked(&*panic)),
                }
            }
        };
        self.answer(id, answer);
        Served::Answered
    }

    /// Runs `function`, which a notification is for; gives the future of an asynchronous one.
    pub(crate) fn serve_notification(
        &self,
        function: &Function,
        format: Format,
        payload: Vec<u8>,
    ) -> Option<LocalBoxFuture<'static, Answer>> {
        match catch_unwind(AssertUnwindSafe(|| self.run(function, format, payload))) {
            Ok(Ok(Ran::Started(future))) => Some(future),
            Ok(Ok(Ran::Returned(_, result))) => {
                self.port.borrow_mut().session.recycle(result);
                None
            }
            _ => None,
        }
    }

    /// Sends the answer to a call of the peer.
    pub(crate) fn answer(&self, id: CallId, answer: Answer) {
        let mut port = self.port.borrow_mut();
        // The call may have gone with its link: then nobody waits for the answer.
        let _ = match answer {
            Ok((format, result)) => port.session.reply(id, format, result),
            Err(Failure::Threw(payload)) => port.session.throw(id, ErrorCode::THROWN, Format::Value, payload),
            Err(Failure::Refused(code, text)) => port.session.throw_text(id, code, &text),
        };
        port.flush();
    }

    fn run(&self, function: &Function, format: Format, mut payload: Vec<u8>) -> Result<Ran, Failure> {
        match function {
            Function::Plain(run) => {
                let mut result = self.port.borrow_mut().session.buffer();
                let format = run(format, &payload, &mut result);
                let mut port = self.port.borrow_mut();
                port.session.recycle(payload);
                match format {
                    Ok(format) => Ok(Ran::Returned(format, result)),
                    Err(failure) => {
                        port.session.recycle(result);
                        Err(failure)
                    }
                }
            }
            Function::Bytes(run) => {
                if format != Format::Bytes {
                    let text = "the function takes bytes as they are: call it with `call_bytes`";
                    return Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, text.into()));
                }
                match run(&mut payload) {
                    Ok(()) => Ok(Ran::Returned(Format::Bytes, payload)),
                    Err(failure) => {
                        self.port.borrow_mut().session.recycle(payload);
                        Err(failure)
                    }
                }
            }
            Function::Raw(run) => {
                let mut result = self.port.borrow_mut().session.buffer();
                let reply = run(format, &payload, &mut result);
                let mut port = self.port.borrow_mut();
                port.session.recycle(payload);
                match reply {
                    Ok(RawReply::Now(format)) => Ok(Ran::Returned(format, result)),
                    Ok(RawReply::Later(future)) => {
                        port.session.recycle(result);
                        Ok(Ran::Started(future))
                    }
                    Err(failure) => {
                        port.session.recycle(result);
                        Err(failure)
                    }
                }
            }
            Function::Async(start) => {
                let future = start(format, &payload);
                self.port.borrow_mut().session.recycle(payload);
                future.map(Ran::Started)
            }
        }
    }
}

enum Ran {
    Returned(Format, Vec<u8>),
    Started(LocalBoxFuture<'static, Answer>),
}

/// The future of a function that runs for a call of the peer: calls that it makes name that call as their parent.
pub(crate) struct InCall {
    end: Rc<End>,
    id: CallId,
    future: LocalBoxFuture<'static, Answer>,
}

impl InCall {
    pub(crate) fn new(end: &Rc<End>, id: CallId, future: LocalBoxFuture<'static, Answer>) -> Self {
        Self { end: Rc::clone(end), id, future }
    }
}

impl Future for InCall {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let id = self.id;
        let outer = self.end.current.replace(Some(id));
        let poll = self.future.as_mut().poll(context);
        self.end.current.set(outer);
        poll
    }
}
