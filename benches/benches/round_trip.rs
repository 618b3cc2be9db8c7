//! Whole calls, hot, between two threads: from a worker to main and back. `report` measures the same beside its peers.

use std::time::{Duration, Instant};

use coincide::{ByteBuf, Main, Thrown, interface};
use coincide_benches::{SIZES, size};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn calls(criterion: &mut Criterion) {
    let main = Main::new().expect("a main endpoint");
    // The worker times as many calls as it is asked for.
    let worker = main.spawn(|scope| {
        let client = bench::Client::new(scope.sync());
        scope.export("increment", move |calls: u64| {
            timed(|| (0..calls).try_for_each(|number| client.increment(number).map(drop)))
        });
        let client = bench::Client::new(scope.sync());
        scope.export("echo", move |bytes: usize, calls: u64| {
            let mut payload = ByteBuf::from(vec![7; bytes]);
            timed(|| {
                (0..calls).try_for_each(|_| {
                    payload = client.echo(std::mem::take(&mut payload))?;
                    Ok(())
                })
            })
        });
        let sync = scope.sync();
        scope.export("echo_bytes", move |bytes: usize, calls: u64| {
            let mut payload = vec![7; bytes];
            timed(|| (0..calls).try_for_each(|_| sync.call_bytes("echo_bytes", &mut payload)))
        });
        Ok(())
    });
    let worker = worker.expect("a worker");
    worker.register_interface(bench::functions(Functions));
    worker.register_bytes("echo_bytes", |_| Ok(()));
    main.block_on(worker.ready()).expect("a ready worker");

    let mut group = criterion.benchmark_group("round_trip");
    group.bench_function("increment", |bencher| {
        bencher.iter_custom(|calls| main.block_on(worker.proxy().call("increment", (calls,))).expect("the time"));
    });
    for style in ["echo", "echo_bytes"] {
        for bytes in SIZES {
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(format!("{style}/{}", size(bytes)), |bencher| {
                bencher
                    .iter_custom(|calls| main.block_on(worker.proxy().call(style, (bytes, calls))).expect("the time"));
            });
        }
    }
}

interface! {
    mod bench {
        fn echo(payload: ByteBuf) -> ByteBuf;
        fn increment(number: u64) -> u64;
    }
}

struct Functions;

impl bench::Service for Functions {
    fn echo(&self, payload: ByteBuf) -> Result<ByteBuf, Thrown> {
        Ok(payload)
    }

    fn increment(&self, number: u64) -> Result<u64, Thrown> {
        Ok(number + 1)
    }
}

fn timed(run: impl FnOnce() -> Result<(), coincide::CallError>) -> Result<Duration, Thrown> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

criterion_group!(benches, calls);
criterion_main!(benches);
