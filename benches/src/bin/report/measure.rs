//! Times calls, one batch at a time, and makes figures of many batches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
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

/// The samples of one batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Batch {
    samples: Vec<f64>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

impl Meter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, batch: Batch::default() }
    }

    /// What was measured since this was last called.
    pub(crate) fn take_batch(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    /// Waits until the others that [`run_beside`](Self::run_beside) is told of have begun.
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

/// The figures of one subject at one case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Median over the batches of each batch's median.
    pub(crate) median: f64,
    /// 99th percentile over all samples.
    pub(crate) p99: f64,
    /// Median over the batches of each batch's mean.
    pub(crate) mean: f64,
    /// 99th percentile over the batches of each batch's mean.
    pub(crate) mean_p99: f64,
    pub(crate) samples: usize,
    /// The median of each batch, in the order of the rounds.
    medians: Vec<f64>,
    /// The mean of each batch, in the order of the rounds.
    means: Vec<f64>,
}

impl Figures {
    /// # Errors
    /// When there is no sample.
    pub(crate) fn of(batches: &[Batch]) -> anyhow::Result<Self> {
        let mut all: Vec<f64> = batches.iter().flat_map(|batch| &batch.samples).copied().collect();
        ensure!(!all.is_empty(), "no call was measured");
        ensure!(batches.iter().all(|batch| !batch.is_empty()), "in one batch no call was measured");
        let medians: Vec<f64> = batches.iter().map(|batch| median(&batch.samples)).collect();
        let means: Vec<f64> =
            batches.iter().map(|batch| batch.samples.iter().sum::<f64>() / batch.samples.len() as f64).collect();
        Ok(Self {
            median: median(&medians),
            p99: quantile(&mut all, 0.99),
            mean: median(&means),
            mean_p99: quantile(&mut means.clone(), 0.99),
            samples: all.len(),
            medians,
            means,
        })
    }

    pub(crate) fn batches(&self) -> usize {
        self.medians.len()
    }

    /// How many times the other's median this is: the median over the rounds of the ratio within a round, so that a machine
    /// that changes between rounds does not favour one side.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        ratio(&self.medians, &other.medians)
    }

    /// The same of the means.
    pub(crate) fn mean_ratio(&self, other: &Self) -> f64 {
        ratio(&self.means, &other.means)
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

fn median(values: &[f64]) -> f64 {
    quantile(&mut values.to_vec(), 0.5)
}

/// The value below which this share of the values lies. Sorts them.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

/// Nanoseconds that reading the clock adds to a sample.
fn cost_of_the_clock() -> f64 {
    let mut costs: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    quantile(&mut costs, 0.5)
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
    fn figures_are_medians_of_batches() {
        let batches = [vec![1.0, 2.0, 9.0], vec![4.0], vec![3.0, 3.0]].map(|samples| Batch { samples });
        let figures = Figures::of(&batches).unwrap();
        assert_eq!((figures.median, figures.p99, figures.mean), (3.0, 9.0, 4.0));
        assert_eq!((figures.samples, figures.batches()), (6, 3));
        assert!(Figures::of(&[Batch::default()]).is_err());
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let figures = |medians: [f64; 3]| Figures::of(&medians.map(|median| Batch { samples: vec![median] })).unwrap();
        // The machine is four times as fast in the last two rounds, which the medians alone would hide.
        let (ours, theirs) = (figures([8.0, 2.0, 2.0]), figures([4.0, 1.0, 4.0]));
        assert_eq!(ours.ratio(&theirs), 2.0);
        assert_eq!(ours.mean_ratio(&theirs), 2.0);
    }

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
