//! Values that a type accepts beyond those that it is written as.

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
fn set_is_read_as_sequence() {
    reads(Value::Set(vec![1.into(), 2.into()]), vec![1, 2]);
    reads(Value::Set(vec![1.into(), 2.into()]), BTreeSet::from([1, 2]));
    reads(Value::Set(vec![1.into(), text("a")]), (1, "a".to_owned()));
}

#[test]
fn map_is_read_as_struct_and_map() {
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
fn float16_elements_are_read_as_floats() {
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
fn view_is_read_as_its_range() {
    let buffer = |max| Value::Buffer { bytes: (0..10).collect(), max };
    reads(view_at(ViewKind::Uint8, buffer(None), 3, Some(2)), vec![3, 4]);
    reads(view_at(ViewKind::Uint16, buffer(None), 2, Some(2)), vec![0x0302, 0x0504]);
    reads(view_at(ViewKind::Uint8, buffer(Some(20)), 8, None), vec![8, 9]);
    // A view that follows its buffer has whole elements only.
    reads(view_at(ViewKind::Uint32, buffer(Some(20)), 4, None), vec![0x0706_0504_u32]);
    reads(view_at(ViewKind::Uint8, buffer(None), 4, Some(3)), ByteBuf::from(vec![4, 5, 6]));
}

#[test]
fn invalid_views_are_malformed_for_serde() {
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
fn buffers_views_and_blobs_are_read_as_bytes() {
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
fn integers_are_read_from_numbers_and_bigints() {
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
    refuses::<u128>(Value::BigInt(BigInt::new(false, &[1; 17])), "expected u128, got a bigint of more than 128 bits");
}

#[test]
fn date_is_read_as_float() {
    reads(Value::Date(1.7e12), 1.7e12);
    assert!(from_slice::<f64>(&encode(&Value::Date(f64::NAN))).unwrap().is_nan());
}

#[test]
fn boxed_primitive_is_read_as_primitive() {
    reads(Value::Boxed(Box::new(5.into())), 5_u8);
    reads(Value::Boxed(Box::new(text("a"))), "a".to_owned());
    let error = from_slice::<Vec<u8>>(&[0x95, 0x60]).unwrap_err();
    assert!(matches!(error.kind(), DecodeErrorKind::Malformed(_)), "{error}");
}

#[test]
fn shared_object_is_read_at_each_occurrence() {
    let twice = |value: Value| array([value, Value::Shared(1)]);
    reads(twice(array([1.into()])), vec![vec![1], vec![1]]);
    reads(twice(item_value("a", 1)), (item("a", 1), item("a", 1)));
    reads(twice(Value::Bytes(vec![1])), vec![ByteBuf::from(vec![1]), ByteBuf::from(vec![1])]);
    reads(twice(Value::Bytes(vec![1])), vec![vec![1], vec![1]]);
    reads(twice(view(ViewKind::Uint8, &[1])), [[1], [1]]);
    reads(twice(Value::Set(vec![1.into()])), (Some((1,)), Some((1,))));
    reads(twice(object([("Newtype", 1.into())])), [Kind::Newtype(Some(1)), Kind::Newtype(Some(1))]);
    reads(twice(Value::Map(vec![(1.into(), 2.into())])), [BTreeMap::from([(1, 2)]), BTreeMap::from([(1, 2)])]);
    // The keys of the first object keep their numbers when it is read again.
    let value = array([object([("x", 0.into())]), item_value("a", 1), Value::Shared(2), item_value("b", 2)]);
    let (_, first, again, last): (BTreeMap<String, u8>, Item, Item, Item) = from_slice(&encode(&value)).unwrap();
    assert_eq!((first.clone(), last), (again, item("b", 2)));
}

#[test]
fn shared_rc_is_written_twice() {
    let shared = Rc::new(item("a", 1));
    let value = from_slice::<Value>(&to_vec(&(&*shared, &*shared)).unwrap()).unwrap();
    assert_eq!(value, array([item_value("a", 1), item_value("a", 1)]));
}
