//! iceoryx2's request-response, polled or with events.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use anyhow::{Context, anyhow};
use iceoryx2::active_request::ActiveRequest;
use iceoryx2::port::client::Client;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::server::Server;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{event, request_response};

use super::{Payload, Subject, pair, serve_child};
use crate::case::{Call, Case, Condition};
use crate::child::{self, Caller};
use crate::measure::{Meter, Plan};
use coincide_benches::report::Batch;

/// A service whose requests and responses are slices of bytes.
pub(crate) struct Iceoryx {
    name: &'static str,
    about: &'static str,
    /// Whether the ends sleep and notify each other.
    events: bool,
}

impl Iceoryx {
    pub(crate) const POLL: Self = Self {
        name: "iceoryx2-poll",
        about: "iceoryx2's request-response of byte slices, which both ends poll without a pause; the payload is copied into loaned samples and out",
        events: false,
    };

    pub(crate) const EVENT: Self = Self {
        name: "iceoryx2-event",
        about: "the same, but both ends sleep in a listener and notify each other",
        events: true,
    };
}

impl Subject for Iceoryx {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn takes(&self, case: &Case) -> bool {
        let small = case.call == Call::Echo { bytes: 32 };
        match case.condition {
            Condition::Hot => true,
            Condition::Cold => self.events,
            // Polling without a yield takes milliseconds there: once is enough to see it.
            Condition::OneCore | Condition::Hogged => self.events || small,
            Condition::TwoLinks | Condition::TwoLinksBusy | Condition::ManyLinksBusy | Condition::BesideBulk => false,
        }
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let name = unique_name();
        let (is_up, callee_is_up) = mpsc::channel();
        pair(
            case,
            || {
                let callee = Ports::new(&name)?.callee(case, self.events)?;
                is_up.send(())?;
                callee.serve(case, None)
            },
            || {
                callee_is_up.recv().context("the callee failed")?;
                call(&name, case, self.events, meter)
            },
        )
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        let name = unique_name();
        let callee = Ports::new(&name)?.callee(case, self.events)?;
        serve_child(self, case, plan, &name, |caller| callee.serve(case, Some(caller)))
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        call(&child::link()?, case, self.events, meter)
    }
}

fn call(name: &str, case: &Case, events: bool, meter: &mut Meter) -> anyhow::Result<()> {
    let ports = Ports::new(name)?;
    let client = ports.client(case)?;
    let doorbells = if events { Some((ports.notifier("request")?, ports.listener("response")?)) } else { None };
    let mut payload = Payload::new(case);
    let result = meter.run(|| {
        let request = client.loan_slice_uninit(case.bytes())?;
        let pending = request.write_from_slice(payload.next()).send()?;
        if let Some((doorbell, _)) = &doorbells {
            doorbell.notify()?;
        }
        let response = loop {
            if let Some(response) = pending.receive()? {
                break response;
            }
            match &doorbells {
                Some((_, doorbell)) => {
                    doorbell.blocking_wait(|_| ())?;
                }
                None => std::hint::spin_loop(),
            }
        };
        payload.check(&response)
    });
    // A request that is longer than all others ends the callee.
    let goodbye = client.loan_slice_uninit(case.bytes() + 1)?.write_from_fn(|_| 0).send()?;
    if let Some((doorbell, _)) = &doorbells {
        doorbell.notify()?;
    }
    // A request whose pending response was dropped is not delivered.
    while goodbye.is_connected() && goodbye.receive()?.is_none() {
        std::thread::yield_now();
    }
    result
}

struct Callee {
    server: EchoServer,
    doorbells: Option<(Listener<ipc::Service>, Notifier<ipc::Service>)>,
    /// Its ports live as long as their node.
    _ports: Ports,
}

impl Callee {
    fn serve(&self, case: &Case, caller: Option<&Caller>) -> anyhow::Result<()> {
        loop {
            match self.server.receive()? {
                Some(request) if request.len() > case.bytes() => return self.answer(&request),
                Some(request) => self.answer(&request)?,
                None if caller.is_some_and(Caller::has_finished) => return Ok(()),
                None => match &self.doorbells {
                    Some((doorbell, _)) => {
                        doorbell.blocking_wait(|_| ())?;
                    }
                    None => std::hint::spin_loop(),
                },
            }
        }
    }

    fn answer(&self, request: &EchoRequest) -> anyhow::Result<()> {
        request.loan_slice_uninit(request.len())?.write_from_slice(request).send()?;
        if let Some((_, doorbell)) = &self.doorbells {
            doorbell.notify()?;
        }
        Ok(())
    }
}

type EchoFactory = request_response::PortFactory<ipc::Service, [u8], (), [u8], ()>;
type EchoClient = Client<ipc::Service, [u8], (), [u8], ()>;
type EchoServer = Server<ipc::Service, [u8], (), [u8], ()>;
type EchoRequest = ActiveRequest<ipc::Service, [u8], (), [u8], ()>;

/// Makes the ports of one end.
struct Ports {
    node: Node<ipc::Service>,
    name: String,
}

impl Ports {
    fn new(name: &str) -> anyhow::Result<Self> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<ipc::Service>()?;
        Ok(Self { node, name: name.into() })
    }

    fn callee(self, case: &Case, events: bool) -> anyhow::Result<Callee> {
        let server = self.service()?.server_builder().initial_max_slice_len(case.bytes() + 1).create()?;
        let doorbells = if events { Some((self.listener("request")?, self.notifier("response")?)) } else { None };
        Ok(Callee { server, doorbells, _ports: self })
    }

    fn client(&self, case: &Case) -> anyhow::Result<EchoClient> {
        Ok(self.service()?.client_builder().initial_max_slice_len(case.bytes() + 1).create()?)
    }

    fn listener(&self, direction: &str) -> anyhow::Result<Listener<ipc::Service>> {
        Ok(self.events(direction)?.listener_builder().create()?)
    }

    fn notifier(&self, direction: &str) -> anyhow::Result<Notifier<ipc::Service>> {
        Ok(self.events(direction)?.notifier_builder().create()?)
    }

    fn service(&self) -> anyhow::Result<EchoFactory> {
        let name = self.name.as_str().try_into().map_err(|error| anyhow!("{error:?}"))?;
        Ok(self.node.service_builder(&name).request_response::<[u8], [u8]>().open_or_create()?)
    }

    fn events(&self, direction: &str) -> anyhow::Result<event::PortFactory<ipc::Service>> {
        let name = format!("{}/{direction}", self.name);
        let name = name.as_str().try_into().map_err(|error| anyhow!("{error:?}"))?;
        Ok(self.node.service_builder(&name).event().open_or_create()?)
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("coincide-bench/{}/{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
