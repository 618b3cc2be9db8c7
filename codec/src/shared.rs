//! Bytes that are shared with a link instead of being copied to it.

use crate::memory;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, Range};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Ranges of an encoded value that its receiver should get in buffers of their own, in order: large strings and byte strings.
///
/// A range is one of the encoded bytes. If there are bytes with it they belong there, and the range is empty; otherwise they are those in the
/// range. `coincide_proto::Payload` has the same form.
pub type Segments = Vec<Segment>;

/// One of the [`Segments`].
pub type Segment = (Range<usize>, Option<Arc<Vec<u8>>>);

/// [`SharedBytes`] of this many bytes and more become segments.
pub const LEAST: usize = 16 << 10;

/// Other byte strings, and strings, of this many bytes and more become segments. They are copied all the same, so a segment pays later.
pub const LEAST_COPIED: usize = 2 * LEAST;

/// Most segments of a value: what is beyond them is encoded in place.
pub const MOST: usize = 32;

/// Reference-counted bytes, which a typed call sends and receives without a copy of its own.
///
/// A clone is a further handle to the same bytes. Large ones are copied from here straight into the memory that both ends share, and out of it into the
/// bytes that the receiver gets; a [`ByteBuf`](crate::ByteBuf) or a string takes one more copy when it is sent. On the wire, and in a schema, all of
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
    /// The bytes themselves: without a copy, unless there are other handles to them.
    pub fn into_vec(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.0)
    }

    /// The bytes to change, unless there are other handles to them.
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

/// How shared bytes tell the serializers and deserializers of this crate what they are. For others they are a newtype around bytes.
pub(crate) const SHARED_TOKEN: &str = "$coincide::SharedBytes";

impl Serialize for SharedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = serde_bytes::Bytes::new(self);
        if self.len() < LEAST {
            return serializer.serialize_newtype_struct(SHARED_TOKEN, content);
        }
        slot::put(&slot::OFFERED, Arc::clone(&self.0));
        let result = serializer.serialize_newtype_struct(SHARED_TOKEN, content);
        // Not taken by a serializer that does not know of it.
        drop(slot::take(&slot::OFFERED));
        result
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
                let bytes = slot::take(&slot::RECEIVED);
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

/// The handle that a [`SharedBytes`] which is being serialized offers.
pub(crate) fn offered() -> Option<Arc<Vec<u8>>> {
    slot::take(&slot::OFFERED)
}

/// Whether bytes can be handed to a [`SharedBytes`] that is being deserialized.
pub(crate) const HANDS_OVER: bool = cfg!(feature = "std");

/// Hands bytes to the [`SharedBytes`] whose visitor visits a unit next.
pub(crate) fn hand_over(bytes: Arc<Vec<u8>>) {
    slot::put(&slot::RECEIVED, bytes);
}

/// Serde passes references to bytes, and no handles: these go past it.
#[cfg(feature = "std")]
mod slot {
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use core::cell::Cell;
    use std::thread::LocalKey;

    pub(super) type Slot = LocalKey<Cell<Option<Arc<Vec<u8>>>>>;

    std::thread_local! {
        pub(super) static OFFERED: Cell<Option<Arc<Vec<u8>>>> = const { Cell::new(None) };
        pub(super) static RECEIVED: Cell<Option<Arc<Vec<u8>>>> = const { Cell::new(None) };
    }

    pub(super) fn put(slot: &'static Slot, bytes: Arc<Vec<u8>>) {
        slot.set(Some(bytes));
    }

    pub(super) fn take(slot: &'static Slot) -> Option<Arc<Vec<u8>>> {
        slot.take()
    }
}

/// Without threads' own variables bytes are copied.
#[cfg(not(feature = "std"))]
mod slot {
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    pub(super) struct Slot;

    pub(super) static OFFERED: Slot = Slot;
    pub(super) static RECEIVED: Slot = Slot;

    pub(super) fn put(_: &Slot, _: Arc<Vec<u8>>) {}

    pub(super) fn take(_: &Slot) -> Option<Arc<Vec<u8>>> {
        None
    }
}
