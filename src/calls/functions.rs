//! Functions that an end of a link serves.

pub use super::failure::Failure;
use super::host::Host;
use super::payload::{self, Schema};
use super::thrown::Thrown;
use coincide_proto::{Format, Payload};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

/// A closure of up to eight arguments that can be registered as a function.
///
/// Each argument is of a type that serde can deserialize and that borrows nothing. The closure returns a [`Reply`].
pub trait Handler<Args>: 'static {
    /// Return type of the closure.
    type Output;

    /// Calls the closure.
    fn call(&self, args: Args) -> Self::Output;
}

/// Return value of a function: a value that serde can serialize, or a [`Result`] of one with [`Thrown`] as its error.
///
/// `Kind` is inferred. A `Result` with another error type is sent as a value, not thrown.
pub trait Reply<Kind> {
    /// Type of the value that is sent if the function has not thrown.
    type Value: Serialize + 'static;

    /// Returns the value to send, or the error to throw.
    ///
    /// # Errors
    /// What the function threw.
    fn into_result(self) -> Result<Self::Value, Thrown>;
}

/// Marks the [`Reply`] of a function that can't throw.
#[derive(Debug)]
pub struct Plain;

/// Marks the [`Reply`] of a function that can throw.
#[derive(Debug)]
pub struct Fallible;

impl<T: Serialize + 'static> Reply<Plain> for T {
    type Value = T;

    fn into_result(self) -> Result<T, Thrown> {
        Ok(self)
    }
}

impl<T: Serialize + 'static> Reply<Fallible> for Result<T, Thrown> {
    type Value = T;

    fn into_result(self) -> Result<T, Thrown> {
        self
    }
}

macro_rules! handler {
    ($($argument:ident)*) => {
        impl<F: Fn($($argument),*) -> R + 'static, R, $($argument),*> Handler<($($argument,)*)> for F {
            type Output = R;

            #[allow(non_snake_case)]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> R {
                self($($argument),*)
            }
        }
    };
}

handler!();
handler!(A);
handler!(A B);
handler!(A B C);
handler!(A B C D);
handler!(A B C D E);
handler!(A B C D E G);
handler!(A B C D E G H);
handler!(A B C D E G H I);

/// A result and its format, or the reason for its absence.
pub(crate) type Answer<B = Payload> = Result<(Format, B), Failure>;

/// Answer of a raw function: see [`raw`](crate::raw).
pub enum RawReply {
    /// The result is in the buffer, in this format.
    Now(Format),
    /// A future of the result: its format and its bytes.
    Later(LocalBoxFuture<'static, Result<(Format, Vec<u8>), Failure>>),
}

impl std::fmt::Debug for RawReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(format) => f.debug_tuple("Now").field(format).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

#[derive(Clone)]
pub(crate) enum Function {
    /// Reserved function that operates on a local handle.
    Given(Use),
    /// Reads arguments from a payload, runs, and writes the result into a buffer.
    Plain(Rc<Run>),
    /// Takes bytes in the buffer and replaces them by the result.
    Bytes(Rc<RunOnBytes>),
    /// Reads arguments from a payload and begins.
    Async(Rc<Start>),
    /// Decides at run time whether to answer now or later.
    Raw(Rc<RunRaw>),
}

/// Operation of the other end on a handle.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// Calls a function.
    Apply,
    /// Requests rows of a stream.
    Next,
    /// Ends a stream.
    Return,
}

type Run = dyn Fn(&Host, Format, &mut Payload, &mut Payload) -> Result<Format, Failure>;

type RunOnBytes = dyn Fn(&mut Vec<u8>) -> Result<(), Failure>;

type Start = dyn Fn(&Host, Format, &mut Payload) -> Result<LocalBoxFuture<'static, Answer>, Failure>;

type RunRaw = dyn Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure>;

impl Function {
    pub(crate) fn raw(function: impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static) -> Self {
        Self::Raw(Rc::new(function))
    }

    pub(crate) fn bytes(function: impl Fn(&mut Vec<u8>) -> Result<(), Thrown> + 'static) -> Self {
        Self::Bytes(Rc::new(move |bytes| function(bytes).map_err(Failure::threw)))
    }

    pub(crate) fn plain<Args, Kind, H>(handler: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        Self::Plain(Rc::new(move |host, format, payload, result| {
            let args = payload::decode_args(host, format, payload, None)?;
            let value = handler.call(args).into_result().map_err(Failure::threw)?;
            payload::encode_result(Some(host), &value, Format::Value, None, result)
        }))
    }

    pub(crate) fn typed<Args, T>(schema: fn() -> Schema, handler: impl Fn(Args) -> Result<T, Thrown> + 'static) -> Self
    where
        Args: DeserializeOwned,
        T: Serialize,
    {
        Self::Plain(Rc::new(move |host, format, payload, result| {
            let schema = schema();
            let args = payload::decode_args(host, format, payload, Some(schema))?;
            let value = handler(args).map_err(Failure::threw)?;
            payload::encode_result(Some(host), &value, format, Some(schema), result)
        }))
    }

    pub(crate) fn asynchronous<Args, Kind, H>(handler: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self::Async(Rc::new(move |host, format, payload| {
            let future = handler.call(payload::decode_args(host, format, payload, None)?);
            Ok(answering(host, async move { future.await.into_result() }, Format::Value, None))
        }))
    }

    /// A function that has no name and that the other end calls by its id.
    pub(super) fn applied<Args, Kind, H>(handler: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Reply<Kind>>,
    {
        Self::Plain(Rc::new(move |host, _, payload, result| {
            let args = payload::decode_applied(host, payload)?;
            let value = handler.call(args).into_result().map_err(Failure::threw)?;
            payload::encode_result(Some(host), &value, Format::Value, None, result)
        }))
    }

    pub(super) fn applied_async<Args, Kind, H>(handler: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self::Async(Rc::new(move |host, _, payload| {
            let future = handler.call(payload::decode_applied(host, payload)?);
            Ok(answering(host, async move { future.await.into_result() }, Format::Value, None))
        }))
    }

    pub(crate) fn typed_async<Args, T, F>(schema: fn() -> Schema, handler: impl Fn(Args) -> F + 'static) -> Self
    where
        Args: DeserializeOwned,
        T: Serialize + 'static,
        F: Future<Output = Result<T, Thrown>> + 'static,
    {
        Self::Async(Rc::new(move |host, format, payload| {
            let schema = schema();
            let future = handler(payload::decode_args(host, format, payload, Some(schema))?);
            Ok(answering(host, future, format, Some(schema)))
        }))
    }

    pub(crate) fn is_async(&self) -> bool {
        matches!(self, Self::Async(_))
    }
}

fn answering<T: Serialize + 'static>(
    host: &Host,
    future: impl Future<Output = Result<T, Thrown>> + 'static,
    format: Format,
    schema: Option<Schema>,
) -> LocalBoxFuture<'static, Answer> {
    let endpoint = host.handles.weak_endpoint();
    let answer = async move {
        let value = AssertUnwindSafe(future).catch_unwind().await;
        let value = value.map_err(|panic| Failure::panicked(&*panic))?.map_err(Failure::threw)?;
        let mut result = Payload::default();
        let endpoint = endpoint.and_then(|endpoint| endpoint.upgrade());
        let host = endpoint.as_ref().map(|endpoint| endpoint.host());
        let format = payload::encode_result(host, &value, format, schema, &mut result)?;
        Ok((format, result))
    };
    answer.boxed_local()
}
