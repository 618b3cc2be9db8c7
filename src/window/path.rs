//! Ways to objects of main, and what can be done at their ends.

use super::batch::Batch;
use super::key::Key;
use super::remote::{Handle, Remote};
use super::wire::{self, List, Operation};
use crate::Thrown;
use crate::calls::error::{CallError, CallErrorKind};
use crate::calls::payload::Args;
use coincide_codec::value::RefKind;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::fmt;
use std::rc::Rc;

/// A way to something on main: an object and the keys that lead from it. Nothing has been read yet.
///
/// Each method other than [`get`](Self::get) and [`batch`](Self::batch) takes one trip to main, however long the way is. If the way breaks off, because something on it
/// is undefined or no object, reading gives `undefined`; what needs an object at its end throws a `TypeError`.
#[derive(Clone)]
#[must_use = "main is not asked before something is done at the end of the way"]
pub struct Path {
    pub(super) handle: Rc<Handle>,
    pub(super) keys: Vec<Key>,
}

impl Path {
    /// The way to a property. That takes no trip: what is there is read when something is done with it.
    ///
    /// # Errors
    /// When main can't be asked at all: the link is closed, or the worker can't block on this tier.
    pub fn get(&self, key: impl Into<Key>) -> Result<Self, CallError> {
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend_from_slice(&self.keys);
        keys.push(key.into());
        let path = Self { handle: Rc::clone(&self.handle), keys };
        path.handle.link.check(|| path.to_string())?;
        Ok(path)
    }

    /// Reads what is there: a primitive or binary data as anything that serde can deserialize, an object as a [`Remote`]. `Option`
    /// takes undefined and null.
    ///
    /// # Errors
    /// What a getter threw; that there is something of another type; and why main could not be asked.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        let link = &self.handle.link;
        match &*self.keys {
            // One key is what `get` is for: the root knows more of these than it has.
            [key] => link.operate(|| self.to_string(), &(wire::GET, &*self.handle, key)),
            keys => link.operate(|| self.to_string(), &(wire::QUERY, &*self.handle, keys)),
        }
    }

    /// The object that is there now, to be used more than once.
    ///
    /// # Errors
    /// As [`read`](Self::read); also if there is no object.
    pub fn resolve(&self) -> Result<Remote, CallError> {
        if self.keys.is_empty() { Ok(Remote::of(Rc::clone(&self.handle))) } else { self.read() }
    }

    /// Sets a property.
    ///
    /// # Errors
    /// What main throws: a `TypeError` if there is no object, or if the object refuses the value, as in strict code.
    pub fn set(&self, key: impl Into<Key>, value: impl Serialize) -> Result<(), CallError> {
        let key = key.into();
        let done = self.operate(wire::SET, Some(&key), Some(value))?;
        self.refused_unless(done, "set", &key)
    }

    /// Whether there is such a property, also an inherited one: JavaScript's `in`.
    ///
    /// # Errors
    /// What main throws.
    pub fn has(&self, key: impl Into<Key>) -> Result<bool, CallError> {
        self.operate(wire::HAS, Some(key.into()), NOTHING)
    }

    /// Deletes a property. It is fine if there is none.
    ///
    /// # Errors
    /// What main throws: a `TypeError` if the property can't be deleted, as in strict code.
    pub fn delete(&self, key: impl Into<Key>) -> Result<(), CallError> {
        let key = key.into();
        let done = self.operate(wire::DELETE, Some(&key), NOTHING)?;
        self.refused_unless(done, "delete", &key)
    }

    /// The object's own keys, symbols included that both ends can know.
    ///
    /// # Errors
    /// What main throws.
    pub fn own_keys(&self) -> Result<Vec<Key>, CallError> {
        self.operate(wire::OWN_KEYS, NOTHING, NOTHING)
    }

    /// Calls a method and gives what it returns; `args` is a tuple.
    ///
    /// # Errors
    /// What main throws; that the result is of another type.
    pub fn call<R: DeserializeOwned>(&self, method: impl Into<Key>, args: impl Args) -> Result<R, CallError> {
        let method = method.into();
        let operation = self.operation(wire::INVOKE_METHOD, Some(&method), Some(List(args)));
        self.handle.link.operate(|| format!("{self}.{method}"), &operation)
    }

    /// Calls a method and waits for it, whatever it returns.
    ///
    /// # Errors
    /// What main throws.
    pub fn run(&self, method: impl Into<Key>, args: impl Args) -> Result<(), CallError> {
        self.call(method, args).map(|IgnoredAny| ())
    }

    /// Calls a method without waiting for it: no trip. Order is kept. What it throws, the next operation that waits throws, and does
    /// nothing else.
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn post(&self, method: impl Into<Key>, args: impl Args) -> Result<(), CallError> {
        let method = method.into();
        let operation = self.operation(wire::INVOKE_METHOD, Some(&method), Some(List(args)));
        self.handle.link.operate_later(|| format!("{self}.{method}"), &operation)
    }

    /// Calls the function that is there; `this` is `()` where it doesn't matter.
    ///
    /// # Errors
    /// What main throws; that the result is of another type.
    pub fn apply<R: DeserializeOwned>(&self, this: impl Serialize, args: impl Args) -> Result<R, CallError> {
        self.operate(wire::APPLY, Some(this), Some(List(args)))
    }

    /// A new instance of the class that is there.
    ///
    /// # Errors
    /// What main throws.
    pub fn construct(&self, args: impl Args) -> Result<Remote, CallError> {
        self.operate(wire::CONSTRUCT, Some(List(args)), NOTHING)
    }

    /// Sets several properties: those of a struct or a map. They are set one after the other, as by `Object.assign`.
    ///
    /// # Errors
    /// What main throws.
    pub fn assign(&self, properties: impl Serialize) -> Result<(), CallError> {
        self.operate(wire::ASSIGN, Some((properties,)), NOTHING)
    }

    /// What is at the ends of several ways from here, such as `dataset.test`, as a tuple or a list.
    ///
    /// ```no_run
    /// # fn example(element: coincide::window::Remote) -> Result<(), coincide::CallError> {
    /// let (id, width): (String, f64) = element.gather(&["id", "style.width"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn gather<R: DeserializeOwned>(&self, paths: &[&str]) -> Result<R, CallError> {
        let paths: Vec<_> = paths.iter().map(|path| Key::path(path)).collect();
        self.operate(wire::GATHER, Some(paths), NOTHING)
    }

    /// Runs a function on main, from its source: it sees its arguments and main's globals. The one thing here for which the page has to allow
    /// `unsafe-eval`.
    ///
    /// # Errors
    /// What main throws: an `EvalError` if the page forbids it.
    pub fn evaluate<R: DeserializeOwned>(&self, source: &str, args: impl Args) -> Result<R, CallError> {
        let root = Self { handle: Rc::new(self.handle.root()), keys: Vec::new() };
        let operation = root.operation(wire::EVALUATE, Some(source), Some(List(args)));
        self.handle.link.operate(|| "evaluate".into(), &operation)
    }

    /// Gathers changes of any objects of main, to have them carried out in one trip.
    pub fn batch(&self) -> Batch {
        Batch::new(self.handle.link.clone())
    }

    /// Why main could not be asked for something of this name, if it couldn't.
    pub(super) fn check(&self, name: &str) -> Result<(), CallError> {
        self.handle.link.check(|| name.into())
    }

    pub(super) fn operation<A, B>(&self, number: u8, first: Option<A>, second: Option<B>) -> Operation<'_, A, B> {
        Operation { number, path: self, first, second }
    }

    fn operate<R: DeserializeOwned>(
        &self,
        number: u8,
        first: Option<impl Serialize>,
        second: Option<impl Serialize>,
    ) -> Result<R, CallError> {
        self.handle.link.operate(|| self.to_string(), &self.operation(number, first, second))
    }

    /// Main says whether it has done something; strict code throws if it hasn't.
    fn refused_unless(&self, done: bool, what: &str, key: &Key) -> Result<(), CallError> {
        if done {
            return Ok(());
        }
        let thrown = Thrown::new("TypeError", format!("the object refuses to {what} `{key}`"));
        Err(CallError { function: self.to_string(), kind: CallErrorKind::Threw(Box::new(thrown)) })
    }
}

impl Handle {
    /// The root of the link of this object.
    fn root(&self) -> Self {
        Self { id: super::table::ROOT, kind: RefKind::Object, link: self.link.clone() }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.handle.id == super::table::ROOT { "window" } else { "object" })?;
        self.keys.iter().try_for_each(|key| write!(f, ".{key}"))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.to_string()).finish()
    }
}

const NOTHING: Option<()> = None;
