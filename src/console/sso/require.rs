//! Requiring single sign-on: first who would be locked out, then the switch (D10, D11).

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{Lockout, LockoutView, OrgSet, OrgShow, OrgView, SsoState, SsoStateView};
use crate::administration::{lockout, organization, sso_state};
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted};
use crate::kernel::{OrgId, UserId};
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/sso/require.html")]
struct RequirePage {
    shell: Shell,
    view: OrgView,
    state: SsoStateView,
    people: LockoutView,
    /// Where an owner or admin shows that it works, and comes back.
    sign_in: String,
    /// Further members are looked at there.
    next: Option<String>,
}

/// A place among the members, as an address tells it.
fn place(text: &str) -> Option<(OrgId, UserId)> {
    let (organization, user) = text.split_once('.')?;
    Some((organization.parse().ok()?, user.parse().ok()?))
}

async fn page(
    door: &Door,
    status: StatusCode,
    after: Option<(OrgId, UserId)>,
    change: impl FnOnce(&mut Shell),
) -> Result<Response, Trouble> {
    let slug = door.organization.slug.clone();
    let view = organization::show(door.admin.clone(), OrgShow { slug: slug.clone() }).await?;
    let state = sso_state::show(door.admin.clone(), SsoState { slug: slug.clone() }).await?;
    let people = lockout::look(door.admin.clone(), Lockout { slug: slug.clone(), after }).await?;
    let here = door.path("sso/require");
    let next = people.next.map(|(organization, user)| address(&here, &[("after", &format!("{organization}.{user}"))]));
    let base = door.admin.service_provider.base_url();
    let sign_in = address(&format!("{base}/.vestibule/sso/{slug}"), &[("again", "yes"), ("return_to", &here)]);
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    Ok(html(status, &RequirePage { shell, view, state, people, sign_in, next }))
}

/// `GET /.vestibule/console/o/{slug}/sso/require?after=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let after = query_value(query.as_deref(), "after").and_then(|text| place(&text));
    page(&door, StatusCode::OK, after, |_| {}).await
}

/// `POST /.vestibule/console/o/{slug}/sso/require` with `require`, `true` or `false`, and `agreed` for the former.
///
/// # Errors
/// Not theirs to change; nobody of them has shown that it works (D10).
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let require = form.get("require") == Some("true");
    if require && form.get("agreed") != Some("on") {
        let problem = "Look at who would be locked out, and say that you did.".to_owned();
        return page(&door, StatusCode::BAD_REQUEST, None, |shell| shell.problem = Some(problem)).await;
    }
    let settings = vec![("require_sso".to_owned(), require.to_string())];
    let call = OrgSet { slug: door.organization.slug.clone(), settings };
    match organization::set(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back("sso/access", if require { "required" } else { "released" })),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page(&door, status, None, |shell| shell.problem = Some(problem)).await
        }
    }
}
