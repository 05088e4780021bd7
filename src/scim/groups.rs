//! `/Groups/{id}` and what makes one. Members are rows of their own: one in or out costs the same in a group of any size.

use axum::http::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::error::ScimError;
use super::etag::{if_match, if_none_match};
use super::patch::{GroupChange, Patch};
use super::projection::Projection;
use super::render::{self, Rendered};
use super::resource::Attributes;
use super::route::user_id;
use super::schema::Kind;
use super::users::projection;
use super::{Asked, ScimServer};
use crate::directory::provisioning::group::{self, MemberChange};
use crate::directory::provisioning::{Group, group_members};
use crate::kernel::{TeamId, UserId};
use crate::store::Tx;

/// The ids among what was sent that can be some, and how many can't.
fn ids(sent: &[String]) -> (Vec<UserId>, usize) {
    let ids: Vec<UserId> = sent.iter().filter_map(|id| user_id(id)).collect();
    let wrong = sent.len() - ids.len();
    (ids, wrong)
}

impl ScimServer {
    /// A group as it is shown; its members are read only if they are wanted (S40).
    pub(super) async fn shown_group(
        &self,
        tx: &Tx,
        asked: &Asked,
        found: &Group,
        members: bool,
    ) -> Result<Rendered, ScimError> {
        let members = if members { group_members::members(tx, &asked.scope, found.id).await? } else { Vec::new() };
        Ok(render::group(&self.base, found, &members))
    }

    /// Changes members, and tells the log of whom there is nobody, and of the owners who stay (G.d, D18).
    async fn move_members(
        &self,
        tx: &Tx,
        asked: &Asked,
        found: &Group,
        sent: &[String],
        change: fn(Vec<UserId>) -> MemberChange,
    ) -> Result<(), ScimError> {
        let (ids, wrong) = ids(sent);
        let moved = group::move_members(tx, &*self.rng, &asked.scope, found, &change(ids)).await?;
        let unknown = moved.unknown + wrong;
        if unknown > 0 || moved.kept > 0 {
            tracing::warn!(
                organization = %asked.scope.organization(),
                group = %found.id,
                unknown,
                last_owners = moved.kept,
                "some members of a pushed group were passed over"
            );
        }
        Ok(())
    }

    pub(super) async fn create_group(&self, asked: &Asked) -> Result<Answer, ScimError> {
        let projection = projection(Kind::Group, &asked.query)?;
        let mut sent = Attributes::read(Kind::Group, &asked.body)?;
        let members = sent.take_members().unwrap_or_default();
        let (sent, members) = (&sent, &members);
        let made = self.store.transaction("scim group create", async |tx: Tx| {
            let name = sent.display_name().unwrap_or_default();
            let external_id = sent.external_id().map(str::to_owned);
            let made = group::create(&tx, &*self.rng, &asked.scope, name, external_id).await?;
            self.move_members(&tx, asked, &made, members, MemberChange::Add).await?;
            let made = group::by_id(&tx, &asked.scope, made.id).await?;
            self.shown_group(&tx, asked, &made, projection.wants("members")).await
        });
        let Rendered { resource, etag, location } = made.await?;
        let body = Value::Object(projection.apply(resource));
        Ok(Answer { status: StatusCode::CREATED, location: Some(location), ..Answer::ok(body).tagged(etag) })
    }

    pub(super) async fn read_group(&self, asked: &Asked, id: TeamId) -> Result<Answer, ScimError> {
        let projection = projection(Kind::Group, &asked.query)?;
        let tx = self.store.reader();
        let found = group::by_id(&tx, &asked.scope, id).await?;
        let etag = render::group_etag(&found);
        if if_none_match(asked.if_none_match(), &etag) {
            return Ok(Answer::bare(StatusCode::NOT_MODIFIED).tagged(etag));
        }
        let Rendered { resource, etag, .. } = self.shown_group(&tx, asked, &found, projection.wants("members")).await?;
        Ok(Answer::ok(Value::Object(projection.apply(resource))).tagged(etag))
    }

    pub(super) async fn replace_group(&self, asked: &Asked, id: TeamId) -> Result<Answer, ScimError> {
        let projection = projection(Kind::Group, &asked.query)?;
        let mut sent = Attributes::read(Kind::Group, &asked.body)?;
        let members = sent.take_members();
        let mut changes = vec![
            GroupChange::DisplayName(sent.display_name().unwrap_or_default().to_owned()),
            GroupChange::ExternalId(sent.external_id().map(str::to_owned)),
        ];
        // One that names no members leaves them alone, one that names an empty list leaves nobody (S31).
        changes.extend(members.map(GroupChange::ReplaceMembers));
        self.change_group(asked, id, &changes, Some(&projection)).await
    }

    pub(super) async fn patch_group(&self, asked: &Asked, id: TeamId) -> Result<Answer, ScimError> {
        let changes = Patch::read(&asked.body)?.group_changes()?;
        // No body unless somebody asks for a part of it: a group may be large (S24).
        let wanted = asked.query.to_ascii_lowercase().contains("attributes=");
        let projection = if wanted { Some(projection(Kind::Group, &asked.query)?) } else { None };
        self.change_group(asked, id, &changes, projection.as_ref()).await
    }

    /// Makes changes in order, in one transaction, and shows the group if `projection` says how.
    async fn change_group(
        &self,
        asked: &Asked,
        id: TeamId,
        changes: &[GroupChange],
        projection: Option<&Projection>,
    ) -> Result<Answer, ScimError> {
        let changed = self.store.transaction("scim group change", async |tx: Tx| {
            let mut found = group::by_id(&tx, &asked.scope, id).await?;
            if let Some(wanted) = asked.if_match() {
                if_match(Some(wanted), &render::group_etag(&found))?;
            }
            for change in changes {
                found = self.apply(&tx, asked, found, change).await?;
            }
            let after = group::by_id(&tx, &asked.scope, id).await?;
            let members = projection.is_some_and(|projection| projection.wants("members"));
            self.shown_group(&tx, asked, &after, members).await
        });
        let Rendered { resource, etag, location } = changed.await?;
        Ok(match projection {
            Some(projection) => {
                let body = Value::Object(projection.apply(resource));
                Answer { location: Some(location), ..Answer::ok(body).tagged(etag) }
            }
            None => Answer::bare(StatusCode::NO_CONTENT).tagged(etag),
        })
    }

    async fn apply(&self, tx: &Tx, asked: &Asked, found: Group, change: &GroupChange) -> Result<Group, ScimError> {
        let (rng, scope) = (&*self.rng, &asked.scope);
        match change {
            GroupChange::DisplayName(name) => {
                let external_id = found.external_id.clone();
                return Ok(group::describe(tx, rng, scope, &found, name, external_id).await?);
            }
            GroupChange::ExternalId(external_id) => {
                let name = found.display_name.clone();
                return Ok(group::describe(tx, rng, scope, &found, &name, external_id.clone()).await?);
            }
            GroupChange::AddMembers(ids) => {
                self.move_members(tx, asked, &found, ids, MemberChange::Add).await?;
            }
            GroupChange::RemoveMembers(ids) => {
                self.move_members(tx, asked, &found, ids, MemberChange::Remove).await?;
            }
            GroupChange::RemoveAll => {
                self.move_members(tx, asked, &found, &[], MemberChange::Replace).await?;
            }
            GroupChange::ReplaceMembers(ids) => {
                self.move_members(tx, asked, &found, ids, MemberChange::Replace).await?;
            }
        }
        Ok(found)
    }

    pub(super) async fn delete_group(&self, asked: &Asked, id: TeamId) -> Result<Answer, ScimError> {
        self.store
            .transaction("scim group delete", async |tx: Tx| {
                let found = group::by_id(&tx, &asked.scope, id).await?;
                if let Some(wanted) = asked.if_match() {
                    if_match(Some(wanted), &render::group_etag(&found))?;
                }
                Ok::<_, ScimError>(group::delete(&tx, &*self.rng, &asked.scope, &found).await?)
            })
            .await?;
        Ok(Answer::bare(StatusCode::NO_CONTENT))
    }
}
