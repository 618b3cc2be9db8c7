//! The layout of the memory of a link, as specified in `LAYOUT.md`.

use crate::memory::Memory;
use std::io;

/// The capacities of the two rings of a link. Default 1 MiB each.
///
/// ```
/// use coincide_transport_atomics::Rings;
///
/// let rings = Rings::default().up_capacity(100_000);
/// assert_eq!(rings, Rings::default().up_capacity(131_072));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    up: u32,
    down: u32,
}

impl Rings {
    /// Smallest capacity of a ring in bytes. Its largest frame, an eighth of it, is the smallest frame limit of a session.
    pub const MIN_CAPACITY: usize = if cfg!(loom) { 256 } else { 16 << 10 };

    /// Largest capacity of a ring in bytes.
    pub const MAX_CAPACITY: usize = 1 << 30;

    /// Sets the capacity in bytes of the ring from worker to main. It is rounded up to a power of two, and clamped to the range from
    /// [`MIN_CAPACITY`](Self::MIN_CAPACITY) to [`MAX_CAPACITY`](Self::MAX_CAPACITY).
    #[must_use]
    pub fn up_capacity(self, bytes: usize) -> Self {
        Self { up: round_capacity(bytes), ..self }
    }

    /// Sets the capacity in bytes of the ring from main to worker, rounded like [`up_capacity`](Self::up_capacity).
    #[must_use]
    pub fn down_capacity(self, bytes: usize) -> Self {
        Self { down: round_capacity(bytes), ..self }
    }

    /// Bytes of memory for a link with these rings.
    pub(crate) fn region_len(&self) -> usize {
        CONTROL_LEN + self.up as usize + self.down as usize
    }

    /// Writes the description of the link into memory that is still all zero and not shared yet.
    pub(crate) fn describe<M: Memory>(&self, memory: &M) {
        memory.store(MAGIC_WORD, MAGIC);
        memory.store(VERSION_WORD, VERSION);
        memory.store(UP_CAPACITY_WORD, self.up);
        memory.store(DOWN_CAPACITY_WORD, self.down);
    }

    /// Reads and checks the description of a link of `region_len` bytes that the peer created.
    pub(crate) fn read<M: Memory>(memory: &M, region_len: usize) -> io::Result<Self> {
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        if memory.load(MAGIC_WORD) != MAGIC {
            return refuse("the shared memory holds no link".into());
        }
        let version = memory.load(VERSION_WORD);
        if version != VERSION {
            return refuse(format!("the link has layout version {version}, this end knows {VERSION}"));
        }
        let config = Self { up: memory.load(UP_CAPACITY_WORD), down: memory.load(DOWN_CAPACITY_WORD) };
        let sound = |capacity: u32| round_capacity(capacity as usize) == capacity;
        if !sound(config.up) || !sound(config.down) || config.region_len() != region_len {
            return refuse(format!("rings of {} and {} bytes don't make {region_len}", config.up, config.down));
        }
        Ok(config)
    }

    /// The ring from worker to main.
    pub(crate) fn up(&self) -> Ring {
        Ring { data: CONTROL_LEN, capacity: self.up, head: UP_HEAD, room_wanted: UP_ROOM_WANTED }
    }

    /// The ring from main to worker.
    pub(crate) fn down(&self) -> Ring {
        Ring {
            data: CONTROL_LEN + self.up as usize,
            capacity: self.down,
            head: DOWN_HEAD,
            room_wanted: DOWN_ROOM_WANTED,
        }
    }
}

impl Default for Rings {
    /// 1 MiB in each direction. Pages that were never written take no memory, so an idle link uses few. A body that streams through a larger ring
    /// than the cache of a core reaches the other core through the shared cache, which is twice as fast.
    fn default() -> Self {
        Self { up: 1 << 20, down: 1 << 20 }
    }
}

/// Where one ring lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    /// Offset of its records.
    pub(crate) data: usize,
    /// Bytes of its records: a power of two.
    pub(crate) capacity: u32,
    /// Word: bytes consumed since the link was made, modulo 2^32. Written by the consumer with release after it has
    /// copied a record out. Read by the producer with acquire before it overwrites that record.
    pub(crate) head: usize,
    /// Word: 1 while the producer waits for room. Swapped to 1 by the producer, to 0 by the consumer, both with
    /// acquire and release: see [`Endpoint`](crate::endpoint::Endpoint).
    pub(crate) room_wanted: usize,
}

impl Ring {
    /// Largest frame in bytes. A record of it and the padding before it take little more than a quarter of the ring.
    pub(crate) fn max_frame(&self) -> usize {
        self.capacity as usize / FRAMES_PER_RING
    }
}

/// The words of one endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    /// Word: 1 while the endpoint sleeps or is about to. Swapped to 1 by the endpoint. Swapped to 0 by its peer when it rings, and by the
    /// endpoint when it is awake. All swaps acquire and release: see [`Endpoint`](crate::endpoint::Endpoint).
    pub(crate) parked: usize,
    /// Word: 1 once the endpoint has left. Written with release by the endpoint after its last frame, or by its peer on behalf of a dead process.
    /// Read with acquire by the peer, which then polls for frames once more.
    pub(crate) closed: usize,
}

/// The words of main.
pub(crate) const MAIN: Side = Side { parked: LINE, closed: 3 * LINE };

/// The words of the worker.
pub(crate) const WORKER: Side = Side { parked: 2 * LINE, closed: 4 * LINE };

/// Records start at multiples of this: a cache line, which is transferred as a unit.
pub(crate) const RECORD_ALIGN: u32 = 64;

/// Bytes of the length word at the start of a record.
pub(crate) const RECORD_HEADER: usize = 4;

/// Bit of a length word: the record is padding up to the end of the ring, of as many bytes as the other bits say.
pub(crate) const PADDING: u32 = 1 << 31;

/// Start of the rings: the control block has a page, so that the rings of a mapping start at pages too.
pub(crate) const CONTROL_LEN: usize = 4096;

// Each word that is written after the link was made has two lines of its own, since some processors fetch lines in pairs.
const LINE: usize = 128;

// Written by the maker of the link before it is shared, then only read.
const MAGIC_WORD: usize = 0;
const VERSION_WORD: usize = 4;
const UP_CAPACITY_WORD: usize = 8;
const DOWN_CAPACITY_WORD: usize = 12;

const UP_HEAD: usize = 5 * LINE;
const UP_ROOM_WANTED: usize = 6 * LINE;
const DOWN_HEAD: usize = 7 * LINE;
const DOWN_ROOM_WANTED: usize = 8 * LINE;

const MAGIC: u32 = u32::from_le_bytes(coincide_proto::MAGIC);
const VERSION: u32 = 1;

const FRAMES_PER_RING: usize = 8;

fn round_capacity(bytes: usize) -> u32 {
    let bytes = bytes.clamp(Rings::MIN_CAPACITY, Rings::MAX_CAPACITY);
    u32::try_from(bytes.next_power_of_two()).expect("at most 2^30")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::heap;

    #[test]
    fn capacities_are_rounded_and_limited() {
        let config = Rings::default().up_capacity(0).down_capacity(usize::MAX);
        assert_eq!((config.up, config.down), (16 << 10, 1 << 30));
        assert_eq!(Rings::default().up_capacity((64 << 10) + 1).up, 128 << 10);
    }

    #[test]
    fn description_is_read_back() {
        let config = Rings::default().up_capacity(16 << 10);
        let memory = heap::allocate(config.region_len());
        config.describe(&memory);
        assert_eq!(Rings::read(&memory, config.region_len()).unwrap(), config);
    }

    #[test]
    fn nonsense_is_refused() {
        let config = Rings::default();
        let len = config.region_len();
        for (word, value) in [
            (MAGIC_WORD, 0),
            (VERSION_WORD, 2),
            (UP_CAPACITY_WORD, 0),
            (UP_CAPACITY_WORD, 3 << 16),
            (UP_CAPACITY_WORD, 128 << 10),
            (DOWN_CAPACITY_WORD, u32::MAX),
        ] {
            let memory = heap::allocate(len);
            config.describe(&memory);
            memory.store(word, value);
            let error = Rings::read(&memory, len).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
