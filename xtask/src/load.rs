//! How busy the machine is with other programs while pages are measured.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

/// Processor time that programs other than this one and its descendants use.
pub(crate) struct Others {
    last: Option<Snapshot>,
}

impl Others {
    /// Begins to watch. Reports nothing on systems without `/proc`.
    pub(crate) fn watch() -> Self {
        Self { last: Snapshot::take() }
    }

    /// Cores that others used on average since this was last called.
    pub(crate) fn cores(&mut self) -> Option<f64> {
        let now = Snapshot::take()?;
        let last = self.last.replace(now)?;
        Some(self.last.as_ref()?.since(&last))
    }
}

struct Snapshot {
    at: Instant,
    /// Ticks of all processors that were not idle.
    busy: u64,
    /// Ticks of this process and its descendants, including those that have ended.
    ours: u64,
}

impl Snapshot {
    fn take() -> Option<Self> {
        let busy = busy(&fs::read_to_string("/proc/stat").ok()?)?;
        let entries = fs::read_dir("/proc").ok()?.flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let all: Vec<Process> = stats.filter_map(|stat| Process::of(&stat)).collect();
        Some(Self { at: Instant::now(), busy, ours: descendants(std::process::id(), &all) })
    }

    fn since(&self, last: &Self) -> f64 {
        let ours = self.ours.saturating_sub(last.ours);
        let all = self.busy.saturating_sub(last.busy);
        all.saturating_sub(ours) as f64 / TICKS_PER_SECOND / (self.at - last.at).as_secs_f64().max(0.1)
    }
}

struct Process {
    id: u32,
    parent: u32,
    /// Its own, and those of its children that have ended.
    ticks: u64,
}

impl Process {
    /// From `/proc/ID/stat`.
    fn of(stat: &str) -> Option<Self> {
        let id = stat.split(' ').next()?.parse().ok()?;
        // The name before the last parenthesis may contain anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self { id, parent: number(1)?.try_into().ok()?, ticks: (11..=14).map(number).sum::<Option<u64>>()? })
    }
}

/// Ticks of a process and its descendants.
fn descendants(root: u32, all: &[Process]) -> u64 {
    let (mut found, mut open, mut ticks) = (BTreeSet::new(), vec![root], 0);
    while let Some(id) = open.pop() {
        if let Some(process) = all.iter().find(|process| process.id == id)
            && found.insert(id)
        {
            ticks += process.ticks;
            open.extend(all.iter().filter(|child| child.parent == id).map(|child| child.id));
        }
    }
    ticks
}

/// User, nice, system, interrupts and stolen time of the first line of `/proc/stat`.
fn busy(stat: &str) -> Option<u64> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    [0, 1, 2, 5, 6, 7].iter().map(|&field| fields.get(field).copied()).sum()
}

/// Load average over one minute; 0 where the system does not report it.
pub(crate) fn average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// What Linux reports processor time in.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_of_descendants_is_not_that_of_others() {
        let all = [(1, 0, 5), (2, 1, 7), (3, 2, 11), (4, 1, 13), (5, 0, 17)];
        let all = all.map(|(id, parent, ticks)| Process { id, parent, ticks });
        assert_eq!(descendants(2, &all), 18);

        let at = Instant::now();
        let last = Snapshot { at, busy: 1000, ours: 100 };
        let now = Snapshot { at: at + Duration::from_secs(2), busy: 1200, ours: 180 };
        assert_eq!(now.since(&last), 0.6);
    }

    #[test]
    fn files_of_the_system_are_read() {
        assert_eq!(busy("cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 ..."), Some(63));
        let process = Process::of("7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 1 2 4 8 20 0 1 0").unwrap();
        assert_eq!((process.id, process.parent, process.ticks), (7, 3, 15));
    }
}
