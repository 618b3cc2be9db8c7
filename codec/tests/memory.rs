//! Values for which there is no memory. A separate test binary, because the allocator belongs to the whole process.

#[path = "../../tests/failing/mod.rs"]
mod failing;

use coincide_codec::value::{self, OwnedText, PropertyKey, Symbol, Value, ViewKind};
use coincide_codec::{ByteBuf, DecodeError, DecodeErrorKind, typed};
use failing::fail_above;
use serde::Deserialize;

/// Runs `action` while allocations of more than `largest` bytes fail.
fn short_of_memory<T>(largest: usize, action: impl FnOnce() -> T) -> T {
    fail_above(largest);
    let result = action();
    fail_above(usize::MAX);
    result
}

#[test]
fn encoding_without_memory_fails_and_leaves_the_buffer_unchanged() {
    let long = "x".repeat(100_000);
    let properties = |text: &str| (0..200).map(|n| (format!("key {n}"), text.into())).collect::<Vec<(String, Value)>>();
    let values: [(&str, Value); 6] = [
        ("string", Value::from(&*long)),
        ("string of code units that are text", Value::from("\u{1f600}".repeat(30_000).as_str())),
        ("string of code units", Value::String(OwnedText::Utf16(vec![0xd800; 100_000]))),
        ("bytes", Value::Bytes(long.clone().into_bytes())),
        ("array", Value::Array(vec![1.into(); 100_000])),
        (
            "objects",
            Value::Array(
                (0..20)
                    .map(|_| {
                        Value::Object(
                            properties("some text")
                                .into_iter()
                                .map(|(key, value)| (key.as_str().into(), value))
                                .collect(),
                        )
                    })
                    .collect(),
            ),
        ),
    ];
    for (what, value) in values {
        let mut buffer = b"before".to_vec();
        let error = short_of_memory(20_000, || value.encode(&mut buffer)).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than there is memory for", "{what}");
        assert!(error.is_out_of_memory());
        assert_eq!(buffer, b"before", "{what}");
        value.encode(&mut buffer).unwrap();
        assert_eq!(Value::decode(&buffer[6..]).as_ref(), Ok(&value), "{what}");
    }
    let records: Vec<std::collections::BTreeMap<String, &str>> =
        vec![(0..200).map(|n| (format!("key {n}"), "some text")).collect(); 20];
    let mut buffer = Vec::new();
    let error = short_of_memory(20_000, || value::to_buf(&records, &mut buffer)).unwrap_err();
    assert_eq!(error.to_string(), "it is larger than there is memory for");
    assert!(buffer.is_empty());
}

#[test]
fn utf16_units_of_well_formed_text_are_written_without_allocation() {
    let units: Vec<u16> = "\u{1f600} some text ä".repeat(1000).encode_utf16().collect();
    let mut buffer = Vec::with_capacity(50_000);
    let mut writer = value::Writer::new(&mut buffer);
    short_of_memory(0, || writer.utf16(&units));
    writer.finish().unwrap();
    assert_eq!(value::from_slice(&buffer), Ok(String::from_utf16(&units).unwrap()));
}

#[test]
fn serializing_without_memory_fails() {
    let long = "x".repeat(100_000);
    let within = [Value::from(&*long)];
    let numbers = vec![1_u8; 100_000];
    let mut buffer = b"before".to_vec();
    for error in [
        short_of_memory(20_000, || value::to_buf(&(1, &*long), &mut buffer)),
        short_of_memory(20_000, || value::to_buf(&within, &mut buffer)),
        short_of_memory(20_000, || value::to_buf(&std::iter::once((&long, 1)).collect::<Pairs>(), &mut buffer)),
        short_of_memory(20_000, || typed::to_buf(&(1, &*long), 7, &mut buffer)),
        short_of_memory(20_000, || typed::to_buf(&numbers, 7, &mut buffer)),
        short_of_memory(20_000, || typed::to_buf(&within, 7, &mut buffer)),
    ] {
        let error = error.unwrap_err();
        assert!(error.is_out_of_memory(), "{error}");
        assert_eq!(buffer, b"before");
    }
}

type Pairs<'a> = std::collections::HashMap<&'a String, i32>;

/// Each of these needs more memory than there is.
fn large_values() -> Vec<Value> {
    let long = || "x".repeat(100_000);
    vec![
        Value::from(long()),
        Value::Object(vec![(PropertyKey::Symbol(Symbol::Registered(long())), 1.into())]),
        Value::String(OwnedText::Utf16(vec![0xd800; 50_000])),
        Value::BigInt(value::BigInt::new(true, &[7; 100_000])),
        Value::Bytes(vec![7; 100_000]),
        Value::Array(vec![1.into(); 10_000]),
        Value::Set(vec![1.into(); 10_000]),
        Value::Array((0..10_000).map(|_| Value::Buffer { bytes: vec![], max: None }).collect()),
        Value::Blob { kind: "text/plain".into(), bytes: vec![7; 100_000] },
        Value::Image { width: 100, height: 250, color_space: "srgb".into(), pixels: vec![7; 100_000] },
    ]
}

#[test]
fn decoding_a_value_without_memory_fails() {
    for value in large_values() {
        let mut bytes = Vec::new();
        value.encode(&mut bytes).unwrap();
        let fails = |error: DecodeError| {
            assert_eq!(error.kind(), &DecodeErrorKind::OutOfMemory);
            assert!(error.to_string().ends_with("there is no memory to read it"), "{error}");
        };
        fails(short_of_memory(20_000, || Value::decode(&bytes)).unwrap_err());
        fails(short_of_memory(20_000, || value::from_slice::<Value>(&bytes)).unwrap_err());
        assert_eq!(value::from_slice(&bytes), Ok(value));
    }
}

#[test]
fn deserializing_a_type_without_memory_fails() {
    fn refused<'de, T: Deserialize<'de>>(bytes: &'de [u8], largest: usize) {
        let error = short_of_memory(largest, || value::from_slice::<T>(bytes)).err().expect("there is no memory");
        assert!(error.is_out_of_memory(), "{error}");
        assert!(value::from_slice::<T>(bytes).is_ok());
    }
    let long = "x".repeat(100_000);
    refused::<String>(&value::to_vec(&long).unwrap(), 20_000);
    refused::<(u8, Option<String>)>(&value::to_vec(&(1, &long)).unwrap(), 20_000);
    refused::<std::collections::BTreeMap<String, u8>>(
        &value::to_vec(&std::iter::once((&long, 1)).collect::<Pairs>()).unwrap(),
        20_000,
    );
    refused::<ByteBuf>(&value::to_vec(&ByteBuf::from(vec![7; 100_000])).unwrap(), 20_000);
    // Serde allocates lists itself, and reserves up to 1 MiB for each at first.
    const MIB: usize = 1 << 20;
    refused::<Vec<u8>>(&value::to_vec(&ByteBuf::from(vec![7; 3 * MIB])).unwrap(), MIB);
    refused::<Vec<u32>>(&value::to_vec(&vec![1_u8; MIB]).unwrap(), MIB);
    let numbers = Value::View {
        kind: ViewKind::Float64,
        buffer: Box::new(Value::Buffer { bytes: vec![0; 3 * MIB], max: None }),
        offset: 0,
        len: Some(MIB as u64 / 8 * 3),
    };
    let mut bytes = Vec::new();
    numbers.encode(&mut bytes).unwrap();
    refused::<Vec<f64>>(&bytes, MIB);
    // The search for shared objects lists all of them.
    let shared = Value::Array(vec![Value::Array(vec![Value::Array(vec![]); 10_000]), Value::Shared(1)]);
    bytes.clear();
    shared.encode(&mut bytes).unwrap();
    refused::<(serde::de::IgnoredAny, Vec<serde::de::IgnoredAny>)>(&bytes, 20_000);

    for result in [
        typed_string(&value_in_typed(&long)).map(drop),
        typed_bytes(&value_in_typed(&ByteBuf::from(vec![7; 100_000]))).map(drop),
    ] {
        assert!(result.unwrap_err().is_out_of_memory());
    }
}

fn value_in_typed<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    typed::to_buf(value, 7, &mut bytes).unwrap();
    bytes
}

fn typed_string(bytes: &[u8]) -> Result<String, DecodeError> {
    short_of_memory(20_000, || typed::from_slice(bytes, 7))
}

fn typed_bytes(bytes: &[u8]) -> Result<ByteBuf, DecodeError> {
    short_of_memory(20_000, || typed::from_slice(bytes, 7))
}

#[test]
fn error_about_a_long_text_is_truncated() {
    let long = "x".repeat(1 << 20);
    let bytes = value::to_vec(&(&long, 1)).unwrap();
    let error = short_of_memory(20_000, || value::from_slice::<(u8, u8)>(&bytes)).unwrap_err().to_string();
    assert!(error.starts_with("[0]: expected u8, got string \"xxx") && error.ends_with("xxx..."), "{error}");
    assert!(error.len() < 2000, "{} bytes", error.len());
    let value = Value::Object(vec![(long.as_str().into(), Value::Hole)]);
    let mut buffer = Vec::with_capacity(2 << 20);
    let error = short_of_memory(20_000, || value.encode(&mut buffer)).unwrap_err().to_string();
    assert!(error.starts_with("xxx") && error.len() < 2000, "{} bytes", error.len());
}
