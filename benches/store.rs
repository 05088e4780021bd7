//! What the store costs: durable commits with 64 waiting at once, and one read.
#![expect(clippy::expect_used, reason = "a benchmark that can't set itself up has nothing to measure")]

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use vestibule::kernel::SystemClock;
use vestibule::store::{SledBackend, Store, StoreError, Table, Tx};

/// How many tasks commit at the same time.
const WAITERS: u64 = 64;
/// How many commits each of them makes, one after the other.
const COMMITS: u64 = 16;
const ROWS: Table<u64, String> = Table::new("bench");

async fn write(store: Store, first: u64) {
    let value = "x".repeat(200);
    for key in first..first + COMMITS {
        let body = async |tx: Tx| tx.put(&ROWS, &key, &value);
        let written: Result<(), StoreError> = store.transaction("bench", body).await;
        written.expect("the commit is durable");
    }
}

fn store(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    let backend = SledBackend::open(directory.path()).expect("a store");
    let store = runtime.block_on(Store::open(backend, Arc::new(SystemClock))).expect("a store");

    let mut group = criterion.benchmark_group("store");
    group.sample_size(20).throughput(Throughput::Elements(WAITERS * COMMITS));
    let mut next = 0;
    group.bench_function("durable commits, 64 waiting", |bencher| {
        let keys = || {
            next += WAITERS * COMMITS;
            (next..next + WAITERS * COMMITS).step_by(16)
        };
        let run = |firsts: std::iter::StepBy<std::ops::Range<u64>>| {
            runtime.block_on(async {
                firsts.map(|first| write(store.clone(), first)).collect::<JoinSet<()>>().join_all().await
            })
        };
        bencher.iter_batched(keys, run, BatchSize::PerIteration);
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("get", |bencher| {
        let key = WAITERS * COMMITS;
        bencher.iter(|| store.reader().get(&ROWS, &key).now_or_never().expect("sled answers at once"));
    });
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
