//! Main's end.

use coincide::raw::Format;
use coincide::{Main, Rings, Worker};
use futures_util::future::{Either, select};
use js_sys::{Array, Function, Promise};
use std::pin::pin;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use crate::failure;
use crate::values::{Unsent, Values};
use crate::{function, values};

/// Main: serves any number of workers in the event loop of the page.
#[wasm_bindgen]
pub struct MainEnd {
    main: Main,
}

#[wasm_bindgen]
impl MainEnd {
    /// A main end that goes on for as long as the page.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<MainEnd, JsError> {
        let main = Main::new()?;
        spawn_local(main.run());
        Ok(Self { main })
    }

    /// A link to a worker that is about to start. `port` wakes it where it can't listen to shared memory.
    pub fn link(&self, port: JsValue, ring: u32, strict: bool) -> Result<WorkerLink, JsValue> {
        let builder =
            self.main.worker().rings(Rings::default().up_capacity(ring as usize).down_capacity(ring as usize));
        let buffer = builder.create_buffer()?;
        let port = (!port.is_undefined()).then_some(&port);
        let worker = builder.attach_buffer(&buffer, port).map_err(|error| JsError::new(&error.to_string()))?;
        Ok(WorkerLink { worker, buffer, values: Values::new(strict) })
    }

    /// Takes a turn: a port has rung.
    pub fn ring(&self) {
        self.main.ring();
    }
}

/// What main holds of a worker.
#[wasm_bindgen]
pub struct WorkerLink {
    worker: Worker,
    buffer: JsValue,
    values: Values,
}

#[wasm_bindgen]
impl WorkerLink {
    /// The shared memory of the link, for the worker.
    #[wasm_bindgen(getter)]
    pub fn buffer(&self) -> JsValue {
        self.buffer.clone()
    }

    /// Registers what the worker calls by `name`.
    pub fn register(&self, name: &str, function: JsValue) {
        self.worker.register_raw(name, function::serve(&self.values, name, function));
    }

    /// Removes a function.
    pub fn unregister(&self, name: &str) -> bool {
        self.worker.unregister(name)
    }

    /// Calls an export; throws when the arguments can't be sent. `timeout` is in milliseconds, infinite for none; `signal` is an
    /// `AbortSignal` or undefined.
    pub fn call(&self, name: String, arguments: &Array, timeout: f64, signal: JsValue) -> Result<Promise, JsValue> {
        let (worker, values) = (self.worker.clone(), self.values.clone());
        let mut buffer = values.buffer();
        let call = match values.encode_arguments(arguments, &mut buffer) {
            Ok(()) => Some(start(&worker, &values, &name, timeout, buffer)),
            Err(Unsent::Blobs) => None,
            Err(Unsent::Refused(why)) => {
                return Err(failure::failed("Arguments", &refusal(&name, &why.to_string()), &name));
            }
        };
        let arguments = arguments.clone();
        Ok(future_to_promise(async move {
            let call = match call {
                Some(call) => call,
                None => {
                    let mut buffer = values.buffer();
                    let encoded = values.encode_arguments_later(&arguments, &mut buffer).await;
                    encoded.map_err(|why| failure::failed("Arguments", &refusal(&name, &why), &name))?;
                    start(&worker, &values, &name, timeout, buffer)
                }
            };
            let result = if signal.is_undefined() {
                call.await
            } else {
                let parts = aborted(&signal);
                let (abort, stop) = (Promise::from(parts.get(0)), Function::from(parts.get(1)));
                match select(pin!(call), pin!(JsFuture::from(abort))).await {
                    Either::Left((result, _)) => {
                        stop.call0(&JsValue::UNDEFINED)?;
                        result
                    }
                    // Dropping the call cancels it.
                    Either::Right(_) => return Err(js_sys::Reflect::get(&signal, &"reason".into())?),
                }
            };
            match result {
                Ok((_, payload)) => {
                    let value = values.decode(&payload);
                    values.recycle(payload);
                    value.map_err(|why| failure::failed("Result", &why, &name))
                }
                Err(error) => Err(failure::of_call(error, &name, &values)),
            }
        }))
    }

    /// Calls an export without wanting an answer.
    pub fn notify(&self, name: &str, arguments: &Array) -> Result<(), JsValue> {
        let mut buffer = self.values.buffer();
        self.values
            .encode_arguments(arguments, &mut buffer)
            .map_err(|why| failure::failed("Arguments", &refusal(name, &why.to_string()), name))?;
        let sent = self.worker.exports().notify_raw(name, Format::Value, buffer);
        sent.map_err(|error| failure::of_call(error.into(), name, &self.values))
    }

    /// Resolves with the names of the exports once the worker is ready.
    pub fn ready(&self) -> Promise {
        let ready = self.worker.ready();
        future_to_promise(async move {
            match ready.await {
                Ok(names) => Ok(names.into_iter().map(JsValue::from).collect::<Array>().into()),
                Err(closed) => Err(failure::failed("Closed", &closed.to_string(), "ready")),
            }
        })
    }

    /// Asks the worker to abandon what it is doing.
    pub fn interrupt(&self) {
        self.worker.interrupt();
    }

    /// Ends the link: every pending call ends with an error on both sides.
    pub fn terminate(&self) {
        self.worker.terminate();
    }

    /// Whether the worker has taken up its link.
    pub fn greeted(&self) -> bool {
        self.worker.is_open()
    }
}

fn start(worker: &Worker, values: &Values, name: &str, timeout: f64, mut buffer: Vec<u8>) -> coincide::RawFuture {
    let exports = worker.exports();
    let exports = match values::duration(timeout) {
        Some(timeout) => exports.with_timeout(timeout),
        None => exports,
    };
    let call = exports.call_raw(name, |target| {
        std::mem::swap(target, &mut buffer);
        Format::Value
    });
    values.recycle(buffer);
    call
}

fn refusal(name: &str, why: &str) -> String {
    format!("the arguments of `{name}` cannot be sent: {why}")
}

#[wasm_bindgen(raw_module = "./values.js")]
extern "C" {
    fn aborted(signal: &JsValue) -> Array;
}
