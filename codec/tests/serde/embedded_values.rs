//! Fields of type `Value` in other types.

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Envelope {
    name: String,
    body: Value,
    list: Vec<Value>,
    maybe: Option<Value>,
}

fn graph() -> Value {
    array([object([("name", text("x")), ("me", Value::Shared(1))]), Value::Shared(0)])
}

#[test]
fn value_field_is_written_among_other_fields() {
    let envelope = Envelope {
        name: "e".into(),
        body: graph(),
        list: vec![Value::Bytes(vec![1]), graph(), Value::Undefined],
        maybe: Some(Value::Date(5.0)),
    };
    let bytes = to_vec(&envelope).unwrap();
    assert_eq!(from_slice::<Envelope>(&bytes).unwrap(), envelope);

    // In the whole payload, objects have other numbers.
    let Value::Object(properties) = Value::decode(&bytes).unwrap() else { panic!("a struct is an object") };
    let body = array([object([("name", text("x")), ("me", Value::Shared(2))]), Value::Shared(1)]);
    assert_eq!(properties[1], ("body".into(), body));
    let body = array([object([("name", text("x")), ("me", Value::Shared(7))]), Value::Shared(6)]);
    let list = array([Value::Bytes(vec![1]), body, Value::Undefined]);
    assert_eq!(properties[2], ("list".into(), list));
}

#[test]
fn every_kind_of_value_round_trips() {
    let values = vec![
        Value::Symbol(Symbol::WellKnown("iterator".into())),
        Value::RegExp { source: "a".into(), flags: "g".into(), last_index: 1 },
        Value::Map(vec![(Value::Null, Value::Set(vec![]))]),
        array([Value::Hole]),
        Value::Reference { owner: RefOwner::Sender, kind: RefKind::Function, id: 7 },
        Value::Handle {
            owner: RefOwner::Sender,
            kind: HandleKind::Methods,
            id: 7,
            description: Box::new(array([text("close")])),
        },
        view(ViewKind::Float64, &[0; 16]),
        Value::Error(Box::new(ErrorValue {
            class: "TypeError".into(),
            message: "no".into(),
            stack: "".into(),
            cause: Some(Value::Null),
            properties: vec![(PropertyKey::Symbol(Symbol::Registered("s".into())), graph())],
        })),
    ];
    let bytes = to_vec(&values).unwrap();
    assert_eq!(from_slice::<Vec<Value>>(&bytes).unwrap().len(), values.len());
    assert_eq!(to_vec(&from_slice::<Vec<Value>>(&bytes).unwrap()).unwrap(), bytes);
    assert_eq!(from_slice::<Vec<Value>>(&bytes).unwrap(), values);
}

#[test]
fn optional_value_is_read_from_null_undefined_and_nothing() {
    reads(object([("name", text("")), ("body", Value::Null), ("list", array([])), ("maybe", Value::Undefined)]), {
        Envelope { name: String::new(), body: Value::Null, list: vec![], maybe: None }
    });
    reads(object([("name", text("")), ("body", Value::Undefined), ("list", array([]))]), {
        Envelope { name: String::new(), body: Value::Undefined, list: vec![], maybe: None }
    });
}

#[test]
fn value_field_cannot_share_objects_outside_of_it() {
    let value = array([array([]), array([Value::Shared(1)])]);
    let error = from_slice::<(Value, Value)>(&encode(&value)).unwrap_err();
    let expected = "[1]: an object of this value is also part of another one: take both as one `Value`";
    assert_eq!(error.to_string(), expected);
    assert_eq!(from_slice::<Value>(&encode(&value)).unwrap(), value);
}

#[test]
fn invalid_value_leaves_the_buffer_unchanged() {
    let mut buffer = vec![1, 2, 3];
    let error = to_buf(&(1, vec![Value::Shared(9)]), &mut buffer).unwrap_err();
    assert_eq!(error.to_string(), "[1][0]: an object is shared before it has begun");
    let error = to_buf(&object([("a", array([0.into(), Value::Set(vec![Value::Hole])]))]), &mut buffer);
    assert!(error.unwrap_err().to_string().ends_with("a[1][0]: a hole stands outside of an array"));
    assert_eq!(buffer, [1, 2, 3]);
}

#[test]
fn later_of_equal_properties_is_kept() {
    let value = Value::Object(vec![("a".into(), 1.into()), ("a".into(), 2.into())]);
    assert_eq!(value.get("a"), Some(&2.into()));
    reads(value, BTreeMap::from([("a".to_owned(), 2)]));
}
