//! Promises of main, awaited.

use super::callback::{Callback, settling};
use super::remote::Remote;
use crate::Thrown;
use crate::calls::error::{CallError, CallErrorKind};
use coincide_codec::Value;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

impl Remote {
    /// Awaits a promise of main and returns the value with which it resolves. For asynchronous code of the worker, which runs when the worker serves.
    ///
    /// ```no_run
    /// use coincide::CallError;
    /// use coincide::window::Remote;
    ///
    /// async fn text(window: Remote, url: &str) -> Result<String, CallError> {
    ///     let response: Remote = window.call::<Remote>("fetch", (url,))?.settled().await?;
    ///     response.call::<Remote>("text", ())?.settled().await
    /// }
    /// ```
    ///
    /// # Errors
    /// When it rejects, resolves with a value of another type, is garbage-collected on main before it is settled, or has no `then`.
    pub async fn settled<T: DeserializeOwned + 'static>(&self) -> Result<T, CallError> {
        let name = format!("{}.then", **self);
        let settlement = Rc::new(RefCell::new(Settlement { result: None, waker: None, left: 2 }));
        let (resolved, rejected) = (Settles(Rc::clone(&settlement)), Settles(Rc::clone(&settlement)));
        let other_type = name.clone();
        let resolve = settling(move |value: Result<T, _>| {
            resolved.settle(value.map_err(|source| CallError::result(&other_type, source)));
        });
        let thrower = name.clone();
        let reject = settling(move |reason: Result<Value, _>| {
            let thrown = Thrown::from_value(reason.unwrap_or_default());
            rejected.settle(Err(CallError { function: thrower.clone(), kind: CallErrorKind::Threw(Box::new(thrown)) }));
        });
        self.run("then", (&resolve, &reject))?;
        // Only main holds them from here on.
        drop::<[Callback; 2]>([resolve, reject]);
        let settled = poll_fn(|context| {
            let mut settlement = settlement.borrow_mut();
            if settlement.result.is_none() && settlement.left > 0 {
                settlement.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(settlement.result.take())
        });
        settled.await.unwrap_or_else(|| {
            self.check(&name)?;
            let thrown = Thrown::new("Error", "main has forgotten the promise before it was settled");
            Err(CallError { function: name, kind: CallErrorKind::Threw(Box::new(thrown)) })
        })
    }
}

/// State of a promise.
struct Settlement<T> {
    result: Option<Result<T, CallError>>,
    waker: Option<Waker>,
    /// Functions that could still settle it.
    left: u8,
}

/// One of the two functions that settle a promise.
struct Settles<T>(Rc<RefCell<Settlement<T>>>);

impl<T> Settles<T> {
    fn settle(&self, result: Result<T, CallError>) {
        let mut settlement = self.0.borrow_mut();
        settlement.result.get_or_insert(result);
        wake(settlement.waker.take());
    }
}

impl<T> Drop for Settles<T> {
    fn drop(&mut self) {
        let mut settlement = self.0.borrow_mut();
        settlement.left -= 1;
        if settlement.left == 0 {
            wake(settlement.waker.take());
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
