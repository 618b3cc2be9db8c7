//! Promises that JavaScript keeps until what they are for has ended.

use futures_util::future::{AbortHandle, abortable};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::outcome::Outcome;

#[wasm_bindgen]
extern "C" {
    /// A promise: see `pending.js`.
    pub type Pending;
    /// Settles it with an [`Outcome`], whose bytes are read before this returns.
    #[wasm_bindgen(method)]
    fn ended(this: &Pending, status: u32, bytes: *const u8, len: usize);
}

/// What JavaScript waits for, by numbers.
#[derive(Clone, Default)]
pub(crate) struct Running(Rc<State>);

#[derive(Default)]
struct State {
    last: Cell<u32>,
    running: RefCell<BTreeMap<u32, AbortHandle>>,
}

impl Running {
    /// Settles the promise with the outcome, whose buffer `recycle` receives then. Gives its number, for [`cancel`](Self::cancel).
    pub(crate) fn settle(
        &self,
        pending: Pending,
        outcome: impl Future<Output = Outcome> + 'static,
        recycle: impl FnOnce(Vec<u8>) + 'static,
    ) -> u32 {
        let number = self.0.last.get().wrapping_add(1);
        self.0.last.set(number);
        let (outcome, handle) = abortable(outcome);
        self.0.running.borrow_mut().insert(number, handle);
        let state = Rc::clone(&self.0);
        spawn_local(async move {
            let outcome = outcome.await;
            state.running.borrow_mut().remove(&number);
            // Otherwise JavaScript has settled it.
            if let Ok(Outcome { status, bytes }) = outcome {
                pending.ended(status, bytes.as_ptr(), bytes.len());
                recycle(bytes);
            }
        });
        number
    }

    /// JavaScript no longer waits.
    pub(crate) fn cancel(&self, number: u32) {
        if let Some(handle) = self.0.running.borrow().get(&number) {
            handle.abort();
        }
    }
}
