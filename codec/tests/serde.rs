//! Types of serde's data model to the value format and back.

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

/// Writes `input`, which must become exactly `value`, and reads it back as the same.
#[track_caller]
fn becomes<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: T, value: Value) {
    let bytes = to_vec(&input).expect("it can be written");
    assert_eq!(Value::decode(&bytes).expect("what was written is a value"), value, "as a value");
    assert!(through_serde(&value).same(&value), "the value is written as serde writes it");
    assert_eq!(bytes, encode(&value), "the bytes are those of the value");
    assert_eq!(from_slice::<T>(&bytes).expect("what was written can be read"), input, "back from bytes");
}

fn through_serde(value: &Value) -> Value {
    from_slice(&to_vec(value).expect("a value is serializable")).expect("and deserializable")
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("the value is a possible one");
    bytes
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(value: Value, expected: T) {
    assert_eq!(from_slice::<T>(&encode(&value)).expect("it is read leniently"), expected);
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

mod mapping {
    use super::*;

    #[test]
    fn units_are_undefined() {
        becomes((), Value::Undefined);
        becomes(Unit, Value::Undefined);
        becomes([(), ()], array([Value::Undefined, Value::Undefined]));
    }

    #[test]
    fn none_is_null_and_some_is_its_content() {
        becomes(None::<u8>, Value::Null);
        becomes(Some(5_u8), number(5.0));
        becomes(Some(Some("a".to_owned())), text("a"));
        becomes(vec![Some(false), None], array([Value::Boolean(false), Value::Null]));
        // `Some(None)` is `null` too: values don't nest options.
        assert_eq!(to_vec(&Some(None::<u8>)), to_vec(&None::<u8>));
        reads(Value::Null, None::<Option<u8>>);
    }

    #[test]
    fn booleans_strings_and_chars_are_the_same() {
        becomes(true, Value::Boolean(true));
        becomes(false, Value::Boolean(false));
        becomes(String::new(), text(""));
        becomes("naïve 😀\0".to_owned(), text("naïve 😀\0"));
        becomes("x".repeat(1000), text(&"x".repeat(1000)));
        for char in ['a', '\0', 'é', '€', '😀', char::MAX, '\u{feff}'] {
            becomes(char, text(&char.to_string()));
        }
    }

    #[test]
    fn integers_are_numbers_while_they_are_safe() {
        becomes(i8::MIN, number(-128.0));
        becomes(i8::MAX, number(127.0));
        becomes(u8::MAX, number(255.0));
        becomes(i16::MIN, number(-32768.0));
        becomes(u16::MAX, number(65535.0));
        becomes(i32::MIN, number(-2_147_483_648.0));
        becomes(u32::MAX, number(4_294_967_295.0));
        for small in [0_i64, 1, -1, 63, 64, -64, -65, 127, 128, 16383, 16384] {
            becomes(small, number(small as f64));
            becomes(i128::from(small), number(small as f64));
        }
        const SAFE: i64 = (1 << 53) - 1;
        becomes(SAFE, number(9_007_199_254_740_991.0));
        becomes(-SAFE, number(-9_007_199_254_740_991.0));
        becomes(SAFE as u64, number(9_007_199_254_740_991.0));
        becomes(i128::from(SAFE), number(9_007_199_254_740_991.0));
        becomes(SAFE as u128, number(9_007_199_254_740_991.0));
    }

    #[test]
    fn integers_beyond_are_bigints() {
        becomes(1_i64 << 53, bigint("9007199254740992"));
        becomes(-(1_i64 << 53), bigint("-9007199254740992"));
        becomes(i64::MIN, bigint("-9223372036854775808"));
        becomes(i64::MAX, bigint("9223372036854775807"));
        becomes(u64::MAX, bigint("18446744073709551615"));
        becomes(1_i128 << 64, bigint("18446744073709551616"));
        becomes(i128::MIN, bigint("-170141183460469231731687303715884105728"));
        becomes(i128::MAX, bigint("170141183460469231731687303715884105727"));
        becomes(u128::MAX, bigint("340282366920938463463374607431768211455"));
        becomes(usize::MAX, bigint("18446744073709551615"));
        becomes(isize::MIN, bigint("-9223372036854775808"));
    }

    #[test]
    fn floats_are_numbers() {
        for float in [0.0, -0.0, 1.0, 1.5, -2.0, 0.1, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY] {
            becomes(float, number(float));
        }
        becomes(9_007_199_254_740_993_f64, number(9_007_199_254_740_992.0));
        becomes(0.1_f32, number(f64::from(0.1_f32)));
        becomes(f32::MAX, number(f64::from(f32::MAX)));
        let zero: f64 = from_slice(&to_vec(&-0.0_f64).unwrap()).unwrap();
        assert!(zero.is_sign_negative());
        for nan in [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)] {
            assert_eq!(to_vec(&nan).unwrap(), to_vec(&f32::NAN).unwrap(), "all NaNs are written alike");
            assert!(from_slice::<f64>(&to_vec(&nan).unwrap()).unwrap().is_nan());
            assert!(number(nan).same(&number(f64::NAN)));
        }
    }

    #[test]
    fn sequences_and_tuples_are_arrays() {
        becomes(Vec::<String>::new(), array([]));
        becomes(vec![1_u8, 2], array([number(1.0), number(2.0)]));
        becomes((1_u8, "a".to_owned(), ()), array([number(1.0), text("a"), Value::Undefined]));
        becomes([[1_i8, 2], [3, 4]], array([array([1.into(), 2.into()]), array([3.into(), 4.into()])]));
        becomes(Pair(1, "a".into()), array([number(1.0), text("a")]));
        becomes(BTreeSet::from([3, 1, 2]), array([1.into(), 2.into(), 3.into()]));
        becomes((0..100).collect::<VecDeque<u32>>(), array((0..100_u32).map(Value::from)));
    }

    #[test]
    fn newtypes_are_their_content() {
        becomes(Newtype(5), number(5.0));
        becomes(Box::new(Newtype(5)), number(5.0));
        becomes(NonZeroU8::MAX, number(255.0));
    }

    #[test]
    fn bytes_are_a_uint8array() {
        becomes(ByteBuf::from(vec![1, 2, 3]), Value::Bytes(vec![1, 2, 3]));
        becomes(ByteBuf::new(), Value::Bytes(vec![]));
        assert_eq!(to_vec(Bytes::new(&[7; 200])).unwrap(), encode(&Value::Bytes(vec![7; 200])));
    }

    #[test]
    fn structs_and_maps_of_strings_are_plain_objects() {
        becomes(item("a", 1), item_value("a", 1));
        becomes(BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]), object([("a", 1.into()), ("b", 2.into())]));
        becomes(HashMap::from([("only".to_owned(), item("x", 0))]), object([("only", item_value("x", 0))]));
        becomes(BTreeMap::from([('é', true)]), object([("é", true.into())]));
        becomes(BTreeMap::<String, u8>::new(), object([]));
        let many: BTreeMap<String, usize> = (0..200).map(|index| (format!("key {index:03}"), index)).collect();
        let properties = many.iter().map(|(key, index)| (key.as_str().into(), number(*index as f64))).collect();
        becomes(many, Value::Object(properties));
    }

    #[test]
    fn maps_of_variants_newtypes_and_options_of_strings_are_plain_objects() {
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        enum Color {
            Red,
            #[serde(rename = "green!")]
            Green,
        }
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        struct Name(String);

        let value = object([("Red", 1.into()), ("green!", 2.into())]);
        becomes(BTreeMap::from([(Color::Red, 1), (Color::Green, 2)]), value);
        becomes(BTreeMap::from([(Name("a".into()), 1)]), object([("a", 1.into())]));
        becomes(BTreeMap::from([(Some("a".to_owned()), 1)]), object([("a", 1.into())]));
    }

    #[test]
    fn other_maps_are_maps() {
        let map = |entries: &[(Value, Value)]| Value::Map(entries.to_vec());
        becomes(BTreeMap::from([(1_u8, true), (2, false)]), map(&[(1.into(), true.into()), (2.into(), false.into())]));
        becomes(BTreeMap::from([(-5_i64, ())]), map(&[((-5).into(), Value::Undefined)]));
        becomes(BTreeMap::from([(true, 1)]), map(&[(true.into(), 1.into())]));
        becomes(BTreeMap::from([((1, 2), 3)]), map(&[(array([1.into(), 2.into()]), 3.into())]));
        becomes(BTreeMap::from([(vec!["a".to_owned()], 1)]), map(&[(array([text("a")]), 1.into())]));
        becomes(BTreeMap::from([(ByteBuf::from(vec![1]), 1)]), map(&[(Value::Bytes(vec![1]), 1.into())]));
        becomes(BTreeMap::from([(None::<u8>, 1), (Some(2), 3)]), map(&[(Value::Null, 1.into()), (2.into(), 3.into())]));
        becomes(HashMap::from([((), 1)]), map(&[(Value::Undefined, 1.into())]));

        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        struct Point {
            x: i32,
            y: i32,
        }
        let point = object([("x", 1.into()), ("y", 2.into())]);
        becomes(BTreeMap::from([(Point { x: 1, y: 2 }, 1)]), map(&[(point, 1.into())]));
        becomes((0..200).map(|index| (index, index)).collect::<BTreeMap<u32, u32>>(), {
            Value::Map((0..200_u32).map(|index| (index.into(), index.into())).collect())
        });
    }

    #[test]
    fn variants_without_content_are_strings() {
        becomes(Kind::Unit, text("Unit"));
        becomes(vec![Kind::Unit, Kind::Unit], array([text("Unit"), text("Unit")]));
    }

    #[test]
    fn variants_with_content_are_objects_with_one_property() {
        becomes(Kind::Newtype(Some(1)), object([("Newtype", 1.into())]));
        becomes(Kind::Newtype(None), object([("Newtype", Value::Null)]));
        becomes(Kind::Tuple(1, true), object([("Tuple", array([1.into(), true.into()]))]));
        becomes(Kind::Empty {}, object([("Empty", object([]))]));
        let content = object([("item", item_value("a", 1)), ("list", array([text("Unit")]))]);
        becomes(Kind::Struct { item: item("a", 1), list: vec![Kind::Unit] }, object([("Struct", content)]));
        becomes(Ok::<u8, String>(1), object([("Ok", 1.into())]));
        becomes(Err::<u8, String>("no".into()), object([("Err", text("no"))]));
    }

    #[test]
    fn types_of_std_have_their_readable_form() {
        becomes("127.0.0.1".parse::<IpAddr>().unwrap(), text("127.0.0.1"));
        becomes(Duration::new(1, 5), object([("secs", 1.into()), ("nanos", 5.into())]));
        becomes(1_u8..3, object([("start", 1.into()), ("end", 3.into())]));
    }
}

mod attributes {
    use super::*;

    #[test]
    fn flattened_structs_and_maps_share_an_object() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Outer {
            id: u8,
            #[serde(flatten)]
            item: Item,
            #[serde(flatten)]
            rest: BTreeMap<String, Vec<i8>>,
        }
        let outer = Outer { id: 1, item: item("a", 2), rest: BTreeMap::from([("x".into(), vec![-1])]) };
        let value = object([("id", 1.into()), ("name", text("a")), ("count", 2.into()), ("x", array([(-1).into()]))]);
        becomes(outer, value);
    }

    #[test]
    fn keys_of_flattened_objects_keep_their_numbers() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Outer {
            before: Item,
            #[serde(flatten)]
            inner: Item,
            after: Item,
        }
        let outer = Outer { before: item("a", 1), inner: item("b", 2), after: item("c", 3) };
        let value = object([
            ("before", item_value("a", 1)),
            ("name", text("b")),
            ("count", 2.into()),
            ("after", item_value("c", 3)),
        ]);
        becomes(vec![outer], array([value]));
    }

    #[test]
    fn untagged_enums_are_their_content() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(untagged)]
        enum Any {
            Nothing,
            Flag(bool),
            Integer(i64),
            Float(f64),
            Text(String),
            Item(Item),
            List(Vec<Any>),
            Bytes(ByteBuf),
            Map(BTreeMap<String, Any>),
        }
        becomes(Any::Nothing, Value::Undefined);
        becomes(Any::Flag(true), true.into());
        becomes(Any::Integer(-5), (-5).into());
        becomes(Any::Integer(i64::MAX), bigint("9223372036854775807"));
        becomes(Any::Float(0.5), number(0.5));
        becomes(Any::Bytes(ByteBuf::from(vec![255])), Value::Bytes(vec![255]));
        becomes(Any::Text("a".into()), text("a"));
        becomes(Any::Item(item("a", 1)), item_value("a", 1));
        becomes(Any::List(vec![Any::Flag(false), Any::List(vec![])]), array([false.into(), array([])]));
        becomes(Any::Map(BTreeMap::from([("x".into(), Any::Nothing)])), object([("x", Value::Undefined)]));
    }

    #[test]
    fn internally_tagged_enums_are_objects_with_their_tag() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "camelCase")]
        enum Shape {
            Nothing,
            Circle { radius: f64 },
            Item(Item),
            Named(BTreeMap<String, u8>),
        }
        becomes(Shape::Nothing, object([("type", text("nothing"))]));
        becomes(Shape::Circle { radius: 0.5 }, object([("type", text("circle")), ("radius", number(0.5))]));
        let value = object([("type", text("item")), ("name", text("a")), ("count", 1.into())]);
        becomes(Shape::Item(item("a", 1)), value);
        let named = Shape::Named(BTreeMap::from([("a".into(), 1)]));
        becomes(named, object([("type", text("named")), ("a", 1.into())]));
        // The tag may come last.
        reads(object([("radius", 2.into()), ("type", text("circle"))]), Shape::Circle { radius: 2.0 });
    }

    #[test]
    fn adjacently_tagged_enums_are_objects_of_two_properties() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Event {
            Ping,
            Data(Vec<u8>),
        }
        becomes(Event::Ping, object([("t", text("Ping"))]));
        becomes(Event::Data(vec![1]), object([("t", text("Data")), ("c", array([1.into()]))]));
    }

    #[test]
    fn fields_that_are_skipped_or_have_defaults() {
        #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        struct Options {
            #[serde(skip_serializing_if = "Option::is_none")]
            depth: Option<u8>,
            #[serde(rename = "dryRun")]
            dry_run: bool,
        }
        becomes(Options::default(), object([("dryRun", false.into())]));
        reads(object([]), Options::default());
        reads(object([("depth", Value::Undefined)]), Options::default());
    }

    #[test]
    fn unknown_properties_are_stepped_over_unless_denied() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            count: u32,
        }
        let rest = array([object([("name", Value::Null), ("deep", object([("count", 7.into())]))])]);
        let value = object([("other", rest), ("count", 1.into()), ("name", text("a")), ("last", 5.into())]);
        reads(value, item("a", 1));
        refuses::<Strict>(object([("count", 1.into()), ("x", 2.into())]), "unknown field `x`, expected `count`");
    }
}

mod visitors {
    use super::*;
    use serde::de::{MapAccess, SeqAccess, Visitor};
    use std::fmt;

    /// Takes the first item of an array or the first entry of an object or a `Map`, and leaves the rest.
    #[derive(Debug, PartialEq)]
    struct First(String);

    impl<'de> Deserialize<'de> for First {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Take;

            impl<'de> Visitor<'de> for Take {
                type Value = First;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("something with parts")
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First, A::Error> {
                    Ok(First(items.next_element()?.unwrap_or_default()))
                }

                fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<First, A::Error> {
                    let (key, value): (String, u8) = entries.next_entry()?.unwrap_or_default();
                    Ok(First(format!("{key}={value}")))
                }
            }

            deserializer.deserialize_any(Take)
        }
    }

    #[test]
    fn properties_that_are_left_are_stepped_over() {
        let value = object([("a", 1.into()), ("b", object([("c", array([text("d")]))])), ("a", 2.into())]);
        reads(array([value, object([("b", 3.into())])]), vec![First("a=1".into()), First("b=3".into())]);
    }

    #[test]
    fn items_and_entries_that_are_left_are_too_many() {
        reads(array([text("a")]), First("a".into()));
        refuses::<First>(array([text("a"), text("b")]), "expected fewer elements, got 2 elements");
        reads(Value::Map(vec![(text("a"), 1.into())]), First("a=1".into()));
        let two = Value::Map(vec![(text("a"), 1.into()), (text("b"), 2.into())]);
        refuses::<First>(two, "expected fewer entries, got 2 elements");
    }
}

mod borrowing {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
        #[serde(borrow, with = "serde_bytes")]
        data: &'a [u8],
        rest: BTreeMap<&'a str, &'a Bytes>,
    }

    #[test]
    fn texts_and_bytes_borrow_from_the_payload() {
        let input = Borrowed { name: "a", data: &[1, 2], rest: BTreeMap::from([("name", Bytes::new(&[3]))]) };
        let bytes = to_vec(&input).unwrap();
        let output: Borrowed<'_> = from_slice(&bytes).unwrap();
        assert_eq!(output, input);
        let within = bytes.as_ptr_range();
        assert!(within.contains(&output.name.as_ptr()) && within.contains(&output.data.as_ptr()));
        assert!(output.rest.keys().all(|key| within.contains(&key.as_ptr())));
        assert!(output.rest.values().all(|data| within.contains(&data.as_ptr())));
    }

    #[test]
    fn parts_of_buffers_borrow_too() {
        let value = array([
            view_at(ViewKind::Uint8, Value::Buffer { bytes: vec![1, 2, 3, 4], max: None }, 1, Some(2)),
            view_at(ViewKind::DataView, Value::Shared(2), 3, Some(1)),
        ]);
        let bytes = encode(&value);
        let (middle, last): (&Bytes, &Bytes) = from_slice(&bytes).unwrap();
        assert_eq!((&middle[..], &last[..]), (&[2, 3][..], &[4][..]));
    }
}

mod leniences {
    use super::*;

    #[test]
    fn undefined_is_none_and_null_is_unit() {
        reads(Value::Undefined, None::<String>);
        reads(Value::Null, ());
        reads(array([Value::Undefined, Value::Null, 1.into()]), vec![None, None, Some(1)]);
    }

    #[test]
    fn holes_are_read_as_undefined() {
        reads(array([Value::Hole, 1.into(), Value::Hole]), vec![None, Some(1), None]);
        reads(array([Value::Hole, 1.into()]), ((), 1));
        reads(array([Value::Hole, 1.into()]), vec![Value::Undefined, 1.into()]);
        refuses::<Vec<u8>>(array([Value::Hole]), "[0]: expected u8, got unit value");
        let hole = from_slice::<()>(&[0x84]).unwrap_err();
        assert!(matches!(hole.kind(), DecodeErrorKind::Malformed(_)), "{hole}");
        assert!(from_slice::<BTreeSet<Option<u8>>>(&[0x93, 0x01, 0x84]).is_err(), "a Set has no holes");
    }

    #[test]
    fn sets_are_sequences() {
        reads(Value::Set(vec![1.into(), 2.into()]), vec![1, 2]);
        reads(Value::Set(vec![1.into(), 2.into()]), BTreeSet::from([1, 2]));
        reads(Value::Set(vec![1.into(), text("a")]), (1, "a".to_owned()));
    }

    #[test]
    fn maps_are_structs_and_maps() {
        let map = Value::Map(vec![(text("name"), text("a")), (text("count"), 1.into())]);
        reads(map, item("a", 1));
        reads(Value::Map(vec![(text("a"), 1.into())]), BTreeMap::from([("a".to_owned(), 1)]));
    }

    #[test]
    fn typed_arrays_are_sequences_of_numbers() {
        reads(view(ViewKind::Int8, &[255, 1]), vec![-1, 1]);
        reads(view(ViewKind::Uint8, &[255, 1]), vec![255_u8, 1]);
        reads(view(ViewKind::Uint8Clamped, &[255, 1]), vec![255_u16, 1]);
        reads(view(ViewKind::DataView, &[255, 1]), vec![255_u16, 1]);
        reads(view(ViewKind::Int16, &[254, 255, 1, 0]), vec![-2_i16, 1]);
        reads(view(ViewKind::Uint16, &[254, 255]), vec![65534_u16]);
        reads(view(ViewKind::Int32, &[254, 255, 255, 255]), [-2_i64]);
        reads(view(ViewKind::Uint32, &[254, 255, 255, 255]), [4_294_967_294_u64]);
        reads(view(ViewKind::Float32, &1.5_f32.to_le_bytes()), vec![1.5_f32]);
        reads(view(ViewKind::Float64, &0.1_f64.to_le_bytes()), vec![0.1]);
        reads(view(ViewKind::BigInt64, &i64::MIN.to_le_bytes()), vec![i64::MIN]);
        reads(view(ViewKind::BigUint64, &u64::MAX.to_le_bytes()), vec![u64::MAX]);
        reads(Value::Bytes(vec![1, 2]), vec![1_u8, 2]);
        reads(Value::Bytes(vec![1, 2]), (1_u64, 2_i8));
        reads(Value::Buffer { bytes: vec![3], max: Some(9) }, vec![3]);
        refuses::<Vec<i8>>(Value::Bytes(vec![200]), "expected i8, got integer `200`");
    }

    #[test]
    fn halves_become_floats() {
        let halves = [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2_f32.powi(-14)),
            (0x0001, 2_f32.powi(-24)),
            (0x83ff, -1023.0 * 2_f32.powi(-24)),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ];
        let bytes: Vec<u8> = halves.iter().flat_map(|(half, _): &(u16, f32)| half.to_le_bytes()).collect();
        let floats: Vec<f32> = from_slice(&encode(&view(ViewKind::Float16, &bytes))).unwrap();
        let bits = |float: &f32| float.to_bits();
        assert!(floats.iter().map(bits).eq(halves.iter().map(|(_, float)| float.to_bits())), "{floats:?}");
        let nan: Vec<f32> = from_slice(&encode(&view(ViewKind::Float16, &[1, 0x7e]))).unwrap();
        assert!(nan[0].is_nan());
    }

    #[test]
    fn views_show_their_part() {
        let buffer = |max| Value::Buffer { bytes: (0..10).collect(), max };
        reads(view_at(ViewKind::Uint8, buffer(None), 3, Some(2)), vec![3, 4]);
        reads(view_at(ViewKind::Uint16, buffer(None), 2, Some(2)), vec![0x0302, 0x0504]);
        reads(view_at(ViewKind::Uint8, buffer(Some(20)), 8, None), vec![8, 9]);
        // A following view shows whole elements only.
        reads(view_at(ViewKind::Uint32, buffer(Some(20)), 4, None), vec![0x0706_0504_u32]);
        reads(view_at(ViewKind::Uint8, buffer(None), 4, Some(3)), ByteBuf::from(vec![4, 5, 6]));
    }

    #[test]
    fn views_that_break_a_rule_are_malformed_for_serde_too() {
        let cases: &[(&str, &[u8])] = &[
            ("beyond its buffer", &[0x99, 2, 0, 3, 0x96, 1, 0]),
            ("not aligned", &[0x99, 5, 1, 2, 0x96, 4, 0, 0, 0, 0]),
            ("of no buffer", &[0x99, 2, 0, 1, 0x60]),
            ("of bytes", &[0x99, 2, 0, 1, 0x98, 0]),
            ("follows what is fixed", &[0x99, 2, 0, 0, 0x96, 1, 0]),
            ("of 2^64 - 2 elements", &[0x99, 2, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0x96, 1, 0]),
        ];
        for (name, bytes) in cases {
            let error = from_slice::<ByteBuf>(bytes).expect_err(name);
            assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{name}: {error}");
        }
        let of_the_array = [0x62, 0x98, 1, 7, 0x99, 2, 0, 2, 0x9e, 1];
        assert!(from_slice::<(ByteBuf, ByteBuf)>(&of_the_array).is_err(), "number 1 is the array, 2 its buffer");
        let of_the_buffer = [0x62, 0x98, 1, 7, 0x99, 2, 0, 2, 0x9e, 2];
        assert!(from_slice::<(ByteBuf, ByteBuf)>(&of_the_buffer).is_ok());
    }

    #[test]
    fn whatever_holds_bytes_is_bytes() {
        let bytes = || ByteBuf::from(vec![1, 2]);
        reads(Value::Buffer { bytes: vec![1, 2], max: None }, bytes());
        reads(Value::Buffer { bytes: vec![1, 2], max: Some(5) }, bytes());
        reads(view(ViewKind::Uint8Clamped, &[1, 2]), bytes());
        reads(view(ViewKind::DataView, &[1, 2]), bytes());
        reads(Value::Blob { kind: "text/plain".into(), bytes: vec![1, 2] }, bytes());
        let file = Value::File { kind: String::new(), name: "f".into(), last_modified: 0.0, bytes: vec![1, 2] };
        reads(file, bytes());
        reads(array([1.into(), 2.into()]), bytes());
    }

    #[test]
    fn bigints_are_integers_and_numbers_are_too() {
        reads(bigint("5"), 5_u64);
        reads(bigint("5"), 5_u8);
        reads(bigint("-5"), -5_i128);
        reads(bigint("18446744073709551615"), u64::MAX);
        reads(bigint("5"), 5.0);
        reads(number(2_f64.powi(60)), 1_i64 << 60);
        reads(number(2_f64.powi(60)), 1_u128 << 60);
        reads(number(-(2_f64.powi(60))), -(1_i128 << 60));
        reads(number(-0.0), 0_i64);
        reads(number(-0.0), 0_u8);
        reads(number(-0.0), 0_i128);
        refuses::<u8>(number(256.0), "expected u8, got integer `256`");
        refuses::<u8>(number(-1.0), "expected u8, got integer `-1`");
        refuses::<i32>(number(1.5), "expected i32, got floating point `1.5`");
        refuses::<i64>(number(f64::NAN), "expected i64, got floating point `NaN`");
        refuses::<u64>(bigint("18446744073709551616"), "expected u64, got integer `18446744073709551616` as i128");
        refuses::<u128>(
            Value::BigInt(BigInt::new(false, &[1; 17])),
            "expected u128, got a bigint of more than 128 bits",
        );
    }

    #[test]
    fn dates_are_floats() {
        reads(Value::Date(1.7e12), 1.7e12);
        assert!(from_slice::<f64>(&encode(&Value::Date(f64::NAN))).unwrap().is_nan());
    }

    #[test]
    fn boxed_primitives_are_primitives() {
        reads(Value::Boxed(Box::new(5.into())), 5_u8);
        reads(Value::Boxed(Box::new(text("a"))), "a".to_owned());
        let error = from_slice::<Vec<u8>>(&[0x95, 0x60]).unwrap_err();
        assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{error}");
    }

    #[test]
    fn shared_objects_are_read_again() {
        let twice = |value: Value| array([value, Value::Shared(1)]);
        reads(twice(array([1.into()])), vec![vec![1], vec![1]]);
        reads(twice(item_value("a", 1)), (item("a", 1), item("a", 1)));
        reads(twice(Value::Bytes(vec![1])), vec![ByteBuf::from(vec![1]), ByteBuf::from(vec![1])]);
        reads(twice(Value::Bytes(vec![1])), vec![vec![1], vec![1]]);
        reads(twice(view(ViewKind::Uint8, &[1])), [[1], [1]]);
        reads(twice(Value::Set(vec![1.into()])), (Some((1,)), Some((1,))));
        reads(twice(object([("Newtype", 1.into())])), [Kind::Newtype(Some(1)), Kind::Newtype(Some(1))]);
        reads(twice(Value::Map(vec![(1.into(), 2.into())])), [BTreeMap::from([(1, 2)]), BTreeMap::from([(1, 2)])]);
        // The first one's keys keep their numbers when it is read again.
        let value = array([object([("x", 0.into())]), item_value("a", 1), Value::Shared(2), item_value("b", 2)]);
        let (_, first, again, last): (BTreeMap<String, u8>, Item, Item, Item) = from_slice(&encode(&value)).unwrap();
        assert_eq!((first.clone(), last), (again, item("b", 2)));
    }

    #[test]
    fn sharing_within_rust_is_not_kept() {
        let shared = Rc::new(item("a", 1));
        let value = from_slice::<Value>(&to_vec(&(&*shared, &*shared)).unwrap()).unwrap();
        assert_eq!(value, array([item_value("a", 1), item_value("a", 1)]));
    }
}

mod values_inside {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Envelope {
        name: String,
        body: Value,
        list: Vec<Value>,
        maybe: Option<Value>,
    }

    fn graph() -> Value {
        array([object([("name", text("x")), ("me", Value::Shared(1))]), Value::Shared(0)])
    }

    #[test]
    fn a_value_is_written_among_others() {
        let envelope = Envelope {
            name: "e".into(),
            body: graph(),
            list: vec![Value::Bytes(vec![1]), graph(), Value::Undefined],
            maybe: Some(Value::Date(5.0)),
        };
        let bytes = to_vec(&envelope).unwrap();
        assert_eq!(from_slice::<Envelope>(&bytes).unwrap(), envelope);

        // Seen as a whole, objects have other numbers.
        let Value::Object(properties) = Value::decode(&bytes).unwrap() else { panic!("a struct is an object") };
        let body = array([object([("name", text("x")), ("me", Value::Shared(2))]), Value::Shared(1)]);
        assert_eq!(properties[1], ("body".into(), body));
        let body = array([object([("name", text("x")), ("me", Value::Shared(7))]), Value::Shared(6)]);
        let list = array([Value::Bytes(vec![1]), body, Value::Undefined]);
        assert_eq!(properties[2], ("list".into(), list));
    }

    #[test]
    fn every_kind_of_value_is_kept() {
        let values = vec![
            Value::Symbol(Symbol::WellKnown("iterator".into())),
            Value::RegExp { source: "a".into(), flags: "g".into(), last_index: 1 },
            Value::Map(vec![(Value::Null, Value::Set(vec![]))]),
            array([Value::Hole]),
            Value::Reference { owner: RefOwner::Sender, kind: RefKind::Function, id: 7 },
            Value::Handle {
                owner: RefOwner::Sender,
                kind: HandleKind::Methods,
                id: 7,
                description: Box::new(array([text("close")])),
            },
            view(ViewKind::Float64, &[0; 16]),
            Value::Error(Box::new(ErrorValue {
                class: "TypeError".into(),
                message: "no".into(),
                stack: "".into(),
                cause: Some(Value::Null),
                properties: vec![(PropertyKey::Symbol(Symbol::Registered("s".into())), graph())],
            })),
        ];
        let bytes = to_vec(&values).unwrap();
        assert_eq!(from_slice::<Vec<Value>>(&bytes).unwrap().len(), values.len());
        assert_eq!(to_vec(&from_slice::<Vec<Value>>(&bytes).unwrap()).unwrap(), bytes);
        assert_eq!(from_slice::<Vec<Value>>(&bytes).unwrap(), values);
    }

    #[test]
    fn a_value_can_be_none_undefined_or_missing() {
        reads(object([("name", text("")), ("body", Value::Null), ("list", array([])), ("maybe", Value::Undefined)]), {
            Envelope { name: String::new(), body: Value::Null, list: vec![], maybe: None }
        });
        reads(object([("name", text("")), ("body", Value::Undefined), ("list", array([]))]), {
            Envelope { name: String::new(), body: Value::Undefined, list: vec![], maybe: None }
        });
    }

    #[test]
    fn a_value_cannot_refer_to_what_is_outside_of_it() {
        let value = array([array([]), array([Value::Shared(1)])]);
        let error = from_slice::<(Value, Value)>(&encode(&value)).unwrap_err();
        let expected = "[1]: an object of this value is also part of another one: take both as one `Value`";
        assert_eq!(error.to_string(), expected);
        assert_eq!(from_slice::<Value>(&encode(&value)).unwrap(), value);
    }

    #[test]
    fn a_value_that_cannot_be_leaves_the_buffer_as_it_was() {
        let mut buffer = vec![1, 2, 3];
        let error = to_buf(&(1, vec![Value::Shared(9)]), &mut buffer).unwrap_err();
        assert_eq!(error.to_string(), "[1][0]: an object is shared before it has begun");
        let error = to_buf(&object([("a", array([0.into(), Value::Set(vec![Value::Hole])]))]), &mut buffer);
        assert!(error.unwrap_err().to_string().ends_with("a[1][0]: a hole stands outside of an array"));
        assert_eq!(buffer, [1, 2, 3]);
    }

    #[test]
    fn the_last_of_equal_properties_holds() {
        let value = Value::Object(vec![("a".into(), 1.into()), ("a".into(), 2.into())]);
        assert_eq!(value.get("a"), Some(&2.into()));
        reads(value, BTreeMap::from([("a".to_owned(), 2)]));
    }
}

mod errors {
    use super::*;

    #[test]
    fn messages_name_the_way_to_what_is_at_fault() {
        type Deep = BTreeMap<String, Vec<(u8, Option<Item>)>>;
        let value = |name: Value| {
            let item = object([("name", name), ("count", 1.into())]);
            object([("a b", array([array([1.into(), Value::Null]), array([2.into(), item])]))])
        };
        assert!(from_slice::<Deep>(&encode(&value(text("x")))).is_ok());
        refuses::<Deep>(value(5.into()), "[\"a b\"][1][1].name: expected a string, got integer `5`");
        refuses::<Item>(object([("name", text("a"))]), "the property `count` is missing");
        refuses::<(u8, Item)>(array([1.into(), object([("count", 1.into())])]), "[1]: the property `name` is missing");
        refuses::<Kind>(
            object([("Tuple", array([1.into(), 2.into()]))]),
            "Tuple[1]: expected a boolean, got integer `2`",
        );
        refuses::<BTreeMap<u8, u8>>(Value::Map(vec![(1.into(), text("a"))]), "[0]: expected u8, got string \"a\"");
    }

    #[test]
    fn messages_say_what_was_expected_and_what_was_there() {
        refuses::<String>(Value::Null, "expected a string, got unit value");
        refuses::<bool>(text("yes"), "expected a boolean, got string \"yes\"");
        refuses::<Vec<u8>>(text("yes"), "expected a sequence, got string \"yes\"");
        refuses::<Item>(Value::Date(0.5), "expected struct Item, got floating point `0.5`");
        refuses::<u8>(Value::Symbol(Symbol::Registered("s".into())), "expected u8, got a symbol");
        let regexp = Value::RegExp { source: "a".into(), flags: String::new(), last_index: 0 };
        refuses::<String>(regexp, "expected a string, got a regular expression");
        let reference = Value::Reference { owner: RefOwner::Sender, kind: RefKind::Object, id: 1 };
        refuses::<Item>(reference, "expected struct Item, got a reference");
        let handle = Value::Handle {
            owner: RefOwner::Receiver,
            kind: HandleKind::Function,
            id: 1,
            description: Box::new(Value::Undefined),
        };
        refuses::<Item>(handle, "expected struct Item, got a handle of a function, an object or a stream");
        let image = Value::Image { width: 1, height: 1, color_space: "srgb".into(), pixels: vec![0; 4] };
        refuses::<ByteBuf>(image, "expected byte array, got image data");
        let lone = Value::String(value::OwnedText::Utf16(vec![0xd800]));
        refuses::<String>(lone, "the string has a lone surrogate, which a Rust string can't have");
        let symbol = Value::Object(vec![(PropertyKey::Symbol(Symbol::WellKnown("iterator".into())), Value::Null)]);
        refuses::<Item>(symbol, "the key is a symbol");
    }

    #[test]
    fn enums_say_what_a_variant_is() {
        let message = |found| format!("expected a variant: a string, or an object with one property, got {found}");
        refuses::<Kind>(5.into(), &message("a number"));
        refuses::<Kind>(Value::Null, &message("null"));
        refuses::<Kind>(object([]), &message("an object with another number of properties"));
        refuses::<Kind>(array([]), &message("an array"));
        refuses::<Kind>(text("Tuple"), "expected tuple variant, got unit variant");
        let list = "`Unit`, `Newtype`, `Tuple`, `Struct`, `Empty`";
        refuses::<Kind>(text("Other"), &format!("unknown variant `Other`, expected one of {list}"));
        refuses::<Kind>(object([("Other", 1.into())]), &format!("unknown variant `Other`, expected one of {list}"));
    }

    #[test]
    fn lengths_have_to_fit() {
        refuses::<(u8, u8)>(array([1.into()]), "expected a tuple of size 2, got 1 elements");
        refuses::<(u8,)>(array([1.into(), 2.into()]), "expected fewer elements, got 2 elements");
        refuses::<[u8; 2]>(array([1.into(), 2.into(), 3.into()]), "expected fewer elements, got 3 elements");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        struct Liar;
        impl Serialize for Liar {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::ser::SerializeSeq::end(serializer.serialize_seq(Some(1))?)
            }
        }
        let error = |result: Result<Vec<u8>, _>| result.map_err(|error: coincide_codec::EncodeError| error.to_string());
        let message = "[0][0]: a type announced another number of items than it has";
        assert_eq!(error(to_vec(&[[Liar]])), Err(message.into()));

        let message = "[1]: a map has strings and other things as keys";
        assert_eq!(error(to_vec(&AsMap(vec![(Some("a"), 1), (None, 2)]))), Err(message.into()));
    }

    /// A map whose entries are in this order and whose length is not announced.
    struct AsMap<K, V>(Vec<(K, V)>);

    impl<K: Serialize, V: Serialize> Serialize for AsMap<K, V> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for (key, value) in &self.0 {
                serde::ser::SerializeMap::serialize_entry(&mut map, key, value)?;
            }
            serde::ser::SerializeMap::end(map)
        }
    }

    #[test]
    fn lengths_need_not_be_announced() {
        struct Unsized<T>(Vec<T>);
        impl<T: Serialize> Serialize for Unsized<T> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                self.0.iter().try_for_each(|item| serde::ser::SerializeSeq::serialize_element(&mut seq, item))?;
                serde::ser::SerializeSeq::end(seq)
            }
        }
        for len in [0, 1, 15, 16, 200] {
            let items = vec![item("a", 1); len];
            assert_eq!(to_vec(&Unsized(items.clone())), to_vec(&items));
            let nested = [vec![items.clone(), items.clone()], vec![]];
            let outer = nested.iter().map(|inner| Unsized(inner.iter().cloned().map(Unsized).collect())).collect();
            assert_eq!(to_vec(&Unsized(outer)), to_vec(&nested));
            let map: BTreeMap<_, _> = (0..len).map(|index| (format!("{index:03}"), item("a", 1))).collect();
            assert_eq!(to_vec(&AsMap(map.clone().into_iter().collect())), to_vec(&map));
            let map: BTreeMap<_, _> = (0..len).map(|index| (index, map.clone())).collect();
            if len > 0 {
                assert_eq!(to_vec(&AsMap(map.clone().into_iter().collect())), to_vec(&map));
            }
        }
        // A value with shared objects behind them still means its own.
        let value = array([Value::Shared(0)]);
        let bytes = to_vec(&Unsized(vec![Unsized(vec![value.clone()])])).unwrap();
        assert_eq!(bytes, [0x61, 0x61, 0x61, 0x9e, 2]);
    }
}

mod arguments {
    use super::*;

    fn args<T: Serialize>(args: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        args_to_buf(args, &mut bytes).expect("they can be written");
        bytes
    }

    fn message<T: DeserializeOwned + Debug>(bytes: &[u8]) -> String {
        args_from_slice::<T>(bytes).expect_err("they are no such arguments").to_string()
    }

    #[test]
    fn arguments_are_an_array() {
        assert_eq!(args(&()), [0x60]);
        assert_eq!(args(&(1,)), [0x61, 1]);
        assert_eq!(args(&((),)), [0x61, 0x80]);
        assert_eq!(args(&("a", 1)), encode(&array([text("a"), 1.into()])));
        assert_eq!(args_from_slice::<()>(&[0x60]), Ok(()));
        assert_eq!(args_from_slice::<(String, u8)>(&args(&("a", 1))), Ok(("a".into(), 1)));
        assert_eq!(args_from_slice::<Vec<u8>>(&args(&(1, 2, 3))), Ok(vec![1, 2, 3]));
        let long: BTreeMap<u8, String> = (0..40).map(|index| (index, "x".repeat(index.into()))).collect();
        assert_eq!(args_from_slice::<(BTreeMap<u8, String>,)>(&args(&(&long,))), Ok((long,)));
    }

    #[test]
    fn they_are_written_behind_what_the_buffer_holds() {
        let mut bytes = vec![9];
        args_to_buf(&(), &mut bytes).unwrap();
        args_to_buf(&(1,), &mut bytes).unwrap();
        assert_eq!(bytes, [9, 0x60, 0x61, 1]);
        let error = args_to_buf(&(1, Value::Hole), &mut bytes).unwrap_err();
        assert_eq!(error.to_string(), "args[1]: a hole stands outside of an array");
        assert_eq!(bytes, [9, 0x60, 0x61, 1]);
    }

    #[test]
    fn missing_arguments_at_the_end_are_none() {
        assert_eq!(args_from_slice::<(u8, Option<u8>)>(&args(&(1,))), Ok((1, None)));
        assert_eq!(args_from_slice::<(Option<u8>, Option<u8>)>(&args(&())), Ok((None, None)));
        assert_eq!(args_from_slice::<(u8, Option<u8>)>(&args(&(1, ()))), Ok((1, None)));
        assert_eq!(args_from_slice::<(Option<u8>, u8)>(&[0x62, 0x84, 1]), Ok((None, 1)), "a hole");
    }

    #[test]
    fn their_number_has_to_fit() {
        assert_eq!(message::<()>(&args(&(1,))), "expected 0 arguments, got 1");
        assert_eq!(message::<(u8,)>(&args(&())), "expected 1 argument, got 0");
        assert_eq!(message::<(u8,)>(&args(&(1, 2))), "expected 1 argument, got 2");
        assert_eq!(message::<(u8, u8)>(&args(&(1,))), "expected 2 arguments, got 1");
        assert_eq!(message::<(u8, u8, Option<u8>)>(&args(&(1,))), "expected 3 arguments, got 1");
    }

    #[test]
    fn messages_begin_with_args() {
        let bytes = args(&(1, item_value("a", 1)));
        assert_eq!(args_from_slice::<(u8, Item)>(&bytes), Ok((1, item("a", 1))));
        let bytes = args(&(1, object([("name", 5.into()), ("count", 1.into())])));
        assert_eq!(message::<(u8, Item)>(&bytes), "args[1].name: expected a string, got integer `5`");
        assert_eq!(message::<(String, Item)>(&bytes), "args[0]: expected a string, got integer `1`");
        assert_eq!(message::<(u8, Item)>(&args(&(1, object([])))), "args[1]: the property `name` is missing");
        let list = args(&(vec![vec!["a"]],));
        assert_eq!(message::<(Vec<Vec<u8>>,)>(&list), "args[0][0][0]: expected u8, got string \"a\"");
        assert_eq!(message::<()>(&[0x70]), "the arguments of a call are an array");
        assert_eq!(message::<()>(&[0x60, 0]), "malformed payload: bytes are left after the value");
    }

    #[test]
    fn values_and_shared_objects_are_arguments_too() {
        let shared = array([item_value("a", 1), Value::Shared(1)]);
        assert_eq!(args_from_slice::<(Item, Item)>(&encode(&shared)), Ok((item("a", 1), item("a", 1))));
        let cycle = array([Value::Shared(0)]);
        assert_eq!(args_from_slice::<(u8, Value)>(&args(&(1, &cycle))), Ok((1, cycle)));
        assert_eq!(args_from_slice::<Vec<Value>>(&[0x63, 0x80, 0x84, 0x81]).map(|args| args.len()), Ok(3));
    }
}

mod nesting {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Tower {
        Top,
        Story(Box<Tower>),
    }

    fn tower(stories: usize) -> Tower {
        (0..stories).fold(Tower::Top, |tower, _| Tower::Story(Box::new(tower)))
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nest(Vec<Nest>);

    #[test]
    fn nesting_up_to_the_limit_goes() {
        let bytes = to_vec(&tower(256)).unwrap();
        assert_eq!(from_slice::<Tower>(&bytes).unwrap(), tower(256));
        assert!(Value::decode(&bytes).is_ok());
    }

    /// Only what is contained is deeper.
    #[test]
    fn what_is_empty_may_be_at_the_limit() {
        let nest = |levels| (0..levels).fold(Nest(vec![]), |nest, _| Nest(vec![nest]));
        let bytes = to_vec(&nest(256)).unwrap();
        assert_eq!(from_slice::<Nest>(&bytes).unwrap(), nest(256));
        assert!(Value::decode(&bytes).is_ok());
        assert!(to_vec(&nest(257)).is_err());
        let bytes = [&[0x61; 257][..], &[0x60]].concat();
        assert!(from_slice::<Nest>(&bytes).is_err() && Value::decode(&bytes).is_err());

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holey(Vec<Option<Holey>>);
        let hole = (0..256).fold(array([Value::Hole]), |value, _| array([value]));
        let holey = (0..256).fold(Holey(vec![None]), |holey, _| Holey(vec![Some(holey)]));
        assert_eq!(from_slice::<Holey>(&to_vec(&hole).unwrap()).unwrap(), holey);

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        enum Shelf {
            Empty {},
            Full(Box<Shelf>),
        }
        let shelf = |levels| (0..levels).fold(Shelf::Empty {}, |shelf, _| Shelf::Full(Box::new(shelf)));
        assert_eq!(from_slice::<Shelf>(&to_vec(&shelf(255)).unwrap()).unwrap(), shelf(255));
        assert!(to_vec(&shelf(256)).is_err());
    }

    #[test]
    fn nesting_beyond_is_refused_by_both_sides() {
        let error = to_vec(&tower(257)).unwrap_err().to_string();
        assert!(error.ends_with("values are nested too deep: 256 levels at most can be sent"), "{error}");
        assert!(to_vec(&tower(2000)).is_err());
        assert!(to_vec(&(0..300).fold(Nest(vec![]), |nest, _| Nest(vec![nest]))).is_err());
        assert!(to_vec(&(0..300).fold(Value::Null, |value, _| array([value]))).is_err());

        let mut bytes = b"\x71\x00\x45Story".to_vec();
        bytes.extend([0x71, 1].repeat(256));
        bytes.extend(b"\x43Top");
        let error = from_slice::<Tower>(&bytes).unwrap_err().to_string();
        assert!(error.contains("nested too deep"), "{error}");
        assert!(from_slice::<Nest>(&[vec![0x61; 300], vec![0x60]].concat()).is_err());
    }

    #[test]
    fn a_value_counts_the_levels_around_it() {
        let deep = |levels| (0..levels).fold(Value::Null, |value, _| array([value]));
        assert!(to_vec(&[[deep(254)]]).is_ok());
        assert!(to_vec(&[[deep(255)]]).is_err());
        assert_eq!(from_slice::<[[Value; 1]; 1]>(&to_vec(&[[deep(254)]]).unwrap()).unwrap(), [[deep(254)]]);
    }
}
