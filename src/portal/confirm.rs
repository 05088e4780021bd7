//! «Confirm that it is you»: by whatever this person can show again, and back to where they came from.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::account;
use super::address::returning;
use super::form::query_value;
use super::opening::CHALLENGE;
use super::page::{self, Trouble};
use super::return_path::ReturnPath;
use super::standing::{Presented, Stood};
use super::state::Portal;
use crate::second_factor::factors;
use crate::session::Method;

/// `GET /.vestibule/confirm?return_to=…`: whoever has a second factor shows it; whoever came by single sign-on is asked
/// by their identity provider again; anybody else types their password once more.
///
/// # Errors
/// The session is over; «unavailable», if nobody can tell who is signed in.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    let reader = portal.store.reader();
    let presented = Presented { half: None, visitor: portal.visitor(&headers).await? };
    let Some(Stood::In(inside)) = portal.stood(&reader, presented).await? else { return Ok(account::sign_in_first()) };
    if factors::of(&reader, inside.user.id).await?.any() {
        return Ok(page::redirect(&returning(CHALLENGE, return_to.as_str()), &[]));
    }
    if inside.record.method == Method::Sso && inside.record.connection.is_some() {
        let text = "Before anything is changed, your identity provider is to ask you once more who you are.";
        return Ok(portal.fresh_page(&inside, text, Some(&return_to)));
    }
    portal.passwords_are_on()?;
    let text = Some("Before anything is changed, please sign in once more.");
    portal.password_page(StatusCode::OK, &return_to, inside.user.email.as_str(), text, false).await
}
