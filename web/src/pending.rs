//! Promises that JavaScript keeps, and that Rust settles when their calls end.

use futures_util::future::{AbortHandle, abortable};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

#[wasm_bindgen]
extern "C" {
    /// A pending promise; see `pending.js`.
    pub type Pending;
    #[wasm_bindgen(method)]
    fn settle(this: &Pending, value: &JsValue, has_failed: bool);
}

/// The calls that JavaScript waits for, by number.
#[derive(Clone, Default)]
pub(crate) struct Running(Rc<State>);

#[derive(Default)]
struct State {
    last: Cell<u32>,
    running: RefCell<BTreeMap<u32, AbortHandle>>,
}

impl Running {
    /// Settles the promise with the outcome. Returns its number, for [`cancel`](Self::cancel).
    pub(crate) fn settle(
        &self,
        pending: Pending,
        outcome: impl Future<Output = Result<JsValue, JsValue>> + 'static,
    ) -> u32 {
        let number = self.0.last.get().wrapping_add(1);
        self.0.last.set(number);
        let (outcome, handle) = abortable(outcome);
        self.0.running.borrow_mut().insert(number, handle);
        let state = Rc::clone(&self.0);
        spawn_local(async move {
            let outcome = outcome.await;
            state.running.borrow_mut().remove(&number);
            match outcome {
                Ok(Ok(value)) => pending.settle(&value, false),
                Ok(Err(error)) => pending.settle(&error, true),
                Err(_) => {} // JavaScript has settled it.
            }
        });
        number
    }

    /// Cancels a call that JavaScript no longer waits for.
    pub(crate) fn cancel(&self, number: u32) {
        if let Some(handle) = self.0.running.borrow().get(&number) {
            handle.abort();
        }
    }
}
