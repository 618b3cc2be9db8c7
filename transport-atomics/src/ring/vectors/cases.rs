//! The cases of `rings.json`, made by the producer or written by hand.

use super::{
    BrokenHead, BrokenLink, BrokenRing, Case, HeadVector, Hex, LinkVector, Pieces, RingVector, State, pattern,
    patterns, pieces,
};
use crate::layout::PADDING;

pub(super) fn links() -> Vec<LinkVector> {
    let link = |name: &str, up: u32, down: u32| LinkVector {
        name: name.into(),
        length: 4096 + u64::from(up) + u64::from(down),
        memory: description(MAGIC, 1, up, down),
        up,
        down,
    };
    vec![
        link("the smallest rings", 16 << 10, 16 << 10),
        link("the largest rings", 1 << 30, 1 << 30),
        link("a larger ring up", 64 << 10, 32 << 10),
        link("a larger ring down", 16 << 10, 256 << 10),
    ]
}

pub(super) fn broken_links() -> Vec<BrokenLink> {
    const MAGIC_IS: &str = "the magic isn't coin";
    const VERSION_IS: &str = "the layout version isn't 1";
    const LENGTH_IS: &str = "the length isn't that of the control block and both rings";
    const CAPACITY_IS: &str = "a capacity isn't a power of two from 16 KiB to 1 GiB";
    let (small, sum) = (16 << 10, 4096 + (32 << 10));
    let link = |name: &str, length: u64, memory: Pieces, why: &str| BrokenLink {
        name: name.into(),
        length,
        memory,
        why: why.into(),
    };
    let capacities = |name, up, down| {
        link(name, 4096 + u64::from(up) + u64::from(down), description(MAGIC, 1, up, down), CAPACITY_IS)
    };
    vec![
        link("all zero", sum, Pieces::new(), MAGIC_IS),
        link("the magic is zero", sum, description([0; 4], 1, small, small), MAGIC_IS),
        link("the magic reversed", sum, description(*b"nioc", 1, small, small), MAGIC_IS),
        link("the magic in capitals", sum, description(*b"COIN", 1, small, small), MAGIC_IS),
        link("version 0", sum, description(MAGIC, 0, small, small), VERSION_IS),
        link("version 2", sum, description(MAGIC, 2, small, small), VERSION_IS),
        link("version 1 in the other byte order", sum, description(MAGIC, 1 << 24, small, small), VERSION_IS),
        link("a byte too short", sum - 1, description(MAGIC, 1, small, small), LENGTH_IS),
        link("a byte too long", sum + 1, description(MAGIC, 1, small, small), LENGTH_IS),
        link("without the control block", sum - 4096, description(MAGIC, 1, small, small), LENGTH_IS),
        link("only the control block", 4096, description(MAGIC, 1, small, small), LENGTH_IS),
        link("for a smaller ring down", sum, description(MAGIC, 1, small, 2 * small), LENGTH_IS),
        capacities("no ring up", 0, small),
        capacities("no ring down", small, 0),
        capacities("a ring up that is too small", small / 2, small),
        capacities("a ring down that is too small", small, 64),
        capacities("a ring up that isn't a power of two", small * 3, small),
        capacities("a ring down that isn't a power of two", small, small + 64),
        capacities("a ring up that is too large", 1 << 31, small),
        capacities("a ring down that is too large", small, u32::MAX - 63),
        link("capacities whose sum is 0 modulo 2^32", 4096, description(MAGIC, 1, 1 << 31, 1 << 31), CAPACITY_IS),
    ]
}

fn description(magic: [u8; 4], version: u32, up: u32, down: u32) -> Pieces {
    pieces(&[magic, version.to_le_bytes(), up.to_le_bytes(), down.to_le_bytes()].concat())
}

pub(super) fn heads() -> Vec<HeadVector> {
    let head = |name: &str, head, tail, loaded, longest| HeadVector {
        name: name.into(),
        ring: State { capacity: CAPACITY, head, tail },
        loaded,
        longest,
    };
    vec![
        head("nothing has been sent", 0, 0, 0, 2048),
        head("nothing has been consumed", 0, 2048, 0, 2048),
        head("everything has been consumed", 0, 4096, 4096, 2048),
        head("as much has been consumed as before", 640, 4096, 640, 2048),
        head("full", 0, CAPACITY - 64, 0, 0),
        head("room for a length word and a line", 0, CAPACITY - 64, 64, 60),
        head("padding leaves no more than before", 0, CAPACITY - 64, 128, 60),
        head("padding leaves two lines", 0, CAPACITY - 64, 192, 124),
        head("padding leaves less than fits before the end", 0, CAPACITY - 256, 256, 252),
        head("room for all but the last line of the largest frame", 8192, CAPACITY + 6080, 8192, 2044),
        head("room for the largest frame", 8192, CAPACITY + 6016, 8192, 2048),
        head("positions pass 2^32", 0xffff_c040, 0, 0xffff_ff80, 2048),
        head("a full ring whose positions pass 2^32", 0xffff_e000, 0x0000_1fc0, 0xffff_e000, 0),
        head("one line of room at position 2^32", 0xffff_c040, 0, 0xffff_c080, 60),
    ]
}

pub(super) fn broken_heads() -> Vec<BrokenHead> {
    const ALIGNED: &str = "it isn't a multiple of 64";
    const BACK: &str = "it is behind the head that was loaded before";
    const BEYOND: &str = "it is beyond the tail";
    let head = |name: &str, head, tail, loaded, why: &str| BrokenHead {
        name: name.into(),
        ring: State { capacity: CAPACITY, head, tail },
        loaded,
        why: why.into(),
    };
    vec![
        head("one byte", 0, 4096, 1, ALIGNED),
        head("half a line", 0, 4096, 96, ALIGNED),
        head("a byte before the tail", 0, 4096, 4095, ALIGNED),
        head("back by a line", 128, 4096, 64, BACK),
        head("back to the start", 128, 4096, 0, BACK),
        head("back beyond the start", 0, 4096, 0xffff_ffc0, BACK),
        head("back over 2^32", 0, 4096, 0xffff_f000, BACK),
        head("a line too far", 0, 4096, 4160, BEYOND),
        head("a line consumed of an empty ring", 4096, 4096, 4160, BEYOND),
        head("a lap too far", 0, 4096, CAPACITY, BEYOND),
        head("an offset instead of a position", CAPACITY + 4096, CAPACITY + 8192, 8192, BACK),
        head("2^31 bytes too far", 0, 4096, 0x8000_0000, BEYOND),
        head("a line too far, where positions pass 2^32", 0xffff_ff80, 64, 128, BEYOND),
        head("back by a line, where positions pass 2^32", 0xffff_ff80, 64, 0xffff_ff40, BACK),
    ]
}

pub(super) fn rings() -> Vec<RingVector> {
    let ring = |name: &str, capacity, position, before: Pieces, frames: Vec<Hex>| {
        let mut ring = State { capacity, head: position, tail: position };
        let case = Case::new(&ring, &before);
        ring.tail = case.produce(position, &frames);
        let memory = case.dump();
        let after = case.consume(position).after;
        RingVector { name: name.into(), ring, before, memory, records: frames, after, unfinished: false }
    };
    let sent =
        |name, position, lens: &[usize]| ring(name, CAPACITY, position, Pieces::new(), patterns(lens.iter().copied()));
    // The last frame is not published yet: its first length word is 0.
    let unfinished = |name: &str, position, lens: &[usize], last| {
        let frames = patterns(lens.iter().copied());
        let mut ring = State { capacity: CAPACITY, head: position, tail: position };
        let case = Case::new(&ring, &Pieces::new());
        ring.tail = case.produce(position, &frames);
        case.produce(ring.tail, &[pattern(last)]);
        case.put(ring.tail, 0);
        let memory = case.dump();
        let after = case.consume(position).after;
        RingVector { name: name.into(), ring, before: Pieces::new(), memory, records: frames, after, unfinished: true }
    };
    let stale = |start: usize, lines: usize| vec![(start + 4, Hex(vec![0xee; lines * 64 - 4]))];
    vec![
        sent("empty", 0, &[]),
        sent("empty at a later position", 640, &[]),
        sent("one frame", 0, &[16]),
        sent("lengths of every size modulo 8", 0, &[1, 2, 3, 4, 5, 6, 7, 8]),
        sent("lengths about one line", 0, &[57, 58, 59, 60, 61, 62, 63, 64]),
        sent("lengths about two lines", 0, &[121, 122, 123, 124, 125, 126, 127, 128]),
        sent("the largest frame", 0, &[2048]),
        sent("the largest frame that fills its lines", 64, &[2044]),
        sent("one line before the end", CAPACITY - 64, &[60]),
        sent("one line before the end and one behind it", CAPACITY - 64, &[60, 60]),
        sent("a record of two lines that ends with the ring", CAPACITY - 128, &[124, 3]),
        sent("the largest record ends with the ring", CAPACITY - 2112, &[2048, 1]),
        sent("padding of two lines", CAPACITY - 128, &[125, 3]),
        sent("padding of one line", CAPACITY - 64, &[61]),
        sent("padding of one line before the largest frame", CAPACITY - 64, &[2048]),
        sent("the longest padding", CAPACITY - 2048, &[2045]),
        sent("padding behind records", CAPACITY - 256, &[100, 16, 64, 5]),
        sent("the second lap", CAPACITY + 192, &[33, 77]),
        sent("padding on the second lap", 2 * CAPACITY - 128, &[200, 9]),
        sent("positions pass 2^32", 0xffff_ff80, &[60, 124, 60]),
        sent("padding up to 2^32", 0xffff_ffc0, &[61, 60]),
        ring("zeros in frames", CAPACITY, 0, Pieces::new(), vec![Hex(vec![0]), Hex(vec![0; 100]), Hex(vec![0, 0, 7])]),
        ring(
            "frames of words that could be lengths",
            CAPACITY,
            0,
            Pieces::new(),
            vec![Hex(word_frame(16)), Hex(word_frame(PADDING | 64))],
        ),
        ring("older bytes in the ring", CAPACITY, 0, stale(0, 5), patterns([5, 70])),
        ring(
            "older bytes at the end of the ring",
            CAPACITY,
            CAPACITY - 128,
            stale(CAPACITY as usize - 128, 2),
            patterns([150]),
        ),
        ring("older bytes under a long frame", CAPACITY, 640, stale(640, 4), patterns([180])),
        ring("a ring of 32 KiB", 32 << 10, 0, Pieces::new(), patterns([2049])),
        ring("the largest frame of a ring of 32 KiB", 32 << 10, 16 << 10, Pieces::new(), patterns([4096])),
        ring("full", CAPACITY, 0, Pieces::new(), patterns([1; 255])),
        ring("full, with padding", CAPACITY, 0xffff_ff80, Pieces::new(), patterns([125].into_iter().chain([2; 250]))),
        unfinished("a frame whose length isn't there yet", 0, &[], 16),
        unfinished("a frame behind another whose length isn't there yet", 0, &[30], 80),
        unfinished("a frame behind padding that isn't there yet", CAPACITY - 128, &[], 125),
        unfinished("a frame behind a record and padding that isn't there yet", CAPACITY - 192, &[60], 125),
    ]
}

pub(super) fn broken_rings() -> Vec<BrokenRing> {
    const LENGTH: &str = "the length is beyond the largest frame";
    const END: &str = "the record goes over the end of the ring";
    const PADDING_END: &str = "the padding doesn't end with the ring";
    const PADDING_START: &str = "there is padding at the start of the ring";
    const NO_RECORD: &str = "there is no record behind the padding";
    // Words from the tail on, in bytes, behind a frame.
    let ring = |name: &str, capacity, tail: u32, words: &[(u32, u32)], why: &str| {
        let mut ring = State { capacity, head: tail.wrapping_sub(64), tail };
        let case = Case::new(&ring, &Pieces::new());
        let frames = patterns([16]);
        ring.tail = case.produce(ring.head, &frames);
        assert_eq!(ring.tail, tail);
        for (at, word) in words {
            case.put(tail.wrapping_add(*at), *word);
        }
        let memory = case.dump();
        let after = case.consume(ring.head).after;
        BrokenRing { name: name.into(), ring, memory, records: frames, after, why: why.into() }
    };
    let broken = |name, tail, words: &[(u32, u32)], why| ring(name, CAPACITY, tail, words, why);
    let end = |lines: u32| CAPACITY - lines * 64;
    vec![
        broken("a length beyond the largest frame", 64, &[(0, 2049)], LENGTH),
        broken("a length beyond the ring", 64, &[(0, CAPACITY + 1)], LENGTH),
        broken("the longest length", 64, &[(0, 0x7fff_ffff)], LENGTH),
        broken("a length in the other byte order", 64, &[(0, 16 << 24)], LENGTH),
        broken("a length beyond the largest frame at the start", CAPACITY, &[(0, 2049)], LENGTH),
        broken("text instead of a length", 64, &[(0, u32::from_le_bytes(*b"text"))], LENGTH),
        ring("a length beyond the largest frame of 32 KiB", 32 << 10, 64, &[(0, 4097)], LENGTH),
        broken("a record a line over the end", end(2), &[(0, 125)], END),
        broken("a record a byte over the end", end(1), &[(0, 61)], END),
        broken("the largest frame over the end", end(32), &[(0, 2048)], END),
        broken("padding at the start", CAPACITY, &[(0, PADDING | 64), (64, 16)], PADDING_START),
        broken("padding of the whole ring", CAPACITY, &[(0, PADDING | CAPACITY)], PADDING_START),
        broken("padding of no bytes at the start", CAPACITY, &[(0, PADDING)], PADDING_START),
        broken("padding in the middle", 8192, &[(0, PADDING | 64), (64, 16)], PADDING_END),
        broken("padding that ends a line early", end(2), &[(0, PADDING | 64), (64, 16), (128, 16)], PADDING_END),
        broken("padding that ends a byte early", end(2), &[(0, PADDING | 127), (128, 16)], PADDING_END),
        broken("padding that ends a byte late", end(2), &[(0, PADDING | 129), (128, 16)], PADDING_END),
        broken("padding that ends a line late", end(2), &[(0, PADDING | 192), (128, 16), (192, 16)], PADDING_END),
        broken("padding that ends a lap late", end(2), &[(0, PADDING | (CAPACITY + 128)), (128, 16)], PADDING_END),
        broken("padding that ends 2^30 bytes late", end(2), &[(0, PADDING | (1 << 30) | 128), (128, 16)], PADDING_END),
        broken("padding of no bytes", end(2), &[(0, PADDING), (128, 16)], PADDING_END),
        broken("the longest padding", end(2), &[(0, u32::MAX), (128, 16)], PADDING_END),
        broken("no record behind padding", end(2), &[(0, PADDING | 128)], NO_RECORD),
        broken("padding behind padding", end(2), &[(0, PADDING | 128), (128, PADDING | CAPACITY)], NO_RECORD),
        broken("a length beyond the largest frame behind padding", end(2), &[(0, PADDING | 128), (128, 2049)], LENGTH),
        broken(
            "padding of the wrong size where positions pass 2^32",
            0xffff_ff80,
            &[(0, PADDING | 64), (128, 16)],
            PADDING_END,
        ),
        cut("a length that is too short: the frame's own bytes follow it", 100, 16),
        cut("a length beyond what was written: older bytes follow it", 16, 100),
    ]
}

/// A frame that is announced with another length, so that the next length word lies within its bytes or beyond its record.
fn cut(name: &str, len: usize, announced: u32) -> BrokenRing {
    let ring = State { capacity: CAPACITY, head: 0, tail: (announced + 4).next_multiple_of(64) };
    let case = Case::new(&ring, &vec![(128, Hex(vec![0x5e; 64]))]);
    case.produce(0, &[pattern(len)]);
    case.put(0, announced);
    let memory = case.dump();
    let found = case.consume(0);
    assert_eq!(found.records.len(), 1);
    let why = "the length is beyond the largest frame".into();
    BrokenRing { name: name.into(), ring, memory, records: found.records, after: found.after, why }
}

/// A frame that repeats one word.
fn word_frame(word: u32) -> Vec<u8> {
    word.to_le_bytes().repeat(40)
}

const MAGIC: [u8; 4] = *b"coin";

/// The smallest capacity.
const CAPACITY: u32 = 16 << 10;
