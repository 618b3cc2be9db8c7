//! Serializer for the typed format. Postcard writes leaf values; containers are handled here, within the limits of
//! readers.

use super::{Empties, MAX_DEPTH};
use crate::EncodeError;
use crate::memory::{self, OutOfMemory};
use crate::shared::{Marks, SHARED_TOKEN};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use serde::ser::{self, Serialize, Serializer as _};

/// Appends `value` to `buffer`, and marks its segments. Both may contain a part of it if that fails.
pub(super) fn value<T: Serialize + ?Sized>(
    value: &T,
    buffer: &mut Vec<u8>,
    marks: Marks<'_>,
) -> Result<(), EncodeError> {
    let postcard = postcard::Serializer { output: Append(buffer) };
    let mut output = Output { postcard, empties: Empties::new(), marks };
    value.serialize(Serializer { output: &mut output, levels: MAX_DEPTH }).map_err(|error| *error.0)
}

struct Output<'b> {
    postcard: postcard::Serializer<Append<'b>>,
    empties: Empties,
    marks: Marks<'b>,
}

impl Output<'_> {
    #[inline]
    fn position(&self) -> usize {
        self.postcard.output.0.len()
    }

    /// The content of `len` bytes that has just been written becomes a segment if it is large.
    #[inline]
    fn mark(&mut self, len: usize) {
        self.marks.mark(len, self.postcard.output.0.len());
    }

    /// Writes shared bytes without a copy. Returns `false` if they must be copied.
    #[cold]
    fn share(&mut self) -> Result<bool, Error> {
        let Some(bytes) = self.marks.offered() else {
            return Ok(false);
        };
        self.postcard.serialize_u64(bytes.len() as u64).map_err(failed)?;
        self.marks.insert(self.postcard.output.0.len(), bytes);
        Ok(true)
    }
}

/// Writes one value.
struct Serializer<'o, 'b> {
    output: &'o mut Output<'b>,
    /// Remaining levels of nesting.
    levels: usize,
}

impl<'o, 'b> Serializer<'o, 'b> {
    /// Serializer for the contents of the current value.
    #[inline]
    fn inner(self) -> Result<Self, Error> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(too_deep()),
        }
    }

    /// Elements whose number the type determines.
    #[inline]
    fn fields(self) -> Result<Items<'o, 'b>, Error> {
        let Self { output, levels } = self.inner()?;
        Ok(Items { output, levels, announced: 0, begin: 0 })
    }

    /// The number of a variant.
    #[inline]
    fn variant(self, index: u32) -> Result<Self, Error> {
        self.output.postcard.serialize_u32(index).map_err(failed)?;
        Ok(self)
    }
}

macro_rules! plain {
    ($($method:ident $type:ty)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            self.output.postcard.$method(value).map_err(failed)
        }
    )*};
}

impl<'o, 'b> ser::Serializer for Serializer<'o, 'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'o, 'b>;
    type SerializeTuple = Items<'o, 'b>;
    type SerializeTupleStruct = Items<'o, 'b>;
    type SerializeTupleVariant = Items<'o, 'b>;
    type SerializeMap = Items<'o, 'b>;
    type SerializeStruct = Items<'o, 'b>;
    type SerializeStructVariant = Items<'o, 'b>;

    plain! {
        serialize_bool bool
        serialize_i8 i8
        serialize_i16 i16
        serialize_i32 i32
        serialize_i64 i64
        serialize_i128 i128
        serialize_u8 u8
        serialize_u16 u16
        serialize_u32 u32
        serialize_u64 u64
        serialize_u128 u128
        serialize_f32 f32
        serialize_f64 f64
        serialize_char char
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.output.postcard.serialize_str(value).map_err(failed)?;
        self.output.mark(value.len());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.output.postcard.serialize_bytes(value).map_err(failed)?;
        self.output.mark(value.len());
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.output.postcard.serialize_none().map_err(failed)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.output.postcard.serialize_some(&()).map_err(failed)?;
        value.serialize(self.inner()?)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.variant(index).map(drop)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        if name == SHARED_TOKEN && self.output.share()? {
            return Ok(());
        }
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self.variant(index)?.inner()?)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'o, 'b>, Error> {
        let Self { output, levels } = self.inner()?;
        output.postcard.serialize_seq(len).map_err(failed)?;
        let begin = output.position();
        Ok(Items { output, levels, announced: len.unwrap_or(0), begin })
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Items<'o, 'b>, Error> {
        self.fields()
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'o, 'b>, Error> {
        self.fields()
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Items<'o, 'b>, Error> {
        self.variant(index)?.fields()
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Items<'o, 'b>, Error> {
        self.serialize_seq(len)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'o, 'b>, Error> {
        self.fields()
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Items<'o, 'b>, Error> {
        self.variant(index)?.fields()
    }

    #[inline]
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.output.postcard.collect_str(value).map_err(failed)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The contents of a value.
struct Items<'o, 'b> {
    output: &'o mut Output<'b>,
    /// Remaining levels of nesting.
    levels: usize,
    /// Number of elements or entries announced in the bytes. 0 if the type determines it.
    announced: usize,
    /// Start of the first element.
    begin: usize,
}

impl Items<'_, '_> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Serializer { output: self.output, levels: self.levels })
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        let bytes = self.output.position() - self.begin;
        if self.output.empties.take(self.announced, bytes) { Ok(()) } else { Err(too_many()) }
    }
}

macro_rules! items {
    ($($trait:ident $($method:ident)*;)*) => {$(
        impl ser::$trait for Items<'_, '_> {
            type Ok = ();
            type Error = Error;

            $(
                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    self.item(value)
                }
            )*

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.end()
            }
        }
    )*};
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Items<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.end()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeMap serialize_key serialize_value;
}

fields! { SerializeStruct SerializeStructVariant }

/// Appends to a buffer, slices as slices. It is full when there is no memory.
pub(crate) struct Append<'b>(pub(crate) &'b mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        memory::push(self.0, byte).map_err(|_| postcard::Error::SerializeBufferFull)
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.try_reserve(bytes.len()).map_err(|_| postcard::Error::SerializeBufferFull)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Why [`Append`] or a type failed.
#[cold]
pub(crate) fn unwritable(error: postcard::Error) -> EncodeError {
    match error {
        postcard::Error::SerializeBufferFull => OutOfMemory.into(),
        error => EncodeError::new(error.to_string()),
    }
}

#[cold]
fn failed(error: postcard::Error) -> Error {
    Error(Box::new(unwritable(error)))
}

#[cold]
fn too_deep() -> Error {
    Error(Box::new(EncodeError::new("values are nested too deep: 256 levels at most can be sent")))
}

#[cold]
fn too_many() -> Error {
    Error(Box::new(EncodeError::new("too many elements take no bytes: 65536 at most can be sent")))
}

/// A pointer, because results pass through every level.
#[derive(Debug)]
struct Error(Box<EncodeError>);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Error {}

impl ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(ser::Error::custom(message)))
    }
}
