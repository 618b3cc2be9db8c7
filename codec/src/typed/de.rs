//! Deserializer for the typed format. Postcard reads leaf values; containers are handled here, within the limits.

use super::{Empties, MAX_DEPTH};
use crate::DecodeError;
use crate::memory::{self, OutOfMemory};
use crate::shared::{self, Content, MISPLACED, SHARED_TOKEN, Segment};
use crate::slot;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::{fmt, mem, slice};
use postcard::de_flavors::Slice;
use serde::de::value::U32Deserializer;
use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, Visitor};

/// Reads the value of all of `bytes` and all of `segments`, whose places count from `before` bytes ahead.
pub(super) fn value<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    before: usize,
    segments: &'de mut [Segment],
) -> Result<T, DecodeError> {
    let mut deserializer = Deserializer {
        postcard: postcard::Deserializer::from_bytes(bytes),
        levels: MAX_DEPTH,
        empties: Empties::new(),
        sure: false,
        next: segments.first().map_or(NO_SEGMENT, |(range, _)| range.start),
        segments: segments.iter_mut(),
        end: before + bytes.len(),
    };
    let value = T::deserialize(&mut deserializer).map_err(|error| *error.0)?;
    if deserializer.next != NO_SEGMENT {
        return Err(DecodeError::malformed(MISPLACED));
    }
    match deserializer.rest() {
        [] => Ok(value),
        _ => Err(DecodeError::malformed("bytes are left after the value")),
    }
}

struct Deserializer<'de> {
    postcard: postcard::Deserializer<'de, Slice<'de>>,
    /// Remaining levels of nesting.
    levels: usize,
    empties: Empties,
    /// Whether the sequence or map that began last announces at most as many elements as there are bytes. Kept here so that `Items` fits into two
    /// registers.
    sure: bool,
    /// Those that have not been read.
    segments: slice::IterMut<'de, Segment>,
    /// Position of the next segment, or [`NO_SEGMENT`].
    next: usize,
    /// End of the bytes.
    end: usize,
}

impl<'de> Deserializer<'de> {
    /// A string or a byte string.
    #[inline]
    fn content(&mut self) -> Result<Content<'de>, Error> {
        if self.next == NO_SEGMENT { self.plain().map(Content::Inline) } else { self.content_amid_segments() }
    }

    #[cold]
    fn content_amid_segments(&mut self) -> Result<Content<'de>, Error> {
        let len: usize = self.plain()?;
        let rest = self.rest();
        let at = self.end - rest.len();
        if at == self.next
            && let Some((_, bytes)) = self.segments.next()
        {
            self.next = self.segments.as_slice().first().map_or(NO_SEGMENT, |(range, _)| range.start);
            let fits = bytes.as_ref().is_some_and(|bytes| bytes.len() == len);
            return if fits { Ok(Content::Once(bytes)) } else { Err(misplaced()) };
        }
        let (bytes, rest) =
            rest.split_at_checked(len).ok_or_else(|| unreadable(postcard::Error::DeserializeUnexpectedEnd))?;
        if at + len > self.next {
            return Err(misplaced());
        }
        self.postcard = postcard::Deserializer::from_bytes(rest);
        Ok(Content::Inline(bytes))
    }

    /// Reads a leaf value.
    #[inline]
    fn plain<T: Deserialize<'de>>(&mut self) -> Result<T, Error> {
        T::deserialize(&mut self.postcard).map_err(unreadable)
    }

    /// The remaining bytes. Postcard returns them only when it ends, so it is restarted.
    #[inline]
    fn rest(&mut self) -> &'de [u8] {
        let ended = mem::replace(&mut self.postcard, postcard::Deserializer::from_bytes(&[]));
        let rest = ended.finalize().unwrap_or_default();
        self.postcard = postcard::Deserializer::from_bytes(rest);
        rest
    }

    /// Reads the contents of a value.
    #[inline]
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.levels = self.levels.checked_sub(1).ok_or_else(too_deep)?;
        let result = read(self);
        self.levels += 1;
        result
    }

    /// Elements whose number the type determines.
    #[inline]
    fn fields<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.inside(|inner| visitor.visit_seq(Items { deserializer: inner, left: len }))
    }

    /// Elements or entries whose number is in the bytes.
    #[inline]
    fn items<T>(&mut self, read: impl FnOnce(Items<'_, 'de>) -> Result<T, Error>) -> Result<T, Error> {
        let announced: usize = self.plain()?;
        let before = self.rest().len();
        if !self.empties.allow(announced, before) {
            return Err(too_many());
        }
        self.sure = announced <= before;
        let value = self.inside(|inner| read(Items { deserializer: inner, left: announced }))?;
        let bytes = before - self.rest().len();
        if self.empties.take(announced, bytes) { Ok(value) } else { Err(too_many()) }
    }
}

macro_rules! plain {
    ($($method:ident $type:ty => $visit:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.plain::<$type>()?)
        }
    )*};
}

macro_rules! unsupported {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(unreadable(postcard::Error::WontImplement))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    plain! {
        deserialize_bool bool => visit_bool
        deserialize_i8 i8 => visit_i8
        deserialize_i16 i16 => visit_i16
        deserialize_i32 i32 => visit_i32
        deserialize_i64 i64 => visit_i64
        deserialize_i128 i128 => visit_i128
        deserialize_u8 u8 => visit_u8
        deserialize_u16 u16 => visit_u16
        deserialize_u32 u32 => visit_u32
        deserialize_u64 u64 => visit_u64
        deserialize_u128 u128 => visit_u128
        deserialize_f32 f32 => visit_f32
        deserialize_f64 f64 => visit_f64
        deserialize_char char => visit_char
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next == NO_SEGMENT {
            return visitor.visit_borrowed_str(self.plain()?);
        }
        let text = str::from_utf8(self.content()?.borrowed()).map_err(|_| no_text())?;
        visitor.visit_borrowed_str(text)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.content()?.borrowed())
    }

    /// Allocates the string here, fallibly.
    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next == NO_SEGMENT {
            let text = memory::text(self.plain()?)?;
            return visitor.visit_string(text);
        }
        let text = String::from_utf8(self.content()?.owned()?).map_err(|_| no_text())?;
        visitor.visit_string(text)
    }

    /// Allocates the bytes here, fallibly.
    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.content()?.owned()?)
    }

    // The bytes are not self-describing, and contain no names of fields or variants.
    unsupported! { deserialize_any deserialize_identifier deserialize_ignored_any }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // `None` and `Some(())` differ in their only byte.
        match self.plain::<Option<()>>()? {
            None => visitor.visit_none(),
            Some(()) => self.inside(|inner| visitor.visit_some(inner)),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name != SHARED_TOKEN || !slot::AVAILABLE {
            return visitor.visit_newtype_struct(self);
        }
        shared::visit(self.content()?, visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.items(|items| visitor.visit_seq(items))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.items(|entries| visitor.visit_map(entries))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.fields(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de> de::EnumAccess<'de> for &mut Deserializer<'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant: U32Deserializer<Error> = self.plain::<u32>()?.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Deserializer<'de> {
    type Error = Error;

    #[inline]
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.inside(|inner| seed.deserialize(inner))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.fields(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.fields(fields.len(), visitor)
    }
}

/// The contents of a value.
struct Items<'d, 'de> {
    deserializer: &'d mut Deserializer<'de>,
    /// Remaining number of elements or entries.
    left: usize,
}

impl<'de> Items<'_, 'de> {
    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }

    /// Remaining number, unless it is only announced.
    #[inline]
    fn hint(&self) -> Option<usize> {
        self.deserializer.sure.then_some(self.left)
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.next(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> de::MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.deserializer)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

#[cold]
fn unreadable(error: postcard::Error) -> Error {
    Error(Box::new(DecodeError::mismatch(error.to_string())))
}

/// There is no further segment.
const NO_SEGMENT: usize = usize::MAX;

#[cold]
fn misplaced() -> Error {
    Error(Box::new(DecodeError::malformed(MISPLACED)))
}

#[cold]
fn no_text() -> Error {
    unreadable(postcard::Error::DeserializeBadUtf8)
}

#[cold]
fn too_deep() -> Error {
    Error(Box::new(DecodeError::malformed("values are nested deeper than 256 levels")))
}

#[cold]
fn too_many() -> Error {
    Error(Box::new(DecodeError::malformed(
        "more elements are announced than are there, or more than 65536 take no bytes",
    )))
}

/// A pointer, because results pass through every level.
#[derive(Debug)]
struct Error(Box<DecodeError>);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Error {}

impl From<OutOfMemory> for Error {
    #[cold]
    fn from(error: OutOfMemory) -> Self {
        Self(Box::new(error.into()))
    }
}

impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(de::Error::custom(message)))
    }
}
