//! Links to other processes. On Linux; elsewhere all of this fails with [`Unsupported`](io::ErrorKind::Unsupported).
//!
//! The parent is main, the child the worker. The rings lie in memory that both have mapped, endpoints wake each other by
//! futex and eventfd. The death of either process, however it comes about, is seen by the other within milliseconds, even if processes
//! that were forked from it live on: the other end receives the frames that were sent before, and then [`Gone`](coincide_proto::Gone).
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

/// Starts a child process with the worker's end of a new link.
///
/// The child finds it by [`from_env`]. The link takes two descriptors and a thread, which sleeps, and gives both back when the
/// end is closed or dropped. Neither the end nor the child owns the other: dropping the end makes the child see that main is
/// gone, and whether it then exits is up to it; and a child that has died is still to be waited for.
///
/// # Errors
/// When the child can't be started, or there are no descriptors, threads or memory left;
/// [`Unsupported`](io::ErrorKind::Unsupported) on other platforms than Linux.
pub fn spawn(command: &mut Command, config: Rings, doorbell: &Arc<Doorbell>) -> io::Result<(Child, MainTransport)> {
    let Prepared { region, remote, life, handover } = sys::prepare(&config, doorbell)?;
    let tie = MainTie { doorbell: Arc::clone(doorbell), remote, life: life.clone() };
    doorbell.hears_processes()?;
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

/// The worker's end of the link with which this process was started, if it was: the first time, `None` from then on.
///
/// Call it early: until then, programs that this process starts inherit the descriptors of the link. For main, the worker is the process
/// that main started: if that is a wrapper around this one, it has to live as long.
///
/// # Errors
/// When the parent speaks another version, or the environment variable `COINCIDE_LINK` was tampered with;
/// [`Unsupported`](io::ErrorKind::Unsupported) on other platforms than Linux.
pub fn from_env() -> io::Result<Option<WorkerTransport>> {
    let Some(Inherited { region, len, remote, life, maker }) = sys::inherit()? else { return Ok(None) };
    let config = Rings::read(&region, len)?;
    let tie = WorkerTie { life: life.clone() };
    let endpoint = Endpoint::worker(region, &config, Wake::Remote(remote));
    watch(life, maker, endpoint.obituary())?;
    Ok(Some(WorkerTransport::new(endpoint, Some(Box::new(tie)))))
}

/// Runs `obituary` when the process at the other end has died. It also runs when either end leaves the link, and reports nothing new
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
