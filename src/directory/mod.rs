//! Organizations, the domains they claim, their single sign-on and links, users, members and teams: who is who.
//!
//! Every function takes a [`Tx`](crate::store::Tx), so that a door composes one transaction of several.

pub mod access_request;
pub mod admission;
pub mod audit;
pub mod authority;
pub mod backfill;
pub mod barred;
pub mod check;
pub mod claim;
pub mod discovery;
pub mod effective;
pub mod entry;
pub mod error;
pub mod last_used;
pub mod life;
pub mod link;
pub mod login;
pub mod look;
pub mod member;
pub mod one_time_link;
pub mod organization;
pub mod outbox;
pub mod password;
pub mod places;
pub mod provisioning;
pub mod public_mail;
pub mod revocation;
pub mod sso;
pub mod sso_proof;
pub mod story;
pub mod team;
pub mod team_member;
pub mod transfer;
pub mod two_factor;
pub mod user;

pub use admission::{Admission, Admitted, Aim, AssertedIdentity};
pub use audit::AuditEntry;
pub use claim::{Claim, ClaimState};
pub use discovery::{Discoverability, Offer};
pub use effective::{Effective, Rules};
pub use entry::{Entry, Refusal};
pub use error::DirectoryError;
pub use life::{Event, Observation};
pub use link::Link;
pub use login::{LoginCheck, LoginOutcome, LoginRecord};
pub use look::{Look, ServerAnswer};
pub use member::{Member, Origin};
pub use organization::{OrgKind, OrgSettings, Organization, TwoFactor};
pub use outbox::Mail;
pub use public_mail::PublicMail;
pub use sso::{AttributeMapping, Binding, SsoCertificate, SsoConnection, SsoSettings};
pub use story::{Further, Story};
pub use team::Team;
pub use user::User;
