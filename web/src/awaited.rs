//! Calls that JavaScript awaits, on either end.

use coincide::Exports;
use coincide::raw::Format;
use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::failure;
use crate::pending::{Pending, Running};
use crate::values::{self, Unsent, Values};

/// A function of the other end.
pub(crate) struct Callee {
    pub(crate) exports: Exports,
    pub(crate) values: Values,
    pub(crate) name: String,
    /// Its name in errors.
    pub(crate) shown: String,
}

impl Callee {
    pub(crate) fn new(exports: Exports, values: Values, name: String) -> Self {
        Self { exports, values, shown: name.clone(), name }
    }

    /// Calls it. Throws if the arguments cannot be sent. `timeout` is in milliseconds, infinite for none. Returns the number by which the call
    /// is cancelled.
    pub(crate) fn call(
        mut self,
        arguments: &Array,
        timeout: f64,
        pending: Pending,
        running: &Running,
    ) -> Result<u32, JsValue> {
        if let Some(timeout) = values::duration(timeout) {
            self.exports = self.exports.with_timeout(timeout);
        }
        let mut buffer = self.values.buffer();
        let call = match self.values.encode_arguments(arguments, &mut buffer) {
            Ok(()) => Some(self.start(buffer)),
            Err(Unsent::Blobs) => None,
            Err(why) => return Err(failure::of_arguments(&self.shown, &why)),
        };
        let arguments = arguments.clone();
        Ok(running.settle(pending, async move {
            let call = match call {
                Some(call) => call,
                None => {
                    let mut buffer = self.values.buffer();
                    let encoded = self.values.encode_arguments_later(&arguments, &mut buffer).await;
                    encoded.map_err(|why| failure::of_arguments(&self.shown, &why))?;
                    self.start(buffer)
                }
            };
            // Dropping the future cancels the call.
            match call.await {
                Ok((_, payload)) => {
                    let value = self.values.decode(&payload);
                    self.exports.recycle(payload);
                    value.map_err(|why| failure::of_result(&self.shown, &why))
                }
                Err(error) => Err(failure::of_call(error, &self.shown, &self.values)),
            }
        }))
    }

    /// Calls it without waiting for an answer.
    pub(crate) fn notify(&self, arguments: &Array) -> Result<(), JsValue> {
        let mut buffer = self.values.buffer();
        let encoded = self.values.encode_arguments(arguments, &mut buffer);
        encoded.map_err(|why| failure::of_arguments(&self.shown, &why))?;
        let sent = self.exports.notify_raw(&self.name, Format::Value, buffer);
        sent.map_err(|error| failure::of_call(error.into(), &self.shown, &self.values))
    }

    fn start(&self, mut buffer: Vec<u8>) -> coincide::RawFuture {
        let call = self.exports.call_raw(&self.name, |target| {
            std::mem::swap(target, &mut buffer);
            Format::Value
        });
        self.values.recycle(buffer);
        call
    }
}
