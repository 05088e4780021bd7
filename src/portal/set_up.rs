//! Setting an authenticator app, a phone or a passkey up, or another in its place: what is new counts from its first right code on, and until
//! then the old one stays (D24). The recovery codes are shown once, right after.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::account;
use super::address::returning;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::Arrival;
use super::mails;
use super::opening::{CHALLENGE, Opened, SET_UP};
use super::page::{self, FormTarget, Trouble};
use super::passkeys::WRONG_PASSKEY;
use super::return_path::ReturnPath;
use super::same_origin;
use super::second_factor::nobody;
use super::second_factor_pages::{FreshPage, RecoveryCodesPage, SetUpPage, Way};
use super::sms::{Problem, WRONG_CODE};
use super::standing::{Inside, MaySetUp, Presented, Stood};
use super::state::Portal;
use crate::directory::two_factor::{self, Asked};
use crate::directory::{Effective, organization};
use crate::kernel::{Client, Fault, FaultKind, Reference, Secret};
use crate::second_factor::{CODES, Confirmed, factors, phone};
use crate::session::{Method, SecondFactor, SecondMethod};
use crate::store::Tx;

/// The longest recovery code that is written into a file, in characters.
const CODE_LIMIT: usize = 40;

/// `GET /.vestibule/second-factor/setup`, with `return_to` in a session: a secret, as QR code and text.
///
/// # Errors
/// Nobody is here, or their sign-in is over; they must show something first.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.starts.pass(client, portal.store.now())?;
    let query = query.as_deref();
    let return_to = wished(query_value(query, "return_to").as_deref());
    let way = Way::parse(query_value(query, "way").as_deref()).unwrap_or_default();
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    if way.is_sms() && portal.sms.is_some() {
        return portal.sms_set_up_page(presented, &arrival, return_to.as_ref(), None).await;
    }
    if way.is_passkey() && portal.party.is_some() {
        return portal.passkey_set_up_page(presented, &arrival, return_to.as_ref(), None).await;
    }
    portal.set_up_page(presented, &arrival, return_to.as_ref(), None).await
}

/// `POST /.vestibule/second-factor/setup` with `code` and `return_to`: turns it on, and goes on with a session of both
/// factors.
///
/// # Errors
/// A post from another site; nobody is here, or their sign-in is over; they must show something first.
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
    let return_to = wished(form.get("return_to"));
    let back = return_to.clone().unwrap_or_else(account_page);
    let way = Way::parse(form.get("way")).unwrap_or_default();
    let field = if way.is_passkey() { "response" } else { "code" };
    let code = Secret::new(form.get(field).unwrap_or_default().to_owned());
    let name = form.get("name").unwrap_or_default().to_owned();
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    match portal.confirm(presented, (way, &code, &name), &arrival, &back).await? {
        Outcome::Done(opened, codes) if codes.is_empty() => Ok(opened.respond(&[])),
        Outcome::Done(opened, codes) => {
            let response = portal.codes_page("Your second factor is on.", &codes, opened.location());
            Ok(opened.mark(response))
        }
        Outcome::Wrong | Outcome::Gone if way.is_passkey() => {
            portal.passkey_set_up_page(presented, &arrival, return_to.as_ref(), Some(WRONG_PASSKEY)).await
        }
        Outcome::Wrong if way.is_sms() => {
            let problem = Some(Problem::Code(WRONG_CODE.to_owned()));
            portal.sms_set_up_page(presented, &arrival, return_to.as_ref(), problem).await
        }
        Outcome::Gone if way.is_sms() && portal.sms.is_some() => {
            let problem = Some(Problem::Number("This code is void. Please ask for another.".to_owned()));
            portal.sms_set_up_page(presented, &arrival, return_to.as_ref(), problem).await
        }
        Outcome::Wrong => {
            let problem = "This code is wrong. Please type the one that the app shows now, and look whether the phone's \
                           clock is right.";
            portal.set_up_page(presented, &arrival, return_to.as_ref(), Some(problem)).await
        }
        // Something changed since: the page says what is to be done now, with a new secret.
        Outcome::Gone => portal.set_up_page(presented, &arrival, return_to.as_ref(), None).await,
    }
}

/// `POST /.vestibule/second-factor/codes` with `codes`: the recovery codes that the page shows, as a file to keep. They are
/// not kept here, so the page sends them along.
///
/// # Errors
/// A post from another site; what was sent are no recovery codes.
pub async fn download(State(portal): State<Arc<Portal>>, headers: HeaderMap, body: Body) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let codes: Vec<&str> = form.get("codes").unwrap_or_default().split(' ').collect();
    let plain = |code: &&str| {
        (1..=CODE_LIMIT).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if codes.len() > CODES || !codes.iter().all(plain) {
        return Err(Fault::plain(FaultKind::Invalid, "These are no recovery codes.").into());
    }
    let text = format!("Recovery codes for {}, each good once:\n\n{}\n", portal.site, codes.join("\n"));
    let mut response = text.into_response();
    let fixed = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// `POST /.vestibule/second-factor/fresh`, perhaps with `return_to`: a fresh sign-in at the identity provider that made the
/// session (D24), and back there, or to the set-up.
///
/// # Errors
/// A post from another site; the session is over, or no identity provider made it.
pub async fn fresh(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = ReturnPath::parse(form.get("return_to").filter(|path| !path.is_empty()).unwrap_or(SET_UP));
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let reader = portal.store.reader();
    let presented = Presented { half: None, visitor: arrival.visitor };
    let Some(Stood::In(inside)) = portal.stood(&reader, presented).await? else { return Ok(account::sign_in_first()) };
    let connection = match inside.record.connection {
        Some(id) => organization::by_id(&reader, id).await?,
        None => None,
    };
    let Some(connection) = connection else { return Err(sign_in_again()) };
    // Into the same organization, if it is that identity provider's to say.
    let same = |at: &&Effective| [at.organization.id, at.connection().id].contains(&connection.id);
    let entered = inside.at.as_ref().filter(same).map(|at| at.organization.id);
    portal.start_fresh_sign_in(client, &headers, &connection, entered, return_to).await
}

/// Title and text where one app takes the place of another.
const NEW_APP: (&str, &str) =
    ("Change your authenticator app", "The app that you use now stays valid until the new one is confirmed below.");

/// Where somebody in a session goes afterwards, if that was said: it is said of a session alone.
pub(super) fn wished(return_to: Option<&str>) -> Option<ReturnPath> {
    return_to.filter(|path| !path.is_empty()).map(ReturnPath::parse)
}

/// Where somebody in a session goes otherwise.
fn account_page() -> ReturnPath {
    ReturnPath::parse(account::HERE)
}

/// What a first code came to.
enum Outcome {
    Done(Opened, Vec<Secret<String>>),
    Wrong,
    Gone,
}

impl Portal {
    /// One transaction: the first code is right, the app counts, and the session is one of both factors.
    async fn confirm(
        &self,
        presented: Presented,
        (way, code, name): (Way, &Secret<String>, &str),
        arrival: &Arrival,
        return_to: &ReturnPath,
    ) -> Result<Outcome, Trouble> {
        let confirm = async |tx: Tx| {
            let Some(stood) = self.stood(&tx, presented).await? else { return Ok(Outcome::Gone) };
            if stood.may_set_up(&tx).await? != MaySetUp::Yes {
                return Ok(Outcome::Gone);
            }
            let person = stood.person(self, arrival);
            let (place, code) = (stood.place(), code.expose());
            let (confirmed, method) = match way {
                Way::Sms => (phone::confirm(&tx, &person, &place, code).await?, SecondMethod::Sms),
                Way::Passkey => {
                    let made = self.party()?.confirm(&tx, &person, &place, (name, code)).await?;
                    (made, SecondMethod::Passkey)
                }
                Way::App | Way::Recovery => {
                    (factors::confirm_app(&tx, &person, &place, code).await?, SecondMethod::App)
                }
            };
            match confirmed {
                Confirmed::Wrong => return Ok(Outcome::Wrong),
                Confirmed::Gone => return Ok(Outcome::Gone),
                Confirmed::Done => {}
            }
            let left = factors::of(&tx, person.user.id).await?.recovery.left();
            let codes = if left == 0 { factors::new_recovery_codes(&tx, &person).await? } else { Vec::new() };
            let from = arrival.client.to_string();
            self.notify(&tx, person.user, &mails::second_factor_set(&self.site, method, tx.now(), &from)).await?;
            let second = SecondFactor { at: tx.now(), method };
            let opened = self.strengthen(&tx, &stood, second, (arrival, return_to)).await?;
            Ok::<_, Trouble>(Outcome::Done(opened, codes))
        };
        self.store.transaction("turn a second factor on", confirm).await
    }

    /// The page with the secret, or what comes before it.
    async fn set_up_page(
        &self,
        presented: Presented,
        arrival: &Arrival,
        return_to: Option<&ReturnPath>,
        problem: Option<&str>,
    ) -> Result<Response, Trouble> {
        let prepare = async |tx: Tx| {
            let Some(stood) = self.stood(&tx, presented).await? else { return Ok(None) };
            let may = stood.may_set_up(&tx).await?;
            let secret = match may {
                MaySetUp::Yes => Some(factors::set_up_app(&tx, &*self.rng, stood.user().id, &stood.place()).await?),
                MaySetUp::NotBeforeSecond | MaySetUp::NotBeforeFirst => None,
            };
            Ok::<_, Trouble>(Some((stood, may, secret)))
        };
        let Some((stood, may, secret)) = self.store.transaction("begin a set-up", prepare).await? else {
            return nobody(self, presented, return_to);
        };
        let Some(secret) = secret else { return Ok(self.first(&stood, may, return_to)) };
        let changes = factors::of(&self.store.reader(), stood.user().id).await?.app.is_some();
        let (title, text, later) = self.words(&stood, arrival, changes.then_some(NEW_APP)).await?;
        let email = &stood.user().email;
        let qr = secret.qr(&self.site, email);
        let page = SetUpPage {
            site: &self.site,
            title,
            text: &text,
            email: email.as_str(),
            qr: qr.as_deref(),
            secret: &secret.text(),
            others: &self.other_set_ups(Way::App, stood.returns_to(return_to)),
            return_to: stood.returns_to(return_to),
            later: later.as_deref(),
            problem,
        };
        let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        Ok(page::html(status, FormTarget::Here, &page))
    }

    /// What somebody has to show before they set anything up.
    pub(super) fn first(&self, stood: &Stood, may: MaySetUp, return_to: Option<&ReturnPath>) -> Response {
        match (stood, may) {
            (Stood::Half(..), _) => page::redirect(CHALLENGE, &[]),
            (Stood::In(_), MaySetUp::NotBeforeSecond) => {
                let back = returning(SET_UP, stood.returns_to(return_to).unwrap_or_default());
                page::redirect(&returning(CHALLENGE, &back), &[])
            }
            (Stood::In(inside), _) => {
                let back = returning(SET_UP, stood.returns_to(return_to).unwrap_or_default());
                self.sign_in_again_page(inside, &ReturnPath::parse(&back))
            }
        }
    }

    /// Title, text, and what is said of putting it off; `change`: the first two, where something takes another's place.
    pub(super) async fn words(
        &self,
        stood: &Stood,
        arrival: &Arrival,
        change: Option<(&'static str, &'static str)>,
    ) -> Result<(&'static str, String, Option<String>), Trouble> {
        let reader = self.store.reader();
        let Some(subject) = stood.subject() else {
            let plain = "With it, a stolen password alone lets nobody into your account.";
            let (title, text) = change.unwrap_or(("Set up a second factor", plain));
            return Ok((title, text.to_owned(), None));
        };
        let asking = subject.asking.map_or("Your organization", |asking| asking.organization.name.as_str());
        let text = format!("{asking} asks for a second factor beside how you signed in.");
        let later = match self.asked(&reader, subject, arrival).await? {
            Asked::OfferSetUp => Some(self.sign_ins_left(&reader, stood).await?),
            Asked::Nothing => Some("It is not asked for any more.".to_owned()),
            Asked::SetUp | Asked::Challenge => None,
        };
        Ok(("Set up a second factor", text, later))
    }

    async fn sign_ins_left(&self, reader: &Tx, stood: &Stood) -> Result<String, Trouble> {
        let Some(at) = stood.at() else { return Ok(String::new()) };
        let (id, user, granted) = (at.organization.id, stood.user().id, at.rules.grace_sign_ins);
        Ok(match two_factor::grace_left(reader, id, user, granted).await? {
            0 | 1 => "You can put it off this once: at your next sign-in it has to be set up.".to_owned(),
            left => format!("You can put it off at {left} sign-ins, this one included."),
        })
    }

    /// Recovery codes, this once.
    pub(super) fn codes_page(&self, text: &str, codes: &[Secret<String>], onward: &str) -> Response {
        let codes: Vec<&str> = codes.iter().map(|code| code.expose().as_str()).collect();
        let page = RecoveryCodesPage { site: &self.site, text, codes: &codes, onward };
        page::html(StatusCode::OK, FormTarget::Here, &page)
    }

    fn sign_in_again_page(&self, inside: &Inside, back: &ReturnPath) -> Response {
        if inside.record.method != Method::Sso || inside.record.connection.is_none() {
            return sign_in_again().into_response();
        }
        let text = "To set a second factor up, your identity provider has to ask you once more who you are: your sign-in is \
                    older than ten minutes.";
        self.fresh_page(inside, text, Some(back))
    }

    /// The page that leads to a fresh sign-in at the identity provider, and back to `return_to`, or to the set-up.
    pub(super) fn fresh_page(&self, inside: &Inside, text: &str, return_to: Option<&ReturnPath>) -> Response {
        let email = inside.user.email.as_str();
        let return_to = return_to.map(ReturnPath::as_str);
        let page = FreshPage { site: &self.site, email, text, return_to };
        page::html(StatusCode::OK, self.to_identity_provider(), &page)
    }
}

fn sign_in_again() -> Trouble {
    let public = "To set a second factor up, please sign out and sign in again first: it takes a sign-in of the last ten \
                  minutes.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "the sign-in is not fresh"));
    trouble.title = Some("Please sign in again");
    trouble.again = Some("/.vestibule/sign-out".into());
    trouble
}
