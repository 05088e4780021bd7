//! Seen from a customer organization: what it is linked to, what holds because of that, and the way into a link.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, Posted, setting};
use crate::administration::api::{
    HeldFrom, HeldSetting, LinkJoin, LinkPreview, LinkPreviewView, LinkShow, LinkView, PREVIEW_LIMIT,
};
use crate::administration::{link, link_preview, link_show};
use crate::console::Door;
use crate::console::shell::{Shell, html, mistake};
use crate::console::words::{plain, sentence};
use crate::directory::link::{DEFAULT_WINDOW, LONGEST_WINDOW};
use crate::kernel::{Fault, FaultKind};
use crate::web::form::Form;
use crate::web::page::Trouble;

/// The seconds of a day.
const DAY: u64 = 24 * 3600;

#[derive(Template)]
#[template(path = "console/shared_below.html")]
struct BelowPage {
    shell: Shell,
    /// Name of the Admin organization, and the link.
    link: Option<(String, LinkView)>,
    settings: Vec<HeldSetting>,
    owner: bool,
    code: String,
    window: String,
    longest: u64,
}

#[derive(Template)]
#[template(path = "console/shared_preview.html")]
struct PreviewPage {
    shell: Shell,
    view: LinkPreviewView,
    code: String,
    window: u64,
    /// No link can come of it yet.
    stopped: bool,
}

async fn page(door: &Door, shell: Shell, (code, window): (String, String)) -> Result<BelowPage, Fault> {
    let state = link_show::show(door.admin.clone(), LinkShow { slug: door.organization.slug.clone() }).await?;
    let link = state.admin_name.zip(state.link);
    let longest = LONGEST_WINDOW.as_secs() / DAY;
    Ok(BelowPage { shell, link, settings: state.settings, owner: door.owns(), code, window, longest })
}

fn usual() -> (String, String) {
    (String::new(), (DEFAULT_WINDOW.as_secs() / DAY).to_string())
}

pub(super) async fn show(door: &Door, done: Option<&'static str>) -> Result<Response, Trouble> {
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(door, shell, usual()).await?))
}

/// What was typed: the code, and the window in days.
fn typed(form: &Form) -> (String, String) {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    (text("code"), text("window"))
}

fn days(typed: &str) -> Result<u64, Fault> {
    let wrong = || {
        let text = format!("The window is a number of days, at most {}.", LONGEST_WINDOW.as_secs() / DAY);
        Fault::plain(FaultKind::Invalid, text)
    };
    let days: u64 = typed.parse().map_err(|_| wrong())?;
    if Duration::from_secs(days.saturating_mul(DAY)) > LONGEST_WINDOW { Err(wrong()) } else { Ok(days) }
}

async fn again(door: &Door, fault: Fault, typed: (String, String)) -> Result<Response, Trouble> {
    let (status, problem) = mistake(fault)?;
    let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
    Ok(html(status, &page(door, shell, typed).await?))
}

/// `POST /.vestibule/console/o/{slug}/shared/preview` with `code` and `window`, in days: what the link would change.
/// Nothing is changed, and the code stays good; it is in no address.
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn preview(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let (code, window) = typed(&form);
    let call = LinkPreview { slug: door.organization.slug.clone(), code: code.clone() };
    let found = match days(&window) {
        Ok(days) => link_preview::preview(door.admin.clone(), call).await.map(|view| (view, days)),
        Err(fault) => Err(fault),
    };
    match found {
        Ok((mut view, window)) => {
            for warning in &mut view.warnings {
                *warning = sentence(warning);
            }
            for change in &mut view.domains {
                change.what = plain(&change.what);
            }
            for change in &mut view.settings {
                change.what = setting(&change.what).to_owned();
            }
            let link = link_show::show(door.admin.clone(), LinkShow { slug: door.organization.slug.clone() }).await?;
            let page = PreviewPage { shell: door.shell(PAGE), view, code, window, stopped: link.link.is_some() };
            Ok(html(StatusCode::OK, &page))
        }
        Err(fault) => again(&door, fault, (code, window)).await,
    }
}

/// `POST /.vestibule/console/o/{slug}/shared/join` with `code` and `window`, in days: links it.
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn join(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let (code, window) = typed(&form);
    let joined = match days(&window) {
        Ok(days) => {
            let slug = door.organization.slug.clone();
            let call = LinkJoin { slug, code: code.clone(), window_seconds: Some(days * DAY) };
            link::join(door.admin.clone(), call).await
        }
        Err(fault) => Err(fault),
    };
    match joined {
        Ok(_) => Ok(door.back(PAGE, "joined")),
        Err(fault) => again(&door, fault, (code, window)).await,
    }
}
