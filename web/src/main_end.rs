//! Main's end.

use coincide::{Inbox, Main, Relay, Rings, Worker};
use js_sys::{Array, Float64Array, Function};
use std::cell::OnceCell;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::awaited::Callee;
use crate::failure;
use crate::pending::{Pending, Running};
use crate::relay::RelayName;
use crate::values::{self, Values, text};
use crate::{function, panics, references};

/// Main: serves any number of workers in the event loop of the page.
#[wasm_bindgen]
pub struct MainEnd {
    main: Main,
}

#[wasm_bindgen]
impl MainEnd {
    /// Main's end, which lives as long as the page.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<MainEnd, JsError> {
        panics::report();
        let main = Main::new()?;
        spawn_local(main.run());
        Ok(Self { main })
    }

    /// A link in shared memory to a worker that is about to start. `port` wakes the worker where it cannot wait asynchronously for shared memory.
    pub fn link(&self, port: JsValue, ring: u32, strict: bool) -> Result<WorkerLink, JsValue> {
        let builder =
            self.main.worker().rings(Rings::default().up_capacity(ring as usize).down_capacity(ring as usize));
        let buffer = builder.create_buffer()?;
        let port = (!port.is_undefined()).then_some(&port);
        let worker = builder.attach_buffer(&buffer, port).map_err(failure::of_start)?;
        Ok(WorkerLink::of(worker, buffer, None, strict))
    }

    /// A link by messages to a worker that is about to start. `port` sends them; with `relay` the worker can block.
    #[wasm_bindgen(js_name = linkByMessages)]
    pub fn link_by_messages(
        &self,
        port: &JsValue,
        relay: Option<RelayName>,
        strict: bool,
    ) -> Result<WorkerLink, JsValue> {
        let relay = relay.map(Relay::from);
        let (worker, inbox) = self.main.worker().attach_port(port, relay.as_ref()).map_err(failure::of_start)?;
        Ok(WorkerLink::of(worker, JsValue::UNDEFINED, Some(inbox), strict))
    }

    /// Sets how many bytes the bodies in flight of all links may take together.
    #[wasm_bindgen(js_name = setMemory)]
    pub fn set_memory(&self, bytes: f64) {
        self.main.set_memory_budget(values::bytes(bytes));
    }

    /// Handles received frames after a wake-up by a message.
    pub fn ring(&self) {
        self.main.ring();
    }
}

/// Main's side of the link to a worker.
#[wasm_bindgen]
pub struct WorkerLink {
    worker: Worker,
    buffer: JsValue,
    inbox: Option<Inbox>,
    values: Values,
    references: OnceCell<Values>,
    running: Running,
}

#[wasm_bindgen]
impl WorkerLink {
    /// Lets the worker operate on objects of main. Each operation calls `serve`, or `later` if its result is not needed; `released` is called
    /// with the references that the worker has released. `references` keeps the objects.
    pub fn reflect(&self, references: JsValue, serve: JsValue, later: JsValue, released: Function) {
        let values = Values::with_references(references);
        self.worker.register_raw(references::REFLECT, function::serve(&values, "window", serve));
        self.worker.register_raw(references::REFLECT_LATER, function::serve(&values, "window", later));
        self.worker.on_released(references::listener(released));
        let _ = self.references.set(values);
    }

    /// Calls a function that the worker has sent a reference to: the arguments are the reference, `this` and a list.
    pub fn invoke(&self, arguments: &Array, pending: Pending) -> Result<u32, JsValue> {
        let values = self.references.get().unwrap_or(&self.values);
        let callee = Callee::new(self.worker.exports(), values.clone(), references::INVOKE.into());
        Callee { shown: references::CALLBACK.into(), ..callee }.call(arguments, f64::INFINITY, pending, &self.running)
    }

    /// Releases references of the worker. A no-op on a closed link.
    pub fn release(&self, ids: &Float64Array) {
        let _ = self.worker.release(&references::ids(ids));
    }

    /// The shared memory of the link, for the worker.
    #[wasm_bindgen(getter)]
    pub fn buffer(&self) -> JsValue {
        self.buffer.clone()
    }

    /// Handles the data of a received message.
    pub fn deliver(&self, message: &JsValue) {
        if let Some(inbox) = &self.inbox {
            inbox.deliver(message);
        }
    }

    /// Registers a function that the worker calls by `name`.
    pub fn register(&self, name: &JsValue, function: JsValue) {
        let name = text(name);
        self.worker.register_raw(&name, function::serve(&self.values, &name, function));
    }

    /// Removes a function.
    pub fn unregister(&self, name: &JsValue) -> bool {
        self.worker.unregister(&text(name))
    }

    /// Calls an export. Throws if the arguments cannot be sent. `timeout` is in milliseconds, infinite for none. Returns the number for
    /// [`cancel`](Self::cancel).
    pub fn call(&self, name: &JsValue, arguments: &Array, timeout: f64, pending: Pending) -> Result<u32, JsValue> {
        self.callee(name).call(arguments, timeout, pending, &self.running)
    }

    /// Cancels a call that JavaScript no longer waits for.
    pub fn cancel(&self, number: u32) {
        self.running.cancel(number);
    }

    /// The id of the latest call, or 0. A call that still waits for the bytes of blobs does not count.
    #[wasm_bindgen(js_name = latestCall)]
    pub fn latest_call(&self) -> u32 {
        self.worker.latest_call()
    }

    /// Whether the worker has not answered the call with this id.
    #[wasm_bindgen(js_name = isUnanswered)]
    pub fn is_unanswered(&self, call: u32) -> bool {
        self.worker.is_unanswered(call)
    }

    /// Calls an export without waiting for an answer.
    pub fn notify(&self, name: &JsValue, arguments: &Array) -> Result<(), JsValue> {
        self.callee(name).notify(arguments)
    }

    /// Resolves with the names of the exports when the worker is ready.
    pub fn ready(&self, pending: Pending) -> u32 {
        let ready = self.worker.ready();
        self.running.settle(pending, async move {
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

    /// Ends the link because the worker has failed: every pending call ends with an error that says why.
    pub fn fail(&self, why: &JsValue) {
        self.worker.fail(&text(why));
    }

    /// Whether the worker has greeted main.
    pub fn greeted(&self) -> bool {
        self.worker.is_open()
    }
}

impl WorkerLink {
    fn of(worker: Worker, buffer: JsValue, inbox: Option<Inbox>, strict: bool) -> Self {
        let (references, running) = (OnceCell::new(), Running::default());
        Self { worker, buffer, inbox, values: Values::new(strict), references, running }
    }

    fn callee(&self, name: &JsValue) -> Callee {
        Callee::new(self.worker.exports(), self.values.clone(), text(name))
    }
}
