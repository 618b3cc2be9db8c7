//! The typed format: a schema hash, then plain postcard.

use crate::{DecodeError, EncodeError};
use alloc::string::ToString;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Appends the schema hash `schema` and then `value` to `buffer`.
///
/// Strings and `serde_bytes` move by memcpy. A `Vec<u8>` of serde's own goes byte by byte: use [`ByteBuf`](crate::ByteBuf).
///
/// # Errors
/// When the value can't be serialized; the buffer is as before then.
pub fn to_buf<T: Serialize + ?Sized>(value: &T, schema: u64, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = buffer.len();
    buffer.extend_from_slice(&schema.to_le_bytes());
    let result = postcard::serialize_with_flavor(value, Append(buffer));
    result.map_err(|error| {
        buffer.truncate(before);
        EncodeError::new(error.to_string())
    })
}

/// Reads a value that follows the schema hash `schema` and fills `bytes`.
///
/// # Errors
/// When the hash is another one, or the bytes are no `T`.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8], schema: u64) -> Result<T, DecodeError> {
    let Some((found, rest)) = bytes.split_first_chunk() else {
        return Err(DecodeError::malformed("a typed payload is shorter than its schema hash"));
    };
    let found = u64::from_le_bytes(*found);
    if found != schema {
        return Err(DecodeError::schema(schema, found));
    }
    match postcard::take_from_bytes(rest) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(DecodeError::malformed("bytes are left after the value")),
        Err(error) => Err(DecodeError::mismatch(error.to_string())),
    }
}

/// Appends to a buffer, slices as slices.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
