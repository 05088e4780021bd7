//! What can go wrong with sessions. A cookie that is no good is none of it.

use std::borrow::Cow;

use crate::kernel::{Explain, FaultKind};
use crate::store::StoreError;

/// A failure of the session room.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionError {
    /// The organization that a session was to be in is gone.
    #[error("the organization of the new session is gone")]
    OrganizationGone,
    /// The keys in the store can't be used.
    #[error("the session keys in the store can't be used: {0}; `vestibule keys rotate` makes new ones")]
    Keys(&'static str),
    /// The change feed was not heard for too long, so nobody can say which sessions are revoked.
    #[error("the change feed was not heard for {0} s, so revocations may be missing")]
    FeedStale(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for SessionError {
    fn kind(&self) -> FaultKind {
        match self {
            SessionError::OrganizationGone => FaultKind::Forbidden,
            SessionError::Keys(_) => FaultKind::Internal,
            SessionError::FeedStale(_) => FaultKind::Unavailable,
            SessionError::Store(error) => error.kind(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            SessionError::OrganizationGone => {
                Cow::Borrowed("This organization is no longer here. Please sign in again.")
            }
            SessionError::Keys(_) => Cow::Borrowed("Something went wrong on this side. Please try again in a moment."),
            SessionError::FeedStale(_) => {
                Cow::Borrowed("Sign-ins can't be checked just now. Please try again in a moment.")
            }
            SessionError::Store(error) => error.public(),
        }
    }

    fn detail(&self) -> String {
        self.to_string()
    }
}
