//! `proto/vectors/rings.json`: test vectors for the memory of links. `proto/SPEC.md` specifies
//! the form.
//!
//! One test generates the vectors with the producer and compares them with the file, or writes it if `COINCIDE_BLESS` is set. The other tests check
//! both ends of the ring, and the description of a link, against the file.

mod cases;

use super::{Consumer, Producer};
use crate::heap;
use crate::layout::{CONTROL_LEN, Ring, Rings};
use crate::memory::Memory;
use crate::region::Region;
use coincide_proto::{FrameBytes, ProtocolError, Transmit};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn vectors_are_what_the_producer_writes() {
    let Some(path) = path() else { return };
    let text = Vectors::make().render();
    if std::env::var_os("COINCIDE_BLESS").is_some() {
        // Atomically: other tests may read the file.
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    } else {
        assert!(std::fs::read_to_string(&path).unwrap() == text, "{} has changed", path.display());
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn rings_are_read_and_written() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.valid {
        let case = Case::new(&vector.ring, &vector.memory);
        let found = case.consume(vector.ring.head);
        assert_eq!(found.error, None, "{}", vector.name);
        assert_eq!((&found.records, found.after), (&vector.records, vector.after), "{}", vector.name);
        assert_eq!(vector.after.head, vector.ring.tail, "{}", vector.name);
        if !vector.unfinished {
            let before = Case::new(&vector.ring, &vector.before);
            let tail = before.produce(vector.ring.head, &vector.records);
            assert_eq!((tail, before.dump()), (vector.ring.tail, case.dump()), "{}", vector.name);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn broken_rings_are_refused() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.invalid {
        let found = Case::new(&vector.ring, &vector.memory).consume(vector.ring.head);
        assert!(found.error.is_some(), "{}", vector.name);
        assert_eq!((&found.records, found.after), (&vector.records, vector.after), "{}", vector.name);
        assert_eq!(vector.after.head, vector.ring.tail, "{}", vector.name);
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn heads_make_room_or_are_refused() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.heads.valid {
        assert_eq!(longest_frame(&vector.ring, vector.loaded), Ok(vector.longest), "{}", vector.name);
    }
    for vector in &vectors.heads.invalid {
        assert!(longest_frame(&vector.ring, vector.loaded).is_err(), "{}", vector.name);
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn links_are_taken_over_or_refused() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.links.valid {
        let config = take_over(vector.length, &vector.memory).unwrap();
        assert_eq!((config.up().capacity, config.down().capacity), (vector.up, vector.down), "{}", vector.name);
    }
    for vector in &vectors.links.invalid {
        assert!(take_over(vector.length, &vector.memory).is_err(), "{}", vector.name);
    }
}

#[derive(Serialize, Deserialize)]
struct Vectors {
    links: Both<LinkVector, BrokenLink>,
    heads: Both<HeadVector, BrokenHead>,
    valid: Vec<RingVector>,
    invalid: Vec<BrokenRing>,
}

#[derive(Serialize, Deserialize)]
struct Both<V, I> {
    valid: Vec<V>,
    invalid: Vec<I>,
}

#[derive(Serialize, Deserialize)]
struct LinkVector {
    name: String,
    length: u64,
    memory: Pieces,
    up: u32,
    down: u32,
}

#[derive(Serialize, Deserialize)]
struct BrokenLink {
    name: String,
    length: u64,
    memory: Pieces,
    why: String,
}

#[derive(Serialize, Deserialize)]
struct HeadVector {
    name: String,
    ring: State,
    loaded: u32,
    longest: usize,
}

#[derive(Serialize, Deserialize)]
struct BrokenHead {
    name: String,
    ring: State,
    loaded: u32,
    why: String,
}

#[derive(Serialize, Deserialize)]
struct RingVector {
    name: String,
    ring: State,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Pieces,
    memory: Pieces,
    records: Vec<Hex>,
    after: After,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
}

#[derive(Serialize, Deserialize)]
struct BrokenRing {
    name: String,
    ring: State,
    memory: Pieces,
    records: Vec<Hex>,
    after: After,
    why: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct State {
    capacity: u32,
    head: u32,
    tail: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct After {
    head: u32,
    reports: u32,
}

/// The bytes that are not zero, with their offsets.
type Pieces = Vec<(usize, Hex)>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Hex(Vec<u8>);

impl From<Hex> for String {
    fn from(Hex(bytes): Hex) -> Self {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Hex {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).unwrap_or("odd"));
        pairs.map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>().map(Self)
    }
}

/// The memory of a link, and its ring *up*.
struct Case {
    memory: Region,
    ring: Ring,
}

/// The outcome of a consumer.
struct Found {
    records: Vec<Hex>,
    after: After,
    error: Option<ProtocolError>,
}

impl Case {
    fn new(state: &State, pieces: &Pieces) -> Self {
        let config = Rings::default().up_capacity(state.capacity as usize).down_capacity(0);
        let case = Self { memory: heap::allocate(config.region_len()), ring: config.up() };
        assert_eq!(case.ring.capacity, state.capacity);
        for (at, Hex(bytes)) in pieces {
            assert!(at + bytes.len() <= state.capacity as usize);
            case.memory.copy_in(case.ring.data + at, bytes);
        }
        case.memory.store(case.ring.head, state.head);
        case
    }

    /// Writes a length word at a position.
    fn put(&self, position: u32, word: u32) {
        self.memory.store(self.ring.data + (position % self.ring.capacity) as usize, word);
    }

    /// Sends all of the frames, beginning at a position. Returns the tail.
    fn produce(&self, position: u32, frames: &[Hex]) -> u32 {
        let mut producer = Producer::new(self.ring).at(position);
        for Hex(frame) in frames {
            let (head, body) = frame.split_at(frame.len().min(16));
            assert_eq!(producer.write(&self.memory, &Transmit::new(head, body)), Ok(true));
        }
        producer.tail
    }

    /// Receives all records, beginning at a position.
    fn consume(&self, position: u32) -> Found {
        let dump = self.dump();
        let mut consumer = Consumer::new(self.ring).at(position);
        let (mut records, mut reports) = (Vec::new(), 0);
        let error = loop {
            match consumer.peek(&self.memory) {
                Ok(Some(record)) => {
                    let mut bytes = vec![0; record.len];
                    record.frame(&self.memory, &mut Vec::new()).copy_to(0, &mut bytes);
                    records.push(Hex(bytes));
                    consumer.release(&self.memory, &record);
                    if consumer.owes_report() {
                        consumer.report_room(&self.memory);
                        reports += 1;
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert_eq!(consumer.has_record(&self.memory), error.is_some());
        assert_eq!(self.dump(), dump, "a consumer doesn't write to the records");
        Found { records, after: After { head: self.memory.load(self.ring.head), reports }, error }
    }

    /// The records as pieces of whole words.
    fn dump(&self) -> Pieces {
        let mut bytes = vec![0; self.ring.capacity as usize];
        self.memory.copy_out(self.ring.data, &mut bytes);
        pieces(&bytes)
    }
}

/// The words that are not zero, with their offsets.
fn pieces(bytes: &[u8]) -> Pieces {
    let mut pieces = Pieces::new();
    for (index, word) in bytes.chunks(4).enumerate().filter(|(_, word)| **word != [0; 4]) {
        let at = index * 4;
        match pieces.last_mut() {
            Some((start, Hex(piece))) if *start + piece.len() == at => piece.extend(word),
            _ => pieces.push((at, Hex(word.to_vec()))),
        }
    }
    pieces
}

/// The longest frame that a producer can send once it has loaded this head.
fn longest_frame(state: &State, loaded: u32) -> Result<usize, ProtocolError> {
    let case = Case::new(state, &Pieces::new());
    case.memory.store(case.ring.head, loaded);
    let producer = || Producer { tail: state.tail, head: state.head, ..Producer::new(case.ring) };
    // A frame that fits without it does not make the producer load the head.
    producer().read_head(&case.memory)?;
    for len in (1..=case.ring.max_frame()).rev() {
        if producer().write(&case.memory, &Transmit::new(&vec![1; len], &[]))? {
            return Ok(len);
        }
    }
    Ok(0)
}

fn take_over(length: u64, pieces: &Pieces) -> io::Result<Rings> {
    // The description is in the control block, which does not depend on the length.
    let memory = heap::allocate(CONTROL_LEN);
    for (at, Hex(bytes)) in pieces {
        memory.copy_in(*at, bytes);
    }
    Rings::read(&memory, usize::try_from(length).unwrap())
}

/// Bytes of which no word is zero, and that differ wherever they are cut.
fn pattern(len: usize) -> Hex {
    Hex((0..len).map(|index| (index % 251 + 1) as u8).collect())
}

fn patterns(lens: impl IntoIterator<Item = usize>) -> Vec<Hex> {
    lens.into_iter().map(pattern).collect()
}

impl Vectors {
    fn make() -> Self {
        Self {
            links: Both { valid: cases::links(), invalid: cases::broken_links() },
            heads: Both { valid: cases::heads(), invalid: cases::broken_heads() },
            valid: cases::rings(),
            invalid: cases::broken_rings(),
        }
    }

    /// `None`: see [`path`].
    fn read() -> Option<Self> {
        Some(serde_json::from_str(&std::fs::read_to_string(path()?).unwrap()).unwrap())
    }

    /// A line for each vector.
    fn render(&self) -> String {
        fn list<T: Serialize>(text: &mut String, indent: &str, name: &str, vectors: &[T], end: &str) {
            let lines: Vec<_> = vectors.iter().map(|vector| serde_json::to_string(vector).unwrap()).collect();
            let lines = lines.join(&format!(",\n{indent}  "));
            *text += &format!("{indent}\"{name}\": [\n{indent}  {lines}\n{indent}]{end}\n");
        }
        let mut text = "{\n  \"links\": {\n".to_owned();
        list(&mut text, "    ", "valid", &self.links.valid, ",");
        list(&mut text, "    ", "invalid", &self.links.invalid, "");
        text += "  },\n  \"heads\": {\n";
        list(&mut text, "    ", "valid", &self.heads.valid, ",");
        list(&mut text, "    ", "invalid", &self.heads.invalid, "");
        text += "  },\n";
        list(&mut text, "  ", "valid", &self.valid, ",");
        list(&mut text, "  ", "invalid", &self.invalid, "");
        text + "}\n"
    }
}

/// Path of the vectors. `None` in the published package, which does not contain them, and on big-endian targets.
fn path() -> Option<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let published = package.join("Cargo.toml.orig").exists();
    (!published && cfg!(target_endian = "little")).then(|| package.join("../proto/vectors/rings.json"))
}
