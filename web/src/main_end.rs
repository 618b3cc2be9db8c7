//! Main's end.

use coincide::{Inbox, Main, Relay, Rings, Worker};
use coincide_codec::value::Writer;
use js_sys::{Float64Array, Function};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::awaited::Callee;
use crate::convert::{self, text};
use crate::function::{self, Served};
use crate::outcome::{Outcome, Shown};
use crate::pending::{Pending, Running};
use crate::relay::RelayName;
use crate::{panics, references};

/// Main: serves any number of workers in the event loop of the page.
#[wasm_bindgen]
pub struct MainEnd {
    main: Main,
}

#[wasm_bindgen]
impl MainEnd {
    /// A main end that lives as long as the page.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<MainEnd, JsError> {
        panics::report();
        let main = Main::new()?;
        spawn_local(main.run());
        Ok(Self { main })
    }

    /// A link in shared memory to a worker that is about to start. `port` wakes it where it can't listen to shared memory.
    pub fn link(&self, port: JsValue, ring: u32) -> Result<WorkerLink, JsValue> {
        let builder =
            self.main.worker().rings(Rings::default().up_capacity(ring as usize).down_capacity(ring as usize));
        let buffer = builder.create_buffer()?;
        let port = (!port.is_undefined()).then_some(&port);
        let worker = builder.attach_buffer(&buffer, port).map_err(JsError::from)?;
        Ok(WorkerLink::of(worker, buffer, None))
    }

    /// A link in messages to a worker that is about to start: `port` sends them, `relay` lets the worker block.
    #[wasm_bindgen(js_name = linkByMessages)]
    pub fn link_by_messages(&self, port: &JsValue, relay: Option<RelayName>) -> Result<WorkerLink, JsError> {
        let relay = relay.map(Relay::from);
        let (worker, inbox) = self.main.worker().attach_port(port, relay.as_ref())?;
        Ok(WorkerLink::of(worker, JsValue::UNDEFINED, Some(inbox)))
    }

    /// Sets how many bytes the bodies in flight of all links may take together.
    #[wasm_bindgen(js_name = setMemory)]
    pub fn set_memory(&self, bytes: f64) {
        self.main.set_memory_budget(convert::bytes(bytes));
    }

    /// Takes a turn: a port has rung.
    pub fn ring(&self) {
        self.main.ring();
    }
}

/// What main holds of a worker. Arguments are named by their offset and length in scratch memory.
#[wasm_bindgen]
pub struct WorkerLink {
    worker: Worker,
    buffer: JsValue,
    inbox: Option<Inbox>,
    running: Running,
    outcome: Shown,
}

#[wasm_bindgen]
impl WorkerLink {
    /// Lets the worker operate on objects of main: `serve` and `later` are called for each operation, the latter for those without an
    /// answer, and `released` with the references that the worker has given back.
    pub fn reflect(&self, serve: Served, later: Served, released: Function) {
        self.worker.register_raw(references::REFLECT, function::serve(serve));
        self.worker.register_raw(references::REFLECT_LATER, function::serve(later));
        self.worker.on_released(references::listener(released));
    }

    /// Calls a function that the worker has sent a reference to: the arguments are the reference, `this` and a list.
    pub fn invoke(&self, at: usize, len: usize, pending: Pending) -> u32 {
        let callee = Callee { exports: self.worker.proxy(), name: references::INVOKE, shown: references::CALLBACK };
        callee.call(at, len, f64::INFINITY, pending, &self.running)
    }

    /// Gives references of the worker back. On a closed link there are none.
    pub fn release(&self, ids: &Float64Array) {
        let _ = self.worker.release(&references::ids(ids));
    }

    /// The shared memory of the link, for the worker.
    #[wasm_bindgen(getter)]
    pub fn buffer(&self) -> JsValue {
        self.buffer.clone()
    }

    /// Takes in what has arrived in a message.
    pub fn deliver(&self, message: &JsValue) {
        if let Some(inbox) = &self.inbox {
            inbox.deliver(message);
        }
    }

    /// Registers what the worker calls by `name`.
    pub fn register(&self, name: &JsValue, function: Served) {
        self.worker.register_raw(&text(name), function::serve(function));
    }

    /// Removes a function.
    pub fn unregister(&self, name: &JsValue) -> bool {
        self.worker.unregister(&text(name))
    }

    /// Calls an export. `timeout` is in milliseconds, infinite for none. Gives the number for [`cancel`](Self::cancel).
    pub fn call(&self, name: &JsValue, at: usize, len: usize, timeout: f64, pending: Pending) -> u32 {
        let name = text(name);
        self.callee(&name).call(at, len, timeout, pending, &self.running)
    }

    /// Cancels what JavaScript no longer waits for.
    pub fn cancel(&self, number: u32) {
        self.running.cancel(number);
    }

    /// The id of the call that was made last, or 0.
    #[wasm_bindgen(js_name = latestCall)]
    pub fn latest_call(&self) -> u32 {
        self.worker.latest_call()
    }

    /// Whether the worker has not answered the call with this id.
    #[wasm_bindgen(js_name = isUnanswered)]
    pub fn is_unanswered(&self, call: u32) -> bool {
        self.worker.is_unanswered(call)
    }

    /// Calls an export without wanting an answer. Gives the address of the outcome.
    pub fn notify(&self, name: &JsValue, at: usize, len: usize) -> usize {
        let name = text(name);
        self.outcome.set(self.callee(&name).notify(at, len))
    }

    /// Resolves with an array of the names of the exports once the worker is ready.
    pub fn ready(&self, pending: Pending) -> u32 {
        let ready = self.worker.ready();
        let outcome = async move {
            match ready.await {
                Ok(names) => {
                    let mut bytes = Vec::new();
                    let mut writer = Writer::new(&mut bytes);
                    writer.array(names.len());
                    names.iter().for_each(|name| writer.str(name));
                    match writer.finish() {
                        Ok(()) => Outcome::value(bytes),
                        Err(error) => Outcome::failed("OutOfMemory", &error.to_string()),
                    }
                }
                Err(closed) => Outcome::failed("Closed", &closed.to_string()),
            }
        };
        self.running.settle(pending, outcome, drop)
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

    /// Whether the worker has taken up its link.
    pub fn greeted(&self) -> bool {
        self.worker.is_open()
    }
}

impl WorkerLink {
    fn of(worker: Worker, buffer: JsValue, inbox: Option<Inbox>) -> Self {
        Self { worker, buffer, inbox, running: Running::default(), outcome: Shown::default() }
    }

    fn callee<'a>(&self, name: &'a str) -> Callee<'a> {
        Callee { exports: self.worker.proxy(), name, shown: name }
    }
}
