//! What a body costs on its way into the store: the digest behind an `ETag` of ours, against others.
//!
//! blake3 is taken although xxh3 is much faster: an origin's clients may choose bodies, and two that they made to have one
//! digest would be one entity to every cache. A body is hashed once, when it is stored, never at a hit.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::Digest as _;
use xxhash_rust::xxh3::xxh3_128;

fn hash(criterion: &mut Criterion) {
    for (name, size) in [("1 KiB", 1 << 10), ("100 KiB", 100 << 10)] {
        let body = vec![b'x'; size];
        let mut group = criterion.benchmark_group("hash");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("ours", name), |bencher| {
            bencher.iter(|| blake3::hash(black_box(&body)));
        });
        group.bench_function(BenchmarkId::new("sha256", name), |bencher| {
            bencher.iter(|| sha2::Sha256::digest(black_box(&body)));
        });
        group.bench_function(BenchmarkId::new("xxh3_128", name), |bencher| {
            bencher.iter(|| xxh3_128(black_box(&body)));
        });
        group.finish();
    }
}

criterion_group!(benches, hash);
criterion_main!(benches);
