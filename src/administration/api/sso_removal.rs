//! Removing single sign-on: what is asked before, and answered.

use serde::{Deserialize, Serialize};

use crate::kernel::{DomainName, Slug};

/// `sso remove`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoRemove {
    /// Which organization.
    pub slug: Slug,
}

/// What would become of whom if single sign-on were removed?
#[derive(Clone, Debug)]
pub struct SsoRemoval {
    /// Of which organization.
    pub slug: Slug,
}

/// Who signs in by it today, and what they would do instead.
#[derive(Clone, Debug, Default)]
pub struct SsoRemovalView {
    /// The identity provider; `None`: there is no single sign-on.
    pub issuer: Option<String>,
    /// Why it can't be removed now.
    pub refused: Option<String>,
    /// The domains whose people are led there.
    pub domains: Vec<DomainName>,
    /// How many sessions here were made by it, and would end.
    pub sessions: usize,
    /// There are more than were counted.
    pub more_sessions: bool,
    /// Who signed in by it within the days that sign-ins are kept, the last one first.
    pub people: Vec<String>,
    /// How many more there are.
    pub more_people: usize,
    /// They can have a password.
    pub passwords: bool,
    /// They can have a link by mail.
    pub mail: bool,
}
