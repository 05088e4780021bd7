//! What is done to organizations and people: one function for each verb, which knows who acts, asks whether they may, and
//! audits it in the transaction that does it. The admin socket calls them for the operator, the console for whoever is
//! signed in there.

pub mod access;
pub mod api;
mod apply;
mod apply_domains;
mod apply_link;
mod apply_teams;
pub mod audit;
pub mod audit_search;
pub mod by;
pub mod check;
pub mod confirm;
mod connection;
mod connection_follow;
pub mod console;
pub mod domain;
pub mod explain;
pub mod invite;
pub mod keys;
pub mod link;
pub mod link_preview;
pub mod link_show;
pub mod lockout;
pub mod login_log;
pub mod logins;
pub mod members;
pub mod organization;
pub mod overview;
pub mod scim_log;
pub mod scim_state;
pub mod scim_token;
pub mod second_factor;
pub mod session;
pub mod sso;
pub mod sso_metadata;
pub mod sso_removal;
pub mod sso_state;
pub mod team;
pub mod team_pages;
pub mod two_factor;
pub mod user;
pub mod webhook;

use std::sync::Arc;

pub use apply::apply;
pub use by::{By, Standing};

use crate::credential::{Hasher, Policy};
use crate::directory::AuditEntry;
use crate::directory::audit as directory_audit;
use crate::kernel::{OrgId, Rng, Timestamp};
use crate::proof::Proof;
use crate::saml::fetch::Documents;
use crate::saml::service_provider::ServiceProvider;
use crate::store::{Store, StoreError, TableChecker, Tx};
use crate::webhook::Courier;
use explain::RouteExplainer;

/// Who did something, where another organization's record tells of it.
const ANOTHER: &str = "another organization";

/// What the verbs work with, and for whom.
#[derive(Clone)]
pub struct Administration {
    /// The data.
    pub store: Store,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Which passwords can be chosen.
    pub passwords: Policy,
    /// Hashes them.
    pub hasher: Arc<Hasher>,
    /// Names of the site, as IdPs know them.
    pub service_provider: ServiceProvider,
    /// What is typed at an identity provider to reach the side port.
    pub scim_url: String,
    /// Reads identity providers' metadata at their addresses.
    pub documents: Arc<dyn Documents>,
    /// Proves claimed domains.
    pub proof: Arc<Proof>,
    /// Sends webhooks.
    pub courier: Arc<Courier>,
    /// Says what the gate's routes decide.
    pub routes: Arc<dyn RouteExplainer>,
    /// What the doors promise of their tables, for `check --store`.
    pub door_checkers: fn() -> Vec<TableChecker>,
    /// Since when the server runs.
    pub started: Timestamp,
    /// Who acts.
    pub by: By,
}

impl Administration {
    /// The same for somebody else.
    #[must_use]
    pub fn by(&self, by: By) -> Arc<Self> {
        Arc::new(Administration { by, ..self.clone() })
    }

    /// Notes a change of an organization in the transaction that makes it (R59).
    fn audit(
        &self,
        tx: &Tx,
        organization: OrgId,
        action: &str,
        object: impl std::fmt::Display,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> Result<(), StoreError> {
        // Another organization learns what was done to whom it shares, not who of this one did it (D5).
        let own = self.by.organization().is_none_or(|own| own == organization);
        let (name, from) = if own { (&*self.by.name, &*self.by.from) } else { (ANOTHER, "") };
        let entry = AuditEntry::new(tx, name, action, object).changed(before, after).from(from);
        directory_audit::append(tx, &*self.rng, organization, &entry)
    }
}
