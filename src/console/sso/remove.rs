//! Removing single sign-on: first who signs in by it today, and what they would do instead.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{SsoRemoval, SsoRemovalView, SsoRemove};
use crate::administration::sso_removal;
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted};
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/sso/remove.html")]
struct RemovePage {
    shell: Shell,
    view: SsoRemovalView,
}

async fn page(door: &Door, status: StatusCode, change: impl FnOnce(&mut Shell)) -> Result<Response, Trouble> {
    let call = SsoRemoval { slug: door.organization.slug.clone() };
    let view = sso_removal::look(door.admin.clone(), call).await?;
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    Ok(html(status, &RemovePage { shell, view }))
}

/// `GET /.vestibule/console/o/{slug}/sso/remove`.
///
/// # Errors
/// Not theirs to see.
pub async fn ask(door: Door) -> Result<Response, Trouble> {
    page(&door, StatusCode::OK, |_| {}).await
}

/// `POST /.vestibule/console/o/{slug}/sso/remove` with `agreed`.
///
/// # Errors
/// Not theirs to change; somebody relies on it.
pub async fn remove(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    if form.get("agreed") != Some("on") {
        let problem = "Look at who signs in by it, and say that you did.".to_owned();
        return page(&door, StatusCode::BAD_REQUEST, |shell| shell.problem = Some(problem)).await;
    }
    let call = SsoRemove { slug: door.organization.slug.clone() };
    match sso_removal::remove(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(PAGE, "removed")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page(&door, status, |shell| shell.problem = Some(problem)).await
        }
    }
}
