//! Switching the organization: the same sign-in goes on in another one, under a new session, if that one's rules are
//! met; else what is missing is asked for (D6).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::account;
use super::entering::{self, Entering};
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::Arrival;
use super::opening::Opened;
use super::page::{self, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::{DirectoryError, Organization, link, member, organization, user};
use crate::kernel::{Client, Fault, FaultKind, OrgId, Reference, Slug};
use crate::session::records;
use crate::store::Tx;

/// What became of it.
enum Outcome {
    /// In.
    In(Opened),
    /// In that organization already.
    There,
    /// The session is over.
    Over,
    /// First a sign-in at this organization's identity provider, which leads into the wanted one where it can.
    SignInAt(Box<Organization>, Option<OrgId>),
}

/// `POST /.vestibule/account/organization` with `organization`, a slug, and perhaps `return_to`: goes on in that
/// organization. A page of the app may hold this form, too: it is of the same origin.
///
/// # Errors
/// A post from another site; an organization that is not theirs, whether or not there is one; one that their address
/// can't enter.
pub async fn post(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(account::sign_in_first()) };
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = ReturnPath::parse(form.get("return_to").unwrap_or_default());
    let slug: Slug = form.get("organization").unwrap_or_default().parse().map_err(|_| not_theirs())?;
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    match portal.switch(visitor, &slug, (&arrival, &return_to)).await? {
        Outcome::In(opened) => {
            tracing::info!(session = %visitor.session, organization = %slug, "switched to another organization");
            Ok(opened.respond(&[]))
        }
        Outcome::There => Ok(page::redirect(return_to.as_str(), &[])),
        Outcome::Over => Ok(account::sign_in_first()),
        Outcome::SignInAt(at, wanted) => {
            let return_to = ReturnPath::parse(account::HERE);
            portal.start_sign_in(client, &headers, &at, wanted, return_to).await
        }
    }
}

/// The page that leads into another organization first.
#[derive(Template)]
#[template(path = "portal/elsewhere.html")]
struct ElsewherePage<'a> {
    site: &'a str,
    organization: &'a str,
    slug: &'a str,
    return_to: &'a str,
}

/// `GET /.vestibule/account/switch?organization=SLUG&return_to=…`: offers to go on in an organization of theirs, of
/// which a page was asked for.
///
/// # Errors
/// An organization that is not theirs, whether or not there is one.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(account::sign_in_first()) };
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    let slug = query_value(query.as_deref(), "organization").unwrap_or_default();
    let slug: Slug = slug.parse().map_err(|_| not_theirs())?;
    let tx = portal.store.reader();
    let organization = organization::by_slug(&tx, &slug).await.map_err(|_| not_theirs())?;
    if member::find(&tx, organization.id, visitor.user).await?.is_none() {
        return Err(not_theirs());
    }
    Ok(portal.elsewhere(&organization, return_to.as_str()))
}

impl Portal {
    /// The page that leads into another organization first.
    pub(super) fn elsewhere(&self, organization: &Organization, return_to: &str) -> Response {
        let page = ElsewherePage {
            site: &self.site,
            organization: &organization.name,
            slug: organization.slug.as_str(),
            return_to,
        };
        page::html(StatusCode::OK, self.to_identity_provider(), &page)
    }

    async fn switch(&self, visitor: Visitor, slug: &Slug, way: (&Arrival, &ReturnPath)) -> Result<Outcome, Trouble> {
        let switch = async |tx: Tx| {
            // Of many posts one finds the session still there.
            let Some(record) = records::find(&tx, visitor.session).await? else { return Ok(Outcome::Over) };
            let Some(user) = user::by_id(&tx, visitor.user).await? else { return Ok(Outcome::Over) };
            let organization = match organization::by_slug(&tx, slug).await {
                Ok(organization) => organization,
                Err(DirectoryError::NoSuchOrganization(_)) => return Err(not_theirs()),
                Err(error) => return Err(error.into()),
            };
            match entering::may_enter(&tx, &user, &organization, &(&record).into()).await? {
                Entering::Enter if record.organization == Some(organization.id) => Ok(Outcome::There),
                Entering::Enter => Ok(Outcome::In(self.carry_over(&tx, record, (&user, &organization), way).await?)),
                Entering::SignInAt(at) => match organization::by_id(&tx, at).await? {
                    Some(at) => {
                        let link = link::find(&tx, organization.id).await?;
                        let leads = at.id == organization.id || link.is_some_and(|link| link.admin == at.id);
                        Ok(Outcome::SignInAt(Box::new(at), leads.then_some(organization.id)))
                    }
                    None => Err(no_way(&organization)),
                },
                Entering::SignInAgain => Err(sign_in_again(&organization)),
                Entering::NoWay => Err(no_way(&organization)),
                Entering::NotTheirs => Err(not_theirs()),
            }
        };
        self.store.transaction("switch organization", switch).await
    }
}

/// The same for an organization that does not exist as for one that they are not in.
fn not_theirs() -> Trouble {
    let public = "You are not in this organization, or there is none of that name.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, "no organization of theirs"));
    trouble.again = Some(account::HERE.into());
    trouble
}

fn no_way(organization: &Organization) -> Trouble {
    let public = format!(
        "{} wants single sign-on, and nobody's single sign-on speaks for the domain of your address. Please ask an owner \
         or administrator of {}.",
        organization.name, organization.name
    );
    let detail = format!("{} requires single sign-on; none speaks for this address", organization.slug);
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, detail));
    trouble.again = Some(account::HERE.into());
    trouble
}

fn sign_in_again(organization: &Organization) -> Trouble {
    let public = format!(
        "{} wants a sign-in that is more recent than yours. Please sign out, and sign in again.",
        organization.name
    );
    let detail = format!("the sign-in is older than {} allows", organization.slug);
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, detail));
    trouble.title = Some("Please sign in again");
    trouble.again = Some("/.vestibule/sign-out".into());
    trouble
}
