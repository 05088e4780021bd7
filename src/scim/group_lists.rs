//! Lists of groups: by an index where one answers, else by looking at each; members are read only where they are asked for.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::error::{ScimError, ScimType};
use super::filter::{Filter, Lookup};
use super::list::{ListRequest, list_response};
use super::lists::Wanted;
use super::render;
use super::route::{group_id, user_id};
use super::schema::Kind;
use super::{Asked, ScimServer};
use crate::directory::provisioning::{Group, GroupMember, group, person};
use crate::kernel::UserId;
use crate::store::Tx;

/// Up to how many groups are looked at for one list.
pub const GROUP_SCAN_LIMIT: usize = 50_000;
/// How many groups one step reads.
const STEP: usize = 500;

impl ScimServer {
    pub(super) async fn list_groups(&self, asked: &Asked, request: &ListRequest) -> Result<Answer, ScimError> {
        let wanted = Wanted::read(Kind::Group, asked, request)?;
        let tx = self.store.reader();
        let groups: Vec<Group> = match wanted.filter.as_ref().and_then(Filter::lookup) {
            Some(Lookup::DisplayName(name)) => group::by_name(&tx, &asked.scope, name).await?.into_iter().collect(),
            Some(Lookup::Id(id)) => match group_id(id) {
                Some(id) => group::by_id(&tx, &asked.scope, id).await.ok().into_iter().collect(),
                None => Vec::new(),
            },
            Some(Lookup::Member(id)) => self.of_member(&tx, asked, user_id(id)).await?,
            _ => all(&tx, asked).await?,
        };
        let mut found = Vec::new();
        for one in groups {
            let resource = self.to_compare(&tx, asked, &wanted, &one).await?;
            if wanted.matches(&resource) {
                found.push((wanted.key(&resource), one));
            }
        }
        let cut = self.cut(&wanted, wanted.ordered(found))?;
        let members = wanted.projection.wants("members");
        let mut resources = Vec::new();
        for one in &cut.items {
            let shown = self.shown_group(&tx, asked, one, members).await?.resource;
            resources.push(Value::Object(wanted.projection.apply(shown)));
        }
        Ok(Answer::ok(list_response(cut.total, cut.position, resources)))
    }

    async fn of_member(&self, tx: &Tx, asked: &Asked, member: Option<UserId>) -> Result<Vec<Group>, ScimError> {
        let Some(member) = member else { return Ok(Vec::new()) };
        let Ok(found) = person::by_id(tx, &asked.scope, member).await else { return Ok(Vec::new()) };
        let mut groups = Vec::new();
        for (id, _) in person::groups(tx, &asked.scope, found.account.id).await? {
            groups.push(group::by_id(tx, &asked.scope, id).await?);
        }
        Ok(groups)
    }

    /// A group as the filter sees it: with its members only if it asks for them, and with those alone whom it names, if
    /// it names them.
    async fn to_compare(
        &self,
        tx: &Tx,
        asked: &Asked,
        wanted: &Wanted,
        one: &Group,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut members = Vec::new();
        if wanted.mentions("members") {
            let sorted = wanted.sort.as_ref().is_some_and(|sort| sort.mentions("members"));
            match wanted.filter.as_ref().and_then(Filter::members_asked).filter(|_| !sorted) {
                Some(ids) => {
                    for id in ids.into_iter().filter_map(user_id) {
                        if group::has(tx, &asked.scope, one.id, id).await? {
                            members.push(GroupMember { id });
                        }
                    }
                }
                None => members = group::members(tx, &asked.scope, one.id).await?,
            }
        }
        Ok(render::group(&self.base, one, &members).resource)
    }
}

async fn all(tx: &Tx, asked: &Asked) -> Result<Vec<Group>, ScimError> {
    let mut found: Vec<Group> = Vec::new();
    loop {
        let page = group::list(tx, &asked.scope, found.last().map(|last| last.id), STEP).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
        if found.len() > GROUP_SCAN_LIMIT {
            let text = format!("There are more than {GROUP_SCAN_LIMIT} groups: ask by displayName, id or member.");
            return Err(ScimError::new(ScimType::TooMany, text));
        }
        tokio::task::yield_now().await;
    }
}
