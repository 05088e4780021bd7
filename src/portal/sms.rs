//! Codes by SMS at the pages of the second factor: asking for one to answer with, and for one that proves a new number.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::address::address;
use super::form::{Form, PAGE_FORM_LIMIT};
use super::local::Arrival;
use super::opening::{CHALLENGE, SET_UP};
use super::page::{self, FormTarget, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::second_factor::nobody;
use super::second_factor_pages::{PhoneView, SetUpSmsPage, Way};
use super::set_up::wished;
use super::standing::{MaySetUp, Presented, Stood};
use super::state::Portal;
use crate::kernel::{Client, Reference};
use crate::second_factor::sms::{self, Delivery, PhoneNumber, SmsFor, SmsSent, Underway};
use crate::second_factor::{Guarded, Sms, factors, pause};
use crate::store::{StoreError, Tx};

/// `POST /.vestibule/second-factor/sms`, with `return_to` in a session: sends a code to the number that counts.
///
/// # Errors
/// A post from another site; nobody is here, or their sign-in is over; there are no codes by SMS here.
pub async fn send(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let sms = portal.sms()?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = form.get("return_to").map(ReturnPath::parse);
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    let Some(stood) = portal.stood(&portal.store.reader(), presented).await? else {
        return nobody(&portal, presented, return_to.as_ref());
    };
    let way = Some(Way::Sms);
    if pause(&portal.store.reader(), stood.user().id, Guarded::Codes).await?.is_some() {
        return portal.challenge(&stood, way, return_to.as_ref(), None).await;
    }
    match sms.send(&stood.person(&portal, &arrival), &stood.place(), SmsFor::Answer).await? {
        SmsSent::Underway => {
            let back = return_to.as_ref().map(ReturnPath::as_str).unwrap_or_default();
            Ok(page::redirect(&address(CHALLENGE, &[("way", Way::Sms.name()), ("return_to", back)]), &[]))
        }
        SmsSent::Wait(long) => portal.challenge(&stood, way, return_to.as_ref(), Some(&wait(long))).await,
        SmsSent::NoPhone => portal.challenge(&stood, None, return_to.as_ref(), None).await,
    }
}

/// `POST /.vestibule/second-factor/setup/sms` with `number` and `return_to`: sends a code that proves the number.
///
/// # Errors
/// A post from another site; nobody is here, or their sign-in is over; there are no codes by SMS here.
pub async fn send_set_up(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.starts.pass(client, portal.store.now())?;
    let sms = portal.sms()?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = wished(form.get("return_to"));
    let number = form.get("number").unwrap_or_default().parse::<PhoneNumber>();
    let arrival = Arrival::new(&portal, &headers, client, reference).await?;
    let presented = portal.presented(&headers, &arrival, return_to.is_some());
    let reader = portal.store.reader();
    let Some(stood) = portal.stood(&reader, presented).await? else {
        return nobody(&portal, presented, return_to.as_ref());
    };
    let may = stood.may_set_up(&reader).await?;
    if may != MaySetUp::Yes {
        return Ok(portal.first(&stood, may, return_to.as_ref()));
    }
    let number = match number {
        Ok(number) => number,
        Err(wrong) => {
            let problem = Some(Problem::Number(wrong.to_string()));
            return portal.sms_set_up_page(presented, &arrival, return_to.as_ref(), problem).await;
        }
    };
    match sms.send(&stood.person(&portal, &arrival), &stood.place(), SmsFor::SetUp(&number)).await? {
        SmsSent::Underway | SmsSent::NoPhone => {
            let parameters =
                [("way", Way::Sms.name()), ("return_to", stood.returns_to(return_to.as_ref()).unwrap_or_default())];
            Ok(page::redirect(&address(SET_UP, &parameters), &[]))
        }
        SmsSent::Wait(long) => {
            portal.sms_set_up_page(presented, &arrival, return_to.as_ref(), Some(Problem::Number(wait(long)))).await
        }
    }
}

/// What was wrong on the set-up page, and with what.
pub enum Problem {
    /// With the number, or with sending to it.
    Number(String),
    /// With the code.
    Code(String),
}

impl Portal {
    /// What sends codes by SMS.
    ///
    /// # Errors
    /// «Not found», where `[sms]` is not set.
    pub(super) fn sms(&self) -> Result<&Arc<Sms>, Trouble> {
        self.sms.as_ref().ok_or_else(Trouble::not_found)
    }

    /// The phone as the challenge page shows it; `None`: codes can't be sent to one.
    pub(super) async fn phone_view(&self, tx: &Tx, stood: &Stood) -> Result<Option<PhoneView>, StoreError> {
        let held = factors::of(tx, stood.user().id).await?;
        let Some(phone) = held.phone.filter(|_| self.sms.is_some()) else { return Ok(None) };
        let underway = sms::underway(tx, stood.user().id, &stood.place()).await?.filter(|sent| !sent.setting_up);
        Ok(Some(PhoneView::new(phone.number.ending(), underway.as_ref())))
    }

    /// The page on which a phone is set up: the number first, then the code.
    ///
    /// # Errors
    /// Nobody is here; they must show something first; there are no codes by SMS here.
    pub(super) async fn sms_set_up_page(
        &self,
        presented: Presented,
        arrival: &Arrival,
        return_to: Option<&ReturnPath>,
        problem: Option<Problem>,
    ) -> Result<Response, Trouble> {
        self.sms()?;
        let reader = self.store.reader();
        let Some(stood) = self.stood(&reader, presented).await? else {
            return nobody(self, presented, return_to);
        };
        let may = stood.may_set_up(&reader).await?;
        if may != MaySetUp::Yes {
            return Ok(self.first(&stood, may, return_to));
        }
        let held = factors::of(&reader, stood.user().id).await?;
        let (title, text, later) = self.words(&stood, arrival, held.phone.is_some().then_some(NEW_NUMBER)).await?;
        let sent = sms::underway(&reader, stood.user().id, &stood.place()).await?.filter(|sent| sent.setting_up);
        let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        let (number_problem, code_problem) = match problem {
            Some(Problem::Number(text)) => (Some(text), None),
            Some(Problem::Code(text)) => (None, Some(text)),
            None => (None, None),
        };
        let page = SetUpSmsPage {
            site: &self.site,
            title,
            text: &text,
            email: stood.user().email.as_str(),
            phone: sent.as_ref().map(|sent| PhoneView::new(&sent.ending, Some(sent))),
            others: &self.other_set_ups(Way::Sms, stood.returns_to(return_to)),
            return_to: stood.returns_to(return_to),
            later: later.as_deref(),
            number_problem: number_problem.as_deref(),
            code_problem: code_problem.as_deref(),
        };
        Ok(page::html(status, FormTarget::Here, &page))
    }
}

/// Title and text where one number takes the place of another.
const NEW_NUMBER: (&str, &str) =
    ("Change your phone number", "The number that you use now stays valid until the new one is confirmed below.");

impl PhoneView {
    fn new(ending: &str, sent: Option<&Underway>) -> Self {
        let told = sent.map(|sent| told(sent.delivery, ending));
        PhoneView { ending: ending.to_owned(), told, failed: sent.is_some_and(|sent| has_failed(sent.delivery)) }
    }
}

const fn has_failed(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::WrongNumber | Delivery::Undelivered | Delivery::Unavailable)
}

/// How far a message is, in a sentence.
fn told(delivery: Delivery, ending: &str) -> String {
    let number = format!("the number that ends in {ending}");
    match delivery {
        Delivery::Sending => format!("The message to {number} is being sent."),
        Delivery::Delayed => {
            "The message could not be sent yet. We go on trying for a few minutes; load this page again to see how far \
             it is."
                .to_owned()
        }
        Delivery::Accepted => format!("A message was sent to {number}. The code in it is good for ten minutes."),
        Delivery::Delivered => format!("The message arrived at {number}. The code in it is good for ten minutes."),
        Delivery::WrongNumber => format!("Messages can't be sent to {number}. Please use another way."),
        Delivery::Undelivered => {
            format!(
                "The message to {number} was not delivered: the phone may be off, or without a network. Ask for another, \
                 or use another way."
            )
        }
        Delivery::Unavailable => {
            "The message could not be sent. Please try again in some minutes, or use another way.".to_owned()
        }
    }
}

/// How long one waits for the next message, in a sentence.
fn wait(long: Duration) -> String {
    let seconds = long.as_secs().max(1);
    if seconds <= sms::RESEND_AFTER.as_secs() {
        return format!("A message was sent just now. Please wait {seconds} seconds before you ask for another.");
    }
    let long = match seconds.div_ceil(60) {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes.div_ceil(60)),
    };
    format!("Too many messages were asked for. Please use another way, or try again in {long}.")
}

/// A wrong code from a message.
pub(super) const WRONG_CODE: &str = "This code is wrong, or too old. Please type the one of the last message.";
