//! Serializer for the value format, without an intermediate tree.

use super::handle::{HANDLE_TOKEN, Parts};
use super::model::{self, VALUE_TOKEN};
use super::reference::{Numbers, REFERENCE_TOKEN};
use super::wire::tag;
use super::writer::{MAX_SAFE, Writer};
use super::{HandleKind, MAX_DEPTH, RefKind, RefOwner, Value};
use crate::memory::{self, OutOfMemory};
use crate::shared::{Marks, SHARED_TOKEN, Segments};
use crate::typed::{Append, unwritable};
use crate::{EncodeError, PathSegment};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::ser::{self, Serialize};

/// Appends `value` to `buffer`.
///
/// # Errors
/// When the value cannot be sent, with the path to the value at fault. The buffer is then unchanged.
pub fn to_buf<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    append(value, buffer, Marks::NONE)
}

/// Appends to `buffer` as [`to_buf`] does, except for the content of large [`SharedBytes`](crate::SharedBytes), which goes to `segments`
/// without being copied. Other large strings and byte strings are marked there, and so are those of a [`Value`].
///
/// # Errors
/// As [`to_buf`]. The segments are then unchanged as well.
#[allow(clippy::box_collection, reason = "it is the form that payloads have")]
pub fn to_payload<T: Serialize + ?Sized>(
    value: &T,
    buffer: &mut Vec<u8>,
    segments: &mut Option<Box<Segments>>,
) -> Result<(), EncodeError> {
    append(value, buffer, Marks::new(segments))
}

fn append<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>, mut marks: Marks<'_>) -> Result<(), EncodeError> {
    let before = buffer.len();
    let mut writer = Writer::marking(buffer, marks.reborrow());
    let result = value.serialize(Serializer { writer: &mut writer, depth: 0 }).and_then(|()| writer.finish());
    if result.is_err() {
        buffer.truncate(before);
        marks.truncate(before);
    }
    result
}

/// Appends the arguments of a call, a tuple, as an array; `()` is the empty one.
///
/// # Errors
/// As [`to_buf`]. Paths begin with `args`.
pub fn args_to_buf<T: Serialize + ?Sized>(args: &T, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    append_args(args, buffer, Marks::NONE)
}

/// Appends the arguments of a call to `buffer` as [`args_to_buf`] does, and their large contents to `segments` as [`to_payload`] does.
///
/// # Errors
/// As [`to_payload`]. Paths begin with `args`.
#[allow(clippy::box_collection, reason = "it is the form that payloads have")]
pub fn args_to_payload<T: Serialize + ?Sized>(
    args: &T,
    buffer: &mut Vec<u8>,
    segments: &mut Option<Box<Segments>>,
) -> Result<(), EncodeError> {
    append_args(args, buffer, Marks::new(segments))
}

fn append_args<T: Serialize + ?Sized>(args: &T, buffer: &mut Vec<u8>, marks: Marks<'_>) -> Result<(), EncodeError> {
    let before = buffer.len();
    append(args, buffer, marks).map_err(|error| error.at(PathSegment::Root("args")))?;
    if buffer[before..] == [tag::UNDEFINED] {
        buffer[before] = tag::ARRAY;
    }
    Ok(())
}

/// Returns the bytes of `value`.
///
/// # Errors
/// As [`to_buf`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = Vec::new();
    to_buf(value, &mut buffer)?;
    Ok(buffer)
}

/// Writes one value.
struct Serializer<'w, 'b> {
    writer: &'w mut Writer<'b>,
    depth: usize,
}

impl<'w, 'b> Serializer<'w, 'b> {
    fn wide(self, negative: bool, magnitude: u128) {
        if magnitude <= u128::from(MAX_SAFE) {
            let number = magnitude as i64;
            self.writer.integer(if negative { -number } else { number });
        } else {
            self.writer.bigint(negative, &magnitude.to_le_bytes());
        }
    }

    /// Serializer for a value at this depth, unless that is too deep. Empty containers are allowed one level deeper.
    fn nested(writer: &'w mut Writer<'b>, depth: usize) -> Result<Self, EncodeError> {
        if depth <= MAX_DEPTH {
            Ok(Self { writer, depth })
        } else {
            Err(EncodeError::new("values are nested too deep: 256 levels at most can be sent"))
        }
    }

    fn items(
        self,
        len: Option<usize>,
        start: impl FnOnce(&mut Writer<'b>, usize),
    ) -> Result<Items<'w, 'b>, EncodeError> {
        let Self { writer, depth } = self;
        match len {
            Some(len) => start(writer, len),
            None => writer.count_object(),
        }
        let begin = writer.position();
        Ok(Items { writer, depth: depth + 1, announced: len, begin, count: 0, key: Pending::None })
    }

    /// Writes a [`Reference`](super::Reference), which is passed as its numbers.
    fn reference<T: Serialize + ?Sized>(self, numbers: &T) -> Result<(), EncodeError> {
        let mut bytes = [0; MOST_NUMBERS];
        let bytes = postcard::to_slice(numbers, &mut bytes).map_err(|error| EncodeError::new(error.to_string()))?;
        let (owner, kind, id): Numbers =
            postcard::from_bytes(bytes).map_err(|error| EncodeError::new(error.to_string()))?;
        let (Some(owner), Some(kind)) = (RefOwner::from_wire(owner), RefKind::from_wire(kind)) else {
            return Err(EncodeError::new("a reference is of an unknown kind"));
        };
        self.writer.reference(owner, kind, id);
        Ok(())
    }

    /// Writes a [`Handle`](super::Handle), which is passed as its parts.
    fn handle<T: Serialize + ?Sized>(self, parts: &T) -> Result<(), EncodeError> {
        let mut framed = Vec::new();
        parts.serialize(&mut postcard::Serializer { output: Append(&mut framed) }).map_err(unwritable)?;
        let (owner, kind, id, description): Parts<Value> =
            postcard::from_bytes(&framed).map_err(|error| EncodeError::new(error.to_string()))?;
        let (Some(owner), Some(kind)) = (RefOwner::from_wire(owner), HandleKind::from_wire(kind)) else {
            return Err(EncodeError::new("a handle is of an unknown kind"));
        };
        Value::Handle { owner, kind, id, description: memory::boxed(description)? }.encode_with(self.writer, self.depth)
    }

    /// Begins the object around the content of an enum's variant.
    fn variant(self, variant: &'static str) -> Result<Self, EncodeError> {
        self.writer.object(1);
        self.writer.key(variant);
        Self::nested(self.writer, self.depth + 1)
    }
}

impl<'w, 'b> ser::Serializer for Serializer<'w, 'b> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'w, 'b>;
    type SerializeTuple = Items<'w, 'b>;
    type SerializeTupleStruct = Items<'w, 'b>;
    type SerializeTupleVariant = Items<'w, 'b>;
    type SerializeMap = Items<'w, 'b>;
    type SerializeStruct = Items<'w, 'b>;
    type SerializeStructVariant = Items<'w, 'b>;

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.writer.boolean(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.wide(value < 0, value.unsigned_abs().into());
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        self.wide(value < 0, value.unsigned_abs());
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        self.wide(false, value.into());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        self.wide(false, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.writer.number(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.writer.str(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.writer.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.writer.null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.writer.undefined();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if name == REFERENCE_TOKEN {
            return self.reference(value);
        }
        if name == HANDLE_TOKEN {
            return self.handle(value);
        }
        if name == SHARED_TOKEN && self.writer.shared_bytes() {
            return Ok(());
        }
        if name != VALUE_TOKEN {
            return value.serialize(self);
        }
        let mut framed = Vec::new();
        let (writer, depth) = (self.writer, self.depth);
        let (written, serialized) =
            model::lend(writer, depth, || value.serialize(&mut postcard::Serializer { output: Append(&mut framed) }));
        if let Some(result) = written {
            return result;
        }
        // The value did not use the writer: the bytes are a separate encoding, in which objects have other numbers.
        serialized.map_err(unwritable)?;
        let bytes: &serde_bytes::Bytes =
            postcard::from_bytes(&framed).map_err(|error| EncodeError::new(error.to_string()))?;
        let value = Value::decode(bytes).map_err(|error| {
            if error.is_out_of_memory() { OutOfMemory.into() } else { EncodeError::new(error.to_string()) }
        })?;
        value.encode_with(writer, depth)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self.variant(variant)?).map_err(|error| error.at(PathSegment::Key(variant.into())))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'w, 'b>, EncodeError> {
        self.items(len, Writer::array)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'w, 'b>, EncodeError> {
        self.items(Some(len), Writer::array)
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Items<'w, 'b>, EncodeError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'w, 'b>, EncodeError> {
        self.variant(variant)?.serialize_tuple(len)
    }

    /// The first key decides between a plain object and a `Map`.
    fn serialize_map(self, len: Option<usize>) -> Result<Items<'w, 'b>, EncodeError> {
        let mut items = self.items(None, Writer::object)?;
        items.announced = None;
        items.key = Pending::Map(len);
        Ok(items)
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Items<'w, 'b>, EncodeError> {
        self.items(Some(len), Writer::object)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'w, 'b>, EncodeError> {
        self.variant(variant)?.serialize_struct(variant, len)
    }
}

/// Bytes of the numbers of a reference, at most: one, one, and a varint of 64 bits.
const MOST_NUMBERS: usize = 12;

/// The items of an array, or the properties of an object.
pub(super) struct Items<'w, 'b> {
    writer: &'w mut Writer<'b>,
    depth: usize,
    /// The count in the header, if it has been written.
    announced: Option<usize>,
    /// Position at which the items begin, or will begin once the header is inserted.
    begin: usize,
    count: usize,
    key: Pending,
}

/// State of a map being written.
enum Pending {
    None,
    /// No key has been written; the length may be known.
    Map(Option<usize>),
    /// A plain object, with its last key.
    Object(String),
    /// A `Map`.
    Entries,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let index = self.count;
        self.count += 1;
        Serializer::nested(self.writer, self.depth)
            .and_then(|serializer| value.serialize(serializer))
            .map_err(|error| error.at(PathSegment::Index(index)))
    }

    fn property<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.count += 1;
        self.writer.key(key);
        Serializer::nested(self.writer, self.depth)
            .and_then(|serializer| value.serialize(serializer))
            .map_err(|error| error.at(PathSegment::key(key)))
    }

    fn finish(self) -> Result<(), EncodeError> {
        let Self { writer, announced, begin, count, key, .. } = self;
        match announced {
            Some(announced) if announced == count => {}
            Some(_) => return Err(EncodeError::new("a type announced a wrong number of items")),
            None => match key {
                Pending::Entries => writer.insert_header(begin, |header| header.map(count)),
                Pending::None => writer.insert_header(begin, |header| header.array(count)),
                _ => writer.insert_header(begin, |header| header.object(count)),
            },
        }
        Ok(())
    }
}

impl ser::SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeTuple for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeStruct for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.property(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.property(key, value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

impl ser::SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let index = self.count;
        self.count += 1;
        let text = match key.serialize(TextOf) {
            Ok(text) => text,
            Err(error) if error.is_out_of_memory() => return Err(error.at(PathSegment::Index(index))),
            // A compound key fails there: it is not a string either.
            Err(_) => None,
        };
        if let Pending::Map(len) = self.key {
            let objectlike = text.is_some();
            if let Some(len) = len {
                // The length is known, so the header can be written at once.
                self.announced = Some(len);
                let begin = self.begin;
                self.writer
                    .insert_header(begin, |header| if objectlike { header.object(len) } else { header.map(len) });
            }
            self.key = if objectlike { Pending::Object(String::new()) } else { Pending::Entries };
        }
        match (&mut self.key, text) {
            (Pending::Object(last), Some(text)) => {
                self.writer.key(&text);
                *last = text;
                Ok(())
            }
            (Pending::Object(_), None) => {
                Err(EncodeError::new("a map mixes strings and other keys").at(PathSegment::Index(index)))
            }
            (_, _) => Serializer::nested(self.writer, self.depth)
                .and_then(|serializer| key.serialize(serializer))
                .map_err(|error| error.at(PathSegment::Index(index))),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let result = Serializer::nested(self.writer, self.depth).and_then(|serializer| value.serialize(serializer));
        result.map_err(|error| {
            error.at(match &self.key {
                Pending::Object(key) => PathSegment::key(key),
                _ => PathSegment::Index(self.count - 1),
            })
        })
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}

/// Returns the text of a key that is a string, and `None` for other keys.
struct TextOf;

macro_rules! no_text {
    ($($method:ident($($argument:ty),*);)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<Option<String>, EncodeError> { Ok(None) })*
    };
}

impl ser::Serializer for TextOf {
    type Ok = Option<String>;
    type Error = EncodeError;
    type SerializeSeq = ser::Impossible<Option<String>, EncodeError>;
    type SerializeTuple = ser::Impossible<Option<String>, EncodeError>;
    type SerializeTupleStruct = ser::Impossible<Option<String>, EncodeError>;
    type SerializeTupleVariant = ser::Impossible<Option<String>, EncodeError>;
    type SerializeMap = ser::Impossible<Option<String>, EncodeError>;
    type SerializeStruct = ser::Impossible<Option<String>, EncodeError>;
    type SerializeStructVariant = ser::Impossible<Option<String>, EncodeError>;

    no_text! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }

    fn serialize_char(self, value: char) -> Result<Option<String>, EncodeError> {
        Ok(Some(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Option<String>, EncodeError> {
        Ok(Some(memory::text(value)?))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Option<String>, EncodeError> {
        Ok(Some(variant.to_string()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Option<String>, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Option<String>, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Option<String>, EncodeError> {
        Ok(None)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, EncodeError> {
        Err(no_key())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, EncodeError> {
        Err(no_key())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, EncodeError> {
        Err(no_key())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(no_key())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, EncodeError> {
        Err(no_key())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Self::SerializeStruct, EncodeError> {
        Err(no_key())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        Err(no_key())
    }
}

fn no_key() -> EncodeError {
    EncodeError::new("a compound key is not a string")
}
