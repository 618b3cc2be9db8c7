//! Lists of arguments.

use super::*;

fn args<T: Serialize>(args: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    args_to_buf(args, &mut bytes).expect("the arguments can be encoded");
    bytes
}

fn message<T: DeserializeOwned + Debug>(bytes: &[u8]) -> String {
    args_from_slice::<T>(bytes).expect_err("they are no such arguments").to_string()
}

#[test]
fn arguments_are_an_array() {
    assert_eq!(args(&()), [0x60]);
    assert_eq!(args(&(1,)), [0x61, 1]);
    assert_eq!(args(&((),)), [0x61, 0x80]);
    assert_eq!(args(&("a", 1)), encode(&array([text("a"), 1.into()])));
    assert_eq!(args_from_slice::<()>(&[0x60]), Ok(()));
    assert_eq!(args_from_slice::<(String, u8)>(&args(&("a", 1))), Ok(("a".into(), 1)));
    assert_eq!(args_from_slice::<Vec<u8>>(&args(&(1, 2, 3))), Ok(vec![1, 2, 3]));
    let long: BTreeMap<u8, String> = (0..40).map(|index| (index, "x".repeat(index.into()))).collect();
    assert_eq!(args_from_slice::<(BTreeMap<u8, String>,)>(&args(&(&long,))), Ok((long,)));
}

#[test]
fn arguments_are_appended_to_the_buffer() {
    let mut bytes = vec![9];
    args_to_buf(&(), &mut bytes).unwrap();
    args_to_buf(&(1,), &mut bytes).unwrap();
    assert_eq!(bytes, [9, 0x60, 0x61, 1]);
    let error = args_to_buf(&(1, Value::Hole), &mut bytes).unwrap_err();
    assert_eq!(error.to_string(), "args[1]: a hole stands outside of an array");
    assert_eq!(bytes, [9, 0x60, 0x61, 1]);
}

#[test]
fn missing_optional_arguments_are_none() {
    assert_eq!(args_from_slice::<(u8, Option<u8>)>(&args(&(1,))), Ok((1, None)));
    assert_eq!(args_from_slice::<(Option<u8>, Option<u8>)>(&args(&())), Ok((None, None)));
    assert_eq!(args_from_slice::<(u8, Option<u8>)>(&args(&(1, ()))), Ok((1, None)));
    assert_eq!(args_from_slice::<(Option<u8>, u8)>(&[0x62, 0x84, 1]), Ok((None, 1)), "a hole");
}

#[test]
fn wrong_number_of_arguments_is_refused() {
    assert_eq!(message::<()>(&args(&(1,))), "expected 0 arguments, got 1");
    assert_eq!(message::<(u8,)>(&args(&())), "expected 1 argument, got 0");
    assert_eq!(message::<(u8,)>(&args(&(1, 2))), "expected 1 argument, got 2");
    assert_eq!(message::<(u8, u8)>(&args(&(1,))), "expected 2 arguments, got 1");
    assert_eq!(message::<(u8, u8, Option<u8>)>(&args(&(1,))), "expected 3 arguments, got 1");
}

#[test]
fn error_paths_of_arguments_begin_with_args() {
    let bytes = args(&(1, item_value("a", 1)));
    assert_eq!(args_from_slice::<(u8, Item)>(&bytes), Ok((1, item("a", 1))));
    let bytes = args(&(1, object([("name", 5.into()), ("count", 1.into())])));
    assert_eq!(message::<(u8, Item)>(&bytes), "args[1].name: expected a string, got integer `5`");
    assert_eq!(message::<(String, Item)>(&bytes), "args[0]: expected a string, got integer `1`");
    assert_eq!(message::<(u8, Item)>(&args(&(1, object([])))), "args[1]: the property `name` is missing");
    let list = args(&(vec![vec!["a"]],));
    assert_eq!(message::<(Vec<Vec<u8>>,)>(&list), "args[0][0][0]: expected u8, got string \"a\"");
    assert_eq!(message::<()>(&[0x70]), "the arguments of a call are an array");
    assert_eq!(message::<()>(&[0x60, 0]), "malformed payload: bytes are left after the value");
}

#[test]
fn arguments_may_be_values_and_shared_objects() {
    let shared = array([item_value("a", 1), Value::Shared(1)]);
    assert_eq!(args_from_slice::<(Item, Item)>(&encode(&shared)), Ok((item("a", 1), item("a", 1))));
    let cycle = array([Value::Shared(0)]);
    assert_eq!(args_from_slice::<(u8, Value)>(&args(&(1, &cycle))), Ok((1, cycle)));
    assert_eq!(args_from_slice::<Vec<Value>>(&[0x63, 0x80, 0x84, 0x81]).map(|args| args.len()), Ok(3));
}
