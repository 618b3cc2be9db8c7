//! Defaults that both ends share.

/// Default of [`Main::set_memory_budget`](crate::Main::set_memory_budget) and [`Scope::set_memory_budget`](crate::Scope::set_memory_budget). A wasm memory has 4 GiB at most, and a
/// body that outgrows its buffer takes up to twice its size for a moment.
pub(crate) const MEMORY_BUDGET: usize = if cfg!(target_family = "wasm") { 1 << 30 } else { usize::MAX };
