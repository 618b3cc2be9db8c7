//! Functions and streams that the other end owns.

use super::endpoint::Endpoint;
use super::error::{CallError, CallErrorKind};
use super::handles::{self, Coding};
use super::local::Local;
use super::payload;
use super::proxy::{CallFuture, Proxy};
use coincide_codec::Value;
use coincide_codec::value::{Handle, HandleKind, RefOwner};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// A remote handle: a function or a stream of the other end, shared by all its handles.
pub(crate) struct Remote {
    pub(super) id: u64,
    endpoint: Rc<dyn Endpoint>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.endpoint.host().handles.forget(self.id);
    }
}

/// A call of a reserved function, which operates on a function or a stream of the other end.
pub(super) struct ReservedCall {
    /// The reserved name.
    pub(super) function: &'static str,
    /// The name in errors.
    pub(super) shown: &'static str,
    pub(super) timeout: Option<Duration>,
}

impl Remote {
    /// Makes a call and returns a future of its result.
    pub(super) fn call<R>(&self, call: &ReservedCall, args: &impl Serialize) -> CallFuture<R> {
        let ReservedCall { function, shown, timeout } = *call;
        let host = self.endpoint.host();
        let proxy = Proxy::new(Rc::clone(&self.endpoint)).limited(timeout);
        proxy.operate(shown, function, |payload| payload::encode_args(Some(host), args, None, payload))
    }

    /// Makes a call and blocks until it has ended.
    pub(super) fn call_blocking<R: DeserializeOwned>(
        &self,
        call: &ReservedCall,
        args: &impl Serialize,
    ) -> Result<R, CallError> {
        let ReservedCall { function, shown, timeout } = *call;
        let host = self.endpoint.host();
        let mut encode = |payload: &mut _| payload::encode_args(Some(host), args, None, payload);
        let called = self.endpoint.call_blocking(function, timeout, &mut encode);
        let (format, mut payload) = called.map_err(|error| error.into_call_error(shown))?;
        let result = payload::decode_result(Some(host), shown, format, &mut payload, None);
        host.recycle(payload);
        result
    }
}

/// A function or a stream as an interface declares it for both ends.
#[derive(Clone)]
pub(crate) enum Passed {
    /// Belongs to the other end.
    Remote(Rc<Remote>),
    /// Belongs to this end, for sending.
    Local(Rc<Local>),
}

impl Passed {
    /// The function or stream of the other end, for a call.
    pub(super) fn remote(&self, call: &ReservedCall) -> Result<&Rc<Remote>, CallError> {
        match self {
            Self::Remote(remote) => Ok(remote),
            Self::Local(_) => Err(CallError::new(call.shown, CallErrorKind::Local)),
        }
    }

    /// Writes a handle. `kind` is that of the type.
    pub(super) fn serialize<S: Serializer>(&self, kind: HandleKind, serializer: S) -> Result<S::Ok, S::Error> {
        let remote = match self {
            Self::Local(local) => return local.serialize(serializer),
            Self::Remote(remote) => remote,
        };
        match handles::coding() {
            Coding::End(endpoint) if Rc::ptr_eq(&endpoint, &remote.endpoint) => {
                Handle { owner: RefOwner::Receiver, kind, id: remote.id, description: Value::Undefined }
                    .serialize(serializer)
            }
            Coding::End(_) | Coding::Pool(_) => Err(S::Error::custom(match kind {
                HandleKind::Stream => {
                    "a stream can be sent back to its owner only, not to another end: pass a `Source` of its rows"
                }
                _ => {
                    "a function can be sent back to its owner only, not to another end: pass a `Callback` that calls it"
                }
            })),
            Coding::Elsewhere | Coding::Shape => Err(S::Error::custom(handles::without_link())),
        }
    }

    /// Reads a handle of the other end, for which `accepts` is true.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        expected: &str,
        accepts: impl FnOnce(&Handle) -> bool,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let handle = Handle::deserialize(deserializer);
        let coding = handles::coding();
        if matches!(coding, Coding::Shape) {
            return Ok(Self::Local(Local::placeholder()));
        }
        let handle = handle?;
        let Coding::End(endpoint) = coding else {
            return Err(D::Error::custom(handles::without_link()));
        };
        let refused =
            |got: &str| Err(D::Error::custom(format_args!("expected {expected} of the other end, got {got}")));
        if handle.owner != RefOwner::Sender {
            return refused("one of this end");
        }
        if !accepts(&handle) {
            return refused("a handle of another kind");
        }
        let id = handle.id;
        let remote = endpoint.host().handles.remote(id, || Remote { id, endpoint: Rc::clone(&endpoint) });
        Ok(Self::Remote(remote))
    }
}

impl PartialEq for Passed {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Remote(one), Self::Remote(other)) => Rc::ptr_eq(one, other),
            (Self::Local(one), Self::Local(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(remote) => f.debug_tuple("Remote").field(&remote.id).finish(),
            Self::Local(local) => f.debug_tuple("Local").field(&local.id).finish(),
        }
    }
}
