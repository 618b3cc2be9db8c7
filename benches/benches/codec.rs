//! The two payload formats: bytes of every size, a small struct, a list of records.

use std::hint::black_box;

use coincide_benches::{SIZES, size};
use coincide_codec::{ByteBuf, schema, typed, value};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn bytes(criterion: &mut Criterion) {
    for bytes in SIZES {
        both_formats(criterion, &format!("bytes/{}", size(bytes)), &ByteBuf::from(vec![7; bytes]));
    }
}

fn structs(criterion: &mut Criterion) {
    both_formats(criterion, "struct", &record(1));
    both_formats(criterion, "records/100", &(0..100).map(record).collect::<Vec<_>>());
}

/// Encodes into a buffer that is used again and again, and decodes from it.
fn both_formats<T: Serialize + DeserializeOwned>(criterion: &mut Criterion, name: &str, subject: &T) {
    let mut group = criterion.benchmark_group(name);
    let mut buffer = Vec::new();

    let schema = schema::hash_of::<T>();
    typed::to_buf(subject, schema, &mut buffer).expect("it can be sent");
    group.throughput(Throughput::Bytes(buffer.len() as u64));
    group.bench_function("typed/decode", |bencher| {
        bencher.iter(|| typed::from_slice::<T>(black_box(&buffer), schema).expect("it was encoded above"));
    });
    group.bench_function("typed/encode", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            typed::to_buf(black_box(subject), schema, &mut buffer)
        });
    });

    buffer.clear();
    value::to_buf(subject, &mut buffer).expect("it can be sent");
    group.throughput(Throughput::Bytes(buffer.len() as u64));
    group.bench_function("value/decode", |bencher| {
        bencher.iter(|| value::from_slice::<T>(black_box(&buffer)).expect("it was encoded above"));
    });
    group.bench_function("value/encode", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            value::to_buf(black_box(subject), &mut buffer)
        });
    });
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: u32,
    name: String,
    score: f64,
    active: bool,
}

fn record(id: u32) -> Record {
    Record { id, name: format!("record number {id}"), score: f64::from(id) * 1.5, active: id.is_multiple_of(2) }
}

criterion_group!(benches, bytes, structs);
criterion_main!(benches);
