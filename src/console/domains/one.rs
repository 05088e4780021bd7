//! One domain: the record that proves it, what DNS said of it, and a look at once.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, State, state};
use crate::administration::api::{DomainList, DomainVerify, DomainView, LinkShow};
use crate::administration::{domain, link_show};
use crate::console::shell::{Shell, html, mistake};
use crate::console::words::moment;
use crate::console::{Door, Posted};
use crate::directory::Observation;
use crate::kernel::DomainName;
use crate::web::form::query_value;
use crate::web::page::Trouble;

struct Answer {
    server: String,
    mark: &'static str,
    word: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "console/domain.html")]
struct DomainPage {
    shell: Shell,
    claim: DomainView,
    state: State,
    answers: Vec<Answer>,
    /// What is known of it, with when.
    times: Vec<(&'static str, String)>,
    /// The Admin organization that it is linked to: name and slug.
    above: Option<(String, String)>,
    /// Its owners' affairs are theirs.
    owner: bool,
}

fn answer(given: &crate::administration::api::AnswerView) -> Answer {
    let (mark, word) = match given.observation {
        Observation::Found => ("good", "found"),
        Observation::Gone => ("bad", "not there"),
        Observation::Failed => ("waits", "no answer"),
    };
    Answer { server: given.server.clone(), mark, word, detail: given.detail.clone() }
}

/// The claim of the organization, by the domain as its address has it.
///
/// # Errors
/// Not theirs to see; none.
pub async fn find(door: &Door, domain: &str) -> Result<DomainView, Trouble> {
    let wanted: DomainName = domain.parse().map_err(|_| Trouble::not_found())?;
    let call = DomainList { slug: Some(door.organization.slug.clone()), all: true };
    let found = domain::list(door.admin.clone(), call).await?;
    found.into_iter().find(|claim| claim.domain == wanted).ok_or_else(Trouble::not_found)
}

async fn page(door: &Door, shell: Shell, claim: DomainView) -> Result<DomainPage, Trouble> {
    let link = link_show::show(door.admin.clone(), LinkShow { slug: door.organization.slug.clone() }).await?;
    let told = |time: &Option<String>| time.as_deref().map(moment);
    let never = |time: &Option<String>| Some(told(time).unwrap_or_else(|| "not yet".to_owned()));
    let by_dns = claim.record.is_some();
    let times = [
        ("Claimed", Some(moment(&claim.claimed))),
        ("Verified since", told(&claim.verified)),
        ("Record last seen", by_dns.then(|| never(&claim.seen)).flatten()),
        ("DNS last asked", by_dns.then(|| never(&claim.checked)).flatten()),
        (
            "Next look",
            by_dns.then(|| Some(told(&claim.next_check).unwrap_or_else(|| "not by itself".to_owned()))).flatten(),
        ),
        ("DNS has given no answer since", told(&claim.failing)),
        ("Record gone since", told(&claim.lapsing)),
        ("The domain is lost, if it stays away", told(&claim.lapses)),
    ];
    let above = link.admin_name.zip(link.link).map(|(name, link)| (name, link.admin.to_string()));
    Ok(DomainPage {
        state: state(&claim),
        answers: claim.answers.iter().map(answer).collect(),
        times: times.into_iter().filter_map(|(name, time)| time.map(|time| (name, time))).collect(),
        above: above.filter(|_| claim.state.holds()),
        owner: door.owns(),
        claim,
        shell,
    })
}

/// `GET /.vestibule/console/o/{slug}/domains/{domain}`.
///
/// # Errors
/// Not theirs to see; no such claim.
pub async fn one(
    door: Door,
    Path((_, domain)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let claim = find(&door, &domain).await?;
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("claimed") if claim.state.holds() => Some("The domain is claimed, and verified."),
        Some("claimed") => Some("The domain is claimed. Put the record below into its DNS next."),
        Some("checked") => Some("DNS was asked just now; what it said is below."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(&door, shell, claim).await?))
}

/// `POST /.vestibule/console/o/{slug}/domains/{domain}/check`: asks DNS at once.
///
/// # Errors
/// Not theirs to change; no such claim.
pub async fn check(
    Path((_, domain)): Path<(String, String)>,
    Posted { door, .. }: Posted,
) -> Result<Response, Trouble> {
    let claim = find(&door, &domain).await?;
    let call = DomainVerify { slug: door.organization.slug.clone(), domain: claim.domain.clone() };
    match domain::verify(door.admin.clone(), call).await {
        Ok(checked) => Ok(door.back(&format!("{PAGE}/{}", checked.claim.domain), "checked")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            Ok(html(status, &page(&door, shell, claim).await?))
        }
    }
}
