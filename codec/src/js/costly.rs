//! A limit on objects that take the platform far longer to create than their bytes take to arrive.

/// Counts the costly objects of a payload: blobs, files and resizable buffers.
#[derive(Debug, Default)]
pub(super) struct Costly(usize);

impl Costly {
    /// Counts one.
    pub(super) fn add(&mut self) {
        self.0 += 1;
    }

    /// Whether a payload of this many bytes may hold those that were counted.
    pub(super) fn fit(&self, bytes: usize) -> bool {
        self.0 <= ALWAYS + bytes / EACH
    }
}

/// Why a value cannot be sent or received.
pub(super) const TOO_COSTLY: &str =
    "more than 1,024 blobs, files and resizable buffers cannot be sent in one value if they hold less than a KiB each";

/// Any payload may hold this many.
const ALWAYS: usize = 1024;

/// Each of the others needs this many bytes of payload.
const EACH: usize = 1024;
