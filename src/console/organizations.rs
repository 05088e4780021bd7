//! The first page: every organization for the operator, those that they run for anybody else.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::door::{self, not_theirs};
use super::shell::html;
use super::{Console, HERE};
use crate::administration::api::OverviewShow;
use crate::administration::overview;
use crate::directory::authority::{self, Act, Target};
use crate::directory::{Organization, member, organization};
use crate::kernel::Client;
use crate::store::{StoreError, Tx};
use crate::web::form::query_value;
use crate::web::page::{self, Trouble};

/// How many organizations one page lists: the state of each is looked up.
const SHOWN: usize = 50;

/// The list.
#[derive(Template)]
#[template(path = "console/organizations.html")]
struct OrganizationsPage<'a> {
    site: &'a str,
    who: &'a str,
    operator: bool,
    rows: &'a [Row],
    /// What was searched for.
    search: &'a str,
    /// There are more than are shown.
    more: bool,
}

struct Row {
    slug: String,
    name: String,
    shared: bool,
    /// What needs attention most.
    attention: Option<String>,
    /// How much else does.
    further: usize,
}

impl From<Organization> for Row {
    fn from(organization: Organization) -> Self {
        Row {
            shared: organization.kind == crate::directory::OrgKind::Admin,
            slug: organization.slug.to_string(),
            name: organization.name,
            attention: None,
            further: 0,
        }
    }
}

/// `GET /.vestibule/console?search=…`: the list; whoever runs one organization alone goes straight to its home.
///
/// # Errors
/// Nobody's to see.
pub async fn show(
    State(console): State<Arc<Console>>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let tx = console.administration.store.reader();
    let search = query_value(query.as_deref(), "search").unwrap_or_default();
    let by = console.operator(&tx, &headers, client).await?.map(|(_, by)| by);
    let operator = by.is_some();
    let (who, found) = if operator {
        ("operator".to_owned(), everything(&tx).await?)
    } else {
        let Some((account, record)) = door::account(&console, &headers).await? else {
            return Ok(page::redirect(&format!("/.vestibule/sign-in?return_to={HERE}"), &[]));
        };
        let mut theirs = Vec::new();
        for id in member::of_user(&tx, account.id).await? {
            let Some(actor) = authority::actor(&tx, id, &account).await? else { continue };
            if authority::may(actor, Act::Manage(id), Target::default()).is_ok() {
                theirs.extend(organization::by_id(&tx, id).await?);
            }
        }
        let current = theirs.iter().find(|one| record.organization == Some(one.id));
        if let Some(one) = current.or(theirs.first()).filter(|_| theirs.len() == 1) {
            return Ok(page::redirect(&format!("{HERE}/o/{}", one.slug), &[]));
        }
        if theirs.is_empty() {
            return Err(not_theirs());
        }
        (account.email.to_string(), theirs)
    };
    let wanted = search.trim().to_lowercase();
    let matches = |one: &Organization| {
        wanted.is_empty() || one.slug.as_str().contains(&wanted) || one.name.to_lowercase().contains(&wanted)
    };
    let mut rows: Vec<Row> = found.into_iter().filter(matches).map(Row::from).collect();
    rows.sort_by(|one, two| one.slug.cmp(&two.slug));
    let more = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    if let Some(by) = by {
        let admin = console.administration.by(by);
        for row in &mut rows {
            let Ok(slug) = row.slug.parse() else { continue };
            let view = overview::show(Arc::clone(&admin), OverviewShow { slug }).await?;
            row.further = view.attention.len().saturating_sub(1);
            row.attention = view.attention.into_iter().next().map(|one| one.text);
        }
    }
    let page = OrganizationsPage { site: &console.site, who: &who, operator, rows: &rows, search: &search, more };
    Ok(html(StatusCode::OK, &page))
}

async fn everything(tx: &Tx) -> Result<Vec<Organization>, StoreError> {
    let mut found: Vec<Organization> = Vec::new();
    loop {
        let page = organization::list(tx, found.last().map(|last| last.id)).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}
