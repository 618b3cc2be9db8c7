//! Awaiting the program's promises.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use wasm_bindgen::prelude::*;

/// The outcome of a promise of the program, or of another object with a method `then`. Its methods are called in JavaScript, where exceptions are caught.
pub(crate) fn settled(value: &JsValue) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let state = Rc::new(RefCell::new(State { outcome: None, waker: None }));
    let done = {
        let state = Rc::clone(&state);
        Closure::once_into_js(move |value: JsValue, has_rejected: bool| {
            let mut state = state.borrow_mut();
            state.outcome = Some(if has_rejected { Err(value) } else { Ok(value) });
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        })
    };
    when_settled(value, &done);
    poll_fn(move |context| {
        let mut state = state.borrow_mut();
        match state.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
}

struct State {
    outcome: Option<Result<JsValue, JsValue>>,
    waker: Option<Waker>,
}

#[wasm_bindgen(raw_module = "./values.js")]
extern "C" {
    #[wasm_bindgen(js_name = whenSettled)]
    fn when_settled(value: &JsValue, done: &JsValue);
}
