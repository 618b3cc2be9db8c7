//! Substitute without the feature `strands`: there are no strands, and their rules compile to nothing.

use crate::{CallId, Outcome, Session};

#[derive(Debug, Default)]
pub(super) struct Strands {}

impl Strands {
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        0
    }

    #[inline(always)]
    pub(super) fn wait_at(&self, _: usize) -> Option<(CallId, Option<CallId>)> {
        None
    }

    #[inline(always)]
    pub(super) fn caller_of(&self, _: CallId) -> Option<CallId> {
        None
    }

    #[inline(always)]
    pub(super) fn end(&mut self, _: CallId, outcome: Outcome) -> Option<Outcome> {
        Some(outcome)
    }

    #[inline(always)]
    pub(super) fn outside_of_calls(&self, _: usize) -> Option<Option<CallId>> {
        None
    }

    #[inline(always)]
    pub(super) fn cancel(&mut self, _: usize) {}

    #[inline(always)]
    pub(super) fn take_cancelled(&mut self, _: Option<CallId>) -> bool {
        false
    }

    #[inline(always)]
    pub(super) fn interrupt(&mut self, _: &mut Session) {}
}
