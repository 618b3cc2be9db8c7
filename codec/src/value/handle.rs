//! Handles, for types that serde serializes.

use super::{HandleKind, RefOwner, Value};
use core::fmt;
use serde::de::{self, SeqAccess};
use serde::{Deserialize, Serialize};

/// A handle of an object that stays at its end, as part of a type that serde serializes. Formats other than the value format
/// represent it as a list: three numbers, and the description.
#[derive(Clone, Debug, PartialEq)]
pub struct Handle {
    /// The end to which it belongs.
    pub owner: RefOwner,
    /// Kind of the object.
    pub kind: HandleKind,
    /// Its id.
    pub id: u64,
    /// Description by the owner. [`Value::Undefined`] if the owner is the receiver.
    pub description: Value,
}

/// Name by which the serializer and the deserializer of the value format recognise a `Handle`.
pub(crate) const HANDLE_TOKEN: &str = "$coincide::Handle";

/// A handle as the serializer takes it over.
pub(super) type Parts<D> = (u8, u8, u64, D);

impl Serialize for Handle {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts: Parts<&Value> = (self.owner as u8, self.kind as u8, self.id, &self.description);
        serializer.serialize_newtype_struct(HANDLE_TOKEN, &parts)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Handle;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a handle of a function, an object or a stream")
            }

            fn visit_newtype_struct<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Handle, D::Error> {
                deserializer.deserialize_tuple(4, self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Handle, A::Error> {
                let missing = |index| de::Error::invalid_length(index, &"three numbers and a description");
                let owner = parts.next_element()?.ok_or_else(|| missing(0))?;
                let kind = parts.next_element()?.ok_or_else(|| missing(1))?;
                let id = parts.next_element()?.ok_or_else(|| missing(2))?;
                let description = parts.next_element()?.ok_or_else(|| missing(3))?;
                let (Some(owner), Some(kind)) = (RefOwner::from_wire(owner), HandleKind::from_wire(kind)) else {
                    return Err(de::Error::custom("a handle is of an unknown kind"));
                };
                Ok(Handle { owner, kind, id, description })
            }
        }

        deserializer.deserialize_newtype_struct(HANDLE_TOKEN, Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Reader, from_slice, to_vec};
    use alloc::boxed::Box;
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    fn handles() -> Vec<Handle> {
        let names = Value::Array(vec!["next".into(), "close".into()]);
        vec![
            Handle { owner: RefOwner::Sender, kind: HandleKind::Function, id: 300, description: Value::Undefined },
            Handle { owner: RefOwner::Sender, kind: HandleKind::Methods, id: 1, description: names },
            Handle { owner: RefOwner::Receiver, kind: HandleKind::Signal, id: u64::MAX, description: Value::Undefined },
        ]
    }

    #[test]
    fn is_the_item_of_the_format() {
        for handle in handles() {
            let Handle { owner, kind, id, description } = handle.clone();
            let bytes = to_vec(&handle).unwrap();
            let value = Value::Handle { owner, kind, id, description: Box::new(description) };
            assert_eq!(Value::decode(&bytes), Ok(value));
            assert_eq!(from_slice(&bytes), Ok(handle.clone()));
            assert_eq!(from_slice(&bytes), Ok(Some(handle)));
        }
        assert_eq!(from_slice::<Vec<Handle>>(&to_vec(&handles()).unwrap()), Ok(handles()));
    }

    #[test]
    fn objects_of_a_description_are_numbered_with_those_around_it() {
        let [_, methods, _] = &handles()[..] else { panic!("there are three") };
        let shared = vec![0_u8; 2];
        let bytes = to_vec(&(&shared, methods, &shared)).unwrap();
        let (before, handle, after) = from_slice::<(Vec<u8>, Handle, Vec<u8>)>(&bytes).unwrap();
        assert_eq!((before, &handle, after), (shared.clone(), methods, shared));
    }

    #[test]
    fn search_ignores_text_and_numbers() {
        let others = [
            Value::from("Fuß, ß"),
            Value::from("😀😁".repeat(20)),
            Value::Array(vec![Value::from("Maß"), Value::from(64), Value::from("Maß"), Value::from(true)]),
            Value::Array((0..400).map(|number| Value::from((number << 7) | 0x1f)).collect()),
            Value::from(f64::from_bits(0x3ff0_9f00_0000_0000)),
        ];
        for value in others {
            let bytes = to_vec(&value).unwrap();
            assert!(bytes.contains(&0x9f), "the byte of the tag is in {value:?}");
            assert!(!Reader::may_have_handles(&bytes), "{value:?}");
        }
        for owner in [RefOwner::Sender, RefOwner::Receiver] {
            for kind in HandleKind::ALL {
                let handle = Handle { owner, kind, id: 0, description: Value::Undefined };
                assert!(Reader::may_have_handles(&to_vec(&("😀", &handle)).unwrap()), "{handle:?}");
            }
        }
    }

    #[test]
    fn is_another_type_than_values() {
        let error = from_slice::<(u8, Handle)>(&to_vec(&(1, "text")).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "[1]: expected a handle of a function, an object or a stream, got a string");
        let error = from_slice::<u8>(&to_vec(&handles()[0]).unwrap()).unwrap_err();
        assert!(error.to_string().contains("a handle"), "{error}");
        assert!(from_slice::<Handle>(&to_vec(&(0, 0, 7, 0)).unwrap()).is_err());
    }

    #[test]
    fn is_a_list_elsewhere() {
        let handle = &handles()[1];
        let bytes = postcard::to_allocvec(handle).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(handle.clone()));
        assert!(postcard::from_bytes::<Handle>(&[2, 0, 0, 1, 0x80]).is_err());
    }
}
