//! Workers of a page or of Node.js, whose links lie in a `SharedArrayBuffer` or travel in messages. Both ends live in event loops.

use crate::calls::error::SpawnError;
use crate::main::{Worker, WorkerBuilder};
use crate::worker::{Driver, Scope};
use coincide_proto::Config;
use coincide_transport_atomics::{Bell, web as atomics};
use coincide_transport_sw::web::{self as messages, Inbox, Relay};
use std::io;
use std::sync::Arc;
use wasm_bindgen::JsValue;

impl WorkerBuilder<'_> {
    /// A new link in a `SharedArrayBuffer`, for [`attach_buffer`](Self::attach_buffer) here and [`Scope::attach_buffer`] in the worker.
    ///
    /// # Errors
    /// What JavaScript throws: there is no `SharedArrayBuffer`, because the page is not cross-origin isolated, or no memory.
    pub fn create_buffer(&self) -> Result<JsValue, JsValue> {
        atomics::create(self.rings)
    }

    /// Takes on the worker that has or will get the link in `buffer`. A worker that can't listen to shared words (because it has no
    /// `Atomics.waitAsync`) is woken by `port`, whose `postMessage` is called then, as well.
    ///
    /// # Errors
    /// When the name is taken, or there is no link in the buffer.
    pub fn attach_buffer(self, buffer: &JsValue, port: Option<&JsValue>) -> Result<Worker, SpawnError> {
        self.check_name()?;
        let end = atomics::main_transport(buffer, Arc::clone(&self.main.bell))?;
        if let Some(port) = port {
            end.wake_by_port(port);
        }
        Ok(self.connect(Box::new(end)))
    }

    /// Takes on a worker whose frames travel in messages: they leave by `port.postMessage(packet, transfer)`, and what arrives has to be given
    /// to the inbox. The worker can block if both ends have the same `relay`.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn attach_port(self, port: &JsValue, relay: Option<&Relay>) -> Result<(Worker, Inbox), SpawnError> {
        self.check_name()?;
        let bell = Arc::clone(&self.main.bell);
        let (end, inbox) = messages::main_transport(port, relay, move || bell.ring());
        Ok((self.connect(Box::new(end)), inbox))
    }
}

impl Scope {
    /// Takes up the link that main has given to this worker, for its event loop.
    ///
    /// # Errors
    /// When there is no link in the buffer.
    pub fn attach_buffer(buffer: &JsValue, port: Option<&JsValue>, limits: Config) -> io::Result<Driver> {
        let bell = Bell::new()?;
        let transport = atomics::worker_transport(buffer, Arc::clone(&bell))?;
        if let Some(port) = port {
            transport.wake_by_port(port);
        }
        let ringer = transport.ringer();
        Ok(Driver::new(Box::new(transport), Arc::new(move || ringer.ring()), bell, limits))
    }

    /// Takes up a link whose frames travel in messages; see [`WorkerBuilder::attach_port`].
    ///
    /// # Errors
    /// Never on platforms that there are.
    pub fn attach_port(port: &JsValue, relay: Option<&Relay>, limits: Config) -> io::Result<(Driver, Inbox)> {
        let bell = Bell::new()?;
        let rung = Arc::clone(&bell);
        let (transport, inbox) = messages::worker_transport(port, relay, move || rung.ring());
        Ok((Self::attach(Box::new(transport), bell, limits), inbox))
    }
}
