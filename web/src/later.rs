//! Functions of JavaScript whose results come later.

use coincide::raw::{Failure, Format};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;

use crate::function::answered;

type Answer = Result<(Format, Vec<u8>), Failure>;

thread_local! {
    static LAST: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<BTreeMap<u32, Waiting>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Default)]
struct Waiting {
    answer: Option<Answer>,
    waker: Option<Waker>,
}

/// Names a call in case that its result comes later.
pub(crate) fn token() -> u32 {
    let token = LAST.get().wrapping_add(1);
    LAST.set(token);
    token
}

/// What [`answer`] will receive for the token. Dropping it makes that a no-op.
pub(crate) fn answer_to(token: u32) -> impl Future<Output = Answer> {
    WAITING.with_borrow_mut(|waiting| waiting.insert(token, Waiting::default()));
    Awaited(token)
}

struct Awaited(u32);

impl Future for Awaited {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        WAITING.with_borrow_mut(|waiting| {
            let entry = waiting.entry(self.0).or_default();
            match entry.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    entry.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let ended = WAITING.with_borrow_mut(|waiting| waiting.remove(&self.0));
        drop(ended);
    }
}

/// Receives the result of a call that was answered with a token: see [`Served`](crate::function::Served).
#[wasm_bindgen]
#[allow(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub fn answer(token: u32, status: u32, at: usize, len: usize) {
    let waker = WAITING.with_borrow_mut(|waiting| {
        let entry = waiting.get_mut(&token)?;
        entry.answer = Some(answered(status, at, len).map(|result| (Format::Value, result)));
        entry.waker.take()
    });
    if let Some(waker) = waker {
        waker.wake();
    }
}
