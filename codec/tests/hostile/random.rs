//! Random bytes, and random changes to valid values.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        feed(&bytes);
        feed_typed(&bytes);
    }

    #[test]
    fn any_tags(items in vec(tag(), 0..60)) {
        feed(&items.concat());
    }

    #[test]
    fn mutated_values(seed: prop::sample::Index, changes in vec(change(), 0..4)) {
        let mut bytes = SEEDS[seed.index(SEEDS.len())].clone();
        for change in changes {
            change.apply(&mut bytes);
        }
        feed(&bytes);
    }

    #[test]
    fn mutated_typed(
        text: Option<String>,
        pairs in vec(any::<(u8, Vec<u8>)>(), 0..4),
        changes in vec(change(), 0..4),
    ) {
        let pairs: Vec<_> = pairs.into_iter().map(|(number, bytes)| (number, ByteBuf::from(bytes))).collect();
        let flat: Flat = (text, pairs, BTreeMap::from([('a', [1, -1])]), Err(5), Value::Array(vec![Value::Null]));
        let mut bytes = Vec::new();
        typed::to_buf(&flat, 0, &mut bytes).expect("the value can be encoded");
        let mut bytes = bytes.split_off(8);
        for change in changes {
            change.apply(&mut bytes);
        }
        feed_typed(&bytes);
    }
}

proptest! {
    #[test]
    fn memory_is_a_multiple_of_what_has_arrived(items in vec(tag(), 0..100), changes in vec(change(), 0..3)) {
        let mut bytes = items.concat();
        for change in changes {
            change.apply(&mut bytes);
        }
        bounded(&bytes);
    }
}

/// A tag and plausible bytes after it, which reaches deeper than random bytes alone.
fn tag() -> impl Strategy<Value = Vec<u8>> {
    let small = || prop_oneof![8 => 0_u8..4, 1 => any::<u8>()];
    prop_oneof![
        4 => any::<u8>().prop_map(|tag| vec![tag]),
        2 => (0x60_u8..=0x64).prop_map(|tag| vec![tag]),
        2 => (0x70_u8..=0x72, 0_u8..26).prop_map(|(tag, letter)| vec![tag, 0, 0x41, b'a' + letter]),
        3 => (0x80_u8..=0x9f, vec(small(), 0..5)).prop_map(|(tag, rest)| [vec![tag], rest].concat()),
        1 => (0_u8..=12, small(), small()).prop_map(|(kind, offset, len)| vec![0x99, kind, offset, len, 0x96, 2, 0, 0]),
        1 => (0x92_u8..=0x93, 1_u8..4).prop_map(|(tag, count)| vec![tag, count]),
        1 => (0_u8..2, 0_u8..2).prop_map(|(cause, count)| vec![0x94, cause, count, 0x40, 0x41, b'm', 0x40]),
        2 => (0_u8..12).prop_map(|number| vec![0x9e, number]),
        1 => any::<char>().prop_map(|letter| {
            let text = letter.to_string();
            [&[0x40 + text.len() as u8], text.as_bytes()].concat()
        }),
    ]
}

/// A change to bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<Index>(), tag()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), 1_usize..5).prop_map(|(at, len)| Change::Remove(at, len)),
        (any::<Index>(), 1_usize..50).prop_map(|(at, len)| Change::Repeat(at, len)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |at: usize, len: usize| (at + len).min(bytes.len());
        match self {
            Self::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
            Self::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, len) => {
                let at = at.index(bytes.len());
                bytes.drain(at..end(at, *len));
            }
            Self::Repeat(at, len) => {
                let at = at.index(bytes.len());
                let part = bytes[at..end(at, *len)].to_vec();
                bytes.splice(at..at, part);
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}
