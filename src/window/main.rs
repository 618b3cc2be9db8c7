//! Main's side on a page in Rust: carries out what workers want done with its objects.

mod objects;
mod operations;

use super::wire::{REFLECT, REFLECT_LATER};
use crate::Worker;
use js_sys::Array;
use objects::Objects;
use operations::Operations;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;

/// What a worker has as its `window`, and what it may do with it.
///
/// With the global object alone, a worker has all of the page. With another object, a policy or a list there is a *wall*: operations are checked for
/// their form, [`evaluate`](Self::evaluate) and [`imports`](Self::imports) are off, and globals, documents, and what acts on any object (constructors,
/// prototypes, `Reflect`, `eval`) are not handed out unless the root has them itself or the list names them.
pub struct Root {
    object: JsValue,
    policy: Option<Box<Policy>>,
    paths: Array,
    objects: Array,
    evaluate: bool,
    imports: bool,
    walled: bool,
}

/// Is asked for the name of an operation, its target and its further arguments.
type Policy = dyn Fn(&str, &JsValue, &Array) -> bool;

impl Root {
    /// The global object of the page.
    pub fn global() -> Self {
        Self::of(&js_sys::global())
    }

    /// Another object.
    pub fn of(object: &JsValue) -> Self {
        Self {
            object: object.clone(),
            policy: None,
            paths: Array::new(),
            objects: Array::new(),
            evaluate: false,
            imports: false,
            walled: *object != JsValue::from(js_sys::global()),
        }
    }

    /// Lists what the worker may use, by the way from the root, such as `document.title`. Objects on the way show no more than the list; what is
    /// at the end is open. May be called more than once.
    #[must_use]
    pub fn allow(self, path: &str) -> Self {
        self.paths.push(&path.split('.').map(JsValue::from).collect::<Array>());
        self
    }

    /// Hands out an object wherever it turns up, whatever it is.
    #[must_use]
    pub fn allow_object(self, object: &JsValue) -> Self {
        self.objects.push(object);
        self
    }

    /// Lets the worker evaluate source behind a wall, which is then none for code that it sends.
    #[must_use]
    pub fn evaluate(mut self) -> Self {
        self.evaluate = true;
        self
    }

    /// Lets the worker import modules behind a wall.
    #[must_use]
    pub fn imports(mut self) -> Self {
        self.imports = true;
        self
    }

    /// Shares another object than the global one without a wall: the worker is trusted, and may reach everything from there.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.walled = false;
        self
    }

    /// Sees each operation on an object before it is carried out: the name of the method of JavaScript's `Reflect`, the object, and the further
    /// arguments. Paths, batches and the like are seen as what they consist of. `false` throws a `NotAllowedError` in the worker.
    ///
    /// It doesn't see what functions do that the worker may call: [`allow`](Self::allow) little.
    #[must_use]
    pub fn policy(mut self, policy: impl Fn(&str, &JsValue, &Array) -> bool + 'static) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("policy", &self.policy.is_some()).finish_non_exhaustive()
    }
}

impl Worker {
    /// Lets the worker use objects of this page (see [`window`](crate::window)): to be called before the worker asks for any, so at best when it has been
    /// started. Without this the worker's operations end with [`CallErrorKind::UnknownFunction`](crate::CallErrorKind::UnknownFunction).
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
        let objects = Objects::new(&self.endpoint, &root.object);
        if root.policy.is_some() || root.walled || root.paths.length() > 0 || root.objects.length() > 0 {
            objects.wall_in(root);
        }
        let operations = Rc::new(Operations { root: objects.root.clone(), objects, late: RefCell::default() });
        let (serving, later, released) = (Rc::clone(&operations), Rc::clone(&operations), Rc::downgrade(&operations));
        self.register_raw(REFLECT, move |format, payload, result| serving.serve(format, payload, result));
        self.register_raw(REFLECT_LATER, move |format, payload, _| later.serve_later(format, payload));
        self.on_released(move |ids| {
            if let Some(operations) = released.upgrade() {
                operations.objects.release(ids);
            }
        });
        Sharing(Rc::downgrade(&operations))
    }
}

/// What a worker has of this page's objects, and the page of the worker's functions.
pub struct Sharing(Weak<Operations>);

impl Sharing {
    /// How many objects are kept for the worker, and how many of its functions are known here. Both are 0 when the link is closed.
    pub fn sizes(&self) -> (usize, usize) {
        self.0.upgrade().map_or((0, 0), |operations| operations.objects.sizes())
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sharing").field(&self.sizes()).finish()
    }
}
