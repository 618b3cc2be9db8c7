//! The monotonic clock of waits in wasm, with the interface of `std::time::Instant`.

use std::ops::Sub;
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// A point in time, in milliseconds of JavaScript's `performance.now()`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Instant(f64);

impl Instant {
    /// The origin of the clock.
    pub const ORIGIN: Self = Self(0.0);

    /// Reads the clock.
    pub fn now() -> Self {
        Self(now())
    }

    /// Duration since this point in time.
    pub fn elapsed(self) -> Duration {
        Self::now() - self
    }

    pub(crate) fn checked_add(self, duration: Duration) -> Option<Self> {
        Some(Self(self.0 + duration.as_secs_f64() * 1e3))
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        // A cast saturates. In `u64`, since division of wider numbers takes kilobytes.
        Duration::from_nanos(((self.0 - earlier.0) * NANOS_PER_MILLI) as u64)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

const NANOS_PER_MILLI: f64 = 1e6;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}
