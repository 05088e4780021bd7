//! `check --store`: reads every record and index; changes nothing.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Admin;
use super::api::{CheckStore, StoreCheckView};
use crate::directory;
use crate::kernel::Fault;
use crate::store::{self, Store, StoreError};

pub(super) async fn check(admin: Arc<Admin>, _: CheckStore) -> Result<StoreCheckView, Fault> {
    // A whole store takes a while, and must not stand in the way of others.
    let looked = tokio::task::spawn_blocking(move || Handle::current().block_on(check_store(&admin.store)));
    Ok(looked.await.map_err(|error| Fault::internal(format!("the check was cut off: {error}")))??)
}

/// Looks at a whole store.
///
/// # Errors
/// [`StoreError::Backend`]; what does not decode or agree is a problem in the answer, not an error.
pub async fn check_store(store: &Store) -> Result<StoreCheckView, StoreError> {
    let report = store::check_store(store, &[]).await?;
    let found =
        report.findings.iter().map(|found| format!("table {}, record {}: {}", found.table, found.key, found.problem));
    let mut problems: Vec<String> = found.collect();
    match directory::check::problems(&store.reader()).await {
        Ok(more) => problems.extend(more),
        Err(error @ StoreError::Decode { .. }) => problems.push(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(StoreCheckView { tables: report.tables.into_iter().collect(), problems })
}
