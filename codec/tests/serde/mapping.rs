//! Types of serde as values, and back.

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
    // `Some(None)` is `null` as well: values do not nest options.
    assert_eq!(to_vec(&Some(None::<u8>)), to_vec(&None::<u8>));
    reads(Value::Null, None::<Option<u8>>);
}

#[test]
fn booleans_and_strings_keep_their_types() {
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
fn integers_up_to_2_to_the_53_are_numbers() {
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
fn integers_beyond_2_to_the_53_are_bigints() {
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
fn newtype_is_written_as_its_content() {
    becomes(Newtype(5), number(5.0));
    becomes(Box::new(Newtype(5)), number(5.0));
    becomes(NonZeroU8::MAX, number(255.0));
}

#[test]
fn bytes_are_written_as_uint8array() {
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
fn types_of_std_use_their_readable_form() {
    becomes("127.0.0.1".parse::<IpAddr>().unwrap(), text("127.0.0.1"));
    becomes(Duration::new(1, 5), object([("secs", 1.into()), ("nanos", 5.into())]));
    becomes(1_u8..3, object([("start", 1.into()), ("end", 3.into())]));
}
