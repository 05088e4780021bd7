//! What every page of the console has around it: the names, the way to the other pages, what was just done, and the
//! question whether it is still them.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::door::Door;
use super::{
    HERE, audit, discoverability, domains, explain, freshness, general, logins, members, scim, sessions, shared, sso,
    teams, two_factor, words,
};
use crate::directory::OrgKind;
use crate::kernel::{Fault, FaultKind, Role};
use crate::web::address::returning;
use crate::web::page::{self, FormTarget, Inside, Trouble};

/// A page of an organization, as the navigation lists it: the last part of its address, and its name.
type Entry = (&'static str, &'static str);

/// The pages of a customer organization.
const PAGES: &[Entry] = &[
    ("", "Home"),
    (sso::PAGE, "Single sign-on"),
    (logins::PAGE, "Sign-in log"),
    (domains::PAGE, "Domains"),
    (shared::PAGE, "Shared SSO"),
    (members::PAGE, "Members"),
    (teams::PAGE, "Teams"),
    (sessions::PAGE, "Sessions"),
    (two_factor::PAGE, "Two-factor"),
    (scim::PAGE, "SCIM"),
    (discoverability::PAGE, "Who finds us"),
    (audit::PAGE, "Audit"),
    (explain::PAGE, "What would happen if"),
    (general::PAGE, "General"),
];

/// What the frame of a page shows.
pub struct Shell {
    /// The site's name for people.
    pub site: String,
    /// The organization's name.
    pub organization: String,
    /// Its slug.
    pub slug: String,
    /// It is an Admin organization.
    pub shared: bool,
    /// Who is signed in.
    pub who: String,
    /// It is the operator.
    pub operator: bool,
    /// The last part of this page's address.
    pub page: &'static str,
    /// The pages: last part of the address, and name.
    pub pages: Vec<Entry>,
    /// What was just done.
    pub done: Option<&'static str>,
    /// What went wrong.
    pub problem: Option<String>,
    /// Whether a factor was shown just now, without which most forms can't be sent.
    pub fresh: bool,
    /// Where they confirm that it is them.
    pub confirm: String,
    /// What proves a form.
    pub token: String,
}

impl Shell {
    /// The address of a page of this organization.
    pub fn path(&self, rest: &str) -> String {
        path(&self.slug, rest)
    }

    /// Whether a form waits until it is confirmed that it is them: `form` as the table of [`freshness`] has it.
    pub fn waits(&self, form: &str) -> bool {
        !self.fresh && freshness::of(form, |_| None).asks == freshness::Asks::Factor
    }
}

fn path(slug: &str, rest: &str) -> String {
    if rest.is_empty() { format!("{HERE}/o/{slug}") } else { format!("{HERE}/o/{slug}/{rest}") }
}

impl Door {
    /// The frame of the page whose address ends in `page`.
    pub fn shell(&self, page: &'static str) -> Shell {
        Shell {
            site: self.site.clone(),
            organization: self.organization.name.clone(),
            slug: self.organization.slug.to_string(),
            shared: self.organization.kind == OrgKind::Admin,
            who: self.who.clone(),
            operator: self.role.is_none(),
            page,
            pages: PAGES.to_vec(),
            done: None,
            problem: None,
            fresh: self.fresh,
            confirm: self.confirm(),
            token: self.token.clone(),
        }
    }

    /// Whether owners' affairs are theirs; the verbs ask anew.
    pub fn owns(&self) -> bool {
        matches!(self.role, None | Some(Role::Owner))
    }

    /// The address of a page of this organization.
    pub fn path(&self, rest: &str) -> String {
        path(self.organization.slug.as_str(), rest)
    }

    /// Where it is confirmed that it is still them, and back.
    pub fn confirm(&self) -> String {
        returning("/.vestibule/confirm", &self.at)
    }

    /// Back to a page, with a mark that says what was done; the page knows its words.
    pub fn back(&self, rest: &str, done: &str) -> Response {
        page::redirect(&format!("{}?done={done}", self.path(rest)), &[])
    }
}

/// A page of the console.
pub fn html(status: StatusCode, page: &impl Template) -> Response {
    page::html_with(status, FormTarget::Here, Inside { style: STYLE, script: Some(COPY) }, page)
}

/// The console's own stylesheet, within each page.
pub const STYLE: &str = include_str!("../../templates/console/console.css");
/// The script of pages with something to copy, within them: a button for each.
pub const COPY: &str = include_str!("../../templates/console/copy.js");

/// What a file was instead, whole: what to do with it is told by naming a program.
///
/// # Errors
/// The trouble.
pub fn wrong_file(fault: Fault) -> Result<(StatusCode, String), Trouble> {
    let told = fault.detail.clone();
    let (status, plain) = mistake(fault)?;
    Ok((status, if told.contains("openssl") { words::begun(&told) } else { plain }))
}

/// What was wrong with what was typed, in words for whoever runs the organization; what is not theirs to mend stays
/// trouble.
///
/// # Errors
/// The trouble.
pub fn mistake(fault: Fault) -> Result<(StatusCode, String), Trouble> {
    match fault.kind {
        FaultKind::Invalid | FaultKind::Conflict | FaultKind::NotFound | FaultKind::TooLarge | FaultKind::TooMany => {
            let status = StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
            Ok((status, words::sentence(&fault.detail)))
        }
        _ => Err(fault.into()),
    }
}
