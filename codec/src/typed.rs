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
use crate::value::MAX_DEPTH;
use crate::{DecodeError, EncodeError};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Appends the schema hash `schema` and then `value` to `buffer`.
///
/// Strings and `serde_bytes` move by memcpy. A `Vec<u8>` of serde's own goes byte by byte: use [`ByteBuf`](crate::ByteBuf).
///
/// # Errors
/// When the value can't be serialized or is beyond the limits; the buffer is as before then.
pub fn to_buf<T: Serialize + ?Sized>(value: &T, schema: u64, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = buffer.len();
    buffer.try_reserve(size_of::<u64>()).map_err(OutOfMemory::from)?;
    buffer.extend_from_slice(&schema.to_le_bytes());
    let result = ser::value(value, buffer);
    if result.is_err() {
        buffer.truncate(before);
    }
    result
}

/// Reads a value that follows the schema hash `schema` and fills `bytes`.
///
/// # Errors
/// When the hash is another one, or the bytes are no `T` within the limits.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8], schema: u64) -> Result<T, DecodeError> {
    let Some((found, rest)) = bytes.split_first_chunk() else {
        return Err(DecodeError::malformed("a typed payload is shorter than its schema hash"));
    };
    let found = u64::from_le_bytes(*found);
    if found != schema {
        return Err(DecodeError::schema(schema, found));
    }
    match de::value(rest)? {
        (value, []) => Ok(value),
        _ => Err(DecodeError::malformed("bytes are left after the value")),
    }
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
