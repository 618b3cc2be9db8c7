//! Types that borrow from the payload.

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Borrowed<'a> {
    name: &'a str,
    #[serde(borrow, with = "serde_bytes")]
    data: &'a [u8],
    rest: BTreeMap<&'a str, &'a Bytes>,
}

#[test]
fn strings_and_bytes_borrow_from_the_payload() {
    let input = Borrowed { name: "a", data: &[1, 2], rest: BTreeMap::from([("name", Bytes::new(&[3]))]) };
    let bytes = to_vec(&input).unwrap();
    let output: Borrowed<'_> = from_slice(&bytes).unwrap();
    assert_eq!(output, input);
    let within = bytes.as_ptr_range();
    assert!(within.contains(&output.name.as_ptr()) && within.contains(&output.data.as_ptr()));
    assert!(output.rest.keys().all(|key| within.contains(&key.as_ptr())));
    assert!(output.rest.values().all(|data| within.contains(&data.as_ptr())));
}

#[test]
fn views_of_buffers_borrow_from_the_payload() {
    let value = array([
        view_at(ViewKind::Uint8, Value::Buffer { bytes: vec![1, 2, 3, 4], max: None }, 1, Some(2)),
        view_at(ViewKind::DataView, Value::Shared(2), 3, Some(1)),
    ]);
    let bytes = encode(&value);
    let (middle, last): (&Bytes, &Bytes) = from_slice(&bytes).unwrap();
    assert_eq!((&middle[..], &last[..]), (&[2, 3][..], &[4][..]));
}
