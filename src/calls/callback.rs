//! Functions as values.

use super::functions::{Function, Handler, Reply};
use super::local::{Local, Thing};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::rc::Rc;

/// A function as an argument or a result of calls. It stays at this end; the other end calls it as a [`RemoteFunction`](crate::RemoteFunction), or in
/// JavaScript as a function.
///
/// A worker's functions run when the worker serves, and while it is blocked in a call. Surplus arguments are dropped. Missing ones are `None` for
/// parameters of type `Option`. A clone is the same function. One that is sent back is received as a `Callback` again.
///
/// The function and its captures are dropped when neither end holds it any longer. It belongs to its thread: proxies of that thread can send
/// it, including those of a [`Pool`](crate::Pool), but not a [`SharedProxy`](crate::SharedProxy). In an [`interface!`](crate::interface),
/// declare a [`RemoteFunction`](crate::RemoteFunction), which a `Callback` can be converted into.
///
/// ```
/// use coincide::{Callback, Main, RemoteFunction};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("sum", |numbers: Vec<u32>, progress: RemoteFunction| {
///         for done in 0..numbers.len() {
///             progress.call_blocking::<()>((done,)).expect("main counts");
///         }
///         numbers.iter().sum::<u32>()
///     });
///     Ok(())
/// })?;
/// let calls = std::rc::Rc::new(std::cell::Cell::new(0));
/// let counted = std::rc::Rc::clone(&calls);
/// let progress = Callback::new(move |_done: usize| counted.set(counted.get() + 1));
/// let sum: u32 = main.block_on(worker.proxy().call("sum", (vec![1, 2, 3], progress)))?;
/// assert_eq!((sum, calls.get()), (6, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Callback(pub(super) Rc<Local>);

impl Callback {
    /// Creates a callback from a function that returns at once. See [`Reply`] for what it may return.
    pub fn new<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        Self(Local::new(Thing::Function(Function::applied(function))))
    }

    /// Creates a callback from a function that returns a future. In a worker, futures run only when the worker serves.
    pub fn new_async<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self(Local::new(Thing::Function(Function::applied_async(function))))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Callback").field(&Rc::as_ptr(&self.0)).finish()
    }
}

impl PartialEq for Callback {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Callback {}

impl Serialize for Callback {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Callback {
    /// A function of this end that was sent back.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Local::deserialize_function(deserializer).map(Self)
    }
}
