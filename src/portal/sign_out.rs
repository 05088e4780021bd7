//! Sign-out: a question, so that no link and no image of another site ends a session, and then the end of this one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::page::{self, FormTarget, NoticePage, SignOutPage, Trouble};
use super::same_origin;
use super::state::Portal;
use crate::directory::user;
use crate::kernel::Client;

/// `GET /.vestibule/sign-out`: the question, or that nobody is signed in.
///
/// # Errors
/// The store's.
pub async fn ask(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Trouble> {
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(signed_out(&portal)) };
    let Some(user) = user::by_id(&portal.store.reader(), visitor.user).await? else { return Ok(signed_out(&portal)) };
    let page = SignOutPage { site: &portal.site, email: user.email.as_str() };
    Ok(page::html(StatusCode::OK, FormTarget::Here, &page))
}

/// `POST /.vestibule/sign-out`: ends the session, here at once and everywhere within a second, and takes its cookie back;
/// what is between the two factors in this browser ends, too.
///
/// # Errors
/// A post from another site; the store's.
pub async fn answer(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    _: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    if let Some(visitor) = portal.visitor(&headers).await? {
        portal.end_sessions(visitor, &[visitor.session], client).await?;
        tracing::info!(session = %visitor.session, "signed out");
    }
    portal.end_half(&headers).await?;
    Ok(portal.without_session(page::redirect("/.vestibule/sign-out", &[portal.without_half()])))
}

/// `POST /.vestibule/sign-out/half`: ends what is between the two factors alone, and goes on to the sign-in of somebody else.
///
/// # Errors
/// A post from another site; the store's.
pub async fn other_person(State(portal): State<Arc<Portal>>, headers: HeaderMap, _: Body) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.end_half(&headers).await?;
    Ok(page::redirect("/.vestibule/sign-in", &[portal.without_half()]))
}

fn signed_out(portal: &Portal) -> Response {
    let page = NoticePage {
        site: &portal.site,
        title: "You are signed out",
        text: "You are not signed in here. At your organization's sign-in service you may still be signed in.",
        reference: None,
        link: Some(("/.vestibule/sign-in", "Sign in")),
    };
    page::html(StatusCode::OK, FormTarget::None, &page)
}
