//! `Value`: the value format's data model in Rust.

use super::reader::{Held, Item, Key, Reader, Text as BorrowedText};
use super::wire::COLOR_SPACES;
use super::writer::{Detached, Writer};
use super::{BigInt, HandleKind, MAX_DEPTH, RefKind, RefOwner, ViewKind};
use crate::memory::{self, OutOfMemory};
use crate::slot::{self, slots};
use crate::{DecodeError, EncodeError, PathSegment};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Any value of the value format: the values of structured clone, references and handles.
///
/// A graph is written as a tree. Objects are numbered in the order in which they begin, outermost first. [`Shared`](Self::Shared) is a further
/// occurrence of the object with that number. All values except primitives, references and handles are objects. `Bytes` is two objects, the
/// array and its buffer.
///
/// ```
/// use coincide_codec::Value;
///
/// let value = Value::Array(vec![Value::from("PyScript"), Value::Undefined]);
/// let mut bytes = Vec::new();
/// value.encode(&mut bytes)?;
/// assert_eq!(Value::decode(&bytes)?, value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `undefined`.
    #[default]
    Undefined,
    /// `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number, including -0, NaN and the infinities.
    Number(f64),
    /// A bigint.
    BigInt(BigInt),
    /// A string.
    String(Text),
    /// A symbol that both ends can know.
    Symbol(Symbol),
    /// A `Date`, in milliseconds since 1970, or NaN.
    Date(f64),
    /// A `RegExp`.
    RegExp {
        /// The expression.
        source: Text,
        /// Its flags.
        flags: String,
        /// Index at which the next search begins.
        last_index: u64,
    },
    /// An `Array`. Its elements may be [`Hole`](Self::Hole)s.
    Array(Vec<Value>),
    /// A missing element of an array. Not allowed anywhere else.
    Hole,
    /// A plain object: its own properties in order.
    Object(Vec<(PropertyKey, Value)>),
    /// A `Map`, in order.
    Map(Vec<(Value, Value)>),
    /// A `Set`, in order.
    Set(Vec<Value>),
    /// An error.
    Error(Box<ErrorValue>),
    /// An object around a primitive, such as `Object(1)`.
    Boxed(Box<Value>),
    /// An `ArrayBuffer`.
    Buffer {
        /// Its contents.
        bytes: Vec<u8>,
        /// Maximum length in bytes, if it is resizable.
        max: Option<u64>,
    },
    /// A `Uint8Array` over the whole of a buffer of its own.
    Bytes(Vec<u8>),
    /// Any other typed array or a `DataView`.
    View {
        /// The type of the view.
        kind: ViewKind,
        /// A [`Buffer`](Self::Buffer), or [`Shared`](Self::Shared) with the number of one.
        buffer: Box<Value>,
        /// Offset in bytes: a multiple of the element size.
        offset: u64,
        /// Length in elements. `None` if it follows the length of a resizable buffer.
        len: Option<u64>,
    },
    /// A `Blob`.
    Blob {
        /// Its media type.
        kind: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// A `File`.
    File {
        /// Its media type.
        kind: String,
        /// Its name.
        name: Text,
        /// Last modification, in milliseconds since 1970.
        last_modified: f64,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// An `ImageData`.
    Image {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Colour space: `srgb` or `display-p3`.
        color_space: String,
        /// Pixels, four bytes each.
        pixels: Vec<u8>,
    },
    /// A reference to an object that stays at its end.
    Reference {
        /// Owner of the object.
        owner: RefOwner,
        /// Kind of the object.
        kind: RefKind,
        /// Its id.
        id: u64,
    },
    /// A posted object, which is sent in a message beside the payload. A program in Rust receives no such messages, and has only the number.
    Posted {
        /// The end that has posted it.
        owner: RefOwner,
        /// Its number.
        number: u64,
    },
    /// A further occurrence of the object with this number.
    Shared(u32),
    /// A handle of an object that stays at its end.
    Handle {
        /// Owner of the object.
        owner: RefOwner,
        /// Kind of the object.
        kind: HandleKind,
        /// Its id.
        id: u64,
        /// Description by the owner. [`Undefined`](Self::Undefined) if the owner is the receiver.
        description: Box<Value>,
    },
}

/// A string of JavaScript.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// A well-formed string.
    Utf8(String),
    /// A string with lone surrogates, in UTF-16 code units.
    Utf16(Vec<u16>),
}

/// A symbol that both ends can know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// `Symbol.for(key)`.
    Registered(String),
    /// A property of `Symbol`, such as `iterator`.
    WellKnown(String),
}

/// The key of a property.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PropertyKey {
    /// A string.
    Text(Text),
    /// A symbol.
    Symbol(Symbol),
}

/// An error of JavaScript.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorValue {
    /// The name of its class, such as `TypeError`.
    pub class: Text,
    /// Its message.
    pub message: Text,
    /// Its stack trace.
    pub stack: Text,
    /// Its cause, if it has one.
    pub cause: Option<Value>,
    /// Its other own properties in order.
    pub properties: Vec<(PropertyKey, Value)>,
}

impl Value {
    /// Appends the value to `buffer`.
    ///
    /// # Errors
    /// When the value is not a valid graph: a hole outside of an array, a `Shared` before its object, or a view outside of its buffer. When it is
    /// nested deeper than [`MAX_DEPTH`]. The buffer is then unchanged.
    pub fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = buffer.len();
        let mut writer = Writer::new(buffer);
        let result = self.encode_with(&mut writer, 0).and_then(|()| writer.finish());
        if result.is_err() {
            buffer.truncate(before);
        }
        result
    }

    /// Reads a value that fills `bytes`.
    ///
    /// # Errors
    /// When the bytes are not a value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode_with(&mut reader, 0)?;
        reader.finish()?;
        Ok(value)
    }

    /// Writes the value among others: its objects get the next numbers there.
    pub(crate) fn encode_with(&self, writer: &mut Writer<'_>, depth: usize) -> Result<(), EncodeError> {
        let base = writer.objects();
        Encoder { writer, buffers: Vec::new(), base }.value(self, depth)
    }

    /// Reads a value among others, and counts its objects from 0.
    pub(crate) fn decode_with(reader: &mut Reader<'_>, depth: usize) -> Result<Self, DecodeError> {
        let base = reader.objects();
        Decoder { reader, buffers: Vec::new(), base }.value(depth)
    }

    /// Whether both are the same value. NaN equals NaN, and -0 differs from 0.
    pub fn same(&self, other: &Self) -> bool {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        self.encode(&mut left).is_ok() && other.encode(&mut right).is_ok() && left == right
    }

    /// The text, if the value is a well-formed string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(Text::Utf8(text)) => Some(text),
            _ => None,
        }
    }

    /// The number, if the value is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The property with this name, if the value is an object or an error that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let properties = match self {
            Self::Object(properties) => properties,
            Self::Error(error) => &error.properties,
            _ => return None,
        };
        // Of several with the same key, the last one counts.
        properties.iter().rfind(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }
}

impl Text {
    /// The text, with replacement characters for lone surrogates.
    pub fn to_string_lossy(&self) -> String {
        match self {
            Self::Utf8(text) => text.clone(),
            Self::Utf16(units) => String::from_utf16_lossy(units),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Utf8(text) => writer.str(text),
            Self::Utf16(units) => writer.utf16(units),
        }
    }

    fn read(text: BorrowedText<'_>) -> Result<Self, OutOfMemory> {
        Ok(match text {
            BorrowedText::Utf8(text) => Self::Utf8(memory::text(text)?),
            BorrowedText::Utf16(bytes) => {
                let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
                Self::Utf16(memory::collected(units)?)
            }
        })
    }
}

impl PropertyKey {
    /// The text, if the key is a well-formed string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(Text::Utf8(text)) => Some(text),
            _ => None,
        }
    }

    fn read(key: Key<'_>) -> Result<Self, OutOfMemory> {
        Ok(match key {
            Key::Text(text) => Self::Text(Text::read(text)?),
            Key::Symbol { registered, name } => Self::Symbol(Symbol::read(registered, name)?),
        })
    }

    fn segment(&self) -> PathSegment {
        match self {
            Self::Text(Text::Utf8(text)) => PathSegment::key(text),
            Self::Text(Text::Utf16(units)) => {
                PathSegment::key(&String::from_utf16_lossy(&units[..units.len().min(LONGEST)]))
            }
            Self::Symbol(Symbol::Registered(key)) => PathSegment::symbol(true, key),
            Self::Symbol(Symbol::WellKnown(name)) => PathSegment::symbol(false, name),
        }
    }
}

impl Symbol {
    fn read(registered: bool, name: &str) -> Result<Self, OutOfMemory> {
        let name = memory::text(name)?;
        Ok(if registered { Self::Registered(name) } else { Self::WellKnown(name) })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Registered(key) => writer.registered_symbol(key),
            Self::WellKnown(name) => writer.well_known_symbol(name),
        }
    }
}

/// A buffer that views may share: its number and its length, `None` if it can be resized.
pub(super) type Buffer = (u32, u64, bool);

struct Encoder<'a, 'b> {
    writer: &'a mut Writer<'b>,
    buffers: Vec<Buffer>,
    /// The number that the value's first object gets.
    base: u32,
}

impl Encoder<'_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::new("values are nested too deep: 256 levels at most can be sent"));
        }
        let inner = depth + 1;
        match value {
            Value::Undefined => self.writer.undefined(),
            Value::Null => self.writer.null(),
            Value::Boolean(value) => self.writer.boolean(*value),
            Value::Number(number) => self.writer.number(*number),
            Value::BigInt(number) => self.writer.bigint(number.is_negative(), number.magnitude()),
            Value::String(text) => text.write(self.writer),
            Value::Symbol(symbol) => symbol.write(self.writer),
            Value::Date(milliseconds) => self.writer.date(*milliseconds),
            Value::RegExp { source, flags, last_index } => {
                if *last_index > super::writer::MAX_SAFE {
                    return Err(EncodeError::new("the lastIndex of a regular expression is beyond 2^53 - 1"));
                }
                self.writer.regexp(flags, *last_index);
                source.write(self.writer);
            }
            Value::Array(items) => {
                self.writer.array(items.len());
                for (index, item) in items.iter().enumerate() {
                    match item {
                        Value::Hole => self.writer.hole(),
                        item => self.value(item, inner).map_err(|error| error.at(PathSegment::Index(index)))?,
                    }
                }
            }
            Value::Hole => return Err(EncodeError::new("a hole stands outside of an array")),
            Value::Object(properties) => {
                self.writer.object(properties.len());
                self.properties(properties, inner)?;
            }
            Value::Map(entries) => {
                self.writer.map(entries.len());
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.value(key, inner).map_err(|error| error.at(PathSegment::Index(index)))?;
                    self.value(value, inner).map_err(|error| error.at(PathSegment::Index(index)))?;
                }
            }
            Value::Set(items) => {
                self.writer.set(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.value(item, inner).map_err(|error| error.at(PathSegment::Index(index)))?;
                }
            }
            Value::Error(error) => {
                self.writer.error(error.cause.is_some(), error.properties.len());
                error.class.write(self.writer);
                error.message.write(self.writer);
                error.stack.write(self.writer);
                if let Some(cause) = &error.cause {
                    self.value(cause, inner).map_err(|error| error.at(PathSegment::Key("cause".into())))?;
                }
                self.properties(&error.properties, inner)?;
            }
            Value::Boxed(value) => {
                if !is_primitive(value) {
                    return Err(EncodeError::new("only a primitive can be boxed"));
                }
                self.writer.boxed();
                self.value(value, inner)?;
            }
            Value::Buffer { bytes, max } => {
                if max.is_some_and(|max| max < bytes.len() as u64 || max > super::writer::MAX_SAFE) {
                    return Err(EncodeError::new("a buffer exceeds its maximum length"));
                }
                self.add_buffer((self.writer.objects(), bytes.len() as u64, max.is_some()));
                self.writer.buffer(bytes, *max);
            }
            Value::Bytes(bytes) => {
                self.add_buffer((self.writer.objects() + 1, bytes.len() as u64, false));
                self.writer.bytes(bytes);
            }
            Value::View { kind, buffer, offset, len } => {
                self.writer.view(*kind, *offset, *len);
                let number = match &**buffer {
                    Value::Buffer { .. } => self.writer.objects(),
                    Value::Shared(number) => number.saturating_add(self.base),
                    _ => return Err(EncodeError::new("a view is not of a buffer")),
                };
                self.value(buffer, inner)?;
                check_view(&self.buffers, number, *kind, *offset, *len).map_err(EncodeError::new)?;
            }
            Value::Blob { kind, bytes } => self.writer.blob(kind, bytes),
            Value::File { kind, name, last_modified, bytes } => {
                self.writer.file(kind, *last_modified, bytes);
                name.write(self.writer);
            }
            Value::Image { width, height, color_space, pixels } => {
                if u128::from(*width) * u128::from(*height) * 4 != pixels.len() as u128 {
                    return Err(EncodeError::new("an image has the wrong number of pixels"));
                }
                if !COLOR_SPACES.contains(&color_space.as_str()) {
                    return Err(EncodeError::new("an image has an unknown colour space: use srgb or display-p3"));
                }
                self.writer.image(*width, *height, color_space, pixels);
            }
            Value::Reference { owner, kind, id } => self.writer.reference(*owner, *kind, *id),
            Value::Handle { owner, kind, id, description } => self.handle((*owner, *kind, *id), description, inner)?,
            Value::Posted { owner, number } => self.writer.posted(*owner, *number),
            Value::Shared(number) => match number.checked_add(self.base) {
                Some(number) if number < self.writer.objects() => self.writer.shared(number),
                _ => return Err(EncodeError::new("an object is shared before it has begun")),
            },
        }
        Ok(())
    }

    /// A separate function, since the frame of [`value`](Self::value) is on the stack once for each level.
    #[inline(never)]
    fn handle(
        &mut self,
        (owner, kind, id): (RefOwner, HandleKind, u64),
        description: &Value,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if owner == RefOwner::Receiver && *description != Value::Undefined {
            return Err(EncodeError::new("a handle of an object of the receiver has a description"));
        }
        self.writer.handle(owner, kind, id);
        self.value(description, depth)
    }

    fn add_buffer(&mut self, buffer: Buffer) {
        if memory::push(&mut self.buffers, buffer).is_err() {
            self.writer.run_out();
        }
    }

    fn properties(&mut self, properties: &[(PropertyKey, Value)], depth: usize) -> Result<(), EncodeError> {
        for (key, value) in properties {
            match key {
                PropertyKey::Text(Text::Utf8(key)) => self.writer.key(key),
                PropertyKey::Text(text) => {
                    self.writer.other_key();
                    text.write(self.writer);
                }
                PropertyKey::Symbol(symbol) => {
                    self.writer.other_key();
                    symbol.write(self.writer);
                }
            }
            self.value(value, depth).map_err(|error| error.at(key.segment()))?;
        }
        Ok(())
    }
}

/// An error without a cause and properties.
#[inline(never)]
fn error(
    class: BorrowedText<'_>,
    message: BorrowedText<'_>,
    stack: BorrowedText<'_>,
) -> Result<Box<ErrorValue>, OutOfMemory> {
    memory::boxed(ErrorValue {
        class: Text::read(class)?,
        message: Text::read(message)?,
        stack: Text::read(stack)?,
        cause: None,
        properties: Vec::new(),
    })
}

fn is_primitive(value: &Value) -> bool {
    matches!(value, Value::Boolean(_) | Value::Number(_) | Value::BigInt(_) | Value::String(_) | Value::Symbol(_))
}

pub(super) fn check_view(
    buffers: &[Buffer],
    number: u32,
    kind: ViewKind,
    offset: u64,
    len: Option<u64>,
) -> Result<(), &'static str> {
    // They are in the order of their numbers.
    let Ok(found) = buffers.binary_search_by_key(&number, |buffer| buffer.0) else {
        return Err("a view is not of a buffer");
    };
    let (_, bytes, resizable) = buffers[found];
    let size = kind.element_size();
    let end = match len {
        Some(len) => len.checked_mul(size).and_then(|len| len.checked_add(offset)),
        None if resizable => Some(offset),
        None => return Err("a view follows the length of a buffer that has a fixed one"),
    };
    if !offset.is_multiple_of(size) || end.is_none_or(|end| end > bytes) {
        return Err("a view reaches beyond its buffer or is not aligned");
    }
    Ok(())
}

struct Decoder<'a, 'de> {
    reader: &'a mut Reader<'de>,
    buffers: Vec<Buffer>,
    /// The number of the value's first object.
    base: u32,
}

impl<'de> Decoder<'_, 'de> {
    fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::malformed("values are nested deeper than 256 levels"));
        }
        let inner = depth + 1;
        Ok(match self.reader.holding(Held::Any)? {
            Item::Array(len) => Value::Array(self.list(len, |decoder| decoder.element(inner))?),
            Item::Object(len) => Value::Object(self.properties(len, inner)?),
            Item::Map(len) => Value::Map(self.list(len, |decoder| Ok((decoder.value(inner)?, decoder.value(inner)?)))?),
            Item::Set(len) => Value::Set(self.list(len, |decoder| decoder.value(inner))?),
            Item::Error { class, message, stack, has_cause, properties } => {
                let mut error = error(class, message, stack)?;
                error.cause = if has_cause { Some(self.value(inner)?) } else { None };
                error.properties = self.properties(properties, inner)?;
                Value::Error(error)
            }
            Item::Boxed => {
                let value = self.value(inner)?;
                if !is_primitive(&value) {
                    return Err(DecodeError::malformed("a boxed value is not a primitive"));
                }
                Value::Boxed(memory::boxed(value)?)
            }
            Item::View { kind, offset, len } => {
                let next = self.reader.objects();
                let buffer = self.value(inner)?;
                let number = if let Value::Shared(number) = buffer { number + self.base } else { next };
                check_view(&self.buffers, number, kind, offset, len).map_err(DecodeError::malformed)?;
                Value::View { kind, buffer: memory::boxed(buffer)?, offset, len }
            }
            Item::Handle { owner, kind, id } => return self.handle((owner, kind, id), inner),
            item => return self.leaf(item),
        })
    }

    #[inline(never)]
    fn handle(&mut self, (owner, kind, id): (RefOwner, HandleKind, u64), depth: usize) -> Result<Value, DecodeError> {
        Ok(Value::Handle { owner, kind, id, description: memory::boxed(self.value(depth)?)? })
    }

    /// Reads a leaf value. A separate function, since the frame of [`value`](Self::value) is on the stack once for each level.
    #[inline(never)]
    fn leaf(&mut self, item: Item<'de>) -> Result<Value, DecodeError> {
        Ok(match item {
            Item::Undefined => Value::Undefined,
            Item::Null => Value::Null,
            Item::Boolean(value) => Value::Boolean(value),
            Item::Integer(number) => Value::Number(number as f64),
            Item::Float(number) => Value::Number(number),
            Item::BigInt { negative, magnitude } => Value::BigInt(BigInt::read(negative, magnitude)?),
            Item::Text(BorrowedText::Utf8(text)) => Value::String(Text::Utf8(self.reader.owned_text(text)?)),
            Item::Text(text) => Value::String(Text::read(text)?),
            Item::Symbol { registered, name } => Value::Symbol(Symbol::read(registered, name)?),
            Item::Date(milliseconds) => Value::Date(milliseconds),
            Item::RegExp { source, flags, last_index } => {
                Value::RegExp { source: Text::read(source)?, flags: memory::text(flags)?, last_index }
            }
            Item::Buffer { bytes, max } => {
                let bytes = self.reader.content(bytes);
                memory::push(&mut self.buffers, (self.reader.objects() - 1, bytes.len() as u64, max.is_some()))?;
                Value::Buffer { bytes: bytes.owned()?, max }
            }
            Item::Bytes(bytes) => {
                let bytes = self.reader.content(bytes);
                memory::push(&mut self.buffers, (self.reader.objects() - 1, bytes.len() as u64, false))?;
                Value::Bytes(bytes.owned()?)
            }
            Item::Blob { kind, bytes } => {
                Value::Blob { kind: memory::text(kind)?, bytes: self.reader.content(bytes).owned()? }
            }
            Item::File { kind, name, last_modified, bytes } => Value::File {
                kind: memory::text(kind)?,
                name: Text::read(name)?,
                last_modified,
                bytes: self.reader.content(bytes).owned()?,
            },
            Item::Image { width, height, color_space, pixels } => Value::Image {
                width,
                height,
                color_space: color_space.into(),
                pixels: self.reader.content(pixels).owned()?,
            },
            Item::Reference { owner, kind, id } => Value::Reference { owner, kind, id },
            Item::Posted { owner, number } => Value::Posted { owner, number },
            Item::Shared(number) => match number.checked_sub(self.base) {
                Some(number) => Value::Shared(number),
                None => {
                    let text = "an object of this value is also part of another one: take both as one `Value`";
                    return Err(DecodeError::mismatch(text));
                }
            },
            // All other items contain values.
            _ => return Err(DecodeError::malformed("a hole stands outside of an array")),
        })
    }

    fn element(&mut self, depth: usize) -> Result<Value, DecodeError> {
        if self.reader.hole() { Ok(Value::Hole) } else { self.value(depth) }
    }

    fn properties(&mut self, len: usize, depth: usize) -> Result<Vec<(PropertyKey, Value)>, DecodeError> {
        self.list(len, |decoder| Ok((PropertyKey::read(decoder.reader.key()?)?, decoder.value(depth)?)))
    }

    /// Memory grows with the items that have been read: a `Value` is larger than the byte that announces it.
    fn list<T>(
        &mut self,
        len: usize,
        mut next: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut list = Vec::new();
        list.try_reserve_exact(len.min(MOST_RESERVED)).map_err(OutOfMemory::from)?;
        for _ in 0..len {
            list.try_reserve(1).map_err(OutOfMemory::from)?;
            list.push(next(self)?);
        }
        Ok(list)
    }
}

const MOST_RESERVED: usize = 64;

/// UTF-16 code units of a key that an error shows.
const LONGEST: usize = 256;

macro_rules! from {
    ($($type:ty, $value:ident => $into:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $into
            }
        })*
    };
}

from! {
    bool, value => Self::Boolean(value);
    f64, value => Self::Number(value);
    i32, value => Self::Number(value.into());
    u32, value => Self::Number(value.into());
    BigInt, value => Self::BigInt(value);
    &str, value => Self::String(value.into());
    String, value => Self::String(Text::Utf8(value));
    Vec<Self>, value => Self::Array(value);
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Utf8(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Utf8(text)
    }
}

impl From<&str> for PropertyKey {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

/// Name of the newtype by which the serializer and deserializer of the value format recognize a `Value`. For other formats it is a newtype around the bytes
/// of its encoding.
pub(crate) const VALUE_TOKEN: &str = "$coincide::Value";

slots! {
    /// The writer of a serializer that serializes a `Value`, and the depth of that value.
    LENT: (Detached, usize);
    /// The same writer when the value has been written.
    WRITTEN: (Detached, Result<(), EncodeError>);
    /// The value for the visitor of a `Value`, which takes it when it visits a unit.
    READ: Value;
}

/// Lends a writer to the `Value` that `serialize` serializes. Returns whether it was written, if the value has seen the writer.
pub(super) fn lend<T>(
    writer: &mut Writer<'_>,
    depth: usize,
    serialize: impl FnOnce() -> T,
) -> (Option<Result<(), EncodeError>>, T) {
    if !slot::AVAILABLE {
        return (None, serialize());
    }
    slot::put(&LENT, (writer.detach(), depth));
    let serialized = serialize();
    if let Some((detached, result)) = slot::take(&WRITTEN) {
        writer.attach(detached);
        return (Some(result), serialized);
    }
    if let Some((detached, _)) = slot::take(&LENT) {
        writer.attach(detached);
    }
    (None, serialized)
}

/// Passes a value to the visitor of a `Value`.
pub(super) fn visit<'de, V: serde::de::Visitor<'de>>(value: Value, visitor: V) -> Result<V::Value, DecodeError> {
    if slot::AVAILABLE {
        return slot::offer(&READ, value, || visitor.visit_unit());
    }
    let mut bytes = Vec::new();
    value.encode(&mut bytes).map_err(|error| {
        if error.is_out_of_memory() { OutOfMemory.into() } else { DecodeError::mismatch(error.to_string()) }
    })?;
    // Decoded again from its bytes, once at a time.
    drop(value);
    visitor.visit_bytes(&bytes)
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Content<'a>(&'a Value);

        impl Serialize for Content<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if let Some((mut detached, depth)) = slot::take(&LENT) {
                    let result = detached.write(|writer| self.0.encode_with(writer, depth));
                    slot::put(&WRITTEN, (detached, result));
                    return serializer.serialize_unit();
                }
                serializer.serialize_bytes(&encoded(self.0)?)
            }
        }

        fn encoded<E: serde::ser::Error>(value: &Value) -> Result<Vec<u8>, E> {
            let mut bytes = Vec::new();
            value.encode(&mut bytes).map_err(E::custom)?;
            Ok(bytes)
        }

        if !slot::AVAILABLE {
            // Here, because this serializer keeps the text of errors.
            return serializer.serialize_newtype_struct(VALUE_TOKEN, serde_bytes::Bytes::new(&encoded(self)?));
        }
        serializer.serialize_newtype_struct(VALUE_TOKEN, &Content(self))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_newtype_struct<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                deserializer.deserialize_bytes(self)
            }

            /// The value is in the slot.
            fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
                slot::take(&READ).ok_or_else(|| E::invalid_type(serde::de::Unexpected::Unit, &self))
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
                Value::decode(bytes).map_err(E::custom)
            }

            /// Formats without byte strings represent them as numbers.
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = elements.next_element()? {
                    memory::push(&mut bytes, byte)
                        .map_err(|error| serde::de::Error::custom(DecodeError::from(error)))?;
                }
                self.visit_bytes(&bytes)
            }
        }

        deserializer.deserialize_newtype_struct(VALUE_TOKEN, Visitor)
    }
}
