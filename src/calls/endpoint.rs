//! Interface of an end of a link for proxies.

use super::error::CallResult;
use super::host::{Host, Task};
use coincide_codec::EncodeError;
use coincide_proto::{CallId, Format, Payload};
use std::time::Duration;

/// Writes the arguments of a call.
pub(crate) type Encode<'a> = dyn FnMut(&mut Payload) -> Result<Format, EncodeError> + 'a;

/// One end of a link, as proxies and the futures of their calls see it.
pub(crate) trait Endpoint {
    fn host(&self) -> &Host;

    /// Calls a function of the other end and waits for its result.
    fn call_blocking(&self, function: &str, timeout: Option<Duration>, encode: &mut Encode<'_>) -> CallResult;

    /// Waits for the result of a call that a future awaits. The future has no result afterwards.
    fn wait_blocking(&self, call: CallId) -> CallResult;

    /// Runs a short task soon, outside of the program's code.
    fn spawn(&self, task: Task);

    /// Sends what is queued, and makes sure of a turn when there is room, or a deadline has passed.
    fn flush(&self);
}
