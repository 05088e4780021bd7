//! `scim-token`: what goes over the socket.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel::Slug;

/// `scim-token issue`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimTokenIssue {
    /// Whose.
    pub slug: Slug,
}

/// `scim-token revoke`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimTokenRevoke {
    /// Whose.
    pub slug: Slug,
}

/// A new token: shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct ScimTokenView {
    /// Whose.
    pub slug: Slug,
    /// By which the audit names it.
    pub id: String,
    /// The token itself.
    pub token: String,
    /// Whether it ended another.
    pub replaced: bool,
    /// The Admin organization under whose link the token rests (D15).
    pub rests_under: Option<Slug>,
}

impl fmt::Debug for ScimTokenView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ScimTokenView({}, {})", self.slug, self.id)
    }
}
