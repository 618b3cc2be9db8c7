//! What proxies need of an end of a link.

use super::host::Host;

/// One end of a link, as proxies and the futures of their calls see it.
pub(crate) trait Endpoint {
    fn host(&self) -> &Host;

    /// Sends what is queued, and makes sure of a turn when there is room, or a deadline has passed.
    fn flush(&self);
}
