//! Memory: announced lengths cost nothing, items a small multiple of their bytes.

use super::*;

#[test]
fn announced_lengths_allocate_nothing() {
    let mut lengths = vec![];
    for length in [1_u64 << 20, 1 << 32, 1 << 60, (1 << 60) + 1, 1 << 63, u64::MAX] {
        lengths.push(varint(length));
    }
    let tags: [&[u8]; 16] = [
        &[0x88],
        &[0x89],
        &[0x8a],
        &[0x8b],
        &[0x8c, 0x8a],
        &[0x90],
        &[0x91],
        &[0x92],
        &[0x93],
        &[0x94, 0x00],
        &[0x96],
        &[0x97, 0x7f],
        &[0x98],
        &[0x9a, 0x40],
        &[0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x9c, 0x00, 0x00, 0x44, b's', b'r', b'g', b'b'],
    ];
    for (tag, length) in tags.iter().flat_map(|tag| lengths.iter().map(move |length| (tag, length))) {
        for around in [&[][..], &[0x61], &[0x71, 0x00, 0x41, b'a']] {
            let bytes = [around, tag, length, &[0; 16]].concat();
            let peak = peak_of(|| {
                assert!(Value::decode(&bytes).is_err());
                assert!(from_slice::<Vec<String>>(&bytes).is_err());
                assert!(from_slice::<HashMap<String, String>>(&bytes).is_err());
                assert!(from_slice::<ByteBuf>(&bytes).is_err());
                assert!(from_slice::<Any>(&bytes).is_err());
                assert!(from_slice::<IgnoredAny>(&bytes).is_err());
            });
            assert!(peak < 4096, "{peak} bytes for {bytes:02x?}");
        }
    }
    for length in &lengths {
        let bytes = [&[0; 8], &length[..], &[1; 16]].concat();
        let peak = peak_of(|| {
            assert!(typed::from_slice::<String>(&bytes, 0).is_err());
            assert!(typed::from_slice::<ByteBuf>(&bytes, 0).is_err());
            assert!(typed::from_slice::<Vec<u64>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<HashMap<u8, String>>(&bytes, 0).is_err());
        });
        assert!(peak < 4096, "{peak} bytes for typed {length:02x?}");
        let decoded = decoded_by(|| {
            assert!(typed::from_slice::<Vec<Nothing>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<HashMap<Nothing, Nothing>>(&bytes, 0).is_err());
            assert!(typed::from_slice::<Vec<Vec<[Nothing; 4]>>>(&[&[0; 8], &[1][..], length].concat(), 0).is_err());
        });
        assert!(decoded < MOST_DECODED, "{decoded} items for typed {length:02x?}");
    }
    // Each announces as many elements as are allowed if they take no bytes.
    let nested = [&[0; 8], &varint(65_000).repeat(MAX_DEPTH)[..]].concat();
    let peak = peak_of(|| assert!(typed::from_slice::<Nest>(&nested, 0).is_err()));
    assert!(peak < 4096 + MAX_DEPTH * 4 * size_of::<Nest>(), "{peak} bytes");
    // Each announces as many elements as there are bytes left.
    let list = [&[0; 8], &varint(300_000)[..], &varint(300_000).repeat(300_000)].concat();
    let decoded = decoded_by(|| assert!(typed::from_slice::<Vec<Vec<Nothing>>>(&list, 0).is_err()));
    assert!(decoded < MOST_DECODED, "{decoded} items for {} bytes", list.len());
}

#[test]
fn nested_announcements_allocate_a_multiple_of_the_bytes_received() {
    // Each level announces as many items as there are bytes left, but the items belong to the innermost level.
    for (len, announcement) in [(20_000, vec![0x90, 0x90, 0x4e]), (20_000, vec![0x93, 0x90, 0x4e])] {
        bounded(&[announcement.repeat(MAX_DEPTH), vec![0x60; len]].concat());
    }
    let map = [0x92, 0x88, 0x27];
    bounded(&[map.repeat(MAX_DEPTH), vec![0x00; 10_000]].concat());
    let object = [vec![0x71, 0x00, 0x40], [0x91, 0x88, 0x27, 0x01].repeat(MAX_DEPTH), vec![0x01; 10_000]].concat();
    bounded(&object);
}

#[test]
fn smallest_items_stay_within_the_memory_bound() {
    // One more than the capacity of a list after it has doubled.
    const LEN: usize = 32_769;
    let list = |unit: &[u8], tag: u8| [&[tag][..], &varint(LEN as u64), &unit.repeat(LEN)].concat();
    for unit in [&[0x00][..], &[0x40], &[0x60], &[0x70], &[0x95, 0x00], &[0x94, 0, 0, 0x40, 0x40, 0x40]] {
        bounded(&list(unit, 0x90));
        bounded(&list(unit, 0x93));
        bounded(&list(&unit.repeat(2), 0x92));
    }
    bounded(&list(&[0x99, 0x02, 0x00, 0x01, 0x96, 0x00], 0x90));
    bounded(&list(&[0x61, 0x60], 0x90));
    bounded(&list(&[0x71, 0x00, 0x40, 0x60], 0x90));
    bounded(&[&[0x91][..], &varint(LEN as u64), &[0x00, 0x40, 0x00], &[0x01, 0x00].repeat(LEN - 1)].concat());
}
