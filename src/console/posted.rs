//! A form that was posted to the console: from a page of ours, by somebody who may, with a factor shown just now.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Request};

use super::Console;
use super::door::{Door, Shut};
use crate::kernel::{Fault, FaultKind, TokenHash};
use crate::web::form::Form;
use crate::web::page::Trouble;
use crate::web::same_origin;

/// The largest form, in bytes: metadata with many certificates, percent-encoded.
pub const FORM_LIMIT: usize = 3 * 1024 * 1024;

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
        let door = Door::from_request_parts(&mut parts, console).await?;
        let form = Form::read_with_files(&parts.headers, body, FORM_LIMIT).await?;
        check_token(&form, &door.token)?;
        if !door.fresh {
            return Err(stale(&door).into());
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

/// Nothing was changed, since it has to be confirmed first that it is still them.
fn stale(door: &Door) -> Trouble {
    let text = "Nothing was changed: before that it is asked again that it is you, since some time has passed.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, text, "no factor was shown just now"));
    trouble.title = Some("Confirm that it is you");
    trouble.again = Some(door.confirm().into());
    trouble
}
