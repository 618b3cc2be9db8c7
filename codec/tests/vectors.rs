//! The value format against the test vectors in `proto/vectors/values.json`.
//!
//! To add a case, write it with `"bytes": ""`; the failing test prints the bytes, which must be checked against
//! the specification.

use coincide_codec::value::{
    BigInt, ErrorValue, HandleKind, OwnedText, PropertyKey, RefKind, RefOwner, Symbol, ViewKind,
};
use coincide_codec::{DecodeErrorKind, Value, value};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

#[derive(Deserialize)]
struct File {
    valid: Vec<Valid>,
    readable: Vec<Valid>,
    invalid: Vec<Invalid>,
}

#[derive(Deserialize)]
struct Valid {
    name: String,
    value: Json,
    bytes: String,
}

#[derive(Deserialize)]
struct Invalid {
    name: String,
    why: String,
    bytes: String,
}

#[test]
fn vectors_of_values_encode_to_their_bytes() {
    on_a_large_stack(|file| {
        let mut wrong = Vec::new();
        for case in &file.valid {
            let (value, bytes) = (parse(&case.value), from_hex(&case.bytes));
            let mut encoded = Vec::new();
            match value.encode(&mut encoded) {
                Ok(()) if encoded == bytes => {}
                Ok(()) => wrong.push(format!("{}: encoded as {}", case.name, to_hex(&encoded))),
                Err(error) => wrong.push(format!("{}: {error}", case.name)),
            }
        }
        assert_none(&wrong);
    });
}

#[derive(Deserialize)]
struct Operation {
    name: String,
    value: Json,
    bytes: String,
    result: Json,
    #[serde(rename = "resultBytes")]
    result_bytes: String,
}

#[test]
fn vectors_of_operations_encode_to_their_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/vectors/operations.json");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let mut file: HashMap<String, Vec<Operation>> = serde_json::from_str(&text).expect("the vectors have this form");
    let trace = file.remove("trace").expect("the file has a trace");
    assert!(!trace.is_empty());
    for case in trace {
        for (json, bytes) in [(&case.value, &case.bytes), (&case.result, &case.result_bytes)] {
            let mut encoded = Vec::new();
            parse(json).encode(&mut encoded).expect("the value can be encoded");
            assert_eq!(&to_hex(&encoded), bytes, "{}", case.name);
            assert!(Value::decode(&encoded).is_ok_and(|decoded| equal(&decoded, &parse(json))), "{}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct ObjectCall {
    name: String,
    value: Json,
    bytes: String,
    result: Option<Json>,
    #[serde(rename = "resultBytes")]
    result_bytes: Option<String>,
}

#[test]
fn vectors_of_objects_encode_to_their_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/vectors/objects.json");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let file: HashMap<String, Vec<ObjectCall>> = serde_json::from_str(&text).expect("the vectors have this form");
    for case in ["calls", "notifications", "invalid"].iter().flat_map(|list| &file[*list]) {
        let result = case.result.as_ref().zip(case.result_bytes.as_ref());
        for (json, bytes) in [(&case.value, &case.bytes)].into_iter().chain(result) {
            let mut encoded = Vec::new();
            parse(json).encode(&mut encoded).expect("the value can be encoded");
            assert_eq!(&to_hex(&encoded), bytes, "{}", case.name);
            assert!(Value::decode(&encoded).is_ok_and(|decoded| equal(&decoded, &parse(json))), "{}", case.name);
        }
    }
}

#[test]
fn vectors_of_values_decode_from_their_bytes() {
    on_a_large_stack(|file| {
        let mut wrong = Vec::new();
        for case in &file.valid {
            let (value, bytes) = (parse(&case.value), from_hex(&case.bytes));
            match Value::decode(&bytes) {
                Ok(decoded) if !decoded.same(&value) || !equal(&decoded, &value) => {
                    wrong.push(format!("{}: decoded as {decoded:?}", case.name));
                }
                Ok(decoded) => {
                    let mut again = Vec::new();
                    if decoded.encode(&mut again).is_err() || again != bytes {
                        wrong.push(format!("{}: encoded again as {}", case.name, to_hex(&again)));
                    }
                }
                Err(error) => wrong.push(format!("{}: {error}", case.name)),
            }
            if let Err(error) = value::from_slice::<IgnoredAny>(&bytes) {
                wrong.push(format!("{}: stepping over it: {error}", case.name));
            }
            match value::from_slice::<Value>(&bytes) {
                Ok(decoded) if equal(&decoded, &value) => {}
                other => wrong.push(format!("{}: by way of serde: {other:?}", case.name)),
            }
        }
        assert_none(&wrong);
    });
}

#[test]
fn segments_do_not_change_the_decoded_value() {
    on_a_large_stack(|file| {
        let (mut wrong, mut right) = (Vec::new(), 0);
        for case in &file.valid {
            let bytes = from_hex(&case.bytes);
            let whole = Value::decode(&bytes).expect("the vector is valid");
            for start in 1..bytes.len().min(600) {
                // A length of one byte, a short string, and any byte.
                let before = usize::from(bytes[start - 1]);
                for len in [before, before & 0x1f, 1] {
                    let Some(content) = bytes.get(start..start + len).filter(|content| !content.is_empty()) else {
                        continue;
                    };
                    let head = [&bytes[..start], &bytes[start + len..]].concat();
                    let segments = [(start..start, Some(Arc::new(content.to_vec())))];
                    match value::from_payload::<Value>(&head, &mut segments.clone()) {
                        Ok(read) if equal(&read, &whole) => right += 1,
                        Ok(read) => wrong.push(format!("{}: {len} bytes at {start}: {read:?}", case.name)),
                        Err(_) => {}
                    }
                    // Rules between items may be left unchecked.
                    let _ = value::from_payload::<IgnoredAny>(&head, &mut segments.clone());
                }
            }
        }
        assert_none(&wrong);
        assert!(right > file.valid.len(), "{right} contents were segments");
    });
}

#[test]
fn alternative_encodings_are_read() {
    on_a_large_stack(|file| {
        let mut wrong = Vec::new();
        for case in &file.readable {
            match Value::decode(&from_hex(&case.bytes)).map(in_javascript) {
                Ok(decoded) if equal(&decoded, &parse(&case.value)) => {}
                other => wrong.push(format!("{}: decoded as {other:?}", case.name)),
            }
        }
        assert_none(&wrong);
    });
}

#[test]
fn malformed_vectors_are_refused() {
    on_a_large_stack(|file| {
        let mut wrong = Vec::new();
        for case in &file.invalid {
            let bytes = from_hex(&case.bytes);
            match Value::decode(&bytes) {
                Err(error) if matches!(error.kind(), DecodeErrorKind::Malformed(_)) => {}
                other => wrong.push(format!("{} ({}): {other:?}", case.name, case.why)),
            }
            if value::from_slice::<Value>(&bytes).is_ok() {
                wrong.push(format!("{} ({}): read by way of serde", case.name, case.why));
            }
            // Rules between items may be left unchecked, without a panic.
            let _ = value::from_slice::<IgnoredAny>(&bytes);
        }
        assert_none(&wrong);
    });
}

#[test]
fn truncated_values_and_trailing_bytes_are_refused() {
    on_a_large_stack(|file| {
        let mut wrong = Vec::new();
        for case in &file.valid {
            let mut bytes = from_hex(&case.bytes);
            for len in 0..bytes.len() {
                if Value::decode(&bytes[..len]).is_ok() || value::from_slice::<IgnoredAny>(&bytes[..len]).is_ok() {
                    wrong.push(format!("{}: the first {len} bytes are read", case.name));
                }
            }
            bytes.push(0);
            if Value::decode(&bytes).is_ok() || value::from_slice::<IgnoredAny>(&bytes).is_ok() {
                wrong.push(format!("{}: a byte behind it is not seen", case.name));
            }
        }
        assert_none(&wrong);
    });
}

/// JSON nested as deeply as values needs more stack than a test thread has.
fn on_a_large_stack(check: impl FnOnce(&File) + Send + 'static) {
    let check = move || {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/vectors/values.json");
        let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
        let mut json = serde_json::Deserializer::from_str(&text);
        json.disable_recursion_limit();
        let file = File::deserialize(&mut json).expect("the vectors are JSON of this form");
        assert!(!file.valid.is_empty() && !file.readable.is_empty() && !file.invalid.is_empty());
        check(&file);
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(check).expect("a thread can be spawned");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether the parts are the same one by one; a NaN is the same as another, 0 and -0 are not.
fn equal(left: &Value, right: &Value) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

/// The value as JavaScript decodes it: of properties with the same key the later one is kept at the position of the first; dates have no fractions
/// and a limited range.
fn in_javascript(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(in_javascript).collect()),
        Value::Object(properties) => Value::Object(merged(properties)),
        Value::Map(entries) => Value::Map(merged(entries)),
        Value::Set(items) => {
            let entries = merged(items.into_iter().map(|item| (item, Value::Null)).collect());
            Value::Set(entries.into_iter().map(|(item, _)| item).collect())
        }
        Value::Date(time) => Value::Date(if time.abs() <= 8.64e15 { time.trunc() + 0.0 } else { f64::NAN }),
        other => other,
    }
}

fn merged<K: PartialEq>(entries: Vec<(K, Value)>) -> Vec<(K, Value)> {
    let mut kept: Vec<(K, Value)> = Vec::new();
    for (key, value) in entries {
        let value = in_javascript(value);
        match kept.iter_mut().find(|(other, _)| *other == key) {
            Some((_, held)) => *held = value,
            None => kept.push((key, value)),
        }
    }
    kept
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits: {text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// Reads the notation of the specification's section 17.
fn parse(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(_) => Value::Number(number(json)),
        Json::String(_) => Value::String(text(json)),
        Json::Array(items) => Value::Array(items.iter().map(parse).collect()),
        Json::Object(object) => {
            assert_eq!(object.len(), 1, "not the notation of a value: {json}");
            let (name, content) = object.iter().next().expect("it has one property");
            parse_named(name, content)
        }
    }
}

fn owner(content: &Json) -> RefOwner {
    match string(&content["owner"]).as_str() {
        "sender" => RefOwner::Sender,
        "receiver" => RefOwner::Receiver,
        other => panic!("no owner: {other}"),
    }
}

fn parse_named(name: &str, content: &Json) -> Value {
    match name {
        "$undefined" => Value::Undefined,
        "$hole" => Value::Hole,
        "$number" => Value::Number(named_number(string(content))),
        "$bigint" => Value::BigInt(string(content).parse::<BigInt>().expect("an integer in decimal")),
        "$utf16" => Value::String(OwnedText::Utf16(units(content))),
        "$symbol" => Value::Symbol(Symbol::Registered(string(content))),
        "$wellKnown" => Value::Symbol(Symbol::WellKnown(string(content))),
        "$date" => Value::Date(number(content)),
        "$regexp" => Value::RegExp {
            source: text(&content["source"]),
            flags: string(&content["flags"]),
            last_index: integer(&content["lastIndex"]),
        },
        "$object" => Value::Object(properties(content)),
        "$map" => Value::Map(list(content).iter().map(|entry| (parse(&entry[0]), parse(&entry[1]))).collect()),
        "$set" => Value::Set(list(content).iter().map(parse).collect()),
        "$error" => Value::Error(Box::new(ErrorValue {
            class: text(&content["class"]),
            message: text(&content["message"]),
            stack: text(&content["stack"]),
            cause: content.get("cause").map(parse),
            properties: properties(&content["properties"]),
        })),
        "$boxed" => Value::Boxed(Box::new(parse(content))),
        "$buffer" => Value::Buffer { bytes: bytes(&content["bytes"]), max: content.get("max").map(integer) },
        "$bytes" => Value::Bytes(bytes(content)),
        "$view" => Value::View {
            kind: view_kind(&string(&content["type"])),
            buffer: Box::new(parse(&content["buffer"])),
            offset: integer(&content["offset"]),
            len: content.get("length").map(integer),
        },
        "$blob" => Value::Blob { kind: string(&content["type"]), bytes: bytes(&content["bytes"]) },
        "$file" => Value::File {
            kind: string(&content["type"]),
            name: text(&content["name"]),
            last_modified: number(&content["lastModified"]),
            bytes: bytes(&content["bytes"]),
        },
        "$image" => Value::Image {
            width: small(&content["width"]),
            height: small(&content["height"]),
            color_space: string(&content["colorSpace"]),
            pixels: bytes(&content["bytes"]),
        },
        "$reference" => Value::Reference {
            owner: owner(content),
            kind: match string(&content["kind"]).as_str() {
                "object" => RefKind::Object,
                "array" => RefKind::Array,
                "function" => RefKind::Function,
                "symbol" => RefKind::Symbol,
                other => panic!("no kind of a reference: {other}"),
            },
            id: string(&content["id"]).parse().expect("an id in decimal"),
        },
        "$posted" => Value::Posted {
            owner: owner(content),
            number: string(&content["number"]).parse().expect("a number in decimal"),
        },
        "$handle" => Value::Handle {
            owner: owner(content),
            kind: match string(&content["kind"]).as_str() {
                "function" => HandleKind::Function,
                "methods" => HandleKind::Methods,
                "exposed" => HandleKind::Exposed,
                "stream" => HandleKind::Stream,
                "signal" => HandleKind::Signal,
                "controller" => HandleKind::Controller,
                other => panic!("no kind of a handle: {other}"),
            },
            id: string(&content["id"]).parse().expect("an id in decimal"),
            description: Box::new(parse(&content["description"])),
        },
        "$shared" => Value::Shared(small(content)),
        other => panic!("no notation: {other}"),
    }
}

fn number(json: &Json) -> f64 {
    match json.get("$number") {
        Some(text) => named_number(string(text)),
        None => json.as_f64().unwrap_or_else(|| panic!("not a number: {json}")),
    }
}

fn named_number(text: String) -> f64 {
    match text.as_str() {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        text => text.parse().unwrap_or_else(|_| panic!("not a number: {text}")),
    }
}

fn integer(json: &Json) -> u64 {
    json.as_u64().unwrap_or_else(|| panic!("not a size: {json}"))
}

fn small(json: &Json) -> u32 {
    integer(json).try_into().unwrap_or_else(|_| panic!("too large: {json}"))
}

fn list(json: &Json) -> &[Json] {
    json.as_array().unwrap_or_else(|| panic!("not a list: {json}"))
}

fn string(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("not a string: {json}")).into()
}

fn bytes(json: &Json) -> Vec<u8> {
    from_hex(&string(json))
}

fn units(json: &Json) -> Vec<u16> {
    list(json).iter().map(|unit| integer(unit).try_into().expect("a code unit of UTF-16")).collect()
}

fn text(json: &Json) -> OwnedText {
    match json.get("$utf16") {
        Some(content) => OwnedText::Utf16(units(content)),
        None => OwnedText::Utf8(string(json)),
    }
}

fn properties(json: &Json) -> Vec<(PropertyKey, Value)> {
    list(json).iter().map(|pair| (key(&pair[0]), parse(&pair[1]))).collect()
}

fn key(json: &Json) -> PropertyKey {
    match (json.get("$symbol"), json.get("$wellKnown")) {
        (Some(key), _) => PropertyKey::Symbol(Symbol::Registered(string(key))),
        (_, Some(name)) => PropertyKey::Symbol(Symbol::WellKnown(string(name))),
        _ => PropertyKey::Text(text(json)),
    }
}

fn view_kind(name: &str) -> ViewKind {
    let name = name.strip_suffix("Array").unwrap_or(name);
    let kind = ViewKind::ALL.into_iter().find(|kind| format!("{kind:?}") == name);
    kind.unwrap_or_else(|| panic!("no type of views: {name}"))
}
