//! Links between threads of one process.

use crate::doorbell::Doorbell;
use crate::endpoint::{Endpoint, Wake};
use crate::heap;
use crate::layout::Rings;
use crate::link::{MainTransport, WorkerTransport};
use crate::sys::SharedMemory;
use std::sync::Arc;

/// Creates a link between two threads. `doorbell` wakes main's end; move the worker's end to its thread.
///
/// ```
/// use coincide_proto::{Transmit, Transport};
/// use coincide_transport_atomics::{Doorbell, Rings, pair};
///
/// let doorbell = Doorbell::new()?;
/// let (mut main, mut worker) = pair(Rings::default(), doorbell);
/// let thread = std::thread::spawn(move || {
///     worker.send(&Transmit::new(b"hello, ", b"main")).unwrap();
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
pub fn pair(config: Rings, doorbell: Arc<Doorbell>) -> (MainTransport, WorkerTransport) {
    let (main, worker) = ends(config, doorbell);
    (MainTransport::new(main, None), WorkerTransport::new(worker, None))
}

/// Creates a link whose worker also lives in an event loop: a doorbell wakes each end.
pub fn pair_of_loops(config: Rings, main: Arc<Doorbell>, worker: Arc<Doorbell>) -> (MainTransport, WorkerTransport) {
    let (mut main, mut worker_end) = ends(config, main);
    main.ring_peer_by(Wake::Doorbell(Arc::clone(&worker)));
    worker_end.sleep_by(Wake::Doorbell(worker));
    (MainTransport::new(main, None), WorkerTransport::new(worker_end, None))
}

fn ends(config: Rings, doorbell: Arc<Doorbell>) -> (Endpoint<SharedMemory>, Endpoint<SharedMemory>) {
    let region = heap::allocate(config.region_len());
    config.describe(&region);
    let main = Endpoint::main(region.clone(), &config, Wake::Doorbell(Arc::clone(&doorbell)));
    let worker = Endpoint::worker(region, &config, Wake::Doorbell(doorbell));
    (main, worker)
}
