//! An organization's own page, for those who run it (D1, D5): memberships to be confirmed, requests to be let in, and who
//! finds the organization by themselves. Each of its doors asks [`authority`] anew, in the transaction that acts.

mod decisions;
mod discoverability;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

pub use decisions::{decide_member, decide_request};
pub use discoverability::{DISCOVERABILITY, save};

use super::account;
use super::address::{address, returning};
use super::age::age;
use super::form::query_value;
use super::opening::CHALLENGE;
use super::page::{self, FormTarget, Trouble};
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::authority::{self, Act, Actor, Denied, Target};
use crate::directory::{
    Discoverability, OrgKind, Organization, User, access_request, discovery, effective, member, organization, user,
};
use crate::kernel::{Fault, FaultKind, Role, Slug};
use crate::session::records;
use crate::store::{StoreError, Tx};

/// The page's address.
pub const HERE: &str = "/.vestibule/organization";
/// How many memberships, and how many requests, are shown.
const SHOWN: usize = 100;

/// Whoever runs an organization, in it.
pub struct Door {
    /// The organization.
    pub organization: Organization,
    /// Who acts.
    pub account: User,
    /// The same, as [`authority`] sees them.
    pub actor: Actor,
    role: Role,
}

/// Why the door stays shut.
pub enum Shut {
    /// Nobody is signed in.
    SignIn,
    /// The session is in another organization; this one is theirs, too.
    Elsewhere(Box<Organization>),
    /// They have a second factor, and did not show it just now.
    SecondFactor,
    /// It is not theirs, or there is none: told the same.
    NotTheirs,
}

impl Door {
    /// Opens the door of the organization that the visitor's session is in. `wanted`: the slug of the one that they mean.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(tx: &Tx, visitor: Visitor, wanted: Option<&str>) -> Result<Result<Door, Shut>, Trouble> {
        // Of many that come at once, one may end the session.
        let Some(record) = records::find(tx, visitor.session).await? else { return Ok(Err(Shut::SignIn)) };
        let Some(account) = user::by_id(tx, visitor.user).await? else { return Ok(Err(Shut::SignIn)) };
        let current = match record.organization {
            Some(id) => organization::by_id(tx, id).await?,
            None => None,
        };
        let meant = match wanted.map(str::parse::<Slug>) {
            None => current.clone(),
            Some(Ok(slug)) => organization::by_slug(tx, &slug).await.ok(),
            Some(Err(_)) => None,
        };
        let Some(organization) = meant.filter(|meant| meant.kind == OrgKind::Customer) else {
            return Ok(Err(Shut::NotTheirs));
        };
        let Some(actor) = authority::actor(tx, organization.id, &account).await? else {
            return Ok(Err(Shut::NotTheirs));
        };
        let Actor::Member { role, .. } = actor else { return Ok(Err(Shut::NotTheirs)) };
        if authority::may(actor, Act::See(organization.id), Target::default()).is_err() {
            return Ok(Err(Shut::NotTheirs));
        }
        if current.is_none_or(|current| current.id != organization.id) {
            // Its rules have to be met first (D6).
            return Ok(Err(Shut::Elsewhere(Box::new(organization))));
        }
        Ok(Ok(Door { organization, account, actor, role }))
    }

    /// Opens it to change something: whoever has a second factor shows it first.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_to_change(
        tx: &Tx,
        visitor: Visitor,
        wanted: Option<&str>,
    ) -> Result<Result<Door, Shut>, Trouble> {
        let door = match Door::open(tx, visitor, wanted).await? {
            Ok(door) => door,
            Err(shut) => return Ok(Err(shut)),
        };
        let stale = visitor.wants_second(tx).await?;
        Ok(if stale { Err(Shut::SecondFactor) } else { Ok(door) })
    }

    /// Whether they may do something about `who`.
    ///
    /// # Errors
    /// A refusal that says whose affair it is; the store's.
    pub async fn ask(&self, tx: &Tx, act: Act, who: Option<&User>) -> Result<(), Trouble> {
        let target = match who {
            Some(who) => authority::target(tx, self.actor, who).await?,
            None => Target::default(),
        };
        authority::may(self.actor, act, target).map_err(denied)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "portal/organization.html")]
struct OrganizationPage<'a> {
    site: &'a str,
    organization: &'a str,
    slug: &'a str,
    role: &'a str,
    /// What was just done.
    done: Option<&'a str>,
    sleeping: &'a [Sleeping],
    /// Whether requests are theirs to decide.
    decides: bool,
    requests: &'a [Request],
    /// Whether work domains and the choice are theirs to set.
    sets: bool,
    /// Single sign-on decides who gets in.
    single_sign_on: bool,
    choice: Discoverability,
    domains: &'a str,
    problem: Option<&'a str>,
}

/// A membership that sleeps, as the page shows it.
struct Sleeping {
    id: String,
    email: String,
    role: String,
    may_confirm: bool,
    may_remove: bool,
}

/// A request, as the page shows it.
struct Request {
    id: String,
    email: String,
    name: String,
    age: String,
}

/// What was typed about who finds the organization, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Typed {
    choice: Discoverability,
    domains: String,
    problem: String,
}

/// `GET /.vestibule/organization?of=SLUG`: the page; without `of`, of the organization that the session is in.
///
/// # Errors
/// An organization that is not theirs to run, whether or not there is one.
pub async fn show(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let wanted = query_value(query.as_deref(), "of");
    let door = match portal.visitor(&headers).await? {
        Some(visitor) => Door::open(&portal.store.reader(), visitor, wanted.as_deref()).await?,
        None => Err(Shut::SignIn),
    };
    match door {
        Ok(door) => {
            let done = query_value(query.as_deref(), "done");
            portal.organization_page(&door, done.as_deref().and_then(told), None).await
        }
        Err(shut) => portal.shut(shut, wanted.as_deref()),
    }
}

/// What was done, in words, by the mark that the address carries.
fn told(done: &str) -> Option<&'static str> {
    Some(match done {
        "confirmed" => "Confirmed: they are a member again.",
        "removed" => "Removed: their membership has ended.",
        "granted" => "Let in. They are told by mail.",
        "declined" => "Declined. They are told by mail.",
        "saved" => "Saved.",
        _ => return None,
    })
}

impl Portal {
    async fn organization_page(
        &self,
        door: &Door,
        done: Option<&str>,
        typed: Option<Typed>,
    ) -> Result<Response, Trouble> {
        let (tx, organization) = (self.store.reader(), &door.organization);
        let may = |act| authority::may(door.actor, act, Target::default()).is_ok();
        let decides = may(Act::Add(organization.id, Role::Member));
        let sleeping = if decides { sleeping(&tx, door).await? } else { Vec::new() };
        let requests = if decides { self.requests(&tx, organization).await? } else { Vec::new() };
        let here = effective::of_organization(&tx, organization.clone()).await?;
        let status = if typed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let (choice, domains, problem) = if let Some(Typed { choice, domains, problem }) = typed {
            (choice, domains, Some(problem))
        } else {
            let named = organization.settings.discoverable_domains.iter().map(ToString::to_string);
            (organization.settings.discoverability, named.collect::<Vec<_>>().join("\n"), None)
        };
        let page = OrganizationPage {
            site: &self.site,
            organization: &organization.name,
            slug: organization.slug.as_str(),
            role: &door.role.as_str().replace('_', " "),
            done,
            sleeping: &sleeping,
            decides,
            requests: &requests,
            sets: may(Act::SetDiscoverability(organization.id)),
            single_sign_on: discovery::single_sign_on(&tx, &here).await?,
            choice,
            domains: &domains,
            problem: problem.as_deref(),
        };
        Ok(page::html(status, FormTarget::Here, &page))
    }

    async fn requests(&self, tx: &Tx, organization: &Organization) -> Result<Vec<Request>, StoreError> {
        let mut shown = Vec::new();
        for request in access_request::waiting(tx, organization.id, SHOWN).await? {
            if let Some(who) = user::by_id(tx, request.user).await? {
                shown.push(Request {
                    id: who.id.to_string(),
                    name: who.display_name(),
                    email: who.email.to_string(),
                    age: age(tx.now().since(request.asked)),
                });
            }
        }
        shown.sort_by(|one, two| one.email.cmp(&two.email));
        Ok(shown)
    }

    /// What is answered where the door stays shut.
    ///
    /// # Errors
    /// The organization is not theirs.
    fn shut(&self, shut: Shut, wanted: Option<&str>) -> Result<Response, Trouble> {
        let back = address(HERE, &[("of", wanted.unwrap_or_default())]);
        match shut {
            Shut::SignIn => Ok(page::redirect(&returning("/.vestibule/sign-in", &back), &[])),
            Shut::NotTheirs => Err(not_theirs()),
            Shut::SecondFactor => Ok(page::redirect(&returning(CHALLENGE, &back), &[])),
            Shut::Elsewhere(organization) => Ok(self.elsewhere(&organization, &back)),
        }
    }
}

async fn sleeping(tx: &Tx, door: &Door) -> Result<Vec<Sleeping>, StoreError> {
    let (mut shown, here) = (Vec::new(), door.organization.id);
    for member in member::sleeping(tx, here, SHOWN).await? {
        let Some(who) = user::by_id(tx, member.user).await? else { continue };
        let target = authority::target(tx, door.actor, &who).await?;
        let may = |act| authority::may(door.actor, act, target).is_ok();
        shown.push(Sleeping {
            id: who.id.to_string(),
            email: who.email.to_string(),
            role: target.role.unwrap_or(member.role).as_str().replace('_', " "),
            may_confirm: may(Act::Confirm(here)),
            may_remove: may(Act::Remove(here)),
        });
    }
    shown.sort_by(|one, two| one.email.cmp(&two.email));
    Ok(shown)
}

/// The page again, with a mark that says what was done.
fn back(done: &str) -> Response {
    page::redirect(&format!("{HERE}?done={done}"), &[])
}

/// The same for an organization that does not exist as for one that they do not run.
fn not_theirs() -> Trouble {
    let public = "This page is for owners, admins and billing admins of an organization, in that organization.";
    let mut trouble =
        Trouble::from(Fault::new(FaultKind::NotFound, public, "an organization that is not theirs to run"));
    trouble.again = Some(account::HERE.into());
    trouble
}

fn denied(denied: Denied) -> Trouble {
    let public = match denied {
        Denied::OwnersAffair => "Only an owner does that. Please ask one of your organization.",
        Denied::NotTheirRole | Denied::NotTheirAccount | Denied::NotTheirOrganization => {
            "Your role does not allow that. Please ask an owner of your organization."
        }
    };
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, format!("not allowed: {denied:?}")));
    trouble.again = Some(HERE.into());
    trouble
}
