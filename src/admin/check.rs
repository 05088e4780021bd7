//! `check --store`: reads every record and index; changes nothing.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Admin;
use super::api::{CheckStore, StoreCheckView};
use crate::kernel::Fault;
use crate::store::{self, Finding, Store, StoreError};
use crate::{credential, directory, saml, second_factor, session};

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
    let mut checkers = directory::check::checkers();
    checkers.extend(session::checkers());
    checkers.extend(credential::checkers());
    checkers.extend(second_factor::checkers());
    checkers.extend(saml::keys::checkers());
    let report = store::check_store(store, &checkers).await?;
    let told = |found: &Finding| format!("table {}, record {}: {}", found.table, found.key, found.problem);
    let mut problems: Vec<String> = report.findings.iter().map(told).collect();
    if report.problems > problems.len() {
        problems.push(format!("and {} more", report.problems - problems.len()));
    }
    Ok(StoreCheckView { tables: report.tables.into_iter().collect(), problems })
}
