//! Gauges: measurements of the machine itself, which determine the noise of ratios.

use std::time::Instant;

use anyhow::Context;
use coincide_benches::report::{Gauge, Probe, median};
use rustix::mm::{MapFlags, ProtFlags};

use crate::case::{Call, Case, Condition, Ends};
use crate::driver::{GROUP, plan, run_batch};
use crate::measure::cost_of_the_clock;
use crate::subjects;

/// The gauges with their readings.
pub(crate) struct Gauges {
    began: Instant,
    batches: usize,
    all: [Gauge; 4],
}

impl Gauges {
    /// Gauges without probes. The time of the run begins here.
    pub(crate) fn new(quick: bool) -> Self {
        let gauge = |name: &str, noise, about: &str| Gauge {
            group: GROUP.into(),
            name: name.into(),
            about: about.into(),
            noise,
            probes: vec![],
        };
        let all = [
            gauge(PING_PONG, true, "A word there and back between two cores whose threads spin."),
            gauge(
                WAKE_UP,
                true,
                "Half of a round trip between threads on two cores that sleep in a futex: one wake-up.",
            ),
            gauge(PAGE_FAULT, false, "The first write to a page of memory, over 1,024 pages."),
            gauge(CLOCK, false, "Reading the clock."),
        ];
        Self { began: Instant::now(), batches: if quick { 3 } else { 5 }, all }
    }

    /// Takes a probe of each.
    ///
    /// # Errors
    /// When a bound hangs or fails.
    pub(crate) fn probe(&mut self) -> anyhow::Result<()> {
        let at = self.began.elapsed().as_secs_f64();
        for gauge in &mut self.all {
            let values = (0..self.batches).map(|_| value(&gauge.name)).collect::<anyhow::Result<_>>()?;
            gauge.probes.push(Probe { at, values });
        }
        Ok(())
    }

    pub(crate) fn into_gauges(self) -> [Gauge; 4] {
        self.all
    }
}

fn value(name: &str) -> anyhow::Result<f64> {
    let case = Case { call: Call::Echo { bytes: 0 }, condition: Condition::Hot, ends: Ends::Threads };
    let round_trip = |subject| {
        let batch = run_batch(subject, case, plan(case.condition, true))??;
        anyhow::Ok(median(&batch.samples))
    };
    match name {
        PING_PONG => round_trip(subjects::LIMIT),
        WAKE_UP => Ok(round_trip(subjects::FUTEX)? / 2.0),
        PAGE_FAULT => page_fault(),
        _ => Ok(cost_of_the_clock()),
    }
}

/// Nanoseconds of the first write to a page.
fn page_fault() -> anyhow::Result<f64> {
    const PAGES: usize = 1024;
    let page = rustix::param::page_size();
    let length = PAGES * page;
    // SAFETY: the kernel chooses a free range, which is unmapped below and not used otherwise.
    let start = unsafe {
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
    };
    let start = start.context("cannot map pages")?.cast::<u8>();
    let began = Instant::now();
    for index in 0..PAGES {
        // SAFETY: inside the mapping, to which nothing else refers.
        unsafe { start.add(index * page).write_volatile(1) };
    }
    let took = began.elapsed().as_nanos() as f64 / PAGES as f64;
    // SAFETY: the range of the mapping, which is not used any more.
    unsafe { rustix::mm::munmap(start.cast(), length) }.context("cannot unmap pages")?;
    Ok(took)
}

const PING_PONG: &str = "ping-pong";
const WAKE_UP: &str = "wake-up";
const PAGE_FAULT: &str = "page fault";
const CLOCK: &str = "clock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_has_a_value_of_each_gauge_for_each_batch() {
        crate::cores::survey(None).unwrap();
        let mut gauges = Gauges::new(true);
        gauges.probe().unwrap();
        for gauge in gauges.into_gauges() {
            assert_eq!((gauge.probes.len(), gauge.probes[0].values.len()), (1, 3), "{}", gauge.name);
            assert!(gauge.probes[0].values.iter().all(|value| value.is_finite()), "{}", gauge.name);
        }
    }
}
