//! Times calls, one batch at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use coincide_benches::report::{Batch, median};
use serde::{Deserialize, Serialize};

use crate::allocations;

/// How one batch is measured. It travels to the child process as JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) what: What,
    /// Calls before the first one that counts.
    pub(crate) warm_up: Duration,
    /// For how long calls are timed.
    pub(crate) batch: Duration,
    /// Calls that are timed even if that takes longer.
    pub(crate) min_samples: usize,
    /// Sleep before each call.
    pub(crate) pause: Option<Duration>,
}

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Nanoseconds of a call.
    Time,
    /// Allocations in this process per call, over many calls.
    Allocations,
}

/// Times the calls of one batch, on the thread that makes them.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    plan: Plan,
    batch: Batch,
}

impl Meter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, batch: Batch::default() }
    }

    /// What was measured since this was last called.
    pub(crate) fn take_batch(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    /// Waits until the others that are passed to [`run_beside`](Self::run_beside) have begun.
    pub(crate) fn await_others(&self, others: &AtomicU64) {
        while others.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
    }

    /// Makes calls, first to warm up and then for the record.
    pub(crate) fn run(&mut self, call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.run_beside(&AtomicU64::new(0), call)
    }

    /// The same, while others make calls too, which they count: a sample is the time per call over all.
    pub(crate) fn run_beside(
        &mut self,
        others: &AtomicU64,
        mut call: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut warm_ups = 0_u32;
        while warm_ups < MIN_WARM_UPS || start.elapsed() < self.plan.warm_up {
            call()?;
            warm_ups += 1;
        }
        match self.plan.what {
            What::Time if self.plan.pause.is_some() => self.time_apart(call),
            What::Time => {
                let cost = start.elapsed() / warm_ups;
                let alone = others.load(Ordering::Relaxed) == 0;
                // Both count as calls only over a stretch that is long beside one call.
                let group = if !alone {
                    LARGE_GROUP
                } else if cost >= WORTH_A_SAMPLE {
                    1
                } else {
                    GROUP
                };
                self.time(group, others, call)
            }
            What::Allocations => self.count_allocations(call),
        }
    }

    /// Calls that follow each other at once. One reading of the clock ends a sample and begins the next.
    fn time(
        &mut self,
        group: u32,
        others: &AtomicU64,
        mut call: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let clock = cost_of_the_clock();
        // Room for all samples, so that none of them pays for a growing vector.
        self.batch.samples.reserve(MAX_SAMPLES);
        let start = Instant::now();
        let mut last = start;
        let mut counted = others.load(Ordering::Relaxed);
        while self.wants_more(last - start) {
            for _ in 0..group {
                call()?;
            }
            let now = Instant::now();
            let elapsed = ((now - last).as_nanos() as f64 - clock).max(0.0);
            let count = others.load(Ordering::Relaxed);
            self.batch.samples.push(elapsed / (f64::from(group) + (count - counted) as f64));
            counted = count;
            last = now;
        }
        Ok(())
    }

    /// Calls with a pause before each.
    fn time_apart(&mut self, mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let clock = cost_of_the_clock();
        let pause = self.plan.pause.unwrap_or_default();
        self.batch.samples.reserve(MAX_SAMPLES);
        let start = Instant::now();
        while self.wants_more(start.elapsed()) {
            std::thread::sleep(pause);
            let before = Instant::now();
            call()?;
            let elapsed = before.elapsed().as_nanos() as f64 - clock;
            self.batch.samples.push(elapsed.max(0.0));
        }
        Ok(())
    }

    fn wants_more(&self, elapsed: Duration) -> bool {
        let samples = self.batch.samples.len();
        samples < self.plan.min_samples || elapsed < self.plan.batch && samples < MAX_SAMPLES
    }

    fn count_allocations(&mut self, mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        for _ in 0..COUNTED_CALLS {
            call()?;
        }
        let before = allocations::count();
        for _ in 0..COUNTED_CALLS {
            call()?;
        }
        let allocated = allocations::count() - before;
        self.batch.samples.push(allocated as f64 / f64::from(COUNTED_CALLS));
        Ok(())
    }
}

/// Nanoseconds that reading the clock adds to a sample.
pub(crate) fn cost_of_the_clock() -> f64 {
    let costs: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    median(&costs)
}

/// Enough for both ends to have touched all their memory.
const MIN_WARM_UPS: u32 = 5;

/// A call that takes at least this long is a sample of its own.
const WORTH_A_SAMPLE: Duration = Duration::from_nanos(200);

/// Calls in a sample if one is too short.
const GROUP: u32 = 16;

/// Calls in a sample while others call too.
const LARGE_GROUP: u32 = 64;

const MAX_SAMPLES: usize = 50_000;

const COUNTED_CALLS: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_the_wanted_samples_are_taken() {
        let plan =
            Plan { what: What::Time, warm_up: Duration::ZERO, batch: Duration::ZERO, min_samples: 3, pause: None };
        let mut meter = Meter::new(plan);
        let mut calls = 0;
        meter
            .run(|| {
                calls += 1;
                std::thread::sleep(Duration::from_micros(1));
                Ok(())
            })
            .unwrap();
        assert_eq!(meter.take_batch().samples.len(), 3);
        assert_eq!(calls, MIN_WARM_UPS + 3);
    }
}
