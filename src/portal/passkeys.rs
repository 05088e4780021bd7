//! Passkeys at the pages of the second factor, and the one script that they need.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use super::address::address;
use super::local::Arrival;
use super::opening::SET_UP;
use super::page::{self, Trouble};
use super::return_path::ReturnPath;
use super::second_factor::nobody;
use super::second_factor_pages::{SetUpPasskeyPage, Way};
use super::standing::{MaySetUp, Presented, Stood};
use super::state::Portal;
use crate::second_factor::RelyingParty;
use crate::store::Tx;

/// Where the script is.
pub const SCRIPT: &str = "/.vestibule/passkeys.js";
/// Title and text where there are passkeys already.
const ANOTHER: (&str, &str) = ("Add a passkey", "Those that you have stay.");
/// A passkey that was not taken.
pub const WRONG_PASSKEY: &str = "This passkey was not taken. Please try again, or use another way.";

/// `GET /.vestibule/passkeys.js`
pub async fn script() -> Response {
    let mut response = include_str!("../../templates/passkeys.js").into_response();
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl Portal {
    /// What asks for passkeys.
    ///
    /// # Errors
    /// «Not found», where this site has no name.
    pub(super) fn party(&self) -> Result<&RelyingParty, Trouble> {
        self.party.as_ref().ok_or_else(Trouble::not_found)
    }

    /// What the challenge page asks the browser for; `None`: there are no passkeys.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn passkey_options(&self, stood: &Stood) -> Result<Option<String>, Trouble> {
        let Some(party) = &self.party else { return Ok(None) };
        let (user, place) = (stood.user().id, stood.place());
        let ask = async |tx: Tx| Ok::<_, Trouble>(party.ask_for_answer(&tx, user, &place).await?);
        self.store.transaction("ask for a passkey", ask).await
    }

    /// The page on which a passkey is made.
    ///
    /// # Errors
    /// Nobody is here; they must show something first; there are no passkeys here.
    pub(super) async fn passkey_set_up_page(
        &self,
        presented: Presented,
        arrival: &Arrival,
        return_to: Option<&ReturnPath>,
        problem: Option<&str>,
    ) -> Result<Response, Trouble> {
        let party = self.party()?;
        let prepare = async |tx: Tx| {
            let Some(stood) = self.stood(&tx, presented).await? else { return Ok(None) };
            let may = stood.may_set_up(&tx).await?;
            let options = match may {
                MaySetUp::Yes => party.ask_for_new(&tx, stood.user(), &stood.place()).await?,
                MaySetUp::NotBeforeSecond | MaySetUp::NotBeforeFirst => None,
            };
            Ok::<_, Trouble>(Some((stood, may, options)))
        };
        let Some((stood, may, options)) = self.store.transaction("begin a passkey", prepare).await? else {
            return nobody(self, presented, return_to);
        };
        if may != MaySetUp::Yes {
            return Ok(self.first(&stood, may, return_to));
        }
        let held = crate::second_factor::factors::of(&self.store.reader(), stood.user().id).await?;
        let (title, text, later) = self.words(&stood, arrival, (!held.passkeys.is_empty()).then_some(ANOTHER)).await?;
        let page = SetUpPasskeyPage {
            site: &self.site,
            title,
            text: &text,
            email: stood.user().email.as_str(),
            options: options.as_deref(),
            others: &self.other_set_ups(Way::Passkey, stood.returns_to(return_to)),
            return_to: stood.returns_to(return_to),
            later: later.as_deref(),
            problem,
        };
        let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        Ok(page::html_with_script(status, &format!("{}{SCRIPT}", self.origin), &page))
    }

    /// The pages for what else can be set up here: address and text.
    pub(super) fn other_set_ups(&self, way: Way, return_to: Option<&str>) -> Vec<(String, &'static str)> {
        let mut ways = Vec::new();
        ways.extend(
            self.party.is_some().then_some((Way::Passkey, "Use a passkey instead: the safest way, without codes")),
        );
        ways.push((Way::App, "Use an authenticator app instead"));
        ways.extend(self.sms.is_some().then_some((Way::Sms, "Get codes by text message instead")));
        let there = |way: Way| address(SET_UP, &[("way", way.name()), ("return_to", return_to.unwrap_or_default())]);
        ways.into_iter().filter(|(other, _)| *other != way).map(|(other, text)| (there(other), text)).collect()
    }
}
