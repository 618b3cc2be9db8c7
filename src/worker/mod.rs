//! The worker's own side: its scope, calls that block, and the driver of a worker that lives in an event loop.

mod cancel;
mod driver;
mod endpoint;
mod ring;
mod scope;
mod suspend;
mod sync_proxy;

pub use cancel::CancelToken;
#[cfg(not(target_family = "wasm"))]
pub use driver::Detached;
pub use driver::Driver;
pub use scope::Scope;
pub use sync_proxy::SyncProxy;

#[cfg(all(target_family = "wasm", feature = "suspending"))]
pub(crate) use suspend::Suspender;

pub(crate) use endpoint::{Reflection, WorkerEndpoint};
#[cfg(not(target_family = "wasm"))]
pub(crate) use ring::Ring;
