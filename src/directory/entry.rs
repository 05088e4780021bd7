//! Who enters an organization, by what they showed: one pure decision for every way to sign in (D4, D10 to D14, D17).

use crate::kernel::Role;

/// Whose single sign-on it was, seen from the organization that is to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The organization's own.
    Own,
    /// Its Admin organization's.
    Admins,
    /// That of the third organization which has verified the domain of the address.
    Anothers,
}

/// How a person showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By single sign-on.
    Sso(Whose),
    /// By their password.
    Password,
    /// By a link sent to their address.
    MagicLink,
}

/// Whose the domain of the address is, seen from the organization that is to be entered; `lapsing` counts as verified
/// (D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainOf {
    /// The organization's own.
    Own,
    /// Its Admin organization's, and was never the organization's own since they are linked.
    Admin,
    /// Its Admin organization's, handed over by this very organization since they are linked (D14).
    Moved,
    /// A third organization's.
    Another {
        /// It demands single sign-on.
        require_sso: bool,
        /// The person is owner or admin there, and so has its break-glass (D10).
        break_glass: bool,
    },
    /// Nobody's: never verified, no longer, or resting elsewhere.
    Nobody,
}

/// How the organization stands to an Admin organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStage {
    /// Not linked.
    Alone,
    /// Linked, and its own connection still counts for its own domains (D14).
    Window,
    /// Linked, and all of its own rests.
    Linked,
}

/// All that the decision looks at.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of facts, each of which is true or not")]
pub struct Case {
    /// How they showed who they are.
    pub way: Way,
    /// Whose the domain of their address is.
    pub domain: DomainOf,
    /// How the organization stands.
    pub link: LinkStage,
    /// What holds in the organization: the Admin organization's setting, if it is linked (D12).
    pub require_sso: bool,
    /// The organization's own setting (D13).
    pub idp_managed_access: bool,
    /// Their role there, if they are a member and the membership is awake.
    pub role: Option<Role>,
    /// They are owner or admin of its Admin organization (D10).
    pub runs_admin: bool,
    /// The SSO link and the address mean different accounts (D4).
    pub accounts_differ: bool,
    /// The account is deactivated.
    pub deactivated: bool,
    /// Provisioning took this address out, and nobody brought it back since (D17).
    pub barred: bool,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// They enter as the member they are.
    Enter,
    /// They enter by the password that is left for owners and admins: to be audited, and mailed to the owners (D10).
    BreakGlass,
    /// They enter, and are made a member now.
    Join,
    /// They do not enter.
    Refuse(Refusal),
}

/// Why someone does not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address's domain is not verified for the organization whose identity provider vouched for it (R37).
    EmailDomain,
    /// The organization's own connection rests under a link (D14).
    ConnectionRests,
    /// The SSO link and the address mean different accounts (D4).
    AccountConflict,
    /// The account is deactivated.
    Deactivated,
    /// No member, and `idp_managed_access` is off: an invitation is needed.
    NotAMember,
    /// Taken out by provisioning (D17).
    Barred,
    /// The organization that was to be entered is no longer linked to the one whose identity provider vouches.
    LinkEnded,
    /// Single sign-on is required here, or where the domain of the address belongs (D10, D11).
    SsoRequired,
    /// Single sign-on is required, and the domain of the address is nobody's (D11).
    NoVerifiedDomain,
}

impl Refusal {
    /// The reason code in logs.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::EmailDomain => "email_domain",
            Refusal::ConnectionRests => "connection_rests",
            Refusal::AccountConflict => "account_conflict",
            Refusal::Deactivated => "account_deactivated",
            Refusal::NotAMember => "not_a_member",
            Refusal::Barred => "removed_by_provisioning",
            Refusal::LinkEnded => "link_ended",
            Refusal::SsoRequired => "sso_required",
            Refusal::NoVerifiedDomain => "no_verified_domain",
        }
    }
}

/// Decides.
pub const fn decide(case: &Case) -> Entry {
    match case.way {
        Way::Sso(whose) => by_sso(case, whose),
        Way::Password | Way::MagicLink => by_account(case),
    }
}

/// The domain comes first, so that an identity provider learns nothing about accounts outside its domains.
const fn by_sso(case: &Case, whose: Whose) -> Entry {
    let (linked, window) = (!matches!(case.link, LinkStage::Alone), matches!(case.link, LinkStage::Window));
    let vouched = match whose {
        Whose::Own if linked && !window => return Entry::Refuse(Refusal::ConnectionRests),
        // Handed over: under way at that moment, or at the old provider still. It counts until the window ends (D14).
        Whose::Own => matches!(case.domain, DomainOf::Own) || (window && matches!(case.domain, DomainOf::Moved)),
        Whose::Admins => linked && matches!(case.domain, DomainOf::Admin | DomainOf::Moved),
        Whose::Anothers => matches!(case.domain, DomainOf::Another { .. }),
    };
    if !vouched {
        return Entry::Refuse(Refusal::EmailDomain);
    }
    if case.accounts_differ {
        return Entry::Refuse(Refusal::AccountConflict);
    }
    if case.deactivated {
        return Entry::Refuse(Refusal::Deactivated);
    }
    // A third organization's identity provider adds nobody here.
    let adds = case.idp_managed_access && !matches!(whose, Whose::Anothers);
    match (case.role, adds) {
        (Some(_), _) => Entry::Enter,
        (None, true) if case.barred => Entry::Refuse(Refusal::Barred),
        (None, true) => Entry::Join,
        (None, false) => Entry::Refuse(Refusal::NotAMember),
    }
}

/// A password or a link in the mail: these add nobody, and where single sign-on is required a password is left to
/// owners and admins alone.
const fn by_account(case: &Case) -> Entry {
    if case.deactivated {
        return Entry::Refuse(Refusal::Deactivated);
    }
    let password = matches!(case.way, Way::Password);
    let elsewhere = matches!(case.domain, DomainOf::Another { require_sso: true, .. });
    if elsewhere && !(password && matches!(case.domain, DomainOf::Another { break_glass: true, .. })) {
        return Entry::Refuse(Refusal::SsoRequired);
    }
    let Some(role) = case.role else { return Entry::Refuse(Refusal::NotAMember) };
    if !case.require_sso {
        return if elsewhere { Entry::BreakGlass } else { Entry::Enter };
    }
    if password && (case.runs_admin || matches!(role, Role::Owner | Role::Admin)) {
        return Entry::BreakGlass;
    }
    match case.domain {
        DomainOf::Nobody => Entry::Refuse(Refusal::NoVerifiedDomain),
        // Its own claim rests with its connection: nothing verifies the domain any more.
        DomainOf::Own if matches!(case.link, LinkStage::Linked) => Entry::Refuse(Refusal::NoVerifiedDomain),
        _ => Entry::Refuse(Refusal::SsoRequired),
    }
}
