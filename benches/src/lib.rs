//! What the criterion benches and the reports have in common.

#![forbid(unsafe_code)]

#[cfg(feature = "report")]
pub mod report;

/// Bytes of payload, from nothing to what streams through a ring in many pieces.
pub const SIZES: [usize; 6] = [0, 32, 256, 4 << 10, 64 << 10, 1 << 20];

/// Bytes as the names of benches have them: `32B`, `4KiB`.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes}B"),
        1024..1_048_576 => format!("{}KiB", bytes >> 10),
        _ => format!("{}MiB", bytes >> 20),
    }
}
