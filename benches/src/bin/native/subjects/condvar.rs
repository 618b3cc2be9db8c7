//! A mutex and a condition variable for each direction.

use std::sync::{Condvar, Mutex, PoisonError};

use super::{Payload, Subject, pair};
use crate::case::{Case, Ends};
use crate::measure::Meter;

/// What two threads can do without any library.
pub(crate) struct Slots;

impl Subject for Slots {
    fn name(&self) -> &'static str {
        "condvar"
    }

    fn about(&self) -> &'static str {
        "a `Mutex` and a `Condvar` for each direction; each message is a fresh `Vec<u8>`, moved"
    }

    fn takes(&self, case: &Case) -> bool {
        case.ends == Ends::Threads && !case.condition.has_other_links()
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (requests, answers) = (Slot::default(), Slot::default());
        let callee = || {
            while let Some(request) = requests.take() {
                answers.put(Some(request.clone()));
            }
            Ok(())
        };
        let caller = || {
            let mut payload = Payload::new(case);
            let measured = meter.run(|| {
                requests.put(Some(payload.next().to_vec()));
                payload.check(&answers.take().unwrap_or_default())
            });
            requests.put(None); // ends the callee
            measured
        };
        pair(case, callee, caller)
    }
}

/// A message, or `None` at the end of all.
#[derive(Default)]
struct Slot(Mutex<Option<Option<Vec<u8>>>>, Condvar);

impl Slot {
    fn put(&self, message: Option<Vec<u8>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        self.1.notify_one();
    }

    fn take(&self) -> Option<Vec<u8>> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match slot.take() {
                Some(message) => return message,
                None => slot = self.1.wait(slot).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
