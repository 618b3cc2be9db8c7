//! Workers by name, as programs see them.

use super::endpoint::ready;
use super::handle::Worker;
use super::turns::Shared;
use crate::calls::error::LinkClosed;
use std::future::poll_fn;
use std::rc::Rc;

/// The named workers of a main endpoint; from [`Main::workers`](crate::Main::workers).
///
/// ```
/// use coincide::Main;
///
/// let main = Main::new()?;
/// main.worker().name("thumbnails").spawn(|scope| {
///     scope.export("size", || 128);
///     Ok(())
/// })?;
/// let workers = main.workers();
/// assert_eq!(workers.names(), ["thumbnails"]);
/// let worker = main.block_on(workers.get("thumbnails"))?;
/// assert_eq!(main.block_on(worker.proxy().call::<u32>("size", ()))?, 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Workers {
    main: Rc<Shared>,
}

impl Workers {
    pub(crate) fn new(main: Rc<Shared>) -> Self {
        Self { main }
    }

    /// Waits until a worker of this name is ready, and returns it. The worker may be started later.
    ///
    /// # Errors
    /// When the worker's link is closed before it is ready.
    pub async fn get(&self, name: &str) -> Result<Worker, LinkClosed> {
        let endpoint = poll_fn(|context| self.main.names.poll(name, context)).await;
        ready(Rc::clone(&endpoint)).await?;
        Ok(Worker::new(endpoint))
    }

    /// The names that are taken, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        self.main.names.list()
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Workers").field(&self.names()).finish()
    }
}
