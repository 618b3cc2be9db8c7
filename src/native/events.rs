//! What main asks its event loop for.

/// Whether a user waits for main to react to a key or a click: a loop of one's own has none.
pub(crate) const fn input_pending() -> bool {
    false
}
