//! Sign-ins without an identity provider, decided: whom a password lets in, where a link does, and into which
//! organization (D7, D9, D10, D11).

use http::{HeaderMap, header};

use super::attempt::check;
use super::opening::{Opened, Opening};
use super::page::Trouble;
use super::return_path::ReturnPath;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::effective::{self, Answer, Effective};
use crate::directory::entry::{Entry, Way};
use crate::directory::places::{self, Person, Showed};
use crate::directory::two_factor::FirstFactor;
use crate::directory::{
    AuditEntry, Further, LoginCheck, LoginOutcome, LoginRecord, OrgKind, Organization, Story, User, audit, last_used,
    login,
};
use crate::kernel::{Client, DomainName, LoginId, OrgId, Reference};
use crate::session::{Method, NewSession};
use crate::store::{StoreError, Tx};

/// What follows from what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Let in, into this one of the places.
    Enter(usize),
    /// Let in, into this one, although single sign-on is required: audited, and mailed to the owners (D10).
    BreakGlass(usize),
    /// Let in, and into no organization: the portal alone (D7).
    Alone,
    /// Not let in.
    Refuse(Refusal),
}

/// Why not; strangers are told the same of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Wrong, or there is no such account, or it has no password.
    Wrong,
    /// The account is deactivated.
    Deactivated,
    /// The domain's people sign in by single sign-on.
    SsoRequired,
}

impl Refusal {
    /// The reason code in logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::Wrong => "wrong_credential",
            Refusal::Deactivated => "account_deactivated",
            Refusal::SsoRequired => "sso_required",
        }
    }

    const fn fix(self) -> &'static str {
        match self {
            Refusal::Wrong => {
                "Nothing, if it was a slip. Whoever forgot theirs asks for a link by mail on the sign-in page, and chooses another."
            }
            Refusal::Deactivated => {
                "If they are meant to get in, activate the account: in the console, on their page under Members."
            }
            Refusal::SsoRequired => {
                "They sign in by single sign-on; a password is for owners and admins alone, in an emergency."
            }
        }
    }
}

/// An organization of somebody's, and what comes of entering it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The organization.
    pub organization: Organization,
    /// What comes of it.
    pub entry: Entry,
}

impl Place {
    fn is_customers(&self) -> bool {
        self.organization.kind == OrgKind::Customer
    }
}

/// Where somebody goes who is let in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Into<'a> {
    /// The organization that is entered; an Admin organization opens nothing but the portal (D13).
    pub organization: Option<&'a Organization>,
    /// The organization whose rules ask for a second factor: that one, or the Admin organization.
    pub asking: Option<&'a Organization>,
    /// Whether it is by the password that is left for an emergency.
    pub break_glass: bool,
}

impl Choice {
    /// Where it leads.
    pub fn leads_to(self, places: &[Place]) -> Into<'_> {
        match self {
            Choice::Enter(index) | Choice::BreakGlass(index) => {
                let place = places.get(index);
                let organization = place.filter(|place| place.is_customers()).map(|place| &place.organization);
                let asking = place.map(|place| &place.organization);
                Into { organization, asking, break_glass: matches!(self, Choice::BreakGlass(_)) }
            }
            // Whoever is in an Admin organization alone is under its rules here.
            Choice::Alone => {
                let asking = places.iter().find(|place| place.entry == Entry::Enter).map(|place| &place.organization);
                Into { asking, ..Into::default() }
            }
            Choice::Refuse(_) => Into::default(),
        }
    }
}

/// Decides, pure. `places` are in the order of preference; an Admin organization opens nothing but the portal (D13).
pub fn choose(right: bool, active: bool, requires_sso: bool, places: &[Place]) -> Choice {
    if !right {
        return Choice::Refuse(Refusal::Wrong);
    }
    if !active {
        return Choice::Refuse(Refusal::Deactivated);
    }
    let first = |entry: Entry, customers: bool| {
        places.iter().position(|place| place.entry == entry && (place.is_customers() || !customers))
    };
    if let Some(place) = first(Entry::Enter, true) {
        return Choice::Enter(place);
    }
    if let Some(place) = first(Entry::BreakGlass, true).or_else(|| first(Entry::BreakGlass, false)) {
        return Choice::BreakGlass(place);
    }
    if requires_sso { Choice::Refuse(Refusal::SsoRequired) } else { Choice::Alone }
}

/// What holds for an address.
pub struct Ground {
    /// The organization of its domain.
    pub effective: Option<Effective>,
    /// How the e-mail question is answered.
    pub answer: Answer,
}

impl Ground {
    /// Of a domain.
    pub async fn of(tx: &Tx, domain: &DomainName) -> Result<Self, StoreError> {
        let effective = effective::of_domain(tx, domain).await?;
        let answer = effective::answer(tx, effective.as_ref()).await?;
        Ok(Ground { effective, answer })
    }

    /// The organization of the domain.
    pub fn organization(&self) -> Option<&Organization> {
        self.effective.as_ref().map(|effective| &effective.organization)
    }

    /// Whether people of the domain sign in by single sign-on only.
    pub fn requires_sso(&self) -> bool {
        self.effective.as_ref().is_some_and(|effective| effective.rules.require_sso)
    }

    /// The organizations of `user`, and what comes of entering each by `way`: `wished` first, then the
    /// one that was used last, then the domain's own.
    pub async fn places(
        &self,
        tx: &Tx,
        user: &User,
        way: Way,
        wished: Option<OrgId>,
    ) -> Result<Vec<Place>, StoreError> {
        let showed = if way == Way::Password { Showed::Password } else { Showed::MagicLink };
        let found = places::of_member(tx, &Person::of(user), showed).await?;
        let place = |found: places::Place| Place { organization: found.target.organization, entry: found.entry };
        let mut places: Vec<Place> = found.into_iter().map(place).collect();
        let (last, own) =
            (last_used::find(tx, user.id).await?, self.organization().map(|organization| organization.id));
        places.sort_by_key(|place| {
            let id = Some(place.organization.id);
            (id != wished, id != last, id != own)
        });
        Ok(places)
    }
}

/// The browser that comes to enter.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Where from.
    pub client: Client,
    /// Its name for itself.
    pub agent: Option<String>,
    /// The reference of the request.
    pub reference: Reference,
    /// Its session so far.
    pub visitor: Option<Visitor>,
    /// The token of its trust, if somebody trusts it.
    pub trusted: Option<String>,
}

impl Arrival {
    /// From a request.
    ///
    /// # Errors
    /// «Unavailable», if nobody can tell who is signed in.
    pub async fn new(
        portal: &Portal,
        headers: &HeaderMap,
        client: Client,
        reference: Reference,
    ) -> Result<Self, Trouble> {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(shortened);
        let (visitor, trusted) = (portal.visitor(headers).await?, portal.trust_of(headers));
        Ok(Arrival { client, agent, reference, visitor, trusted })
    }
}

/// How much of a browser's name is kept until there is a session, in bytes: a half session is one record.
const AGENT_LIMIT: usize = 512;

/// As much of a browser's name as is kept until there is a session.
fn shortened(agent: &str) -> String {
    agent[..agent.floor_char_boundary(AGENT_LIMIT)].to_owned()
}

impl Arrival {
    /// The request, as a sign-in that it takes further sees it.
    pub fn further(&self) -> Further<'_> {
        Further { client: self.client, reference: self.reference.as_str() }
    }
}

impl Portal {
    /// Opens the session of somebody who is let in, on the way to `return_to`. The session that this browser had ends.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn let_in(
        &self,
        tx: &Tx,
        user: &User,
        method: Method,
        Into { organization, asking, break_glass }: Into<'_>,
        (arrival, return_to): (&Arrival, &ReturnPath),
    ) -> Result<Opened, Trouble> {
        let shown = match method {
            Method::Password => check("password", true, "the account's", "it"),
            _ => check("link", true, "one that was sent to the address", "it"),
        };
        let story = Story {
            organizations: organization.map(|organization| organization.id).into_iter().collect(),
            record: Some(self.local_record(tx, Some(user), arrival, LoginOutcome::Accepted, vec![shown])),
            actor: user.email.to_string(),
            action: "login.accepted".to_owned(),
            object: "session".to_owned(),
            after: method.amr().to_owned(),
        };
        let new = NewSession {
            organization: organization.map(|organization| organization.id),
            replaces: arrival.visitor.map(|visitor| visitor.session),
            client: arrival.client.address,
            user_agent: arrival.agent.clone(),
            ..NewSession::new(user.id, method, tx.now())
        };
        let first = match method {
            _ if break_glass => FirstFactor::BreakGlass,
            Method::Password => FirstFactor::Password,
            Method::MagicLink => FirstFactor::MagicLink,
            Method::Operator => FirstFactor::Operator,
            Method::Sso => FirstFactor::Sso { proved: false },
        };
        self.open(tx, Opening { new, user, first, asking, story, return_to, arrival }).await
    }

    /// Writes a refusal down in the organization of the domain, whether or not there is such an account: among what
    /// strangers send, since anyone can make it happen.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn local_refusal(
        &self,
        tx: &Tx,
        ground: &Ground,
        arrival: &Arrival,
        (refusal, checks): (Refusal, Vec<LoginCheck>),
    ) -> Result<(), StoreError> {
        let Some(organization) = ground.organization() else { return Ok(()) };
        let outcome = LoginOutcome::Refused { code: refusal.code().to_owned(), fix: refusal.fix().to_owned() };
        let record = self.local_record(tx, None, arrival, outcome, checks);
        login::record(tx, organization.id, &record).await
    }

    fn local_record(
        &self,
        tx: &Tx,
        user: Option<&User>,
        arrival: &Arrival,
        outcome: LoginOutcome,
        checks: Vec<LoginCheck>,
    ) -> LoginRecord {
        LoginRecord {
            id: LoginId::random(&*self.rng),
            at: tx.now(),
            reference: arrival.reference.to_string(),
            email: user.map(|user| user.email.to_string()),
            idp: None,
            request_id: None,
            assertion_id: None,
            client: arrival.client.to_string(),
            outcome,
            checks,
        }
    }

    /// Audits what somebody did, from where they did it.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn local_audit(
        &self,
        tx: &Tx,
        organization: OrgId,
        entry: AuditEntry,
        arrival: &Arrival,
    ) -> Result<(), StoreError> {
        audit::append(tx, &*self.rng, organization, &entry.from(arrival.client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::OrgSettings;
    use crate::directory::entry::Refusal as NoEntry;
    use crate::kernel::Timestamp;

    fn place(kind: OrgKind, entry: Entry) -> Place {
        let organization = Organization {
            id: OrgId::from_bytes([1; 16]),
            slug: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            kind,
            created: Timestamp::EPOCH,
            settings: OrgSettings::default(),
        };
        Place { organization, entry }
    }

    #[test]
    fn a_long_name_of_a_browser_is_cut_between_characters() {
        assert_eq!(shortened("curl/8"), "curl/8");
        assert_eq!(shortened(&"x".repeat(20_000)).len(), AGENT_LIMIT);
        assert_eq!(shortened(&format!("x{}", "é".repeat(AGENT_LIMIT))).len(), AGENT_LIMIT - 1);
    }

    #[test]
    fn d10_whom_a_password_lets_in_and_where() {
        use Choice::{Alone, BreakGlass, Enter, Refuse};
        let customer = |entry| place(OrgKind::Customer, entry);
        let admin = |entry| place(OrgKind::Admin, entry);
        let no = Entry::Refuse(NoEntry::SsoRequired);
        let check = |requires_sso, places: &[Place], expected| {
            assert_eq!(choose(true, true, requires_sso, places), expected, "{places:?}");
            assert_eq!(choose(true, false, requires_sso, places), Refuse(Refusal::Deactivated));
            for active in [true, false] {
                assert_eq!(choose(false, active, requires_sso, places), Refuse(Refusal::Wrong));
            }
        };
        check(false, &[], Alone);
        check(false, &[customer(no)], Alone);
        check(false, &[customer(no), customer(Entry::Enter)], Enter(1));
        check(false, &[customer(Entry::BreakGlass), customer(Entry::Enter)], Enter(1));
        check(false, &[admin(Entry::Enter)], Alone);
        check(false, &[admin(Entry::Enter), customer(Entry::Enter)], Enter(1));
        check(true, &[], Refuse(Refusal::SsoRequired));
        check(true, &[customer(no)], Refuse(Refusal::SsoRequired));
        check(true, &[customer(Entry::BreakGlass)], BreakGlass(0));
        check(true, &[customer(no), customer(Entry::BreakGlass)], BreakGlass(1));
        check(true, &[admin(Entry::BreakGlass)], BreakGlass(0));
        check(true, &[admin(Entry::BreakGlass), customer(Entry::BreakGlass)], BreakGlass(1));
    }
}
