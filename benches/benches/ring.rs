//! The ring: frames through it on one thread, so that no waiting is measured.

use coincide_benches::{SIZES, size};
use coincide_proto::{Transmit, Transport};
use coincide_transport_atomics::{Doorbell, Rings, pair};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    // With room for the longest frame of the ladder.
    let config = Rings::default().up_capacity(16 << 20);
    let (mut main, mut worker) = pair(config, Doorbell::new().expect("a doorbell"));
    for bytes in SIZES {
        let body = vec![7; bytes];
        let mut target = vec![0; HEAD.len() + bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(size(bytes), |bencher| {
            bencher.iter(|| {
                let sent = worker.send(&Transmit::new(&HEAD, &body));
                assert_eq!(sent, Ok(true));
                let received = main.receive_with(|frame| {
                    frame.copy_to(0, &mut target);
                    Ok(())
                });
                assert_eq!(received, Ok(true));
            });
        });
    }
}

/// As long as a header.
const HEAD: [u8; 16] = [1; 16];

criterion_group!(benches, frames);
criterion_main!(benches);
