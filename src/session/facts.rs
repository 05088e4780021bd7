//! Who someone is, as the gate needs it on each request: read from the directory once, kept, dropped when it changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::token::{Method, SessionToken};
use crate::directory::organization::{self, OrgKind, Organization};
use crate::directory::{Effective, Member, User, effective, link, member, team, team_member, user};
use crate::kernel::{EmailAddress, OrgId, Role, Slug, UserId};
use crate::store::{StoreError, Tx};

/// How many people's facts a node keeps at most.
const PEOPLE_LIMIT: usize = 50_000;
/// The longest list in a header or in the assertion, in bytes; longer ones are left out (D21).
pub const LIST_LIMIT: usize = 4096;
/// What is percent-encoded in a name in a header: everything outside visible ASCII and space, and `%` itself, so that
/// an app may always decode (D21).
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// A person, seen from a session of theirs.
#[derive(Debug)]
pub struct Facts {
    /// The account.
    pub user: UserId,
    /// A deactivated or vanished account has no session.
    pub active: bool,
    /// The address.
    pub email: EmailAddress,
    /// The name for people.
    pub name: String,
    /// The session's organization, if they are its member and it is a customer (D13).
    pub organization: Option<OrganizationFacts>,
    /// Whether they are a member of the session's organization, or the session is in none.
    pub belongs: bool,
    /// All customer organizations that they are in.
    pub organizations: Vec<Slug>,
    /// The teams that they are in within the session's organization.
    pub teams: Vec<String>,
    /// The same as they are compared: [`team_key`].
    pub team_keys: Vec<String>,
    /// Shorter limits that the session's organization sets: idle and absolute.
    pub limits: (Option<Duration>, Option<Duration>),
    /// Which ways to sign in the session's organization takes of them, and that of their address's domain.
    pub ways: Ways,
    /// The same, ready to be sent.
    pub rendered: Rendered,
}

/// Which ways to sign in are taken of somebody, from the most to the fewest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ways {
    /// Every one.
    #[default]
    All,
    /// Single sign-on and, since they are owner or admin, a password (D10).
    SsoOrPassword,
    /// Single sign-on.
    Sso,
}

impl Ways {
    /// Whether a session made by `method` may be there.
    pub const fn take(self, method: Method) -> bool {
        match (self, method) {
            (Ways::All, _) | (_, Method::Sso | Method::Operator) | (Ways::SsoOrPassword, Method::Password) => true,
            (Ways::SsoOrPassword | Ways::Sso, Method::MagicLink | Method::Password) => false,
        }
    }
}

/// The session's organization.
#[derive(Clone, Debug)]
pub struct OrganizationFacts {
    /// The organization.
    pub id: OrgId,
    /// Its short name.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// Their role in it: their own, or that of a team of theirs, whichever is stronger (D2).
    pub role: Role,
}

/// Facts as header values.
#[derive(Debug)]
pub struct Rendered {
    /// The account's id.
    pub user: HeaderValue,
    /// The address.
    pub email: HeaderValue,
    /// The name, percent-encoded where it is not ASCII.
    pub name: HeaderValue,
    /// The organization's slug.
    pub organization: Option<HeaderValue>,
    /// The role.
    pub role: Option<HeaderValue>,
    /// The teams as a JSON array; `None` over [`LIST_LIMIT`].
    pub teams: Option<HeaderValue>,
}

impl Facts {
    /// Reads the facts of a session's person. `None` if there is no such account.
    pub(super) async fn read(tx: &Tx, token: &SessionToken) -> Result<Option<Facts>, StoreError> {
        let Some(user) = user::by_id(tx, token.user).await? else {
            return Ok(None);
        };
        let mut organizations = Vec::new();
        let (mut here, mut belongs) = (None, token.organization.is_none());
        let (mut limits, mut ways) = ((None, None), of_domain(tx, &user, token.organization).await?);
        let mut teams = Vec::new();
        for id in member::of_user(tx, user.id).await? {
            let Some(organization) = organization::by_id(tx, id).await? else { continue };
            // A membership that sleeps is none.
            let Some(member) = member::find(tx, id, user.id).await? else { continue };
            if token.organization == Some(id) {
                belongs = true;
                let (shorter, own) = rules_of(tx, &organization, &member).await?;
                (limits, ways) = (shorter, ways.max(own));
            }
            if organization.kind == OrgKind::Admin {
                continue;
            }
            if token.organization == Some(id) {
                teams = team_member::of_user(tx, id, user.id).await?;
                let role = team::effective_role(member.role, &teams);
                here = Some(OrganizationFacts { id, slug: organization.slug.clone(), name: organization.name, role });
            }
            organizations.push(organization.slug);
        }
        let name = user.display_name();
        let teams: Vec<String> = teams.into_iter().map(|team| team.name).collect();
        let rendered = Rendered::of(user.id, &user.email, &name, here.as_ref(), &teams);
        let (active, email) = (user.active, user.email);
        let organization = here;
        Ok(Some(Facts {
            user: user.id,
            active,
            email,
            name,
            organization,
            belongs,
            organizations,
            team_keys: teams.iter().map(|team| team_key(team)).collect(),
            teams,
            limits,
            ways,
            rendered,
        }))
    }
}

/// A team's name as routes compare it: without letter case.
pub fn team_key(name: &str) -> String {
    team::fold(name)
}

/// Idle and absolute limit.
type Limits = (Option<Duration>, Option<Duration>);

/// What holds for a member: the limits, the shorter of the organization's own and its Admin organization's (D12), and how
/// they may have signed in.
async fn rules_of(tx: &Tx, organization: &Organization, member: &Member) -> Result<(Limits, Ways), StoreError> {
    let effective = effective::of_organization(tx, organization.clone()).await?;
    let rules = effective.rules;
    let limits = (rules.session_idle.map(Duration::from_secs), rules.session_absolute.map(Duration::from_secs));
    if !rules.require_sso {
        return Ok((limits, Ways::All));
    }
    Ok((limits, required(tx, &effective, member.user).await?))
}

/// What the organization of the address's domain takes of somebody wherever else their session is, or in none: their
/// sign-in is its single sign-on (D9, D11). In that organization itself, and in one linked to it, the rules there say all.
async fn of_domain(tx: &Tx, user: &User, here: Option<OrgId>) -> Result<Ways, StoreError> {
    let Some(holder) = effective::of_domain(tx, &user.email.domain()).await? else { return Ok(Ways::All) };
    if !holder.rules.require_sso {
        return Ok(Ways::All);
    }
    if let Some(here) = here {
        let linked = link::find(tx, here).await?.is_some_and(|link| link.admin == holder.organization.id);
        if linked || here == holder.organization.id {
            return Ok(Ways::All);
        }
    }
    required(tx, &holder, user.id).await
}

/// What an organization that requires single sign-on takes of somebody: a password too, of its own owners and admins and
/// of its Admin organization's (D10).
async fn required(tx: &Tx, effective: &Effective, user: UserId) -> Result<Ways, StoreError> {
    let above = match &effective.link {
        Some((_, admin)) => team::role_of(tx, admin.id, user).await?,
        None => None,
    };
    let here = team::role_of(tx, effective.organization.id, user).await?;
    let runs = [here, above].into_iter().flatten().any(|role| role >= Role::Admin);
    Ok(if runs { Ways::SsoOrPassword } else { Ways::Sso })
}

impl Rendered {
    fn of(user: UserId, email: &EmailAddress, name: &str, here: Option<&OrganizationFacts>, teams: &[String]) -> Self {
        let teams = serde_json::Value::from(teams).to_string();
        Rendered {
            user: value(&user.to_string()),
            email: value(email.as_str()),
            name: value(name),
            organization: here.map(|here| value(here.slug.as_str())),
            role: here.map(|here| HeaderValue::from_static(here.role.as_str())),
            teams: (teams.len() <= LIST_LIMIT).then(|| value(&teams)),
        }
    }
}

/// A header value: percent-encoded, so that it always is one.
fn value(text: &str) -> HeaderValue {
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    HeaderValue::from_maybe_shared(bytes::Bytes::from(encoded)).unwrap_or(HeaderValue::from_static(""))
}

/// The facts of one person, by the organization that their sessions are in.
type Entry = Arc<[(Option<OrgId>, Arc<Facts>)]>;

/// The facts that this node keeps. Reading takes no lock.
#[derive(Default)]
pub struct FactsCache {
    people: papaya::HashMap<UserId, Entry>,
    /// Counts up with each change that may concern somebody: what was read before it is not kept.
    epoch: AtomicU64,
}

impl FactsCache {
    /// The facts of a session, if they are kept.
    pub fn get(&self, token: &SessionToken) -> Option<Arc<Facts>> {
        let people = self.people.pin();
        let entry = people.get(&token.user)?;
        entry.iter().find(|(organization, _)| *organization == token.organization).map(|(_, facts)| Arc::clone(facts))
    }

    /// Reads the facts of a session and keeps them, unless something changed meanwhile.
    pub async fn load(&self, tx: &Tx, token: &SessionToken) -> Result<Option<Arc<Facts>>, StoreError> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let Some(facts) = Facts::read(tx, token).await?.map(Arc::new) else {
            return Ok(None);
        };
        if self.people.len() >= PEOPLE_LIMIT {
            self.drop_half();
        }
        let place = token.organization;
        let fresh = (place, Arc::clone(&facts));
        self.people.pin().update_or_insert(
            token.user,
            |held| held.iter().filter(|(other, _)| *other != place).cloned().chain([fresh.clone()]).collect(),
            Arc::from([fresh.clone()]),
        );
        if self.epoch.load(Ordering::Acquire) != epoch {
            self.people.pin().remove(&token.user);
        }
        Ok(Some(facts))
    }

    /// How often something changed that may concern somebody.
    pub fn changes(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Forgets a person.
    pub fn drop_user(&self, user: UserId) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.people.pin().remove(&user);
    }

    /// Forgets everybody: for changes of organizations, which are rare and concern many.
    pub fn drop_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.people.pin().clear();
    }

    /// Makes room: ids are random, so any bit of them halves.
    fn drop_half(&self) {
        self.people.pin().retain(|user, _| user.as_bytes()[15] & 1 == 0);
        if self.people.len() >= PEOPLE_LIMIT {
            self.people.pin().clear();
        }
    }
}

/// Facts for tests: Ada, in an organization with a role, and in teams.
#[cfg(test)]
pub fn sample(organization: Option<(&str, Role)>, teams: &[&str]) -> Facts {
    let (user, email) = (UserId::from_bytes([2; 16]), "ada@acme.example".parse().unwrap());
    let organization = organization.map(|(slug, role)| OrganizationFacts {
        id: OrgId::from_bytes([3; 16]),
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        role,
    });
    let teams: Vec<String> = teams.iter().map(|team| (*team).to_owned()).collect();
    Facts {
        user,
        active: true,
        rendered: Rendered::of(user, &email, "Ada", organization.as_ref(), &teams),
        email,
        name: "Ada".to_owned(),
        organizations: organization.iter().map(|organization| organization.slug.clone()).collect(),
        organization,
        belongs: true,
        team_keys: teams.iter().map(|team| team_key(team)).collect(),
        teams,
        limits: (None, None),
        ways: Ways::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_which_sessions_an_organization_takes() {
        let check = |ways: Ways, expected: [bool; 4]| {
            let methods = [Method::Sso, Method::Operator, Method::Password, Method::MagicLink];
            assert_eq!(methods.map(|method| ways.take(method)), expected, "{ways:?}");
        };
        check(Ways::All, [true, true, true, true]);
        check(Ways::SsoOrPassword, [true, true, true, false]);
        check(Ways::Sso, [true, true, false, false]);
    }

    #[test]
    fn names_are_visible_ascii_in_headers_and_can_be_decoded() {
        let check = |name: &str, expected: &str| {
            assert_eq!(value(name).to_str().unwrap(), expected);
            let decoded = percent_encoding::percent_decode_str(expected).decode_utf8().unwrap();
            assert_eq!(decoded, name);
        };
        check("Ada Lovelace", "Ada Lovelace");
        check("Zoë", "Zo%C3%AB");
        check("100%", "100%25");
        check("a\r\nX-Vestibule-Role: owner", "a%0D%0AX-Vestibule-Role: owner");
    }

    #[test]
    fn a_list_beyond_its_limit_is_left_out() {
        let (user, email) = (UserId::from_bytes([1; 16]), "ada@acme.example".parse().unwrap());
        let teams = |count: usize| vec!["x".repeat(60); count];
        let rendered = |count| Rendered::of(user, &email, "Ada", None, &teams(count)).teams;
        assert!(rendered(65).is_some());
        assert_eq!(rendered(66), None);
    }
}
