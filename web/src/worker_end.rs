//! The worker's end.

use coincide::raw::Format;
use coincide::{Bell, Driver, Inbox, Limits, Relay, Scope, SendError, Stop, SyncProxy};
use js_sys::{Float64Array, Function};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::awaited::Callee;
use crate::convert::{self, text};
use crate::function::{self, Served};
use crate::outcome::{Outcome, Shown};
use crate::pending::{Pending, Running};
use crate::relay::RelayName;
use crate::{failure, panics, references, scratch};

/// What the driver of this end's turns shares with it.
struct Attached {
    scope: Scope,
    bell: Arc<Bell>,
}

/// A worker's own side of its link. Arguments are named by their offset and length in scratch memory; calls return the address of an outcome.
#[wasm_bindgen]
pub struct WorkerEnd {
    attached: Attached,
    inbox: Option<Inbox>,
    sync: SyncProxy,
    /// Names that were called before: a number crosses faster than a string.
    names: RefCell<Vec<Rc<str>>>,
    running: Running,
    outcome: Shown,
}

#[wasm_bindgen]
impl WorkerEnd {
    /// Takes up the link in `buffer`. `port` wakes main where that can't listen to shared memory. `deadlock` is the deadlock timeout in
    /// milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(buffer: &JsValue, port: JsValue, deadlock: Option<f64>) -> Result<WorkerEnd, JsError> {
        let port = (!port.is_undefined()).then_some(&port);
        Ok(Self::of(Scope::attach_buffer(buffer, port, limits(deadlock))?, None))
    }

    /// Takes up a link in messages.
    #[wasm_bindgen(js_name = byMessages)]
    pub fn by_messages(port: &JsValue, relay: Option<RelayName>, deadlock: Option<f64>) -> Result<WorkerEnd, JsError> {
        let relay = relay.map(Relay::from);
        let (driver, inbox) = Scope::attach_port(port, relay.as_ref(), limits(deadlock))?;
        Ok(Self::of(driver, Some(inbox)))
    }

    /// Takes in what has arrived in a message.
    pub fn deliver(&self, message: &JsValue) {
        if let Some(inbox) = &self.inbox {
            inbox.deliver(message);
        }
    }

    /// A number for a name, for [`call`](Self::call).
    pub fn name(&self, name: &JsValue) -> usize {
        let mut names = self.names.borrow_mut();
        names.push(text(name).into());
        names.len() - 1
    }

    /// Exports a function to main.
    pub fn export(&self, name: &JsValue, function: Served) {
        self.attached.scope.export_raw(&text(name), function::serve(function));
    }

    /// Removes an export.
    pub fn unexport(&self, name: &JsValue) -> bool {
        self.attached.scope.unexport(&text(name))
    }

    /// Calls a function of main and blocks until it has answered. `timeout` is in milliseconds, infinite for none.
    pub fn call(&self, name: usize, at: usize, len: usize, timeout: f64) -> usize {
        let name = Rc::clone(&self.names.borrow()[name]);
        self.call_with(&name, &name, at, len, timeout)
    }

    /// Gives the buffer of the last outcome back. Otherwise the next call does.
    pub fn recycle(&self) {
        self.sync.recycle(self.outcome.take());
    }

    /// Makes this worker's functions known to main by references: `invoke` is called with a function, `this` and a list of arguments, and
    /// `released` with the references that main has given back.
    pub fn reflect(&self, invoke: Served, released: Function) {
        self.attached.scope.export_raw(references::INVOKE, function::serve(invoke));
        self.attached.scope.on_released(references::listener(released));
    }

    /// Has main carry out an operation on its objects, and blocks until it has.
    pub fn operate(&self, at: usize, len: usize) -> usize {
        self.call_with(references::REFLECT, references::SHOWN, at, len, f64::INFINITY)
    }

    /// Has main carry out an operation without waiting for it.
    #[wasm_bindgen(js_name = operateLater)]
    pub fn operate_later(&self, at: usize, len: usize) -> usize {
        self.notify_with(references::REFLECT_LATER, references::SHOWN, at, len)
    }

    /// Gives references of main back. On a closed link there are none.
    pub fn release(&self, ids: &Float64Array) {
        let _ = self.attached.scope.release(&references::ids(ids));
    }

    /// Calls a function of main without blocking. Gives the number for [`cancel`](Self::cancel).
    #[wasm_bindgen(js_name = callLater)]
    pub fn call_later(&self, name: &JsValue, at: usize, len: usize, timeout: f64, pending: Pending) -> u32 {
        let name = text(name);
        let callee = Callee { exports: self.attached.scope.proxy(), name: &name, shown: &name };
        callee.call(at, len, timeout, pending, &self.running)
    }

    /// Cancels what JavaScript no longer waits for.
    pub fn cancel(&self, number: u32) {
        self.running.cancel(number);
    }

    /// Calls a function of main without waiting.
    pub fn notify(&self, name: &JsValue, at: usize, len: usize) -> usize {
        let name = text(name);
        self.notify_with(&name, &name, at, len)
    }

    /// Tells main that the worker is ready, and what it exports. On a closed link this does nothing.
    pub fn ready(&self) -> Result<(), JsError> {
        match self.attached.scope.ready() {
            Err(SendError::Closed) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Fails if main wants the worker to stop: it has interrupted it, has cancelled the running call, or is gone.
    pub fn check(&self) -> usize {
        if let Some(inbox) = &self.inbox {
            inbox.flush_in_time();
        }
        self.stopped(self.attached.scope.check())
    }

    /// The id of main's call that the running function serves, or 0.
    #[wasm_bindgen(js_name = currentCall)]
    pub fn current_call(&self) -> u32 {
        self.attached.scope.current_call()
    }

    /// Blocks for this number of milliseconds, during which calls of main run. Fails if main wants the worker to stop.
    pub fn sleep(&self, milliseconds: f64) -> usize {
        let duration = convert::duration(milliseconds).unwrap_or(Duration::MAX);
        self.stopped(self.attached.scope.sleep(duration))
    }

    /// Posts what was sent and is still here, where the link is one in messages: this worker doesn't return to its event loop for a while.
    pub fn flush(&self) {
        if let Some(inbox) = &self.inbox {
            inbox.flush();
        }
    }

    /// Closes the link once everything queued has been sent.
    pub fn close(&self) {
        self.attached.scope.close();
    }

    /// Closes the link: the worker can't do what it is there for.
    pub fn fail(&self, why: &JsValue) {
        self.attached.scope.fail(&text(why));
    }

    /// Sets how many bytes the bodies in flight may take together.
    #[wasm_bindgen(js_name = setMemory)]
    pub fn set_memory(&self, bytes: f64) {
        self.attached.scope.set_memory_budget(convert::bytes(bytes));
    }

    /// Takes a turn: a port has rung.
    pub fn ring(&self) {
        self.attached.bell.ring();
    }
}

impl WorkerEnd {
    fn of(driver: Driver, inbox: Option<Inbox>) -> Self {
        panics::report();
        let attached = Attached { scope: driver.scope().clone(), bell: Arc::clone(driver.bell()) };
        spawn_local(async move {
            driver.run().await;
        });
        let sync = attached.scope.sync();
        let (names, running, outcome) = (RefCell::default(), Running::default(), Shown::default());
        Self { attached, inbox, sync, names, running, outcome }
    }

    /// Calls the function `name`, which errors call `shown`.
    fn call_with(&self, name: &str, shown: &str, at: usize, len: usize, timeout: f64) -> usize {
        self.recycle();
        let Some(mut payload) = scratch::take(at, len) else {
            return self.outcome.set(Outcome::out_of_memory(shown));
        };
        let encode = |target: &mut Vec<u8>| {
            std::mem::swap(target, &mut payload);
            Format::Value
        };
        let result = match convert::duration(timeout) {
            Some(timeout) => self.sync.with_timeout(timeout).call_raw(name, encode),
            None => self.sync.call_raw(name, encode),
        };
        scratch::give_back(payload);
        self.outcome.set(match result {
            Ok((_, payload)) => Outcome::value(payload),
            Err(error) => Outcome::of_error(error, shown),
        })
    }

    fn notify_with(&self, name: &str, shown: &str, at: usize, len: usize) -> usize {
        let Some(payload) = scratch::take(at, len) else {
            return self.outcome.set(Outcome::out_of_memory(shown));
        };
        let sent = self.sync.notify_raw(name, Format::Value, payload);
        if let Some(inbox) = &self.inbox {
            inbox.flush_in_time();
        }
        self.outcome.set(match sent {
            Ok(()) => Outcome::done(),
            Err(error) => Outcome::of_failure(error, shown),
        })
    }

    fn stopped(&self, result: Result<(), Stop>) -> usize {
        self.outcome.set(match result {
            Ok(()) => Outcome::done(),
            Err(stop) => Outcome::failed(failure::kind_of_stop(&stop), &stop.to_string()),
        })
    }
}

fn limits(deadlock: Option<f64>) -> Limits {
    let limits = Limits::default();
    match deadlock {
        Some(milliseconds) => {
            Limits { deadlock_timeout: convert::duration(milliseconds).unwrap_or(Duration::MAX), ..limits }
        }
        None => limits,
    }
}
