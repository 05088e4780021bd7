//! Certificates that end: owners and admins are mailed 30, 14, 7 and 1 days before, once each, by one node (R58).
//!
//! An identity provider's certificate that is over still verifies; but it is a sign that the next one comes, and that
//! must be here before. Where a later one is held already, there is nothing to be done, and nobody is mailed.

use std::sync::Arc;
use std::time::Duration;

use super::certificate::Certificate;
use super::keys;
use crate::directory::audit::OPERATOR;
use crate::directory::sso::{self, SSO_CERTIFICATES};
use crate::directory::{Organization, SsoCertificate, effective, organization, outbox};
use crate::kernel::{OrgId, Rng, Role, Timestamp};
use crate::store::{Store, StoreError, Table, TableChecker, Tx, decodes, take_lease};

/// So many days before a certificate ends its owners are told.
pub const TOLD_AT_DAYS: [u64; 4] = [30, 14, 7, 1];
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// For how long one node is the one that looks: longer than a look takes.
const LEASE_FOR: Duration = Duration::from_secs(10 * 60);
/// The lease's name.
const LEASE: &str = "certificate-warnings";
/// How many certificates are read at once.
const AT_ONCE: usize = 500;
/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// At how many days its owners were told last, by organization and certificate.
const TOLD: Table<(OrgId, String), u64> = Table::new("certificate_warnings");

/// What is promised of the records.
pub fn checkers() -> Vec<TableChecker> {
    vec![decodes(&TOLD)]
}

/// Which warning is due of a certificate that ends at `end`; `None`: none yet, or it is over.
pub fn due(end: Timestamp, now: Timestamp) -> Option<u64> {
    if end <= now {
        return None;
    }
    let left = end.since(now);
    TOLD_AT_DAYS.into_iter().rev().find(|days| left <= DAY * u32::try_from(*days).unwrap_or(u32::MAX))
}

/// Whether this warning was not given yet; from now on it was.
async fn first(tx: &Tx, key: (OrgId, String), days: u64, end: Timestamp) -> Result<bool, StoreError> {
    let new = tx.get(&TOLD, &key).await?.is_none_or(|told| days < told);
    if new {
        tx.put_until(&TOLD, &key, &days, end.plus(DAY))?;
    }
    Ok(new)
}

/// The job.
pub struct Expiry {
    store: Store,
    rng: Arc<dyn Rng>,
    /// The site's address, for the mail.
    site: String,
}

impl Expiry {
    /// Looks after the certificates of this store; `site`: its public URL.
    pub fn new(store: Store, rng: Arc<dyn Rng>, site: &str) -> Self {
        Expiry { store, rng, site: site.trim_end_matches('/').to_owned() }
    }

    /// Looks for ever.
    pub async fn keep_watch(&self) {
        let holder = (&*self.rng as &dyn Rng).token::<12>();
        loop {
            if let Err(error) = self.round(&holder).await {
                tracing::error!(%error, "it can't be found out which certificates end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks at every certificate once; gives how many organizations were told. `holder` names this node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn round(&self, holder: &str) -> Result<usize, StoreError> {
        let lease = async |tx: Tx| take_lease(&tx, LEASE, holder, LEASE_FOR).await;
        if !self.store.transaction("take the lease of certificate warnings", lease).await? {
            return Ok(0);
        }
        let now = self.store.now();
        self.watch_own(now).await?;
        let mut told = 0;
        for organization in self.ending(now).await? {
            let tell = async |tx: Tx| self.tell(&tx, organization).await;
            told += usize::from(self.store.transaction("warn of a certificate", tell).await?);
        }
        Ok(told)
    }

    /// The organizations with a certificate of which a warning is due.
    async fn ending(&self, now: Timestamp) -> Result<Vec<OrgId>, StoreError> {
        let reader = self.store.reader();
        let mut found: Vec<OrgId> = Vec::new();
        let mut after: Option<(OrgId, String)> = None;
        loop {
            let page = reader.scan(&SSO_CERTIFICATES, &(), after.as_ref(), AT_ONCE).await?;
            let Some((end, _)) = page.last() else { return Ok(found) };
            after = Some(end.clone());
            for ((organization, _), certificate) in &page {
                if due(certificate.not_after, now).is_some() && found.last() != Some(organization) {
                    found.push(*organization);
                }
            }
        }
    }

    /// Tells those who run an organization of its certificate that ends last, unless they were told.
    async fn tell(&self, tx: &Tx, id: OrgId) -> Result<bool, StoreError> {
        let Some(organization) = organization::by_id(tx, id).await? else { return Ok(false) };
        let effective = effective::of_organization(tx, organization.clone()).await?;
        let certificates = sso::certificates(tx, id).await?;
        let last = certificates.iter().max_by_key(|certificate| certificate.not_after);
        // What rests under a link keeps nobody out.
        let Some(last) = last.filter(|_| effective.own_counts(tx.now())) else { return Ok(false) };
        let Some(days) = due(last.not_after, tx.now()) else { return Ok(false) };
        if !first(tx, (id, last.sha256.clone()), days, last.not_after).await? {
            return Ok(false);
        }
        let (subject, text) = self.words(&organization, last);
        let roles = [Role::Owner, Role::Admin];
        outbox::queue_to_members(tx, &*self.rng, id, &roles, (&subject, &text), last.not_after).await?;
        metrics::counter!("vestibule_certificate_warnings_total", "of" => "identity_provider").increment(1);
        tracing::warn!(organization = %organization.slug, days, ends = %last.not_after, "a certificate ends soon");
        Ok(true)
    }

    fn words(&self, organization: &Organization, last: &SsoCertificate) -> (String, String) {
        let Organization { name, slug, .. } = organization;
        let (ends, site) = (last.not_after.to_string(), &self.site);
        let day = ends.split('T').next().unwrap_or_default();
        let text = format!(
            "The certificate with which the identity provider of {name} signs ends on {ends}, and no later one is held \
             here.\n\n  subject  {}\n  SHA-256  {}\n\nGet the next one at the identity provider and add it beside this \
             one before it signs with it:\n\n{site}/.vestibule/console/o/{slug}/sso/certificates\n\nUntil the identity \
             provider changes it nothing happens: one that is over still counts here.\n\n{site}\n",
            last.subject, last.sha256
        );
        (format!("{name}: the certificate of single sign-on ends on {day}"), text)
    }

    /// Our own certificates: whoever runs the site reads of them in the log.
    async fn watch_own(&self, now: Timestamp) -> Result<(), StoreError> {
        for held in keys::all(&self.store.reader()).await? {
            let Ok(own) = Certificate::from_der(held.key.certificate()) else { continue };
            let Some(days) = due(own.not_after, now).filter(|_| held.stage == keys::KeyStage::Current) else {
                continue;
            };
            let key = (OPERATOR, own.sha256);
            let first = async |tx: Tx| first(&tx, key.clone(), days, own.not_after).await;
            if self.store.transaction("warn of our own certificate", first).await? {
                metrics::counter!("vestibule_certificate_warnings_total", "of" => "own").increment(1);
                tracing::warn!(days, ends = %own.not_after, "our own SAML certificate ends soon: `vestibule keys rotate`");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r58_which_warning_is_due() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let check = |left: Duration, expected| assert_eq!(due(now.plus(left), now), expected, "{left:?}");
        let second = Duration::from_secs(1);
        check(DAY * 400, None);
        check(DAY * 30 + second, None);
        check(DAY * 30, Some(30));
        check(DAY * 14 + second, Some(30));
        check(DAY * 14, Some(14));
        check(DAY * 7, Some(7));
        check(DAY * 2, Some(7));
        check(DAY, Some(1));
        check(second, Some(1));
        check(Duration::ZERO, None);
        assert_eq!(due(now.minus(DAY), now), None, "it is over");
    }
}
