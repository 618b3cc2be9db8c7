//! Bytes from a stranger: errors, but no panics, no memory beyond a multiple of what has arrived, no work without end.

use coincide_codec::shared::Segments;
use coincide_codec::value::{
    Item as Read, MAX_DEPTH, Reader, args_from_payload, args_from_slice, from_payload, from_slice,
};
use coincide_codec::{ByteBuf, DecodeErrorKind, SharedBytes, Value, schema, typed};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::alloc::{GlobalAlloc, Layout, System};
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

/// More items than any payload here may cause to be decoded.
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

/// Walks over all numbers in arrays and keeps none.
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

/// Decodes bytes as all sorts of things. What is a value must be one in every way.
fn feed(bytes: &[u8]) {
    let value = Value::decode(bytes);
    let skipped = from_slice::<IgnoredAny>(bytes);
    match &value {
        Ok(value) => {
            skipped.expect("what is a value can be stepped over");
            let mut again = Vec::new();
            value.encode(&mut again).expect("what was decoded can be encoded");
            assert!(Value::decode(&again).expect("and decoded again").same(value));
            assert!(from_slice::<Value>(bytes).expect("serde sees the same").same(value));
        }
        Err(error) => {
            assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{error}");
            assert!(from_slice::<Value>(bytes).is_err());
        }
    }
    // What breaks no rule for serde breaks none for `Value`.
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
    // These step over what nobody asked for.
    let _ = from_slice::<Item>(bytes);
    let _ = from_slice::<Vec<Item>>(bytes);
    let _ = from_slice::<Flattened>(bytes);
    feed_segments(bytes);
    let mut reader = Reader::new(bytes);
    while reader.item().is_ok() {
        let _ = Reader::new(&bytes[reader.position()..]).key();
    }
}

/// Cuts the bytes at places that depend on them. What is read is what is read without segments.
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        feed(&bytes);
        feed_typed(&bytes);
    }

    #[test]
    fn any_tags(items in vec(tag(), 0..60)) {
        feed(&items.concat());
    }

    #[test]
    fn mutated_values(seed: prop::sample::Index, changes in vec(change(), 0..4)) {
        let mut bytes = SEEDS[seed.index(SEEDS.len())].clone();
        for change in changes {
            change.apply(&mut bytes);
        }
        feed(&bytes);
    }

    #[test]
    fn mutated_typed(
        text: Option<String>,
        pairs in vec(any::<(u8, Vec<u8>)>(), 0..4),
        changes in vec(change(), 0..4),
    ) {
        let pairs: Vec<_> = pairs.into_iter().map(|(number, bytes)| (number, ByteBuf::from(bytes))).collect();
        let flat: Flat = (text, pairs, BTreeMap::from([('a', [1, -1])]), Err(5), Value::Array(vec![Value::Null]));
        let mut bytes = Vec::new();
        typed::to_buf(&flat, 0, &mut bytes).expect("postcard takes it");
        let mut bytes = bytes.split_off(8);
        for change in changes {
            change.apply(&mut bytes);
        }
        feed_typed(&bytes);
    }
}

proptest! {
    #[test]
    fn memory_is_a_multiple_of_what_has_arrived(items in vec(tag(), 0..100), changes in vec(change(), 0..3)) {
        let mut bytes = items.concat();
        for change in changes {
            change.apply(&mut bytes);
        }
        bounded(&bytes);
    }
}

#[test]
fn the_vectors_are_no_trouble() {
    SEEDS.iter().for_each(|bytes| {
        feed(bytes);
        bounded(bytes);
    });
}

#[test]
fn a_reader_stops_at_what_is_no_item() {
    let mut reader = Reader::new(&[0x61, 0x9f, 0x00]);
    assert_eq!(reader.item(), Ok(Read::Array(1)));
    assert!(reader.item().is_err());
}

#[test]
fn nesting_without_end_is_refused() {
    const MANY: usize = 1_000_000;
    let of = |unit: &[u8]| unit.repeat(MANY / unit.len());
    let shapes = [
        of(&[0x61]),
        [vec![0x71, 0x00, 0x41, b'a'], of(&[0x71, 0x01])].concat(),
        of(&[0x92, 0x01]),
        of(&[0x92, 0x01, 0x00]),
        of(&[0x93, 0x01]),
        of(&[0x94, 0x01, 0x00, 0x40, 0x40, 0x40]),
        of(&[0x94, 0x00, 0x01, 0x40, 0x40, 0x40, 0x00, 0x40]),
        of(&[0x95]),
        of(&[0x99, 0x02, 0x00, 0x01]),
        of(&[0x62, 0x84]),
    ];
    for bytes in shapes {
        assert!(Value::decode(&bytes).is_err());
        assert!(from_slice::<Value>(&bytes).is_err());
        assert!(from_slice::<IgnoredAny>(&bytes).is_err());
        assert!(from_slice::<Nest>(&bytes).is_err());
        assert!(from_slice::<Any>(&bytes).is_err());
        assert!(from_slice::<Item>(&bytes).is_err());
        assert!(from_slice::<HashMap<String, Any>>(&bytes).is_err());
    }
}

#[test]
fn typed_nesting_without_end_is_refused() {
    fn refused<T: for<'de> Deserialize<'de>>(unit: &'static [u8]) {
        let read = move || {
            let bytes = [&[0; 8], &unit.repeat(1_000_000 / unit.len())[..]].concat();
            typed::from_slice::<T>(&bytes, 0).map(drop).expect_err("it has no end")
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(read).expect("there can be one more thread");
        let error = thread.join().expect("it doesn't panic").to_string();
        assert_eq!(error, "malformed payload: values are nested deeper than 256 levels");
    }
    refused::<Nest>(&[1]);
    refused::<Nest>(&[0xff, 0x7f]);
    refused::<List>(&[1]);
    for unit in [&[1][..], &[2, 0], &[3], &[4, 1, 0], &[5], &[6, 1]] {
        refused::<Tree>(unit);
    }
}

#[test]
fn stepping_over_does_not_nest() {
    // A complete value that is deeper than a `Value` may be, of each sort that nests.
    const MANY: usize = 100_000;
    let shapes = [
        [[0x61].repeat(MANY), vec![0x80]].concat(),
        [vec![0x71, 0x00, 0x41, b'a'], [0x71, 0x01].repeat(MANY), vec![0x80]].concat(),
        [[0x94, 0x01, 0x00, 0x40, 0x40, 0x40].repeat(MANY), vec![0x80]].concat(),
        [[0x95].repeat(MANY), vec![0x80]].concat(),
    ];
    for bytes in shapes {
        assert!(from_slice::<IgnoredAny>(&bytes).is_ok(), "depth may be left unchecked there");
        assert!(Value::decode(&bytes).is_err());
        bounded(&bytes);
    }
}

#[test]
fn announcements_cost_nothing() {
    let mut lengths = vec![];
    for length in [1_u64 << 20, 1 << 32, 1 << 60, (1 << 60) + 1, 1 << 63, u64::MAX] {
        lengths.push(varint(length));
    }
    let tags: [&[u8]; 16] = [
        &[0x88],
        &[0x89],
        &[0x8a],
        &[0x8b],
        &[0x8c, 0x8a],
        &[0x90],
        &[0x91],
        &[0x92],
        &[0x93],
        &[0x94, 0x00],
        &[0x96],
        &[0x97, 0x7f],
        &[0x98],
        &[0x9a, 0x40],
        &[0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x9c, 0x00, 0x00, 0x44, b's', b'r', b'g', b'b'],
    ];
    for (tag, length) in tags.iter().flat_map(|tag| lengths.iter().map(move |length| (tag, length))) {
        for around in [&[][..], &[0x61], &[0x71, 0x00, 0x41, b'a']] {
            let bytes = [around, tag, length, &[0; 16]].concat();
            let peak = peak_of(|| {
                assert!(Value::decode(&bytes).is_err());
                assert!(from_slice::<Vec<String>>(&bytes).is_err());
                assert!(from_slice::<HashMap<String, String>>(&bytes).is_err());
                assert!(from_slice::<ByteBuf>(&bytes).is_err());
                assert!(from_slice::<Any>(&bytes).is_err());
                assert!(from_slice::<IgnoredAny>(&bytes).is_err());
            });
            assert!(peak < 4096, "{peak} bytes for {bytes:02x?}");
        }
    }
    for length in &lengths {
        let bytes = [&[0; 8], &length[..], &[1; 16]].concat();
        let peak = peak_of(|| {
            assert!(typed::from_slice::<String>(&bytes, 0).is_err());
            assert!(typed::from_slice::<ByteBuf>(&bytes, 0).is_err());
            assert!(typed::from_slice::<Vec<u64>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<HashMap<u8, String>>(&bytes, 0).is_err());
        });
        assert!(peak < 4096, "{peak} bytes for typed {length:02x?}");
        let decoded = decoded_by(|| {
            assert!(typed::from_slice::<Vec<Nothing>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<HashMap<Nothing, Nothing>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<Vec<Vec<[Nothing; 4]>>>(&[&[0; 8], &[1][..], length].concat(), 0).is_err());
        });
        assert!(decoded < MOST_DECODED, "{decoded} items for typed {length:02x?}");
    }
    // Each announces what could be there if its elements took no bytes.
    let nested = [&[0; 8], &varint(65_000).repeat(MAX_DEPTH)[..]].concat();
    let peak = peak_of(|| assert!(typed::from_slice::<Nest>(&nested, 0).is_err()));
    assert!(peak < 4096 + MAX_DEPTH * 4 * size_of::<Nest>(), "{peak} bytes");
    // And as many as bytes are left, over and over.
    let list = [&[0; 8], &varint(300_000)[..], &varint(300_000).repeat(300_000)].concat();
    let decoded = decoded_by(|| assert!(typed::from_slice::<Vec<Vec<Nothing>>>(&list, 0).is_err()));
    assert!(decoded < MOST_DECODED, "{decoded} items for {} bytes", list.len());
}

#[test]
fn announcements_within_one_another_cost_no_more_than_what_has_arrived() {
    // Each level announces as much as could be there, and it is there, but for the innermost level only.
    for (len, announcement) in [(20_000, vec![0x90, 0x90, 0x4e]), (20_000, vec![0x93, 0x90, 0x4e])] {
        bounded(&[announcement.repeat(MAX_DEPTH), vec![0x60; len]].concat());
    }
    let map = [0x92, 0x88, 0x27];
    bounded(&[map.repeat(MAX_DEPTH), vec![0x00; 10_000]].concat());
    let object = [vec![0x71, 0x00, 0x40], [0x91, 0x88, 0x27, 0x01].repeat(MAX_DEPTH), vec![0x01; 10_000]].concat();
    bounded(&object);
}

#[test]
fn the_smallest_items_cost_the_most() {
    // One more than a list has room for after it has doubled it.
    const LEN: usize = 32_769;
    let list = |unit: &[u8], tag: u8| [&[tag][..], &varint(LEN as u64), &unit.repeat(LEN)].concat();
    for unit in [&[0x00][..], &[0x40], &[0x60], &[0x70], &[0x95, 0x00], &[0x94, 0, 0, 0x40, 0x40, 0x40]] {
        bounded(&list(unit, 0x90));
        bounded(&list(unit, 0x93));
        bounded(&list(&unit.repeat(2), 0x92));
    }
    bounded(&list(&[0x99, 0x02, 0x00, 0x01, 0x96, 0x00], 0x90));
    bounded(&list(&[0x61, 0x60], 0x90));
    bounded(&list(&[0x71, 0x00, 0x40, 0x60], 0x90));
    bounded(&[&[0x91][..], &varint(LEN as u64), &[0x00, 0x40, 0x00], &[0x01, 0x00].repeat(LEN - 1)].concat());
}

#[test]
fn laughs_by_the_billion_end() {
    // Each array has the one before it ten times; `Value` keeps it that way.
    let mut bytes = vec![0x90, 20, 0x6a];
    bytes.extend([0x00; 10]);
    for level in 1..20 {
        bytes.push(0x6a);
        bytes.extend([0x9e, level].repeat(10));
    }
    let value = Value::decode(&bytes).expect("it is a value");
    let mut again = Vec::new();
    value.encode(&mut again).expect("as before");
    assert_eq!(again, bytes);
    bounded_value(&bytes);

    assert!(from_slice::<Vec<IgnoredAny>>(&bytes).is_ok(), "nothing is copied");
    let decoded = decoded_by(|| {
        let error = from_slice::<Leaves>(&bytes).expect_err("they would be 10^20").to_string();
        assert!(error.ends_with("too many objects are shared: decode it as a `Value`"), "{error}");
    });
    assert!(decoded < MOST_DECODED, "{decoded} items for {} bytes", bytes.len());
    assert!(from_slice::<Any>(&bytes).is_err());
}

#[test]
fn cycles_end() {
    let cycles: [&[u8]; 8] = [
        &[0x61, 0x9e, 0x00],
        &[0x62, 0x61, 0x9e, 0x00, 0x9e, 0x01],
        &[0x71, 0x00, 0x41, b'a', 0x9e, 0x00],
        &[0x92, 0x01, 0x9e, 0x00, 0x9e, 0x00],
        &[0x92, 0x01, 0x40, 0x9e, 0x00],
        &[0x93, 0x01, 0x9e, 0x00],
        &[0x94, 0x01, 0x00, 0x40, 0x40, 0x40, 0x9e, 0x00],
        &[
            0x6f, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0,
            0x9e, 0, 0x9e, 0, 0x9e, 0, 0x9e, 0,
        ],
    ];
    for bytes in cycles {
        assert!(Value::decode(bytes).is_ok() && from_slice::<IgnoredAny>(bytes).is_ok());
        assert!(from_slice::<Nest>(bytes).is_err());
        assert!(from_slice::<Any>(bytes).is_err());
        assert!(from_slice::<BTreeMap<String, Any>>(bytes).is_err());
        assert!(from_slice::<(Nest,)>(bytes).is_err());
        assert!(from_slice::<Item>(bytes).is_err());
    }
    let error = from_slice::<Nest>(cycles[0]).unwrap_err().to_string();
    assert!(error.ends_with("nested too deep, or one contains itself: decode it as a `Value`"), "{error}");
    // A view whose buffer is itself, by way of either.
    assert!(from_slice::<ByteBuf>(&[0x99, 0x02, 0x00, 0x01, 0x9e, 0x00]).is_err());
    assert!(from_slice::<Vec<ByteBuf>>(&[0x61, 0x99, 0x02, 0x00, 0x01, 0x9e, 0x01]).is_err());
}

#[test]
fn a_large_object_that_is_shared_often_is_not_copied_without_end() {
    // 32 KiB, and then the same again by each two bytes.
    let mut bytes = vec![0x90];
    bytes.extend(varint(16_385));
    bytes.push(0x98);
    bytes.extend(varint(32_768));
    bytes.extend([7; 32_768]);
    bytes.extend([0x9e, 0x01].repeat(16_384));
    bounded_value(&bytes);
    let mut error = None;
    let peak = peak_of(|| error = from_slice::<Vec<Vec<u8>>>(&bytes).err());
    assert!(error.expect("that is too often").to_string().ends_with("decode it as a `Value`"));
    assert!(peak < SHARED_READ, "{peak} bytes");
}

#[test]
fn looking_up_shared_objects_reads_each_of_them_only() {
    // A large payload with many shared references to small objects: going through all of it for each would exceed any budget.
    let each = |count: usize| {
        let mut bytes = vec![0x90];
        bytes.extend(varint(2 * count as u64));
        bytes.extend([0x71, 0x00, 0x41, b'a', 0x07]);
        bytes.extend([0x71, 0x01, 0x08].repeat(count - 1));
        for number in 1..=count as u64 {
            bytes.push(0x9e);
            bytes.extend(varint(number));
        }
        bytes
    };
    for count in [100, 1000, 100_000] {
        let list = from_slice::<Vec<BTreeMap<String, u8>>>(&each(count)).expect("each is read once more");
        let value = |at: usize| list[at]["a"];
        assert_eq!((list.len(), value(0), value(1), value(count), value(2 * count - 1)), (2 * count, 7, 8, 7, 8));
    }
}

#[test]
fn shared_objects_have_the_keys_that_were_there_before_them() {
    // {"a": {"b": 1}}, and the inner object again after a key that came later; more keys than have a place in a table.
    let mut bytes = vec![0x63, 0x71, 0x00, 0x41, b'a', 0x71, 0x00, 0x41, b'b', 0x01];
    bytes.extend([0x91, 40]);
    for key in 0..40 {
        bytes.extend([0x00, 0x42, b'a' + key / 26, b'a' + key % 26, 0x05]);
    }
    bytes.extend([0x71, 0x2a, 0x9e, 0x02]);
    type Maps = (BTreeMap<String, BTreeMap<String, u8>>, BTreeMap<String, u8>, BTreeMap<String, BTreeMap<String, u8>>);
    let (first, many, last) = from_slice::<Maps>(&bytes).expect("a value");
    assert_eq!(first["a"]["b"], 1);
    assert_eq!(many.len(), 40);
    assert_eq!(last["bn"]["b"], 1);
}

/// What a thread has that reads the deepest values: without optimization, it needs more.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };

/// Decoding takes so many bytes at most for each that has arrived. The shortest items have one byte and become a `Value`
/// each; while a list of them doubles its room, it has the old room and the new, of which it needs a little more than half.
const MOST_PER_BYTE: usize = 3 * size_of::<Value>() + 8;

/// As a `Value`, each level may have made room for so many pairs that don't come then.
const MOST_UNREAD: usize = MAX_DEPTH * 64 * 2 * size_of::<Value>();

/// As another type, so many bytes may be read again for the sake of shared objects.
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

/// The most memory that this thread had at a time while it did something.
fn peak_of(action: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    action();
    (PEAK.get() - before).try_into().expect("the peak is not below the start")
}

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    /// Bytes that this thread has allotted less those that it has freed, which may be another's.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The most that `LIVE` has been.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: All is passed on to the system's allocator as it came. The counters are plain cells without destructors, so they
// allot nothing themselves and can be used at any time of a thread's life.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: The caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: The caller keeps to the contract of `dealloc`, and all pointers come from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it is moved, both are there.
        count(size as isize);
        // SAFETY: The caller keeps to the contract of `realloc`, and all pointers come from the system's allocator.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        count(-(layout.size() as isize));
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The valid values of the vectors.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let text = include_str!("../../proto/vectors/values.json");
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

/// A tag and the beginning of what could follow it, so that chance gets further than with bytes alone.
fn tag() -> impl Strategy<Value = Vec<u8>> {
    let small = || prop_oneof![8 => 0_u8..4, 1 => any::<u8>()];
    prop_oneof![
        4 => any::<u8>().prop_map(|tag| vec![tag]),
        2 => (0x60_u8..=0x64).prop_map(|tag| vec![tag]),
        2 => (0x70_u8..=0x72, 0_u8..26).prop_map(|(tag, letter)| vec![tag, 0, 0x41, b'a' + letter]),
        3 => (0x80_u8..=0x9f, vec(small(), 0..5)).prop_map(|(tag, rest)| [vec![tag], rest].concat()),
        1 => (0_u8..=12, small(), small()).prop_map(|(kind, offset, len)| vec![0x99, kind, offset, len, 0x96, 2, 0, 0]),
        1 => (0x92_u8..=0x93, 1_u8..4).prop_map(|(tag, count)| vec![tag, count]),
        1 => (0_u8..2, 0_u8..2).prop_map(|(cause, count)| vec![0x94, cause, count, 0x40, 0x41, b'm', 0x40]),
        2 => (0_u8..12).prop_map(|number| vec![0x9e, number]),
        1 => any::<char>().prop_map(|letter| {
            let text = letter.to_string();
            [&[0x40 + text.len() as u8], text.as_bytes()].concat()
        }),
    ]
}

/// A change to bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<Index>(), tag()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), 1_usize..5).prop_map(|(at, len)| Change::Remove(at, len)),
        (any::<Index>(), 1_usize..50).prop_map(|(at, len)| Change::Repeat(at, len)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |at: usize, len: usize| (at + len).min(bytes.len());
        match self {
            Self::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
            Self::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, len) => {
                let at = at.index(bytes.len());
                bytes.drain(at..end(at, *len));
            }
            Self::Repeat(at, len) => {
                let at = at.index(bytes.len());
                let part = bytes[at..end(at, *len)].to_vec();
                bytes.splice(at..at, part);
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}
