//! The worker's end.

use coincide::raw::Format;
use coincide::{Attached, Inbox, Limits, Relay, Scope, SendError, Stop, Sync};
use js_sys::{Array, Function, Promise};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::awaited::Callee;
use crate::relay::RelayName;
use crate::values::{Unsent, Values};
use crate::{failure, function, references, values};

/// A worker's own side of its link.
#[wasm_bindgen]
pub struct WorkerEnd {
    attached: Attached,
    inbox: Option<Inbox>,
    sync: Sync,
    values: Values,
    /// Names that were called before: a number crosses faster than a string.
    names: Vec<String>,
    references: Option<Values>,
}

#[wasm_bindgen]
impl WorkerEnd {
    /// Takes up the link in `buffer`. `port` wakes main where that can't listen to shared memory. `deadlock` is the deadlock timeout in
    /// milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(buffer: &JsValue, port: JsValue, strict: bool, deadlock: f64) -> Result<WorkerEnd, JsError> {
        let port = (!port.is_undefined()).then_some(&port);
        Ok(Self::of(Scope::attach_buffer(buffer, port, limits(deadlock))?, None, strict))
    }

    /// Takes up a link in messages.
    #[wasm_bindgen(js_name = byMessages)]
    pub fn by_messages(
        port: &JsValue,
        relay: Option<RelayName>,
        strict: bool,
        deadlock: f64,
    ) -> Result<WorkerEnd, JsError> {
        let relay = relay.map(Relay::from);
        let (attached, inbox) = Scope::attach_port(port, relay.as_ref(), limits(deadlock))?;
        Ok(Self::of(attached, Some(inbox), strict))
    }

    /// Takes in what has arrived in a message.
    pub fn deliver(&self, message: &JsValue) {
        if let Some(inbox) = &self.inbox {
            inbox.deliver(message);
        }
    }

    /// A number for a name, for [`call`](Self::call).
    pub fn name(&mut self, name: String) -> usize {
        self.names.push(name);
        self.names.len() - 1
    }

    /// Exports a function to main.
    pub fn export(&self, name: &str, function: JsValue) {
        self.attached.scope.export_raw(name, function::serve(&self.values, name, function));
    }

    /// Removes an export.
    pub fn unexport(&self, name: &str) -> bool {
        self.attached.scope.unexport(name)
    }

    /// Calls a function of main and blocks until that has answered. `timeout` is in milliseconds, infinite for none.
    pub fn call(&self, name: usize, arguments: &Array, timeout: f64) -> Result<JsValue, JsValue> {
        let name = &self.names[name];
        self.call_with(&self.values, name, name, arguments, timeout)
    }

    /// Makes this worker's functions known to main by references, which `references` keeps: `invoke` is called with a function, `this` and
    /// a list of arguments, and `released` with the references that main has given back.
    pub fn reflect(&mut self, references: JsValue, invoke: JsValue, released: Function) {
        let values = Values::with_references(references);
        self.attached.scope.export_raw(references::INVOKE, function::serve(&values, references::CALLBACK, invoke));
        self.attached.scope.on_released(references::listener(released));
        self.references = Some(values);
    }

    /// Has main carry out an operation on its objects, and blocks until it has.
    pub fn operate(&self, operation: &Array) -> Result<JsValue, JsValue> {
        let values = self.references.as_ref().unwrap_or(&self.values);
        self.call_with(values, references::REFLECT, references::SHOWN, operation, f64::INFINITY)
    }

    /// Has main carry out an operation without waiting for it.
    #[wasm_bindgen(js_name = operateLater)]
    pub fn operate_later(&self, operation: &Array) -> Result<(), JsValue> {
        let values = self.references.as_ref().unwrap_or(&self.values);
        self.notify_with(values, references::REFLECT_LATER, references::SHOWN, operation)
    }

    /// Gives references of main back. On a closed link there are none.
    pub fn release(&self, ids: Vec<f64>) {
        let _ = self.attached.scope.release(&references::ids(&ids));
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

    /// Calls a function of main and gives a promise of what that answers. `signal` is an `AbortSignal` or undefined.
    #[wasm_bindgen(js_name = callLater)]
    pub fn call_later(
        &self,
        name: String,
        arguments: &Array,
        timeout: f64,
        signal: JsValue,
    ) -> Result<Promise, JsValue> {
        let exports = self.attached.scope.remote();
        Callee::new(exports, self.values.clone(), name).call(arguments, timeout, signal)
    }

    /// Calls a function of main without waiting.
    pub fn notify(&self, name: &str, arguments: &Array) -> Result<(), JsValue> {
        self.notify_with(&self.values, name, name, arguments)
    }

    /// Tells main that the worker is ready, and what it exports. On a closed link nobody waits for that.
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

    /// Blocks for so many milliseconds; main's calls run meanwhile. Throws if main wants the worker to stop.
    pub fn sleep(&self, milliseconds: f64) -> Result<(), JsValue> {
        let duration = values::duration(milliseconds).unwrap_or(Duration::MAX);
        self.attached.scope.sleep(duration).map_err(|stop| stopped(&stop, "sleep"))
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
    pub fn fail(&self, why: &str) {
        self.attached.scope.fail(why);
    }

    /// Takes a turn: a port has rung.
    pub fn ring(&self) {
        self.attached.bell.ring();
    }

    fn of(attached: Attached, inbox: Option<Inbox>, strict: bool) -> Self {
        spawn_local(attached.run());
        let sync = attached.scope.sync();
        Self { attached, inbox, sync, values: Values::new(strict), names: Vec::new(), references: None }
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

fn limits(deadlock: f64) -> Limits {
    Limits { deadlock_timeout: values::duration(deadlock).unwrap_or(Duration::MAX), ..Limits::default() }
}

fn encode(values: &Values, name: &str, arguments: &Array) -> Result<Vec<u8>, JsValue> {
    let mut buffer = values.buffer();
    let why = match values.encode_arguments(arguments, &mut buffer) {
        Ok(()) => return Ok(buffer),
        Err(Unsent::Refused(why)) => why.to_string(),
        Err(Unsent::Blobs) => "the bytes of a blob can't be read without waiting here".into(),
    };
    Err(failure::of_arguments(name, &why))
}
