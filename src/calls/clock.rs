//! The monotonic clock behind deadlines and turns.

use coincide_proto::Time;
use std::sync::OnceLock;
use web_time::Instant;

/// Nanoseconds since the first use in this process.
pub(crate) fn now() -> Time {
    #[cfg(test)]
    READS.set(READS.get() + 1);
    #[cfg(test)]
    if let Some(now) = VIRTUAL.get() {
        return now;
    }
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    Time::default().after(start.elapsed())
}

/// Advances the clock of this thread, which from now on only this function advances.
#[cfg(test)]
pub(crate) fn advance(duration: std::time::Duration) {
    VIRTUAL.set(Some(VIRTUAL.get().unwrap_or_default().after(duration)));
}

/// Number of times that this thread has read the clock.
#[cfg(test)]
pub(crate) fn reads() -> u32 {
    READS.get()
}

#[cfg(test)]
thread_local! {
    static READS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    static VIRTUAL: std::cell::Cell<Option<Time>> = const { std::cell::Cell::new(None) };
}
