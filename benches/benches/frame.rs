//! The frame header: encoding and decoding.

use std::hint::black_box;

use coincide_proto::{Flags, Format, Header, Kind};
use criterion::{Criterion, criterion_group, criterion_main};

fn header(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    let header = Header {
        kind: Kind::CALL,
        flags: Flags::new(Format::Typed, false),
        code: 1,
        id: 12_345,
        parent: 0,
        name_len: 5,
    };
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(&header).to_bytes()));
    let bytes = header.to_bytes();
    group.bench_function("decode", |bencher| bencher.iter(|| Header::from_bytes(black_box(bytes))));
}

criterion_group!(benches, header);
criterion_main!(benches);
