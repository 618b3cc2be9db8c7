//! Functions of the other end.

use super::callback::NO_LINK;
use super::endpoint::Endpoint;
use super::error::CallError;
use super::handles;
use super::payload::{self, Args};
use super::proxy::{CallFuture, Proxy};
use coincide_codec::Value;
use coincide_codec::value::{Handle, HandleKind, RefOwner};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::{Error as _, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// A function of the other end, as an argument or a result of a call: a [`Callback`](crate::Callback) there, or in JavaScript a function that `callback` has marked.
///
/// Cloning creates another handle of the same function. The other end releases the function when the last handle is dropped. If it is sent back, the other
/// end receives its own function. Once the link is closed, calls fail as other calls do.
#[derive(Clone)]
pub struct RemoteFunction {
    remote: Rc<Remote>,
    timeout: Option<Duration>,
}

impl RemoteFunction {
    /// Calls the function; `args` is a tuple. As with a [`Proxy`], the call is sent at once, and dropping the future cancels it.
    pub fn call<R: DeserializeOwned>(&self, args: impl Args) -> CallFuture<R> {
        let proxy = Proxy::new(Rc::clone(&self.remote.endpoint)).limited(self.timeout);
        let host = self.remote.endpoint.host();
        proxy.operate(SHOWN, USE, |payload| payload::encode_args(Some(host), &self.application(&args), None, payload))
    }

    /// Calls the function and waits for its result, as a [`SyncProxy`](crate::SyncProxy) does.
    ///
    /// # Errors
    /// See [`CallError`]. On main, which must not block, the kind is [`CallErrorKind::CannotBlock`](crate::CallErrorKind::CannotBlock).
    pub fn call_blocking<R: DeserializeOwned>(&self, args: impl Args) -> Result<R, CallError> {
        let endpoint = &self.remote.endpoint;
        let host = endpoint.host();
        let called = endpoint.call_blocking(USE, self.timeout, &mut |payload| {
            payload::encode_args(Some(host), &self.application(&args), None, payload)
        });
        let (format, mut payload) = called.map_err(|error| error.into_call_error(SHOWN))?;
        let result = payload::decode_result(Some(host), SHOWN, format, &mut payload, None);
        host.recycle(payload);
        result
    }

    /// The same function, whose calls end with [`CallErrorKind::TimedOut`](crate::CallErrorKind::TimedOut) after `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { remote: Rc::clone(&self.remote), timeout: Some(timeout) }
    }

    fn application<'a, A: Args>(&self, args: &'a A) -> (u64, u8, [(); 0], Listed<'a, A>) {
        (self.remote.id, APPLY, [], Listed(args))
    }
}

impl fmt::Debug for RemoteFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remote, timeout } = self;
        f.debug_struct("RemoteFunction").field("id", &remote.id).field("timeout", timeout).finish_non_exhaustive()
    }
}

impl PartialEq for RemoteFunction {
    /// Whether both are the same function.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.remote, &other.remote)
    }
}

impl Eq for RemoteFunction {}

impl Serialize for RemoteFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(endpoint) = handles::coding_now() else {
            return Err(S::Error::custom(NO_LINK));
        };
        if !Rc::ptr_eq(&endpoint, &self.remote.endpoint) {
            let text = "a function of another end can be sent to its own end only: pass a `Callback` that calls it";
            return Err(S::Error::custom(text));
        }
        let Remote { id, .. } = *self.remote;
        let description = Value::Undefined;
        Handle { owner: RefOwner::Receiver, kind: HandleKind::Function, id, description }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RemoteFunction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handle = Handle::deserialize(deserializer)?;
        let Some(endpoint) = handles::coding_now() else {
            return Err(D::Error::custom(NO_LINK));
        };
        let Handle { owner: RefOwner::Sender, kind, id, description } = handle else {
            return Err(D::Error::custom("expected a function of the other end, got one of this end"));
        };
        let is_function =
            kind == HandleKind::Function || kind == HandleKind::Exposed && description == Value::Boolean(true);
        if !is_function {
            return Err(D::Error::custom("expected a function of the other end, got something else that stays there"));
        }
        let remote = endpoint.host().handles.remote(id, || Remote { id, endpoint: Rc::clone(&endpoint) });
        Ok(Self { remote, timeout: None })
    }
}

/// A function or a stream of the other end, shared by all its local handles.
pub(crate) struct Remote {
    pub(super) id: u64,
    pub(super) endpoint: Rc<dyn Endpoint>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.endpoint.host().handles.forget(self.id);
    }
}

/// Arguments as a list.
struct Listed<'a, A>(&'a A);

impl<A: Args> Serialize for Listed<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if A::NONE { serializer.serialize_tuple(0)?.end() } else { self.0.serialize(serializer) }
    }
}

/// The function of an end that operates on what it has given.
pub(super) const USE: &str = "coincide:use";

/// The operation that calls a function.
pub(super) const APPLY: u8 = 2;

/// Name of a function without a name in errors.
const SHOWN: &str = "a callback";
