//! Options of a connection that no metadata brings: what is signed, what is taken, and which attributes carry what.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{SsoOptions, SsoSet, SsoShow, SsoSource};
use crate::administration::sso;
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted};
use crate::directory::{AttributeMapping, SsoSettings};
use crate::kernel::{Fault, FaultKind};
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The page's address, behind the organization's.
const HERE: &str = "sso/options";

/// What the form's fields hold.
struct Typed {
    sign_requests: bool,
    require_encryption: bool,
    allow_sha1: bool,
    skew_seconds: String,
    email: String,
    first_name: String,
    last_name: String,
}

#[derive(Template)]
#[template(path = "console/sso/options.html")]
struct OptionsPage {
    shell: Shell,
    typed: Option<Typed>,
    longest_skew: u16,
}

fn page(door: &Door, status: StatusCode, change: impl FnOnce(&mut Shell), typed: Option<Typed>) -> Response {
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    html(status, &OptionsPage { shell, typed, longest_skew: SsoSettings::MAX_SKEW_SECONDS })
}

/// `GET /.vestibule/console/o/{slug}/sso/options`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let view = sso::show(door.admin.clone(), SsoShow { slug: door.organization.slug.clone() }).await?;
    let typed = view.idp.map(|idp| Typed {
        sign_requests: idp.sign_requests,
        require_encryption: idp.require_encryption,
        allow_sha1: idp.allow_sha1,
        skew_seconds: idp.skew_seconds.to_string(),
        email: idp.attributes.email.unwrap_or_default(),
        first_name: idp.attributes.first_name.unwrap_or_default(),
        last_name: idp.attributes.last_name.unwrap_or_default(),
    });
    let done = query_value(query.as_deref(), "done").filter(|done| done == "saved").map(|_| "Saved.");
    Ok(page(&door, StatusCode::OK, |shell| shell.done = done, typed))
}

/// `POST /.vestibule/console/o/{slug}/sso/options` with `sign_requests`, `require_encryption`, `allow_sha1` (`on` or
/// absent), `skew_seconds`, and `email`, `first_name`, `last_name`, names of attributes; empty: the usual ones.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let on = |name: &str| form.get(name) == Some("on");
    let typed = Typed {
        sign_requests: on("sign_requests"),
        require_encryption: on("require_encryption"),
        allow_sha1: on("allow_sha1"),
        skew_seconds: text("skew_seconds"),
        email: text("email"),
        first_name: text("first_name"),
        last_name: text("last_name"),
    };
    let answer = match options(&typed) {
        Ok(options) => {
            let call = SsoSet { slug: door.organization.slug.clone(), source: SsoSource::Kept, options };
            sso::set(door.admin.clone(), call).await
        }
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(_) => Ok(door.back(HERE, "saved")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            Ok(page(&door, status, |shell| shell.problem = Some(problem), Some(typed)))
        }
    }
}

fn options(typed: &Typed) -> Result<SsoOptions, Fault> {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let wanted = || Fault::plain(FaultKind::Invalid, "the clock skew is a number of seconds");
    Ok(SsoOptions {
        sign_requests: Some(typed.sign_requests),
        require_encryption: Some(typed.require_encryption),
        allow_sha1: Some(typed.allow_sha1),
        skew_seconds: Some(typed.skew_seconds.parse().map_err(|_| wanted())?),
        attributes: Some(AttributeMapping {
            email: named(&typed.email),
            first_name: named(&typed.first_name),
            last_name: named(&typed.last_name),
        }),
        ..SsoOptions::default()
    })
}
