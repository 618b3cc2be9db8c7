//! ipc-channel, with bytes and with types.

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::records::{Record, Records};
use super::{Payload, Subject, pair, serve_child};
use crate::case::{Call, Case, Condition};
use crate::child;
use crate::measure::{Meter, Plan};
use coincide_benches::report::Batch;

/// Channels of bytes, which are not serialized.
pub(crate) struct Bytes;

impl Subject for Bytes {
    fn name(&self) -> &'static str {
        "ipc-channel"
    }

    fn about(&self) -> &'static str {
        "a pair of ipc-channel's channels of bytes"
    }

    fn takes(&self, case: &Case) -> bool {
        !case.condition.has_other_links()
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (caller, callee) = byte_ends()?;
        pair(case, move || serve_bytes(callee), move || call_bytes(caller, case, meter))
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let (server, name) = IpcOneShotServer::<ByteEnds>::new()?;
        serve_child(self, case, plan, &name, |_| serve_bytes(server.accept()?.1))
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (caller, callee) = byte_ends()?;
        IpcSender::connect(child::link()?)?.send(callee)?;
        call_bytes(caller, case, meter)
    }
}

/// Channels of a type.
pub(crate) struct Typed;

impl Subject for Typed {
    fn name(&self) -> &'static str {
        "ipc-channel-typed"
    }

    fn about(&self) -> &'static str {
        "a pair of ipc-channel's channels of `Vec<u8>`, which serde takes byte by byte"
    }

    fn takes(&self, case: &Case) -> bool {
        case.condition == Condition::Hot
    }

    fn has_records(&self) -> bool {
        true
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        if case.call == Call::Records {
            let (caller, callee) = typed_ends()?;
            return pair(case, move || serve_typed(callee), move || call_records(caller, meter));
        }
        let (caller, callee) = typed_ends()?;
        pair(case, move || serve_typed(callee), move || call_typed(caller, case, meter))
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        if case.call == Call::Records {
            let (server, name) = IpcOneShotServer::<TypedEnds<Vec<Record>>>::new()?;
            return serve_child(self, case, plan, &name, |_| serve_typed(server.accept()?.1));
        }
        let (server, name) = IpcOneShotServer::<TypedEnds<Vec<u8>>>::new()?;
        serve_child(self, case, plan, &name, |_| serve_typed(server.accept()?.1))
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        if case.call == Call::Records {
            let (caller, callee) = typed_ends()?;
            IpcSender::connect(child::link()?)?.send(callee)?;
            return call_records(caller, meter);
        }
        let (caller, callee) = typed_ends()?;
        IpcSender::connect(child::link()?)?.send(callee)?;
        call_typed(caller, case, meter)
    }
}

/// What one end holds of a pair of channels.
#[derive(Serialize, Deserialize)]
struct ByteEnds {
    sender: IpcBytesSender,
    receiver: IpcBytesReceiver,
}

fn byte_ends() -> anyhow::Result<(ByteEnds, ByteEnds)> {
    let (requests, inbox) = ipc::bytes_channel()?;
    let (responses, answers) = ipc::bytes_channel()?;
    Ok((ByteEnds { sender: requests, receiver: answers }, ByteEnds { sender: responses, receiver: inbox }))
}

fn call_bytes(ends: ByteEnds, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let mut payload = Payload::new(case);
    meter.run(|| {
        ends.sender.send(payload.next())?;
        payload.check(&ends.receiver.recv()?)
    })
}

fn serve_bytes(ends: ByteEnds) -> anyhow::Result<()> {
    // The caller's going ends it.
    while let Ok(request) = ends.receiver.recv() {
        ends.sender.send(&request)?;
    }
    Ok(())
}

/// What one end holds of a pair of channels.
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Serialize + for<'a> Deserialize<'a>")]
struct TypedEnds<T> {
    sender: IpcSender<T>,
    receiver: IpcReceiver<T>,
}

fn typed_ends<T: Serialize + DeserializeOwned>() -> anyhow::Result<(TypedEnds<T>, TypedEnds<T>)> {
    let (requests, inbox) = ipc::channel()?;
    let (responses, answers) = ipc::channel()?;
    Ok((TypedEnds { sender: requests, receiver: answers }, TypedEnds { sender: responses, receiver: inbox }))
}

fn call_typed(ends: TypedEnds<Vec<u8>>, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let mut payload = Payload::new(case);
    meter.run(|| {
        ends.sender.send(payload.next().to_vec())?;
        payload.check(&ends.receiver.recv()?)
    })
}

fn call_records(ends: TypedEnds<Vec<Record>>, meter: &mut Meter) -> anyhow::Result<()> {
    let mut records = Records::new();
    meter.run(|| {
        ends.sender.send(records.take())?;
        records.put_back(ends.receiver.recv()?)
    })
}

fn serve_typed<T: Serialize + DeserializeOwned>(ends: TypedEnds<T>) -> anyhow::Result<()> {
    while let Ok(request) = ends.receiver.recv() {
        ends.sender.send(request)?;
    }
    Ok(())
}
