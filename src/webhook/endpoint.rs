//! An endpoint of an app: where events are sent, with which secrets they are signed, and which are wanted.

use std::fmt;

use url::Url;

use super::event::Filter;
use super::signing::SigningSecret;
use crate::kernel::Slug;

/// `[[webhook]]`
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in commands, logs and metrics.
    pub name: Slug,
    /// Where it is; told nobody, since it may hold a key.
    pub url: Url,
    /// What events are signed with, the newest first; never empty.
    pub secrets: Vec<SigningSecret>,
    /// What it is told; never empty.
    pub events: Vec<Filter>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({} at {}, {:?})", self.name, self.place(), self.events)
    }
}

impl Endpoint {
    /// Whether it is told events of this type.
    pub fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|filter| filter.takes(event))
    }

    /// Where it is as far as it may be shown: scheme, host and port.
    pub fn place(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}
