//! Vectors of rings in shared memory, written by a model that follows the specification of their layout step by step.

use crate::link::pattern;
use crate::vectors::{hex, render};
use serde_json::{Value, json};

/// A ring with its producer and its consumer.
struct Ring {
    capacity: u32,
    memory: Vec<u8>,
    /// Where the producer and the consumer are.
    tail: u32,
    head: u32,
    /// The frames between them.
    frames: Vec<Vec<u8>>,
}

const CAPACITY: u32 = 16 << 10;
const PADDING: u32 = 0x8000_0000;

impl Ring {
    fn new() -> Self {
        Self::at(0)
    }

    /// A ring through which `position` bytes have gone.
    fn at(position: u32) -> Self {
        Self {
            capacity: CAPACITY,
            memory: vec![0; CAPACITY as usize],
            tail: position,
            head: position,
            frames: Vec::new(),
        }
    }

    fn word(&mut self, at: u32, value: u32) {
        let at = (at % self.capacity) as usize;
        self.memory[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// `false`: there is no room.
    fn produce(&mut self, frame: &[u8]) -> bool {
        let size = (frame.len() as u32 + 4).next_multiple_of(64);
        let at = self.tail % self.capacity;
        let padding = if size <= self.capacity - at { 0 } else { self.capacity - at };
        if self.capacity - self.tail.wrapping_sub(self.head) < padding + size + 64 {
            return false;
        }
        let start = (at + padding) % self.capacity;
        self.word(start + size, 0);
        let place = start as usize + 4;
        self.memory[place..place + frame.len()].copy_from_slice(frame);
        self.word(start, frame.len() as u32);
        if padding > 0 {
            self.word(at, PADDING + padding);
        }
        self.tail = self.tail.wrapping_add(padding + size);
        self.frames.push(frame.to_vec());
        true
    }

    fn consume_all(&mut self) {
        self.head = self.tail;
        self.frames.clear();
    }

    /// The records up to the last, as what the consumer finds.
    fn valid(self, name: &str) -> Value {
        let frames: Vec<_> = self.frames.iter().map(|frame| hex(frame)).collect();
        let mut vector = self.vector(name);
        vector["frames"] = json!(frames);
        vector["headAfter"] = json!(self.tail);
        vector
    }

    /// The records up to the last, then something that can't be.
    fn broken(self, name: &str) -> Value {
        let mut vector = self.vector(name);
        vector["frames"] = json!(self.frames.iter().map(|frame| hex(frame)).collect::<Vec<_>>());
        vector
    }

    fn vector(&self, name: &str) -> Value {
        let lines = self.memory.chunks(64).enumerate();
        let lines = lines.filter(|(_, line)| line.iter().any(|byte| *byte != 0));
        let memory: Vec<_> = lines.map(|(index, line)| json!([index * 64, hex(line)])).collect();
        json!({ "name": name, "capacity": self.capacity, "head": self.head, "memory": memory })
    }
}

pub(crate) fn rings() -> String {
    let largest = CAPACITY as usize / 8;
    let filled = |position, sizes: &[usize]| {
        let mut ring = Ring::at(position);
        for size in sizes {
            assert!(ring.produce(&pattern(*size)), "{size} bytes fit");
        }
        ring
    };
    let valid = vec![
        Ring::new().valid("empty"),
        filled(0, &[16]).valid("one frame"),
        filled(0, &[1, 60, 61, 124, 125, 700]).valid("frames of one line and more"),
        filled(CAPACITY - 128, &[60, 16]).valid("records up to the very end"),
        filled(CAPACITY - 128, &[124, 3]).valid("a record that ends with the ring"),
        filled(CAPACITY - 128, &[125, 3]).valid("padding at the end"),
        filled(CAPACITY - 64, &[largest]).valid("padding of one line"),
        filled(0xffff_ffc0, &[60, 61]).valid("positions pass 2^32"),
        {
            let mut ring = filled(0, &[700, 700]);
            ring.consume_all();
            // A lap later what was consumed is still there, but for the length words behind the records.
            ring.tail = 0;
            ring.head = 0;
            ring.word(0, 0);
            assert!(ring.produce(&pattern(100)));
            ring.valid("what was consumed has no meaning")
        },
        {
            let mut ring = Ring::new();
            while ring.produce(&pattern(1000)) {}
            while ring.produce(&pattern(1)) {}
            ring.valid("full")
        },
    ];
    let broken = |name, position: u32, words: &[(u32, u32)]| {
        let mut ring = filled(position, &[16]);
        let tail = ring.tail;
        for (at, value) in words {
            ring.word(tail.wrapping_add(*at), *value);
        }
        ring.broken(name)
    };
    let end = CAPACITY - 192;
    let invalid = vec![
        broken("a length beyond the limit", 0, &[(0, largest as u32 + 1)]),
        broken("a length far beyond the limit", 0, &[(0, 0x7fff_ffff)]),
        broken("a record over the end of the ring", end, &[(0, 125)]),
        broken("padding that ends too early", end, &[(0, PADDING + 64), (64, 16), (128, 16)]),
        broken("padding that ends too late", end, &[(0, PADDING + 192), (128, 16)]),
        broken("padding of nothing", end, &[(0, PADDING), (128, 16)]),
        broken("padding of everything", CAPACITY - 64, &[(0, PADDING + CAPACITY)]),
        broken("padding before nothing", end, &[(0, PADDING + 128)]),
        broken("padding before padding", end, &[(0, PADDING + 128), (128, PADDING + CAPACITY)]),
        broken("padding before a length beyond the limit", end, &[(0, PADDING + 128), (128, largest as u32 + 1)]),
    ];
    render(json!({}), &[("valid", valid), ("invalid", invalid)])
}
