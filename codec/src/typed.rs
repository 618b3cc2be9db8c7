//! The typed format: a schema hash, then plain postcard.
//!
//! Both directions have limits, so that bytes from a stranger neither overflow the stack nor keep their reader busy without end:
//!
//! - Values are nested 256 levels deep at most. A level is an optional that is there, a sequence, a map, a tuple, a struct with
//!   fields, or a variant with content; a struct around a single value is none. A [`Value`](crate::Value) within counts its own.
//! - Of the elements of sequences and maps, 65,536 at most take no bytes, in all of a payload: those of a `Vec<()>`.

mod de;
mod ser;

pub(crate) use ser::{Append, unwritable};

use crate::memory::OutOfMemory;
use crate::shared::{Marks, Segment, Segments};
use crate::value::MAX_DEPTH;
use crate::{DecodeError, EncodeError};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Appends the schema hash `schema` and then `value` to `buffer`.
///
/// Strings and `serde_bytes` move by memcpy. A `Vec<u8>` of serde's own goes byte by byte: use [`ByteBuf`](crate::ByteBuf).
///
/// # Errors
/// When the value can't be serialized or is beyond the limits; the buffer is as before then.
pub fn to_buf<T: Serialize + ?Sized>(value: &T, schema: u64, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    append(value, schema, buffer, Marks::NONE)
}

/// Appends to `buffer` as [`to_buf`] does, except for the content of large [`SharedBytes`](crate::SharedBytes), which goes to `segments`
/// without being copied. Other large strings and byte strings are marked there.
///
/// # Errors
/// As [`to_buf`]; the segments are as before then, too.
#[allow(clippy::box_collection, reason = "it is the form that payloads have")]
pub fn to_payload<T: Serialize + ?Sized>(
    value: &T,
    schema: u64,
    buffer: &mut Vec<u8>,
    segments: &mut Option<Box<Segments>>,
) -> Result<(), EncodeError> {
    append(value, schema, buffer, Marks::new(segments))
}

fn append<T: Serialize + ?Sized>(
    value: &T,
    schema: u64,
    buffer: &mut Vec<u8>,
    mut marks: Marks<'_>,
) -> Result<(), EncodeError> {
    let before = buffer.len();
    buffer.try_reserve(size_of::<u64>()).map_err(OutOfMemory::from)?;
    buffer.extend_from_slice(&schema.to_le_bytes());
    let result = ser::value(value, buffer, marks.reborrow());
    if result.is_err() {
        buffer.truncate(before);
        marks.truncate(before);
    }
    result
}

/// Reads a value that follows the schema hash `schema` and fills `bytes`.
///
/// # Errors
/// When the hash is another one, or the bytes are no `T` within the limits.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8], schema: u64) -> Result<T, DecodeError> {
    de::value(checked(bytes, schema)?, size_of::<u64>(), &mut [])
}

/// Reads a value of `bytes` and the segments between them, each of which is the content of a string or a byte string. An owned string or byte
/// string, or a [`SharedBytes`](crate::SharedBytes), takes its segment; another one is borrowed.
///
/// # Errors
/// As [`from_slice`], and when a segment is anything else.
pub fn from_payload<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    segments: &'de mut [Segment],
    schema: u64,
) -> Result<T, DecodeError> {
    de::value(checked(bytes, schema)?, size_of::<u64>(), segments)
}

/// What follows the schema hash, if that is the right one.
fn checked(bytes: &[u8], schema: u64) -> Result<&[u8], DecodeError> {
    let Some((found, rest)) = bytes.split_first_chunk() else {
        return Err(DecodeError::malformed("a typed payload is shorter than its schema hash"));
    };
    let found = u64::from_le_bytes(*found);
    if found == schema { Ok(rest) } else { Err(DecodeError::schema(schema, found)) }
}

/// How many elements without bytes a payload may still have: nothing else bounds the work that a length announces.
struct Empties(usize);

impl Empties {
    fn new() -> Self {
        Self(MAX_EMPTIES)
    }

    /// Whether there may be so many elements in so many bytes.
    fn allow(&self, elements: usize, bytes: usize) -> bool {
        elements.saturating_sub(bytes) <= self.0
    }

    /// Counts the elements that are more than their bytes. False if those are too many.
    #[must_use]
    fn take(&mut self, elements: usize, bytes: usize) -> bool {
        match self.0.checked_sub(elements.saturating_sub(bytes)) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

/// The most elements without bytes in a payload.
const MAX_EMPTIES: usize = 1 << 16;
