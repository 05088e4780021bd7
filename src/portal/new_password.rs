//! Choosing a password: by a link that was mailed, or in the account's settings. Other sessions end, and the person is
//! written to.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::address::returning;
use super::attempt::count;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::link::{over, sso_instead};
use super::local::{Arrival, Choice, Ground, choose};
use super::local_pages::NewPasswordPage;
use super::mails;
use super::opening::CHALLENGE;
use super::page::{self, FormTarget, NoticePage, Trouble};
use super::password::busy;
use super::return_path::ReturnPath;
use super::same_origin;
use super::standing::FRESH;
use super::state::Portal;
use super::visitor::Visitor;
use crate::credential;
use crate::directory::entry::Way;
use crate::directory::one_time_link::{self, Purpose};
use crate::directory::{AuditEntry, User, member, password, user};
use crate::kernel::{Client, Fault, FaultKind, Reference, Secret, SessionId};
use crate::second_factor::trusted;
use crate::session::{Method, half, records};
use crate::store::Tx;

/// Where a mailed link leads.
pub const HERE: &str = "/.vestibule/password/new";
/// In the account's settings.
pub const SETTINGS: &str = "/.vestibule/account/password";
/// Where to ask for another link.
const FORGOTTEN: &str = "/.vestibule/password/forgotten";

/// `GET /.vestibule/password/new?token=…`
///
/// # Errors
/// There are no passwords here; the link is over.
pub async fn ask(State(portal): State<Arc<Portal>>, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    let token = query_value(query.as_deref(), "token").unwrap_or_default();
    let user = portal.of_reset(&portal.store.reader(), &token).await?.ok_or_else(|| over(FORGOTTEN))?;
    Ok(portal.reset_page(StatusCode::OK, &user, &token, None))
}

/// `POST /.vestibule/password/new` with `token` and `password`: sets it, ends all sessions, and signs in, unless the
/// address's organization wants single sign-on.
///
/// # Errors
/// A post from another site; the link is over; too much to do.
pub async fn answer(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let token = form.get("token").unwrap_or_default().to_owned();
    let chosen = form.get("password").unwrap_or_default();
    let user = portal.of_reset(&portal.store.reader(), &token).await?.ok_or_else(|| over(FORGOTTEN))?;
    if let Err(weakness) = portal.policy.check(chosen, &user.email) {
        return Ok(portal.reset_page(StatusCode::BAD_REQUEST, &user, &token, Some(&weakness.to_string())));
    }
    let hash = portal.hasher.hash(Secret::new(chosen.to_owned())).await.map_err(|_| busy())?;
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let set = async |tx: Tx| {
        let Some(user) = portal.of_reset(&tx, &token).await? else { return Err(over(FORGOTTEN)) };
        one_time_link::take(&tx, &token).await?;
        portal.set_password(&tx, &user, &hash, &arrival, None).await?;
        let ground = Ground::of(&tx, &user.email.domain()).await?;
        let places = ground.places(&tx, &user, Way::MagicLink, None).await?;
        let choice = choose(true, user.active, ground.requires_sso(), &places);
        if let Choice::Refuse(_) = choice {
            return Ok(None);
        }
        let into = choice.leads_to(&places);
        let way = (&arrival, &ReturnPath::start());
        Ok(Some((user.id, portal.let_in(&tx, &user, Method::MagicLink, into, way).await?)))
    };
    match portal.store.transaction("set password anew", set).await? {
        Some((user, opened)) => {
            count(opened.outcome(), "link");
            Ok(opened.respond(&[portal.mark_browser(user)]))
        }
        None => Ok(portal.is_set()),
    }
}

/// `GET /.vestibule/account/password`
///
/// # Errors
/// There are no passwords here, or none for this address.
pub async fn ask_settings(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    if portal.wants_second_factor(&visitor).await? {
        return Ok(page::redirect(&returning(CHALLENGE, SETTINGS), &[]));
    }
    let Some((user, present)) = portal.settings_of(&portal.store.reader(), &visitor).await? else {
        return Ok(sign_in_first());
    };
    Ok(portal.settings_page(StatusCode::OK, &user, present, None))
}

/// `POST /.vestibule/account/password` with `present` and `password`: sets it, and ends the other sessions.
///
/// # Errors
/// A post from another site; too many wrong ones; too much to do.
pub async fn answer_settings(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    if portal.wants_second_factor(&visitor).await? {
        return Ok(page::redirect(&returning(CHALLENGE, SETTINGS), &[]));
    }
    let Some((user, present)) = portal.settings_of(&portal.store.reader(), &visitor).await? else {
        return Ok(sign_in_first());
    };
    let chosen = form.get("password").unwrap_or_default();
    if let Err(weakness) = portal.policy.check(chosen, &user.email) {
        return Ok(portal.settings_page(StatusCode::BAD_REQUEST, &user, present, Some(&weakness.to_string())));
    }
    let mut proved = None;
    if present {
        let typed = Secret::new(form.get("present").unwrap_or_default().to_owned());
        let (attempt, tried) = portal.try_password(&headers, client, &user.email, typed).await?;
        if !tried.verified.is_right() {
            let problem = Some("The present password is another.");
            return Ok(portal.settings_page(StatusCode::FORBIDDEN, &user, true, problem));
        }
        proved = Some((attempt, tried));
    }
    let hash = portal.hasher.hash(Secret::new(chosen.to_owned())).await.map_err(|_| busy())?;
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let set = async |tx: Tx| {
        let Some((user, present)) = portal.settings_of(&tx, &visitor).await? else { return Ok(false) };
        match &proved {
            Some((attempt, tried)) => {
                if password::find(&tx, user.id).await? != tried.held {
                    return Ok(false);
                }
                credential::succeeded(&tx, attempt).await?;
            }
            None if present => return Ok(false),
            None => {}
        }
        portal.set_password(&tx, &user, &hash, &arrival, Some(visitor.session)).await?;
        Ok::<_, Trouble>(true)
    };
    if !portal.store.transaction("change password", set).await? {
        return Ok(sign_in_first());
    }
    let link = Some(("/.vestibule/account", "To your account"));
    let text = "Your password is set. Your other sessions were ended.";
    let page = NoticePage { site: &portal.site, title: "Done", text, reference: None, link };
    let response = page::html(StatusCode::OK, FormTarget::None, &page);
    let mark = portal.mark_browser(user.id);
    Ok(page::with_cookies(response, [mark.as_str()]))
}

fn sign_in_first() -> Response {
    page::redirect("/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount%2Fpassword", &[])
}

fn sign_in_again() -> Trouble {
    let public = "To set a password, please sign out and sign in again first: it takes a sign-in of the last ten minutes, \
                  at your organization's own sign-in page too.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "the sign-in is not fresh"));
    trouble.title = Some("Please sign in again");
    trouble.again = Some("/.vestibule/sign-out".into());
    trouble
}

impl Portal {
    /// Whether the person has a second factor that they did not show just now.
    async fn wants_second_factor(&self, visitor: &Visitor) -> Result<bool, Trouble> {
        Ok(visitor.wants_second(&self.store.reader()).await?)
    }

    /// The account whose reset the token is for.
    async fn of_reset(&self, tx: &Tx, token: &str) -> Result<Option<User>, Trouble> {
        let found = one_time_link::find(tx, token).await?;
        Ok(found.filter(|(link, _)| link.purpose == Purpose::Reset).map(|(_, user)| user))
    }

    /// The account of a visitor who may set a password, and whether the present one is asked for; `None`: the session is
    /// over. Without a present one the sign-in must be a fresh one, or the second factor.
    async fn settings_of(&self, tx: &Tx, visitor: &Visitor) -> Result<Option<(User, bool)>, Trouble> {
        let Some(record) = records::find(tx, visitor.session).await? else { return Ok(None) };
        let Some(user) = user::by_id(tx, visitor.user).await? else { return Ok(None) };
        let ground = Ground::of(tx, &user.email.domain()).await?;
        let places = ground.places(tx, &user, Way::Password, None).await?;
        if matches!(choose(true, user.active, ground.requires_sso(), &places), Choice::Refuse(_)) {
            return Err(sso_instead());
        }
        let present = password::find(tx, user.id).await?.is_some();
        let shown = record.second_factor.map_or(record.auth_time, |second| second.at.max(record.auth_time));
        if !present && tx.now() >= shown.plus(FRESH) {
            return Err(sign_in_again());
        }
        Ok(Some((user, present)))
    }

    /// Sets a password within the caller's transaction: links to it are void, sessions end but for `stays`, the person
    /// is written to, and it is audited where they are a member.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn set_password(
        &self,
        tx: &Tx,
        user: &User,
        hash: &str,
        arrival: &Arrival,
        stays: Option<SessionId>,
    ) -> Result<(), Trouble> {
        password::set(tx, user.id, hash)?;
        one_time_link::forget(tx, user.id).await?;
        trusted::forget_all(tx, user.id).await?;
        records::end_each(tx, user.id, stays).await?;
        half::end_all(tx, user.id).await?;
        let from = arrival.client.to_string();
        for organization in member::of_user(tx, user.id).await? {
            let entry = AuditEntry::new(tx, user.email.as_str(), "password.set", user.email.as_str());
            self.local_audit(tx, organization, entry, arrival)?;
        }
        self.notify(tx, user, &mails::changed(&self.site, tx.now(), &from)).await?;
        Ok(())
    }

    fn is_set(&self) -> Response {
        let text =
            "Your password is set. Your organization signs in by single sign-on; the password is for emergencies.";
        let link = Some(("/.vestibule/sign-in", "To sign in"));
        let page = NoticePage { site: &self.site, title: "Done", text, reference: None, link };
        page::html(StatusCode::OK, FormTarget::None, &page)
    }

    fn reset_page(&self, status: StatusCode, user: &User, token: &str, problem: Option<&str>) -> Response {
        let page = NewPasswordPage {
            site: &self.site,
            title: "Choose a new password",
            text: "Your sessions elsewhere end with it.",
            email: user.email.as_str(),
            action: HERE,
            token: Some(token),
            present: false,
            min_length: self.policy.min_length,
            problem,
        };
        page::html(status, FormTarget::Here, &page)
    }

    fn settings_page(&self, status: StatusCode, user: &User, present: bool, problem: Option<&str>) -> Response {
        let page = NewPasswordPage {
            site: &self.site,
            title: if present { "Change your password" } else { "Set a password" },
            text: "Your sessions elsewhere end with it.",
            email: user.email.as_str(),
            action: SETTINGS,
            token: None,
            present,
            min_length: self.policy.min_length,
            problem,
        };
        page::html(status, FormTarget::Here, &page)
    }
}
