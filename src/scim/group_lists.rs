//! Lists of groups: by an index where one answers, else by looking at each; members are read only where they are asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::Answer;
use super::error::{ScimError, ScimType};
use super::filter::{Filter, Lookup};
use super::list::{ListRequest, list_response};
use super::lists::Wanted;
use super::render;
use super::route::{group_id, user_id};
use super::schema::Kind;
use super::{Asked, ScimServer};
use crate::directory::provisioning::group_members::{self, Sought};
use crate::directory::provisioning::{Group, GroupMember, ProvisioningError, group, person};
use crate::kernel::UserId;
use crate::store::Tx;

/// Up to how many groups are looked at for one list.
pub const GROUP_SCAN_LIMIT: usize = 50_000;
/// After about how many members a page ends, though more groups were asked for (RFC 7644 §3.4.2.4 lets it be shorter).
pub const MEMBERS_SHOWN_LIMIT: usize = 100_000;
/// How many members are read for one list whose filter or order asks more of them than whether certain ones are there.
pub const MEMBERS_SCAN_LIMIT: usize = 100_000;
/// How many groups one step reads.
const STEP: usize = 500;

/// How many members one list may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberBounds {
    shown: usize,
    scanned: usize,
}

impl Default for MemberBounds {
    fn default() -> Self {
        MemberBounds { shown: MEMBERS_SHOWN_LIMIT, scanned: MEMBERS_SCAN_LIMIT }
    }
}

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
        let mut looking = self.looking(&tx, asked, &wanted).await?;
        let mut found = Vec::new();
        for (number, one) in groups.into_iter().enumerate() {
            if number % STEP == STEP - 1 {
                tokio::task::yield_now().await;
            }
            let Some(members) = looking.members(&tx, asked, &one).await? else { continue };
            let resource = render::group(&self.base, &one, &members).resource;
            if wanted.matches(&resource) {
                found.push((wanted.key(&resource), one));
            }
        }
        let cut = self.cut(&wanted, wanted.ordered(found))?;
        let resources = self.group_page(&tx, asked, &wanted, &cut.items).await?;
        let position = if resources.len() < cut.items.len() {
            self.standing(&wanted, resources.len(), cut.total)?
        } else {
            cut.position
        };
        Ok(Answer::ok(list_response(cut.total, position, resources)))
    }

    /// As many of the groups of a page as their members let it have: one at least.
    async fn group_page(
        &self,
        tx: &Tx,
        asked: &Asked,
        wanted: &Wanted,
        groups: &[Group],
    ) -> Result<Vec<Value>, ScimError> {
        let (mut resources, mut room) = (Vec::new(), self.bounds.shown);
        for one in groups {
            let members = if !wanted.projection.wants("members") {
                Vec::new()
            } else if resources.is_empty() {
                absent(group_members::members(tx, &asked.scope, one.id).await)?.unwrap_or_default()
            } else {
                let few = absent(group_members::members_of_few(tx, &asked.scope, one.id, room).await)?;
                let Some(members) = few.unwrap_or_else(|| Some(Vec::new())) else { break };
                members
            };
            room = room.saturating_sub(members.len());
            let shown = render::group(&self.base, one, &members).resource;
            resources.push(Value::Object(wanted.projection.apply(shown)));
            tokio::task::yield_now().await;
        }
        Ok(resources)
    }

    async fn of_member(&self, tx: &Tx, asked: &Asked, member: Option<UserId>) -> Result<Vec<Group>, ScimError> {
        let Some(member) = member else { return Ok(Vec::new()) };
        let Ok(found) = person::by_id(tx, &asked.scope, member).await else { return Ok(Vec::new()) };
        let mut groups = Vec::new();
        for (id, _) in person::groups(tx, &asked.scope, found.account.id).await? {
            groups.extend(absent(group::by_id(tx, &asked.scope, id).await)?);
        }
        Ok(groups)
    }

    /// What a filter and an order need of the groups' members: none if they don't ask for them, certain ones if the
    /// filter names these, else all.
    async fn looking(&self, tx: &Tx, asked: &Asked, wanted: &Wanted) -> Result<Looking, ScimError> {
        if !wanted.mentions("members") {
            return Ok(Looking::Nobody);
        }
        let sorted = wanted.sort.as_ref().is_some_and(|sort| sort.mentions("members"));
        match wanted.filter.as_ref().and_then(Filter::members_asked).filter(|_| !sorted) {
            Some(ids) => {
                let ids: BTreeSet<UserId> = ids.into_iter().filter_map(user_id).collect();
                Ok(Looking::Certain(group_members::sought(tx, &asked.scope, &ids).await?))
            }
            None => Ok(Looking::Everybody { room: self.bounds.scanned }),
        }
    }
}

/// Whom a list looks for in its groups.
enum Looking {
    Nobody,
    Certain(Vec<Sought>),
    /// Up to so many more.
    Everybody {
        room: usize,
    },
}

impl Looking {
    /// Those of a group who are looked for; none if there is no such group any more.
    async fn members(&mut self, tx: &Tx, asked: &Asked, one: &Group) -> Result<Option<Vec<GroupMember>>, ScimError> {
        match self {
            Looking::Nobody => Ok(Some(Vec::new())),
            Looking::Certain(sought) => absent(group_members::among(tx, &asked.scope, one.id, sought).await),
            Looking::Everybody { room } => {
                match absent(group_members::members_of_few(tx, &asked.scope, one.id, *room).await)? {
                    None => Ok(None),
                    Some(None) => {
                        let text =
                            "This would look at too many members: ask by displayName, id, or the `value` of members.";
                        Err(ScimError::new(ScimType::TooMany, text))
                    }
                    Some(Some(members)) => {
                        *room -= members.len();
                        Ok(Some(members))
                    }
                }
            }
        }
    }
}

/// What is read of a group that may be deleted meanwhile: then nothing.
fn absent<T>(read: Result<T, ProvisioningError>) -> Result<Option<T>, ScimError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(ProvisioningError::NoSuchResource(_)) => Ok(None),
        Err(error) => Err(error.into()),
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

#[cfg(test)]
#[path = "group_lists_tests.rs"]
mod tests;
