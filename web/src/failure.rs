//! Status numbers of ended calls. `js/errors.js` has the same list, with the messages of errors.

use crate::memory::{self, Word};
use coincide_proto::engine::{Engine, Stop};
use coincide_proto::{ErrorCode, Format, Outcome, Payload, SendError, Session};

/// The function returned a value.
const VALUE: u32 = 0;
/// The function threw a value.
const THREW: u32 = 1;
const PANICKED: u32 = 2;
const BAD_RESULT: u32 = 3;
const UNKNOWN_FUNCTION: u32 = 4;
const BAD_ARGUMENTS: u32 = 5;
const SCHEMA_MISMATCH: u32 = 6;
const NOT_SENT: u32 = 7;
const CANNOT_BLOCK: u32 = 8;
const TOO_DEEP: u32 = 9;
const DEADLOCK: u32 = 10;
const OUT_OF_MEMORY: u32 = 11;
const TIMED_OUT: u32 = 12;
const CANCELLED: u32 = 13;
const INTERRUPTED: u32 = 14;
const CLOSED: u32 = 15;
const REFUSED: u32 = 16;
/// The function threw a text, and not a value.
const THREW_TEXT: u32 = 17;

/// Shows the outcome of a call.
pub(crate) fn show_outcome(outcome: Outcome, engine: &mut Engine) {
    let (status, payload) = match outcome {
        Outcome::Returned { payload, .. } => (VALUE, payload),
        Outcome::Threw { code: ErrorCode::THROWN, format: Format::Value, payload } => (THREW, payload),
        Outcome::Threw { code, format, payload } => {
            let text = match format {
                Format::Text => payload.into_bytes(),
                _ => format!("{} bytes in an unexpected format", payload.len()).into_bytes(),
            };
            let (status, text) = of_code(code, text);
            (status, text.into())
        }
        Outcome::NotSent(source) => (NOT_SENT, source.to_string().into_bytes().into()),
        Outcome::TimedOut => (TIMED_OUT, Payload::default()),
        Outcome::Cancelled => (CANCELLED, Payload::default()),
        Outcome::Interrupted => (INTERRUPTED, Payload::default()),
        Outcome::Closed => (CLOSED, closed(engine.session()).into_bytes().into()),
    };
    memory::set(Word::Status, status);
    memory::show(payload, Some(engine));
}

fn of_code(code: ErrorCode, mut text: Vec<u8>) -> (u32, Vec<u8>) {
    let status = match code {
        ErrorCode::THROWN => THREW_TEXT,
        ErrorCode::UNKNOWN_FUNCTION => UNKNOWN_FUNCTION,
        ErrorCode::BAD_ARGUMENTS => BAD_ARGUMENTS,
        ErrorCode::SCHEMA_MISMATCH => SCHEMA_MISMATCH,
        ErrorCode::BAD_RESULT | ErrorCode::TOO_LARGE => BAD_RESULT,
        ErrorCode::TOO_DEEP => TOO_DEEP,
        ErrorCode::DEADLOCK => DEADLOCK,
        ErrorCode::OUT_OF_MEMORY => OUT_OF_MEMORY,
        ErrorCode::CANCELLED => CANCELLED,
        ErrorCode::INTERRUPTED => INTERRUPTED,
        ErrorCode::PANICKED => PANICKED,
        _ => {
            text.splice(..0, format!("{}({}): ", code.name(), code.0).into_bytes());
            REFUSED
        }
    };
    (status, text)
}

/// Shows the reason why a call or a notification was not sent.
pub(crate) fn show_unsent(error: &SendError, engine: &mut Engine) {
    if engine.session().closed().is_some() {
        show_failure(CLOSED, &closed(engine.session()));
    } else {
        show_failure(NOT_SENT, &error.to_string());
    }
}

/// Shows that there is no memory for arguments.
pub(crate) fn show_out_of_memory() {
    show_failure(OUT_OF_MEMORY, &format!("its arguments cannot be written: {}", memory::TOO_LARGE));
}

/// Shows that a call would have to block, which is not possible.
pub(crate) fn show_cannot_block() {
    show_failure(CANNOT_BLOCK, "");
}

/// Shows why the running function is to stop.
pub(crate) fn show_stop(stop: Stop, session: &Session) {
    match stop {
        Stop::Interrupted => show_failure(INTERRUPTED, ""),
        Stop::Cancelled => show_failure(CANCELLED, ""),
        Stop::Closed => show_failure(CLOSED, &closed(session)),
    }
}

/// Shows a text.
pub(crate) fn show_text(text: &str) {
    memory::show(text.as_bytes().to_vec(), None);
}

fn show_failure(status: u32, text: &str) {
    memory::set(Word::Status, status);
    show_text(text);
}

/// Why a link is closed, or is about to be closed because the other end is gone.
fn closed(session: &Session) -> String {
    match session.closed() {
        Some(closed) => closed.to_string(),
        None => {
            "the other end is gone without a close frame: it crashed, was killed, or cannot be reached any more".into()
        }
    }
}
