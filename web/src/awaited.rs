//! Calls that JavaScript awaits, on either end.

use coincide::Proxy;
use coincide::raw::Format;

use crate::outcome::Outcome;
use crate::pending::{Pending, Running};
use crate::{convert, scratch};

/// A function of the other end.
pub(crate) struct Callee<'a> {
    pub(crate) exports: Proxy,
    pub(crate) name: &'a str,
    /// What errors call it.
    pub(crate) shown: &'a str,
}

impl Callee<'_> {
    /// Calls it with the arguments at an offset of the scratch memory. `timeout` is in milliseconds, infinite for none. Gives the number by which
    /// the call is cancelled.
    pub(crate) fn call(self, at: usize, len: usize, timeout: f64, pending: Pending, running: &Running) -> u32 {
        let Self { exports, name, shown } = self;
        let exports = match convert::duration(timeout) {
            Some(timeout) => exports.with_timeout(timeout),
            None => exports,
        };
        let call = scratch::take(at, len).map(|mut payload| {
            let call = exports.call_raw(name, |target| {
                std::mem::swap(target, &mut payload);
                Format::Value
            });
            scratch::give_back(payload);
            call
        });
        let shown = shown.to_owned();
        let outcome = async move {
            match call {
                // Dropping it cancels it.
                Some(call) => match call.await {
                    Ok((_, payload)) => Outcome::value(payload),
                    Err(error) => Outcome::of_error(error, &shown),
                },
                None => Outcome::out_of_memory(&shown),
            }
        };
        running.settle(pending, outcome, move |buffer| exports.recycle(buffer))
    }

    /// Calls it without wanting an answer.
    pub(crate) fn notify(self, at: usize, len: usize) -> Outcome {
        let Some(payload) = scratch::take(at, len) else {
            return Outcome::out_of_memory(self.shown);
        };
        match self.exports.notify_raw(self.name, Format::Value, payload) {
            Ok(()) => Outcome::done(),
            Err(error) => Outcome::of_failure(error, self.shown),
        }
    }
}
