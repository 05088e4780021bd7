//! Domains: which an organization claims, how each is proved, and what ends when it is given up.

mod ends;
mod one;

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

pub use ends::{ask_release, release, transfer};
pub use one::{check, one};

use super::shell::{Shell, html, mistake};
use super::words::moment;
use super::{Door, Posted};
use crate::administration::api::{DomainClaim, DomainList, DomainView, LinkShow};
use crate::administration::{domain, link_show};
use crate::directory::ClaimState;
use crate::kernel::{DomainName, Fault};
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "domains";

/// A state as a page shows it.
pub struct State {
    /// In a word.
    pub word: &'static str,
    /// The class of its mark.
    pub mark: &'static str,
    /// What it means, and what to do next.
    pub told: String,
}

/// How a claim stands, in words.
pub fn state(claim: &DomainView) -> State {
    let (word, mark) = match claim.state {
        ClaimState::Pending => ("pending", "waits"),
        ClaimState::Verified => ("verified", "good"),
        ClaimState::Lapsing => ("lapsing", "bad"),
        ClaimState::Unverified => ("unverified", "bad"),
    };
    let told = match claim.state {
        _ if claim.trusted => "On the word of whoever runs this site, without DNS: it never lapses.".to_owned(),
        ClaimState::Verified => "The record is there: people with such an address are yours.".to_owned(),
        ClaimState::Lapsing => {
            let ends = claim.lapses.as_deref().map_or_else(|| "soon".to_owned(), |ends| format!("on {}", moment(ends)));
            format!("The record is gone: put it back, or the domain is lost {ends}. Until then nothing changes.")
        }
        _ if claim.held_elsewhere => match &claim.held_by {
            Some(holder) => {
                format!("{holder} holds this domain. As long as it does, the record alone changes nothing.")
            }
            None => "Another organization holds this domain. As long as it does, the record alone changes nothing; if \
                     the domain is yours, ask whoever runs this site."
                .to_owned(),
        },
        ClaimState::Pending => "Put the record into DNS: then the domain is verified by itself.".to_owned(),
        ClaimState::Unverified => {
            "The record was gone for too long. Put it back: then the domain is verified again.".to_owned()
        }
    };
    State { word, mark, told }
}

struct Row {
    domain: String,
    trusted: bool,
    state: State,
}

#[derive(Template)]
#[template(path = "console/domains.html")]
struct DomainsPage {
    shell: Shell,
    rows: Vec<Row>,
    /// The Admin organization that it is linked to.
    above: Option<String>,
    /// What the form holds.
    typed: String,
    trusted: bool,
}

/// The organization's claims, those too that rest, and the Admin organization that it is linked to.
async fn page(door: &Door, shell: Shell, (typed, trusted): (String, bool)) -> Result<DomainsPage, Fault> {
    let slug = || door.organization.slug.clone();
    let found = domain::list(door.admin.clone(), DomainList { slug: Some(slug()), all: true }).await?;
    let above = link_show::show(door.admin.clone(), LinkShow { slug: slug() }).await?.admin_name;
    let row =
        |claim: DomainView| Row { state: state(&claim), trusted: claim.trusted, domain: claim.domain.to_string() };
    Ok(DomainsPage { shell, rows: found.into_iter().map(row).collect(), above, typed, trusted })
}

/// `GET /.vestibule/console/o/{slug}/domains`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("released") => Some("The domain was given up."),
        Some("transferred") => Some("The domain was handed over to the Admin organization."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(&door, shell, (String::new(), false)).await?))
}

/// `POST /.vestibule/console/o/{slug}/domains` with `domain`, and `trusted=on` from the operator: claims it.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn claim(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let typed = form.get("domain").unwrap_or_default().trim().to_owned();
    let trusted = form.get("trusted") == Some("on");
    let claimed = match typed.parse::<DomainName>() {
        Ok(domain) => {
            let call = DomainClaim { slug: door.organization.slug.clone(), domain, trusted };
            domain::claim(door.admin.clone(), call).await
        }
        Err(error) => Err(Fault::plain(crate::kernel::FaultKind::Invalid, format!("This is no domain: {error}"))),
    };
    match claimed {
        Ok(claim) => Ok(door.back(&format!("{PAGE}/{}", claim.domain), "claimed")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            Ok(html(status, &page(&door, shell, (typed, trusted)).await?))
        }
    }
}
