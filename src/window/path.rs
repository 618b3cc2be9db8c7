//! Paths to objects of main, and the operations on what is at their ends.

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

/// A path on main: an object and the keys that lead from it. Creating one reads nothing.
///
/// Each method other than [`get`](Self::get), [`post`](Self::post) and [`batch`](Self::batch) takes one trip to main, regardless of the length
/// of the path. If a part of the path is not an object, reading returns `undefined`, and operations that need an object throw a `TypeError`.
#[derive(Clone)]
#[must_use = "a path sends nothing until an operation is called on it"]
pub struct Path {
    pub(super) handle: Rc<Handle>,
    pub(super) keys: Vec<Key>,
}

impl Path {
    /// Returns the path to a property. Takes no trip: the property is read by the operation at the end of the path.
    ///
    /// # Errors
    /// When the link is closed, or the worker can't block on this tier.
    pub fn get(&self, key: impl Into<Key>) -> Result<Self, CallError> {
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend_from_slice(&self.keys);
        keys.push(key.into());
        let path = Self { handle: Rc::clone(&self.handle), keys };
        path.handle.link.check(|| path.to_string())?;
        Ok(path)
    }

    /// Reads the value. A primitive or binary data is read as any type that serde can deserialize, an object as a [`Remote`]. `Option`
    /// accepts undefined and null.
    ///
    /// # Errors
    /// When a getter throws, the value is of another type, the link is closed or the worker can't block.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        let link = &self.handle.link;
        match &*self.keys {
            // For one key, use `get`, which also resolves names that are not properties of the root.
            [key] => link.operate(|| self.to_string(), &(wire::GET, &*self.handle, key)),
            keys => link.operate(|| self.to_string(), &(wire::QUERY, &*self.handle, keys)),
        }
    }

    /// Returns the object that is at the end of the path now, for repeated use.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and when the value is not an object.
    pub fn resolve(&self) -> Result<Remote, CallError> {
        if self.keys.is_empty() { Ok(Remote::of(Rc::clone(&self.handle))) } else { self.read() }
    }

    /// Sets a property.
    ///
    /// # Errors
    /// The error that main throws: a `TypeError` if there is no object, or if the object refuses the value, as in strict code.
    pub fn set(&self, key: impl Into<Key>, value: impl Serialize) -> Result<(), CallError> {
        let key = key.into();
        let done = self.operate(wire::SET, Some(&key), Some(value))?;
        self.refused_unless(done, "set", &key)
    }

    /// Whether there is such a property, own or inherited: JavaScript's `in`.
    ///
    /// # Errors
    /// The error that main throws.
    pub fn has(&self, key: impl Into<Key>) -> Result<bool, CallError> {
        self.operate(wire::HAS, Some(key.into()), NOTHING)
    }

    /// Deletes a property. No-op if it does not exist.
    ///
    /// # Errors
    /// The error that main throws: a `TypeError` if the property can't be deleted, as in strict code.
    pub fn delete(&self, key: impl Into<Key>) -> Result<(), CallError> {
        let key = key.into();
        let done = self.operate(wire::DELETE, Some(&key), NOTHING)?;
        self.refused_unless(done, "delete", &key)
    }

    /// Returns the object's own keys, including symbols that both ends can know.
    ///
    /// # Errors
    /// The error that main throws.
    pub fn own_keys(&self) -> Result<Vec<Key>, CallError> {
        self.operate(wire::OWN_KEYS, NOTHING, NOTHING)
    }

    /// Calls a method and returns its result; `args` is a tuple.
    ///
    /// # Errors
    /// The error that main throws, or that the result is of another type.
    pub fn call<R: DeserializeOwned>(&self, method: impl Into<Key>, args: impl Args) -> Result<R, CallError> {
        let method = method.into();
        let operation = self.operation(wire::INVOKE_METHOD, Some(&method), Some(List(args)));
        self.handle.link.operate(|| format!("{self}.{method}"), &operation)
    }

    /// Calls a method, waits until it has returned, and discards its result.
    ///
    /// # Errors
    /// The error that main throws.
    pub fn run(&self, method: impl Into<Key>, args: impl Args) -> Result<(), CallError> {
        self.call(method, args).map(|IgnoredAny| ())
    }

    /// Calls a method without waiting for an answer, which takes no trip. Operations run in order. If it throws, the next operation with an
    /// answer throws the error instead of running.
    ///
    /// # Errors
    /// When the arguments can't be sent, or the link is closed.
    pub fn post(&self, method: impl Into<Key>, args: impl Args) -> Result<(), CallError> {
        let method = method.into();
        let operation = self.operation(wire::INVOKE_METHOD, Some(&method), Some(List(args)));
        self.handle.link.operate_later(|| format!("{self}.{method}"), &operation)
    }

    /// Calls the function at the end of the path. Pass `()` as `this` if it doesn't matter.
    ///
    /// # Errors
    /// The error that main throws, or that the result is of another type.
    pub fn apply<R: DeserializeOwned>(&self, this: impl Serialize, args: impl Args) -> Result<R, CallError> {
        self.operate(wire::APPLY, Some(this), Some(List(args)))
    }

    /// Creates an instance of the class at the end of the path.
    ///
    /// # Errors
    /// The error that main throws.
    pub fn construct(&self, args: impl Args) -> Result<Remote, CallError> {
        self.operate(wire::CONSTRUCT, Some(List(args)), NOTHING)
    }

    /// Sets the properties of a struct or a map in order, as `Object.assign` does.
    ///
    /// # Errors
    /// The error that main throws.
    pub fn assign(&self, properties: impl Serialize) -> Result<(), CallError> {
        self.operate(wire::ASSIGN, Some((properties,)), NOTHING)
    }

    /// Reads several paths from here, such as `dataset.test`, into a tuple or a list.
    ///
    /// ```no_run
    /// # fn example(element: coincide::window::Remote) -> Result<(), coincide::CallError> {
    /// let (id, width): (String, f64) = element.gather(&["id", "style.width"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn gather<R: DeserializeOwned>(&self, paths: &[&str]) -> Result<R, CallError> {
        let paths: Vec<_> = paths.iter().map(|path| Key::path(path)).collect();
        self.operate(wire::GATHER, Some(paths), NOTHING)
    }

    /// Runs a function on main, from its source. It has access to its arguments and main's globals. Unlike all other operations, it
    /// requires that the page allows `unsafe-eval`.
    ///
    /// # Errors
    /// The error that main throws: an `EvalError` if the page forbids evaluation.
    pub fn evaluate<R: DeserializeOwned>(&self, source: &str, args: impl Args) -> Result<R, CallError> {
        let root = Self { handle: Rc::new(self.handle.root()), keys: Vec::new() };
        let operation = root.operation(wire::EVALUATE, Some(source), Some(List(args)));
        self.handle.link.operate(|| "evaluate".into(), &operation)
    }

    /// Creates a batch: changes of any objects of main that are sent in one trip.
    pub fn batch(&self) -> Batch {
        Batch::new(self.handle.link.clone())
    }

    /// Error for this name if main cannot be reached.
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

    /// Throws, as strict code does, if main reports that the object refused the change.
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
