//! The typed format: schema hashes and postcard (section 18 of the specification).

use coincide_codec::schema::{describe, hash_of};
use coincide_codec::value::{Handle, MAX_DEPTH};
use coincide_codec::{ByteBuf, DecodeErrorKind, EncodeError, Value, typed};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u64,
    wide: (i128, u128),
    name: String,
    data: ByteBuf,
    ratio: f32,
    letter: Option<char>,
    #[serde(rename = "childNodes")]
    children: Vec<Kind>,
    table: BTreeMap<i16, bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Newtype),
    Tuple(u8, i64),
    Struct { inner: Option<Box<Kind>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

/// Recursive types: the containers of `Tree`, and their number of levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Newtype(Box<Tree>),
    Tuple(u8, Box<Tree>),
    Struct { before: u8, inner: Box<Tree> },
    Optional(Option<Box<Tree>>),
    List(Vec<Tree>),
    Map(BTreeMap<u8, Tree>),
    Pair(Box<(Tree, u8)>),
    Around(Box<Around>),
}

/// A newtype is not a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Around(Inside);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inside {
    tree: Tree,
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in record(), before in vec(any::<u8>(), 0..20)) {
        let schema = hash_of::<Record>();
        let mut bytes = before.clone();
        typed::to_buf(&record, schema, &mut bytes).expect("the record can be encoded");
        prop_assert_eq!(&bytes[..before.len()], &before);
        let payload = &bytes[before.len()..];
        prop_assert_eq!(&payload[..8], schema.to_le_bytes());
        prop_assert_eq!(payload[8..].to_vec(), postcard::to_allocvec(&record).expect("the record can be encoded by postcard"));
        prop_assert_eq!(typed::from_slice::<Record>(payload, schema).expect("the payload can be decoded"), record);
    }

    #[test]
    fn another_schema_is_refused_before_anything_is_read(record in record(), other: u64) {
        let schema = hash_of::<Record>();
        let mut bytes = Vec::new();
        typed::to_buf(&record, schema, &mut bytes).expect("the record can be encoded");
        prop_assume!(other != schema);
        let error = typed::from_slice::<Record>(&bytes, other).expect_err("the schema is another one");
        prop_assert_eq!(error.kind(), &DecodeErrorKind::Schema { expected: other, found: schema });
        prop_assert!(typed::from_slice::<u8>(&bytes[..8], other).is_err());
    }

    #[test]
    fn what_is_cut_short_or_too_long_is_refused(record in record()) {
        let mut bytes = Vec::new();
        typed::to_buf(&record, 1, &mut bytes).expect("the record can be encoded");
        for len in 0..bytes.len() {
            prop_assert!(typed::from_slice::<Record>(&bytes[..len], 1).is_err());
        }
        bytes.push(0);
        let error = typed::from_slice::<Record>(&bytes, 1).expect_err("a byte is left");
        prop_assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{}", error);
    }
}

#[test]
fn shapes_match_the_specification() {
    assert_eq!(describe::<(bool, i8, i128, u8, u128, f32, f64, char)>(), "tuple(bool,i8,i128,u8,u128,f32,f64,char)");
    assert_eq!(describe::<(String, &str, ByteBuf, usize, isize)>(), "tuple(str,str,bytes,u64,i64)");
    assert_eq!(
        describe::<((), Option<u8>, Vec<u8>, BTreeMap<u8, bool>)>(),
        "tuple(unit,option(u8),seq(u8),map(u8,bool))"
    );
    assert_eq!(describe::<([u8; 2], (u8,))>(), "tuple(tuple(u8,u8),tuple(u8))");
    assert_eq!(describe::<Unit>(), "struct Unit{}");
    assert_eq!(describe::<Option<Handle>>(), "option(handle)");
    assert_eq!(describe::<Newtype>(), "newtype Newtype(str)");
    assert_eq!(describe::<Pair>(), "newtype Pair(tuple(u8,f64))");
    let kind = "enum Kind{Unit,Newtype(newtype Newtype(str)),Tuple(tuple(u8,i64)),Struct{inner:option(Kind)}}";
    assert_eq!(describe::<Kind>(), kind);
    let record = "struct Record{id:u64,wide:tuple(i128,u128),name:str,data:bytes,ratio:f32,letter:option(char)";
    assert_eq!(describe::<Record>(), format!("{record},childNodes:seq({kind}),table:map(i16,bool)}}"));
}

#[test]
fn hashes_match_the_specification() {
    assert_eq!(describe::<((), ())>(), "tuple(unit,unit)");
    assert_eq!(hash_of::<((), ())>(), 0xb104_3706_ff49_fda4);
    assert_eq!(describe::<((u8,), String)>(), "tuple(tuple(u8),str)");
    assert_eq!(hash_of::<((u8,), String)>(), 0x0efd_0dc4_cd9b_140f);
}

#[test]
fn payload_of_a_call_matches_the_specification() {
    let mut bytes = Vec::new();
    typed::to_buf(&(5_u8,), hash_of::<((u8,), String)>(), &mut bytes).unwrap();
    assert_eq!(bytes, [0x0f, 0x14, 0x9b, 0xcd, 0xc4, 0x0d, 0xfd, 0x0e, 0x05]);
}

#[test]
fn errors_name_the_cause() {
    let message = |bytes: &[u8]| typed::from_slice::<(u8,)>(bytes, 2).unwrap_err().to_string();
    assert_eq!(message(&[2, 0, 0]), "malformed payload: a typed payload is shorter than its schema hash");
    let differ = "the types differ: the schema hash is 0000000000000001 and 0000000000000002 was expected";
    assert!(message(&[1, 0, 0, 0, 0, 0, 0, 0, 5]).starts_with(differ));
    assert_eq!(message(&[2, 0, 0, 0, 0, 0, 0, 0, 5, 6]), "malformed payload: bytes are left after the value");
    assert!(typed::from_slice::<(u8,)>(&[2, 0, 0, 0, 0, 0, 0, 0], 2).is_err());
}

#[test]
fn failed_serialization_leaves_the_buffer_unchanged() {
    let mut buffer = vec![1, 2];
    assert!(typed::to_buf(&(5_u8, Value::Hole), 7, &mut buffer).is_err());
    assert_eq!(buffer, [1, 2]);
}

#[test]
fn error_contains_the_message_of_serialize() {
    let error = typed::to_buf(&(5_u8, Value::Hole), 7, &mut Vec::new()).unwrap_err();
    assert_eq!(error, Value::Hole.encode(&mut Vec::new()).unwrap_err());
    let error = typed::from_slice::<Refuses>(&[0; 9], 0).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Mismatch("it takes nothing".into()));
}

#[test]
fn typed_values_nest_at_most_256_levels() {
    type Wrap = fn(Tree) -> Tree;
    let around: [(Wrap, usize); 8] = [
        (|tree| Tree::Newtype(Box::new(tree)), 1),
        (|tree| Tree::Tuple(1, Box::new(tree)), 1),
        (|tree| Tree::Struct { before: 1, inner: Box::new(tree) }, 1),
        (|tree| Tree::Optional(Some(Box::new(tree))), 2),
        (|tree| Tree::List(vec![Tree::Leaf, tree, Tree::Leaf]), 2),
        (|tree| Tree::Map(BTreeMap::from([(1, Tree::Leaf), (2, tree)])), 2),
        (|tree| Tree::Pair(Box::new((tree, 1))), 2),
        (|tree| Tree::Around(Box::new(Around(Inside { tree }))), 2),
    ];
    for (wrap, levels) in around {
        let deepest = (0..MAX_DEPTH / levels).fold(Tree::Leaf, |tree, _| wrap(tree));
        let bytes = encoded(&deepest).unwrap();
        assert_eq!(bytes[8..], postcard::to_allocvec(&deepest).unwrap());
        assert_eq!(typed::from_slice::<Tree>(&bytes, 0).unwrap(), deepest);

        let deeper = [(deepest, Tree::Leaf)];
        let message = "values are nested too deep: 256 levels at most can be sent";
        assert_eq!(encoded(&deeper).unwrap_err().to_string(), message);
        let bytes = [vec![0; 8], postcard::to_allocvec(&deeper).unwrap()].concat();
        let error = typed::from_slice::<[(Tree, Tree); 1]>(&bytes, 0).unwrap_err();
        assert_eq!(error.to_string(), "malformed payload: values are nested deeper than 256 levels");
    }
}

#[test]
fn siblings_do_not_count_as_nesting() {
    let trees = vec![Tree::List(vec![Tree::Newtype(Box::new(Tree::Leaf)); 1000]); 10];
    assert_eq!(typed::from_slice::<Vec<Tree>>(&encoded(&trees).unwrap(), 0).unwrap(), trees);
}

#[test]
fn elements_without_bytes_are_limited_to_65536() {
    let units = |count| vec![(); count];
    let bytes = encoded(&units(5)).unwrap();
    assert_eq!(bytes[8..], [5]);
    assert_eq!(typed::from_slice::<Vec<()>>(&bytes, 0).unwrap(), units(5));

    let most = (units(40_000), vec![Unit; 25_536], "and more", vec![7_u32; 100_000], units(0));
    let bytes = encoded(&most).unwrap();
    assert_eq!(typed::from_slice::<(Vec<()>, Vec<Unit>, &str, Vec<u32>, Vec<()>)>(&bytes, 0).unwrap(), most);

    let more = (units(40_000), vec![Unit; 25_536], units(1), [0_u64; 9]);
    let message = "too many elements take no bytes: 65536 at most can be sent";
    assert_eq!(encoded(&more).unwrap_err().to_string(), message);
    let bytes = [vec![0; 8], postcard::to_allocvec(&more).unwrap()].concat();
    let error = typed::from_slice::<(Vec<()>, Vec<Unit>, Vec<()>, [u64; 9])>(&bytes, 0).unwrap_err();
    assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{error}");
}

/// The payload with schema hash 0.
fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    typed::to_buf(value, 0, &mut bytes)?;
    Ok(bytes)
}

#[derive(Debug)]
struct Refuses;

impl<'de> Deserialize<'de> for Refuses {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(Error::custom("it takes nothing"))
    }
}

fn record() -> impl Strategy<Value = Record> {
    let data = vec(any::<u8>(), 0..300).prop_map(ByteBuf::from);
    let table = btree_map(any::<i16>(), any::<bool>(), 0..5);
    let parts = (any::<u64>(), any::<(i128, u128)>(), any::<String>(), data);
    (parts, proptest::num::f32::NORMAL, any::<Option<char>>(), vec(kind(), 0..4), table).prop_map(
        |((id, wide, name, data), ratio, letter, children, table)| Record {
            id,
            wide,
            name,
            data,
            ratio,
            letter,
            children,
            table,
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        any::<String>().prop_map(|name| Kind::Newtype(Newtype(name))),
        any::<(u8, i64)>().prop_map(|(small, large)| Kind::Tuple(small, large)),
        Just(Kind::Struct { inner: None }),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| inner.prop_map(|inner| Kind::Struct { inner: Some(Box::new(inner)) }))
}
