//! The worker's own side: its scope, and calls that block.

mod cancel;
mod endpoint;
mod ring;
mod scope;
mod sync_proxy;

pub use cancel::CancelToken;
pub use scope::Scope;
pub use sync_proxy::SyncProxy;

pub(crate) use endpoint::{Reflection, WorkerEndpoint};
#[cfg(not(target_family = "wasm"))]
pub(crate) use ring::Ring;
