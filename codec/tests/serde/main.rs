//! Types of serde's data model to the value format and back.

mod arguments;
mod attributes;
mod borrowing;
mod conversions;
mod embedded_values;
mod errors;
mod mapping;
mod nesting;
mod visitors;

use coincide_codec::value::{
    self, BigInt, ErrorValue, HandleKind, PropertyKey, RefKind, RefOwner, Symbol, ViewKind, args_from_slice,
    args_to_buf, from_slice, to_buf, to_vec,
};
use coincide_codec::{ByteBuf, Bytes, DecodeErrorKind, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::rc::Rc;
use std::time::Duration;

/// Encodes `input`, which must become exactly `value`, and decodes it again.
#[track_caller]
fn becomes<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: T, value: Value) {
    let bytes = to_vec(&input).expect("the input can be encoded");
    assert_eq!(Value::decode(&bytes).expect("encoded bytes are a value"), value, "as a value");
    assert!(through_serde(&value).same(&value), "the value is encoded as by serde");
    assert_eq!(bytes, encode(&value), "the bytes match the value");
    assert_eq!(from_slice::<T>(&bytes).expect("encoded bytes can be decoded"), input, "back from bytes");
}

fn through_serde(value: &Value) -> Value {
    from_slice(&to_vec(value).expect("a value is serializable")).expect("a value is deserializable")
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("the value is valid");
    bytes
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(value: Value, expected: T) {
    assert_eq!(from_slice::<T>(&encode(&value)).expect("the type accepts the value"), expected);
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug>(value: Value, message: &str) {
    let error = from_slice::<T>(&encode(&value)).expect_err("it is of another type");
    assert_eq!(error.to_string(), message);
    assert!(matches!(error.kind(), DecodeErrorKind::Mismatch(_)), "{error:?}");
}

fn number(number: f64) -> Value {
    Value::Number(number)
}

fn bigint(text: &str) -> Value {
    Value::BigInt(text.parse().expect("an integer"))
}

fn array(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(items.into_iter().collect())
}

fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    Value::Object(properties.map(|(key, value)| (key.into(), value)).into())
}

fn text(text: &str) -> Value {
    text.into()
}

fn view(kind: ViewKind, bytes: &[u8]) -> Value {
    let len = bytes.len() as u64 / kind.element_size();
    view_at(kind, Value::Buffer { bytes: bytes.into(), max: None }, 0, Some(len))
}

fn view_at(kind: ViewKind, buffer: Value, offset: u64, len: Option<u64>) -> Value {
    Value::View { kind, buffer: Box::new(buffer), offset, len }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u8);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    name: String,
    count: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Option<u8>),
    Tuple(u8, bool),
    Struct { item: Item, list: Vec<Kind> },
    Empty {},
}

fn item(name: &str, count: u32) -> Item {
    Item { name: name.into(), count }
}

fn item_value(name: &str, count: u32) -> Value {
    object([("name", text(name)), ("count", count.into())])
}
