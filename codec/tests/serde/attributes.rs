//! Attributes of serde: flattened structs, tags, defaults.

use super::*;

#[test]
fn flattened_structs_and_maps_share_an_object() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        id: u8,
        #[serde(flatten)]
        item: Item,
        #[serde(flatten)]
        rest: BTreeMap<String, Vec<i8>>,
    }
    let outer = Outer { id: 1, item: item("a", 2), rest: BTreeMap::from([("x".into(), vec![-1])]) };
    let value = object([("id", 1.into()), ("name", text("a")), ("count", 2.into()), ("x", array([(-1).into()]))]);
    becomes(outer, value);
}

#[test]
fn keys_of_flattened_objects_keep_their_numbers() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        before: Item,
        #[serde(flatten)]
        inner: Item,
        after: Item,
    }
    let outer = Outer { before: item("a", 1), inner: item("b", 2), after: item("c", 3) };
    let value = object([
        ("before", item_value("a", 1)),
        ("name", text("b")),
        ("count", 2.into()),
        ("after", item_value("c", 3)),
    ]);
    becomes(vec![outer], array([value]));
}

#[test]
fn untagged_enum_is_written_as_its_content() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Nothing,
        Flag(bool),
        Integer(i64),
        Float(f64),
        Text(String),
        Item(Item),
        List(Vec<Any>),
        Bytes(ByteBuf),
        Map(BTreeMap<String, Any>),
    }
    becomes(Any::Nothing, Value::Undefined);
    becomes(Any::Flag(true), true.into());
    becomes(Any::Integer(-5), (-5).into());
    becomes(Any::Integer(i64::MAX), bigint("9223372036854775807"));
    becomes(Any::Float(0.5), number(0.5));
    becomes(Any::Bytes(ByteBuf::from(vec![255])), Value::Bytes(vec![255]));
    becomes(Any::Text("a".into()), text("a"));
    becomes(Any::Item(item("a", 1)), item_value("a", 1));
    becomes(Any::List(vec![Any::Flag(false), Any::List(vec![])]), array([false.into(), array([])]));
    becomes(Any::Map(BTreeMap::from([("x".into(), Any::Nothing)])), object([("x", Value::Undefined)]));
}

#[test]
fn internally_tagged_enums_are_objects_with_their_tag() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    enum Shape {
        Nothing,
        Circle { radius: f64 },
        Item(Item),
        Named(BTreeMap<String, u8>),
    }
    becomes(Shape::Nothing, object([("type", text("nothing"))]));
    becomes(Shape::Circle { radius: 0.5 }, object([("type", text("circle")), ("radius", number(0.5))]));
    let value = object([("type", text("item")), ("name", text("a")), ("count", 1.into())]);
    becomes(Shape::Item(item("a", 1)), value);
    let named = Shape::Named(BTreeMap::from([("a".into(), 1)]));
    becomes(named, object([("type", text("named")), ("a", 1.into())]));
    // The tag may be the last property.
    reads(object([("radius", 2.into()), ("type", text("circle"))]), Shape::Circle { radius: 2.0 });
}

#[test]
fn adjacently_tagged_enums_are_objects_of_two_properties() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Event {
        Ping,
        Data(Vec<u8>),
    }
    becomes(Event::Ping, object([("t", text("Ping"))]));
    becomes(Event::Data(vec![1]), object([("t", text("Data")), ("c", array([1.into()]))]));
}

#[test]
fn skipped_fields_and_defaults_round_trip() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Options {
        #[serde(skip_serializing_if = "Option::is_none")]
        depth: Option<u8>,
        #[serde(rename = "dryRun")]
        dry_run: bool,
    }
    becomes(Options::default(), object([("dryRun", false.into())]));
    reads(object([]), Options::default());
    reads(object([("depth", Value::Undefined)]), Options::default());
}

#[test]
fn unknown_properties_are_skipped_unless_denied() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        count: u32,
    }
    let rest = array([object([("name", Value::Null), ("deep", object([("count", 7.into())]))])]);
    let value = object([("other", rest), ("count", 1.into()), ("name", text("a")), ("last", 5.into())]);
    reads(value, item("a", 1));
    refuses::<Strict>(object([("count", 1.into()), ("x", 2.into())]), "unknown field `x`, expected `count`");
}
