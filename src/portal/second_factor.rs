//! The question for the second factor: between the two factors of a sign-in, or in a session that is to do something
//! which wants a fresh one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::address::{address, returning};
use super::attempt::count;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::Arrival;
use super::mails;
use super::opening::{CHALLENGE, Opened, SET_UP};
use super::page::{self, FormTarget, Trouble};
use super::passkeys::{SCRIPT, WRONG_PASSKEY};
use super::return_path::ReturnPath;
use super::same_origin;
use super::second_factor_pages::{ChallengePage, Way};
use super::sms::WRONG_CODE;
use super::standing::{Presented, Stood, method_of};
use super::state::Portal;
use crate::directory::two_factor::{self, Asked};
use crate::directory::{AuditEntry, LoginOutcome, audit};
use crate::kernel::{Client, Fault, FaultKind, Reference, Secret};
use crate::second_factor::{
    Answer, Factors, Guarded, RelyingParty, Reserved, Ticket, Verdict, answer as look_at, factors, pause, reserve,
    trusted,
};
use crate::session::SecondFactor;
use crate::store::Tx;

/// The reason code in logs and metrics.
const WRONG: &str = "wrong_second_factor";
/// What to do about it, for the admin.
const FIX: &str = "Nothing, if it was a slip. A lost phone and no recovery code: reset their second factor in the console, on their page \
     under Members.";

/// `GET /.vestibule/second-factor`: asks, with `way=recovery` for a recovery code; with `return_to` in a session.
///
/// # Errors
/// Nobody is here, or their sign-in is over.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.starts.pass(client, portal.store.now())?;
    let query = query.as_deref();
    let way = Way::parse(query_value(query, "way").as_deref());
    let return_to = query_value(query, "return_to").map(|path| ReturnPath::parse(&path));
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    let Some(stood) = portal.stood(&portal.store.reader(), presented).await? else {
        return nobody(&portal, presented, return_to.as_ref());
    };
    portal.challenge(&stood, way, return_to.as_ref(), None).await
}

/// `POST /.vestibule/second-factor` with `code` and `way`, perhaps `trust`; with `return_to` in a session.
///
/// # Errors
/// A post from another site; nobody is here, or their sign-in is over.
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
    let return_to = form.get("return_to").map(ReturnPath::parse);
    let way = Way::parse(form.get("way")).unwrap_or_default();
    let field = if way.is_passkey() { "response" } else { "code" };
    let code = Secret::new(form.get(field).unwrap_or_default().to_owned());
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    let Some(stood) = portal.stood(&portal.store.reader(), presented).await? else {
        return nobody(&portal, presented, return_to.as_ref());
    };
    let typed = Typed { way, code, trust: form.get("trust").is_some(), return_to };
    let ticket = match reserve(&portal.store, &stood.person(&portal, &arrival), guarded(way)).await? {
        Reserved::Look(ticket) => ticket,
        Reserved::Wait(long) => {
            count("refused", "second_factor_pause");
            return portal.challenge(&stood, Some(way), typed.return_to.as_ref(), Some(&wait(long))).await;
        }
    };
    match portal.look(presented, &typed, &ticket, &arrival).await? {
        Outcome::In(opened) => {
            count("accepted", "second_factor");
            tracing::info!(reference = %arrival.reference, user = %stood.user().id, "a right second factor");
            Ok(opened.respond(&[]))
        }
        Outcome::Wrong => {
            count("refused", WRONG);
            tracing::info!(reference = %arrival.reference, user = %stood.user().id, "a wrong second factor");
            let problem = match way {
                Way::App => "This code is wrong, or was used already. Please type the one that the app shows now.",
                Way::Sms => WRONG_CODE,
                Way::Passkey => WRONG_PASSKEY,
                Way::Recovery => "This is none of your recovery codes, or it was used already.",
            };
            portal.challenge(&stood, Some(way), typed.return_to.as_ref(), Some(problem)).await
        }
        Outcome::Over => nobody(&portal, presented, typed.return_to.as_ref()),
    }
}

/// `POST /.vestibule/second-factor/later`: goes on without, where that is left to the person.
///
/// # Errors
/// A post from another site; the sign-in is over; the organization wants one now.
pub async fn later(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    _: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, false);
    let go_on = async |tx: Tx| {
        let Some(Stood::Half(id, standing)) = portal.stood(&tx, presented).await? else { return Ok(None) };
        let stood = Stood::Half(id, standing);
        let Some(subject) = stood.subject() else { return Ok(None) };
        match portal.asked(&tx, subject, &arrival).await? {
            Asked::Nothing => {}
            Asked::OfferSetUp => {
                let asking = subject.asking.map(|asking| asking.organization.id);
                if let Some(organization) = asking {
                    two_factor::use_grace(&tx, organization, subject.user.id).await?;
                }
            }
            Asked::Challenge | Asked::SetUp => return Err(wanted_now()),
        }
        let Stood::Half(id, standing) = &stood else { return Ok(None) };
        let half = &standing.half;
        Ok(Some(portal.complete(&tx, (*id, half), &half.new, (&arrival, "none yet: put off")).await?))
    };
    match portal.store.transaction("sign in without a second factor", go_on).await? {
        Some(opened) => {
            count("accepted", "second_factor_put_off");
            Ok(opened.respond(&[]))
        }
        None => nobody(&portal, presented, None),
    }
}

/// What was typed.
struct Typed {
    way: Way,
    code: Secret<String>,
    trust: bool,
    return_to: Option<ReturnPath>,
}

impl Typed {
    fn answer<'a>(&'a self, place: &'a str, party: Option<&'a RelyingParty>) -> Answer<'a> {
        let said = self.code.expose();
        match (self.way, party) {
            (Way::Passkey, Some(party)) => Answer::Passkey { place, response: said, party },
            // Without a name there are no passkeys: it is no code either.
            (Way::App | Way::Passkey, _) => Answer::App(said),
            (Way::Sms, _) => Answer::Sms { place, code: said },
            (Way::Recovery, _) => Answer::Recovery(said),
        }
    }
}

/// What an answer came to.
enum Outcome {
    In(Opened),
    Wrong,
    Over,
}

impl Portal {
    /// One transaction: the answer is looked at and used up, and the session made, or nothing of it.
    async fn look(
        &self,
        presented: Presented,
        typed: &Typed,
        ticket: &Ticket,
        arrival: &Arrival,
    ) -> Result<Outcome, Trouble> {
        let look = async |tx: Tx| {
            let Some(stood) = self.stood(&tx, presented).await? else { return Ok(Outcome::Over) };
            let person = stood.person(self, arrival);
            let right = match look_at(&tx, &person, ticket, typed.answer(&stood.place(), self.party.as_ref())).await? {
                Verdict::Right(right) => right,
                Verdict::Wrong => {
                    self.write_down_wrong(&tx, &stood, arrival).await?;
                    return Ok(Outcome::Wrong);
                }
            };
            if typed.way.is_recovery() {
                let from = arrival.client.to_string();
                let mail = mails::recovery_code_used(&self.site, right.recovery_left, tx.now(), &from);
                self.notify(&tx, person.user, &mail).await?;
            }
            let second = SecondFactor { at: tx.now(), method: method_of(right.method) };
            let front = ReturnPath::start();
            let way = (arrival, typed.return_to.as_ref().unwrap_or(&front));
            let mut opened = self.strengthen(&tx, &stood, second, way).await?;
            // A recovery code says that the factor is not at hand: no reason to be asked for it less.
            if let (true, Some(days)) = (typed.trust && !typed.way.is_recovery(), stood.trust_days()) {
                let long = two_factor::days(days);
                let name = arrival.agent.as_deref().map(super::browser_name::browser_name).unwrap_or_default();
                let token = trusted::trust(&tx, &*self.rng, person.user.id, long, &name).await?;
                let entry = AuditEntry::new(&tx, person.user.email.as_str(), "second_factor.trust", "browser");
                let entry = entry.changed("", format!("for {days} days")).from(arrival.client);
                audit::append(&tx, &*self.rng, person.organization, &entry)?;
                opened = opened.with(&self.trust_cookie(&token, long));
            }
            if typed.way == Way::Recovery && right.recovery_left == 0 {
                // The last one: a method is set up in this very sign-in (D24).
                opened = opened.by_way_of(SET_UP);
            }
            Ok(Outcome::In(opened))
        };
        self.store.transaction("answer to the second factor", look).await
    }

    /// A wrong answer, in the sign-in log of where the person was going.
    async fn write_down_wrong(&self, tx: &Tx, stood: &Stood, arrival: &Arrival) -> Result<(), Trouble> {
        let Stood::Half(_, standing) = stood else { return Ok(()) };
        let outcome = LoginOutcome::Refused { code: WRONG.to_owned(), fix: FIX.to_owned() };
        let story = standing.half.story.ended(tx, &*self.rng, arrival.further(), outcome, "a wrong one");
        Ok(story.log(tx).await?)
    }

    /// The ways in which somebody can answer, the usual one first.
    fn ways(&self, held: &Factors) -> Vec<Way> {
        let mut ways = Vec::new();
        ways.extend((!held.passkeys.is_empty() && self.party.is_some()).then_some(Way::Passkey));
        ways.extend(held.app.is_some().then_some(Way::App));
        ways.extend((held.phone.is_some() && self.sms.is_some()).then_some(Way::Sms));
        ways.extend((held.recovery.left() > 0).then_some(Way::Recovery));
        ways
    }

    /// The page that asks; on to the set-up, if there is nothing to ask for.
    pub(super) async fn challenge(
        &self,
        stood: &Stood,
        way: Option<Way>,
        return_to: Option<&ReturnPath>,
        problem: Option<&str>,
    ) -> Result<Response, Trouble> {
        let reader = self.store.reader();
        let user = stood.user();
        let held = factors::of(&reader, user.id).await?;
        let back = return_to.map(ReturnPath::as_str);
        if let (false, Stood::In(inside), Some(back)) = (held.any(), stood, return_to)
            && inside.is_proved_elsewhere()
        {
            let text =
                "This asks for a fresh second factor. Yours is at your identity provider, which asks you once more.";
            return Ok(self.fresh_page(inside, text, Some(back)));
        }
        if !held.any() {
            return Ok(page::redirect(&returning(SET_UP, back.unwrap_or_default()), &[]));
        }
        let ways = self.ways(&held);
        let way = way.filter(|way| ways.contains(way)).or_else(|| ways.first().copied()).unwrap_or_default();
        let paused = pause(&reader, user.id, guarded(way)).await?.map(wait);
        let status = match (&paused, problem) {
            (Some(_), _) => StatusCode::TOO_MANY_REQUESTS,
            (None, Some(_)) => StatusCode::FORBIDDEN,
            (None, None) => StatusCode::OK,
        };
        let text = match (stood, stood.at()) {
            (Stood::In(_), _) => "This asks for a fresh second factor.".to_owned(),
            (Stood::Half(..), Some(at)) => format!("One more step to {}.", at.organization.name),
            (Stood::Half(..), None) => "One more step.".to_owned(),
        };
        let there = |way: Way| {
            let parameters = [("way", way.name()), ("return_to", back.unwrap_or_default())];
            (address(CHALLENGE, &parameters), way.link())
        };
        let others: Vec<_> = ways.into_iter().filter(|other| *other != way).map(there).collect();
        let options = if way.is_passkey() { self.passkey_options(stood).await? } else { None };
        let page = ChallengePage {
            site: &self.site,
            title: "Is it you?",
            text: &text,
            email: user.email.as_str(),
            way,
            phone: if way.is_sms() { self.phone_view(&reader, stood).await? } else { None },
            passkey: options.as_deref(),
            others: &others,
            return_to: back,
            trust_days: stood.trust_days().filter(|_| !way.is_recovery()),
            problem: paused.as_deref().or(problem),
        };
        if way.is_passkey() {
            return Ok(page::html_with_script(status, &format!("{}{SCRIPT}", self.origin), &page));
        }
        Ok(page::html(status, FormTarget::Here, &page))
    }
}

/// What pauses when answers of that way are wrong.
const fn guarded(way: Way) -> Guarded {
    match way {
        Way::App | Way::Sms => Guarded::Codes,
        Way::Passkey => Guarded::Passkeys,
        Way::Recovery => Guarded::Recovery,
    }
}

/// How long to wait, in a sentence.
fn wait(long: Duration) -> String {
    let minutes = long.as_secs().div_ceil(60).max(1);
    let long = if minutes == 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
    format!("There were too many wrong codes. Please wait {long}, and then try again.")
}

/// Nobody is here: the sign-in is over, or it never was.
pub(super) fn nobody(
    portal: &Portal,
    presented: Presented,
    return_to: Option<&ReturnPath>,
) -> Result<Response, Trouble> {
    if presented.half.is_none() {
        let back = return_to.map(ReturnPath::as_str).unwrap_or_default();
        return Ok(page::redirect(&returning("/.vestibule/sign-in", back), &[]));
    }
    let public =
        "This sign-in is over: the second factor took too long, or something changed since. Please start again.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Unauthenticated, public, "a half session that is over"));
    trouble.title = Some("This sign-in is over");
    trouble.again = Some("/.vestibule/sign-in".into());
    trouble.cookie = Some(portal.without_half().into());
    Err(trouble)
}

fn wanted_now() -> Trouble {
    let public = "Your organization asks for a second factor now. Please set one up to go on.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "no sign-in without a factor is left"));
    trouble.again = Some(SET_UP.into());
    trouble
}
