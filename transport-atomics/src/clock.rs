//! The monotonic clock by which endpoints wait, as `std::time::Instant` is one where there are threads.

use std::ops::Sub;
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// A moment, in milliseconds of the clock of JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Instant(f64);

impl Instant {
    /// The moment from which the clock counts.
    pub const ORIGIN: Self = Self(0.0);

    /// The present.
    pub fn now() -> Self {
        Self(now())
    }

    /// Time that has passed since.
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
