//! Body of the fuzz target `ring_reader`, and a test that runs it on the target's corpus.

use crate::heap;
use crate::layout::{Ring, Rings};
use crate::memory::Memory;
use crate::region::Region;
use crate::ring::{Consumer, Producer};
use coincide_proto::{FrameBytes, Transmit};

/// Runs one end of a link with a peer whose writes are determined by the input. It writes to the ring that this end reads, to the head of the
/// ring that this end writes, and to the description of the link.
///
/// # Panics
/// If the end violates `LAYOUT.md`.
pub fn ring_reader(input: &[u8]) {
    let mut input = Input(input);
    let Some(position) = input.word() else { return };
    let config = Rings::default().up_capacity(0).down_capacity(0);
    let memory = heap::allocate(config.region_len());
    config.describe(&memory);
    let (inbox, outbox) = (config.up(), config.down());
    let mut position = position & !63;
    let mut consumer = Consumer::new(inbox).at(position);
    let mut producer = Producer::new(outbox).at(position);
    memory.store(outbox.head, position);
    // Offset of a line of the ring, counted from the next record.
    let line = |position: u32, lines: u8| {
        inbox.data + (position.wrapping_add_signed(i32::from(lines.cast_signed()) * 64) % inbox.capacity) as usize
    };

    while let Some(step) = input.byte() {
        match step % 6 {
            0 => memory.store(line(position, input.byte_or_0()), input.word_or_0()),
            1 => {
                let at = line(position, input.byte_or_0()) + usize::from(input.byte_or_0() % 64);
                let bytes = input.bytes();
                let fit = bytes.len().min(inbox.data + inbox.capacity as usize - at);
                memory.copy_in(at, &bytes[..fit]);
            }
            2 => {
                for _ in 0..=input.byte_or_0() {
                    if !read(&memory, inbox, &mut consumer, &mut position) {
                        break;
                    }
                }
            }
            3 => memory.store(outbox.head, input.word_or_0()),
            4 => {
                let len =
                    1 + usize::from(u16::from_le_bytes([input.byte_or_0(), input.byte_or_0()])) % outbox.max_frame();
                producer.has_room(&memory);
                match producer.write(&memory, &Transmit::new(&[7], &vec![8; len - 1])) {
                    Ok(true) => {}
                    // The producer has loaded the head, which was valid.
                    Ok(false) => assert!(memory.load(outbox.head).is_multiple_of(64)),
                    // The endpoint does not use the ring again.
                    Err(_) => return,
                }
            }
            _ => {
                memory.store(usize::from(input.byte_or_0() % 4) * 4, input.word_or_0());
                let len = if step & 64 == 0 { config.region_len() } else { input.word_or_0() as usize };
                if let Ok(found) = Rings::read(&memory, len) {
                    let words = [0, 4, 8, 12].map(|at| memory.load(at));
                    assert_eq!(words[..2], [u32::from_ne_bytes(*b"coin"), 1]);
                    let (up, down) = (found.up(), found.down());
                    assert_eq!(words[2..], [up.capacity, down.capacity]);
                    for ring in [up, down] {
                        assert!(ring.capacity.is_power_of_two() && (16 << 10..=1 << 30).contains(&ring.capacity));
                    }
                    assert_eq!((up.data, up.data + up.capacity as usize), (4096, down.data));
                    assert_eq!(down.data + down.capacity as usize, len);
                }
            }
        }
    }
}

/// Receives a record. Returns `false` if there is none, or no valid one.
fn read(memory: &Region, ring: Ring, consumer: &mut Consumer, position: &mut u32) -> bool {
    let mut before = vec![0; ring.capacity as usize];
    memory.copy_out(ring.data, &mut before);
    let expected = record_at(&before, *position);
    assert_eq!(consumer.has_record(memory), expected != Ok(None));
    let record = match (consumer.peek(memory), expected) {
        (Ok(Some(record)), Ok(Some((frame, next)))) => {
            let mut near = Vec::new();
            let found = record.frame(memory, &mut near);
            let mut bytes = vec![0; found.len()];
            found.copy_to(0, &mut bytes);
            assert_eq!(bytes, frame);
            found.copy_to(frame.len() / 2, &mut bytes[frame.len() / 2..]);
            assert_eq!(bytes, frame);
            *position = next;
            record
        }
        (Ok(None), Ok(None)) | (Err(_), Err(())) => return false,
        (found, expected) => panic!(
            "expected {expected:?}, found an error: {}, a record: {}",
            found.is_err(),
            matches!(found, Ok(Some(_)))
        ),
    };
    consumer.release(memory, &record);
    assert_eq!(memory.load(ring.head), *position);
    if consumer.owes_report() {
        consumer.report_room(memory);
    }
    let mut after = vec![0; before.len()];
    memory.copy_out(ring.data, &mut after);
    assert!(before == after, "a consumer doesn't write to the records");
    true
}

/// The record at a position according to the specification: its frame, and the position of the next record.
fn record_at(ring: &[u8], position: u32) -> Result<Option<(&[u8], u32)>, ()> {
    let word = |at: usize| u32::from_ne_bytes(ring[at..at + 4].try_into().expect("four bytes")) as usize;
    let at = position as usize % ring.len();
    let (start, skipped) = match word(at) {
        0 => return Ok(None),
        padding if padding >> 31 == 1 => {
            let skipped = padding & 0x7fff_ffff;
            if at == 0 || at + skipped != ring.len() {
                return Err(());
            }
            (0, skipped)
        }
        _ => (at, 0),
    };
    let len = word(start);
    let size = (len + 4).next_multiple_of(64);
    if len == 0 || len > ring.len() / 8 || start + size > ring.len() {
        return Err(());
    }
    Ok(Some((&ring[start + 4..start + 4 + len], position.wrapping_add((skipped + size) as u32))))
}

/// The rest of the input.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn word(&mut self) -> Option<u32> {
        self.0.split_off(..4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    fn byte_or_0(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    fn word_or_0(&mut self) -> u32 {
        self.word().unwrap_or(0)
    }

    /// Up to as many bytes as the value of the next byte.
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte_or_0()).min(self.0.len());
        self.0.split_off(..len).expect("not more than there are")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    #[cfg_attr(miri, ignore = "reads files")]
    fn corpus_is_survived() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        if package.join("Cargo.toml.orig").exists() {
            // The published package does not contain the corpus.
            return;
        }
        let mut count = 0;
        for entry in std::fs::read_dir(package.join("../fuzz/corpus/ring_reader")).expect("the corpus is committed") {
            ring_reader(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0);
    }
}
