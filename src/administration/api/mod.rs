//! What the commands and the server say to each other over the admin socket: `POST /v1/<verb>`, JSON both ways.
//!
//! To add a verb: a struct for the call, one for the answer, a line `call!`, and its handler in `admin::router`.

mod access;
mod audit;
mod console;
mod domains;
mod link;
mod lockout;
mod login_log;
mod members;
mod overview;
mod people;
mod products;
mod scim;
mod scim_log;
mod sessions;
mod sso;
mod sso_removal;
mod team_pages;
mod teams;
mod webhook;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use access::{AccessDecide, AccessRequestView, AccessShow, AccessView, SleepingView};
pub use audit::{
    Audit, AuditFollow, AuditFound, AuditPage, AuditSearch, AuditVerified, AuditVerify, AuditView, ChainView, Chains,
};
pub use console::{ConsoleLink, ConsoleLinkView};
pub use domains::{
    AnswerView, DomainChecked, DomainClaim, DomainList, DomainRelease, DomainTransfer, DomainVerify, DomainView,
};
pub use link::{
    DomainChange, HeldFrom, HeldSetting, LinkCode, LinkCodeView, LinkJoin, LinkLeave, LinkList, LinkPreview,
    LinkPreviewView, LinkShow, LinkStateView, LinkView, PREVIEW_LIMIT, PersonChange,
};
pub use lockout::{Lockout, LockoutPerson, LockoutView};
pub use login_log::{LoginDetail, LoginNamed, LoginPage, LoginPageView, LoginShared};
pub use members::{
    AccountOf, FactorCounts, FactorList, FactorPage, HeldFactors, MemberActs, MemberFactors, MemberList, MemberPage,
    MemberShow, MemberTeam, MemberView, TwoFactorShow, TwoFactorView,
};
pub use overview::{Attention, AttentionPage, DayView, OverviewShow, OverviewView};
pub use people::{
    MembershipView, SecondFactorView, UserActivate, UserAdd, UserAdded, UserConfirm, UserInvite, UserList, UserRemove,
    UserResetPassword, UserResetSecondFactor, UserSet, UserShow, UserView,
};
pub use products::{Field, Product, guess, other, products};
pub use scim::{
    ScimDrift, ScimDriftView, ScimPeople, ScimPeopleView, ScimPersonView, ScimShow, ScimStateView, ScimTokenIssue,
    ScimTokenRevoke, ScimTokenState, ScimTokenView, Slip, SlipView,
};
pub use scim_log::{ScimLog, ScimLogOne, ScimRequestView};
pub use sessions::{Explain, ExplainView, LoginView, Logins, SessionList, SessionRevoke, SessionView, Step, Whose};
pub use sso::{
    CertificateView, FileBytes, IdpView, MetadataView, SsoCertificateAdd, SsoCertificateList, SsoCertificateRemove,
    SsoForget, SsoOptions, SsoRefresh, SsoSet, SsoShow, SsoSource, SsoState, SsoStateView, SsoTest, SsoTestView,
    SsoView,
};
pub use sso_removal::{SsoRemoval, SsoRemovalView, SsoRemove};

pub use team_pages::{TeamPage, TeamPageView, TeamWith, TeamWithView};
pub use teams::{
    TeamAdd, TeamCreate, TeamDelete, TeamList, TeamMemberView, TeamRemove, TeamRename, TeamSetRole, TeamShow, TeamView,
};

pub use webhook::{
    DeadWebhookView, WebhookDead, WebhookList, WebhookRetried, WebhookRetry, WebhookTest, WebhookTestView, WebhookView,
};

use crate::directory::{Discoverability, OrgKind, TwoFactor};
use crate::kernel::{DomainName, EmailAddress, OrgId, Role, Slug};

/// A question that the commands can ask the server.
pub trait Call: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The last part of the path.
    const VERB: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

macro_rules! call {
    ($($call:ty, $verb:literal, $answer:ty;)*) => {$(
        impl Call for $call {
            const VERB: &'static str = $verb;
            type Answer = $answer;
        }
    )*};
}

call! {
    Status, "status", StatusView;
    OrgCreate, "org-create", OrgView;
    OrgList, "org-list", Vec<OrgView>;
    OrgShow, "org-show", OrgView;
    OrgSet, "org-set", Changes;
    OrgDelete, "org-delete", Changes;
    SsoShow, "sso-show", SsoView;
    SsoSet, "sso-set", SsoView;
    SsoCertificateAdd, "sso-certificate-add", Vec<CertificateView>;
    SsoCertificateList, "sso-certificate-list", Vec<CertificateView>;
    SsoCertificateRemove, "sso-certificate-remove", Vec<CertificateView>;
    SsoRefresh, "sso-refresh", SsoView;
    SsoForget, "sso-forget", SsoView;
    SsoRemove, "sso-remove", Changes;
    SsoTest, "sso-test", SsoTestView;
    DomainClaim, "domain-claim", DomainView;
    DomainVerify, "domain-verify", DomainChecked;
    DomainList, "domain-list", Vec<DomainView>;
    DomainTransfer, "domain-transfer", Changes;
    DomainRelease, "domain-release", Changes;
    LinkCode, "link-code", LinkCodeView;
    LinkJoin, "link-join", LinkView;
    LinkPreview, "link-preview", LinkPreviewView;
    LinkLeave, "link-leave", Changes;
    LinkList, "link-list", Vec<LinkView>;
    UserAdd, "user-add", UserAdded;
    UserInvite, "user-invite", UserAdded;
    UserList, "user-list", Vec<UserView>;
    UserShow, "user-show", UserView;
    UserSet, "user-set", Changes;
    UserActivate, "user-activate", Changes;
    UserRemove, "user-remove", Changes;
    UserResetPassword, "user-reset-password", Changes;
    UserResetSecondFactor, "user-reset-second-factor", Changes;
    TeamCreate, "team-create", TeamView;
    TeamList, "team-list", Vec<TeamView>;
    TeamShow, "team-show", Vec<TeamMemberView>;
    TeamAdd, "team-add", Changes;
    TeamRemove, "team-remove", Changes;
    TeamRename, "team-rename", Changes;
    TeamSetRole, "team-role", Changes;
    TeamDelete, "team-delete", Changes;
    UserConfirm, "user-confirm", Changes;
    ConsoleLink, "console-link", ConsoleLinkView;
    ScimTokenIssue, "scim-token-issue", ScimTokenView;
    ScimTokenRevoke, "scim-token-revoke", Changes;
    SessionList, "session-list", Vec<SessionView>;
    SessionRevoke, "session-revoke", Changes;
    Explain, "explain", ExplainView;
    Logins, "logins", Vec<LoginView>;
    ScimLog, "scim-log", Vec<ScimRequestView>;
    WebhookList, "webhook-list", Vec<WebhookView>;
    WebhookDead, "webhook-dead", Vec<DeadWebhookView>;
    WebhookRetry, "webhook-retry", WebhookRetried;
    WebhookTest, "webhook-test", WebhookTestView;
    KeysRotate, "keys-rotate", Changes;
    Audit, "audit", AuditPage;
    AuditVerify, "audit-verify", AuditVerified;
    Apply, "apply", Changes;
    CheckStore, "check-store", StoreCheckView;
}

/// A refusal, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// One sentence: what is wrong and what to do.
    pub error: String,
}

/// What was changed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// In the order in which it happened; empty: it was so already.
    pub changes: Vec<Difference>,
    /// What somebody should know of how it is now, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is done to: an organization's slug, or who or what.
    pub object: String,
    /// What of it: a setting, `member`, `domain`…
    pub what: String,
    /// How it was; `None`: it was not there.
    pub before: Option<String>,
    /// How it is; `None`: it is gone.
    pub after: Option<String>,
}

impl Difference {
    /// One that sets or alters.
    pub fn new(
        object: impl std::fmt::Display,
        what: impl Into<String>,
        before: Option<String>,
        after: impl Into<Option<String>>,
    ) -> Self {
        Difference { object: format!("{object}"), what: what.into(), before, after: after.into() }
    }
}

/// Is anyone there?
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Status {}

/// The server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// Its version.
    pub version: String,
    /// What browsers see.
    pub public_url: String,
    /// Since when it runs.
    pub started: String,
}

/// `org create`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct OrgCreate {
    pub slug: Slug,
    pub name: String,
    pub kind: OrgKind,
}

/// `org list`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OrgList {}

/// `org show`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgShow {
    /// Which.
    pub slug: Slug,
}

/// `org set`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgSet {
    /// Which.
    pub slug: Slug,
    /// Keys and values, all or none of which are set.
    pub settings: Vec<(String, String)>,
}

/// `org delete`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgDelete {
    /// Which.
    pub slug: Slug,
}

/// An organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct OrgView {
    pub id: OrgId,
    pub slug: Slug,
    pub name: String,
    pub kind: OrgKind,
    pub created: String,
    pub require_sso: bool,
    pub idp_managed_access: bool,
    #[serde(default)]
    pub two_factor: TwoFactor,
    #[serde(default)]
    pub grace_sign_ins: u32,
    #[serde(default)]
    pub trust_idp_mfa: bool,
    /// Empty: the usual ones.
    #[serde(default)]
    pub mfa_values: Vec<String>,
    /// `None`: not at all.
    #[serde(default)]
    pub trusted_browser_days: Option<u32>,
    #[serde(default)]
    pub idp_initiated: bool,
    /// Such as `30m`; `None`: the configuration's.
    pub session_idle: Option<String>,
    /// Such as `8h`; `None`: the configuration's.
    pub session_absolute: Option<String>,
    pub discoverability: Discoverability,
    pub discoverable_domains: Vec<DomainName>,
    /// By what name a group of the Admin organization stands for it.
    pub scim_name: Option<String>,
    pub domains: Vec<DomainView>,
    /// The IdP's entity ID, if single sign-on is set.
    pub sso: Option<String>,
    /// How many, up to [`MEMBER_COUNT_LIMIT`].
    pub members: usize,
    /// The Admin organization that it is linked to.
    #[serde(default)]
    pub linked_to: Option<Slug>,
}

/// Up to how many members are counted.
pub const MEMBER_COUNT_LIMIT: usize = 500;

/// `keys rotate`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct KeysRotate {
    /// Bring the announced SAML key into use even if identity providers may not have read of it.
    #[serde(default)]
    pub now: bool,
}

/// `check --store`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CheckStore {}

/// What the store holds, and what is wrong in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCheckView {
    /// How many records each table has.
    pub tables: Vec<(String, u64)>,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// What is right, and should be looked at all the same.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `apply`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    /// What is wanted.
    pub organizations: Vec<WantedOrganization>,
    /// Remove domains, links, members and teams that are not listed.
    pub prune: bool,
    /// Show the difference alone.
    pub dry_run: bool,
}

/// An organization as a file wants it. `None` and empty leave what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedOrganization {
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Option<String>,
    /// Its kind, once made for good.
    pub kind: OrgKind,
    /// Keys of `org set`.
    pub settings: Vec<(String, String)>,
    /// Its domains, on the operator's own word.
    pub domains: Vec<DomainName>,
    /// Its domains that are to be proved by DNS.
    pub domains_by_dns: Vec<DomainName>,
    /// The Admin organization that it is linked to.
    pub admin: Option<Slug>,
    /// Its single sign-on.
    pub sso: Option<(SsoSource, SsoOptions)>,
    /// Its members.
    pub members: Vec<(EmailAddress, Role)>,
    /// Its teams.
    pub teams: Vec<WantedTeam>,
}

/// A team's role as a file wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedRole {
    /// Whatever it is.
    Any,
    /// None.
    Without,
    /// This one.
    With(Role),
}

/// A team as a file wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedTeam {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: WantedRole,
    /// Who is in it: members of the organization.
    pub members: Vec<EmailAddress>,
}
