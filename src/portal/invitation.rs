//! Accepting an invitation that was mailed: it leads to single sign-on, or to choosing a password, or straight in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::attempt::count;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::link::{over, sso_instead};
use super::local::{Arrival, Choice, Ground, choose};
use super::local_pages::{ConfirmPage, NewPasswordPage};
use super::opening::Opened;
use super::page::{self, FormTarget, Trouble};
use super::password::busy;
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use crate::directory::effective::Answer;
use crate::directory::entry::Way;
use crate::directory::one_time_link::{self, Purpose};
use crate::directory::{AuditEntry, Organization, User, member, organization, password};
use crate::kernel::{Client, Reference, Secret};
use crate::session::Method;
use crate::store::Tx;

/// Where the mailed link leads.
pub const HERE: &str = crate::credential::invitation::PATH;
/// Where to go if it is over.
const AGAIN: &str = "/.vestibule/sign-in";

/// An invitation that is good.
struct Invited {
    user: User,
    organization: Organization,
    ground: Ground,
    /// A password is to be chosen: single sign-on does not speak for them, and they have none.
    choose: bool,
}

/// `GET /.vestibule/invitation?token=…`
///
/// # Errors
/// The invitation is over.
pub async fn ask(State(portal): State<Arc<Portal>>, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let token = query_value(query.as_deref(), "token").unwrap_or_default();
    let invited = portal.invited(&portal.store.reader(), &token).await?.ok_or_else(|| over(AGAIN))?;
    Ok(portal.invitation_page(StatusCode::OK, &invited, &token, None))
}

/// `POST /.vestibule/invitation` with `token` and, if it is asked for, `password`.
///
/// # Errors
/// A post from another site; the invitation is over; too much to do.
pub async fn answer(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let token = form.get("token").unwrap_or_default().to_owned();
    let invited = portal.invited(&portal.store.reader(), &token).await?.ok_or_else(|| over(AGAIN))?;
    let mut hash = None;
    if invited.choose {
        let chosen = form.get("password").unwrap_or_default();
        if let Err(weakness) = portal.policy.check(chosen, &invited.user.email) {
            let problem = weakness.to_string();
            return Ok(portal.invitation_page(StatusCode::BAD_REQUEST, &invited, &token, Some(&problem)));
        }
        hash = Some(portal.hasher.hash(Secret::new(chosen.to_owned())).await.map_err(|_| busy())?);
    }
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let accept = async |tx: Tx| {
        let Some(invited) = portal.invited(&tx, &token).await? else { return Err(over(AGAIN)) };
        if invited.choose != hash.is_some() {
            return Err(over(AGAIN));
        }
        one_time_link::take(&tx, &token).await?;
        let (user, organization) = (&invited.user, &invited.organization);
        let entry = |action| AuditEntry::new(&tx, user.email.as_str(), action, user.email.as_str());
        portal.local_audit(&tx, organization.id, entry("invitation.accept"), &arrival)?;
        if let Some(hash) = &hash {
            password::set(&tx, user.id, hash)?;
            portal.local_audit(&tx, organization.id, entry("password.set"), &arrival)?;
        }
        let at = invited.ground.organization().filter(|_| invited.ground.answer == Answer::SingleSignOn);
        if let Some(at) = at {
            return Ok(Accepted::SingleSignOn(Box::new(at.clone())));
        }
        let places = invited.ground.places(&tx, user, Way::MagicLink, Some(organization.id)).await?;
        let choice = choose(true, user.active, invited.ground.requires_sso(), &places);
        if let Choice::Refuse(_) = choice {
            return Err(sso_instead());
        }
        let into = choice.leads_to(&places);
        let way = (&arrival, &ReturnPath::start());
        let opened = portal.let_in(&tx, user, Method::MagicLink, into, way).await?;
        Ok(Accepted::In(opened, portal.mark_browser(user.id)))
    };
    match portal.store.transaction("accept invitation", accept).await? {
        Accepted::In(opened, mark) => {
            count(opened.outcome(), "link");
            Ok(opened.respond(&[mark]))
        }
        Accepted::SingleSignOn(at) => portal.start_sign_in(client, &headers, &at, None, ReturnPath::parse("/")).await,
    }
}

enum Accepted {
    In(Opened, String),
    SingleSignOn(Box<Organization>),
}

impl Portal {
    async fn invited(&self, tx: &Tx, token: &str) -> Result<Option<Invited>, Trouble> {
        let Some((link, user)) = one_time_link::find(tx, token).await? else { return Ok(None) };
        let Purpose::Invitation { organization } = link.purpose else { return Ok(None) };
        let Some(organization) = organization::by_id(tx, organization).await? else { return Ok(None) };
        // Whoever was removed meanwhile is invited no more.
        if member::find(tx, organization.id, user.id).await?.is_none() {
            return Ok(None);
        }
        let ground = Ground::of(tx, &user.email.domain()).await?;
        let none = password::find(tx, user.id).await?.is_none();
        let choose = self.policy.enabled && none && ground.answer != Answer::SingleSignOn;
        Ok(Some(Invited { user, organization, ground, choose }))
    }

    fn invitation_page(&self, status: StatusCode, invited: &Invited, token: &str, problem: Option<&str>) -> Response {
        let (site, email) = (self.site.as_str(), invited.user.email.as_str());
        let title = format!("Welcome to {}", invited.organization.name);
        if invited.choose {
            let page = NewPasswordPage {
                site,
                title: &title,
                text: "You are invited. Choose a password, and you are in.",
                email,
                action: HERE,
                token: Some(token),
                present: false,
                min_length: self.policy.min_length,
                problem,
            };
            return page::html(status, FormTarget::Here, &page);
        }
        let sso = invited.ground.answer == Answer::SingleSignOn;
        let text =
            if sso { "You are invited. Your organization's own sign-in page comes next." } else { "You are invited." };
        let forms = if sso { self.to_identity_provider() } else { FormTarget::Here };
        let page = ConfirmPage { site, title: &title, text, email, action: HERE, token, button: "Continue" };
        page::html(status, forms, &page)
    }
}
