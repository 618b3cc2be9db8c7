//! Hostile bytes: errors instead of panics, memory proportional to the bytes received, and bounded work.

mod cost;
mod counting;
mod nesting;
mod random;
mod sharing;

use coincide_codec::shared::Segments;
use coincide_codec::value::{
    Item as Read, MAX_DEPTH, Reader, args_from_payload, args_from_slice, from_payload, from_slice,
};
use coincide_codec::{ByteBuf, DecodeErrorKind, SharedBytes, Value, schema, typed};
use counting::peak_of;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock};

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Item {
    name: String,
    count: Option<i32>,
    #[serde(default)]
    data: ByteBuf,
    #[serde(default)]
    kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Kind {
    Unit,
    Newtype(f64),
    Tuple(u8, char),
    Struct { wide: u128, value: Option<Value> },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code)]
enum Any {
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Nest(Vec<Nest>);

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Flattened {
    id: u8,
    #[serde(flatten)]
    rest: HashMap<String, Vec<u16>>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct List {
    next: Option<Box<List>>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Tree {
    Leaf,
    Newtype(Box<Tree>),
    Tuple(u8, Box<Tree>),
    Struct { inner: Box<Tree> },
    Map(BTreeMap<u8, Tree>),
    Pair(Box<(Tree, String)>),
    Optional(Option<Box<Tree>>),
}

/// Upper bound on the items that any payload here may decode to.
const MOST_DECODED: usize = 64 << 20;

thread_local! {
    /// Number of `Leaves` and `Nothing` that were decoded.
    static DECODED: Cell<usize> = const { Cell::new(0) };
}

/// Number of items that `decode` decodes.
fn decoded_by(decode: impl FnOnce()) -> usize {
    DECODED.set(0);
    decode();
    DECODED.get()
}

/// A value without bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        DECODED.set(DECODED.get() + 1);
        Ok(Self)
    }
}

/// Visits all numbers in arrays and keeps none.
#[derive(Debug)]
struct Leaves;

impl<'de> Deserialize<'de> for Leaves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Leaves)
    }
}

impl<'de> Visitor<'de> for Leaves {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or an array")
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        DECODED.set(DECODED.get() + 1);
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
}

/// A type that doesn't contain itself.
type Flat = (Option<String>, Vec<(u8, ByteBuf)>, BTreeMap<char, [i64; 2]>, Result<bool, u128>, Value);

/// Decodes bytes as various types. Bytes that are a value must be one in every way.
fn feed(bytes: &[u8]) {
    let value = Value::decode(bytes);
    let skipped = from_slice::<IgnoredAny>(bytes);
    match &value {
        Ok(value) => {
            skipped.expect("a value can be skipped");
            let mut again = Vec::new();
            value.encode(&mut again).expect("a decoded value can be encoded");
            assert!(Value::decode(&again).expect("the encoding can be decoded").same(value));
            assert!(from_slice::<Value>(bytes).expect("serde decodes the same value").same(value));
        }
        Err(error) => {
            assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{error}");
            assert!(from_slice::<Value>(bytes).is_err());
        }
    }
    // Bytes that are valid for serde are valid for `Value`.
    let agree = |result: Result<(), coincide_codec::DecodeError>| {
        assert!(result.is_err() || value.is_ok(), "{:?} of {bytes:02x?}", value.as_ref().err());
    };
    agree(from_slice::<Any>(bytes).map(drop));
    agree(from_slice::<Vec<String>>(bytes).map(drop));
    agree(from_slice::<HashMap<String, f64>>(bytes).map(drop));
    agree(from_slice::<BTreeMap<Vec<i8>, Kind>>(bytes).map(drop));
    agree(from_slice::<ByteBuf>(bytes).map(drop));
    agree(from_slice::<Vec<f32>>(bytes).map(drop));
    agree(from_slice::<Option<Nest>>(bytes).map(drop));
    agree(from_slice::<(Value, Option<Value>)>(bytes).map(drop));
    agree(args_from_slice::<(Any, Option<Kind>, Option<char>)>(bytes).map(drop));
    // These skip unknown properties.
    let _ = from_slice::<Item>(bytes);
    let _ = from_slice::<Vec<Item>>(bytes);
    let _ = from_slice::<Flattened>(bytes);
    feed_segments(bytes);
    let mut reader = Reader::new(bytes);
    while reader.item().is_ok() {
        let _ = Reader::new(&bytes[reader.position()..]).key();
    }
}

/// Splits the bytes into segments at positions that depend on them. The decoded value is the same as without segments.
fn feed_segments(bytes: &[u8]) {
    let (mut head, mut segments, mut rest) = (Vec::new(), Segments::new(), bytes);
    while let Some((byte, tail)) = rest.split_first() {
        head.push(*byte);
        rest = tail;
        let length = usize::from(byte & 0x1f);
        if length > 0 && length <= tail.len() && (tail.len() + bytes.len()).is_multiple_of(3) {
            let (content, tail) = tail.split_at(length);
            segments.push((head.len()..head.len(), Some(Arc::new(content.to_vec()))));
            rest = tail;
        }
    }
    if let Ok(value) = from_payload::<Value>(&head, &mut segments.clone()) {
        assert!(Value::decode(bytes).is_ok_and(|whole| whole.same(&value)));
    }
    if let Ok(value) = from_payload::<Any>(&head, &mut segments.clone()) {
        drop(value);
        assert!(from_slice::<Any>(bytes).is_ok());
    }
    let _ = from_payload::<(Value, Option<SharedBytes>, ByteBuf)>(&head, &mut segments.clone());
    let _ = args_from_payload::<(String, Item)>(&head, &mut segments.clone());
}

fn feed_typed(bytes: &[u8]) {
    let schema = schema::hash_of::<Flat>();
    let _ = typed::from_slice::<Flat>(bytes, schema);
    let bytes = [&schema.to_le_bytes(), bytes].concat();
    let _ = typed::from_slice::<Flat>(&bytes, schema);
    let _ = typed::from_slice::<Vec<Flat>>(&bytes, schema);
    let _ = typed::from_slice::<HashMap<String, Kind>>(&bytes, schema);
    let _ = typed::from_slice::<(Nest, Vec<()>, Tree, List)>(&bytes, schema);
}

#[test]
fn vectors_stay_within_the_memory_bound() {
    SEEDS.iter().for_each(|bytes| {
        feed(bytes);
        bounded(bytes);
    });
}

/// Stack in bytes of a thread that reads the deepest values. Without optimization it needs more.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };

/// Maximum memory in bytes of decoding, for each byte received. The shortest items have one byte and become a `Value`
/// each. While a list of them doubles its capacity, the old and the new one exist, and little more than half of the new one is used.
const MOST_PER_BYTE: usize = 3 * size_of::<Value>() + 8;

/// Memory in bytes that the levels of a `Value` may reserve for missing pairs.
const MOST_UNREAD: usize = MAX_DEPTH * 64 * 2 * size_of::<Value>();

/// Bytes that other types may read again because of shared objects.
const SHARED_READ: usize = 64 << 20;

fn bounded(bytes: &[u8]) {
    bounded_value(bytes);
    let allowed = MOST_PER_BYTE * bytes.len() + 4096;
    let check = |name: &str, peak: usize| assert!(peak <= allowed, "{name}: {peak} bytes for {}", bytes.len());
    check("stepping over", peak_of(|| drop(from_slice::<IgnoredAny>(bytes))));
    if bytes.contains(&0x9e) {
        return;
    }
    check("Vec<String>", peak_of(|| drop(from_slice::<Vec<String>>(bytes))));
    check("Vec<Vec<u64>>", peak_of(|| drop(from_slice::<Vec<Vec<u64>>>(bytes))));
    check("HashMap", peak_of(|| drop(from_slice::<HashMap<String, f64>>(bytes))));
    check("BTreeMap", peak_of(|| drop(from_slice::<BTreeMap<u64, Vec<u8>>>(bytes))));
    check("Nest", peak_of(|| drop(from_slice::<Nest>(bytes))));
    check("ByteBuf", peak_of(|| drop(from_slice::<ByteBuf>(bytes))));
}

fn bounded_value(bytes: &[u8]) {
    let allowed = MOST_PER_BYTE * bytes.len() + MOST_UNREAD + 4096;
    let peak = peak_of(|| drop(Value::decode(bytes)));
    assert!(peak <= allowed, "Value: {peak} bytes for {}", bytes.len());
    let peak = peak_of(|| drop(from_slice::<Value>(bytes)));
    assert!(peak <= allowed, "Value by way of serde: {peak} bytes for {}", bytes.len());
}

/// The valid values of the vectors.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let text = include_str!("../../../proto/vectors/values.json");
    let bytes = text.lines().filter_map(|line| line.rsplit_once("\"bytes\": \"")?.1.strip_suffix("\"},"));
    let seeds: Vec<_> = bytes.map(from_hex).filter(|bytes| Value::decode(bytes).is_ok()).collect();
    assert!(seeds.len() > 200, "the vectors have one case a line, and their bytes last");
    seeds
});

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
