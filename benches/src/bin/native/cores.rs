//! On which core an end of a call runs: left to the scheduler, two ends that wake each other may or may not share one, and
//! that decides more than anything that is measured here.

use std::sync::OnceLock;

use anyhow::Context;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::case::{Case, Condition};

/// The two ends of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Caller,
    Callee,
}

/// Reads which cores this program may use: from the process with this id, or from the calling thread. To be called first of all.
///
/// # Errors
/// When the system doesn't tell.
pub(crate) fn survey(process: Option<u32>) -> anyhow::Result<()> {
    let process = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let allowed = sched_getaffinity(process)?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    let first = *cores.first().context("no core is allowed")?;
    let last = cores[cores.len() - 1];
    CORES.get_or_init(|| (first, last));
    Ok(())
}

/// Confines this thread, and those that it starts, to the core that the case has for this end; or to none.
///
/// # Errors
/// When the system refuses it.
pub(crate) fn place(case: &Case, end: End) -> anyhow::Result<()> {
    let Some(core) = core(case, end)? else { return Ok(()) };
    let mut one = CpuSet::new();
    one.set(core);
    Ok(sched_setaffinity(None, &one)?)
}

/// The core that the case has for this end, if it has one.
///
/// # Errors
/// When the cores have not been surveyed.
pub(crate) fn core(case: &Case, end: End) -> anyhow::Result<Option<usize>> {
    let (first, last) = *CORES.get().context("the cores have not been surveyed")?;
    Ok(match case.condition {
        Condition::Hot | Condition::Cold | Condition::TwoLinks => match end {
            End::Caller => Some(last),
            End::Callee => Some(first),
        },
        Condition::OneCore => Some(last),
        Condition::Hogged | Condition::TwoLinksBusy | Condition::ManyLinksBusy | Condition::BesideBulk => None,
    })
}

/// The first and the last core that this program may use.
static CORES: OnceLock<(usize, usize)> = OnceLock::new();
