//! Calls in both directions between main and workers in threads.

mod ending;
mod errors;
mod exports;
mod payloads;
mod sleeping;
mod sync;

use coincide::{Main, Scope, Thrown, Worker};

/// Starts a worker, lets `register` register functions of main, and waits until the worker is ready.
pub(crate) fn run(
    setup: impl FnOnce(&Scope) -> Result<(), Thrown> + Send + 'static,
    register: impl FnOnce(&Worker),
) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main.spawn(setup).unwrap();
    register(&worker);
    main.block_on(worker.ready()).unwrap();
    (main, worker)
}
