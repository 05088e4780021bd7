//! Audit: who changed or decided what, newest first; whether the chain is whole; and all of it to take along.

use askama::Template;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::shell::{Shell, html, mistake};
use super::{Door, Posted};
use crate::administration::api::{AuditFound, AuditSearch, AuditVerify, ChainView, Chains};
use crate::administration::{audit, audit_search};
use crate::kernel::{Fault, FaultKind, Timestamp};
use crate::store::ChainHash;
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "audit";

/// What is looked for, as it was typed.
#[derive(Clone, Default)]
struct Typed {
    since: String,
    until: String,
    actor: String,
    action: String,
}

impl Typed {
    fn read(query: Option<&str>) -> Self {
        let text = |name: &str| query_value(query, name).unwrap_or_default().trim().to_owned();
        Typed { since: text("since"), until: text("until"), actor: text("actor"), action: text("action") }
    }

    fn is_empty(&self) -> bool {
        [&self.since, &self.until, &self.actor, &self.action].into_iter().all(String::is_empty)
    }

    /// The address of a page that looks for the same, before this entry.
    fn at(&self, path: &str, before: &str) -> String {
        let Typed { since, until, actor, action } = self;
        address(path, &[("since", since), ("until", until), ("actor", actor), ("action", action), ("before", before)])
    }

    fn search(&self, door: &Door, before: Option<u64>) -> Result<AuditSearch, Fault> {
        Ok(AuditSearch {
            slug: door.organization.slug.clone(),
            before,
            since: moment(&self.since)?,
            until: moment(&self.until)?,
            actor: self.actor.clone(),
            action: self.action.clone(),
        })
    }
}

/// A day, which begins at midnight in UTC, or a moment in RFC 3339; empty: none.
fn moment(typed: &str) -> Result<Option<Timestamp>, Fault> {
    if typed.is_empty() {
        return Ok(None);
    }
    let found = Timestamp::parse_rfc3339(&format!("{typed}T00:00:00Z")).or_else(|| Timestamp::parse_rfc3339(typed));
    let text = "A time is a day such as 2026-01-31, or a moment such as 2026-01-31T12:00:00Z.";
    found.map(Some).ok_or_else(|| Fault::plain(FaultKind::Invalid, text))
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    shell: Shell,
    found: AuditFound,
    typed: Typed,
    /// Something is looked for.
    filtered: bool,
    /// It goes on here.
    older: Option<String>,
    /// The same as a file.
    export: String,
    /// What a look at the whole chain found.
    verified: Option<ChainView>,
    /// What was compared with.
    expect: String,
}

async fn page(door: &Door, shell: Shell, typed: Typed, before: Option<u64>) -> Result<AuditPage, Fault> {
    let found = audit_search::search(door.admin.clone(), typed.search(door, before)?).await?;
    let here = door.path(PAGE);
    Ok(AuditPage {
        older: found.next.map(|next| typed.at(&here, &next.to_string())),
        export: typed.at(&format!("{here}/export"), ""),
        filtered: !typed.is_empty(),
        shell,
        found,
        typed,
        verified: None,
        expect: String::new(),
    })
}

/// `GET /.vestibule/console/o/{slug}/audit?since=&until=&actor=&action=&before=`.
///
/// # Errors
/// Not theirs to see; what was typed stands in the page again.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let typed = Typed::read(query.as_deref());
    let before = query_value(query.as_deref(), "before").and_then(|before| before.parse().ok());
    match page(&door, door.shell(PAGE), typed.clone(), before).await {
        Ok(page) => Ok(html(StatusCode::OK, &page)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            let page = AuditPage { typed, ..page(&door, shell, Typed::default(), None).await? };
            Ok(html(status, &page))
        }
    }
}

/// `POST /.vestibule/console/o/{slug}/audit/verify` with `expect`, a number and a hash that an earlier look showed, or
/// empty: looks at the chain from its first entry to its last.
///
/// # Errors
/// Not theirs to see; what was typed stands in the page again.
pub async fn verify(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let typed = form.get("expect").unwrap_or_default().trim().to_owned();
    let mut page = page(&door, door.shell(PAGE), Typed::default(), None).await?;
    let status = match expected(&typed) {
        Ok(expect) => {
            let call = AuditVerify { chains: Chains::Org(door.organization.slug.clone()), expect };
            page.verified = audit::verify(door.admin.clone(), call).await?.chains.pop();
            StatusCode::OK
        }
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page.shell.problem = Some(problem);
            status
        }
    };
    page.expect = typed;
    Ok(html(status, &page))
}

fn expected(typed: &str) -> Result<Option<(u64, ChainHash)>, Fault> {
    if typed.is_empty() {
        return Ok(None);
    }
    let parts = typed.split_once(':').and_then(|(number, hash)| Some((number.parse().ok()?, hash.parse().ok()?)));
    let text = "What an earlier look showed is a number and a hash, with a colon between.";
    parts.map(Some).ok_or_else(|| Fault::plain(FaultKind::Invalid, text))
}

/// `GET /.vestibule/console/o/{slug}/audit/export?since=&until=&actor=&action=`: one entry a line, as JSON, newest first.
/// If there are too many, the last line says so.
///
/// # Errors
/// Not theirs to see; a time that is none.
pub async fn export(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let call = Typed::read(query.as_deref()).search(&door, None)?;
    let found = audit_search::export(door.admin.clone(), call).await?;
    let mut lines = Vec::new();
    let broken = |error: serde_json::Error| Fault::internal(format!("an audit entry can't be written: {error}"));
    for entry in &found.entries {
        serde_json::to_writer(&mut lines, entry).map_err(broken)?;
        lines.push(b'\n');
    }
    if let Some(next) = found.next {
        let text = "older entries are left out: export again with `until` at the time of the last line";
        let cut = serde_json::json!({ "left_out": text, "before_number": next });
        serde_json::to_writer(&mut lines, &cut).map_err(broken)?;
        lines.push(b'\n');
    }
    let mut response = Response::new(Body::from(lines));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jsonl; charset=utf-8"));
    let cut = if found.next.is_some() { "-cut" } else { "" };
    let name = format!("attachment; filename=\"audit-{}{cut}.jsonl\"", door.organization.slug);
    headers.extend(HeaderValue::from_str(&name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}
