//! Deserializer for the value format, without an intermediate tree.

use super::handle::HANDLE_TOKEN;
use super::model::{self, VALUE_TOKEN, check_view};
use super::reader::{Held, Index, Input, Item, Key, Reader, Text};
use super::reference::REFERENCE_TOKEN;
use super::wire::tag;
use super::{BigInt, MAX_DEPTH, Value, ViewKind};
use crate::memory::{self, Growth};
use crate::shared::{self, Content, SHARED_TOKEN, Segment};
use crate::slot;
use crate::{DecodeError, PathSegment};
use alloc::boxed::Box;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Error, IntoDeserializer, Unexpected, Visitor};

/// Reads a value that fills `bytes`.
///
/// Of two properties with the same key, a [`Value`] and maps keep the later one. Structs with a derived `Deserialize` refuse
/// such an object.
///
/// # Errors
/// When the bytes are not a value, or not of type `T`, with the path to the value at fault.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    from_payload(bytes, &mut [])
}

/// Reads a value of `bytes` and the segments between them, each of which is the content of a string, of bytes or of a buffer.
///
/// An owned string or byte string, a [`SharedBytes`](crate::SharedBytes) and a [`Value`] take their segments. Other types borrow them. If an
/// object of the payload is shared, contents may be read again. Strings and byte strings are then copied, and a `SharedBytes` shares its
/// segment.
///
/// # Errors
/// As [`from_slice`], and when a segment is anything else.
pub fn from_payload<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    segments: &'de mut [Segment],
) -> Result<T, DecodeError> {
    let mut state = State::new(bytes, segments)?;
    let value = T::deserialize(Deserializer { state: &mut state, depth: 0 })?;
    state.reader.finish()?;
    Ok(value)
}

/// Reads the arguments of a call, an array, into a tuple `T`. Missing optional arguments at the end are `None`.
///
/// # Errors
/// As [`from_slice`], and when there are too many or too few arguments. Paths begin with `args`.
pub fn args_from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    args_from_payload(bytes, &mut [])
}

/// Reads the arguments of a call as [`args_from_slice`] does, of `bytes` and segments as [`from_payload`] does.
///
/// # Errors
/// As [`args_from_slice`] and [`from_payload`].
pub fn args_from_payload<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    segments: &'de mut [Segment],
) -> Result<T, DecodeError> {
    let mut state = State::new(bytes, segments)?;
    let Item::Array(count) = state.reader.item()? else {
        return Err(DecodeError::mismatch("the arguments of a call are an array"));
    };
    let value = T::deserialize(Args { state: &mut state, count })?;
    state.reader.finish()?;
    Ok(value)
}

struct State<'de> {
    reader: Reader<'de>,
    input: Input<'de>,
    /// Positions of the objects, once one is shared.
    index: Option<Box<Index<'de>>>,
    /// Remaining bytes that may be read again because of shared objects.
    budget: usize,
    /// Remaining number of items for which memory may be reserved before they are read. Each item takes at least one byte, so only nested
    /// announcements of missing items exhaust this.
    unreserved: usize,
}

impl<'de> State<'de> {
    #[inline]
    fn new(bytes: &'de [u8], segments: &'de mut [Segment]) -> Result<Self, DecodeError> {
        let outside: usize = segments.iter().map(|(_, bytes)| bytes.as_ref().map_or(0, |bytes| bytes.len())).sum();
        let budget = BUDGET + PER_BYTE * (bytes.len() + outside);
        let (input, reader) = Input::read(bytes, segments)?;
        Ok(Self { reader, input, index: None, budget, unreserved: bytes.len() })
    }

    /// Runs a closure with a reader positioned at the object with this number.
    fn at_shared<T>(
        &mut self,
        number: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let there = self.reader_before(number)?;
        self.elsewhere(there, |state| {
            let start = state.reader.position();
            let value = read(state)?;
            state.spend(state.reader.position() - start)?;
            Ok(value)
        })
    }

    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let Some(budget) = self.budget.checked_sub(bytes) else {
            return Err(DecodeError::mismatch("too many objects are shared: decode it as a `Value`"));
        };
        self.budget = budget;
        Ok(())
    }

    /// Number of items, of `count`, for which to reserve memory.
    fn reserve(&mut self, count: usize) -> usize {
        let reserved = count.min(self.unreserved);
        self.unreserved -= reserved;
        reserved
    }

    #[inline(never)]
    fn reader_before(&mut self, number: u32) -> Result<Box<Reader<'de>>, DecodeError> {
        self.spend(PER_LOOKUP)?;
        let index = match self.index.take() {
            Some(index) => index,
            None => Box::new(Index::of(self.input)?),
        };
        let there = Reader::at_object(self.input, &index, number).map(Box::new);
        self.index = Some(index);
        there
    }

    /// Runs a closure with another reader. It is on the heap, because readers are large, values nest deeply, and stacks are
    /// small.
    fn elsewhere<T>(&mut self, mut reader: Box<Reader<'de>>, read: impl FnOnce(&mut Self) -> T) -> T {
        core::mem::swap(&mut self.reader, &mut reader);
        let result = read(self);
        core::mem::swap(&mut self.reader, &mut reader);
        result
    }

    /// Reads the next element of an array, a hole as `undefined`.
    fn element<T: de::DeserializeSeed<'de>>(&mut self, seed: T, depth: usize) -> Result<T::Value, DecodeError> {
        if self.reader.hole() {
            self.elsewhere(reader_before_undefined(), |state| seed.deserialize(Deserializer { state, depth }))
        } else {
            seed.deserialize(Deserializer::nested(self, depth)?)
        }
    }
}

#[inline(never)]
fn reader_before_undefined<'de>() -> Box<Reader<'de>> {
    Box::new(Reader::new(&[tag::UNDEFINED]))
}

/// Reads one value.
struct Deserializer<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
}

impl<'a, 'de> Deserializer<'a, 'de> {
    /// Deserializer for a value at this depth, unless that is too deep. Empty containers are allowed one level deeper.
    fn nested(state: &'a mut State<'de>, depth: usize) -> Result<Self, DecodeError> {
        if depth <= MAX_DEPTH {
            Ok(Self { state, depth })
        } else {
            Err(DecodeError::mismatch("values are nested too deep, or one contains itself: decode it as a `Value`"))
        }
    }

    /// Deserializer for the contents of the value.
    fn inner(self) -> Result<Self, DecodeError> {
        Self::nested(self.state, self.depth + 1)
    }

    fn visit<V: Visitor<'de>>(self, item: Item<'de>, visitor: V) -> Result<V::Value, DecodeError> {
        match item {
            Item::Undefined | Item::Null => visitor.visit_unit(),
            Item::Boolean(value) => visitor.visit_bool(value),
            Item::Integer(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(number),
            },
            Item::Float(number) | Item::Date(number) => visitor.visit_f64(number),
            Item::BigInt { negative, magnitude } => visit_bigint(negative, magnitude, visitor),
            Item::Text(Text::Utf8(text)) => visitor.visit_borrowed_str(text),
            Item::Text(Text::Utf16(_)) => {
                Err(DecodeError::mismatch("the string has a lone surrogate, which a Rust string can't have"))
            }
            Item::Array(len) | Item::Set(len) => {
                let depth = self.depth + 1;
                let may_have_holes = matches!(item, Item::Array(_));
                let reserved = self.state.reserve(len);
                let growth = Growth::default();
                let mut elements =
                    Elements { state: self.state, depth, left: len, reserved, index: 0, growth, may_have_holes };
                let value = visitor.visit_seq(&mut elements)?;
                if elements.left > 0 {
                    return Err(DecodeError::invalid_length(len, &"fewer elements"));
                }
                Ok(value)
            }
            Item::Object(len) => {
                let depth = self.depth + 1;
                let reserved = self.state.reserve(len);
                let mut properties = Properties { state: self.state, depth, left: len, reserved, key: Key::default() };
                let value = visitor.visit_map(&mut properties)?;
                // The rest, which the visitor has not read.
                properties.finish()?;
                Ok(value)
            }
            Item::Map(len) => {
                let depth = self.depth + 1;
                let reserved = self.state.reserve(len);
                let mut entries = Entries { state: self.state, depth, left: len, reserved, index: 0 };
                let value = visitor.visit_map(&mut entries)?;
                if entries.left > 0 {
                    return Err(DecodeError::invalid_length(len, &"fewer entries"));
                }
                Ok(value)
            }
            Item::Bytes(bytes) | Item::Buffer { bytes, .. } | Item::Blob { bytes, .. } | Item::File { bytes, .. } => {
                visitor.visit_borrowed_bytes(bytes)
            }
            Item::View { kind, offset, len } => {
                let bytes = self.view_bytes(kind, offset, len)?;
                visit_view(kind, bytes, visitor)
            }
            Item::Boxed => {
                let inner = self.inner()?;
                match inner.state.reader.item()? {
                    item @ (Item::Boolean(_)
                    | Item::Integer(_)
                    | Item::Float(_)
                    | Item::BigInt { .. }
                    | Item::Text(_)
                    | Item::Symbol { .. }) => inner.visit(item, visitor),
                    _ => Err(DecodeError::malformed("a boxed value is not a primitive")),
                }
            }
            Item::Shared(number) => {
                let Deserializer { state, depth } = self.inner()?;
                state.at_shared(number, |state| Deserializer { state, depth }.deserialize_any_value(visitor))
            }
            Item::Hole => Err(DecodeError::malformed("a hole stands outside of an array")),
            Item::Symbol { .. } => Err(unexpected("a symbol", &visitor)),
            Item::RegExp { .. } => Err(unexpected("a regular expression", &visitor)),
            Item::Error { .. } => Err(unexpected("an error", &visitor)),
            Item::Image { .. } => Err(unexpected("image data", &visitor)),
            Item::Reference { .. } => Err(unexpected("a reference", &visitor)),
            Item::Handle { .. } => Err(unexpected("a handle of a function, an object or a stream", &visitor)),
            Item::Posted { .. } => {
                Err(unexpected("an object that was posted, which programs in Rust do not receive", &visitor))
            }
        }
    }

    fn deserialize_any_value<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let item = self.state.reader.item()?;
        self.visit(item, visitor)
    }

    /// A [`Handle`](super::Handle). A separate function, since frames of newtypes are on the stack once for each level.
    #[inline(never)]
    fn handle<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let depth = self.depth + 1;
        match self.state.reader.item()? {
            Item::Handle { owner, kind, id } => {
                let description = Value::decode_with(&mut self.state.reader, depth)?;
                let numbers = [owner as u64, kind as u64, id].map(Part::Number);
                let parts = numbers.into_iter().chain([Part::Value(description)]);
                visitor.visit_newtype_struct(SeqDeserializer::new(parts))
            }
            item => Err(unexpected(describe(item), &visitor)),
        }
    }

    /// Reads bytes and passes them to `visit`, or visits another item.
    fn byte_buf<V: Visitor<'de>>(
        self,
        visitor: V,
        visit: impl FnOnce(Content<'de>, V) -> Result<V::Value, DecodeError>,
    ) -> Result<V::Value, DecodeError> {
        let content = match self.state.reader.holding(Held::Bytes)? {
            Item::Bytes(bytes) | Item::Buffer { bytes, .. } | Item::Blob { bytes, .. } | Item::File { bytes, .. } => {
                self.state.reader.content(bytes)
            }
            Item::View {
                kind: kind @ (ViewKind::Uint8 | ViewKind::Uint8Clamped | ViewKind::DataView),
                offset,
                len,
            } => Content::Inline(self.view_bytes(kind, offset, len)?),
            Item::Shared(number) => {
                let Deserializer { state, depth } = self.inner()?;
                return state.at_shared(number, |state| Deserializer { state, depth }.byte_buf(visitor, visit));
            }
            item => return self.visit(item, visitor),
        };
        visit(content, visitor)
    }

    /// The bytes of a view, whose buffer is the next item.
    fn view_bytes(self, kind: ViewKind, offset: u64, len: Option<u64>) -> Result<&'de [u8], DecodeError> {
        let Deserializer { state, .. } = self.inner()?;
        let (bytes, resizable) = match state.reader.item()? {
            Item::Buffer { bytes, max } => (bytes, max.is_some()),
            Item::Shared(number) => state.at_shared(number, |state| {
                let next = state.reader.objects();
                match state.reader.item()? {
                    Item::Buffer { bytes, max } => Ok((bytes, max.is_some())),
                    // Two objects: the array, which is not a buffer, is the first.
                    Item::Bytes(bytes) if next != number => Ok((bytes, false)),
                    _ => Err(DecodeError::malformed("a view is not of a buffer")),
                }
            })?,
            _ => return Err(DecodeError::malformed("a view is not of a buffer")),
        };
        check_view(&[(0, bytes.len() as u64, resizable)], 0, kind, offset, len).map_err(DecodeError::malformed)?;
        let rest = &bytes[offset as usize..];
        Ok(len.map_or(rest, |len| &rest[..(len * kind.element_size()) as usize]))
    }
}

fn unexpected<'de>(found: &str, visitor: &impl Visitor<'de>) -> DecodeError {
    DecodeError::invalid_type(Unexpected::Other(found), visitor)
}

fn visit_bigint<'de, V: Visitor<'de>>(negative: bool, magnitude: &[u8], visitor: V) -> Result<V::Value, DecodeError> {
    if magnitude.len() > size_of::<u128>() {
        return Err(unexpected("a bigint of more than 128 bits", &visitor));
    }
    let number = BigInt::new(negative, magnitude);
    if let Some(number) = number.to_i128() {
        return match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => visitor.visit_u64(number),
            (_, Ok(number)) => visitor.visit_i64(number),
            _ => visitor.visit_i128(number),
        };
    }
    match number.to_u128() {
        Some(number) => visitor.visit_u128(number),
        None => Err(unexpected("a bigint of more than 128 bits", &visitor)),
    }
}

fn visit_view<'de, V: Visitor<'de>>(kind: ViewKind, bytes: &'de [u8], visitor: V) -> Result<V::Value, DecodeError> {
    macro_rules! elements {
        ($type:ty) => {{
            let elements =
                bytes.as_chunks::<{ size_of::<$type>() }>().0.iter().map(|bytes| <$type>::from_le_bytes(*bytes));
            visitor.visit_seq(Numbers::new(elements))
        }};
    }
    match kind {
        ViewKind::DataView | ViewKind::Uint8 | ViewKind::Uint8Clamped => visitor.visit_borrowed_bytes(bytes),
        ViewKind::Int8 => elements!(i8),
        ViewKind::Int16 => elements!(i16),
        ViewKind::Uint16 => elements!(u16),
        ViewKind::Int32 => elements!(i32),
        ViewKind::Uint32 => elements!(u32),
        ViewKind::Float32 => elements!(f32),
        ViewKind::Float64 => elements!(f64),
        ViewKind::BigInt64 => elements!(i64),
        ViewKind::BigUint64 => elements!(u64),
        ViewKind::Float16 => {
            let elements = bytes.as_chunks::<2>().0.iter().map(|bytes| half_to_f32(u16::from_le_bytes(*bytes)));
            visitor.visit_seq(Numbers::new(elements))
        }
    }
}

/// IEEE 754 binary16 to binary32.
fn half_to_f32(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    let scale = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
    match exponent {
        0 => sign * fraction * scale(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction * scale(-10)) * scale(exponent - 15),
    }
}

macro_rules! integers {
    ($($method:ident $type:ty => $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.state.reader.item()? {
                // -0, or an integer beyond 2^53 - 1 that is exact nevertheless.
                Item::Float(number) if (number as $type) as f64 == number && number.abs() < WIDEST => {
                    visitor.$visit(number as $type)
                }
                item => self.visit(item, visitor),
            }
        })*
    };
}

/// The smallest float that does not fit 64 bits.
const WIDEST: f64 = 9_223_372_036_854_775_808.0;

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any_value(visitor)
    }

    integers! {
        deserialize_i8 i64 => visit_i64;
        deserialize_i16 i64 => visit_i64;
        deserialize_i32 i64 => visit_i64;
        deserialize_i64 i64 => visit_i64;
        deserialize_i128 i64 => visit_i64;
        deserialize_u8 u64 => visit_u64;
        deserialize_u16 u64 => visit_u64;
        deserialize_u32 u64 => visit_u64;
        deserialize_u64 u64 => visit_u64;
        deserialize_u128 u64 => visit_u64;
    }

    /// Allocates the string here, fallibly.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.state.reader.holding(Held::Text)? {
            Item::Text(Text::Utf8(text)) => visitor.visit_string(self.state.reader.owned_text(text)?),
            Item::Shared(number) => {
                let Deserializer { state, depth } = self.inner()?;
                state.at_shared(number, |state| Deserializer { state, depth }.deserialize_string(visitor))
            }
            item => self.visit(item, visitor),
        }
    }

    /// Allocates the bytes here, fallibly.
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.byte_buf(visitor, |content, visitor| visitor.visit_byte_buf(content.owned()?))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let item = self.state.reader.item()?;
        match item {
            Item::Bytes(bytes) | Item::Buffer { bytes, .. } => visit_bytes_as_seq(bytes, visitor),
            Item::View {
                kind: kind @ (ViewKind::Uint8 | ViewKind::Uint8Clamped | ViewKind::DataView),
                offset,
                len,
            } => {
                let bytes = self.view_bytes(kind, offset, len)?;
                visit_bytes_as_seq(bytes, visitor)
            }
            Item::Shared(number) => {
                let Deserializer { state, depth } = self.inner()?;
                state.at_shared(number, |state| Deserializer { state, depth }.deserialize_seq(visitor))
            }
            item => self.visit(item, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.state.reader.nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == REFERENCE_TOKEN {
            return match self.state.reader.item()? {
                Item::Reference { owner, kind, id } => {
                    visitor.visit_newtype_struct(SeqDeserializer::new([owner as u64, kind as u64, id].into_iter()))
                }
                // Three numbers are not a reference here either.
                item => Err(unexpected(describe(item), &visitor)),
            };
        }
        if name == HANDLE_TOKEN {
            return self.handle(visitor);
        }
        if name == SHARED_TOKEN && slot::AVAILABLE {
            return self.byte_buf(visitor, shared::visit);
        }
        if name != VALUE_TOKEN {
            return visitor.visit_newtype_struct(self);
        }
        let value = Value::decode_with(&mut self.state.reader, self.depth)?;
        model::visit(value, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.state.reader.item()? {
            Item::Text(Text::Utf8(variant)) => {
                visitor.visit_enum(IntoDeserializer::<DecodeError>::into_deserializer(variant))
            }
            Item::Object(1) => {
                let depth = self.depth + 1;
                let variant = text_of(self.state.reader.key()?)?;
                visitor.visit_enum(Variant { state: self.state, depth, variant })
            }
            Item::Shared(number) => {
                let Deserializer { state, depth } = self.inner()?;
                state.at_shared(number, |state| Deserializer { state, depth }.deserialize_enum("", &[], visitor))
            }
            item => {
                let expected = "a variant: a string, or an object with one property";
                Err(DecodeError::invalid_type(Unexpected::Other(describe(item)), &expected))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.state.reader.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str bytes unit unit_struct map struct identifier
    }
}

/// A part of a handle.
enum Part {
    Number(u64),
    Value(Value),
}

impl<'de> IntoDeserializer<'de, DecodeError> for Part {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Part {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Number(number) => visitor.visit_u64(number),
            Self::Value(value) => model::visit(value, visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

fn visit_bytes_as_seq<'de, V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, DecodeError> {
    visitor.visit_seq(Numbers::new(bytes.iter().copied()))
}

/// The elements of a typed array.
struct Numbers<I> {
    elements: I,
    len: usize,
    growth: Growth,
}

impl<I: ExactSizeIterator> Numbers<I> {
    fn new(elements: I) -> Self {
        Self { len: elements.len(), elements, growth: Growth::default() }
    }
}

impl<'de, I> de::SeqAccess<'de> for Numbers<I>
where
    I: ExactSizeIterator<Item: IntoDeserializer<'de, DecodeError>>,
{
    type Error = DecodeError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let index = self.len - self.elements.len();
        let Some(element) = self.elements.next() else {
            return Ok(None);
        };
        self.growth.foresee::<T::Value>(index, self.len)?;
        seed.deserialize(element.into_deserializer()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

fn text_of(key: Key<'_>) -> Result<&str, DecodeError> {
    match key {
        Key::Text(Text::Utf8(text)) => Ok(text),
        Key::Text(Text::Utf16(_)) => {
            Err(DecodeError::mismatch("the key has a lone surrogate, which a Rust string can't have"))
        }
        Key::Symbol { .. } => Err(DecodeError::mismatch("the key is a symbol")),
    }
}

fn describe(item: Item<'_>) -> &'static str {
    match item {
        Item::Undefined | Item::Hole => "undefined",
        Item::Null => "null",
        Item::Boolean(_) => "a boolean",
        Item::Integer(_) | Item::Float(_) => "a number",
        Item::BigInt { .. } => "a bigint",
        Item::Text(_) => "a string",
        Item::Array(_) => "an array",
        Item::Object(_) => "an object with another number of properties",
        _ => "something else",
    }
}

struct Elements<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
    left: usize,
    reserved: usize,
    index: usize,
    growth: Growth,
    may_have_holes: bool,
}

impl<'de> de::SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let index = self.index;
        self.index += 1;
        self.growth.foresee::<T::Value>(index, self.reserved)?;
        let value = if self.may_have_holes {
            self.state.element(seed, self.depth)
        } else {
            Deserializer::nested(self.state, self.depth).and_then(|member| seed.deserialize(member))
        };
        value.map(Some).map_err(|error| error.at(PathSegment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reserved))
    }
}

struct Properties<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
    left: usize,
    reserved: usize,
    key: Key<'de>,
}

impl Properties<'_, '_> {
    fn finish(&mut self) -> Result<(), DecodeError> {
        while self.left > 0 {
            self.left -= 1;
            self.state.reader.key()?;
            self.state.reader.skip()?;
        }
        Ok(())
    }
}

impl<'de> de::MapAccess<'de> for &mut Properties<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.key = self.state.reader.key()?;
        seed.deserialize(BorrowedStr(text_of(self.key)?)).map(Some)
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        Deserializer::nested(self.state, self.depth)
            .and_then(|value| seed.deserialize(value))
            .map_err(|error| error.at(PathSegment::key(text_of(self.key).unwrap_or_default())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reserved))
    }
}

/// A key, which lives as long as the input.
struct BorrowedStr<'de>(&'de str);

impl<'de> de::Deserializer<'de> for BorrowedStr<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_string(memory::text(self.0)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        StrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Entries<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
    left: usize,
    reserved: usize,
    index: usize,
}

impl<'de> de::MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.index += 1;
        let key = Deserializer::nested(self.state, self.depth).and_then(|key| seed.deserialize(key));
        key.map(Some).map_err(|error| error.at(PathSegment::Index(self.index - 1)))
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        Deserializer::nested(self.state, self.depth)
            .and_then(|value| seed.deserialize(value))
            .map_err(|error| error.at(PathSegment::Index(self.index - 1)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reserved))
    }
}

/// The content of an enum's variant.
struct Variant<'a, 'de> {
    state: &'a mut State<'de>,
    depth: usize,
    variant: &'de str,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let variant = seed.deserialize(BorrowedStr(self.variant))?;
        Ok((variant, self))
    }
}

impl<'de> Variant<'_, 'de> {
    fn content<T>(self, read: impl FnOnce(Deserializer<'_, 'de>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        let variant = self.variant;
        Deserializer::nested(self.state, self.depth).and_then(read).map_err(|error| error.at(PathSegment::key(variant)))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.content(|content| <()>::deserialize(content))
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        self.content(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content(|content| de::Deserializer::deserialize_tuple(content, len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content(|content| de::Deserializer::deserialize_struct(content, "", fields, visitor))
    }
}

/// The arguments of a call, of which `count` are present.
struct Args<'a, 'de> {
    state: &'a mut State<'de>,
    count: usize,
}

impl<'de> Args<'_, 'de> {
    fn read<V: Visitor<'de>>(self, expected: usize, visitor: V) -> Result<V::Value, DecodeError> {
        if self.count > expected {
            return Err(wrong_count(expected, self.count));
        }
        visitor.visit_seq(Arguments { state: self.state, expected, count: self.count, index: 0 })
    }
}

impl<'de> de::Deserializer<'de> for Args<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let count = self.count;
        self.read(count, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.read(len, visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.count > 0 { Err(wrong_count(0, self.count)) } else { visitor.visit_unit() }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct newtype_struct
        seq tuple_struct map struct enum identifier ignored_any
    }
}

struct Arguments<'a, 'de> {
    state: &'a mut State<'de>,
    expected: usize,
    count: usize,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Arguments<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let index = self.index;
        if index == self.expected {
            return Ok(None);
        }
        self.index += 1;
        if index >= self.count {
            return seed.deserialize(Missing { expected: self.expected, count: self.count }).map(Some);
        }
        let value = self.state.element(seed, 1);
        value.map(Some).map_err(|error| error.at(PathSegment::Index(index)).at(PathSegment::Root("args")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.expected - self.index)
    }
}

/// An argument that was not given.
struct Missing {
    expected: usize,
    count: usize,
}

impl<'de> de::Deserializer<'de> for Missing {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(wrong_count(self.expected, self.count))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

fn wrong_count(expected: usize, count: usize) -> DecodeError {
    let plural = if expected == 1 { "" } else { "s" };
    DecodeError::mismatch(alloc::format!("expected {expected} argument{plural}, got {count}"))
}

/// Bytes that may be read again because of shared objects: this number, plus [`PER_BYTE`] for each byte of the payload.
const BUDGET: usize = 32 << 20;

/// Bytes that each byte of a payload adds to [`BUDGET`].
const PER_BYTE: usize = 16;

/// Bytes of the budget that each look-up of a shared object takes.
const PER_LOOKUP: usize = 32;
