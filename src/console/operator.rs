//! The operator's way in and out: the link that `vestibule console` prints, used up by a button, and its cookie.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::{Console, HERE};
use crate::directory::AuditEntry;
use crate::directory::audit::{self, OPERATOR};
use crate::kernel::{Client, Fault, FaultKind};
use crate::session::operator;
use crate::store::Tx;
use crate::web::cookie::cookie_of;
use crate::web::form::{Form, PAGE_FORM_LIMIT, query_value};
use crate::web::page::{self, FormTarget, Trouble};
use crate::web::same_origin;

/// The button: whoever only looks at links does not use them up.
#[derive(Template)]
#[template(path = "console/enter.html")]
struct EnterPage<'a> {
    site: &'a str,
    link: &'a str,
}

/// The operator's token that a browser presents.
pub fn cookie(console: &Console, headers: &HeaderMap) -> Option<String> {
    cookie_of(headers, name(console))
}

const fn name(console: &Console) -> &'static str {
    operator::cookie_name(console.secure)
}

/// Of this site's own pages alone: no other site's link opens anything.
fn set_cookie(console: &Console, value: &str, seconds: u64) -> String {
    let secure = if console.secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", name(console))
}

/// `GET /.vestibule/console/enter?link=…`: the button.
pub async fn ask(State(console): State<Arc<Console>>, RawQuery(query): RawQuery) -> Response {
    let link = query_value(query.as_deref(), "link").unwrap_or_default();
    page::html(StatusCode::OK, FormTarget::Here, &EnterPage { site: &console.site, link: &link })
}

/// `POST /.vestibule/console/enter` with `link`: begins the operator's session.
///
/// # Errors
/// A post from another site; a link that is void.
pub async fn enter(
    State(console): State<Arc<Console>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &console.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let (link, admin) = (form.get("link").unwrap_or_default(), &console.administration);
    let begin = async |tx: Tx| {
        let begun = operator::enter(&tx, &*admin.rng, link, client).await?;
        if begun.is_some() {
            let entry = AuditEntry::new(&tx, "operator", "console.enter", "console").from(client);
            audit::append(&tx, &*admin.rng, OPERATOR, &entry)?;
        }
        Ok::<_, Trouble>(begun)
    };
    let Some(token) = admin.store.transaction("console enter", begin).await? else {
        let text = "This link was used already, or its ten minutes are over. `vestibule console` prints another.";
        return Err(Fault::new(FaultKind::Forbidden, text, "an operator's link that is void").into());
    };
    tracing::info!(%client, "the operator signed in to the console");
    Ok(page::redirect(HERE, &[set_cookie(&console, &token, operator::SESSION_FOR.as_secs())]))
}

/// `POST /.vestibule/console/leave`: ends the operator's session.
///
/// # Errors
/// A post from another site; the store's.
pub async fn leave(State(console): State<Arc<Console>>, headers: HeaderMap) -> Result<Response, Trouble> {
    same_origin::check(&headers, &console.origin)?;
    if let Some(token) = cookie(&console, &headers) {
        let end = async |tx: Tx| {
            operator::end(&tx, &token);
            Ok::<_, Trouble>(())
        };
        console.administration.store.transaction("console leave", end).await?;
    }
    Ok(page::redirect("/", &[set_cookie(&console, "", 0)]))
}
