//! Sign-up for an address that no organization claims: a link by mail proves it, and what follows is up to the person
//! (D7, D9). The answer is the same, in words and in time, whether or not somebody has an account of that address.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::attempt;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::{Arrival, Ground, choose};
use super::opening::Opened;
use super::page::{self, FormTarget, NoticePage, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::sign_in;
use super::state::Portal;
use super::throttle::network;
use crate::directory::entry::Way;
use crate::directory::outbox::{self, Mail};
use crate::directory::{discovery, effective, user};
use crate::kernel::{Client, EmailAddress, Fault, FaultKind, Reference, Secret, TokenHash};
use crate::session::Method;
use crate::store::{StoreError, Table, TableChecker, Tx, Window, count, decodes};

/// Links that were mailed, by the hash of their token.
const SIGN_UPS: Table<[u8; 32], SignUp> = Table::new("sign_ups");
/// How many links were mailed to an address lately.
const BY_ADDRESS: Table<EmailAddress, Window> = Table::new("sign_ups_by_address");
/// How many links a network asked for lately.
const BY_NETWORK: Table<String, Window> = Table::new("sign_ups_by_network");

/// How long a link is good.
pub const LINK_FOR: Duration = Duration::from_secs(30 * 60);
/// The span in which links are counted.
const SPAN: Duration = Duration::from_secs(3600);
/// How many links one address is sent in that span; asking for more sends nothing, and says nothing of it.
const PER_ADDRESS: u32 = 5;
/// How many links one network may ask for in that span.
const PER_NETWORK: u32 = 50;
/// Random bytes of a link's token.
const TOKEN_BYTES: usize = 32;

/// A link that was mailed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SignUp {
    /// The address that it proves.
    email: EmailAddress,
    /// Where the person goes then, if an organization lets them.
    return_to: ReturnPath,
}

/// What is promised of the records.
pub fn checkers() -> Vec<TableChecker> {
    vec![decodes(&SIGN_UPS), decodes(&BY_ADDRESS), decodes(&BY_NETWORK)]
}

/// What leads on for an address without organization.
#[derive(Template)]
#[template(path = "portal/sign_up.html")]
struct SignUpPage<'a> {
    site: &'a str,
    email: &'a str,
    return_to: &'a str,
    /// Whether a password may be used instead.
    password: bool,
}

/// The page behind the mailed link.
#[derive(Template)]
#[template(path = "portal/verify.html")]
struct VerifyPage<'a> {
    site: &'a str,
    email: &'a str,
    present: Option<&'a str>,
    token: &'a str,
}

/// What can be done with an address whose domain no organization has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A link by mail; `password`: or a password, since somebody of the domain has an account.
    Link { password: bool },
    /// A password alone: this site sends no mail.
    Password,
    /// Nothing.
    Nothing,
}

/// Decides, by the domain alone (D9), and so that no mail goes to where nobody is expected. `found`: an organization is
/// to be found by its people; `known`: somebody of it has an account.
const fn use_of([found, known, mail, passwords]: [bool; 4]) -> Use {
    match (found || known, mail, known && passwords) {
        (true, true, password) => Use::Link { password },
        (_, false, true) => Use::Password,
        _ => Use::Nothing,
    }
}

impl Portal {
    async fn use_of(&self, tx: &Tx, email: &EmailAddress) -> Result<Use, StoreError> {
        let domain = email.domain();
        let (found, known) = (discovery::is_found(tx, &domain).await?, user::any_of_domain(tx, &domain).await?);
        Ok(use_of([found, known, outbox::is_on(tx).await?, self.policy.enabled]))
    }

    /// The answer to the e-mail question for a domain that no organization has: a page that leads on, or one that says
    /// that nothing does.
    ///
    /// # Errors
    /// Nothing does.
    pub(super) async fn offer_sign_up(
        &self,
        email: &EmailAddress,
        return_to: &ReturnPath,
    ) -> Result<Response, Trouble> {
        let password = match self.use_of(&self.store.reader(), email).await? {
            Use::Link { password } => password,
            Use::Password => return self.local_page(return_to, email, false).await,
            Use::Nothing => return Err(sign_in::no_organization(email)),
        };
        let page = SignUpPage { site: &self.site, email: email.as_str(), return_to: return_to.as_str(), password };
        Ok(page::html(StatusCode::OK, self.to_identity_provider(), &page))
    }
}

/// `POST /.vestibule/sign-up` with `email` and `return_to`: mails a link that proves the address.
///
/// # Errors
/// A post from another site; no address; a domain with which nothing can be done here; too many of that network.
pub async fn post(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = ReturnPath::parse(form.get("return_to").unwrap_or_default());
    let Ok(email) = form.get("email").unwrap_or_default().parse::<EmailAddress>() else {
        return Ok(page::redirect("/.vestibule/sign-in", &[]));
    };
    let reader = portal.store.reader();
    if effective::of_domain(&reader, &email.domain()).await?.is_some() {
        // An organization has the domain by now: its own way in comes first.
        return portal.answer_email(client, &headers, &email, return_to, false).await;
    }
    if !matches!(portal.use_of(&reader, &email).await?, Use::Link { .. }) {
        return Err(sign_in::no_organization(&email));
    }
    let sign_up = SignUp { email, return_to };
    let mail = async |tx: Tx| mail_link(&portal, &tx, &sign_up, client).await;
    portal.store.transaction("mail a sign-up link", mail).await?;
    let text = format!(
        "We sent a link to {}. It is good once, for {} minutes. If nothing comes, look into the spam folder, or go back \
         and check the address.",
        sign_up.email,
        LINK_FOR.as_secs() / 60
    );
    let page = NoticePage {
        site: &portal.site,
        title: "Look into your mail",
        text: &text,
        reference: None,
        link: Some(("/.vestibule/sign-in", "Back")),
    };
    Ok(page::html(StatusCode::OK, FormTarget::None, &page))
}

/// Keeps a link and queues its mail, within the limits. What is read and written is the same for every address.
async fn mail_link(portal: &Portal, tx: &Tx, sign_up: &SignUp, client: Client) -> Result<(), Trouble> {
    let from = client.address.map_or_else(|| "unknown".to_owned(), |address| network(address).to_string());
    if count(tx, &BY_NETWORK, &from, SPAN).await? > PER_NETWORK {
        let public = "Too many sign-ups come from your network at this moment. Please try again in an hour.";
        return Err(Fault::new(FaultKind::TooMany, public, "a network goes beyond its rate of sign-ups").into());
    }
    if count(tx, &BY_ADDRESS, &sign_up.email, SPAN).await? > PER_ADDRESS {
        tracing::info!("an address was sent as many sign-up links as it may be; no further one is sent");
        return Ok(());
    }
    let token = Secret::new(portal.rng.token::<TOKEN_BYTES>());
    let until = tx.now().plus(LINK_FOR);
    tx.put_until(&SIGN_UPS, TokenHash::of(token.expose().as_bytes()).as_bytes(), sign_up, until)?;
    let (site, origin) = (&portal.site, &portal.origin);
    let text = format!(
        "Somebody, likely you, wants to sign in to {site} with this address. To go on, open\n\n\
         {origin}/.vestibule/sign-up/verify?token={}\n\n\
         The link is good once, for {} minutes. If it was not you, there is nothing to do.\n",
        token.expose(),
        LINK_FOR.as_secs() / 60
    );
    outbox::queue(tx, &*portal.rng, &Mail::new(&sign_up.email, &format!("Sign in to {site}"), &text), until).await?;
    Ok(())
}

/// `GET /.vestibule/sign-up/verify?token=…`, the mailed link: a page that says for whom it is. Nothing happens yet, since
/// mail scanners open links, too.
///
/// # Errors
/// The link is over, or was none.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    let token = query_value(query.as_deref(), "token").unwrap_or_default();
    let reader = portal.store.reader();
    let found = reader.get(&SIGN_UPS, TokenHash::of(token.as_bytes()).as_bytes()).await?;
    let sign_up = found.ok_or_else(over)?;
    let present = match portal.visitor(&headers).await? {
        Some(visitor) => user::by_id(&reader, visitor.user).await?,
        None => None,
    };
    let present = present.filter(|present| present.email != sign_up.email);
    let page = VerifyPage {
        site: &portal.site,
        email: sign_up.email.as_str(),
        present: present.as_ref().map(|present| present.email.as_str()),
        token: &token,
    };
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// `POST /.vestibule/sign-up/verify` with `token`: uses the link up, and signs its address in.
///
/// # Errors
/// A post from another site; the link is over, or was none; the account is switched off.
pub async fn verify(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.answers.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let hash = TokenHash::of(form.get("token").unwrap_or_default().as_bytes());
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let enter = async |tx: Tx| enter(&portal, &tx, hash, &arrival).await;
    let opened = portal.store.transaction("verify an address", enter).await?;
    attempt::count(opened.outcome(), "sign_up_link");
    tracing::info!(%client, outcome = opened.outcome(), "a right sign-up link");
    Ok(opened.respond(&[]))
}

/// Finds the account or makes it, and starts its session: in an organization if one lets them, else in none.
async fn enter(portal: &Portal, tx: &Tx, hash: TokenHash, arrival: &Arrival) -> Result<Opened, Trouble> {
    let sign_up = tx.take(&SIGN_UPS, hash.as_bytes()).await?.ok_or_else(over)?;
    if effective::of_domain(tx, &sign_up.email.domain()).await?.is_some() {
        // An organization proved meanwhile that the domain is its own: its rules say how people come in.
        return Err(over());
    }
    let account = match user::find_by_email(tx, &sign_up.email).await? {
        Some(account) => account,
        None => user::create(tx, &*portal.rng, &sign_up.email)?,
    };
    if !account.active {
        let public = "Your account is switched off. Please ask whoever invited you.";
        return Err(Fault::new(FaultKind::Forbidden, public, "the account of a mailed link is deactivated").into());
    }
    let ground = Ground::of(tx, &account.email.domain()).await?;
    let places = ground.places(tx, &account, Way::MagicLink, None).await?;
    let into = choose(true, account.active, false, &places).leads_to(&places);
    let return_to = if into.organization.is_some() { sign_up.return_to } else { ReturnPath::parse(super::join::HERE) };
    portal.let_in(tx, &account, Method::MagicLink, into, (arrival, &return_to)).await
}

/// One page for a link that was used, is too old, or never was.
fn over() -> Trouble {
    let public = "This link was used already, or is too old. Please start again: you will get a new one.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, "a sign-up link that is none, or over"));
    trouble.title = Some("This link is over");
    trouble.again = Some("/.vestibule/sign-in".into());
    trouble
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d9_what_an_address_without_organization_leads_to() {
        let check = |[found, known, mail, passwords]: [u8; 4], expected| {
            let told = use_of([found == 1, known == 1, mail == 1, passwords == 1]);
            assert_eq!(told, expected, "{found} {known} {mail} {passwords}");
        };
        // found, known, mail, passwords
        check([1, 0, 1, 0], Use::Link { password: false });
        check([1, 0, 1, 1], Use::Link { password: false });
        check([0, 1, 1, 0], Use::Link { password: false });
        check([0, 1, 1, 1], Use::Link { password: true });
        check([1, 1, 1, 1], Use::Link { password: true });
        check([0, 1, 0, 1], Use::Password);
        check([1, 1, 0, 1], Use::Password);
        check([0, 1, 0, 0], Use::Nothing);
        check([1, 0, 0, 1], Use::Nothing);
        check([0, 0, 1, 1], Use::Nothing);
        check([0, 0, 0, 0], Use::Nothing);
    }
}
