//! A Unix socketpair.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{Payload, Subject, pair};
use crate::case::Case;
use crate::child::{Caller, Reaped};
use crate::measure::{Meter, Plan};
use coincide_benches::report::Batch;

/// Blocking reads and writes of whole messages.
pub(crate) struct Socketpair;

impl Subject for Socketpair {
    fn name(&self) -> &'static str {
        "socketpair"
    }

    fn about(&self) -> &'static str {
        "a Unix stream socketpair with blocking reads and writes; a message is four bytes of length and the payload"
    }

    fn takes(&self, case: &Case) -> bool {
        !case.condition.has_other_links()
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (caller, callee) = UnixStream::pair()?;
        pair(case, move || serve(callee, case), move || call(caller, case, meter))
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let (theirs, ours) = UnixStream::pair()?;
        // Its end is the child's standard input.
        let start =
            |command: &mut std::process::Command| Ok(Reaped::new(command.stdin(OwnedFd::from(theirs)).spawn()?));
        let (_child, caller) = Caller::start(self, case, plan, start)?;
        serve(ours, case)?;
        caller.batch()
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
        call(socket.into(), case, meter)?;
        // The parent reads until no process has the socket open, and standard input is the same socket.
        UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?).shutdown(std::net::Shutdown::Both)?;
        Ok(())
    }
}

fn call(mut socket: UnixStream, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let mut payload = Payload::new(case);
    let mut message = vec![0; LENGTH + case.bytes()];
    meter.run(|| {
        message[..LENGTH].copy_from_slice(&(case.bytes() as u32).to_le_bytes());
        message[LENGTH..].copy_from_slice(payload.next());
        socket.write_all(&message)?;
        socket.read_exact(&mut message)?;
        payload.check(&message[LENGTH..])
    })
}

fn serve(mut socket: UnixStream, case: &Case) -> anyhow::Result<()> {
    let mut message = vec![0; LENGTH + case.bytes()];
    loop {
        match socket.read_exact(&mut message) {
            Ok(()) => socket.write_all(&message)?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

const LENGTH: usize = 4;
