//! Values with segments: large contents bypass the buffer, and decode to the same value as without segments.
#![cfg(feature = "std")]

use coincide_codec::shared::{LEAST, LEAST_COPIED as LARGE, MOST, Segments};
use coincide_codec::value::{OwnedText, ViewKind};
use coincide_codec::{ByteBuf, Bytes, DecodeError, EncodeError, SharedBytes, Value, schema, typed, value};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

const HASH: u64 = 0x0102_0304_0506_0708;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Typed,
    Value,
    /// The values are tuples.
    Args,
}

const FORMATS: [Format; 2] = [Format::Typed, Format::Value];

/// An encoded value.
struct Encoded {
    format: Format,
    head: Vec<u8>,
    segments: Option<Box<Segments>>,
}

impl Encoded {
    fn of<T: Serialize>(format: Format, value: &T) -> Self {
        let mut encoded = Self { format, head: Vec::new(), segments: None };
        encoded.append(value).expect("the value can be sent");
        encoded
    }

    fn append<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        let Self { format, head, segments } = self;
        match format {
            Format::Typed => typed::to_payload(value, HASH, head, segments),
            Format::Value => value::to_payload(value, head, segments),
            Format::Args => value::args_to_payload(value, head, segments),
        }
    }

    /// All bytes in order.
    fn joined(&self) -> Vec<u8> {
        let (mut joined, mut at) = (Vec::new(), 0);
        for (range, bytes) in self.segments.iter().flat_map(|segments| segments.iter()) {
            joined.extend_from_slice(&self.head[at..range.start]);
            joined.extend_from_slice(bytes.as_ref().map_or(&[], |bytes| &bytes[..]));
            at = range.start;
        }
        joined.extend_from_slice(&self.head[at..]);
        joined
    }

    /// The value as received: every segment in a separate buffer.
    fn received(&self) -> Self {
        let (mut head, mut at, mut segments) = (Vec::new(), 0, Vec::new());
        for (range, bytes) in self.segments.iter().flat_map(|segments| segments.iter()) {
            head.extend_from_slice(&self.head[at..range.start]);
            let bytes = bytes.as_ref().map_or(&self.head[range.clone()], |bytes| &bytes[..]);
            segments.push((head.len()..head.len(), Some(Arc::new(bytes.to_vec()))));
            at = range.end;
        }
        head.extend_from_slice(&self.head[at..]);
        Self { head, segments: Some(Box::new(segments)), ..*self }
    }

    fn read<'de, T: Deserialize<'de>>(&'de mut self) -> Result<T, DecodeError> {
        let segments = self.segments.as_mut().map_or(&mut [][..], |segments| &mut segments[..]);
        match self.format {
            Format::Typed => typed::from_payload(&self.head, segments, HASH),
            Format::Value => value::from_payload(&self.head, segments),
            Format::Args => value::args_from_payload(&self.head, segments),
        }
    }

    /// Addresses of the contents of the segments.
    fn places(&self) -> Vec<*const u8> {
        let segments = self.segments.iter().flat_map(|segments| segments.iter());
        segments.map(|(_, bytes)| bytes.as_ref().expect("received").as_ptr()).collect()
    }
}

/// Checks that the value round-trips, with the same bytes as without segments. Returns the number of segments.
fn travels_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(format: Format, value: &T) -> usize {
    let encoded = Encoded::of(format, value);
    let mut plain = Vec::new();
    let read = match format {
        Format::Typed => {
            typed::to_buf(value, HASH, &mut plain).expect("the value can be sent");
            typed::from_slice::<T>(&plain, HASH)
        }
        Format::Value => {
            value::to_buf(value, &mut plain).expect("the value can be sent");
            value::from_slice::<T>(&plain)
        }
        Format::Args => {
            value::args_to_buf(value, &mut plain).expect("the value can be sent");
            value::args_from_slice::<T>(&plain)
        }
    };
    assert!(encoded.joined() == plain, "the bytes differ");
    assert!(read.expect("the bytes are valid") == *value);
    assert!(encoded.received().read::<T>().expect("the segments are valid") == *value);
    encoded.segments.map_or(0, |segments| segments.len())
}

/// The same in all formats, which have the same segments.
fn travels<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> usize {
    let [typed, value] = FORMATS.map(|format| travels_as(format, value));
    assert_eq!(typed, value);
    typed
}

fn shared(len: usize) -> SharedBytes {
    (0..len).map(|at| at as u8).collect::<Vec<_>>().into()
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Image {
    name: String,
    pixels: SharedBytes,
    thumbnail: Option<ByteBuf>,
    layers: Vec<SharedBytes>,
    notes: BTreeMap<String, String>,
    kind: Kind,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
enum Kind {
    #[default]
    Plain,
    Raw(ByteBuf),
    Packed {
        table: SharedBytes,
        text: String,
    },
}

#[test]
fn large_contents_become_segments_in_order() {
    let mut image = Image {
        name: "n".repeat(LARGE),
        pixels: shared(3 * LEAST),
        thumbnail: Some(ByteBuf::from(vec![7; LARGE - 1])),
        layers: vec![shared(LEAST), shared(10), shared(2 * LEAST)],
        notes: [("k".into(), "v".repeat(LARGE + 1))].into(),
        kind: Kind::Packed { table: shared(LEAST), text: "t".repeat(5) },
    };
    assert_eq!(travels(&image), 6);
    assert_eq!(travels_as(Format::Args, &(image.name.clone(), 1, image.pixels.clone())), 2);
    // A key of an object stays in the head.
    image.notes = [("k".repeat(LARGE), "v".repeat(LARGE + 1))].into();
    assert_eq!(FORMATS.map(|format| travels_as(format, &image)), [7, 6]);
    assert_eq!(travels(&Image { kind: Kind::Raw(ByteBuf::from(vec![1; LARGE])), ..Image::default() }), 1);
    assert_eq!(travels(&Image::default()), 0);
    assert_eq!(travels(&(shared(0), shared(1), shared(LEAST - 1))), 0);
}

#[test]
fn shared_bytes_are_not_copied() {
    for format in FORMATS {
        let bytes: Arc<Vec<u8>> = Arc::new(vec![1; LEAST]);
        let encoded = Encoded::of(format, &(SharedBytes::from(Arc::clone(&bytes)), 5_u8));
        let segments = encoded.segments.as_ref().expect("one is large");
        assert!(Arc::ptr_eq(segments[0].1.as_ref().expect("the segment is outside of the buffer"), &bytes));
        assert!(encoded.head.len() < 16);

        let mut received = encoded.received();
        let place = Arc::as_ptr(received.segments.as_ref().expect("one")[0].1.as_ref().expect("received"));
        let (read, five): (SharedBytes, u8) = received.read().expect("the segments are valid");
        assert_eq!((Arc::as_ptr(&Arc::from(read)), five), (place, 5));
    }
}

#[test]
fn owned_content_takes_its_segment() {
    for format in FORMATS {
        let mut received = Encoded::of(format, &("t".repeat(LARGE), Bytes::new(&[1; LARGE]))).received();
        let places = received.places();
        let (text, bytes): (String, ByteBuf) = received.read().expect("the segments are valid");
        assert_eq!([text.as_ptr(), bytes.as_ptr()], places[..]);
        // The remaining handles can be filled again.
        let left = received.segments.as_mut().expect("two");
        let mut left = left.iter_mut().map(|(_, bytes)| Arc::get_mut(bytes.as_mut().expect("kept")));
        assert!(left.all(|bytes| bytes.expect("unique").is_empty()));
    }
}

#[test]
fn borrowed_content_borrows_from_its_segment() {
    for format in FORMATS {
        let mut received = Encoded::of(format, &("t".repeat(LARGE), 1_u8, Bytes::new(&[1; LARGE]), "s")).received();
        let (text, one, bytes, small): (&str, u8, &Bytes, &str) = received.read().expect("the segments are valid");
        assert_eq!((text.len(), one, bytes.len(), small), (LARGE, 1, LARGE, "s"));
    }
}

#[test]
fn misplaced_segments_are_refused() {
    let value = (300_u16, ByteBuf::from(vec![5; 100]), "text".to_string(), 7_u8);
    for (format, content) in [(Format::Typed, 8 + 2 + 1), (Format::Value, 1 + 3 + 2)] {
        let plain = Encoded::of(format, &value).head;
        let mut right = 0;
        for start in 0..plain.len() {
            for end in start + 1..=plain.len() {
                let segments = Some(Box::new(vec![(start..end, None)]));
                let encoded = Encoded { format, head: plain.clone(), segments };
                match encoded.received().read::<(u16, ByteBuf, String, u8)>() {
                    Ok(read) => {
                        assert_eq!(read, value);
                        right += 1;
                        let contents = [(content, content + 100), (content + 101, content + 105)];
                        assert!(contents.contains(&(start, end)), "{format:?}: {start}..{end}");
                    }
                    Err(error) => assert!(!error.is_out_of_memory(), "{format:?}: {start}..{end}: {error}"),
                }
            }
        }
        assert_eq!(right, 2);
        // One too many: after the last content, and after the end.
        for place in [8, plain.len()] {
            let mut received = Encoded { format, head: plain.clone(), segments: None }.received();
            received.segments.as_mut().expect("an empty list").push((place..place, Some(Arc::new(vec![1]))));
            let error = received.read::<(u16, ByteBuf, String, u8)>().unwrap_err();
            assert!(error.to_string().contains("a segment is not the content of a string or of bytes"), "{error}");
        }
        // One without bytes.
        let mut received = Encoded { format, head: plain.clone(), segments: None }.received();
        received.segments.as_mut().expect("an empty list").push((content..content, None));
        assert!(received.read::<(u16, ByteBuf, String, u8)>().is_err());
    }
}

#[test]
fn text_in_a_segment_must_be_utf8() {
    let mut received = Encoded::of(Format::Typed, &Bytes::new(&[0xff; LARGE])).received();
    assert!(received.read::<String>().is_err());
    let mut received = Encoded::of(Format::Typed, &Bytes::new(&[0xff; LARGE])).received();
    assert!(received.read::<&str>().is_err());

    let mut received = Encoded::of(Format::Value, &"t".repeat(LARGE)).received();
    let bytes = received.segments.as_mut().expect("one")[0].1.as_mut().expect("received");
    Arc::get_mut(bytes).expect("unique")[7] = 0xff;
    for _ in 0..2 {
        assert!(received.read::<&str>().is_err());
    }
    assert!(received.read::<Value>().is_err());
    let mut received = received.received();
    received.segments.as_mut().expect("one")[0].1 = Some(Arc::new(vec![0xff; LARGE]));
    assert_eq!(received.read::<String>().unwrap_err().to_string(), "malformed payload: a string is not UTF-8");
}

/// Values with large contents of each kind, and how many there are.
fn large_values() -> [(Value, usize); 8] {
    let bytes = || vec![3; LARGE];
    let view = Value::View {
        kind: ViewKind::Uint16,
        buffer: Box::new(Value::Buffer { bytes: bytes(), max: None }),
        offset: 2,
        len: Some(8),
    };
    let file =
        Value::File { kind: "k".into(), name: "n".repeat(LARGE).as_str().into(), last_modified: 1.0, bytes: bytes() };
    let pixels = vec![4; 4 * 100 * 100];
    [
        (Value::from("t".repeat(LARGE)), 1),
        (Value::Bytes(bytes()), 1),
        (Value::Buffer { bytes: bytes(), max: None }, 1),
        (Value::Buffer { bytes: bytes(), max: Some(1 << 20) }, 1),
        (view, 1),
        (Value::Blob { kind: "image/png".into(), bytes: bytes() }, 1),
        (file, 2),
        (Value::Image { width: 100, height: 100, color_space: "srgb".into(), pixels }, 1),
    ]
}

/// The content of a segment.
fn content(value: &Value) -> *const u8 {
    match value {
        Value::String(OwnedText::Utf8(text)) => text.as_ptr(),
        Value::Bytes(bytes) | Value::Buffer { bytes, .. } | Value::Blob { bytes, .. } | Value::File { bytes, .. } => {
            bytes.as_ptr()
        }
        Value::Image { pixels, .. } => pixels.as_ptr(),
        Value::View { buffer, .. } => content(buffer),
        other => panic!("{other:?}"),
    }
}

#[test]
fn large_content_of_a_value_takes_its_segment() {
    for (value, count) in large_values() {
        assert_eq!(travels_as(Format::Value, &value), count, "{value:?}");
        let mut received = Encoded::of(Format::Value, &value).received();
        let places = received.places();
        let read: Value = received.read().expect("the segments are valid");
        assert_eq!(content(&read), places[0]);
    }
    let values = large_values().map(|(value, _)| value).to_vec();
    let object = Value::Object(vec![("a".into(), Value::Array(values.clone())), ("b".into(), 1.into())]);
    assert_eq!(travels_as(Format::Value, &object), 9);
    assert_eq!(travels_as(Format::Args, &(1, object.clone(), "x".to_string())), 9);
    assert_eq!(travels_as(Format::Value, &(values.clone(), Some(object), shared(LEAST))), 19);
    // In the typed format a value is one byte string.
    assert_eq!(travels_as(Format::Typed, &values), 8);
}

#[test]
fn segments_of_value_fields_keep_their_positions() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Record {
        key: String,
        value: Value,
        other: Option<Value>,
    }
    let object = |text: &str| Value::Object(vec![("key".into(), text.into()), ("own".into(), Value::Shared(0))]);
    let records: Vec<_> = (0..40)
        .map(|n| Record { key: "k".repeat(n), value: object(&"v".repeat(n)), other: (n % 2 == 0).then(|| 1.into()) })
        .collect();
    assert_eq!(travels_as(Format::Value, &records), 0);
    let refused =
        Record { key: String::new(), value: Value::Array(vec![1.into(), Value::Set(vec![Value::Hole])]), other: None };
    let error = value::to_vec(&(1, refused)).unwrap_err();
    assert_eq!(error.to_string(), "[1].value[1][0]: a hole stands outside of an array");
    // The lent writer has been returned.
    assert_eq!(travels_as(Format::Value, &records), 0);
}

#[test]
fn inserted_headers_move_later_segments() {
    struct Items<'a>(&'a [SharedBytes], &'a str);

    impl Serialize for Items<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // Sequences and maps of unknown length.
            let mut items = serializer.serialize_seq(None)?;
            for bytes in self.0 {
                items.serialize_element(bytes)?;
                let mut entries = BTreeMap::new();
                entries.insert("text", self.1);
                items.serialize_element(&entries)?;
            }
            items.end()
        }
    }

    let texts = "é".repeat(LARGE);
    let bytes: Vec<_> = (0..9).map(|n| shared(LEAST + n)).collect();
    let encoded = Encoded::of(Format::Value, &("before".repeat(LARGE), Items(&bytes, &texts), "after".repeat(LARGE)));
    assert_eq!(encoded.segments.as_ref().map_or(0, |segments| segments.len()), 20);
    type Read = (String, Vec<(SharedBytes, BTreeMap<String, String>)>, String);
    let mut flat = Vec::new();
    value::to_buf(&("before".repeat(LARGE), Items(&bytes, &texts), "after".repeat(LARGE)), &mut flat)
        .expect("it can be sent");
    assert!(encoded.joined() == flat);
    let mut received = encoded.received();
    let (before, items, after): (String, Vec<Value>, String) = received.read().expect("the segments are valid");
    assert_eq!((before.len(), items.len(), after.len()), (6 * LARGE, 18, 5 * LARGE));
    assert_eq!(
        (&items[16], &items[17]),
        (&Value::Bytes(bytes[8].to_vec()), &Value::Object(vec![("text".into(), texts.into())]))
    );
    assert!(value::from_slice::<Read>(&flat).is_err(), "the value is a list of 18");
}

#[test]
fn segments_of_shared_objects_are_read_at_each_occurrence() {
    let large = Value::Bytes(vec![7; LARGE]);
    let object = Value::Object(vec![("bytes".into(), large), ("text".into(), "t".repeat(LARGE).into())]);
    // An array of one object, twice.
    let twice = Value::Array(vec![object.clone(), Value::Shared(1)]);
    assert_eq!(travels_as(Format::Value, &twice), 2);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Owned {
        bytes: ByteBuf,
        text: String,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Handles {
        bytes: SharedBytes,
        text: String,
    }
    let encoded = Encoded::of(Format::Value, &twice);
    let read: Vec<Owned> = encoded.received().read().expect("the segments are valid");
    assert_eq!(read[0], read[1]);
    assert_eq!((read[0].bytes.len(), read[0].text.len()), (LARGE, LARGE));
    let mut received = encoded.received();
    let places = received.places();
    let read: Vec<Handles> = received.read().expect("the segments are valid");
    assert_eq!(read[0], read[1]);
    assert_eq!([&read[0], &read[1]].map(|read| read.bytes.as_ptr()), [places[0]; 2]);
    drop((received, read.into_iter().map(|read| read.bytes.into_vec()).collect::<Vec<_>>()));
    // Two views of one buffer.
    let buffer = Box::new(Value::Buffer { bytes: vec![9; LARGE], max: None });
    let view = |buffer, offset| Value::View { kind: ViewKind::Uint8, buffer, offset, len: Some(5) };
    let views = Value::Array(vec![view(buffer, 0), view(Box::new(Value::Shared(2)), 4)]);
    assert_eq!(travels_as(Format::Value, &views), 1);
    let mut received = Encoded::of(Format::Value, &views).received();
    assert_eq!(
        received.read::<(ByteBuf, SharedBytes)>().expect("the payload is valid"),
        (ByteBuf::from([9; 5]), vec![9; 5].into())
    );
}

#[test]
fn shared_segments_are_copied_within_the_bound() {
    let mut many = vec![Value::Bytes(vec![7; 1 << 20])];
    many.extend((0..1000).map(|_| Value::Shared(1)));
    let many = Value::Array(many);
    let encoded = Encoded::of(Format::Value, &many);
    let error = encoded.received().read::<Vec<ByteBuf>>().unwrap_err();
    assert!(error.to_string().contains("too many objects are shared"), "{error}");
    assert!(encoded.received().read::<Value>().expect("it is a value") == many);
}

#[test]
fn contents_beyond_32_segments_stay_in_the_head() {
    let many: Vec<_> = (0..MOST + 5).map(|_| shared(LEAST)).collect();
    assert_eq!(travels(&many), MOST);
    let texts: Vec<_> = (0..MOST + 5).map(|_| "t".repeat(LARGE)).collect();
    assert_eq!(travels(&texts), MOST);
}

#[test]
fn failed_encoding_leaves_buffer_and_segments_unchanged() {
    struct Fails;

    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }

    for format in [Format::Typed, Format::Value, Format::Args] {
        let mut encoded = Encoded { format, head: b"before".to_vec(), segments: None };
        let failed = encoded.append(&(shared(LEAST), "t".repeat(LARGE), Fails)).unwrap_err();
        assert!(failed.to_string().ends_with("no"), "{failed}");
        assert_eq!((encoded.head, encoded.segments.map_or(0, |segments| segments.len())), (b"before".to_vec(), 0));
    }
}

#[test]
fn bytes_of_all_types_have_one_schema_and_one_encoding() {
    assert_eq!(schema::hash_of::<(SharedBytes,)>(), schema::hash_of::<(ByteBuf,)>());
    for len in [0, 3, LEAST, LARGE] {
        let bytes = shared(len);
        for format in FORMATS {
            let mut encoded = Encoded::of(format, &bytes).received();
            assert_eq!(encoded.read::<ByteBuf>().expect("they are the same"), bytes[..]);
            let mut encoded = Encoded::of(format, &Bytes::new(&bytes)).received();
            assert_eq!(encoded.read::<SharedBytes>().expect("they are the same"), bytes);
        }
        let encoded = value::to_vec(&bytes).expect("it can be sent");
        assert_eq!(encoded, value::to_vec(Bytes::new(&bytes)).expect("it can be sent"));
        assert_eq!(value::from_slice::<SharedBytes>(&encoded).expect("they are the same"), bytes);
    }
}

#[test]
fn other_formats_see_bytes() {
    for len in [3, LEAST] {
        let text = serde_json::to_string(&shared(len)).expect("JSON has arrays");
        assert_eq!(serde_json::from_str::<SharedBytes>(&text).expect("an array of bytes"), shared(len));
    }
    // Bytes that one serializer did not take do not reach another.
    let encoded = Encoded::of(Format::Typed, &shared(LEAST + 1));
    assert_eq!(
        encoded.segments.expect("one")[0].1.as_ref().expect("the segment is outside of the buffer").len(),
        LEAST + 1
    );
}

#[test]
fn shared_bytes_are_handles() {
    let mut bytes = shared(4);
    let other = bytes.clone();
    assert!(bytes.get_mut().is_none());
    assert_eq!((&bytes[..], other.as_ref()), (&[0, 1, 2, 3][..], &[0, 1, 2, 3][..]));
    drop(other);
    bytes.get_mut().expect("it is the only one")[0] = 9;
    assert_eq!(format!("{bytes:?}"), "[9, 1, 2, 3]");
    assert_eq!(SharedBytes::from(&bytes[..]).into_vec(), [9, 1, 2, 3]);
}

proptest! {
    #[test]
    fn any_mixture_travels(
        items in proptest::collection::vec((0..4_u8, prop_oneof![0..40_usize, LEAST - 2..LEAST + 2, LARGE - 2..LARGE + 2]), 0..12),
    ) {
        #[derive(Debug, Deserialize, PartialEq, Serialize)]
        enum Item {
            Text(String),
            Bytes(ByteBuf),
            Shared(SharedBytes),
            Number(u64),
        }
        let items: Vec<_> = items
            .into_iter()
            .map(|(kind, size)| match kind {
                0 => Item::Text("é".repeat(size / 2)),
                1 => Item::Bytes(ByteBuf::from(vec![size as u8; size])),
                2 => Item::Shared(shared(size)),
                _ => Item::Number(size as u64),
            })
            .collect();
        travels(&items);
    }
}
