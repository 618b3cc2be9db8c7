//! Actions of an engine, as JavaScript performs them.

use crate::failure::{show_outcome, show_text};
use crate::memory::{self, Word};
use coincide_proto::CallId;
use coincide_proto::engine::{Action, Engine, FunctionId, Ticket};

/// No action.
pub(crate) const NONE: u32 = 0;
/// Kinds of actions: see [`Action`].
const RUN: u32 = 1;
const SETTLE: u32 = 2;
const ABORT: u32 = 3;
const READY: u32 = 4;
const RELEASED: u32 = 5;
const CLOSED: u32 = 6;
/// The awaited call has ended, or was not made. Its outcome is shown.
pub(crate) const ENDED: u32 = 7;
/// The running function is to stop. The reason is shown.
pub(crate) const STOPPED: u32 = 8;
/// The turn is over, and there is more to do.
pub(crate) const MORE: u32 = 9;
const UNREAD: u32 = 10;
const UNSENT: u32 = 11;

/// Writes an action to the words. Returns its kind. `own` is the awaited call.
pub(crate) fn show(action: Action, own: Option<CallId>, engine: &mut Engine) -> u32 {
    match action {
        Action::Run { call, function: FunctionId(function), payload, .. } => {
            show_ticket(call);
            memory::set(Word::Function, function);
            memory::set(Word::Blocks, call.call().is_some_and(|id| engine.session().blocks(id)).into());
            memory::show(payload, Some(engine));
            RUN
        }
        Action::Settle { call, outcome } => {
            memory::set(Word::Call, call.to_wire());
            show_outcome(outcome, engine);
            if own == Some(call) { ENDED } else { SETTLE }
        }
        Action::Abort { call } => {
            show_ticket(call);
            ABORT
        }
        Action::Ready(names) => {
            let mut bytes = Vec::new();
            for name in names {
                bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
                bytes.extend_from_slice(name.as_bytes());
            }
            memory::show(bytes, Some(engine));
            READY
        }
        Action::Released(references) => {
            let bytes: Vec<u8> = references.into_iter().flat_map(|id| (id as f64).to_le_bytes()).collect();
            memory::show(bytes, Some(engine));
            RELEASED
        }
        Action::Unread(payload) => {
            memory::show(payload, Some(engine));
            UNREAD
        }
        Action::Unsent(payload) => {
            memory::show(payload, Some(engine));
            UNSENT
        }
        Action::Closed(closed) => {
            show_text(&closed.to_string());
            CLOSED
        }
    }
}

fn show_ticket(ticket: Ticket) {
    memory::set(Word::Call, ticket.call().map_or(0, CallId::to_wire));
    memory::set(Word::Serial, ticket.serial());
}
