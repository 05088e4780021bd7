//! Lists of people and groups: a page, whatever is asked, with the true number of all that is found (S21, S22, S23).
//!
//! What an index answers never looks at anybody else; a page of everybody comes from the roster. Only other filters and
//! orders look at each one, in the roster's order, and are refused where that would be too many.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::error::{ScimError, ScimType};
use super::filter::{Filter, Lookup};
use super::list::{ListRequest, Page, Position, list_response};
use super::projection::Projection;
use super::render;
use super::schema::Kind;
use super::sort::{Sort, SortKey};
use super::{Asked, ScimServer};
use crate::directory::provisioning::{Person, person};
use crate::kernel::UserId;
use crate::store::Tx;

/// Up to how many people a filter that no index answers, or an order, looks at each of them.
pub const SCAN_LIMIT: usize = 100_000;
/// How many are looked at before others are let run.
const STEP: usize = 500;

/// A list that was asked for, read.
pub(super) struct Wanted {
    pub filter: Option<Filter>,
    pub sort: Option<Sort>,
    pub projection: Projection,
    pub page: Page,
    pub count: usize,
    /// What a cursor is of: it is good for this very list alone.
    pub name: String,
}

impl Wanted {
    pub(super) fn read(kind: Kind, asked: &Asked, request: &ListRequest) -> Result<Self, ScimError> {
        let filter = request.filter.as_deref().map(|text| Filter::parse(kind, text)).transpose()?;
        let sort = Sort::parse(kind, request.sort_by.as_deref(), request.sort_order.as_deref())?;
        let (attributes, excluded) = (request.attributes.as_deref(), request.excluded_attributes.as_deref());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Ok(Wanted {
            filter,
            sort,
            projection: Projection::parse(kind, attributes, excluded),
            page: request.page.clone(),
            count: request.count,
            name: format!(
                "{} {} {:?} {:?} {:?}",
                asked.scope.organization(),
                kind.name(),
                text(&request.filter),
                text(&request.sort_by),
                text(&request.sort_order)
            ),
        })
    }

    /// Whether an attribute has to be read to answer.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.mentions(name))
            || self.sort.as_ref().is_some_and(|sort| sort.mentions(name))
    }

    /// Whether a person's groups have to be read to answer; their version is of these, too.
    fn needs_groups(&self) -> bool {
        self.mentions("groups") || self.mentions("meta")
    }

    pub(super) fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(resource))
    }

    /// Sorts what was found, if an order was asked for; the order in which it was found stays otherwise.
    pub(super) fn ordered<T>(&self, mut found: Vec<(Option<SortKey>, T)>) -> Vec<T> {
        if let Some(sort) = &self.sort {
            found.sort_by(|one, other| match (&one.0, &other.0) {
                (Some(one), Some(other)) => sort.compare(one, other),
                _ => std::cmp::Ordering::Equal,
            });
        }
        found.into_iter().map(|(_, item)| item).collect()
    }

    pub(super) fn key(&self, resource: &Map<String, Value>) -> Option<SortKey> {
        self.sort.as_ref().map(|sort| sort.key(resource))
    }
}

/// Somebody who was found, with what is shown of them, where that was made to look at them.
pub(super) struct Found {
    person: Person,
    shown: Option<Map<String, Value>>,
}

impl Found {
    fn of(person: Person) -> Self {
        Found { person, shown: None }
    }
}

/// The part of `found` that a page is, with where it stands.
pub(super) struct Cut<T> {
    pub total: usize,
    pub items: Vec<T>,
    pub position: Position,
}

impl ScimServer {
    /// The page of a list that is at hand as a whole.
    pub(super) fn cut<T>(&self, wanted: &Wanted, found: Vec<T>) -> Result<Cut<T>, ScimError> {
        let total = found.len();
        let items: Vec<T> = found.into_iter().skip(self.start(wanted)?).take(wanted.count).collect();
        let position = self.standing(wanted, items.len(), total)?;
        Ok(Cut { total, items, position })
    }

    /// How many stand before the page.
    fn start(&self, wanted: &Wanted) -> Result<usize, ScimError> {
        match &wanted.page {
            Page::Index(index) => Ok(index - 1),
            Page::Cursor(None) => Ok(0),
            Page::Cursor(Some(cursor)) => {
                let place = self.cursors.open(&wanted.name, cursor, self.store.now())?;
                let wrong = || ScimError::new(ScimType::InvalidCursor, "The cursor is none of this list: begin again.");
                place.parse().map_err(|_| wrong())
            }
        }
    }

    /// Where a page stands that has `shown` of `total`.
    pub(super) fn standing(&self, wanted: &Wanted, shown: usize, total: usize) -> Result<Position, ScimError> {
        if let Page::Index(index) = &wanted.page {
            return Ok(Position::Index(*index));
        }
        let behind = self.start(wanted)?.saturating_add(shown);
        let more = behind < total && shown > 0;
        Ok(Position::Cursor(more.then(|| self.cursors.seal(&wanted.name, &behind.to_string(), self.store.now()))))
    }

    pub(super) async fn list_users(&self, asked: &Asked, request: &ListRequest) -> Result<Answer, ScimError> {
        let wanted = Wanted::read(Kind::User, asked, request)?;
        let tx = self.store.reader();
        let groups = wanted.projection.wants("groups") || wanted.projection.wants("meta");
        let Cut { total, items, position } = match wanted.filter.as_ref().and_then(Filter::lookup) {
            Some(lookup @ (Lookup::UserName(_) | Lookup::ExternalId(_) | Lookup::Id(_))) => {
                self.by_index(&tx, asked, &wanted, lookup, groups).await?
            }
            _ if wanted.filter.is_none() && wanted.sort.is_none() => self.everybody(&tx, asked, &wanted).await?,
            _ => self.each(&tx, asked, &wanted).await?,
        };
        let mut resources = Vec::with_capacity(items.len());
        for (number, found) in items.into_iter().enumerate() {
            if number % STEP == STEP - 1 {
                tokio::task::yield_now().await;
            }
            let shown = match found.shown {
                Some(shown) => shown,
                None => self.shown_with(&tx, asked, &found.person, groups).await?,
            };
            resources.push(Value::Object(wanted.projection.apply(shown)));
        }
        Ok(Answer::ok(list_response(total, position, resources)))
    }

    async fn shown_with(
        &self,
        tx: &Tx,
        asked: &Asked,
        found: &Person,
        groups: bool,
    ) -> Result<Map<String, Value>, ScimError> {
        let groups = if groups { person::groups(tx, &asked.scope, found.account.id).await? } else { Vec::new() };
        Ok(render::person(&self.base, found, &groups).resource)
    }

    /// What one look at an index finds, as far as the rest of the filter holds.
    async fn by_index(
        &self,
        tx: &Tx,
        asked: &Asked,
        wanted: &Wanted,
        lookup: Lookup<'_>,
        groups: bool,
    ) -> Result<Cut<Found>, ScimError> {
        let people: Vec<Person> = match lookup {
            Lookup::UserName(name) => match name.parse() {
                Ok(address) => person::by_user_name(tx, &asked.scope, &address).await?.into_iter().collect(),
                Err(_) => Vec::new(),
            },
            Lookup::ExternalId(id) => person::by_external_id(tx, &asked.scope, id).await?,
            Lookup::Id(id) => match super::route::user_id(id) {
                Some(id) => person::by_id(tx, &asked.scope, id).await.ok().into_iter().collect(),
                None => Vec::new(),
            },
            Lookup::DisplayName(_) | Lookup::Member(_) => Vec::new(),
        };
        let mut found = Vec::new();
        for person in people {
            let shown = self.shown_with(tx, asked, &person, groups || wanted.needs_groups()).await?;
            if wanted.matches(&shown) {
                found.push((wanted.key(&shown), Found { person, shown: Some(shown) }));
            }
        }
        self.cut(wanted, wanted.ordered(found))
    }

    /// A page of everybody: its place is counted, nobody before it is looked at.
    async fn everybody(&self, tx: &Tx, asked: &Asked, wanted: &Wanted) -> Result<Cut<Found>, ScimError> {
        let (roster, index) = match &wanted.page {
            Page::Index(index) => (self.rosters.page(&asked.scope, index - 1, wanted.count).await?, Some(*index)),
            Page::Cursor(cursor) => {
                let after = cursor.as_ref().map(|cursor| self.position(wanted, cursor)).transpose()?;
                (self.rosters.behind(&asked.scope, after, wanted.count).await?, None)
            }
        };
        let last = roster.accounts.last().copied();
        let mut items = Vec::with_capacity(roster.accounts.len());
        for account in &roster.accounts {
            items.extend(person::by_account(tx, &asked.scope, *account).await?.map(Found::of));
        }
        let position = match (index, last) {
            (Some(index), _) => Position::Index(index),
            (None, Some(last)) if roster.accounts.len() == wanted.count => {
                Position::Cursor(Some(self.cursors.seal(&wanted.name, &last.to_string(), self.store.now())))
            }
            (None, _) => Position::Cursor(None),
        };
        Ok(Cut { total: roster.total, items, position })
    }

    fn position(&self, wanted: &Wanted, cursor: &str) -> Result<UserId, ScimError> {
        let place = self.cursors.open(&wanted.name, cursor, self.store.now())?;
        let wrong = || ScimError::new(ScimType::InvalidCursor, "The cursor is none of this list: begin again.");
        place.parse().map_err(|_| wrong())
    }

    /// Looks at each one in the roster's order.
    async fn each(&self, tx: &Tx, asked: &Asked, wanted: &Wanted) -> Result<Cut<Found>, ScimError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.rosters.behind(&asked.scope, after, STEP).await?;
            if page.total > SCAN_LIMIT {
                let text = format!(
                    "This would look at {} people; {SCAN_LIMIT} is the most. Ask by userName, externalId or id, or \
                     page without filter and sortBy.",
                    page.total
                );
                return Err(ScimError::new(ScimType::TooMany, text));
            }
            let Some(last) = page.accounts.last() else { break };
            after = Some(*last);
            for account in &page.accounts {
                let Some(one) = person::by_account(tx, &asked.scope, *account).await? else { continue };
                let resource = self.shown_with(tx, asked, &one, wanted.needs_groups()).await?;
                if wanted.matches(&resource) {
                    found.push((wanted.key(&resource), *account));
                }
            }
            tokio::task::yield_now().await;
        }
        let cut = self.cut(wanted, wanted.ordered(found))?;
        let mut items = Vec::with_capacity(cut.items.len());
        for account in cut.items {
            items.extend(person::by_account(tx, &asked.scope, account).await?.map(Found::of));
        }
        Ok(Cut { total: cut.total, items, position: cut.position })
    }
}
