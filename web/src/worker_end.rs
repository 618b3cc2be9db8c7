//! The worker's end.

use coincide::raw::Format;
use coincide::{Attached, Inbox, Limits, Relay, Scope, SendError, Stop, Sync};
use coincide_codec::EncodeError;
use js_sys::{Array, Float64Array, Function};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::awaited::Callee;
use crate::pending::{Pending, Running};
use crate::relay::RelayName;
use crate::values::{Unsent, Values, text};
use crate::{failure, function, panics, references, values};

/// A worker's own side of its link.
#[wasm_bindgen]
pub struct WorkerEnd {
    attached: Attached,
    inbox: Option<Inbox>,
    sync: Sync,
    values: Values,
    /// Names of functions by number: a number crosses into wasm faster than a string.
    names: RefCell<Vec<Rc<str>>>,
    references: OnceCell<Values>,
    running: Running,
}

#[wasm_bindgen]
impl WorkerEnd {
    /// Attaches to the link in `buffer`. `port` wakes main where that cannot wait asynchronously for shared memory. `deadlock` is the deadlock
    /// timeout in milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(buffer: &JsValue, port: JsValue, strict: bool, deadlock: Option<f64>) -> Result<WorkerEnd, JsError> {
        let port = (!port.is_undefined()).then_some(&port);
        Ok(Self::of(Scope::attach_buffer(buffer, port, limits(deadlock))?, None, strict))
    }

    /// Attaches to a link by messages.
    #[wasm_bindgen(js_name = byMessages)]
    pub fn by_messages(
        port: &JsValue,
        relay: Option<RelayName>,
        strict: bool,
        deadlock: Option<f64>,
    ) -> Result<WorkerEnd, JsError> {
        let relay = relay.map(Relay::from);
        let (attached, inbox) = Scope::attach_port(port, relay.as_ref(), limits(deadlock))?;
        Ok(Self::of(attached, Some(inbox), strict))
    }

    /// Handles the data of a received message.
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
    pub fn export(&self, name: &JsValue, function: JsValue) {
        let name = text(name);
        self.attached.scope.export_raw(&name, function::serve(&self.values, &name, function));
    }

    /// Removes an export.
    pub fn unexport(&self, name: &JsValue) -> bool {
        self.attached.scope.unexport(&text(name))
    }

    /// Calls a function of main and blocks until it has answered. `timeout` is in milliseconds, infinite for none.
    pub fn call(&self, name: usize, arguments: &Array, timeout: f64) -> Result<JsValue, JsValue> {
        let name = Rc::clone(&self.names.borrow()[name]);
        self.call_with(&self.values, &name, &name, arguments, timeout)
    }

    /// Sends this worker's functions to main as references, which `references` keeps. `invoke` is called with a function, `this` and a list
    /// of arguments; `released` with the references that main has released.
    pub fn reflect(&self, references: JsValue, invoke: JsValue, released: Function) {
        let values = Values::with_references(references);
        self.attached.scope.export_raw(references::INVOKE, function::serve(&values, references::CALLBACK, invoke));
        self.attached.scope.on_released(references::listener(released));
        let _ = self.references.set(values);
    }

    /// Has main carry out an operation on its objects, and blocks until it has.
    pub fn operate(&self, operation: &Array) -> Result<JsValue, JsValue> {
        let values = self.references.get().unwrap_or(&self.values);
        self.call_with(values, references::REFLECT, references::SHOWN, operation, f64::INFINITY)
    }

    /// Has main carry out an operation without waiting for it.
    #[wasm_bindgen(js_name = operateLater)]
    pub fn operate_later(&self, operation: &Array) -> Result<(), JsValue> {
        let values = self.references.get().unwrap_or(&self.values);
        self.notify_with(values, references::REFLECT_LATER, references::SHOWN, operation)
    }

    /// Releases references of main. A no-op on a closed link.
    pub fn release(&self, ids: &Float64Array) {
        let _ = self.attached.scope.release(&references::ids(ids));
    }

    /// Calls the function `name`, which errors call `shown`.
    fn call_with(
        &self,
        values: &Values,
        name: &str,
        shown: &str,
        arguments: &Array,
        timeout: f64,
    ) -> Result<JsValue, JsValue> {
        let mut buffer = encode(values, shown, arguments)?;
        let encode = |target: &mut Vec<u8>| {
            std::mem::swap(target, &mut buffer);
            Format::Value
        };
        let result = match values::duration(timeout) {
            Some(timeout) => self.sync.with_timeout(timeout).call_raw(name, encode),
            None => self.sync.call_raw(name, encode),
        };
        values.recycle(buffer);
        match result {
            Ok((_, payload)) => {
                let value = values.decode(&payload);
                self.sync.recycle(payload);
                value.map_err(|why| failure::of_result(shown, &why))
            }
            Err(error) => Err(failure::of_call(error, shown, values)),
        }
    }

    fn notify_with(&self, values: &Values, name: &str, shown: &str, arguments: &Array) -> Result<(), JsValue> {
        let buffer = encode(values, shown, arguments)?;
        let sent = self.sync.notify_raw(name, Format::Value, buffer);
        if let Some(inbox) = &self.inbox {
            inbox.flush_in_time();
        }
        sent.map_err(|error| failure::of_call(error.into(), shown, values))
    }

    /// Calls a function of main without blocking. Throws if the arguments cannot be sent. Returns the number for [`cancel`](Self::cancel).
    #[wasm_bindgen(js_name = callLater)]
    pub fn call_later(
        &self,
        name: &JsValue,
        arguments: &Array,
        timeout: f64,
        pending: Pending,
    ) -> Result<u32, JsValue> {
        let exports = self.attached.scope.remote();
        Callee::new(exports, self.values.clone(), text(name)).call(arguments, timeout, pending, &self.running)
    }

    /// Cancels a call that JavaScript no longer waits for.
    pub fn cancel(&self, number: u32) {
        self.running.cancel(number);
    }

    /// Calls a function of main without waiting.
    pub fn notify(&self, name: &JsValue, arguments: &Array) -> Result<(), JsValue> {
        let name = text(name);
        self.notify_with(&self.values, &name, &name, arguments)
    }

    /// Tells main that the worker is ready, and what it exports. A no-op on a closed link.
    pub fn ready(&self) -> Result<(), JsError> {
        match self.attached.scope.ready() {
            Err(SendError::Closed) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Throws if main wants the worker to stop: it has interrupted it, has cancelled the running call, or is gone.
    pub fn check(&self) -> Result<(), JsValue> {
        if let Some(inbox) = &self.inbox {
            inbox.flush_in_time();
        }
        self.attached.scope.check().map_err(|stop| stopped(&stop, "check"))
    }

    /// The id of main's call that the running function serves, or 0.
    #[wasm_bindgen(js_name = currentCall)]
    pub fn current_call(&self) -> u32 {
        self.attached.scope.current_call()
    }

    /// Blocks for a number of milliseconds, while main's calls run. Throws if main wants the worker to stop.
    pub fn sleep(&self, milliseconds: f64) -> Result<(), JsValue> {
        let duration = values::duration(milliseconds).unwrap_or(Duration::MAX);
        self.attached.scope.sleep(duration).map_err(|stop| stopped(&stop, "sleep"))
    }

    /// Posts queued frames of a link by messages, before the worker stays away from its event loop for a while.
    pub fn flush(&self) {
        if let Some(inbox) = &self.inbox {
            inbox.flush();
        }
    }

    /// Closes the link once everything queued has been sent.
    pub fn close(&self) {
        self.attached.scope.close();
    }

    /// Closes the link because the worker has failed.
    pub fn fail(&self, why: &JsValue) {
        self.attached.scope.fail(&text(why));
    }

    /// Sets how many bytes the bodies in flight may take together.
    #[wasm_bindgen(js_name = setMemory)]
    pub fn set_memory(&self, bytes: f64) {
        self.attached.scope.set_memory_budget(values::bytes(bytes));
    }

    /// Handles received frames after a wake-up by a message.
    pub fn ring(&self) {
        self.attached.bell.ring();
    }

    fn of(attached: Attached, inbox: Option<Inbox>, strict: bool) -> Self {
        panics::report();
        spawn_local(attached.run());
        let sync = attached.scope.sync();
        Self {
            attached,
            inbox,
            sync,
            values: Values::new(strict),
            names: RefCell::default(),
            references: OnceCell::new(),
            running: Running::default(),
        }
    }
}

fn stopped(stop: &Stop, function: &str) -> JsValue {
    let kind = match stop {
        Stop::Interrupted => "Interrupted",
        Stop::Cancelled => "Cancelled",
        Stop::CannotBlock => "CannotBlock",
        _ => "Closed",
    };
    failure::failed(kind, &stop.to_string(), function)
}

fn limits(deadlock: Option<f64>) -> Limits {
    let limits = Limits::default();
    match deadlock {
        Some(milliseconds) => {
            Limits { deadlock_timeout: values::duration(milliseconds).unwrap_or(Duration::MAX), ..limits }
        }
        None => limits,
    }
}

fn encode(values: &Values, name: &str, arguments: &Array) -> Result<Vec<u8>, JsValue> {
    let mut buffer = values.buffer();
    let why = match values.encode_arguments(arguments, &mut buffer) {
        Ok(()) => return Ok(buffer),
        Err(Unsent::Blobs) => EncodeError::new(
            "the bytes of a blob cannot be read without waiting: read them first (`await blob.arrayBuffer()`) and send the buffer",
        )
        .into(),
        Err(why) => why,
    };
    Err(failure::of_arguments(name, &why))
}
