//! Any backend: whatever transactions do, in whatever order, a plain map would say the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vestibule::kernel::Timestamp;
use vestibule::store::{Backend, StoreError, Table, Tx};

use super::World;

type Model = BTreeMap<(u8, u8), (u32, Option<Timestamp>)>;

/// Keys of two parts, so that prefixes are tried too; few, so that they meet.
const ROWS: Table<(String, u64), u32> = Table::new("model");

#[derive(Clone, Debug)]
enum Step {
    Get(u8, u8),
    Put(u8, u8, u32),
    PutFor(u8, u8, u32, u8),
    Delete(u8, u8),
    Take(u8, u8),
    Scan(Option<u8>, Option<(u8, u8)>, usize),
}

#[derive(Clone, Debug)]
enum Turn {
    Transaction { steps: Vec<Step>, commits: bool },
    Advance(u8),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || (0..4_u8, 0..4_u8);
    prop_oneof![
        key().prop_map(|(a, b)| Step::Get(a, b)),
        (key(), any::<u32>()).prop_map(|((a, b), value)| Step::Put(a, b, value)),
        (key(), any::<u32>(), 0..6_u8).prop_map(|((a, b), value, seconds)| Step::PutFor(a, b, value, seconds)),
        key().prop_map(|(a, b)| Step::Delete(a, b)),
        key().prop_map(|(a, b)| Step::Take(a, b)),
        (prop::option::of(0..4_u8), prop::option::of(key()), 0..6_usize)
            .prop_map(|(prefix, after, limit)| Step::Scan(prefix, after, limit)),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (prop::collection::vec(step(), 0..12), prop::bool::weighted(0.8))
            .prop_map(|(steps, commits)| Turn::Transaction { steps, commits }),
        1 => (0..4_u8).prop_map(Turn::Advance),
        1 => Just(Turn::Sweep),
    ]
}

pub fn behaves_as_the_model<F, Fut>(fresh: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Backend>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&prop::collection::vec(turn(), 1..25), |turns| {
        runtime.block_on(async {
            let world = World::on(fresh().await).await;
            let mut model = Model::new();
            for turn in turns {
                play(&world, &mut model, turn).await?;
            }
            Ok(())
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

async fn play(world: &World, model: &mut Model, turn: Turn) -> Result<(), TestCaseError> {
    match turn {
        Turn::Advance(seconds) => world.clock.advance(Duration::from_secs(seconds.into())),
        Turn::Sweep => {
            world.store.sweep().await.expect("it sweeps");
        }
        Turn::Transaction { steps, commits } => {
            let now = world.store.now();
            let seen = world.store.transaction("model", async |tx: Tx| {
                let mut after = model.clone();
                let mut differences = Vec::new();
                for step in &steps {
                    let (found, expected) = (on_store(&tx, step).await?, on_model(&mut after, step, now));
                    if found != expected {
                        differences.push(format!("{step:?}: {found:?}, not {expected:?}"));
                    }
                }
                if commits { Ok((after, differences)) } else { Err(StoreError::Contention("rolled back")) }
            });
            match seen.await {
                Ok((after, differences)) => {
                    prop_assert!(differences.is_empty(), "{differences:?}");
                    *model = after;
                }
                Err(error) => prop_assert!(!commits, "{error}"),
            }
        }
    }
    Ok(())
}

fn key(a: u8, b: u8) -> (String, u64) {
    ("x".repeat(a.into()), b.into())
}

async fn on_store(tx: &Tx, step: &Step) -> Result<Vec<u32>, StoreError> {
    match *step {
        Step::Get(a, b) => Ok(tx.get(&ROWS, &key(a, b)).await?.into_iter().collect()),
        Step::Take(a, b) => Ok(tx.take(&ROWS, &key(a, b)).await?.into_iter().collect()),
        Step::Put(a, b, value) => tx.put(&ROWS, &key(a, b), &value).map(|()| Vec::new()),
        Step::PutFor(a, b, value, seconds) => {
            let expires = tx.now().plus(Duration::from_secs(seconds.into()));
            tx.put_until(&ROWS, &key(a, b), &value, expires).map(|()| Vec::new())
        }
        Step::Delete(a, b) => {
            tx.delete(&ROWS, &key(a, b));
            Ok(Vec::new())
        }
        Step::Scan(prefix, after, limit) => {
            let after = after.map(|(a, b)| key(a, b));
            let rows = match prefix {
                Some(a) => tx.scan(&ROWS, &key(a, 0).0, after.as_ref(), limit).await?,
                None => tx.scan(&ROWS, &(), after.as_ref(), limit).await?,
            };
            Ok(rows.into_iter().map(|(_, value)| value).collect())
        }
    }
}

fn on_model(model: &mut Model, step: &Step, now: Timestamp) -> Vec<u32> {
    model.retain(|_, (_, expires)| expires.is_none_or(|expires| now < expires));
    match *step {
        Step::Get(a, b) => model.get(&(a, b)).map(|(value, _)| *value).into_iter().collect(),
        Step::Take(a, b) => model.remove(&(a, b)).map(|(value, _)| value).into_iter().collect(),
        Step::Put(a, b, value) => {
            model.insert((a, b), (value, None));
            Vec::new()
        }
        Step::PutFor(a, b, value, seconds) => {
            model.insert((a, b), (value, Some(now.plus(Duration::from_secs(seconds.into())))));
            Vec::new()
        }
        Step::Delete(a, b) => {
            model.remove(&(a, b));
            Vec::new()
        }
        Step::Scan(prefix, after, limit) => {
            let wanted = |key: &(u8, u8)| prefix.is_none_or(|a| key.0 == a) && after.is_none_or(|after| *key > after);
            model.iter().filter(|(key, _)| wanted(key)).take(limit).map(|(_, (value, _))| *value).collect()
        }
    }
}
