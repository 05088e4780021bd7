//! The store: one suite for any backend, and what the embedded one promises besides.

mod chain;
mod expiry;
mod exports;
mod feed;
mod kill;
mod model;
mod sled;
mod transactions;

use std::sync::Arc;

use vestibule::kernel::{ManualClock, Timestamp};
use vestibule::store::{Backend, SledBackend, Store, StoreError, Table, Tx};

/// When the tests begin.
const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const NOTES: Table<String, String> = Table::new("note");

/// A store on a fresh backend, with a clock that the test moves.
pub struct World {
    pub backend: Arc<dyn Backend>,
    pub store: Store,
    pub clock: Arc<ManualClock>,
}

impl World {
    pub async fn on(backend: Arc<dyn Backend>) -> World {
        let clock = Arc::new(ManualClock::at(START));
        let store = Store::open(Arc::clone(&backend), Arc::clone(&clock) as _).await.expect("the store opens");
        World { backend, store, clock }
    }

    pub async fn note(&self, key: &str, text: &str) {
        let (key, text) = (key.to_owned(), text.to_owned());
        let body = async |tx: Tx| tx.put(&NOTES, &key, &text);
        self.store.transaction::<_, StoreError, _, _>("note", body).await.expect("the note is written");
    }

    pub async fn read(&self, key: &str) -> Option<String> {
        self.store.reader().get(&NOTES, &key.to_owned()).await.expect("the note is read")
    }

    pub async fn notes(&self) -> Vec<(String, String)> {
        self.store.reader().scan(&NOTES, &(), None, 1000).await.expect("the notes are read")
    }
}

/// Runs the suite on a backend. `$fresh` is a path to an `async fn() -> Arc<dyn Backend>`, each time a new, empty one.
macro_rules! suite {
    ($backend:ident, $fresh:path: $($module:ident: $($test:ident)*;)*) => {
        mod $backend {
            $(mod $module {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $test() {
                        crate::store::$module::$test(crate::store::World::on($fresh().await).await).await;
                    }
                )*
            })*

            #[test]
            fn behaves_as_the_model() {
                crate::store::model::behaves_as_the_model($fresh);
            }

            #[tokio::test]
            async fn an_export_fills_an_empty_store_and_keeps_versions_rising() {
                crate::store::exports::roundtrip($fresh().await, $fresh().await).await;
            }
        }
    };
}

suite! { suite_on_sled, crate::store::fresh_sled:
    transactions:
        a_transaction_reads_its_own_writes
        an_error_rolls_everything_back
        a_lost_race_is_run_again
        what_was_read_together_was_true_together
        a_row_that_appears_is_a_conflict_too
        a_transaction_that_always_loses_gives_up
        a_scan_merges_pending_writes_and_pages
        a_prefix_selects_whole_parts_of_a_key
        a_batch_is_all_or_nothing_over_tables
        a_value_over_the_limit_is_refused
        versions_never_repeat
        another_schema_is_refused;
    chain:
        many_writers_make_one_chain_and_none_runs_again
        what_is_not_committed_is_not_in_the_chain
        each_chain_is_its_own
        every_damage_is_found
        what_is_appended_meanwhile_is_no_damage
        an_export_keeps_chains_whole;
    expiry:
        of_many_that_use_a_thing_once_one_wins
        what_expires_is_gone_at_that_very_moment
        a_sweep_removes_the_expired_and_nothing_else
        a_taken_row_is_gone
        a_lease_has_one_holder_at_a_time
        a_counter_starts_anew_with_its_window;
    feed:
        a_feed_tells_commits_in_order
        a_feed_is_told_before_the_commit_returns
        a_feed_that_falls_behind_hears_that_it_lost
        a_quiet_feed_says_that_it_lives
        a_closed_store_closes_its_feeds;
    exports:
        a_snapshot_shows_one_moment
        a_snapshot_hides_what_comes_later
        a_cut_or_changed_export_is_refused
        an_import_wants_an_empty_store
        a_check_names_what_is_wrong
        a_check_never_blames_a_change_in_between;
}

async fn fresh_sled() -> Arc<dyn Backend> {
    SledBackend::temporary().expect("a temporary store")
}
