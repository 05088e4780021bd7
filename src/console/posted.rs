//! A form that was posted to the console: from a page of ours, by somebody who may, and, if it asks for that, with a factor
//! shown just now ([`freshness`]).

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, MatchedPath, Request};

use super::Console;
use super::door::{Door, Shut};
use super::freshness::{self, Asks, Page, Rule};
use crate::kernel::{Fault, FaultKind, TokenHash, form_limit};
use crate::web::form::Form;
use crate::web::page::{Onward, Trouble};
use crate::web::same_origin;

/// A form, and whose it is.
pub struct Posted {
    /// Who posted it.
    pub door: Door,
    /// What they typed.
    pub form: Form,
}

impl FromRequest<Arc<Console>> for Posted {
    type Rejection = Shut;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Shut> {
        let (mut parts, body) = request.into_parts();
        same_origin::check(&parts.headers, &console.origin)?;
        let mut door = Door::from_request_parts(&mut parts, console).await?;
        let form = Form::read_with_files(&parts.headers, body, form_limit(parts.uri.path())).await?;
        check_token(&form, &door.token)?;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let rule = freshness::of(freshness::form_of(route), |field| form.get(field));
        door.at = page(parts.uri.path(), rule.page).to_owned();
        if rule.asks == Asks::Factor && !door.fresh {
            return Err(stale(&door, rule).into());
        }
        Ok(Posted { door, form })
    }
}

/// Lets a form pass that carries its session's token.
///
/// # Errors
/// Another, or none.
pub fn check_token(form: &Form, token: &str) -> Result<(), Trouble> {
    // Compared as hashes, in constant time.
    let sent = form.get("token").unwrap_or_default();
    if TokenHash::of(sent.as_bytes()) == TokenHash::of(token.as_bytes()) {
        return Ok(());
    }
    let text = "This form is of another session, so nothing was done. Please open the page again.";
    Err(Fault::new(FaultKind::Forbidden, text, "a form without this session's token").into())
}

/// The address of the page on which a form stands: there they go on once they have confirmed that it is them.
fn page(form: &str, page: Page) -> &str {
    match page {
        Page::Own => form,
        Page::Above => form.rsplit_once('/').map_or(form, |(page, _)| page),
    }
}

/// Nothing was changed, since it has to be confirmed first that it is still them.
fn stale(door: &Door, rule: Rule) -> Trouble {
    let text = format!(
        "Nothing was changed. {} So it is asked again that it is you, since some time has passed. That leads back to the \
         page; what you typed there has to be typed again.",
        rule.why
    );
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, text, "no factor was shown just now"));
    trouble.title = Some("Confirm that it is you");
    (trouble.again, trouble.onward) = (Some(door.confirm().into()), Onward::Confirm);
    trouble
}
