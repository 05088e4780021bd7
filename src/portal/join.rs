//! For a person whom no organization has let in yet, or who wants into another one: what they may join, what they may
//! ask for, and else whom to ask (D7).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::account;
use super::entering::{self, Entering, organizations_of};
use super::form::{Form, PAGE_FORM_LIMIT};
use super::local::Arrival;
use super::opening::Opened;
use super::page::{self, FormTarget, NoticePage, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::access_request::{self, Asked, State as RequestState};
use crate::directory::effective::{self, Answer};
use crate::directory::{AuditEntry, Offer, Organization, Origin, User, audit, barred, discovery, member, user};
use crate::kernel::{Client, Fault, FaultKind, OrgId, Reference, Role, Slug};
use crate::session::{SessionRecord, records};
use crate::store::{StoreError, Tx};
use crate::web::access_mails::Mails;

/// The page's address.
pub const HERE: &str = "/.vestibule/join";

/// The page.
#[derive(Template)]
#[template(path = "portal/join.html")]
struct JoinPage<'a> {
    site: &'a str,
    email: &'a str,
    /// The name and slug of an organization whose single sign-on comes first.
    first: Option<(&'a str, &'a str)>,
    offers: &'a [Row],
    /// Whether they are in an organization already.
    is_member: bool,
    /// The organization that holds the domain of their address.
    holder: Option<&'a str>,
}

/// An organization, as the page shows it.
struct Row {
    name: String,
    slug: String,
    can: Can,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Can {
    Join,
    Ask,
    Wait,
    Declined,
}

/// `GET /.vestibule/join`.
///
/// # Errors
/// The store's.
pub async fn show(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Trouble> {
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let reader = portal.store.reader();
    let Some(record) = records::find(&reader, visitor.session).await? else { return Ok(sign_in_first()) };
    let Some(account) = user::by_id(&reader, visitor.user).await? else { return Ok(sign_in_first()) };
    let first = single_sign_on_first(&reader, &account, &record).await?;
    let theirs: Vec<OrgId> =
        organizations_of(&reader, account.id).await?.into_iter().map(|(organization, _)| organization.id).collect();
    let mut rows = Vec::new();
    if first.is_none() {
        for (organization, offer) in discovery::offers(&reader, &account.email.domain()).await? {
            if !theirs.contains(&organization.id) {
                let offer = barred_asks(&reader, &organization, &account, offer).await?;
                let request = access_request::find(&reader, organization.id, account.id).await?;
                let can = can(offer, request.map(|request| request.state));
                rows.push(Row { name: organization.name, slug: organization.slug.to_string(), can });
            }
        }
    }
    let holder = effective::of_domain(&reader, &account.email.domain()).await?;
    let page = JoinPage {
        site: &portal.site,
        email: account.email.as_str(),
        first: first.as_ref().map(|first| (first.name.as_str(), first.slug.as_str())),
        offers: &rows,
        is_member: !theirs.is_empty(),
        holder: holder.as_ref().map(|holder| holder.organization.name.as_str()),
    };
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// What somebody can do about an organization that is offered, given what became of a request of theirs.
fn can(offer: Offer, request: Option<RequestState>) -> Can {
    match (offer, request) {
        (Offer::Join, _) => Can::Join,
        (Offer::Ask, Some(RequestState::Waiting)) => Can::Wait,
        (Offer::Ask, Some(RequestState::Decided { granted: false, .. })) => Can::Declined,
        (Offer::Ask, Some(RequestState::Decided { granted: true, .. }) | None) => Can::Ask,
    }
}

/// Whom provisioning took out comes back by somebody's word, not by themselves (D17).
async fn barred_asks(tx: &Tx, organization: &Organization, account: &User, offer: Offer) -> Result<Offer, StoreError> {
    Ok(if barred::is(tx, organization.id, &account.email).await? { Offer::Ask } else { offer })
}

/// The organization of the address's domain, if its people are sent to single sign-on and this session was not made by
/// it: that comes before any request.
async fn single_sign_on_first(
    tx: &Tx,
    account: &User,
    record: &SessionRecord,
) -> Result<Option<Organization>, StoreError> {
    let holder = effective::of_domain(tx, &account.email.domain()).await?;
    let wanted = effective::answer(tx, holder.as_ref()).await? == Answer::SingleSignOn;
    let organization = holder.map(|holder| holder.organization);
    Ok(organization.filter(|organization| wanted && record.connection != Some(organization.id)))
}

/// What became of it.
enum Outcome {
    /// In.
    In(Organization, Opened),
    /// A member, and something is missing to enter: the account page asks for it.
    Joined(Organization),
    /// A member before.
    Member,
    /// Asked.
    Asked(Organization, Asked),
    /// The session is over.
    Over,
    /// First a sign-in at this organization's identity provider.
    SignInAt(Organization),
}

/// `POST /.vestibule/join` with `organization`, a slug: joins it, or asks to.
///
/// # Errors
/// A post from another site; an organization that is not offered, whether or not there is one.
pub async fn post(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let slug: Slug = form.get("organization").unwrap_or_default().parse().map_err(|_| not_offered())?;
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let join = async |tx: Tx| join(&portal, &tx, (visitor, &arrival), &slug).await;
    match portal.store.transaction("join an organization", join).await? {
        Outcome::In(organization, opened) => {
            tracing::info!(organization = %organization.slug, "joined an organization");
            Ok(opened.respond(&[]))
        }
        Outcome::Joined(organization) => {
            tracing::info!(organization = %organization.slug, "joined an organization");
            Ok(page::redirect(account::HERE, &[]))
        }
        Outcome::Member => Ok(page::redirect(account::HERE, &[])),
        Outcome::Asked(organization, asked) => Ok(told(&portal, &organization, asked)),
        Outcome::Over => Ok(sign_in_first()),
        Outcome::SignInAt(at) => portal.start_sign_in(client, &headers, &at, None, ReturnPath::parse(HERE)).await,
    }
}

async fn join(
    portal: &Portal,
    tx: &Tx,
    (visitor, arrival): (Visitor, &Arrival),
    slug: &Slug,
) -> Result<Outcome, Trouble> {
    let client = arrival.client;
    let Some(record) = records::find(tx, visitor.session).await? else { return Ok(Outcome::Over) };
    let account = user::by_id(tx, visitor.user).await?.filter(|account| account.active);
    let Some(account) = account else { return Ok(Outcome::Over) };
    if let Some(first) = single_sign_on_first(tx, &account, &record).await? {
        return Ok(Outcome::SignInAt(first));
    }
    // Looked up among the offers alone: what is hidden takes the time of what is not there.
    let offers = discovery::offers(tx, &account.email.domain()).await?;
    let offered = offers.into_iter().find(|(organization, _)| organization.slug == *slug);
    let Some((organization, offer)) = offered else { return Err(not_offered()) };
    let offer = barred_asks(tx, &organization, &account, offer).await?;
    // As it is at the commit: it may become invite only meanwhile.
    if member::find(tx, organization.id, account.id).await?.is_some() {
        return Ok(Outcome::Member);
    }
    if offer == Offer::Ask {
        let mails = Mails { site: &portal.site, origin: &portal.origin };
        let asked = access_request::ask(tx, &*portal.rng, &organization, (&account, client), &mails).await?;
        return Ok(Outcome::Asked(organization, asked));
    }
    member::add(tx, &organization, &account, Role::Member, Origin::Hand).await?;
    let entry = AuditEntry::new(tx, account.email.as_str(), "member.join", &account.email);
    let entry = entry.changed("", Role::Member.as_str()).from(client);
    audit::append(tx, &*portal.rng, organization.id, &entry)?;
    match entering::may_enter(tx, &account, &organization, &(&record).into()).await? {
        Entering::Enter => {
            let way = (arrival, &ReturnPath::start());
            let opened = portal.carry_over(tx, record, (&account, &organization), way).await?;
            Ok(Outcome::In(organization, opened))
        }
        _ => Ok(Outcome::Joined(organization)),
    }
}

/// The page after asking.
fn told(portal: &Portal, organization: &Organization, asked: Asked) -> Response {
    let name = &organization.name;
    let (title, text) = match asked {
        Asked::Now => (
            "Your request is on its way",
            format!("The owners and admins of {name} get it by mail. You get a mail when they have decided."),
        ),
        Asked::Before => (
            "You asked already",
            format!("The owners and admins of {name} have your request. You get a mail when they have decided."),
        ),
        Asked::Declined => (
            "Not now",
            format!("{name} declined your request lately. If that was a mistake, please speak to somebody there."),
        ),
        Asked::TooMany => (
            "Please wait",
            "You asked many organizations lately. Please wait until some of them have answered.".to_owned(),
        ),
        Asked::Nobody => (
            "Nobody could be told",
            format!("There is nobody at {name} whom a mail could reach. Please speak to somebody there."),
        ),
    };
    let page = NoticePage { site: &portal.site, title, text: &text, reference: None, link: Some((HERE, "Back")) };
    page::html(StatusCode::OK, FormTarget::None, &page)
}

/// To the sign-in page, and back here.
fn sign_in_first() -> Response {
    page::redirect("/.vestibule/sign-in?return_to=%2F.vestibule%2Fjoin", &[])
}

/// The same for an organization that is hidden as for one that does not exist.
fn not_offered() -> Trouble {
    let public = "There is no organization of that name that you could join. Please ask whoever invited you.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, "an organization that is not offered"));
    trouble.again = Some(HERE.into());
    trouble
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_follows_from_offer_and_request() {
        let decided = |granted| Some(RequestState::Decided { granted, by: "bob@acme.example".parse().unwrap() });
        let check = |offer, request, expected| assert_eq!(can(offer, request), expected);
        for request in [None, Some(RequestState::Waiting), decided(true), decided(false)] {
            check(Offer::Join, request, Can::Join);
        }
        check(Offer::Ask, None, Can::Ask);
        check(Offer::Ask, Some(RequestState::Waiting), Can::Wait);
        check(Offer::Ask, decided(false), Can::Declined);
        check(Offer::Ask, decided(true), Can::Ask);
    }
}
