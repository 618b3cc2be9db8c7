//! The typed format: a schema hash, then plain postcard.
//!
//! Both directions enforce limits, so that hostile bytes neither overflow the stack nor cause unbounded work:
//!
//! - Values are nested at most 256 levels deep. A level is an optional with a value, a sequence, a map, a tuple, a struct with
//!   fields, or a variant with content. A newtype is not a level. A nested [`Value`](crate::Value) counts its own levels.
//! - At most 65,536 elements of sequences and maps in a payload take no bytes, such as those of a `Vec<()>`.

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
/// Strings and `serde_bytes` are copied as a whole. Serde processes a plain `Vec<u8>` byte by byte: use [`ByteBuf`](crate::ByteBuf).
///
/// # Errors
/// When the value cannot be serialized or exceeds a limit. The buffer is then unchanged.
pub fn to_buf<T: Serialize + ?Sized>(value: &T, schema: u64, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    append(value, schema, buffer, Marks::NONE)
}

/// Appends to `buffer` as [`to_buf`] does, except for the content of large [`SharedBytes`](crate::SharedBytes), which goes to `segments`
/// without being copied. Other large strings and byte strings are marked there.
///
/// # Errors
/// As [`to_buf`]. The segments are then unchanged as well.
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
/// When the hash differs, or the bytes are not a `T` within the limits.
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

/// The bytes after the schema hash, if the hash matches.
fn checked(bytes: &[u8], schema: u64) -> Result<&[u8], DecodeError> {
    let Some((found, rest)) = bytes.split_first_chunk() else {
        return Err(DecodeError::malformed("a typed payload is shorter than its schema hash"));
    };
    let found = u64::from_le_bytes(*found);
    if found == schema { Ok(rest) } else { Err(DecodeError::schema(schema, found)) }
}

/// Remaining number of elements without bytes: the only bound on the work that an announced length causes.
struct Empties(usize);

impl Empties {
    fn new() -> Self {
        Self(MAX_EMPTIES)
    }

    /// Whether this number of elements is allowed in this number of bytes.
    fn allow(&self, elements: usize, bytes: usize) -> bool {
        elements.saturating_sub(bytes) <= self.0
    }

    /// Counts the elements in excess of their bytes. Returns false if there are too many.
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

/// Maximum number of elements without bytes in a payload.
const MAX_EMPTIES: usize = 1 << 16;
