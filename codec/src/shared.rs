//! Byte strings that a link sends and receives without an intermediate copy.

use crate::memory::{self, OutOfMemory};
use crate::slot::{self, slots};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, Range};
use core::{fmt, mem};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Ranges of an encoded value to be received into separate buffers, in order: large strings and byte strings.
///
/// Each range refers to the encoded bytes. A range with separate bytes is empty, and marks where they belong; otherwise its bytes are those in the
/// range. `coincide_proto::Payload` has the same form.
pub type Segments = Vec<Segment>;

/// One of the [`Segments`].
pub type Segment = (Range<usize>, Option<Arc<Vec<u8>>>);

/// Smallest length in bytes of [`SharedBytes`] that become segments.
pub const LEAST: usize = 16 << 10;

/// Smallest length in bytes of other byte strings, and of strings, that become segments. They are copied in any case, so segments pay off later.
pub const LEAST_COPIED: usize = 2 * LEAST;

/// Maximum number of segments of a value. Further contents are encoded in place.
pub const MOST: usize = 32;

/// Reference-counted bytes that a call sends and receives without an intermediate copy.
///
/// Clones share the bytes. Large byte strings are copied directly to the memory that both ends share, and from there to the receiver's
/// buffer. A [`ByteBuf`](crate::ByteBuf) or a string is copied once more when it is sent. On the wire, and in a schema, all of
/// these are the same.
///
/// ```
/// use coincide_codec::{ByteBuf, SharedBytes, typed};
///
/// let image = SharedBytes::from(vec![7; 100]);
/// let mut buffer = Vec::new();
/// typed::to_buf(&image, 1, &mut buffer)?;
/// assert_eq!(typed::from_slice::<ByteBuf>(&buffer, 1)?, image[..]);
/// assert_eq!(image.into_vec(), [7; 100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedBytes(Arc<Vec<u8>>);

impl SharedBytes {
    /// Returns the bytes, without a copy unless there are other handles to them.
    pub fn into_vec(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.0)
    }

    /// Returns the bytes mutably, unless there are other handles to them.
    pub fn get_mut(&mut self) -> Option<&mut Vec<u8>> {
        Arc::get_mut(&mut self.0)
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl From<Arc<Vec<u8>>> for SharedBytes {
    fn from(bytes: Arc<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl From<SharedBytes> for Arc<Vec<u8>> {
    fn from(bytes: SharedBytes) -> Self {
        bytes.0
    }
}

impl From<&[u8]> for SharedBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of the newtype by which the serializers and deserializers of this crate recognize shared bytes. Other formats see a newtype around bytes.
pub(crate) const SHARED_TOKEN: &str = "$coincide::SharedBytes";

impl Serialize for SharedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = serde_bytes::Bytes::new(self);
        if self.len() < LEAST {
            return serializer.serialize_newtype_struct(SHARED_TOKEN, content);
        }
        slot::offer(&OFFERED, Arc::clone(&self.0), || serializer.serialize_newtype_struct(SHARED_TOKEN, content))
    }
}

impl<'de> Deserialize<'de> for SharedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Content;

        impl<'de> Visitor<'de> for Content {
            type Value = SharedBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<SharedBytes, D::Error> {
                deserializer.deserialize_byte_buf(self)
            }

            /// The bytes are in the slot.
            fn visit_unit<E: de::Error>(self) -> Result<SharedBytes, E> {
                let bytes = slot::take(&RECEIVED);
                bytes.map(SharedBytes).ok_or_else(|| E::invalid_type(de::Unexpected::Unit, &self))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SharedBytes, E> {
                Ok(bytes.into())
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SharedBytes, E> {
                let bytes = memory::copied(bytes).map_err(|_| E::custom("there is no memory for the bytes"))?;
                Ok(bytes.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<SharedBytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = elements.next_element()? {
                    memory::push(&mut bytes, byte)
                        .map_err(|_| de::Error::custom("there is no memory for the bytes"))?;
                }
                Ok(bytes.into())
            }
        }

        deserializer.deserialize_newtype_struct(SHARED_TOKEN, Content)
    }
}

/// Marks the segments of a value while it is encoded.
#[allow(clippy::box_collection, reason = "it is the form that payloads have")]
pub(crate) struct Marks<'b>(Option<&'b mut Option<Box<Segments>>>);

#[allow(clippy::box_collection, reason = "it is the form that payloads have")]
impl<'b> Marks<'b> {
    /// Marks no segments.
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(segments: &'b mut Option<Box<Segments>>) -> Self {
        Self(Some(segments))
    }

    /// The same marks, for a part of the value.
    pub(crate) fn reborrow(&mut self) -> Marks<'_> {
        Marks(self.0.as_deref_mut())
    }

    /// A content of `len` bytes that ends at `end` becomes a segment if it is large.
    #[inline]
    pub(crate) fn mark(&mut self, len: usize, end: usize) {
        if len >= LEAST_COPIED {
            self.mark_large(len, end);
        }
    }

    #[cold]
    fn mark_large(&mut self, len: usize, end: usize) {
        if let Some(segments) = self.room() {
            segments.push((end - len..end, None));
        }
    }

    /// Bytes offered by the [`SharedBytes`] being serialized, if they may become a segment.
    #[cold]
    pub(crate) fn offered(&mut self) -> Option<Arc<Vec<u8>>> {
        let bytes = slot::take(&OFFERED)?;
        self.room().map(|_| bytes)
    }

    /// Inserts offered bytes at `at`.
    pub(crate) fn insert(&mut self, at: usize, bytes: Arc<Vec<u8>>) {
        if let Some(segments) = self.room() {
            segments.push((at..at, Some(bytes)));
        }
    }

    /// Records that `grown` bytes were inserted at `at`, before an item. A segment that begins there is the content of an earlier item.
    pub(crate) fn shift(&mut self, at: usize, grown: usize) {
        let segments = self.0.as_deref_mut().and_then(Option::as_mut).map_or(&mut [][..], |segments| &mut segments[..]);
        for (range, _) in segments.iter_mut().rev().take_while(|(range, _)| range.start > at) {
            *range = range.start + grown..range.end + grown;
        }
    }

    /// Takes the segments. `None` if contents are not marked.
    pub(crate) fn detach(&mut self) -> Option<Option<Box<Segments>>> {
        self.0.as_deref_mut().map(mem::take)
    }

    /// Reverts [`detach`](Self::detach).
    pub(crate) fn attach(&mut self, detached: Option<Option<Box<Segments>>>) {
        if let (Some(segments), Some(detached)) = (self.0.as_deref_mut(), detached) {
            *segments = detached;
        }
    }

    /// Removes the marks after `end`.
    pub(crate) fn truncate(&mut self, end: usize) {
        if let Some(Some(segments)) = &mut self.0 {
            segments.retain(|(range, _)| range.end <= end);
        }
    }

    /// The segments, if another one may be added.
    fn room(&mut self) -> Option<&mut Segments> {
        let segments = self.0.as_mut()?.get_or_insert_default();
        let room = segments.len() < MOST && segments.try_reserve(1).is_ok();
        room.then_some(&mut **segments)
    }
}

/// The content of a string or of bytes that is being decoded.
#[derive(Debug)]
pub(crate) enum Content<'de> {
    /// The content lies among the other bytes.
    Inline(&'de [u8]),
    /// The content is a segment that is read once.
    Once(&'de mut Option<Arc<Vec<u8>>>),
    /// The content is a segment that may be read again.
    Again(&'de Arc<Vec<u8>>),
}

impl<'de> Content<'de> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Inline(bytes) => bytes.len(),
            Self::Once(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len()),
            Self::Again(bytes) => bytes.len(),
        }
    }

    pub(crate) fn borrowed(self) -> &'de [u8] {
        match self {
            Self::Inline(bytes) => bytes,
            Self::Once(bytes) => bytes.as_ref().map_or(&[], |bytes| &bytes[..]),
            Self::Again(bytes) => bytes,
        }
    }

    /// Takes the bytes of a segment, and leaves an empty handle for reuse.
    pub(crate) fn owned(self) -> Result<Vec<u8>, OutOfMemory> {
        match self {
            Self::Once(bytes) => match bytes.as_mut().map(Arc::get_mut) {
                Some(Some(bytes)) => Ok(mem::take(bytes)),
                _ => memory::copied(Self::Once(bytes).borrowed()),
            },
            content => memory::copied(content.borrowed()),
        }
    }
}

pub(crate) const MISPLACED: &str = "a segment is not the content of a string or of bytes";

slots! {
    /// Bytes offered by the [`SharedBytes`] being serialized.
    OFFERED: Arc<Vec<u8>>;
    /// Bytes for the visitor of a [`SharedBytes`], which takes them when it visits a unit.
    RECEIVED: Arc<Vec<u8>>;
}

/// Passes a content to the visitor of a [`SharedBytes`]: a segment by its handle, other bytes as a copy.
pub(crate) fn visit<'de, V: Visitor<'de>, E: de::Error + From<OutOfMemory>>(
    content: Content<'de>,
    visitor: V,
) -> Result<V::Value, E> {
    let bytes = match content {
        Content::Inline(bytes) => return visitor.visit_byte_buf(memory::copied(bytes)?),
        Content::Once(bytes) => bytes.take().unwrap_or_default(),
        Content::Again(bytes) => Arc::clone(bytes),
    };
    slot::offer(&RECEIVED, bytes, || visitor.visit_unit())
}
