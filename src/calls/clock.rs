//! The monotonic clock behind deadlines.

use coincide_proto::Time;
use std::sync::OnceLock;
use web_time::Instant;

/// Nanoseconds since the first use in this process.
pub(crate) fn now() -> Time {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    Time::default().after(start.elapsed())
}
