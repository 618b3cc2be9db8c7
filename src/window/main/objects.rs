//! Values of main on their way to a worker and back, and the references among them.

use super::Root;
use crate::main::MainEndpoint;
use crate::raw::{Failure, Format, RawError};
use crate::window::wire::INVOKE;
use crate::{ErrorCode, Worker};
use coincide_codec::js::{Js, Leniency};
use coincide_codec::value::{Reader, RefKind, RefOwner, Writer};
use js_sys::{Array, Promise};
use std::cell::OnceCell;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// The objects that a worker has, its functions that this page has, and the codec that knows both.
pub(super) struct Objects {
    endpoint: Weak<MainEndpoint>,
    pub(super) root: JsValue,
    held: Held,
    pub(super) callbacks: Callbacks,
    js: Js,
    /// Judges what a worker does that isn't trusted.
    wall: OnceCell<Wall>,
}

impl Objects {
    pub(super) fn new(endpoint: &Rc<MainEndpoint>, root: &JsValue) -> Rc<Self> {
        Rc::new_cyclic(|objects| {
            let held = Held::new();
            let callbacks = Callbacks::new(&invoking(objects), &releasing(endpoint));
            let js = Js::with_references(&references(&held, &callbacks, root));
            Self { endpoint: Rc::downgrade(endpoint), root: root.clone(), held, callbacks, js, wall: OnceCell::new() }
        })
    }

    /// Puts a wall around the objects: before the first operation.
    pub(super) fn wall_in(&self, root: Root) {
        let Root { object, policy, paths, objects, evaluate, imports, .. } = root;
        let policy = policy.map_or(JsValue::UNDEFINED, |policy| {
            let asked = move |name: String, target: JsValue, rest: Array| policy(&name, &target, &rest);
            Closure::<dyn Fn(String, JsValue, Array) -> bool>::new(asked).into_js_value()
        });
        let options = wall_options(&object, &policy, &paths, &objects, evaluate, imports);
        // There is only one, and nothing is carried out before.
        let _ = self.wall.set(Wall::new(&options, &wall_host(&self.held, &self.callbacks)));
    }

    pub(super) fn wall(&self) -> Option<&Wall> {
        self.wall.get()
    }

    /// The arguments in a payload.
    pub(super) fn arguments(&self, format: Format, payload: &[u8]) -> Result<Array, Failure> {
        let refused = |text: &str| Failure::Refused(ErrorCode::BAD_ARGUMENTS, text.into());
        if format != Format::Value {
            return Err(refused("operations are values"));
        }
        let value = self.decode(payload).map_err(|error| refused(&error))?;
        value.dyn_into().map_err(|_| refused("an operation is an array"))
    }

    /// Appends a value: a primitive or binary data as a copy, all else as a reference.
    pub(super) fn send(&self, value: &JsValue, buffer: &mut Vec<u8>) -> Result<(), JsValue> {
        let kind = match kind_of(value) {
            OBJECT => RefKind::Object,
            ARRAY => RefKind::Array,
            FUNCTION => RefKind::Function,
            _ => return self.copy(value, buffer),
        };
        let (owner, id) = match self.callbacks.known(value) {
            Some(id) => (RefOwner::Receiver, id),
            None if *value == self.root => (RefOwner::Sender, 0.0),
            None => (RefOwner::Sender, self.held.send(value)),
        };
        write(buffer, |writer| writer.reference(owner, kind, id as u64))
    }

    /// Appends a copy of a value.
    pub(super) fn copy(&self, value: &JsValue, buffer: &mut Vec<u8>) -> Result<(), JsValue> {
        let copied = self.encode(value, Leniency::Strict, buffer);
        copied.map_err(|why| refusal(&why, "DataCloneError"))
    }

    /// Forgets the objects in a payload that isn't sent after all. It may break off anywhere.
    pub(super) fn take_back(&self, payload: &[u8]) {
        let forgotten = Reader::new(payload).skip_references(|reference| {
            if reference.owner == RefOwner::Sender {
                self.held.release(reference.id as f64);
            }
        });
        // That it breaks off is no news.
        drop(forgotten);
    }

    /// What was thrown, as well as it can be sent.
    pub(super) fn thrown(&self, thrown: &JsValue) -> Failure {
        let cleaned = self.wall().map(|wall| wall.thrown(thrown));
        let thrown = cleaned.as_ref().unwrap_or(thrown);
        let mut payload = Vec::new();
        if self.encode(thrown, Leniency::Lenient, &mut payload).is_err() {
            payload.clear();
            let text = in_words(thrown);
            // Without memory for the text, an empty one.
            if write(&mut payload, |writer| writer.str(&text)).is_err() {
                payload = vec![];
                let _ = write(&mut payload, |writer| writer.str(""));
            }
        }
        Failure::Threw(payload)
    }

    /// The worker has given objects back, each as often as it is listed.
    pub(super) fn release(&self, ids: &[u64]) {
        for id in ids {
            self.held.release(*id as f64);
        }
    }

    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.held.size(), self.callbacks.size())
    }

    /// Calls a function of the worker.
    fn invoke(self: &Rc<Self>, id: f64, this: &JsValue, args: &Array, copied: bool) -> Result<Promise, JsValue> {
        let endpoint = self.endpoint.upgrade().ok_or_else(gone)?;
        let mut payload = Vec::new();
        self.write_call(id, this, args, copied, &mut payload).inspect_err(|_| self.take_back(&payload))?;
        let called = Worker::new(endpoint).proxy().call_raw(INVOKE, |buffer| {
            *buffer = payload;
            Format::Value
        });
        let objects = Rc::clone(self);
        Ok(future_to_promise(async move {
            match called.await {
                Ok((_, payload)) => objects.decode(&payload).map_err(|why| js_sys::Error::new(&why).into()),
                Err(RawError::Threw(payload)) => Err(objects.decode(&payload).unwrap_or_else(JsValue::from)),
                Err(RawError::Failed(error)) => {
                    Err(js_sys::Error::new(&error.named("a function of the worker").to_string()).into())
                }
            }
        }))
    }

    fn write_call(
        &self,
        id: f64,
        this: &JsValue,
        args: &Array,
        copied: bool,
        payload: &mut Vec<u8>,
    ) -> Result<(), JsValue> {
        write(payload, |writer| {
            writer.array(3);
            writer.reference(RefOwner::Receiver, RefKind::Function, id as u64);
        })?;
        let concealed = |value: JsValue| self.wall().map_or_else(|| value.clone(), |wall| wall.conceal(&value));
        self.send(&concealed(this.clone()), payload)?;
        write(payload, |writer| writer.array(args.length() as usize))?;
        for arg in args.iter() {
            if copied && arg.is_instance_of::<js_sys::Error>() {
                let arg = self.wall().map_or_else(|| arg.clone(), |wall| wall.thrown(&arg));
                self.encode(&arg, Leniency::Lenient, payload).map_err(|why| refusal(&why, "DataCloneError"))?;
            } else {
                self.send(&concealed(arg), payload)?;
            }
        }
        Ok(())
    }

    fn encode(&self, value: &JsValue, leniency: Leniency, buffer: &mut Vec<u8>) -> Result<(), String> {
        self.js.encode(value, "result", leniency, buffer)
    }

    fn decode(&self, payload: &[u8]) -> Result<JsValue, String> {
        self.js.decode(payload)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.held.clear();
    }
}

/// Appends items.
pub(super) fn write(buffer: &mut Vec<u8>, items: impl FnOnce(&mut Writer<'_>)) -> Result<(), JsValue> {
    let mut writer = Writer::new(buffer);
    items(&mut writer);
    writer.finish().map_err(|error| js_sys::RangeError::new(&error.to_string()).into())
}

/// What JavaScript calls functions of the worker by.
fn invoking(objects: &Weak<Objects>) -> JsValue {
    let objects = Weak::clone(objects);
    let invoke = move |id: f64, this: JsValue, args: Array, copied: bool| {
        objects.upgrade().ok_or_else(gone)?.invoke(id, &this, &args, copied)
    };
    Closure::<dyn Fn(f64, JsValue, Array, bool) -> Result<Promise, JsValue>>::new(invoke).into_js_value()
}

/// What JavaScript gives functions of the worker back by.
fn releasing(endpoint: &Rc<MainEndpoint>) -> JsValue {
    let endpoint = Rc::downgrade(endpoint);
    let release = move |ids: Vec<f64>| {
        if let Some(endpoint) = endpoint.upgrade() {
            let ids: Vec<u64> = ids.iter().map(|id| *id as u64).collect();
            // On a closed link there are none.
            let _ = Worker::new(endpoint).release(&ids);
        }
    };
    Closure::<dyn Fn(Vec<f64>)>::new(release).into_js_value()
}

fn gone() -> JsValue {
    js_sys::Error::new("the worker is gone, and its functions with it").into()
}

/// What [`kind_of`] says.
const OBJECT: u8 = 0;
const ARRAY: u8 = 1;
const FUNCTION: u8 = 2;

#[wasm_bindgen(module = "/js/window.js")]
extern "C" {
    type Held;
    #[wasm_bindgen(constructor)]
    fn new() -> Held;
    #[wasm_bindgen(method)]
    fn send(this: &Held, object: &JsValue) -> f64;
    #[wasm_bindgen(method)]
    fn release(this: &Held, id: f64);
    #[wasm_bindgen(method)]
    fn clear(this: &Held);
    #[wasm_bindgen(method, getter)]
    fn size(this: &Held) -> usize;

    pub(super) type Callbacks;
    #[wasm_bindgen(constructor)]
    fn new(invoke: &JsValue, release: &JsValue) -> Callbacks;
    #[wasm_bindgen(method)]
    fn known(this: &Callbacks, value: &JsValue) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn size(this: &Callbacks) -> usize;
    /// `Reflect.apply`.
    #[wasm_bindgen(method, catch)]
    pub(super) fn apply(
        this: &Callbacks,
        function: &JsValue,
        target: &JsValue,
        args: &JsValue,
    ) -> Result<JsValue, JsValue>;

    fn references(held: &Held, callbacks: &Callbacks, root: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = wallOptions)]
    fn wall_options(
        root: &JsValue,
        policy: &JsValue,
        paths: &Array,
        objects: &Array,
        evaluate: bool,
        imports: bool,
    ) -> JsValue;
    /// What the wall asks of this main.
    #[wasm_bindgen(js_name = wallHost)]
    fn wall_host(held: &Held, callbacks: &Callbacks) -> JsValue;
    #[wasm_bindgen(js_name = kindOf)]
    fn kind_of(value: &JsValue) -> u8;
    #[wasm_bindgen(js_name = inWords)]
    pub(super) fn in_words(value: &JsValue) -> String;
    /// An exception of the platform.
    pub(super) fn refusal(text: &str, name: &str) -> JsValue;
}

#[wasm_bindgen(module = "/js/wall.js")]
extern "C" {
    pub(super) type Wall;
    #[wasm_bindgen(constructor)]
    fn new(options: &JsValue, host: &JsValue) -> Wall;
    /// An array: how the result travels, and the result.
    #[wasm_bindgen(method, catch)]
    pub(super) fn serve(this: &Wall, operation: &Array) -> Result<Array, JsValue>;
    #[wasm_bindgen(method, catch, js_name = serveWhole)]
    pub(super) fn serve_whole(this: &Wall, operation: &Array) -> Result<(), JsValue>;
    /// The value, or undefined if it isn't handed out.
    #[wasm_bindgen(method)]
    fn conceal(this: &Wall, value: &JsValue) -> JsValue;
    #[wasm_bindgen(method)]
    fn thrown(this: &Wall, value: &JsValue) -> JsValue;
}
