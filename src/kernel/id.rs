//! Ids: 122 random bits each, written as a version 4 UUID; never used again (D3, S3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rng::Rng;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh one.
            pub fn random(rng: &dyn Rng) -> Self {
                $name(uuid::Builder::from_random_bytes(rng.bytes()).into_uuid())
            }
            /// From its sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(Uuid::from_bytes(bytes))
            }
            /// Its sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}", self.0.as_hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map($name).map_err(|_| InvalidId)
            }
        }
    )*};
}

ids! {
    /// An organization.
    OrgId;
    /// An account: one for each e-mail address (D4).
    UserId;
    /// A team of an organization.
    TeamId;
    /// A session.
    SessionId;
    /// A sign-in attempt, from the question to its end.
    LoginId;
    /// A mail to be sent.
    MailId;
    /// An event that apps are told by webhook.
    WebhookId;
}

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: a UUID such as 6f9619ff-8b86-4d01-b42d-00cf4fc964ff is wanted")]
pub struct InvalidId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = OrgId::random(&SeededRng::new(1));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("x".parse::<OrgId>(), Err(InvalidId));
    }
}
