//! Who comes in without being invited: what is asked and answered.

use serde::{Deserialize, Serialize};

use crate::directory::Discoverability;
use crate::kernel::{DomainName, EmailAddress, Role, Slug};

/// Who finds an organization, who asks to be let in, whose membership sleeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessShow {
    /// Which.
    pub slug: Slug,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessView {
    /// How people of its work domains come in.
    pub discoverability: Discoverability,
    /// Its work domains.
    pub domains: Vec<DomainName>,
    /// Single sign-on decides instead.
    pub single_sign_on: bool,
    /// Both are theirs to set who ask.
    pub may_set: bool,
    /// Requests are theirs to decide.
    pub may_decide: bool,
    /// Whose membership sleeps.
    pub sleeping: Vec<SleepingView>,
    /// Who asks to be let in.
    pub requests: Vec<AccessRequestView>,
}

/// A membership that sleeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SleepingView {
    /// Whose.
    pub email: EmailAddress,
    /// Their role.
    pub role: Role,
    /// It is theirs to confirm who ask.
    pub may_confirm: bool,
    /// It is theirs to end.
    pub may_remove: bool,
}

/// A request to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequestView {
    /// Who asks.
    pub email: EmailAddress,
    /// The name for people, else the address.
    pub name: String,
    /// When they asked.
    pub asked: String,
}

/// A decision on a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessDecide {
    /// Of which organization.
    pub slug: Slug,
    /// Whose request.
    pub email: EmailAddress,
    /// They are let in.
    pub granted: bool,
}
