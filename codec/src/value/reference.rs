//! References, for types that serde serializes.

use super::{RefKind, RefOwner};
use core::fmt;
use serde::de::{self, SeqAccess};
use serde::{Deserialize, Serialize};

/// A reference to an object that stays at its end, as part of a type that serde serializes. Formats other than the value format represent it as a
/// list of three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Owner of the object.
    pub owner: RefOwner,
    /// Kind of the object.
    pub kind: RefKind,
    /// Its id.
    pub id: u64,
}

/// Name of the newtype by which the serializer and deserializer of the value format recognize a `Reference`.
pub(super) const REFERENCE_TOKEN: &str = "$coincide::Reference";

/// A reference as numbers, as the deserializer passes it.
pub(super) type Numbers = (u8, u8, u64);

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers: Numbers = (self.owner as u8, self.kind as u8, self.id);
        serializer.serialize_newtype_struct(REFERENCE_TOKEN, &numbers)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Reference;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference")
            }

            fn visit_newtype_struct<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Reference, D::Error> {
                deserializer.deserialize_tuple(3, self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Reference, A::Error> {
                let missing = |index| de::Error::invalid_length(index, &"three numbers");
                let owner = numbers.next_element()?.ok_or_else(|| missing(0))?;
                let kind = numbers.next_element()?.ok_or_else(|| missing(1))?;
                let id = numbers.next_element()?.ok_or_else(|| missing(2))?;
                let (Some(owner), Some(kind)) = (RefOwner::from_wire(owner), RefKind::from_wire(kind)) else {
                    return Err(de::Error::custom("a reference is of an unknown kind"));
                };
                Ok(Reference { owner, kind, id })
            }
        }

        deserializer.deserialize_newtype_struct(REFERENCE_TOKEN, Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;
    use crate::value::{Reader, from_slice, to_vec};
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    const REFERENCES: [Reference; 3] = [
        Reference { owner: RefOwner::Sender, kind: RefKind::Object, id: 0 },
        Reference { owner: RefOwner::Receiver, kind: RefKind::Function, id: 300 },
        Reference { owner: RefOwner::Sender, kind: RefKind::Array, id: u64::MAX },
    ];

    #[test]
    fn is_the_item_of_the_format() {
        for reference in REFERENCES {
            let Reference { owner, kind, id } = reference;
            let bytes = to_vec(&reference).unwrap();
            assert_eq!(Value::decode(&bytes), Ok(Value::Reference { owner, kind, id }));
            assert_eq!(from_slice(&bytes), Ok(reference));
            assert_eq!(from_slice(&bytes), Ok(Some(reference)));
        }
        assert_eq!(from_slice::<Vec<Reference>>(&to_vec(&REFERENCES).unwrap()), Ok(REFERENCES.to_vec()));
    }

    #[test]
    fn is_another_type_than_values() {
        let error = from_slice::<(u8, Reference)>(&to_vec(&(1, "text")).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "[1]: expected a reference, got a string");
        assert!(from_slice::<Reference>(&to_vec(&(0, 0, 7)).unwrap()).is_err());
        assert!(from_slice::<u8>(&to_vec(&REFERENCES[0]).unwrap()).is_err());
    }

    #[test]
    fn is_three_numbers_elsewhere() {
        let bytes = postcard::to_allocvec(&REFERENCES[1]).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(REFERENCES[1]));
        assert!(postcard::from_bytes::<Reference>(&[2, 0, 0]).is_err());
    }

    #[test]
    fn is_found_wherever_it_is() {
        let [first, second, third] =
            REFERENCES.map(|Reference { owner, kind, id }| Value::Reference { owner, kind, id });
        let value = Value::Array(vec![
            Value::Object(vec![("a".into(), first.clone()), ("b".into(), 1.into()), ("c".into(), second)]),
            Value::Map(vec![(third, first)]),
            "text".into(),
        ]);
        let mut bytes = Vec::new();
        value.encode(&mut bytes).unwrap();
        let mut found = Vec::new();
        let mut reader = Reader::new(&bytes);
        reader.skip_references(|reference| found.push(reference)).unwrap();
        assert_eq!(reader.remaining(), 0);
        assert_eq!(found, [REFERENCES[0], REFERENCES[1], REFERENCES[2], REFERENCES[0]]);
        assert!(Reader::new(&bytes[..5]).skip_references(|_| ()).is_err());
    }
}
