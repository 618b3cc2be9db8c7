//! Links to child processes, on Linux. On other platforms all functions fail with [`Unsupported`](io::ErrorKind::Unsupported).
//!
//! The parent is main, the child is the worker. Both map the memory of the rings, and wake each other by
//! futex and eventfd. When either process dies, the other end receives the frames that were sent before, and then
//! [`Gone`](coincide_proto::Gone). Processes that were forked from the dead one do not delay this.
//!
//! ```no_run
//! use coincide_proto::{Transmit, Transport};
//! use coincide_transport_atomics::{Doorbell, Rings, process};
//!
//! // In the parent:
//! let doorbell = Doorbell::new()?;
//! let mut command = std::process::Command::new("./worker");
//! let (mut child, mut main) = process::spawn(&mut command, Rings::default(), &doorbell)?;
//! main.send(&Transmit::new(b"ping", b"")).unwrap();
//!
//! // First thing in the child:
//! let mut worker = process::from_env()?.expect("started by a parent that speaks coincide");
//! worker.wait(false, None);
//! # Ok::<(), std::io::Error>(())
//! ```

use crate::doorbell::Doorbell;
use crate::endpoint::{Endpoint, Wake};
use crate::layout::Rings;
use crate::link::{MainTransport, WorkerTransport};
use crate::sys::{self, Inherited, Life, Prepared, Process, RemoteDoorbell};
use std::io;
use std::process::{Child, Command};
use std::sync::Arc;

/// Starts a child process with the worker's end of a new link, which the child takes by [`from_env`].
///
/// The link uses two descriptors and a sleeping thread, and releases them when the
/// end is closed or dropped. Neither the end nor the child owns the other. Dropping the end makes the child receive `Gone`;
/// the child decides whether to exit. A child that has died must still be waited for.
///
/// # Errors
/// When the child cannot be started, or there are no descriptors, threads or memory left.
/// [`Unsupported`](io::ErrorKind::Unsupported) on platforms other than Linux.
pub fn spawn(command: &mut Command, config: Rings, doorbell: &Arc<Doorbell>) -> io::Result<(Child, MainTransport)> {
    let Prepared { region, remote, life, handover } = sys::prepare(&config, doorbell)?;
    let tie = MainTie { doorbell: Arc::clone(doorbell), remote, life: life.clone() };
    doorbell.relay_processes()?;
    let endpoint = Endpoint::main(region, &config, Wake::Doorbell(Arc::clone(doorbell)));
    let mut child = handover.spawn(command)?;
    if let Err(error) = watch(life, Some(Process::child(&child)), endpoint.obituary()) {
        // Both fail only if it has ended already.
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    Ok((child, MainTransport::new(endpoint, Some(Box::new(tie)))))
}

/// Takes the worker's end of the link with which this process was started. Returns `None` if there is no link, or on later calls.
///
/// Call it early: until then, programs that this process starts inherit the descriptors of the link. Main watches the process
/// that it started. If that is a wrapper around this process, the wrapper must live as long as the link.
///
/// # Errors
/// When the parent uses another layout version, or the environment variable `COINCIDE_LINK` is malformed.
/// [`Unsupported`](io::ErrorKind::Unsupported) on platforms other than Linux.
pub fn from_env() -> io::Result<Option<WorkerTransport>> {
    let Some(Inherited { region, len, remote, life, maker }) = sys::inherit()? else { return Ok(None) };
    let config = Rings::read(&region, len)?;
    let tie = WorkerTie { life: life.clone() };
    let endpoint = Endpoint::worker(region, &config, Wake::Remote(remote));
    watch(life, maker, endpoint.obituary())?;
    Ok(Some(WorkerTransport::new(endpoint, Some(Box::new(tie)))))
}

/// Runs `obituary` when the process at the other end has died. It also runs when either end leaves the link, and has no effect
/// then.
fn watch(life: Life, peer: Option<Process>, obituary: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("coincide-life".into()).spawn(move || {
        life.wait_for_end(peer.as_ref());
        obituary();
    })?;
    Ok(())
}

struct MainTie {
    doorbell: Arc<Doorbell>,
    remote: RemoteDoorbell,
    life: Life,
}

impl Drop for MainTie {
    fn drop(&mut self) {
        self.life.end();
        self.doorbell.signal().forget(&self.remote);
    }
}

struct WorkerTie {
    life: Life,
}

impl Drop for WorkerTie {
    fn drop(&mut self) {
        self.life.end();
    }
}
