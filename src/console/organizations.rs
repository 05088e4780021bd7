//! The first page: every organization for the operator, those that they run for anybody else.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::door::{self, not_theirs};
use super::posted::check_token;
use super::shell::{html, mistake};
use super::{Console, HERE, operator};
use crate::administration::api::{OrgCreate, OverviewShow};
use crate::administration::organization as administration;
use crate::administration::{Administration, overview};
use crate::directory::authority::{self, Act, Target};
use crate::directory::{OrgKind, Organization, member, organization};
use crate::kernel::{Client, Fault, FaultKind, Slug};
use crate::web::form::{Form, PAGE_FORM_LIMIT, query_value};
use crate::web::page::{self, Trouble};
use crate::web::same_origin;

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
    /// What proves the operator's form.
    token: &'a str,
    new: New,
}

/// What the operator's form for a new organization holds.
#[derive(Default)]
struct New {
    slug: String,
    name: String,
    shared: bool,
    problem: Option<String>,
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
            shared: organization.kind == OrgKind::Admin,
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
    let search = query_value(query.as_deref(), "search").unwrap_or_default();
    page(&console, (client, &headers), search, StatusCode::OK, New::default()).await
}

async fn page(
    console: &Console,
    (client, headers): (Client, &HeaderMap),
    search: String,
    status: StatusCode,
    new: New,
) -> Result<Response, Trouble> {
    let tx = console.administration.store.reader();
    let by = console.operator(&tx, headers, client).await?.map(|(_, by)| by);
    let is_operator = by.is_some();
    let (who, found) = if is_operator {
        ("operator".to_owned(), administration::all(&tx).await?)
    } else {
        let Some((account, record)) = door::account(console, headers).await? else {
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
        show_state(console.administration.by(by), &mut rows).await?;
    }
    let token = operator::cookie(console, headers).map(|session| console.form_token(&session)).unwrap_or_default();
    let (site, token) = (&*console.site, &*token);
    let page =
        OrganizationsPage { site, who: &who, operator: is_operator, rows: &rows, search: &search, more, token, new };
    Ok(html(status, &page))
}

/// `POST /.vestibule/console/create` with `slug`, `name` and `kind`, `customer` or `admin`: makes an organization, for
/// the operator.
///
/// # Errors
/// A post from another site; not the operator; what was typed stands in the page again.
pub async fn create(
    State(console): State<Arc<Console>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &console.origin)?;
    let tx = console.administration.store.reader();
    let (_, by) = console.operator(&tx, &headers, client).await?.ok_or_else(not_theirs)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let session = operator::cookie(&console, &headers).unwrap_or_default();
    check_token(&form, &console.form_token(&session))?;
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let new = New { slug: text("slug"), name: text("name"), shared: text("kind") == "admin", problem: None };
    let made = match new.slug.parse::<Slug>() {
        Ok(slug) => {
            let kind = if new.shared { OrgKind::Admin } else { OrgKind::Customer };
            let call = OrgCreate { slug, name: new.name.clone(), kind };
            administration::create(console.administration.by(by), call).await
        }
        Err(error) => Err(Fault::plain(FaultKind::Invalid, format!("This is no slug: {error}"))),
    };
    match made {
        Ok(made) => Ok(page::redirect(&format!("{HERE}/o/{}", made.slug), &[])),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let new = New { problem: Some(problem), ..new };
            page(&console, (client, &headers), String::new(), status, new).await
        }
    }
}

/// Looks up what needs attention in each.
async fn show_state(admin: Arc<Administration>, rows: &mut [Row]) -> Result<(), Trouble> {
    for row in rows {
        let Ok(slug) = row.slug.parse() else { continue };
        let view = overview::show(Arc::clone(&admin), OverviewShow { slug }).await?;
        row.further = view.attention.len().saturating_sub(1);
        row.attention = view.attention.into_iter().next().map(|one| one.text);
    }
    Ok(())
}
