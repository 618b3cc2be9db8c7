//! Main's side on a page in Rust: carries out what workers want done with its objects.

mod objects;
mod operations;

use super::wire::{REFLECT, REFLECT_LATER};
use crate::Worker;
use objects::Objects;
use operations::Operations;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;

/// What a worker has as its `window`, and what it may do with it.
///
/// A worker reaches what its root leads to: with the global object all of the page.
pub struct Root {
    object: JsValue,
    policy: Option<Box<Policy>>,
}

/// Is asked for the name of an operation, its target and its further arguments.
type Policy = dyn Fn(&str, &JsValue, &js_sys::Array) -> bool;

impl Root {
    /// The global object of the page.
    pub fn global() -> Self {
        Self::of(&js_sys::global())
    }

    /// Another object.
    pub fn of(object: &JsValue) -> Self {
        Self { object: object.clone(), policy: None }
    }

    /// Sees each operation on an object before it is carried out: the name of the method of JavaScript's `Reflect`, the object, and the further
    /// arguments. Paths, batches and the like are seen as what they consist of. `false` throws a `NotAllowedError` in the worker.
    ///
    /// It doesn't see what functions do that the worker may call: a root that leads to little is the better wall.
    #[must_use]
    pub fn policy(mut self, policy: impl Fn(&str, &JsValue, &js_sys::Array) -> bool + 'static) -> Self {
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
    /// started. Without this the worker's operations end with [`CallError::UnknownFunction`](crate::CallError::UnknownFunction).
    ///
    /// ```no_run
    /// use coincide::Main;
    /// use coincide::window::Root;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let main = Main::new()?;
    /// wasm_bindgen_futures::spawn_local(main.run());
    /// let worker = main.worker().spawn_script("./worker.js")?;
    /// worker.share_window(Root::global().policy(|operation, _, arguments| {
    ///     operation != "evaluate" && arguments.get(0).as_string().as_deref() != Some("cookie")
    /// }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn share_window(&self, root: Root) -> Sharing {
        let Root { object, policy } = root;
        let objects = Objects::new(&self.link, &object);
        let operations = Rc::new(Operations { objects, root: object, policy, late: RefCell::default() });
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
