//! Errors, with the path to the value at fault.

use super::*;

#[test]
fn errors_name_the_path_to_the_value_at_fault() {
    type Deep = BTreeMap<String, Vec<(u8, Option<Item>)>>;
    let value = |name: Value| {
        let item = object([("name", name), ("count", 1.into())]);
        object([("a b", array([array([1.into(), Value::Null]), array([2.into(), item])]))])
    };
    assert!(from_slice::<Deep>(&encode(&value(text("x")))).is_ok());
    refuses::<Deep>(value(5.into()), "[\"a b\"][1][1].name: expected a string, got integer `5`");
    refuses::<Item>(object([("name", text("a"))]), "the property `count` is missing");
    refuses::<(u8, Item)>(array([1.into(), object([("count", 1.into())])]), "[1]: the property `name` is missing");
    refuses::<Kind>(object([("Tuple", array([1.into(), 2.into()]))]), "Tuple[1]: expected a boolean, got integer `2`");
    refuses::<BTreeMap<u8, u8>>(Value::Map(vec![(1.into(), text("a"))]), "[0]: expected u8, got string \"a\"");
}

#[test]
fn errors_name_the_expected_and_the_found_type() {
    refuses::<String>(Value::Null, "expected a string, got unit value");
    refuses::<bool>(text("yes"), "expected a boolean, got string \"yes\"");
    refuses::<Vec<u8>>(text("yes"), "expected a sequence, got string \"yes\"");
    refuses::<Item>(Value::Date(0.5), "expected struct Item, got floating point `0.5`");
    refuses::<u8>(Value::Symbol(Symbol::Registered("s".into())), "expected u8, got a symbol");
    let regexp = Value::RegExp { source: "a".into(), flags: String::new(), last_index: 0 };
    refuses::<String>(regexp, "expected a string, got a regular expression");
    let reference = Value::Reference { owner: RefOwner::Sender, kind: RefKind::Object, id: 1 };
    refuses::<Item>(reference, "expected struct Item, got a reference");
    let handle = Value::Handle {
        owner: RefOwner::Receiver,
        kind: HandleKind::Function,
        id: 1,
        description: Box::new(Value::Undefined),
    };
    refuses::<Item>(handle, "expected struct Item, got a handle of a function, an object or a stream");
    let image = Value::Image { width: 1, height: 1, color_space: "srgb".into(), pixels: vec![0; 4] };
    refuses::<ByteBuf>(image, "expected byte array, got image data");
    let lone = Value::String(value::OwnedText::Utf16(vec![0xd800]));
    refuses::<String>(lone, "the string has a lone surrogate, which a Rust string can't have");
    let symbol = Value::Object(vec![(PropertyKey::Symbol(Symbol::WellKnown("iterator".into())), Value::Null)]);
    refuses::<Item>(symbol, "the key is a symbol");
}

#[test]
fn errors_of_enums_name_the_expected_form() {
    let message = |found| format!("expected a variant: a string, or an object with one property, got {found}");
    refuses::<Kind>(5.into(), &message("a number"));
    refuses::<Kind>(Value::Null, &message("null"));
    refuses::<Kind>(object([]), &message("an object with another number of properties"));
    refuses::<Kind>(array([]), &message("an array"));
    refuses::<Kind>(text("Tuple"), "expected tuple variant, got unit variant");
    let list = "`Unit`, `Newtype`, `Tuple`, `Struct`, `Empty`";
    refuses::<Kind>(text("Other"), &format!("unknown variant `Other`, expected one of {list}"));
    refuses::<Kind>(object([("Other", 1.into())]), &format!("unknown variant `Other`, expected one of {list}"));
}

#[test]
fn wrong_lengths_are_refused() {
    refuses::<(u8, u8)>(array([1.into()]), "expected a tuple of size 2, got 1 elements");
    refuses::<(u8,)>(array([1.into(), 2.into()]), "expected fewer elements, got 2 elements");
    refuses::<[u8; 2]>(array([1.into(), 2.into(), 3.into()]), "expected fewer elements, got 3 elements");
}

#[test]
fn errors_of_serialization_name_the_path() {
    struct Liar;
    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde::ser::SerializeSeq::end(serializer.serialize_seq(Some(1))?)
        }
    }
    let error = |result: Result<Vec<u8>, _>| result.map_err(|error: coincide_codec::EncodeError| error.to_string());
    let message = "[0][0]: a type announced a wrong number of items";
    assert_eq!(error(to_vec(&[[Liar]])), Err(message.into()));

    let message = "[1]: a map mixes strings and other keys";
    assert_eq!(error(to_vec(&AsMap(vec![(Some("a"), 1), (None, 2)]))), Err(message.into()));
}

/// A map whose entries are in this order and whose length is not announced.
struct AsMap<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for AsMap<K, V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in &self.0 {
            serde::ser::SerializeMap::serialize_entry(&mut map, key, value)?;
        }
        serde::ser::SerializeMap::end(map)
    }
}

#[test]
fn sequences_of_unknown_length_are_written() {
    struct Unsized<T>(Vec<T>);
    impl<T: Serialize> Serialize for Unsized<T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(None)?;
            self.0.iter().try_for_each(|item| serde::ser::SerializeSeq::serialize_element(&mut seq, item))?;
            serde::ser::SerializeSeq::end(seq)
        }
    }
    for len in [0, 1, 15, 16, 200] {
        let items = vec![item("a", 1); len];
        assert_eq!(to_vec(&Unsized(items.clone())), to_vec(&items));
        let nested = [vec![items.clone(), items.clone()], vec![]];
        let outer = nested.iter().map(|inner| Unsized(inner.iter().cloned().map(Unsized).collect())).collect();
        assert_eq!(to_vec(&Unsized(outer)), to_vec(&nested));
        let map: BTreeMap<_, _> = (0..len).map(|index| (format!("{index:03}"), item("a", 1))).collect();
        assert_eq!(to_vec(&AsMap(map.clone().into_iter().collect())), to_vec(&map));
        let map: BTreeMap<_, _> = (0..len).map(|index| (index, map.clone())).collect();
        if len > 0 {
            assert_eq!(to_vec(&AsMap(map.clone().into_iter().collect())), to_vec(&map));
        }
    }
    // Shared objects of a later value keep their numbers.
    let value = array([Value::Shared(0)]);
    let bytes = to_vec(&Unsized(vec![Unsized(vec![value.clone()])])).unwrap();
    assert_eq!(bytes, [0x61, 0x61, 0x61, 0x9e, 2]);
}
