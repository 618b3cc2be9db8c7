//! The functions that an end of a link serves, and what can be one.

use crate::Thrown;
use crate::payload::{self, DecodeError, EncodeError, Schema};
use crate::raw::RawReply;
use coincide_proto::{ErrorCode, Format};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

/// What can be registered as a function: a closure of up to eight arguments.
///
/// Each argument is of a type that serde can deserialize and that borrows nothing. What the closure returns is a [`Reply`].
pub trait Handler<Args>: 'static {
    /// What the closure returns.
    type Output;

    /// Calls the closure.
    fn call(&self, args: Args) -> Self::Output;
}

/// What a function may return: anything that serde can serialize, or a [`Result`] of such with [`Thrown`] as its error.
///
/// `Kind` is found by the compiler. A `Result` with another error type is sent as a value, not thrown.
pub trait Reply<Kind> {
    /// What is sent when the function has not thrown.
    type Value: Serialize + 'static;

    /// The value to send, or what to throw.
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

/// A result and its format, or why there is none.
pub(crate) type Answer = Result<(Format, Vec<u8>), Failure>;

/// Why a function gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The function threw: the bytes of a value.
    Threw(Vec<u8>),
    /// The function could not be run, or its result cannot be sent: the reason, for programs and in words.
    Refused(ErrorCode, String),
}

impl Failure {
    /// The value is written here and not where answers are sent: a program whose functions throw bytes has no use for the model of values.
    pub(crate) fn threw(thrown: Thrown) -> Self {
        let mut payload = Vec::new();
        thrown.encode(&mut payload);
        Self::Threw(payload)
    }

    /// The result can't be written.
    pub fn unsent(error: &EncodeError) -> Self {
        let code = if error.is_out_of_memory() { ErrorCode::OUT_OF_MEMORY } else { ErrorCode::BAD_RESULT };
        Self::Refused(code, error.to_string())
    }

    /// The arguments can't be read.
    pub fn unread(error: &DecodeError) -> Self {
        let code = if error.is_out_of_memory() { ErrorCode::OUT_OF_MEMORY } else { ErrorCode::BAD_ARGUMENTS };
        Self::Refused(code, error.to_string())
    }

    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        Self::Refused(ErrorCode::PANICKED, format!("the function panicked: {}", panic_message(panic)))
    }
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[derive(Clone)]
pub(crate) enum Function {
    /// Reads arguments from a payload, runs, and writes the result into a buffer.
    Plain(Rc<Run>),
    /// Finds bytes in the buffer and leaves bytes there.
    Bytes(Rc<RunOnBytes>),
    /// Reads arguments from a payload and begins.
    Async(Rc<Start>),
    /// Does either, as it finds out when it runs.
    Raw(Rc<RunRaw>),
}

type Run = dyn Fn(Format, &[u8], &mut Vec<u8>) -> Result<Format, Failure>;

type RunOnBytes = dyn Fn(&mut Vec<u8>) -> Result<(), Failure>;

type Start = dyn Fn(Format, &[u8]) -> Result<LocalBoxFuture<'static, Answer>, Failure>;

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
        Self::Plain(Rc::new(move |format, payload, result| {
            let args = payload::decode_args(format, payload, None)?;
            let value = handler.call(args).into_result().map_err(Failure::threw)?;
            payload::encode_result(&value, Format::Value, None, result)
        }))
    }

    pub(crate) fn typed<Args, T>(schema: fn() -> Schema, handler: impl Fn(Args) -> Result<T, Thrown> + 'static) -> Self
    where
        Args: DeserializeOwned,
        T: Serialize,
    {
        Self::Plain(Rc::new(move |format, payload, result| {
            let schema = schema();
            let args = payload::decode_args(format, payload, Some(schema))?;
            let value = handler(args).map_err(Failure::threw)?;
            payload::encode_result(&value, format, Some(schema), result)
        }))
    }

    pub(crate) fn asynchronous<Args, Kind, H>(handler: H) -> Self
    where
        Args: DeserializeOwned,
        H: Handler<Args, Output: Future<Output: Reply<Kind>> + 'static>,
    {
        Self::Async(Rc::new(move |format, payload| {
            let future = handler.call(payload::decode_args(format, payload, None)?);
            Ok(answering(async move { future.await.into_result() }, Format::Value, None))
        }))
    }

    pub(crate) fn typed_async<Args, T, F>(schema: fn() -> Schema, handler: impl Fn(Args) -> F + 'static) -> Self
    where
        Args: DeserializeOwned,
        T: Serialize + 'static,
        F: Future<Output = Result<T, Thrown>> + 'static,
    {
        Self::Async(Rc::new(move |format, payload| {
            let schema = schema();
            let future = handler(payload::decode_args(format, payload, Some(schema))?);
            Ok(answering(future, format, Some(schema)))
        }))
    }

    pub(crate) fn is_async(&self) -> bool {
        matches!(self, Self::Async(_))
    }
}

fn answering<T: Serialize + 'static>(
    future: impl Future<Output = Result<T, Thrown>> + 'static,
    format: Format,
    schema: Option<Schema>,
) -> LocalBoxFuture<'static, Answer> {
    let answer = async move {
        let value = AssertUnwindSafe(future).catch_unwind().await;
        let value = value.map_err(|panic| Failure::panicked(&*panic))?.map_err(Failure::threw)?;
        let mut result = Vec::new();
        let format = payload::encode_result(&value, format, schema, &mut result)?;
        Ok((format, result))
    };
    answer.boxed_local()
}
