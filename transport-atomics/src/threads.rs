//! Links between threads of one process.

use crate::bell::Bell;
use crate::endpoint::{Doorbell, Endpoint};
use crate::heap;
use crate::layout::LinkConfig;
use crate::link::{MainTransport, WorkerTransport};
use std::sync::Arc;

/// A link between two threads: the end of main, which `bell` wakes, and the end of the worker, to be moved to its thread.
///
/// ```
/// use coincide_proto::{Transmit, Transport};
/// use coincide_transport_atomics::{Bell, LinkConfig, pair};
///
/// let bell = Bell::new()?;
/// let (mut main, mut worker) = pair(LinkConfig::default(), bell);
/// let thread = std::thread::spawn(move || {
///     worker.send(&Transmit { head: b"hello, ", body: b"main" }).unwrap();
/// });
///
/// let mut bytes = [0; 11];
/// while !main.receive_with(|frame| Ok(frame.copy_to(0, &mut bytes))).unwrap() {
///     main.wait(false, None);
/// }
/// assert_eq!(&bytes, b"hello, main");
/// # thread.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pair(config: LinkConfig, bell: Arc<Bell>) -> (MainTransport, WorkerTransport) {
    let region = heap::allocate(config.region_len());
    config.describe(&region);
    let main = Endpoint::main(region.clone(), &config, Arc::clone(&bell));
    let worker = Endpoint::worker(region, &config, Doorbell::Bell(bell));
    (MainTransport::new(main, None), WorkerTransport::new(worker, None))
}
