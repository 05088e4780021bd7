//! What a person does about their second factor in their account: new recovery codes, taking it away, browsers that they
//! trust no more. Each but the last asks for a fresh second factor.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;

use super::account;
use super::address::returning;
use super::age::age;
use super::form::{Form, PAGE_FORM_LIMIT};
use super::local::Arrival;
use super::mails;
use super::opening::CHALLENGE;
use super::page::{self, Trouble};
use super::same_origin;
use super::second_factor_pages::Way;
use super::standing::{Presented, Stood};
use super::state::Portal;
use crate::directory::{AuditEntry, TwoFactor, audit, effective, member, organization};
use crate::kernel::{Client, Fault, FaultKind, Reference, Secret, UserId};
use crate::second_factor::{Person, factors, passkeys, phone, trusted};
use crate::session::half;
use crate::store::{StoreError, Tx};

/// The second factor, as the account page shows it.
#[derive(Clone, Debug, Default)]
pub struct AccountFactors {
    /// Since when there is an app.
    pub app: Option<String>,
    /// The last two digits of the phone's number, and since when it is there.
    pub phone: Option<(String, String)>,
    /// Passkeys: id, name, and since when.
    pub passkeys: Vec<(String, String, String)>,
    /// Whether passkeys can be set up here.
    pub party: bool,
    /// Whether a phone can be set up here.
    pub sms: bool,
    /// How many recovery codes are left.
    pub recovery_left: usize,
    /// Browsers that are trusted.
    pub browsers: Vec<AccountBrowser>,
}

/// A trusted browser, as the page shows it.
#[derive(Clone, Debug)]
pub struct AccountBrowser {
    /// Its id.
    pub id: String,
    /// What it is.
    pub name: String,
    /// For how long it has been trusted.
    pub age: String,
}

/// What the page shows of somebody.
///
/// # Errors
/// The store's.
pub async fn shown(portal: &Portal, tx: &Tx, user: UserId) -> Result<AccountFactors, StoreError> {
    let now = tx.now();
    let held = factors::of(tx, user).await?;
    let mut browsers = Vec::new();
    for (id, browser) in trusted::of(tx, user).await? {
        let name = if browser.name.is_empty() { "Unknown browser".to_owned() } else { browser.name };
        browsers.push(AccountBrowser { id: text(&id), name, age: age(now.since(browser.since)) });
    }
    Ok(AccountFactors {
        app: held.app.as_ref().map(|app| age(now.since(app.since))),
        phone: held.phone.map(|phone| (phone.number.ending().to_owned(), age(now.since(phone.since)))),
        passkeys: held.passkeys.into_iter().map(|key| (key.id.to_hex(), key.name, age(now.since(key.since)))).collect(),
        party: portal.party.is_some(),
        sms: portal.sms.is_some(),
        recovery_left: held.recovery.left(),
        browsers,
    })
}

fn text(id: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    /// Ten new recovery codes.
    NewCodes,
    /// To be without the app.
    RemoveApp,
    /// To be without the phone.
    RemovePhone,
    /// To be without a passkey.
    RemovePasskey(String),
}

/// What it came to.
enum Outcome {
    /// Done; with codes to be shown.
    Done(Vec<Secret<String>>),
    /// A second factor comes first.
    NotFresh,
    /// The session is over.
    Over,
}

/// `POST /.vestibule/account/recovery-codes`: ten new ones, shown once; the old ones are void.
///
/// # Errors
/// A post from another site; there is no second factor that they could stand in for.
pub async fn new_codes(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    _: Body,
) -> Result<Response, Trouble> {
    change(&portal, Wish::NewCodes, (client, reference), &headers).await
}

/// `POST /.vestibule/account/second-factor/remove`, with `method=sms` for the phone, `method=passkey` and `passkey` for a passkey:
/// takes that away; the app otherwise.
///
/// # Errors
/// A post from another site; it is the last method, and an organization of theirs asks for one.
pub async fn remove(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let wish = match Way::parse(form.get("method")) {
        Some(Way::Sms) => Wish::RemovePhone,
        Some(Way::Passkey) => Wish::RemovePasskey(form.get("passkey").unwrap_or_default().to_owned()),
        Some(Way::App | Way::Recovery) | None => Wish::RemoveApp,
    };
    change(&portal, wish, (client, reference), &headers).await
}

/// Does what is wanted in one transaction, for somebody in a session who showed a second factor just now.
async fn change(
    portal: &Portal,
    wish: Wish,
    (client, reference): (Client, Reference),
    headers: &HeaderMap,
) -> Result<Response, Trouble> {
    same_origin::check(headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let arrival = Arrival::new(portal, headers, client, reference).await?;
    let presented = Presented { half: None, visitor: arrival.visitor };
    let run = async |tx: Tx| {
        let Some(stood) = portal.stood(&tx, presented).await? else { return Ok(Outcome::Over) };
        if !stood.second_is_fresh(&tx).await? {
            return Ok(Outcome::NotFresh);
        }
        // Whoever is between the factors elsewhere shows the first one again.
        half::end_all(&tx, stood.user().id).await?;
        let codes = match &wish {
            Wish::NewCodes => portal.renew_codes(&tx, &stood.person(portal, &arrival)).await?,
            Wish::RemoveApp | Wish::RemovePhone | Wish::RemovePasskey(_) => {
                portal.remove_factor(&tx, &wish, &stood, &arrival).await?;
                Vec::new()
            }
        };
        Ok::<_, Trouble>(Outcome::Done(codes))
    };
    Ok(match portal.store.transaction("change a second factor", run).await? {
        Outcome::Done(codes) if wish == Wish::NewCodes => {
            portal.codes_page("These are new; those before them are void.", &codes, account::HERE)
        }
        Outcome::Done(_) => page::redirect(account::HERE, &[]),
        Outcome::NotFresh => page::redirect(&returning(CHALLENGE, account::HERE), &[]),
        Outcome::Over => account::sign_in_first(),
    })
}

/// `POST /.vestibule/account/trusted-browsers/forget` with `browser`: trusts it no more.
///
/// # Errors
/// A post from another site.
pub async fn forget_browser(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(account::sign_in_first()) };
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let wanted = form.get("browser").unwrap_or_default().to_owned();
    let forget = async |tx: Tx| {
        let presented = Presented { half: None, visitor: Some(visitor) };
        let Some(stood) = portal.stood(&tx, presented).await? else { return Ok(()) };
        let user = stood.user();
        for (id, _) in trusted::of(&tx, user.id).await?.into_iter().filter(|(id, _)| text(id) == wanted) {
            trusted::forget(&tx, user.id, id).await?;
            let at = stood.at().map_or(audit::OPERATOR, |at| at.organization.id);
            let entry = AuditEntry::new(&tx, user.email.as_str(), "second_factor.trust", "browser");
            audit::append(&tx, &*portal.rng, at, &entry.changed("trusted", "").from(client))?;
        }
        Ok::<_, Trouble>(())
    };
    portal.store.transaction("trust a browser no more", forget).await?;
    Ok(page::redirect(account::HERE, &[]))
}

impl Portal {
    /// New recovery codes; the person is written to.
    async fn renew_codes(&self, tx: &Tx, person: &Person<'_>) -> Result<Vec<Secret<String>>, Trouble> {
        if !factors::of(tx, person.user.id).await?.any() {
            return Err(none());
        }
        let codes = factors::new_recovery_codes(tx, person).await?;
        let from = person.client.to_string();
        self.notify(tx, person.user, &mails::recovery_codes_renewed(&self.site, tx.now(), &from)).await?;
        Ok(codes)
    }

    /// Takes a method away, unless it is the last one and an organization of theirs asks for one.
    async fn remove_factor(&self, tx: &Tx, wish: &Wish, stood: &Stood, arrival: &Arrival) -> Result<(), Trouble> {
        let (user, person) = (stood.user(), stood.person(self, arrival));
        let removed = match wish {
            Wish::RemovePasskey(id) => passkeys::remove(tx, &person, id).await?,
            Wish::RemovePhone => phone::remove(tx, &person).await?,
            Wish::RemoveApp | Wish::NewCodes => factors::remove_app(tx, &person).await?,
        };
        if !factors::of(tx, user.id).await?.any()
            && let Some(name) = asks(tx, user.id).await?
        {
            return Err(asked_for(&name));
        }
        if removed {
            let from = arrival.client.to_string();
            self.notify(tx, user, &mails::second_factor_removed(&self.site, tx.now(), &from)).await?;
        }
        Ok(())
    }
}

/// An organization of theirs that asks for a second factor.
async fn asks(tx: &Tx, user: UserId) -> Result<Option<String>, StoreError> {
    for id in member::of_user(tx, user).await? {
        if member::find(tx, id, user).await?.is_none() {
            continue;
        }
        let Some(organization) = organization::by_id(tx, id).await? else { continue };
        let found = effective::of_organization(tx, organization).await?;
        if found.rules.two_factor != TwoFactor::Off {
            return Ok(Some(found.organization.name));
        }
    }
    Ok(None)
}

fn asked_for(name: &str) -> Trouble {
    let public = format!("{name} asks for a second factor. You can set up another in its place, but not go without.");
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "an organization asks for the factor"));
    trouble.title = Some("It is asked for");
    trouble.again = Some(account::HERE.into());
    trouble
}

fn none() -> Trouble {
    let public = "You have no second factor that recovery codes could stand in for. Please set one up first.";
    let mut trouble = Trouble::from(Fault::plain(FaultKind::Conflict, public));
    trouble.again = Some(account::HERE.into());
    trouble
}
