//! A pair of plain byte rings: what a ring costs without calls, names and errors.

use std::sync::atomic::Ordering;

use super::{Payload, Subject, pair, serve_child};
use crate::case::{Call, Case, Condition};
use crate::child::{self, Caller};
use crate::measure::{Meter, Plan};
use crate::shared::Shared;
use coincide_benches::report::{Batch, Kind};

/// Two spinning ends with a ring each way. A message is its length and its bytes; a long one streams through in pieces, so that
/// both ends copy at once.
pub(crate) struct RawRing {
    name: &'static str,
    about: &'static str,
    /// Bytes in flight: a power of two.
    capacity: u32,
}

impl RawRing {
    pub(crate) const LARGE: Self = Self {
        name: "raw-ring",
        about: "two spinning ends with a plain ring of 512 KiB each way, whose head and tail are words apart; no calls, no names",
        capacity: 512 << 10,
    };

    pub(crate) const SMALL: Self =
        Self { name: "raw-ring-64K", about: "the same with rings of 64 KiB", capacity: 64 << 10 };

    fn memory_len(&self) -> usize {
        2 * (DATA + self.capacity as usize)
    }

    fn ends<'a>(&self, memory: &'a Shared) -> [Ring<'a>; 2] {
        let (capacity, second) = (self.capacity, DATA + self.capacity as usize);
        [Ring { memory, at: 0, capacity }, Ring { memory, at: second, capacity }]
    }
}

impl Subject for RawRing {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn kind(&self) -> Kind {
        Kind::Bound
    }

    fn takes(&self, case: &Case) -> bool {
        let small = case.call == Call::Echo { bytes: 32 };
        match case.condition {
            Condition::Hot => true,
            // A spin that never yields: once per kind of circumstance is enough to see what becomes of it.
            Condition::OneCore | Condition::Hogged => small && self.capacity == Self::LARGE.capacity,
            Condition::Cold => false,
            Condition::TwoLinks | Condition::TwoLinksBusy | Condition::ManyLinksBusy | Condition::BesideBulk => false,
        }
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let memory = Shared::new(self.memory_len())?;
        let [up, down] = self.ends(&memory);
        pair(case, || serve(up, down, None), || call(up, down, case, meter))
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let memory = Shared::new(self.memory_len())?;
        let [up, down] = self.ends(&memory);
        serve_child(self, case, plan, &memory.name(), |caller| serve(up, down, Some(caller)))
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let memory = Shared::open(&child::link()?)?;
        let [up, down] = self.ends(&memory);
        call(up, down, case, meter)
    }
}

fn call(up: Ring<'_>, down: Ring<'_>, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let mut sender = Sender { ring: up, tail: 0, head: 0 };
    let mut receiver = Receiver { ring: down, head: 0, tail: 0, caller: None };
    let mut payload = Payload::new(case);
    let mut answer = vec![];
    let result = meter.run(|| {
        sender.send(payload.next());
        receiver.receive(&mut answer);
        payload.check(&answer)
    });
    sender.say_goodbye();
    result
}

fn serve(up: Ring<'_>, down: Ring<'_>, caller: Option<&Caller>) -> anyhow::Result<()> {
    let mut receiver = Receiver { ring: up, head: 0, tail: 0, caller };
    let mut sender = Sender { ring: down, tail: 0, head: 0 };
    let mut message = vec![];
    while receiver.receive(&mut message) {
        sender.send(&message);
    }
    Ok(())
}

/// A ring of bytes. `0 <= tail - head <= capacity`, modulo 2^32.
#[derive(Clone, Copy)]
struct Ring<'a> {
    memory: &'a Shared,
    /// Where the ring lies: the word `head`, written by the receiver; the word `tail`, written by the sender; the bytes.
    at: usize,
    capacity: u32,
}

impl Ring<'_> {
    fn head(&self) -> &std::sync::atomic::AtomicU32 {
        self.memory.word(self.at)
    }

    fn tail(&self) -> &std::sync::atomic::AtomicU32 {
        self.memory.word(self.at + TAIL)
    }

    /// Where the byte of this number lies, and how many bytes follow before the ring wraps.
    fn place(&self, number: u32) -> (usize, usize) {
        let offset = number & (self.capacity - 1);
        (self.at + DATA + offset as usize, (self.capacity - offset) as usize)
    }

    /// Most bytes to be published or given back at a time.
    fn piece(&self) -> usize {
        self.capacity as usize / 8
    }
}

struct Sender<'a> {
    ring: Ring<'a>,
    tail: u32,
    /// The head as last seen.
    head: u32,
}

impl Sender<'_> {
    fn send(&mut self, message: &[u8]) {
        let length = message.len() as u32;
        self.write(&length.to_le_bytes());
        let mut rest = message;
        loop {
            let (piece, after) = rest.split_at(rest.len().min(self.ring.piece()));
            self.write(piece);
            // Release: after the bytes. Pairs with the load in `Receiver::wait_for`.
            self.ring.tail().store(self.tail, Ordering::Release);
            rest = after;
            if rest.is_empty() {
                return;
            }
        }
    }

    fn say_goodbye(&mut self) {
        self.write(&GOODBYE.to_le_bytes());
        self.ring.tail().store(self.tail, Ordering::Release);
    }

    fn write(&mut self, bytes: &[u8]) {
        while self.ring.capacity - self.tail.wrapping_sub(self.head) < bytes.len() as u32 {
            // Acquire: what the receiver has copied out may be written over. Pairs with the store in `Receiver::read`.
            self.head = self.ring.head().load(Ordering::Acquire);
            std::hint::spin_loop();
        }
        let (at, room) = self.ring.place(self.tail);
        let (first, second) = bytes.split_at(bytes.len().min(room));
        // SAFETY: these bytes are free, as the wait above has found, and the receiver reads them only once the tail has moved.
        unsafe {
            self.ring.memory.write(at, first);
            self.ring.memory.write(self.ring.at + DATA, second);
        }
        self.tail = self.tail.wrapping_add(bytes.len() as u32);
    }
}

struct Receiver<'a> {
    ring: Ring<'a>,
    head: u32,
    /// The tail as last seen.
    tail: u32,
    /// The child at the other end, if it is one.
    caller: Option<&'a Caller>,
}

impl Receiver<'_> {
    /// Replaces `message` with the next one. Returns `false` if the other end has left or died.
    fn receive(&mut self, message: &mut Vec<u8>) -> bool {
        let mut length = [0; 4];
        if !self.read(&mut length) {
            return false;
        }
        let length = u32::from_le_bytes(length);
        if length == GOODBYE {
            return false;
        }
        message.resize(length as usize, 0);
        message.chunks_mut(self.ring.piece()).all(|piece| self.read(piece))
    }

    fn read(&mut self, bytes: &mut [u8]) -> bool {
        if !self.wait_for(bytes.len() as u32) {
            return false;
        }
        let (at, room) = self.ring.place(self.head);
        let split = bytes.len().min(room);
        let (first, second) = bytes.split_at_mut(split);
        // SAFETY: these bytes have been published, and the sender writes over them only once the head has moved.
        unsafe {
            self.ring.memory.read(at, first);
            self.ring.memory.read(self.ring.at + DATA, second);
        }
        self.head = self.head.wrapping_add(bytes.len() as u32);
        // Release: after the copy. Pairs with the load in `Sender::write`.
        self.ring.head().store(self.head, Ordering::Release);
        true
    }

    fn wait_for(&mut self, bytes: u32) -> bool {
        loop {
            for _ in 0..POLLS {
                if self.tail.wrapping_sub(self.head) >= bytes {
                    return true;
                }
                // Acquire: before the bytes. Pairs with the stores of the sender.
                self.tail = self.ring.tail().load(Ordering::Acquire);
                std::hint::spin_loop();
            }
            if self.caller.is_some_and(Caller::has_finished) {
                return false;
            }
        }
    }
}

const TAIL: usize = 128;

const DATA: usize = 4096;

/// Written instead of a length.
const GOODBYE: u32 = u32::MAX;

/// Polls of the tail between two checks of the child.
const POLLS: u32 = 1 << 14;
