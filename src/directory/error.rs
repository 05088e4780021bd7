//! What the directory refuses, and why.

use std::borrow::Cow;

use crate::kernel::{DomainName, EmailAddress, Explain, FaultKind, Slug};
use crate::store::StoreError;

/// A refusal of the directory. Its text is one sentence: what is wrong and what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DirectoryError {
    /// No organization has this slug.
    #[error("there is no organization «{0}»: `vestibule org list` shows those there are")]
    NoSuchOrganization(Slug),
    /// The slug is taken, or was once (D3).
    #[error("the slug «{0}» is in use or was once, and slugs are never used again: choose another")]
    SlugTaken(Slug),
    /// Another organization holds the verified claim of this domain.
    #[error("the domain {0} is verified for another organization: it must release or transfer it first")]
    DomainHeld(DomainName),
    /// The organization has no claim of this domain.
    #[error("{0} has no claim of the domain {1}: `vestibule domain list {0}` shows those it has")]
    NoSuchClaim(Slug, DomainName),
    /// The domain is verified for nobody.
    #[error(
        "{0} is verified for no organization, so there is nothing to transfer: `vestibule domain list` shows claims"
    )]
    NobodyHolds(DomainName),
    /// A domain goes to the Admin organization that its holder is linked to, and to no other.
    #[error(
        "{0} is held by {1}, which is not linked to {2}: link them first (`vestibule link join {1} CODE`), or have {1} \
         release it and {2} claim it"
    )]
    NotLinkedTo(DomainName, Slug, Slug),
    /// No account has this e-mail address.
    #[error("there is no account {0}: `vestibule user add SLUG {0}` makes one")]
    NoSuchUser(EmailAddress),
    /// The account is no member of the organization.
    #[error("{1} is no member of {0}: `vestibule user add {0} {1}` makes them one")]
    NotAMember(Slug, EmailAddress),
    /// The account is a member already.
    #[error("{1} is a member of {0} already: `vestibule user set {0} {1} --role ROLE` changes the role")]
    AlreadyAMember(Slug, EmailAddress),
    /// The membership sleeps until it is confirmed.
    #[error(
        "the membership of {1} in {0} sleeps, since the domain of the address changed hands: if this person is still \
         meant, `vestibule user confirm {0} {1}` wakes it"
    )]
    Asleep(Slug, EmailAddress),
    /// Everybody can have an address of that domain.
    #[error(
        "{0} belongs to everybody who has mail there, so no organization can claim it; if it is yours all the same, \
         take it out of the list that `[dns] public_mail_domains` names"
    )]
    PublicMail(DomainName),
    /// The organization has no single sign-on.
    #[error("{0} has no single sign-on yet: `vestibule sso set {0} --metadata FILE` sets it up")]
    NoSso(Slug),
    /// No such certificate.
    #[error("{0} has no certificate with SHA-256 {1}: `vestibule sso certificate list {0}` shows those it has")]
    NoSuchCertificate(Slug, String),
    /// The last certificate can't go while single sign-on is set (R18).
    #[error("this is the last certificate of {0}: add the new one first, or nobody could sign in")]
    LastCertificate(Slug),
    /// No team of the organization has this name.
    #[error("{0} has no team «{1}»: `vestibule team list {0}` shows those it has")]
    NoSuchTeam(Slug, String),
    /// Another team of the organization has this name.
    #[error("{0} has a team of the name «{1}» already, if in other letter case: choose another name")]
    TeamNameTaken(Slug, String),
    /// An Admin organization has no teams.
    #[error("{0} is an Admin organization, which has no teams: make them in the organizations linked to it")]
    NoTeamsHere(Slug),
    /// Provisioning keeps this team.
    #[error("the team «{1}» of {0} is kept by provisioning: change its name and members at the identity provider")]
    TeamIsProvisioned(Slug, String),
    /// Only an Admin organization gives out codes, and has linked organizations.
    #[error("{0} is no Admin organization: `vestibule org create SLUG --name NAME --admin` makes one")]
    NotAnAdminOrganization(Slug),
    /// Never given out, used already, or too old.
    #[error("no such code: each is good for one use and an hour; `vestibule link code ADMIN_SLUG` makes another")]
    NoSuchCode,
    /// The organization is linked.
    #[error("{0} is linked to {1} already: `vestibule link leave {0}` ends that first")]
    AlreadyLinked(Slug, Slug),
    /// An Admin organization can't be linked to another.
    #[error("{0} is an Admin organization itself: only customer organizations are linked")]
    CannotBeLinked(Slug),
    /// The organization is linked to none.
    #[error("{0} is not linked to an Admin organization")]
    NotLinked(Slug),
    /// `require_sso` without a proof that single sign-on works.
    #[error(
        "require_sso of {0} waits for a proof: an owner or admin of {0} has to sign in by its single sign-on, as it is \
         set now, at most an hour before; then set it again"
    )]
    Unproven(Slug),
    /// A setting's name or value is wrong.
    #[error("{0}")]
    InvalidSetting(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for DirectoryError {
    fn kind(&self) -> FaultKind {
        match self {
            DirectoryError::NoSuchOrganization(_)
            | DirectoryError::NoSuchClaim(..)
            | DirectoryError::NoSuchUser(_)
            | DirectoryError::NobodyHolds(_)
            | DirectoryError::NotAMember(..)
            | DirectoryError::NoSso(_)
            | DirectoryError::NoSuchTeam(..)
            | DirectoryError::NoSuchCode
            | DirectoryError::NoSuchCertificate(..) => FaultKind::NotFound,
            DirectoryError::SlugTaken(_)
            | DirectoryError::DomainHeld(_)
            | DirectoryError::NotLinkedTo(..)
            | DirectoryError::AlreadyAMember(..)
            | DirectoryError::Asleep(..)
            | DirectoryError::TeamNameTaken(..)
            | DirectoryError::NoTeamsHere(_)
            | DirectoryError::NotAnAdminOrganization(_)
            | DirectoryError::AlreadyLinked(..)
            | DirectoryError::CannotBeLinked(_)
            | DirectoryError::NotLinked(_)
            | DirectoryError::Unproven(_)
            | DirectoryError::TeamIsProvisioned(..)
            | DirectoryError::LastCertificate(_) => FaultKind::Conflict,
            DirectoryError::InvalidSetting(_) | DirectoryError::PublicMail(_) => FaultKind::Invalid,
            DirectoryError::Store(error) => error.kind(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            DirectoryError::Store(error) => error.public(),
            DirectoryError::InvalidSetting(_) => Cow::Borrowed("One of the values is not possible."),
            _ => Cow::Borrowed("This can't be done. Please ask whoever runs this site."),
        }
    }

    fn detail(&self) -> String {
        self.to_string()
    }
}
