//! Where protocol and codec meet: arguments and results as payloads.

use super::error::CallError;
use super::failure::Failure;
use super::handles;
use super::host::Host;
use super::local::Local;
use super::operation::Applied;
use coincide_codec::{DecodeError, DecodeErrorKind, EncodeError, schema, typed, value};
use coincide_proto::{ErrorCode, Format, Payload, Segment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// Arguments of a call: a tuple of up to eight values that serde can serialize, such as `("PyScript",)` or `()`.
#[diagnostic::on_unimplemented(
    message = "arguments are a tuple of values that serde can serialize, and `{Self}` is not one",
    label = "write a tuple: `(argument,)` for one argument, `()` for none"
)]
pub trait Args: Serialize {
    /// Whether the tuple is empty: serde serializes `()` as a unit, not as a list.
    #[doc(hidden)]
    const NONE: bool = false;
}

impl Args for () {
    const NONE: bool = true;
}

macro_rules! args {
    ($($argument:ident)*) => {
        impl<$($argument: Serialize),*> Args for ($($argument,)*) {}
    };
}

args!(A);
args!(A B);
args!(A B C);
args!(A B C D);
args!(A B C D E);
args!(A B C D E F);
args!(A B C D E F G);
args!(A B C D E F G H);

/// Hash of the types of a function of a typed interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema(u64);

impl Schema {
    /// Computes the hash of a function with these arguments and this result.
    #[doc(hidden)]
    pub fn of<A: DeserializeOwned, R: DeserializeOwned>() -> Self {
        Self(handles::shaping(schema::hash_of::<(A, R)>))
    }
}

/// Appends arguments. They are typed if there is a schema and they contain no functions or streams; otherwise they are self-describing. Without a
/// host, functions and streams are refused.
pub(crate) fn encode_args<A: Serialize>(
    host: Option<&Host>,
    args: &A,
    schema: Option<Schema>,
    payload: &mut Payload,
) -> Result<Format, EncodeError> {
    if let Some(written) = encode_typed(args, schema, payload) {
        return written;
    }
    let Payload { head, segments, .. } = payload;
    writing(host, || value::args_to_payload(args, head, segments)).map(|()| Format::Value)
}

/// Appends the arguments of a call whose worker is not known yet. Also returns the functions and streams in them, which are counted when the call is
/// sent.
pub(crate) fn encode_args_for_pool<A: Serialize>(
    args: &A,
    schema: Option<Schema>,
    payload: &mut Payload,
) -> Result<(Format, Vec<Rc<Local>>), EncodeError> {
    if let Some(written) = encode_typed(args, schema, payload) {
        return written.map(|format| (format, Vec::new()));
    }
    let Payload { head, segments, .. } = payload;
    let (written, given) = handles::writing_for_pool(|| value::args_to_payload(args, head, segments));
    written.map(|()| (Format::Value, given))
}

/// Reads the arguments of a function that is served with `schema` if it belongs to a typed interface.
pub(crate) fn decode_args<A: DeserializeOwned>(
    host: &Host,
    format: Format,
    payload: &mut Payload,
    schema: Option<Schema>,
) -> Result<A, Failure> {
    let refuse = |code, text| Err(Failure::Refused(code, text));
    let code = |error: &DecodeError| match error.kind() {
        DecodeErrorKind::Schema { .. } => ErrorCode::SCHEMA_MISMATCH,
        DecodeErrorKind::OutOfMemory => ErrorCode::OUT_OF_MEMORY,
        _ => ErrorCode::BAD_ARGUMENTS,
    };
    match (format, schema) {
        (Format::Value, _) => {
            let (head, segments) = parts(payload);
            host.handles
                .reading(head, segments, |segments| value::args_from_payload(head, segments))
                .or_else(|error| refuse(code(&error), error.to_string()))
        }
        (Format::Typed, Some(Schema(hash))) => {
            let (head, segments) = parts(payload);
            typed::from_payload(head, segments, hash).or_else(|error| refuse(code(&error), error.to_string()))
        }
        (Format::Typed, None) => {
            let text = "the function belongs to no typed interface: call it by its name";
            refuse(ErrorCode::SCHEMA_MISMATCH, text.into())
        }
        (Format::Bytes | Format::Text, _) => {
            let text = "the function takes values, not bytes: call it without `call_bytes`";
            refuse(ErrorCode::BAD_ARGUMENTS, text.into())
        }
    }
}

/// Reads the arguments of a function in an operation that calls it.
pub(crate) fn decode_applied<A: DeserializeOwned>(host: &Host, payload: &mut Payload) -> Result<A, Failure> {
    let (head, segments) = parts(payload);
    let read = host.handles.reading(head, segments, |segments| value::from_payload(head, segments));
    read.map(|Applied(args)| args).map_err(|error| match Failure::unread(&error) {
        // The path begins with the place of the arguments in the operation.
        Failure::Refused(code, text) => {
            Failure::Refused(code, text.strip_prefix("[3]").map_or_else(|| text.clone(), |rest| format!("args{rest}")))
        }
        threw => threw,
    })
}

/// Appends a result in the format of the arguments, or in the self-describing format if it contains functions or streams.
pub(crate) fn encode_result<T: Serialize>(
    host: Option<&Host>,
    value: &T,
    format: Format,
    schema: Option<Schema>,
    payload: &mut Payload,
) -> Result<Format, Failure> {
    let schema = schema.filter(|_| format == Format::Typed);
    let encoded = encode_typed(value, schema, payload).unwrap_or_else(|| {
        let Payload { head, segments, .. } = payload;
        writing(host, || value::to_payload(value, head, segments)).map(|()| Format::Value)
    });
    encoded.map_err(|error| Failure::unsent(&error))
}

/// Reports why a value cannot be sent in a result.
pub(crate) fn can_encode<T: Serialize>(host: Option<&Host>, value: &T) -> Result<(), EncodeError> {
    let mut scratch = Payload::default();
    let Payload { head, segments, .. } = &mut scratch;
    writing(host, || value::to_payload(value, head, segments))?;
    if let Some(host) = host {
        host.handles.take_back(&host.handles.take_written());
    }
    Ok(())
}

/// Reads the result of a call that was made with `schema` if it was typed.
pub(crate) fn decode_result<R: DeserializeOwned>(
    host: Option<&Host>,
    function: &str,
    format: Format,
    payload: &mut Payload,
    schema: Option<Schema>,
) -> Result<R, CallError> {
    let (head, segments) = parts(payload);
    let result = match (format, schema) {
        (Format::Typed, Some(Schema(hash))) => typed::from_payload(head, segments, hash),
        (Format::Value, _) => match host {
            Some(host) => host.handles.reading(head, segments, |segments| value::from_payload(head, segments)),
            None => value::from_payload(head, segments),
        },
        _ => Err(DecodeError::mismatch("the other end answered in a format that was not asked for")),
    };
    result.map_err(|source| CallError::result(function, source))
}

/// The bytes of the result of a call of bytes.
pub(crate) fn bytes(host: &Host, function: &str, (format, payload): (Format, Payload)) -> Result<Vec<u8>, CallError> {
    if format == Format::Bytes {
        return whole(host, function, payload);
    }
    host.release_unread(format, &payload);
    let source = DecodeError::mismatch("the function gives a value, not bytes: call it without `call_bytes`");
    Err(CallError::result(function, source))
}

/// The bytes of a result in one buffer.
pub(crate) fn whole(host: &Host, function: &str, mut payload: Payload) -> Result<Vec<u8>, CallError> {
    match host.join(&mut payload) {
        Ok(bytes) => Ok(std::mem::take(bytes)),
        Err(error) => Err(CallError::result(function, error)),
    }
}

/// Appends a value in the typed format. `None`: there is no schema, or the value contains functions or streams.
fn encode_typed<T: Serialize>(
    value: &T,
    schema: Option<Schema>,
    payload: &mut Payload,
) -> Option<Result<Format, EncodeError>> {
    let Schema(hash) = schema?;
    let Payload { head, segments, .. } = payload;
    let written = handles::without_handles(|| typed::to_payload(value, hash, head, segments))?;
    Some(written.map(|()| Format::Typed))
}

/// Writes a value that may contain functions and streams if there is a host.
fn writing<T>(host: Option<&Host>, write: impl FnOnce() -> Result<T, EncodeError>) -> Result<T, EncodeError> {
    match host {
        Some(host) => host.handles.writing(write),
        None => write(),
    }
}

/// The head of a payload, and its segments.
pub(crate) fn parts(payload: &mut Payload) -> (&[u8], &mut [Segment]) {
    (&payload.head, payload.segments.as_mut().map_or(&mut [], |segments| &mut segments[..]))
}
