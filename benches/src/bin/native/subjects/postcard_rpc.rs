//! postcard-rpc over its in-memory channels.

use postcard_rpc::header::{VarHeader, VarKeyKind, VarSeqKind};
use postcard_rpc::host_client::test_channels;
use postcard_rpc::server::impls::test_channels::dispatch_impl::{Settings, WireSpawnImpl, WireTxImpl, new_server};
use postcard_rpc::server::impls::test_channels::{ChannelWireRx, ChannelWireSpawn, ChannelWireTx};
use postcard_rpc::{define_dispatch, endpoints, postcard_schema, topics};
use tokio::runtime;
use tokio::sync::mpsc;

use super::records::{Record, Records};
use super::{Payload, Subject, pair};
use crate::case::{Call, Case, Ends};
use crate::measure::Meter;

/// A client and a server, each on a thread with a runtime of its own.
pub(crate) struct PostcardRpc;

impl Subject for PostcardRpc {
    fn name(&self) -> &'static str {
        "postcard-rpc"
    }

    fn about(&self) -> &'static str {
        "postcard-rpc over its in-memory channels, client and server each on a thread with a current-thread tokio runtime; postcard takes `Vec<u8>` byte by byte"
    }

    fn takes(&self, case: &Case) -> bool {
        case.ends == Ends::Threads && !case.condition.has_other_links()
    }

    fn has_records(&self) -> bool {
        true
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (requests, inbox) = mpsc::channel(16);
        let (responses, answers) = mpsc::channel(16);
        pair(
            case,
            move || {
                let dispatcher = Echoing::new(Context, ChannelWireSpawn);
                let settings = Settings {
                    tx: ChannelWireTx::new(responses),
                    rx: ChannelWireRx::new(inbox),
                    buf: case.bytes() + ROOM_FOR_HEADERS,
                    kkind: VarKeyKind::Key8,
                };
                // It ends with an error: that the client is gone.
                let _ = runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()?
                    .block_on(async { new_server(dispatcher, settings).run().await });
                Ok(())
            },
            move || {
                let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
                let client =
                    runtime.block_on(async { test_channels::new_from_channels(requests, answers, VarSeqKind::Seq4) });
                let failed = |error| anyhow::anyhow!("{error:?}");
                if case.call == Call::Records {
                    let mut records = Records::new();
                    return meter.run(|| {
                        let request = records.take();
                        let answer = runtime.block_on(client.send_resp::<RecordsEndpoint>(&request)).map_err(failed)?;
                        records.put_back(answer)
                    });
                }
                let mut payload = Payload::new(case);
                meter.run(|| {
                    let request = payload.next().to_vec();
                    let answer = runtime.block_on(client.send_resp::<EchoEndpoint>(&request)).map_err(failed)?;
                    payload.check(&answer)
                })
            },
        )
    }
}

type Bytes = Vec<u8>;
type List = Vec<Record>;

endpoints! {
    list = ENDPOINTS;
    | EndpointTy      | RequestTy | ResponseTy | Path      |
    | ----------      | --------- | ---------- | ----      |
    | EchoEndpoint    | Bytes     | Bytes      | "echo"    |
    | RecordsEndpoint | List      | List       | "records" |
}

topics! {
    list = TOPICS_IN;
    direction = postcard_rpc::TopicDirection::ToServer;
    | TopicTy | MessageTy | Path |
    | ------- | --------- | ---- |
}

topics! {
    list = TOPICS_OUT;
    direction = postcard_rpc::TopicDirection::ToClient;
    | TopicTy | MessageTy | Path |
    | ------- | --------- | ---- |
}

define_dispatch! {
    app: Echoing;
    spawn_fn: spawn_fn;
    tx_impl: WireTxImpl;
    spawn_impl: WireSpawnImpl;
    context: Context;

    endpoints: {
        list: ENDPOINTS;

        | EndpointTy      | kind     | handler      |
        | ----------      | ----     | -------      |
        | EchoEndpoint    | blocking | echo         |
        | RecordsEndpoint | blocking | echo_records |
    };
    topics_in: {
        list: TOPICS_IN;

        | TopicTy | kind | handler |
        | ------- | ---- | ------- |
    };
    topics_out: {
        list: TOPICS_OUT;
    };
}

struct Context;

fn echo(_: &mut Context, _: VarHeader, payload: Vec<u8>) -> Vec<u8> {
    payload
}

fn echo_records(_: &mut Context, _: VarHeader, records: Vec<Record>) -> Vec<Record> {
    records
}

/// More than the key, the sequence number and the length take.
const ROOM_FOR_HEADERS: usize = 64;
