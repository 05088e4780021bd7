//! Signing in by a password: the page, and what a wrong one and a right one lead to (D9, D10).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::attempt::{check, count};
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::link;
use super::local::{Arrival, Choice, Ground, Refusal, choose};
use super::local_pages::PasswordPage;
use super::mails;
use super::opening::Opened;
use super::page::{self, FormTarget, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use super::throttle::network;
use crate::credential::{self, Attempt, Verdict, Verified};
use crate::directory::entry::Way;
use crate::directory::{AuditEntry, Organization, User, password, user};
use crate::kernel::{Client, EmailAddress, Fault, FaultKind, Reference, Role, Secret};
use crate::session::Method;
use crate::store::Tx;

/// What everyone reads whose password does not let them in, whatever the reason.
const WRONG: &str = "This address and password do not sign anyone in here. Please try again, or sign in another way.";

/// `GET /.vestibule/password?return_to=/path`: address and password; whoever is signed in goes straight on.
///
/// # Errors
/// There are no passwords here; «unavailable», if nobody can tell who is signed in.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    if portal.visitor(&headers).await?.is_some() {
        return Ok(page::redirect(return_to.as_str(), &[]));
    }
    portal.password_page(StatusCode::OK, &return_to, "", None, false).await
}

/// `POST /.vestibule/password` with `email`, `password`, `return_to`.
///
/// # Errors
/// A post from another site; too many attempts; too much to do.
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
    let return_to = ReturnPath::parse(form.get("return_to").unwrap_or_default());
    let typed = form.get("email").unwrap_or_default();
    let Ok(email) = typed.parse::<EmailAddress>() else {
        let problem = "Please type your full e-mail address, like name@company.com.";
        return portal.password_page(StatusCode::BAD_REQUEST, &return_to, typed, Some(problem), false).await;
    };
    let secret = Secret::new(form.get("password").unwrap_or_default().to_owned());
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let (attempt, verified) = portal.try_password(&headers, client, &email, secret).await?;
    match portal.enter_by_password((&email, &return_to), &attempt, &verified, &arrival).await? {
        Entry::In(user, opened) => Ok(opened.respond(&[portal.mark_browser(user.id)])),
        Entry::Refused(refusal) => {
            count("refused", refusal.code());
            let (reference, code) = (&arrival.reference, refusal.code());
            tracing::info!(%reference, code, client = %client, "sign-in by password refused");
            portal.password_page(StatusCode::FORBIDDEN, &return_to, typed, Some(WRONG), false).await
        }
    }
}

/// What the last transaction came to.
enum Entry {
    In(User, Opened),
    Refused(Refusal),
}

impl Portal {
    /// # Errors
    /// «Not found», where there are no passwords.
    pub(super) fn passwords_are_on(&self) -> Result<(), Trouble> {
        if self.policy.enabled { Ok(()) } else { Err(Trouble::not_found()) }
    }

    /// The page after the e-mail question where single sign-on is not the only way: the same for every address of a
    /// domain.
    pub(super) async fn local_page(
        &self,
        return_to: &ReturnPath,
        email: &EmailAddress,
        sso: bool,
    ) -> Result<Response, Trouble> {
        if self.policy.enabled {
            return self.password_page(StatusCode::OK, return_to, email.as_str(), None, sso).await;
        }
        Ok(self.ask_link(link::Asked::SignIn, StatusCode::OK, return_to, email.as_str(), None))
    }

    /// The page of address and password; `sso`: with a button to single sign-on.
    pub(super) async fn password_page(
        &self,
        status: StatusCode,
        return_to: &ReturnPath,
        email: &str,
        problem: Option<&str>,
        sso: bool,
    ) -> Result<Response, Trouble> {
        let mail = self.mail_is_on().await?;
        let page = PasswordPage { site: &self.site, return_to: return_to.as_str(), email, problem, sso, mail };
        let forms = if sso { self.to_identity_provider() } else { FormTarget::Here };
        Ok(page::html(status, forms, &page))
    }

    /// Looks whether the password is that of the account with this address, within the bounds of attempts. Does the
    /// same, and as much, whether or not there is such an account.
    ///
    /// # Errors
    /// Too many attempts; too much to do.
    pub(super) async fn try_password(
        &self,
        headers: &HeaderMap,
        client: Client,
        email: &EmailAddress,
        secret: Secret<String>,
    ) -> Result<(Attempt, Tried), Trouble> {
        let from = client.address.map_or_else(String::new, |address| network(address).to_string());
        let look = async |tx: Tx| {
            let account = user::find_by_email(&tx, email).await?;
            let browser = account.as_ref().and_then(|user| self.known_browser(headers, user.id));
            let attempt = Attempt { email: email.clone(), network: from.clone(), browser };
            let verdict = credential::reserve(&tx, &attempt).await?;
            let held = match &account {
                Some(user) => password::find(&tx, user.id).await?,
                None => None,
            };
            Ok::<_, Trouble>((attempt, verdict, held))
        };
        let (attempt, verdict, held) = self.store.transaction("password attempt", look).await?;
        if let Verdict::Wait(pause) = verdict {
            return Err(too_many(pause));
        }
        let verified = self.hasher.verify(secret, held.as_ref().map(password::Password::hash)).await;
        let verified = verified.map_err(|_| busy())?;
        Ok((attempt, Tried { held, verified }))
    }

    /// One transaction: is it right still, whom does it let in, and where.
    async fn enter_by_password(
        &self,
        (email, return_to): (&EmailAddress, &ReturnPath),
        attempt: &Attempt,
        tried: &Tried,
        arrival: &Arrival,
    ) -> Result<Entry, Trouble> {
        // One at a time, as with other refusals: those who guess must not make each other's transactions run again.
        let turn = if tried.verified.is_right() { None } else { Some(self.refusals.lock().await) };
        let enter = async |tx: Tx| {
            let account = user::find_by_email(&tx, email).await?;
            let held = match &account {
                Some(user) => password::find(&tx, user.id).await?,
                None => None,
            };
            let ground = Ground::of(&tx, &email.domain()).await?;
            let right = tried.verified.is_right() && held.is_some() && held == tried.held;
            let places = match &account {
                Some(user) => ground.places(&tx, user, Way::Password, None).await?,
                None => Vec::new(),
            };
            let active = account.as_ref().is_some_and(|user| user.active);
            let choice = choose(right, active, ground.requires_sso(), &places);
            let (choice, user) = match (choice, account) {
                (Choice::Refuse(refusal), _) => {
                    return self.refuse_password(&tx, attempt, &ground, arrival, refusal).await;
                }
                (_, None) => return self.refuse_password(&tx, attempt, &ground, arrival, Refusal::Wrong).await,
                (choice, Some(user)) => (choice, user),
            };
            tried.keep_upgraded(&tx, &user).await?;
            credential::succeeded(&tx, attempt).await?;
            let into = choice.leads_to(&places);
            if let (true, Some(organization)) = (into.break_glass, into.asking) {
                self.break_glass(&tx, &user, organization, arrival).await?;
            }
            let opened = self.let_in(&tx, &user, Method::Password, into, (arrival, return_to)).await?;
            Ok(Entry::In(user, opened))
        };
        let entry = self.store.transaction("sign in by password", enter).await;
        drop(turn);
        if let Ok(Entry::In(user, opened)) = &entry {
            count(opened.outcome(), "password");
            tracing::info!(reference = %arrival.reference, user = %user.id, outcome = opened.outcome(), "a right password");
        }
        entry
    }

    async fn refuse_password(
        &self,
        tx: &Tx,
        attempt: &Attempt,
        ground: &Ground,
        arrival: &Arrival,
        refusal: Refusal,
    ) -> Result<Entry, Trouble> {
        credential::failed(tx, attempt).await?;
        let received = match refusal {
            Refusal::Wrong => format!("another, for {}", attempt.email),
            Refusal::Deactivated => format!("it, for {}, who is deactivated", attempt.email),
            Refusal::SsoRequired => format!("it, for {}, who is neither owner nor admin", attempt.email),
        };
        let checks = vec![check("password", false, "that of an account that may use one", &received)];
        self.local_refusal(tx, ground, arrival, (refusal, checks)).await?;
        Ok(Entry::Refused(refusal))
    }

    /// A password where single sign-on is required: audited, and mailed to the owners (D10).
    async fn break_glass(
        &self,
        tx: &Tx,
        user: &User,
        organization: &Organization,
        arrival: &Arrival,
    ) -> Result<(), Trouble> {
        let entry = AuditEntry::new(tx, user.email.as_str(), "login.break_glass", "password");
        self.local_audit(tx, organization.id, entry, arrival)?;
        let from = arrival.client.to_string();
        let mail = mails::break_glass(&self.site, organization, user, tx.now(), &from);
        self.tell(tx, organization.id, &[Role::Owner], mail).await?;
        Ok(())
    }
}

/// A password that was looked at.
pub struct Tried {
    /// What the account had at that moment.
    pub held: Option<password::Password>,
    /// Whether it was that.
    pub verified: Verified,
}

impl Tried {
    /// Writes the hash at today's cost, if the one that is held is outdated.
    async fn keep_upgraded(&self, tx: &Tx, user: &User) -> Result<(), Trouble> {
        if let (Verified::Right { upgraded: Some(hash) }, Some(held)) = (&self.verified, &self.held) {
            password::upgrade(tx, user.id, held, hash).await?;
        }
        Ok(())
    }
}

fn too_many(pause: Duration) -> Trouble {
    let minutes = pause.as_secs().div_ceil(60).max(1);
    let wait = if minutes == 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
    let public =
        format!("There were too many attempts with this address, or from your network. Please try again in {wait}.");
    let mut trouble =
        Trouble::from(Fault::new(FaultKind::TooMany, public, "more passwords were tried than are looked at"));
    trouble.title = Some("Too many attempts");
    trouble.again = Some("/.vestibule/sign-in".into());
    trouble
}

/// Hashing is bounded.
pub(super) fn busy() -> Trouble {
    let public = "Too many people sign in at this moment. Please try again in a few seconds.";
    Fault::new(FaultKind::Unavailable, public, "more passwords are to be hashed than can be").into()
}
