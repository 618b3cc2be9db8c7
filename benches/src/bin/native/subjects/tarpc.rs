//! tarpc over its in-memory transport.

use futures_util::StreamExt;
use tarpc::client;
use tarpc::context::{self, Context};
use tarpc::server::{BaseChannel, Channel};
use tokio::runtime;

use super::records::{Record, Records};
use super::{Payload, Subject, pair};
use crate::case::{Call, Case, Ends};
use crate::measure::Meter;

/// A client and a server, each on a thread with a runtime of its own. Nothing is serialized.
pub(crate) struct Tarpc;

impl Subject for Tarpc {
    fn name(&self) -> &'static str {
        "tarpc"
    }

    fn about(&self) -> &'static str {
        "tarpc over its in-memory transport, client and server each on a thread with a current-thread tokio runtime; nothing is serialized"
    }

    fn takes(&self, case: &Case) -> bool {
        case.ends == Ends::Threads && !case.condition.has_other_links()
    }

    fn has_records(&self) -> bool {
        true
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let (ours, theirs) = tarpc::transport::channel::bounded(1);
        pair(
            case,
            move || {
                runtime::Builder::new_current_thread().enable_time().build()?.block_on(
                    BaseChannel::with_defaults(theirs).execute(EchoServer.serve()).for_each(|response| response),
                );
                Ok(())
            },
            move || {
                let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
                let client = runtime.block_on(async { EchoClient::new(client::Config::default(), ours).spawn() });
                if case.call == Call::Records {
                    let mut records = Records::new();
                    return meter.run(|| {
                        let request = records.take();
                        let answer = runtime.block_on(client.echo_records(context::current(), request))?;
                        records.put_back(answer)
                    });
                }
                let mut payload = Payload::new(case);
                meter.run(|| {
                    let request = payload.next().to_vec();
                    let answer = runtime.block_on(client.echo(context::current(), request))?;
                    payload.check(&answer)
                })
            },
        )
    }
}

#[tarpc::service]
trait Echo {
    async fn echo(payload: Vec<u8>) -> Vec<u8>;
    async fn echo_records(records: Vec<Record>) -> Vec<Record>;
}

#[derive(Clone)]
struct EchoServer;

impl Echo for EchoServer {
    async fn echo(self, _: Context, payload: Vec<u8>) -> Vec<u8> {
        Vec::from(&payload[..])
    }

    async fn echo_records(self, _: Context, records: Vec<Record>) -> Vec<Record> {
        records
    }
}
