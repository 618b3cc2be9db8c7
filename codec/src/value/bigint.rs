//! Integers of any size, as JavaScript's `bigint`.

use crate::memory::{self, OutOfMemory};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// An integer of any size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BigInt {
    negative: bool,
    /// Little-endian, without leading zeros; empty for zero, which is not negative.
    magnitude: Vec<u8>,
}

impl BigInt {
    /// Creates an integer from a sign and a little-endian magnitude. Leading zeros are ignored.
    pub fn new(negative: bool, magnitude: &[u8]) -> Self {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Self { negative: negative && len > 0, magnitude: magnitude[..len].to_vec() }
    }

    /// Creates an integer from a magnitude without leading zeros, whose length the peer has chosen. Fallible.
    pub(super) fn read(negative: bool, magnitude: &[u8]) -> Result<Self, OutOfMemory> {
        Ok(Self { negative, magnitude: memory::copied(magnitude)? })
    }

    /// Whether the integer is negative.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The magnitude, little-endian, without leading zeros.
    pub fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }

    /// The number as an `i128`, if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        let magnitude = self.to_u128_magnitude()?;
        if self.negative { 0_i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() }
    }

    /// The number as a `u128`, if it fits.
    pub fn to_u128(&self) -> Option<u128> {
        if self.negative { None } else { self.to_u128_magnitude() }
    }

    fn to_u128_magnitude(&self) -> Option<u128> {
        let mut bytes = [0; 16];
        bytes.get_mut(..self.magnitude.len())?.copy_from_slice(&self.magnitude);
        Some(u128::from_le_bytes(bytes))
    }
}

impl From<i128> for BigInt {
    fn from(value: i128) -> Self {
        Self::new(value < 0, &value.unsigned_abs().to_le_bytes())
    }
}

impl From<u128> for BigInt {
    fn from(value: u128) -> Self {
        Self::new(false, &value.to_le_bytes())
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.magnitude.clone();
        let mut digits = Vec::new();
        while !rest.is_empty() {
            // Long division by a billion, from the highest byte on.
            let mut remainder = 0_u64;
            for byte in rest.iter_mut().rev() {
                remainder = remainder << 8 | u64::from(*byte);
                *byte = (remainder / 1_000_000_000) as u8;
                remainder %= 1_000_000_000;
            }
            while rest.last() == Some(&0) {
                rest.pop();
            }
            digits.push(remainder);
        }
        let mut text = String::new();
        for (index, group) in digits.iter().rev().enumerate() {
            text += &if index == 0 { alloc::format!("{group}") } else { alloc::format!("{group:09}") };
        }
        f.pad_integral(!self.negative, "", if text.is_empty() { "0" } else { &text })
    }
}

/// Error for a text that is not an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an optional minus sign and decimal digits")]
pub struct ParseBigIntError;

impl FromStr for BigInt {
    type Err = ParseBigIntError;

    fn from_str(text: &str) -> Result<Self, ParseBigIntError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseBigIntError);
        }
        let mut magnitude: Vec<u8> = Vec::new();
        for digit in digits.bytes() {
            let mut carry = u16::from(digit - b'0');
            for byte in &mut magnitude {
                carry += u16::from(*byte) * 10;
                *byte = carry as u8;
                carry >>= 8;
            }
            if carry > 0 {
                magnitude.push(carry as u8);
            }
        }
        Ok(Self::new(negative, &magnitude))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn decimal_text_round_trips() {
        for text in
            ["0", "7", "-1", "1000000000", "-18446744073709551616", "123456789012345678901234567890123456789012"]
        {
            assert_eq!(text.parse::<BigInt>().unwrap().to_string(), text);
        }
        assert_eq!("-0".parse::<BigInt>(), Ok(BigInt::default()));
        assert_eq!("".parse::<BigInt>(), Err(ParseBigIntError));
    }

    #[test]
    fn conversions_fail_when_it_does_not_fit() {
        assert_eq!(BigInt::from(i128::MIN).to_i128(), Some(i128::MIN));
        assert_eq!(BigInt::from(u128::MAX).to_i128(), None);
        assert_eq!(BigInt::from(-1_i128).to_u128(), None);
        assert_eq!(BigInt::new(false, &[1; 17]).to_u128(), None);
    }
}
