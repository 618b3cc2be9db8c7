//! Round trips of any value.

use coincide_codec::value::{
    BigInt, ErrorValue, HandleKind, Item, Key, MAX_DEPTH, OwnedText, PropertyKey, Reader, RefKind, RefOwner, Symbol,
    Text, ViewKind, Writer, from_slice, to_vec,
};
use coincide_codec::{Value, typed};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::IgnoredAny;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn values_survive(value in value()) {
        let bytes = encode(&value);
        let decoded = Value::decode(&bytes).expect("encoded bytes are a value");
        prop_assert!(equal(&decoded, &value), "{decoded:?}");
        prop_assert!(decoded.same(&value));
        prop_assert_eq!(encode(&decoded), bytes);
    }

    #[test]
    fn values_are_appended(value in value(), before in vec(any::<u8>(), 0..100)) {
        let mut buffer = before.clone();
        value.encode(&mut buffer).expect("the value is valid");
        prop_assert_eq!(&buffer[..before.len()], &before);
        prop_assert_eq!(&buffer[before.len()..], encode(&value));
    }

    #[test]
    fn values_are_stepped_over(value in value(), behind in 0_u8..64) {
        let mut bytes = encode(&value);
        let mut reader = Reader::new(&bytes);
        reader.skip().expect("it is well-formed");
        prop_assert_eq!(reader.position(), bytes.len());
        prop_assert_eq!(reader.objects(), objects(&value));
        reader.finish().expect("nothing follows the item");
        from_slice::<IgnoredAny>(&bytes).expect("serde skips it");

        bytes.push(behind);
        let mut reader = Reader::new(&bytes);
        reader.skip().expect("it is well-formed");
        prop_assert_eq!(reader.item().ok(), Some(Item::Integer(behind.into())));
        prop_assert!(Value::decode(&bytes).is_err() && from_slice::<IgnoredAny>(&bytes).is_err());
    }

    #[test]
    fn a_writer_repeats_what_a_reader_gives(value in value()) {
        let bytes = encode(&value);
        let mut copy = Vec::new();
        let (mut reader, mut writer) = (Reader::new(&bytes), Writer::new(&mut copy));
        copy_item(&mut reader, &mut writer);
        prop_assert_eq!(writer.objects(), reader.objects());
        prop_assert_eq!(reader.remaining(), 0);
        prop_assert_eq!(copy, bytes);
    }

    #[test]
    fn values_survive_among_others(first in value(), second in value()) {
        let bytes = to_vec(&("a", &first, [(1, &second)])).expect("values are serializable");
        prop_assert!(Value::decode(&bytes).is_ok());
        let (text, one, [(number, two)]): (&str, Value, [(u8, Value); 1]) = from_slice(&bytes).expect("and back");
        prop_assert_eq!((text, number), ("a", 1));
        prop_assert!(equal(&one, &first) && equal(&two, &second), "{one:?} {two:?}");
        let (_, [(number, IgnoredAny)]) = from_slice::<(&str, IgnoredAny, [(u8, IgnoredAny); 1])>(&bytes)
            .map(|(text, _, last)| (text, last))
            .expect("unread elements are skipped");
        prop_assert_eq!(number, 1);
    }

    #[test]
    fn values_survive_typed(value in value(), schema: u64) {
        let mut bytes = Vec::new();
        typed::to_buf(&(&value, 1_u8), schema, &mut bytes).expect("the values can be encoded");
        let (back, one) = typed::from_slice::<(Value, u8)>(&bytes, schema).expect("the payload can be decoded");
        prop_assert!(equal(&back, &value) && one == 1, "{back:?}");
    }

    #[test]
    fn impossible_values_are_refused_and_leave_no_trace(value in any_tree()) {
        let mut buffer = vec![1, 2, 3];
        if value.encode(&mut buffer).is_err() {
            prop_assert_eq!(buffer, [1, 2, 3]);
            prop_assert!(to_vec(&value).is_err());
        } else {
            let decoded = Value::decode(&buffer[3..]).expect("encoded bytes are a value");
            prop_assert!(equal(&decoded, &Value::decode(&encode(&decoded)).expect("the value can be decoded again")));
            let mut direct = vec![1, 2, 3];
            direct.extend(to_vec(&value).expect("serde can write it"));
            prop_assert!(equal(&Value::decode(&direct[3..]).expect("as a value"), &decoded));
        }
    }

    #[test]
    fn bigints_survive(negative: bool, magnitude in vec(any::<u8>(), 0..40)) {
        let number = BigInt::new(negative, &magnitude);
        prop_assert_eq!(number.to_string().parse::<BigInt>(), Ok(number.clone()));
        let bytes = encode(&Value::BigInt(number.clone()));
        prop_assert_eq!(Value::decode(&bytes), Ok(Value::BigInt(number)));
    }

    #[test]
    fn integers_survive_by_way_of_values(number: i128, shift in 0_u32..128) {
        let number = number >> shift;
        prop_assert_eq!(BigInt::from(number).to_i128(), Some(number));
        prop_assert_eq!(BigInt::from(number).to_string(), number.to_string());
        prop_assert_eq!(from_slice::<i128>(&encode(&Value::BigInt(number.into()))), Ok(number));
        match from_slice::<Value>(&to_vec(&number).unwrap()).unwrap() {
            Value::Number(float) => prop_assert!(float.abs() < 2_f64.powi(53) && float as i128 == number),
            other => prop_assert_eq!(other, Value::BigInt(number.into())),
        }
    }
}

#[test]
fn invalid_graphs_are_refused() {
    let deep = |levels| (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value]));
    let buffer = |max| Value::Buffer { bytes: vec![0; 8], max };
    let view = |kind, buffer, offset, len| Value::View { kind, buffer: Box::new(buffer), offset, len };
    let image = |color_space: &str, pixels| Value::Image {
        width: 1,
        height: 1,
        color_space: color_space.into(),
        pixels: vec![0; pixels],
    };
    let cases = [
        (Value::Hole, "a hole stands outside of an array"),
        (Value::Set(vec![Value::Hole]), "[0]: a hole stands outside of an array"),
        (Value::Shared(0), "an object is shared before it has begun"),
        (Value::Array(vec![Value::Shared(1)]), "[0]: an object is shared before it has begun"),
        (Value::Array(vec![Value::Shared(u32::MAX)]), "[0]: an object is shared before it has begun"),
        (Value::Boxed(Box::new(Value::Null)), "only a primitive can be boxed"),
        (Value::Boxed(Box::new(Value::Array(vec![]))), "only a primitive can be boxed"),
        (buffer(Some(7)), "a buffer exceeds its maximum length"),
        (buffer(Some(1 << 53)), "a buffer exceeds its maximum length"),
        (image("srgb", 3), "an image has the wrong number of pixels"),
        (image("p3", 4), "an image has an unknown colour space: use srgb or display-p3"),
        (view(ViewKind::Int8, Value::Null, 0, Some(0)), "a view is not of a buffer"),
        (view(ViewKind::Int8, Value::Bytes(vec![]), 0, Some(0)), "a view is not of a buffer"),
        (view(ViewKind::Int8, Value::Shared(0), 0, Some(0)), "a view is not of a buffer"),
        (view(ViewKind::Int8, buffer(None), 0, Some(9)), "a view reaches beyond its buffer or is not aligned"),
        (view(ViewKind::Int8, buffer(None), 0, Some(u64::MAX)), "a view reaches beyond its buffer or is not aligned"),
        (view(ViewKind::Int32, buffer(None), 2, Some(1)), "a view reaches beyond its buffer or is not aligned"),
        (view(ViewKind::Int8, buffer(None), 0, None), "a view follows the length of a buffer that has a fixed one"),
        (view(ViewKind::Int8, buffer(Some(8)), 9, None), "a view reaches beyond its buffer or is not aligned"),
    ];
    for (value, message) in cases {
        let mut bytes = vec![7];
        assert_eq!(value.encode(&mut bytes).map_err(|error| error.to_string()), Err(message.into()), "{value:?}");
        assert_eq!(bytes, [7]);
    }
    assert!(deep(MAX_DEPTH).encode(&mut Vec::new()).is_ok());
    let error = deep(MAX_DEPTH + 1).encode(&mut Vec::new()).unwrap_err().to_string();
    assert!(error.ends_with("[0][0]: values are nested too deep: 256 levels at most can be sent"), "{error}");
}

#[test]
fn same_distinguishes_zeros_and_equates_nans() {
    let number = Value::Number;
    let nan = f64::from_bits(0xfff8_0000_0000_0001);
    assert!(number(f64::NAN).same(&number(nan)) && Value::Date(f64::NAN).same(&Value::Date(nan)));
    assert!(!number(0.0).same(&number(-0.0)) && number(0.0) == number(-0.0));
    assert!(!number(1.0).same(&Value::BigInt(1_i128.into())) && !number(1.0).same(&"1".into()));
    assert!(!Value::Hole.same(&Value::Hole), "a hole is not a value");
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("the value is valid");
    bytes
}

/// Whether the parts are the same one by one; a NaN is the same as another, 0 and -0 are not.
fn equal(left: &Value, right: &Value) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

/// Valid values, with shared objects and cycles.
fn value() -> impl Strategy<Value = Value> {
    any_tree().prop_map(|mut value| {
        Settler::default().settle(&mut value);
        value
    })
}

/// Trees of all variants, valid or not.
fn any_tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 64, 8, |inner| {
        let inner = inner.boxed();
        let list = vec(inner.clone(), 0..20);
        let properties = vec((property_key(), inner.clone()), 0..20).boxed();
        let cause = prop_oneof![Just(None), inner.clone().prop_map(Some)];
        let view = (view_kind(), 0_u64..20, prop_oneof![Just(None), (0_u64..20).prop_map(Some)], inner.clone());
        prop_oneof![
            3 => list.clone().prop_map(Value::Array),
            3 => properties.clone().prop_map(Value::Object),
            1 => vec((inner.clone(), inner.clone()), 0..10).prop_map(Value::Map),
            1 => list.prop_map(Value::Set),
            1 => (text(), text(), text(), cause, properties).prop_map(|(class, message, stack, cause, properties)| {
                Value::Error(Box::new(ErrorValue { class, message, stack, cause, properties }))
            }),
            1 => inner.clone().prop_map(|inner| Value::Boxed(Box::new(inner))),
            1 => (proptest::sample::select(HandleKind::ALL.to_vec()), any::<u64>(), inner.clone()).prop_map(
                |(kind, id, description)| Value::Handle {
                    owner: RefOwner::Sender,
                    kind,
                    id,
                    description: Box::new(description),
                }
            ),
            2 => view.prop_map(|(kind, offset, len, buffer)| {
                Value::View { kind, buffer: Box::new(buffer), offset, len }
            }),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    let bytes = || vec(any::<u8>(), 0..40);
    let limit = prop_oneof![3 => Just(None), 1 => (0_u64..200).prop_map(Some)];
    let owner = prop_oneof![Just(RefOwner::Sender), Just(RefOwner::Receiver)];
    let kind = prop_oneof![Just(RefKind::Object), Just(RefKind::Array), Just(RefKind::Function), Just(RefKind::Symbol)];
    let file = (media_type(), text(), number(), bytes());
    prop_oneof![
        prop_oneof![Just(Value::Undefined), Just(Value::Null), Just(Value::Hole)],
        any::<bool>().prop_map(Value::Boolean),
        number().prop_map(Value::Number),
        (any::<bool>(), bytes()).prop_map(|(negative, bytes)| Value::BigInt(BigInt::new(negative, &bytes))),
        text().prop_map(Value::String),
        symbol().prop_map(Value::Symbol),
        number().prop_map(Value::Date),
        (text(), media_type(), 0..1_u64 << 53).prop_map(|(source, flags, last_index)| Value::RegExp {
            source,
            flags,
            last_index
        }),
        (bytes(), limit).prop_map(|(bytes, max)| Value::Buffer { bytes, max }),
        bytes().prop_map(Value::Bytes),
        (media_type(), bytes()).prop_map(|(kind, bytes)| Value::Blob { kind, bytes }),
        file.prop_map(|(kind, name, last_modified, bytes)| Value::File { kind, name, last_modified, bytes }),
        (0_u32..5, 0_u32..5, any::<bool>(), any::<u8>()).prop_map(|(width, height, wide, byte)| Value::Image {
            width,
            height,
            color_space: if wide { "display-p3" } else { "srgb" }.into(),
            pixels: vec![byte; 4 * (width * height) as usize],
        }),
        (owner, kind, any::<u64>()).prop_map(|(owner, kind, id)| Value::Reference { owner, kind, id }),
        prop_oneof![0_u32..8, any::<u32>()].prop_map(Value::Shared),
        any::<(bool, u64)>().prop_map(|(ours, number)| Value::Posted {
            owner: if ours { RefOwner::Sender } else { RefOwner::Receiver },
            number
        }),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        proptest::num::f64::ANY,
        any::<i8>().prop_map(f64::from),
        any::<i64>().prop_map(|number| number as f64),
        (-3_i64..3).prop_map(|distance| ((1_i64 << 53) + distance) as f64),
        Just(-0.0),
    ]
}

fn text() -> impl Strategy<Value = OwnedText> {
    // A high surrogate at the end is a lone one.
    let lone = vec(any::<u16>(), 0..20).prop_map(|mut units| {
        units.push(0xd800);
        OwnedText::Utf16(units)
    });
    prop_oneof![3 => any::<String>().prop_map(OwnedText::Utf8), 1 => "[ab]{0,40}".prop_map(OwnedText::Utf8), 1 => lone]
}

fn media_type() -> impl Strategy<Value = String> {
    "[a-z/]{0,40}"
}

fn symbol() -> impl Strategy<Value = Symbol> {
    prop_oneof![any::<String>().prop_map(Symbol::Registered), "[a-c]".prop_map(Symbol::WellKnown)]
}

fn property_key() -> impl Strategy<Value = PropertyKey> {
    // Mostly few keys, so that they repeat; others fill the table.
    prop_oneof![
        4 => "[a-h]?".prop_map(|key| key.as_str().into()),
        2 => "[a-z]{3}".prop_map(|key| key.as_str().into()),
        1 => text().prop_map(PropertyKey::Text),
        1 => symbol().prop_map(PropertyKey::Symbol),
    ]
}

fn view_kind() -> impl Strategy<Value = ViewKind> {
    proptest::sample::select(ViewKind::ALL.to_vec())
}

/// Turns a tree into a valid value: counts objects in order, as the specification does, and corrects invalid
/// references.
#[derive(Default)]
struct Settler {
    objects: u32,
    /// Number, length, and whether it can be resized.
    buffers: Vec<(u32, u64, bool)>,
}

impl Settler {
    fn settle(&mut self, value: &mut Value) {
        match value {
            Value::Undefined
            | Value::Null
            | Value::Boolean(_)
            | Value::Number(_)
            | Value::BigInt(_)
            | Value::String(_)
            | Value::Symbol(_)
            | Value::Reference { .. }
            | Value::Posted { .. } => {}
            Value::Date(_) | Value::RegExp { .. } | Value::Blob { .. } | Value::File { .. } | Value::Image { .. } => {
                self.objects += 1;
            }
            Value::Hole => *value = Value::Undefined,
            Value::Array(items) => {
                self.objects += 1;
                items.iter_mut().filter(|item| !matches!(item, Value::Hole)).for_each(|item| self.settle(item));
            }
            Value::Object(properties) => {
                self.objects += 1;
                properties.iter_mut().for_each(|(_, value)| self.settle(value));
            }
            Value::Map(entries) => {
                self.objects += 1;
                entries.iter_mut().for_each(|(key, value)| {
                    self.settle(key);
                    self.settle(value);
                });
            }
            Value::Handle { description, .. } => self.settle(description),
            Value::Set(items) => {
                self.objects += 1;
                items.iter_mut().for_each(|item| self.settle(item));
            }
            Value::Error(error) => {
                self.objects += 1;
                error.cause.iter_mut().for_each(|cause| self.settle(cause));
                error.properties.iter_mut().for_each(|(_, value)| self.settle(value));
            }
            Value::Boxed(inner) => {
                self.objects += 1;
                if !matches!(
                    **inner,
                    Value::Boolean(_) | Value::Number(_) | Value::BigInt(_) | Value::String(_) | Value::Symbol(_)
                ) {
                    **inner = Value::Boolean(false);
                }
            }
            Value::Buffer { bytes, max } => {
                *max = max.map(|max| max.max(bytes.len() as u64));
                self.buffers.push((self.objects, bytes.len() as u64, max.is_some()));
                self.objects += 1;
            }
            Value::Bytes(bytes) => {
                self.buffers.push((self.objects + 1, bytes.len() as u64, false));
                self.objects += 2;
            }
            Value::View { kind, buffer, offset, len } => {
                let number = self.objects;
                self.objects += 1;
                let (_, bytes, resizable) = match **buffer {
                    Value::Shared(wish) if !self.buffers.is_empty() => {
                        let found = self.buffers[wish as usize % self.buffers.len()];
                        **buffer = Value::Shared(found.0);
                        found
                    }
                    Value::Buffer { .. } => {
                        self.settle(buffer);
                        *self.buffers.last().expect("it has just been settled")
                    }
                    _ => {
                        **buffer = Value::Buffer { bytes: vec![1; 24], max: number.is_multiple_of(2).then_some(30) };
                        self.settle(buffer);
                        *self.buffers.last().expect("it has just been settled")
                    }
                };
                let size = kind.element_size();
                *offset = (*offset).min(bytes) / size * size;
                let most = (bytes - *offset) / size;
                *len = match len {
                    None if resizable => None,
                    None => Some(most),
                    Some(len) => Some((*len).min(most)),
                };
            }
            Value::Shared(number) if self.objects > 0 => *number %= self.objects,
            Value::Shared(_) => *value = Value::Null,
            other => panic!("a new variant needs a line here: {other:?}"),
        }
    }
}

/// Number of objects of a valid value.
fn objects(value: &Value) -> u32 {
    let mut settler = Settler::default();
    settler.settle(&mut value.clone());
    settler.objects
}

/// Copies an item and its contents, as a host with values of another runtime does.
fn copy_item(reader: &mut Reader<'_>, writer: &mut Writer<'_>) {
    match reader.item().expect("it is well-formed") {
        Item::Undefined => writer.undefined(),
        Item::Null => writer.null(),
        Item::Boolean(value) => writer.boolean(value),
        Item::Integer(number) => writer.integer(number),
        Item::Float(number) => writer.number(number),
        Item::BigInt { negative, magnitude } => writer.bigint(negative, magnitude),
        Item::Text(text) => copy_text(text, writer),
        Item::Symbol { registered: true, name } => writer.registered_symbol(name),
        Item::Symbol { registered: false, name } => writer.well_known_symbol(name),
        Item::Date(milliseconds) => writer.date(milliseconds),
        Item::RegExp { source, flags, last_index } => {
            writer.regexp(flags, last_index);
            copy_text(source, writer);
        }
        Item::Array(len) => {
            writer.array(len);
            for _ in 0..len {
                if reader.hole() { writer.hole() } else { copy_item(reader, writer) }
            }
        }
        Item::Hole => panic!("a hole outside of an array"),
        Item::Object(len) => {
            writer.object(len);
            copy_properties(len, reader, writer);
        }
        Item::Map(len) => {
            writer.map(len);
            (0..2 * len).for_each(|_| copy_item(reader, writer));
        }
        Item::Set(len) => {
            writer.set(len);
            (0..len).for_each(|_| copy_item(reader, writer));
        }
        Item::Error { class, message, stack, has_cause, properties } => {
            writer.error(has_cause, properties);
            [class, message, stack].into_iter().for_each(|text| copy_text(text, writer));
            (0..usize::from(has_cause)).for_each(|_| copy_item(reader, writer));
            copy_properties(properties, reader, writer);
        }
        Item::Boxed => {
            writer.boxed();
            copy_item(reader, writer);
        }
        Item::Buffer { bytes, max } => writer.buffer(bytes, max),
        Item::Bytes(bytes) => writer.bytes(bytes),
        Item::View { kind, offset, len } => {
            writer.view(kind, offset, len);
            copy_item(reader, writer);
        }
        Item::Blob { kind, bytes } => writer.blob(kind, bytes),
        Item::File { kind, name, last_modified, bytes } => {
            writer.file(kind, last_modified, bytes);
            copy_text(name, writer);
        }
        Item::Image { width, height, color_space, pixels } => writer.image(width, height, color_space, pixels),
        Item::Reference { owner, kind, id } => writer.reference(owner, kind, id),
        Item::Shared(number) => writer.shared(number),
        Item::Posted { owner, number } => writer.posted(owner, number),
        Item::Handle { owner, kind, id } => {
            writer.handle(owner, kind, id);
            copy_item(reader, writer);
        }
    }
}

fn copy_text(text: Text<'_>, writer: &mut Writer<'_>) {
    match text {
        Text::Utf8(text) => writer.str(text),
        Text::Utf16(bytes) => {
            let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
            writer.utf16(&units);
        }
    }
}

fn copy_properties(len: usize, reader: &mut Reader<'_>, writer: &mut Writer<'_>) {
    for _ in 0..len {
        match reader.key().expect("it is well-formed") {
            Key::Text(Text::Utf8(key)) => writer.key(key),
            Key::Text(text) => {
                writer.other_key();
                copy_text(text, writer);
            }
            Key::Symbol { registered, name } => {
                writer.other_key();
                if registered { writer.registered_symbol(name) } else { writer.well_known_symbol(name) }
            }
        }
        copy_item(reader, writer);
    }
}
