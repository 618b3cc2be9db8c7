//! Main's side on a page in Rust: the codec and the link for the JavaScript that carries out workers' operations (`js/share.js`).

use super::wire::{INVOKE, REFLECT, REFLECT_LATER};
use crate::main::MainEndpoint;
use crate::raw::{Failure, Format, RawError, RawReply};
use crate::{ErrorCode, Worker};
use coincide_codec::js::{Js, Leniency};
use js_sys::{Array, Promise};
use std::fmt;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// The `window` of a worker, and the operations that the worker may use on it.
///
/// With the global object alone, a worker can use the whole page. Another object, a policy or a list puts the worker behind a *membrane*:
/// - The form of operations is checked.
/// - [`evaluate`](Self::evaluate) and [`imports`](Self::imports) are off.
/// - Globals, documents, and everything that acts on any object (constructors, prototypes, `Reflect`, `eval`) are withheld. Exceptions are
///   values of the root itself, and those that the list names.
pub struct Root {
    options: Options,
}

impl Root {
    /// Shares the global object of the page.
    pub fn global() -> Self {
        Self::of(&js_sys::global())
    }

    /// Shares another object.
    pub fn of(object: &JsValue) -> Self {
        Self { options: Options::new(object) }
    }

    /// Adds a path from the root that the worker may use, such as `document.title`. Objects along a path show only the listed keys. The value at
    /// its end can be used fully.
    #[must_use]
    pub fn allow(self, path: &str) -> Self {
        self.options.paths().push(&path.split('.').map(JsValue::from).collect::<Array>());
        self
    }

    /// Lets the worker evaluate source behind a membrane. The membrane does not restrict that code.
    #[must_use]
    pub fn evaluate(self) -> Self {
        self.options.set_evaluate(true);
        self
    }

    /// Lets the worker import modules behind a membrane.
    #[must_use]
    pub fn imports(self) -> Self {
        self.options.set_imports(true);
        self
    }

    /// Shares an object other than the global one without a membrane, for a trusted worker, which can reach everything from there.
    #[must_use]
    pub fn trusted(self) -> Self {
        self.options.set_membrane(false);
        self
    }

    /// Sets a function that allows or refuses each operation. `false` throws a `NotAllowedError` in the worker.
    ///
    /// Its arguments are the name of the method of JavaScript's `Reflect`, the object, and the further arguments of the method. Paths and batches
    /// are split into their operations. It is not called for operations that an allowed function makes itself, so [`allow`](Self::allow) few
    /// functions.
    #[must_use]
    pub fn policy(self, policy: impl Fn(&str, &JsValue, &Array) -> bool + 'static) -> Self {
        let asked = move |name: String, target: JsValue, rest: Array| policy(&name, &target, &rest);
        let asked = Closure::<dyn Fn(String, JsValue, Array) -> bool>::new(asked);
        self.options.set_policy(&asked.into_js_value());
        self
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}

impl Worker {
    /// Lets the worker use objects of this page (see [`window`](crate::window)). Call it right after starting the worker. Without it, the worker's
    /// operations end with [`CallErrorKind::UnknownFunction`](crate::CallErrorKind::UnknownFunction).
    ///
    /// ```no_run
    /// use coincide::Main;
    /// use coincide::window::Root;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let main = Main::new()?;
    /// wasm_bindgen_futures::spawn_local(main.run());
    /// let worker = main.worker().spawn_script("./worker.js")?;
    /// worker.share_window(Root::global().allow("document.title").allow("document.querySelector"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn share_window(&self, root: Root) -> Sharing {
        let page = Page::new(&self.endpoint, &root.options);
        let (serving, later, released) = (Rc::clone(&page), Rc::clone(&page), Rc::downgrade(&page));
        self.register_raw(REFLECT, move |format, payload, result| serving.serve(format, payload, result));
        self.register_raw(REFLECT_LATER, move |format, payload, _| later.serve_later(format, payload));
        self.on_released(move |ids| {
            if let Some(page) = released.upgrade() {
                page.shared.released(&ids.iter().map(|id| *id as f64).collect::<Vec<_>>());
            }
        });
        Sharing(Rc::downgrade(&page))
    }
}

/// The objects of this page that a worker holds, and the functions of the worker that this page holds.
pub struct Sharing(Weak<Page>);

impl Sharing {
    /// Returns the numbers of objects held for the worker, and of its functions held here. Both are 0 when the link is closed.
    pub fn sizes(&self) -> (usize, usize) {
        let sizes = self.0.upgrade().map(|page| page.shared.sizes());
        match sizes.as_deref() {
            Some(&[held, callbacks]) => (held as usize, callbacks as usize),
            _ => (0, 0),
        }
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sharing").field(&self.sizes()).finish()
    }
}

/// Objects of the page that one worker uses, and the codec for their references. Functions of the link own it.
struct Page {
    endpoint: Weak<MainEndpoint>,
    shared: Shared,
    js: Js,
}

impl Page {
    fn new(endpoint: &Rc<MainEndpoint>, options: &Options) -> Rc<Self> {
        Rc::new_cyclic(|page| {
            let shared = Shared::new(options, &invoking(page), &releasing(endpoint));
            let js = Js::with_references(&shared.references());
            Self { endpoint: Rc::downgrade(endpoint), shared, js }
        })
    }

    fn serve(&self, format: Format, payload: &[u8], result: &mut Vec<u8>) -> Result<RawReply, Failure> {
        let operation = self.operation(format, payload)?;
        let value = self.shared.serve(&operation).map_err(|thrown| self.threw(&thrown))?;
        let encoded = self.js.encode(&value, "result", Leniency::Strict, result);
        encoded.map(|()| RawReply::Now(Format::Value)).map_err(|error| Failure::unsent(&error))
    }

    fn serve_later(&self, format: Format, payload: &[u8]) -> Result<RawReply, Failure> {
        self.shared.later(&self.operation(format, payload)?);
        Ok(RawReply::Now(Format::Value))
    }

    fn operation(&self, format: Format, payload: &[u8]) -> Result<Array, Failure> {
        let refused = |text: &str| Failure::Refused(ErrorCode::BAD_ARGUMENTS, text.into());
        if format != Format::Value {
            return Err(refused("operations are values"));
        }
        let value = self.js.decode(payload).map_err(|error| Failure::unread(&error))?;
        value.dyn_into().map_err(|_| refused("an operation is an array"))
    }

    /// The error of an operation, in a form that can be sent.
    fn threw(&self, thrown: &JsValue) -> Failure {
        let mut payload = Vec::new();
        let encoded = self.js.encode(thrown, "thrown", Leniency::Lenient, &mut payload);
        // Without memory for a text, it is empty.
        let text =
            |text: &str, payload: &mut Vec<u8>| self.js.encode(&text.into(), "thrown", Leniency::Lenient, payload);
        if encoded.is_err() && text(&in_words(thrown), &mut payload).is_err() {
            let _ = text("", &mut payload);
        }
        Failure::Threw(payload)
    }

    /// Calls a function of the worker.
    fn invoke(self: &Rc<Self>, args: &Array) -> Result<Promise, JsValue> {
        let endpoint = self.endpoint.upgrade().ok_or_else(gone)?;
        let mut payload = Vec::new();
        self.js.encode(args, "args", Leniency::Strict, &mut payload).map_err(|error| unsent(&error.to_string()))?;
        let called = Worker::new(endpoint).proxy().call_raw(INVOKE, |buffer| {
            *buffer = payload;
            Format::Value
        });
        let page = Rc::clone(self);
        Ok(future_to_promise(async move {
            let error = |text: String| JsValue::from(js_sys::Error::new(&text));
            match called.await {
                Ok((_, payload)) => page.js.decode(&payload).map_err(|why| error(why.to_string())),
                Err(RawError::Threw(payload)) => {
                    Err(page.js.decode(&payload).unwrap_or_else(|why| error(why.to_string())))
                }
                Err(RawError::Failed(failed)) => Err(error(failed.named("a function of the worker").to_string())),
            }
        }))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Calls functions of the worker, for JavaScript.
fn invoking(page: &Weak<Page>) -> JsValue {
    let page = Weak::clone(page);
    let invoke = move |args: Array| page.upgrade().ok_or_else(gone)?.invoke(&args);
    Closure::<dyn Fn(Array) -> Result<Promise, JsValue>>::new(invoke).into_js_value()
}

/// Releases functions of the worker, for JavaScript.
fn releasing(endpoint: &Rc<MainEndpoint>) -> JsValue {
    let endpoint = Rc::downgrade(endpoint);
    let release = move |ids: Vec<f64>| {
        if let Some(endpoint) = endpoint.upgrade() {
            let ids: Vec<u64> = ids.iter().map(|id| *id as u64).collect();
            // A closed link has released them.
            let _ = Worker::new(endpoint).release(&ids);
        }
    };
    Closure::<dyn Fn(Vec<f64>)>::new(release).into_js_value()
}

fn gone() -> JsValue {
    js_sys::Error::new("the worker is gone, and its functions with it").into()
}

#[wasm_bindgen(module = "/src/window/main.js")]
extern "C" {
    type Options;
    #[wasm_bindgen(constructor)]
    fn new(root: &JsValue) -> Options;
    #[wasm_bindgen(method, getter)]
    fn paths(this: &Options) -> Array;
    #[wasm_bindgen(method, setter)]
    fn set_policy(this: &Options, policy: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_evaluate(this: &Options, evaluate: bool);
    #[wasm_bindgen(method, setter)]
    fn set_imports(this: &Options, imports: bool);
    #[wasm_bindgen(method, setter)]
    fn set_membrane(this: &Options, membrane: bool);

    type Shared;
    #[wasm_bindgen(constructor)]
    fn new(options: &Options, invoke: &JsValue, release: &JsValue) -> Shared;
    #[wasm_bindgen(method, getter)]
    fn references(this: &Shared) -> JsValue;
    #[wasm_bindgen(method, catch)]
    fn serve(this: &Shared, operation: &Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn later(this: &Shared, operation: &Array);
    #[wasm_bindgen(method)]
    fn released(this: &Shared, ids: &[f64]);
    #[wasm_bindgen(method, getter)]
    fn sizes(this: &Shared) -> Vec<u32>;
    #[wasm_bindgen(method)]
    fn close(this: &Shared);

    #[wasm_bindgen(js_name = inWords)]
    fn in_words(value: &JsValue) -> String;
    fn unsent(text: &str) -> JsValue;
}

/// The modules that `main.js` imports. wasm-bindgen copies a module only if something is declared in it.
mod modules {
    use wasm_bindgen::prelude::wasm_bindgen;

    macro_rules! modules {
        ($($path:literal: $class:ident;)*) => {
            $(#[wasm_bindgen(module = $path)]
            #[allow(dead_code)]
            extern "C" {
                type $class;
            })*
        };
    }

    modules! {
        "/src/window/js/callbacks.js": Callbacks;
        "/src/window/js/evaluate.js": Evaluate;
        "/src/window/js/metadata.js": Metadata;
        "/src/window/js/listeners.js": Listeners;
        "/src/window/js/local-table.js": LocalTable;
        "/src/window/js/membrane.js": Membrane;
        "/src/window/js/operations.js": Operations;
        "/src/window/js/probes.js": Probes;
        "/src/window/js/remote-table.js": RemoteTable;
        "/src/window/js/sent.js": Sent;
        "/src/window/js/share.js": Share;
        "/src/window/js/walk.js": Walk;
    }
}
