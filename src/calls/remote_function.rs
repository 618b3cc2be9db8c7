//! Functions of the other end.

use super::callback::Callback;
use super::error::CallError;
use super::payload::Args;
use super::proxy::CallFuture;
use super::remote::{Passed, ReservedCall};
use coincide_codec::Value;
use coincide_codec::value::HandleKind;
use serde::de::DeserializeOwned;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// A function of the other end, as an argument or a result of a call.
///
/// There it is a [`Callback`](crate::Callback), or in JavaScript a function that `callback` has marked.
///
/// Cloning creates another handle of the same function. The other end releases the function when the last handle is dropped. If it is sent back, the other
/// end receives its own function. Once the link is closed, calls fail as other calls do.
///
/// An [`interface!`](crate::interface) declares it for both ends: the end that has the function converts a `Callback` into it. Calling the
/// converted value is an error of kind [`Local`](crate::CallErrorKind::Local).
///
/// ```
/// use coincide::{Callback, Main, RemoteFunction, Thrown, interface};
///
/// interface! {
///     mod sums {
///         fn sum(numbers: Vec<u32>, progress: coincide::RemoteFunction) -> u32;
///     }
/// }
///
/// struct Sums;
///
/// impl sums::Service for Sums {
///     fn sum(&self, numbers: Vec<u32>, progress: RemoteFunction) -> Result<u32, Thrown> {
///         for done in 0..numbers.len() {
///             progress.call_blocking::<()>((done,))?;
///         }
///         Ok(numbers.iter().sum())
///     }
/// }
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export_interface(sums::functions(Sums));
///     Ok(())
/// })?;
/// let sums = sums::Client::new(worker.proxy());
/// let progress = Callback::new(|done: usize| println!("{done}"));
/// assert_eq!(main.block_on(sums.sum(vec![1, 2, 3], progress.into()))?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RemoteFunction {
    function: Passed,
    timeout: Option<Duration>,
}

impl RemoteFunction {
    /// Calls the function; `args` is a tuple. As with a [`Proxy`](crate::Proxy), the call is sent at once, and dropping the future cancels it.
    pub fn call<R: DeserializeOwned>(&self, args: impl Args) -> CallFuture<R> {
        let call = self.application();
        match self.function.remote(&call) {
            Ok(remote) => remote.call(&call, &(remote.id, APPLY, [(); 0], Listed(&args))),
            Err(error) => CallFuture::failed(error),
        }
    }

    /// Calls the function and waits for its result, as a [`SyncProxy`](crate::SyncProxy) does.
    ///
    /// # Errors
    /// See [`CallError`]. On main, which must not block, the kind is [`CallErrorKind::CannotBlock`](crate::CallErrorKind::CannotBlock).
    pub fn call_blocking<R: DeserializeOwned>(&self, args: impl Args) -> Result<R, CallError> {
        let call = self.application();
        let remote = self.function.remote(&call)?;
        remote.call_blocking(&call, &(remote.id, APPLY, [(); 0], Listed(&args)))
    }

    /// The same function, whose calls end with [`CallErrorKind::TimedOut`](crate::CallErrorKind::TimedOut) after `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { function: self.function.clone(), timeout: Some(timeout) }
    }

    fn application(&self) -> ReservedCall {
        ReservedCall { function: USE, shown: "a callback", timeout: self.timeout }
    }
}

impl From<Callback> for RemoteFunction {
    /// Converts a callback, for an interface that declares a `RemoteFunction`.
    fn from(Callback(local): Callback) -> Self {
        Self { function: Passed::Local(local), timeout: None }
    }
}

impl PartialEq for RemoteFunction {
    /// Whether both are the same function.
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for RemoteFunction {}

impl Serialize for RemoteFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.function.serialize(HandleKind::Function, serializer)
    }
}

impl<'de> Deserialize<'de> for RemoteFunction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let function = Passed::deserialize(
            "a function",
            |handle| match handle.kind {
                HandleKind::Function => true,
                HandleKind::Exposed => handle.description == Value::Boolean(true),
                _ => false,
            },
            deserializer,
        )?;
        Ok(Self { function, timeout: None })
    }
}

/// Arguments as a list.
struct Listed<'a, A>(&'a A);

impl<A: Args> Serialize for Listed<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if A::NONE { serializer.serialize_tuple(0)?.end() } else { self.0.serialize(serializer) }
    }
}

/// Reserved function of an end that performs operations on its handles.
pub(super) const USE: &str = "coincide:use";

/// The operation that calls a function.
pub(super) const APPLY: u8 = 2;
