//! Nesting beyond the limit, and bytes that are not an item.

use super::*;

#[test]
fn reader_refuses_bytes_that_are_not_an_item() {
    let mut reader = Reader::new(&[0x61, 0x9f, 0x00]);
    assert_eq!(reader.item(), Ok(Read::Array(1)));
    assert!(reader.item().is_err());
}

#[test]
fn unbounded_nesting_of_values_is_refused() {
    const MANY: usize = 1_000_000;
    let of = |unit: &[u8]| unit.repeat(MANY / unit.len());
    let shapes = [
        of(&[0x61]),
        [vec![0x71, 0x00, 0x41, b'a'], of(&[0x71, 0x01])].concat(),
        of(&[0x92, 0x01]),
        of(&[0x92, 0x01, 0x00]),
        of(&[0x93, 0x01]),
        of(&[0x94, 0x01, 0x00, 0x40, 0x40, 0x40]),
        of(&[0x94, 0x00, 0x01, 0x40, 0x40, 0x40, 0x00, 0x40]),
        of(&[0x95]),
        of(&[0x99, 0x02, 0x00, 0x01]),
        of(&[0x62, 0x84]),
    ];
    for bytes in shapes {
        assert!(Value::decode(&bytes).is_err());
        assert!(from_slice::<Value>(&bytes).is_err());
        assert!(from_slice::<IgnoredAny>(&bytes).is_err());
        assert!(from_slice::<Nest>(&bytes).is_err());
        assert!(from_slice::<Any>(&bytes).is_err());
        assert!(from_slice::<Item>(&bytes).is_err());
        assert!(from_slice::<HashMap<String, Any>>(&bytes).is_err());
    }
}

#[test]
fn unbounded_nesting_of_typed_payloads_is_refused() {
    fn refused<T: for<'de> Deserialize<'de>>(unit: &'static [u8]) {
        let read = move || {
            let bytes = [&[0; 8], &unit.repeat(1_000_000 / unit.len())[..]].concat();
            typed::from_slice::<T>(&bytes, 0).map(drop).expect_err("it has no end")
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(read).expect("a thread can be started");
        let error = thread.join().expect("the thread does not panic").to_string();
        assert_eq!(error, "malformed payload: values are nested deeper than 256 levels");
    }
    refused::<Nest>(&[1]);
    refused::<Nest>(&[0xff, 0x7f]);
    refused::<List>(&[1]);
    for unit in [&[1][..], &[2, 0], &[3], &[4, 1, 0], &[5], &[6, 1]] {
        refused::<Tree>(unit);
    }
}

#[test]
fn skipping_items_does_not_recurse() {
    // A complete value beyond the depth limit, for each kind of container.
    const MANY: usize = 100_000;
    let shapes = [
        [[0x61].repeat(MANY), vec![0x80]].concat(),
        [vec![0x71, 0x00, 0x41, b'a'], [0x71, 0x01].repeat(MANY), vec![0x80]].concat(),
        [[0x94, 0x01, 0x00, 0x40, 0x40, 0x40].repeat(MANY), vec![0x80]].concat(),
        [[0x95].repeat(MANY), vec![0x80]].concat(),
    ];
    for bytes in shapes {
        assert!(from_slice::<IgnoredAny>(&bytes).is_ok(), "depth may be left unchecked when skipping");
        assert!(Value::decode(&bytes).is_err());
        bounded(&bytes);
    }
}
