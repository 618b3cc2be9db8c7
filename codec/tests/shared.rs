//! Typed values with segments: large contents go past the buffer, and what is read is the same with them and without.
#![cfg(feature = "std")]

use coincide_codec::shared::{LEAST, LEAST_COPIED as LARGE, MOST, Segments};
use coincide_codec::{ByteBuf, Bytes, SharedBytes, schema, typed, value};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

const HASH: u64 = 0x0102_0304_0506_0708;

/// What a value is encoded to.
struct Encoded {
    head: Vec<u8>,
    segments: Option<Box<Segments>>,
}

impl Encoded {
    fn of<T: Serialize>(value: &T) -> Self {
        let (mut head, mut segments) = (Vec::new(), None);
        typed::to_payload(value, HASH, &mut head, &mut segments).expect("the value can be sent");
        Self { head, segments }
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

    /// As it arrives: every segment in a buffer of its own.
    fn received(&self) -> Self {
        let (mut head, mut at, mut segments) = (Vec::new(), 0, Vec::new());
        for (range, bytes) in self.segments.iter().flat_map(|segments| segments.iter()) {
            head.extend_from_slice(&self.head[at..range.start]);
            let bytes = bytes.as_ref().map_or(&self.head[range.clone()], |bytes| &bytes[..]);
            segments.push((head.len()..head.len(), Some(Arc::new(bytes.to_vec()))));
            at = range.end;
        }
        head.extend_from_slice(&self.head[at..]);
        Self { head, segments: Some(Box::new(segments)) }
    }

    fn read<'de, T: Deserialize<'de>>(&'de mut self) -> Result<T, coincide_codec::DecodeError> {
        typed::from_payload(&self.head, self.segments.as_mut().map_or(&mut [], |segments| &mut segments[..]), HASH)
    }
}

/// The value survives, with the same bytes as without segments. Returns how many there are.
fn travels<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> usize {
    let encoded = Encoded::of(value);
    let mut plain = Vec::new();
    typed::to_buf(value, HASH, &mut plain).expect("the value can be sent");
    assert!(encoded.joined() == plain, "the bytes differ");
    assert!(typed::from_slice::<T>(&plain, HASH).expect("the bytes are right") == *value);
    assert!(encoded.received().read::<T>().expect("the segments are right") == *value);
    encoded.segments.map_or(0, |segments| segments.len())
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
    let image = Image {
        name: "n".repeat(LARGE),
        pixels: shared(3 * LEAST),
        thumbnail: Some(ByteBuf::from(vec![7; LARGE - 1])),
        layers: vec![shared(LEAST), shared(10), shared(2 * LEAST)],
        notes: [("k".repeat(LARGE), "v".repeat(LARGE + 1))].into(),
        kind: Kind::Packed { table: shared(LEAST), text: "t".repeat(5) },
    };
    assert_eq!(travels(&image), 7);
    assert_eq!(travels(&Image { kind: Kind::Raw(ByteBuf::from(vec![1; LARGE])), ..Image::default() }), 1);
    assert_eq!(travels(&Image::default()), 0);
    assert_eq!(travels(&(shared(0), shared(1), shared(LEAST - 1))), 0);
}

#[test]
fn shared_bytes_are_not_copied() {
    let bytes: Arc<Vec<u8>> = Arc::new(vec![1; LEAST]);
    let encoded = Encoded::of(&(SharedBytes::from(Arc::clone(&bytes)), 5_u8));
    let segments = encoded.segments.as_ref().expect("one is large");
    assert!(Arc::ptr_eq(segments[0].1.as_ref().expect("it lies outside"), &bytes));
    assert!(encoded.head.len() < 16);

    let mut received = encoded.received();
    let place = Arc::as_ptr(received.segments.as_ref().expect("one")[0].1.as_ref().expect("received"));
    let (read, five): (SharedBytes, u8) = received.read().expect("the segments are right");
    assert_eq!((Arc::as_ptr(&Arc::from(read)), five), (place, 5));
}

#[test]
fn owned_contents_take_their_segment() {
    let mut received = Encoded::of(&("t".repeat(LARGE), Bytes::new(&[1; LARGE]))).received();
    let places =
        received.segments.as_ref().expect("two").iter().map(|(_, bytes)| bytes.as_ref().expect("received").as_ptr());
    let places: Vec<_> = places.collect();
    let (text, bytes): (String, ByteBuf) = received.read().expect("the segments are right");
    assert_eq!([text.as_ptr(), bytes.as_ptr()], places[..]);
    // What is left can be filled again.
    let left = received.segments.as_mut().expect("two");
    assert!(left.iter_mut().all(|(_, bytes)| Arc::get_mut(bytes.as_mut().expect("kept")).expect("unique").is_empty()));
}

#[test]
fn borrowed_contents_borrow_from_their_segment() {
    let mut received = Encoded::of(&("t".repeat(LARGE), 1_u8, Bytes::new(&[1; LARGE]), "s")).received();
    let (text, one, bytes, small): (&str, u8, &Bytes, &str) = received.read().expect("the segments are right");
    assert_eq!((text.len(), one, bytes.len(), small), (LARGE, 1, LARGE, "s"));
}

#[test]
fn misplaced_segments_are_refused() {
    let value = (300_u16, ByteBuf::from(vec![5; 100]), "text".to_string(), 7_u8);
    let mut plain = Vec::new();
    typed::to_buf(&value, HASH, &mut plain).expect("the value can be sent");
    let content = 8 + 2 + 1;
    let mut right = 0;
    for start in 8..plain.len() {
        for end in start + 1..=plain.len() {
            let encoded = Encoded { head: plain.clone(), segments: Some(Box::new(vec![(start..end, None)])) };
            match encoded.received().read::<(u16, ByteBuf, String, u8)>() {
                Ok(read) => {
                    assert_eq!(read, value);
                    right += 1;
                    assert!((start, end) == (content, content + 100) || (start, end) == (content + 101, content + 105));
                }
                Err(error) => assert!(!error.is_out_of_memory(), "{start}..{end}: {error}"),
            }
        }
    }
    assert_eq!(right, 2);
    // One too many, behind the last content.
    let mut received = Encoded { head: plain, segments: None }.received();
    received.segments.as_mut().expect("an empty list").push((8..8, Some(Arc::new(vec![1]))));
    let error = received.read::<(u16, ByteBuf, String, u8)>().unwrap_err();
    assert_eq!(error.to_string(), "malformed payload: a segment is not the content of a string or of bytes");
}

#[test]
fn text_in_a_segment_has_to_be_utf8() {
    let mut received = Encoded::of(&Bytes::new(&[0xff; LARGE])).received();
    assert!(received.read::<String>().is_err());
    let mut received = Encoded::of(&Bytes::new(&[0xff; LARGE])).received();
    assert!(received.read::<&str>().is_err());
}

#[test]
fn contents_beyond_the_most_segments_stay_in_the_head() {
    let many: Vec<_> = (0..MOST + 5).map(|_| shared(LEAST)).collect();
    assert_eq!(travels(&many), MOST);
    let texts: Vec<_> = (0..MOST + 5).map(|_| "t".repeat(LARGE)).collect();
    assert_eq!(travels(&texts), MOST);
}

#[test]
fn failed_encoding_leaves_everything_as_it_was() {
    struct Fails;

    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }

    let (mut head, mut segments) = (b"before".to_vec(), None);
    let failed = typed::to_payload(&(shared(LEAST), "t".repeat(LARGE), Fails), HASH, &mut head, &mut segments);
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert_eq!((head, segments.map_or(0, |segments| segments.len())), (b"before".to_vec(), 0));
}

#[test]
fn bytes_of_all_types_have_one_schema_and_one_encoding() {
    assert_eq!(schema::hash_of::<(SharedBytes,)>(), schema::hash_of::<(ByteBuf,)>());
    for len in [0, 3, LEAST, LARGE] {
        let bytes = shared(len);
        let mut encoded = Encoded::of(&bytes).received();
        assert_eq!(encoded.read::<ByteBuf>().expect("they are the same"), bytes[..]);
        let mut encoded = Encoded::of(&Bytes::new(&bytes)).received();
        assert_eq!(encoded.read::<SharedBytes>().expect("they are the same"), bytes);
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
    // What one serializer did not take, no other one gets.
    let encoded = Encoded::of(&shared(LEAST + 1));
    assert_eq!(encoded.segments.expect("one")[0].1.as_ref().expect("it lies outside").len(), LEAST + 1);
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
