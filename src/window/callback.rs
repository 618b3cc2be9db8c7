//! Functions of the worker that main calls.

use super::link::ObjectLink;
use crate::ErrorCode;
use crate::calls::functions::{Failure, Handler, Reply};
use crate::calls::list::List;
use crate::raw::RawReply;
use coincide_codec::DecodeError;
use coincide_codec::value::{RefKind, RefOwner, Reference};
use coincide_proto::Format;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::rc::Rc;

/// A function of the worker as a value for main: a listener, a timer, an argument of `then`.
///
/// It is called with main's arguments; objects are received as [`Remote`](super::Remote)s. Surplus arguments are dropped; missing ones are `None`
/// for parameters of type `Option`. It runs when the worker serves, and also while the worker is blocked in a call. In JavaScript it returns a
/// promise, since main can't wait. An action that must happen during the dispatch of an event is declared with the listener:
///
/// ```no_run
/// use coincide::window::{Callback, Remote};
/// # #[derive(serde::Serialize)]
/// # struct Options { invoke: &'static str }
/// # fn example(form: Remote) -> Result<(), coincide::CallError> {
/// let listener = Callback::new(|event: Remote| println!("{event:?}"));
/// form.run("addEventListener", ("submit", &listener, Options { invoke: "preventDefault" }))?;
/// // A clone is the same function on main.
/// form.run("removeEventListener", ("submit", &listener))?;
/// # Ok(())
/// # }
/// ```
///
/// The captures of the closure are dropped when neither the worker nor main holds the `Callback` any more.
///
/// It is for operations on objects of main. [`coincide::Callback`](crate::Callback) is for arguments and results of ordinary calls.
#[derive(Clone)]
pub struct Callback(Rc<Function>);

impl Callback {
    /// Creates a callback from a function that returns at once. See [`Reply`] for what it may return.
    pub fn new<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        Self::of(move |link, payload, result| {
            let value = function.call(arguments(link, payload)?).into_result().map_err(Failure::threw)?;
            encode(link, &value, result)?;
            Ok(RawReply::Now(Format::Value))
        })
    }

    /// Creates a callback from a function that returns a future. Futures run only when the worker serves.
    pub fn new_async<Args, Kind, H>(function: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self::of(move |link, payload, _| {
            let future = function.call(arguments(link, payload)?);
            let link = link.clone();
            Ok(RawReply::Later(Box::pin(async move {
                let value = future.await.into_result().map_err(Failure::threw)?;
                let mut result = Vec::new();
                encode(&link, &value, &mut result)?;
                Ok((Format::Value, result))
            })))
        })
    }

    fn of(run: impl Fn(&ObjectLink, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static) -> Self {
        Self(Rc::new(Function(Box::new(run))))
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
        let Some(link) = ObjectLink::coding_now() else {
            return Err(S::Error::custom("a function can be sent as part of an operation on objects of main only"));
        };
        let id = link.table.functions.send(&self.0);
        Reference { owner: RefOwner::Sender, kind: RefKind::Function, id }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Callback {
    /// A callback of this worker that main has sent back.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Reference { owner: RefOwner::Receiver, id, .. } = Reference::deserialize(deserializer)? else {
            return Err(D::Error::custom("expected a function of this worker, got an object of main"));
        };
        let function = ObjectLink::coding_now().and_then(|link| link.table.functions.get(id));
        function.map(Self).ok_or_else(|| D::Error::custom(format_args!("there is no function {id}: it was released")))
    }
}

/// A function that receives its one argument, or the error if that is of another type.
pub(super) fn settling<T: DeserializeOwned>(function: impl Fn(Result<T, DecodeError>) + 'static) -> Callback {
    Callback::of(move |link, payload, result| {
        function(link.decode::<Call<(T,)>>(payload).map(|Call((value,))| value));
        encode(link, &(), result)?;
        Ok(RawReply::Now(Format::Value))
    })
}

/// The called function.
pub(crate) struct Function(Box<Run>);

type Run = dyn Fn(&ObjectLink, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure>;

/// Serves a call of main: the arguments are a function, `this`, and a list.
pub(super) fn serve(
    link: Option<ObjectLink>,
    format: Format,
    payload: &[u8],
    result: &mut Vec<u8>,
) -> Result<RawReply, Failure> {
    let refused = |text: String| Failure::Refused(ErrorCode::BAD_ARGUMENTS, text);
    let Some(link) = link else {
        return Err(refused("the worker has nothing to do with objects of main any more".into()));
    };
    if format != Format::Value {
        return Err(refused("functions of a worker take values".into()));
    }
    // The id comes first. The function reads the other parts itself.
    let callee = coincide_codec::value::from_slice(payload).map_err(|error| error.to_string());
    let function = callee.and_then(|Callee(id)| {
        link.table.functions.get(id).ok_or_else(|| format!("there is no function {id}: it was released"))
    });
    match function {
        Ok(function) => (function.0)(&link, payload, result),
        Err(text) => {
            link.skip(payload);
            Err(refused(text))
        }
    }
}

/// The id of the function that a call is for.
struct Callee(u64);

impl<'de> Deserialize<'de> for Callee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Reference { owner, id, .. }, _, _) = <(Reference, IgnoredAny, IgnoredAny)>::deserialize(deserializer)?;
        if owner == RefOwner::Receiver { Ok(Self(id)) } else { Err(D::Error::custom("it is main's own function")) }
    }
}

fn arguments<Args: DeserializeOwned>(link: &ObjectLink, payload: &[u8]) -> Result<Args, Failure> {
    let call: Call<Args> = link.decode(payload).map_err(|error| Failure::unread(&error))?;
    Ok(call.0)
}

fn encode(link: &ObjectLink, value: &impl Serialize, result: &mut Vec<u8>) -> Result<(), Failure> {
    let encoded = link.encode(value, result);
    encoded.map(|_| ()).map_err(|error| Failure::unsent(&error))
}

/// The arguments in a call of main.
struct Call<Args>(Args);

impl<'de, Args: Deserialize<'de>> Deserialize<'de> for Call<Args> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (_, _, List(args)) = <(IgnoredAny, IgnoredAny, List<Args>)>::deserialize(deserializer)?;
        Ok(Self(args))
    }
}
