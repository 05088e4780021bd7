//! `session`, `explain` and `logins`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::directory::LoginCheck;
use crate::kernel::{EmailAddress, LoginId, SessionId, Slug};

/// Which sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// All.
    All,
    /// One.
    Session(SessionId),
    /// Those of an account.
    User(EmailAddress),
    /// Those in an organization.
    Org(Slug),
}

/// `session list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionList {
    /// Which.
    pub whose: Whose,
}

/// `session revoke`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionRevoke {
    /// Which.
    pub whose: Whose,
}

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionView {
    /// Its id: what `revoke` takes.
    pub id: SessionId,
    /// Whose.
    pub email: String,
    /// The organization that it is in.
    pub slug: Option<Slug>,
    /// When it was made.
    pub created: String,
    /// When it ends at the latest.
    pub ends: String,
    /// Where it was made from.
    pub client: Option<String>,
    /// The browser's name for itself.
    pub user_agent: Option<String>,
}

/// `explain`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explain {
    /// Who.
    pub email: EmailAddress,
    /// Where to, as a URL of the site or a path.
    pub url: Option<String>,
}

/// A decision, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainView {
    /// Each step, in order; nothing follows one that stops.
    pub steps: Vec<Step>,
    /// The decision.
    pub decision: String,
    /// Whether they get in.
    pub allowed: bool,
}

/// A step of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is looked at: `domain`, `organization`, `method`, `membership`, `route`…
    pub what: String,
    /// What was found, in a sentence.
    pub found: String,
    /// Whether it goes on from here.
    pub passed: bool,
}

/// `logins`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Logins {
    /// Of one organization, or of all.
    pub org: Option<Slug>,
    /// How many at most.
    pub last: usize,
}

/// A sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginView {
    /// The attempt.
    pub id: LoginId,
    /// The organization.
    pub slug: Slug,
    /// When.
    pub at: String,
    /// `accepted`, `continued`, `refused`, or `tested`: that was a test, and signed nobody in.
    pub outcome: String,
    /// The reason code, if refused, or if it would have been.
    pub reason: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// The reference that the person saw.
    pub reference: String,
    /// Who.
    pub email: Option<String>,
    /// The IdP.
    pub idp: Option<String>,
    /// The client's address.
    pub client: String,
    /// Each check, in order.
    pub checks: Vec<LoginCheck>,
}
