//! Gauges: measurements of the machine itself, which determine the noise of ratios.

use std::time::{Duration, Instant};

use anyhow::Context;
use coincide_benches::report::{Gauge, Probe, Run, median};
use rustix::mm::{MapFlags, ProtFlags};

use crate::case::{Call, Case, Condition, Ends};
use crate::driver::{GROUP, Hangs, gap, plan, run_batch};
use crate::measure::cost_of_the_clock;
use crate::subjects;

/// The gauges with their readings.
pub(crate) struct Gauges {
    began: Instant,
    /// Time of the run before.
    earlier: Duration,
    batches: usize,
    all: Vec<Gauge>,
}

impl Gauges {
    /// The gauges of a run that has taken so long, without those that have failed in it.
    pub(crate) fn new(quick: bool, earlier: Duration, run: &Run) -> Self {
        let known = |name: &str| run.gauges.iter().find(|gauge| gauge.name == name);
        let gauge = |(name, noise, about): (&str, bool, &str)| Gauge {
            group: GROUP.into(),
            name: name.into(),
            about: about.into(),
            noise,
            probes: known(name).map(|gauge| gauge.probes.clone()).unwrap_or_default(),
        };
        Self { began: Instant::now(), earlier, batches: if quick { 3 } else { 5 }, all: ALL.map(gauge).into() }
    }

    /// Takes a probe of each that has not failed. One that fails becomes a gap of the run. Whether one hangs: then this process is disturbed.
    pub(crate) fn probe(&mut self, run: &mut Run) -> bool {
        let at = (self.earlier + self.began.elapsed()).as_secs_f64();
        for gauge in &mut self.all {
            let what = format!("gauge {}", gauge.name);
            if run.gaps.iter().any(|gap| gap.case.as_ref() == Some(&what)) {
                continue;
            }
            let values = (0..self.batches).map(|_| value(&gauge.name)).collect::<Result<anyhow::Result<_>, Hangs>>();
            match values {
                Ok(Ok(values)) => gauge.probes.push(Probe { at, values }),
                Ok(Err(error)) => run.gaps.push(gap(Some(&what), None, true, &format!("{error:#}"))),
                Err(Hangs) => {
                    run.gaps.push(gap(Some(&what), None, true, "it hangs"));
                    return true;
                }
            }
        }
        false
    }

    /// Notes the readings in the run.
    pub(crate) fn keep(&self, run: &mut Run) {
        run.gauges = self.all.iter().filter(|gauge| !gauge.probes.is_empty()).cloned().collect();
    }
}

fn value(name: &str) -> Result<anyhow::Result<f64>, Hangs> {
    let case = Case { call: Call::Echo { bytes: 0 }, condition: Condition::Hot, ends: Ends::Threads };
    let round_trip = |subject| {
        let batch = run_batch(subject, case, plan(case.condition, true))?;
        Ok(batch.map(|batch| median(&batch.samples)))
    };
    match name {
        PING_PONG => round_trip(subjects::LIMIT),
        WAKE_UP => round_trip(subjects::FUTEX).map(|trip| trip.map(|trip| trip / 2.0)),
        PAGE_FAULT => Ok(page_fault()),
        _ => Ok(Ok(cost_of_the_clock())),
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

/// Name, whether its spread counts as noise, and what it is.
const ALL: [(&str, bool, &str); 4] = [
    (PING_PONG, true, "A word there and back between two cores whose threads spin."),
    (WAKE_UP, true, "Half of a round trip between threads on two cores that sleep in a futex: one wake-up."),
    (PAGE_FAULT, false, "The first write to a page of memory, over 1,024 pages."),
    (CLOCK, false, "Reading the clock."),
];

#[cfg(test)]
mod tests {
    use coincide_benches::report::Options;

    use super::*;

    #[test]
    fn probe_has_a_value_of_each_gauge_for_each_batch_unless_it_has_failed() {
        crate::cores::survey(None).unwrap();
        let mut run = Run::begin(Options::default());
        run.gaps.push(gap(Some("gauge clock"), None, true, "it hangs"));
        let mut gauges = Gauges::new(true, Duration::ZERO, &run);
        assert!(!gauges.probe(&mut run));
        gauges.keep(&mut run);
        let names: Vec<_> = run.gauges.iter().map(|gauge| &*gauge.name).collect();
        assert_eq!(names, [PING_PONG, WAKE_UP, PAGE_FAULT]);
        for gauge in &run.gauges {
            assert_eq!((gauge.probes.len(), gauge.probes[0].values.len()), (1, 3), "{}", gauge.name);
            assert!(gauge.probes[0].values.iter().all(|value| value.is_finite()), "{}", gauge.name);
        }
        // A process that continues has the probes of the one before.
        let mut later = Gauges::new(true, Duration::from_secs(7), &run);
        later.probe(&mut run);
        later.keep(&mut run);
        assert_eq!(run.gauges[0].probes.len(), 2);
        assert!(run.gauges[0].probes[1].at >= 7.0);
    }
}
