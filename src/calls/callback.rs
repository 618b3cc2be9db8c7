//! Functions as values.

use super::functions::{Function, Handler, Reply};
use super::handles;
use super::source::Rows;
use coincide_codec::Value;
use coincide_codec::value::{Handle, HandleKind, RefOwner};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::rc::Rc;

/// A function as an argument or a result of calls. It stays at this end; the other end calls it as a [`RemoteFunction`](crate::RemoteFunction), or in
/// JavaScript as a function.
///
/// A worker's functions run when the worker serves, and while it is blocked in a call. Surplus arguments are dropped. Missing ones are `None` for
/// parameters of type `Option`. A clone is the same function. One that is sent back is received as a `Callback` again.
///
/// The function and its captures are dropped when neither end holds it any longer. It cannot be sent in typed interfaces or by a
/// [`SharedProxy`](crate::SharedProxy).
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
pub struct Callback(Rc<Kept>);

/// What stays here.
pub(crate) enum Kept {
    Function(Function),
    Stream(Box<dyn Rows>),
}

impl Callback {
    /// A function that returns at once; see [`Reply`] for what it may return.
    pub fn new<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        Self(Rc::new(Kept::Function(Function::applied(function))))
    }

    /// A function that returns a future. In a worker, futures run only when the worker serves.
    pub fn new_async<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self(Rc::new(Kept::Function(Function::applied_async(function))))
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
        let Some(endpoint) = handles::coding_now() else {
            return Err(S::Error::custom(NO_LINK));
        };
        let id = endpoint.host().give(&self.0);
        let description = Value::Undefined;
        Handle { owner: RefOwner::Sender, kind: HandleKind::Function, id, description }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Callback {
    /// A function of this end that was sent back.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Handle { owner: RefOwner::Receiver, id, .. } = Handle::deserialize(deserializer)? else {
            return Err(D::Error::custom("expected a function of this end, got one of the other end"));
        };
        let kept = handles::coding_now().and_then(|endpoint| endpoint.host().handles.given(id));
        let kept = kept.filter(|kept| matches!(**kept, Kept::Function(_)));
        kept.map(Self).ok_or_else(|| D::Error::custom("a function of this end came home that was released"))
    }
}

/// Why there is no link for a function.
pub(super) const NO_LINK: &str =
    "functions can be passed by the proxies of one worker or of main, not in typed interfaces, pools or shared proxies";
