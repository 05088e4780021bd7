//! `check --store`: reads every record and index; changes nothing.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Administration;
use super::api::{CheckStore, StoreCheckView};
use crate::directory::{PublicMail, claim, discovery};
use crate::kernel::Fault;
use crate::store::{self, Finding, Store, StoreError, TableChecker, Tx};
use crate::{credential, directory, saml, second_factor, session, webhook};

/// Looks at the whole store; for the operator.
pub async fn check(admin: Arc<Administration>, _: CheckStore) -> Result<StoreCheckView, Fault> {
    admin.operators()?;
    // A whole store takes a while, and must not stand in the way of others.
    let looked = tokio::task::spawn_blocking(move || {
        Handle::current().block_on(check_store(&admin.store, admin.proof.public_mail(), (admin.door_checkers)()))
    });
    Ok(looked.await.map_err(|error| Fault::internal(format!("the check was cut off: {error}")))??)
}

/// What the rooms promise of their tables.
pub fn room_checkers() -> Vec<TableChecker> {
    let mut checkers = directory::check::checkers();
    checkers.extend(session::checkers());
    checkers.extend(credential::checkers());
    checkers.extend(second_factor::checkers());
    checkers.extend(saml::keys::checkers());
    checkers.extend(webhook::checkers());
    checkers.extend(saml::expiry::checkers());
    checkers
}

/// Looks at a whole store; `doors`: what the other doors promise of their tables.
///
/// # Errors
/// [`StoreError::Backend`]; what does not decode or agree is a problem in the answer, not an error.
pub async fn check_store(
    store: &Store,
    public: &PublicMail,
    doors: Vec<TableChecker>,
) -> Result<StoreCheckView, StoreError> {
    let mut checkers = room_checkers();
    checkers.extend(doors);
    let report = store::check_store(store, &checkers).await?;
    let told = |found: &Finding| format!("table {}, record {}: {}", found.table, found.key, found.problem);
    let mut problems: Vec<String> = report.findings.iter().map(told).collect();
    if report.problems > problems.len() {
        problems.push(format!("and {} more", report.problems - problems.len()));
    }
    let warnings = public_mail(&store.reader(), public).await?;
    Ok(StoreCheckView { tables: report.tables.into_iter().collect(), problems, warnings })
}

/// What came to be before the list of public mail providers said otherwise: it stays, and somebody should look at it.
async fn public_mail(tx: &Tx, public: &PublicMail) -> Result<Vec<String>, StoreError> {
    let mut warnings = Vec::new();
    for domain in public.iter() {
        if let Some(holder) = claim::holder(tx, domain).await? {
            warnings.push(format!(
                "{domain} is verified for {0}, and on the list of public mail providers: take it off the list, or release \
                 it (`vestibule domain release {0} {domain}`)",
                holder.slug
            ));
        }
        if discovery::is_found(tx, domain).await? {
            warnings.push(format!(
                "{domain} is a work domain of an organization, and on the list of public mail providers: everybody with \
                 an address there finds that organization"
            ));
        }
    }
    Ok(warnings)
}
