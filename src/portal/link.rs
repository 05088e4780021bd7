//! Signing in by a link that is sent to the address. Looking at it uses nothing up, since mail scanners look: the page
//! that it opens has a button, and that posts.
//!
//! Whoever asks is answered before it is looked whether there is such an account: the same bytes, in the same time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::address::address;
use super::attempt::{check, count};
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::{Arrival, Choice, Ground, Refusal, choose};
use super::local_pages::{AskLinkPage, ConfirmPage};
use super::mails::{self, Written};
use super::opening::Opened;
use super::page::{self, FormTarget, NoticePage, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use super::throttle::network;
use crate::directory::entry::Way;
use crate::directory::one_time_link::{self, Purpose};
use crate::directory::user;
use crate::kernel::{Client, EmailAddress, Fault, FaultKind, Reference, TokenHash};
use crate::session::Method;
use crate::store::{Table, Tx, Window, count as count_in};

/// Where the page is, and the link.
pub const HERE: &str = "/.vestibule/link";
/// How many links were asked for lately: by address, and by network.
pub const ASKED: Table<String, Window> = Table::new("links_asked");
/// The window of both.
const WINDOW: Duration = Duration::from_secs(3600);
/// How many links of each kind an address gets in a window.
const FOR_AN_ADDRESS: u32 = 5;
/// How many links a network asks for in a window: a company's whole floor behind one router.
const OF_A_NETWORK: u32 = 200;

/// `GET /.vestibule/link`: asks where to send a link; with `token`, the button of one that was sent.
///
/// # Errors
/// No mail is sent here; the link is over.
pub async fn ask(State(portal): State<Arc<Portal>>, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    if let Some(token) = query_value(query.as_deref(), "token") {
        return portal.confirm_sign_in(&token).await;
    }
    portal.needs_mail().await?;
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    Ok(portal.ask_link(Asked::SignIn, StatusCode::OK, &return_to, "", None))
}

/// `POST /.vestibule/link` with `email` and `return_to`: sends a link, if that is of use, and says the same anyway.
///
/// # Errors
/// A post from another site; no mail is sent here; too many.
pub async fn send(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    request(portal, Asked::SignIn, client, &headers, body).await
}

/// `GET /.vestibule/password/forgotten`: asks where to send a link to a new password.
///
/// # Errors
/// There are no passwords, or no mail is sent here.
pub async fn ask_reset(State(portal): State<Arc<Portal>>) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    portal.needs_mail().await?;
    Ok(portal.ask_link(Asked::Reset, StatusCode::OK, &ReturnPath::parse(""), "", None))
}

/// `POST /.vestibule/password/forgotten` with `email`.
///
/// # Errors
/// As with [`send`].
pub async fn send_reset(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.passwords_are_on()?;
    request(portal, Asked::Reset, client, &headers, body).await
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A link to sign in.
    SignIn,
    /// One to a new password.
    Reset,
}

async fn request(
    portal: Arc<Portal>,
    asked: Asked,
    client: Client,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    portal.needs_mail().await?;
    let form = Form::read(headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = ReturnPath::parse(form.get("return_to").unwrap_or_default());
    let typed = form.get("email").unwrap_or_default();
    let Ok(email) = typed.parse::<EmailAddress>() else {
        let problem = "Please type your full e-mail address, like name@company.com.";
        return Ok(portal.ask_link(asked, StatusCode::BAD_REQUEST, &return_to, typed, Some(problem)));
    };
    let sent = sent_page(&portal.site, &email);
    let place = Arc::clone(&portal.mailings).try_acquire_owned().map_err(|_| super::password::busy())?;
    // Not waited for: how long it takes would tell whether there is such an account.
    tokio::spawn(async move {
        let outcome = portal.mail_link(asked, &email, client, &return_to).await;
        if let Err(trouble) = outcome {
            tracing::error!(detail = trouble.fault.detail, "a link could not be queued");
        }
        drop(place);
    });
    Ok(sent)
}

/// The same for every address.
fn sent_page(site: &str, email: &EmailAddress) -> Response {
    let text = format!(
        "If {email} has an account here that a link is good for, one is on its way now. Please look into your mail, and \
         into its folder for spam."
    );
    let link = Some(("/.vestibule/sign-in", "Back to sign in"));
    let page = NoticePage { site, title: "Look into your mail", text: &text, reference: None, link };
    page::html(StatusCode::OK, FormTarget::None, &page)
}

impl Portal {
    /// # Errors
    /// «Not found», where no mail is sent.
    async fn needs_mail(&self) -> Result<(), Trouble> {
        if self.mail_is_on().await? { Ok(()) } else { Err(Trouble::not_found()) }
    }

    /// The page that asks where to send a link.
    pub(super) fn ask_link(
        &self,
        asked: Asked,
        status: StatusCode,
        return_to: &ReturnPath,
        email: &str,
        problem: Option<&str>,
    ) -> Response {
        let (title, text, action) = match asked {
            Asked::SignIn => ("Sign in by mail", "We mail you a link that signs you in, without a password.", HERE),
            Asked::Reset => {
                ("Forgot your password?", "We mail you a link to choose a new one.", "/.vestibule/password/forgotten")
            }
        };
        let return_to = return_to.as_str();
        page::html(
            status,
            FormTarget::Here,
            &AskLinkPage { site: &self.site, title, text, action, return_to, email, problem },
        )
    }

    /// Sends a link, if the account is there, its domain takes links, and not too many were asked for.
    async fn mail_link(
        &self,
        asked: Asked,
        email: &EmailAddress,
        client: Client,
        return_to: &ReturnPath,
    ) -> Result<(), Trouble> {
        let from = client.address.map_or_else(String::new, |address| network(address).to_string());
        let send = async |tx: Tx| {
            for (key, limit) in [(format!("{asked:?} {email}"), FOR_AN_ADDRESS), (from.clone(), OF_A_NETWORK)] {
                if count_in(&tx, &ASKED, &TokenHash::of(key.as_bytes()).to_hex(), WINDOW).await? > limit {
                    return Ok(false);
                }
            }
            let Some(user) = user::find_by_email(&tx, email).await?.filter(|user| user.active) else {
                return Ok(false);
            };
            if Ground::of(&tx, &email.domain()).await?.requires_sso() {
                return Ok(false);
            }
            let purpose = match asked {
                Asked::SignIn => Purpose::SignIn { return_to: return_to.as_str().to_owned() },
                Asked::Reset => Purpose::Reset,
            };
            let useful = purpose.good_for();
            let token = one_time_link::issue(&tx, &*self.rng, &user, purpose).await?;
            let mail = self.link_mail(asked, &token);
            self.write_to(&tx, &user, &mail, useful).await
        };
        let sent = self.store.transaction::<_, Trouble, _, _>("mail a link", send).await?;
        tracing::info!(sent, client = %client, kind = ?asked, "a link was asked for");
        Ok(())
    }

    fn link_mail(&self, asked: Asked, token: &str) -> Written {
        match asked {
            Asked::SignIn => mails::sign_in(&self.site, &self.link(HERE, token)),
            Asked::Reset => mails::reset(&self.site, &self.link(super::new_password::HERE, token)),
        }
    }

    /// An address of this site with a token, for a mail.
    pub(super) fn link(&self, path: &str, token: &str) -> String {
        format!("{}{}", self.origin, address(path, &[("token", token)]))
    }

    async fn confirm_sign_in(&self, token: &str) -> Result<Response, Trouble> {
        let found = one_time_link::find(&self.store.reader(), token).await?;
        let Some((_, user)) = found.filter(|(link, _)| matches!(link.purpose, Purpose::SignIn { .. })) else {
            return Err(over(HERE));
        };
        let page = ConfirmPage {
            site: &self.site,
            title: "Sign in",
            text: "One more step: this link works once.",
            email: user.email.as_str(),
            action: "/.vestibule/link/use",
            token,
            button: "Sign in",
        };
        Ok(page::html(StatusCode::OK, FormTarget::Here, &page))
    }
}

/// A link that is used up, too old, or none.
pub(super) fn over(again: &'static str) -> Trouble {
    let public = "This link does not work any more: it works once, and for a short time. You can ask for another.";
    let mut trouble =
        Trouble::from(Fault::new(FaultKind::NotFound, public, "a link that is used up, too old, or none"));
    trouble.title = Some("This link is over");
    trouble.again = Some(again.into());
    trouble
}

/// What a link came to.
enum Entry {
    In(Opened),
    Refused(Refusal),
    Over,
}

/// `POST /.vestibule/link/use` with `token`: signs in.
///
/// # Errors
/// A post from another site; the link is over; the domain signs in by single sign-on by now.
pub async fn enter(
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
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    match portal.enter_by_link(&token, &arrival).await? {
        Entry::In(opened) => {
            count(opened.outcome(), "link");
            Ok(opened.respond(&[]))
        }
        Entry::Refused(refusal) => {
            count("refused", refusal.code());
            Err(sso_instead())
        }
        Entry::Over => Err(over(HERE)),
    }
}

/// The organization wants single sign-on by now.
pub(super) fn sso_instead() -> Trouble {
    let public = "Your organization signs in by single sign-on. Please go that way.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "the domain signs in by single sign-on"));
    trouble.title = Some("Single sign-on, please");
    trouble.again = Some("/.vestibule/sign-in".into());
    trouble
}

impl Portal {
    async fn enter_by_link(&self, token: &str, arrival: &Arrival) -> Result<Entry, Trouble> {
        let enter = async |tx: Tx| {
            // Looked at first: a link of another kind is not used up here.
            let found = one_time_link::find(&tx, token).await?;
            let Some((Purpose::SignIn { return_to }, user)) = found.map(|(link, user)| (link.purpose, user)) else {
                return Ok(Entry::Over);
            };
            one_time_link::take(&tx, token).await?;
            let ground = Ground::of(&tx, &user.email.domain()).await?;
            let places = ground.places(&tx, &user, Way::MagicLink, None).await?;
            let choice = choose(true, user.active, ground.requires_sso(), &places);
            if let Choice::Refuse(refusal) = choice {
                let checks = vec![check("link", false, "single sign-on", &format!("a link, for {}", user.email))];
                self.local_refusal(&tx, &ground, arrival, (refusal, checks)).await?;
                return Ok(Entry::Refused(refusal));
            }
            let into = choice.leads_to(&places);
            let return_to = ReturnPath::parse(&return_to);
            let opened = self.let_in(&tx, &user, Method::MagicLink, into, (arrival, &return_to)).await?;
            Ok(Entry::In(opened))
        };
        self.store.transaction("sign in by link", enter).await
    }
}
