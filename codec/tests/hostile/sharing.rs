//! Shared objects: bounded work for exponential and cyclic references.

use super::*;

#[test]
fn exponential_sharing_decodes_with_bounded_work() {
    // Each array contains the previous one ten times; `Value` keeps the sharing.
    let mut bytes = vec![0x90, 20, 0x6a];
    bytes.extend([0x00; 10]);
    for level in 1..20 {
        bytes.push(0x6a);
        bytes.extend([0x9e, level].repeat(10));
    }
    let value = Value::decode(&bytes).expect("it is a value");
    let mut again = Vec::new();
    value.encode(&mut again).expect("the value can be encoded");
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
fn cyclic_objects_decode_with_bounded_work() {
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
    // A view whose buffer is the view itself, through either object.
    assert!(from_slice::<ByteBuf>(&[0x99, 0x02, 0x00, 0x01, 0x9e, 0x00]).is_err());
    assert!(from_slice::<Vec<ByteBuf>>(&[0x61, 0x99, 0x02, 0x00, 0x01, 0x9e, 0x01]).is_err());
}

#[test]
fn large_shared_object_is_copied_within_the_bound() {
    // 32 KiB, repeated by each two bytes.
    let mut bytes = vec![0x90];
    bytes.extend(varint(16_385));
    bytes.push(0x98);
    bytes.extend(varint(32_768));
    bytes.extend([7; 32_768]);
    bytes.extend([0x9e, 0x01].repeat(16_384));
    bounded_value(&bytes);
    let mut error = None;
    let peak = peak_of(|| error = from_slice::<Vec<Vec<u8>>>(&bytes).err());
    assert!(error.expect("the bound is exceeded").to_string().ends_with("decode it as a `Value`"));
    assert!(peak < SHARED_READ, "{peak} bytes");
}

#[test]
fn lookup_of_shared_objects_reads_only_those_objects() {
    // A large payload with many shared references to small objects: scanning all of it for each reference would exceed any bound.
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
        let list = from_slice::<Vec<BTreeMap<String, u8>>>(&each(count)).expect("each is read again");
        let value = |at: usize| list[at]["a"];
        assert_eq!((list.len(), value(0), value(1), value(count), value(2 * count - 1)), (2 * count, 7, 8, 7, 8));
    }
}

#[test]
fn shared_objects_use_the_keys_numbered_before_them() {
    // {"a": {"b": 1}}, and the inner object again after a later key; more keys than the table holds.
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
