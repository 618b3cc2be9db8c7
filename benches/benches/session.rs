//! Two sessions joined in memory: what the protocol costs without a transport and without a codec.

use coincide_benches::{SIZES, size};
use coincide_proto::{Call, Config, Event, Format, FrameBytes, Outcome, Progress, Role, Session, Transmit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    let mut main = Session::new(Role::Main, Config::default());
    let mut worker = Session::new(Role::Worker, Config::default());
    carry(&mut worker, &mut main);
    carry(&mut main, &mut worker);
    assert_eq!((main.poll_event(), worker.poll_event()), (Some(Event::Opened), Some(Event::Opened)));

    for bytes in SIZES {
        let mut payload = vec![7; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(size(bytes), |bencher| {
            bencher.iter(|| payload = call(&mut worker, &mut main, std::mem::take(&mut payload)));
        });
    }
}

/// A call there and back: main answers with what it got.
fn call(worker: &mut Session, main: &mut Session, payload: Vec<u8>) -> Vec<u8> {
    let call = worker.call(Call { name: "echo", ..Call::default() }, payload).expect("the call can be sent");
    carry(worker, main);
    let Some(Event::Call { id, payload, .. }) = main.poll_event() else { panic!("no call arrived") };
    main.reply(id, Format::Bytes, payload).expect("the call waits for an answer");
    carry(main, worker);
    match worker.poll_event() {
        Some(Event::Ended { id, outcome: Outcome::Returned { payload, .. } }) if id == call => payload.into_bytes(),
        other => panic!("the call ended with {other:?}"),
    }
}

fn carry(from: &mut Session, to: &mut Session) {
    let mut deliver = |frame: &Transmit<'_>| to.handle_frame(&Joined(frame.clone())).map(|()| true);
    while from.transmit(MAX_FRAME, &mut deliver) == Ok(Progress::Sent) {}
}

/// A frame as it was offered, delivered without a copy between.
struct Joined<'a>(Transmit<'a>);

impl FrameBytes for Joined<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        let Transmit { head, body: [body, ..], .. } = self.0;
        if at >= head.len() {
            return target.copy_from_slice(&body[at - head.len()..][..target.len()]);
        }
        let in_head = target.len().min(head.len() - at);
        let (first, second) = target.split_at_mut(in_head);
        first.copy_from_slice(&head[at..at + in_head]);
        second.copy_from_slice(&body[..second.len()]);
    }
}

/// As with rings of the default size.
const MAX_FRAME: usize = 32 << 10;

criterion_group!(benches, calls);
criterion_main!(benches);
