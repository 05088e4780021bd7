//! «What would happen if»: the decision about an address, and a page that it asks for, step by step.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::Door;
use super::shell::{Shell, html, mistake};
use super::words::plain;
use crate::administration::api::{Explain, ExplainView};
use crate::administration::explain;
use crate::kernel::{EmailAddress, Fault, FaultKind};
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "explain";

#[derive(Template)]
#[template(path = "console/explain.html")]
struct ExplainPage {
    shell: Shell,
    email: String,
    url: String,
    view: Option<ExplainView>,
}

/// `GET /.vestibule/console/o/{slug}/explain?email=&url=`.
///
/// # Errors
/// Not theirs to see; what was typed stands in the page again.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let text = |name: &str| query_value(query.as_deref(), name).unwrap_or_default().trim().to_owned();
    let (email, url) = (text("email"), text("url"));
    let mut page = ExplainPage { shell: door.shell(PAGE), email, url, view: None };
    if page.email.is_empty() {
        return Ok(html(StatusCode::OK, &page));
    }
    let status = match decide(&door, &page.email, &page.url).await {
        Ok(view) => {
            page.view = Some(view);
            StatusCode::OK
        }
        // Not theirs to ask: said in the page, since the next address may be.
        Err(fault) if fault.kind == FaultKind::Forbidden => {
            page.shell.problem = Some(fault.public.into_owned());
            StatusCode::FORBIDDEN
        }
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page.shell.problem = Some(problem);
            status
        }
    };
    Ok(html(status, &page))
}

async fn decide(door: &Door, email: &str, url: &str) -> Result<ExplainView, Fault> {
    let email: EmailAddress = email
        .parse()
        .map_err(|error| Fault::plain(FaultKind::Invalid, format!("This is no e-mail address: {error}")))?;
    let call = Explain { email, url: (!url.is_empty()).then(|| url.to_owned()) };
    let mut view = explain::explain(door.admin.clone(), call).await?;
    for step in &mut view.steps {
        step.found = plain(&step.found);
    }
    Ok(view)
}
