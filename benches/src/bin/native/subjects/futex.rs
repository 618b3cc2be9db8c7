//! The bare futex: what sleeping and waking cost.

use super::Subject;
use super::mailbox::{self, Waiting};
use crate::case::Case;
use crate::measure::{Meter, Plan};
use coincide_benches::report::{Batch, Kind};

/// The mailbox of the limit, with ends that sleep in the kernel at once.
pub(crate) struct Futex;

impl Subject for Futex {
    fn name(&self) -> &'static str {
        "futex"
    }

    fn about(&self) -> &'static str {
        "the same shared memory, but both ends wait in a futex at once and wake each other each time"
    }

    fn kind(&self) -> Kind {
        Kind::Bound
    }

    fn takes(&self, case: &Case) -> bool {
        !case.condition.has_other_links()
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        mailbox::run_threads(Waiting::Futex, case, meter)
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        mailbox::run_processes(self, Waiting::Futex, case, plan)
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        mailbox::call_from_child(Waiting::Futex, case, meter)
    }
}
