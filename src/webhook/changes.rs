//! What a transaction changes of people, memberships and teams, as events: the difference between what the rows hold and
//! what they will, however often and by whomever they were written.
//!
//! A membership that sleeps is none, and so are its teams. Admin organizations are none either: the app never sees them
//! (D13).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::event::{Event, EventType};
use super::membership_changes;
use crate::directory::member::MEMBERS;
use crate::directory::organization::{ORGANIZATIONS, OrgKind};
use crate::directory::team::TEAMS;
use crate::directory::team_member::TEAM_MEMBERS;
use crate::directory::user::USERS;
use crate::directory::{Team, User};
use crate::kernel::{OrgId, Slug, TeamId, UserId};
use crate::store::{StoreError, Tx};

/// How many rows are looked at before others are let run.
const STEP: usize = 500;

/// The events that arise from what `tx` is about to write.
pub(super) async fn of(tx: &Tx) -> Result<Vec<Event>, StoreError> {
    let (users, teams) = (tx.written(&USERS)?, tx.written(&TEAMS)?);
    let (members, team_members) = (tx.written(&MEMBERS)?, tx.written(&TEAM_MEMBERS)?);
    if users.is_empty() && teams.is_empty() && members.is_empty() && team_members.is_empty() {
        return Ok(Vec::new());
    }
    let mut look = Look { tx, events: Vec::new(), organizations: BTreeMap::new(), teams: BTreeMap::new(), looked: 0 };
    for id in users {
        look.user(id).await?;
    }
    // Those that come before those who are in them, and those that go behind.
    for place in &teams {
        look.team(*place).await?;
    }
    membership_changes::of(&mut look, &members, &team_members).await?;
    for place in &teams {
        look.team_gone(*place).await?;
    }
    Ok(look.events)
}

/// A look at one transaction.
pub(super) struct Look<'t> {
    pub tx: &'t Tx,
    events: Vec<Event>,
    organizations: BTreeMap<OrgId, Option<Slug>>,
    teams: BTreeMap<(OrgId, TeamId), Changed<Team>>,
    looked: usize,
}

/// A record as it was and as it will be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Changed<T> {
    pub before: Option<T>,
    pub after: Option<T>,
}

impl<T> Changed<T> {
    /// As it will be or, if it goes, as it was.
    pub fn known(&self) -> Option<&T> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl Look<'_> {
    pub fn tell(&mut self, kind: EventType, subject: &impl ToString, data: Value) {
        self.events.push(Event { kind, subject: subject.to_string(), data });
    }

    /// Lets others run, now and then.
    pub async fn step(&mut self) {
        self.looked += 1;
        if self.looked.is_multiple_of(STEP) {
            tokio::task::yield_now().await;
        }
    }

    async fn user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.step().await;
        let (before, after) = (self.tx.before(&USERS, &id).await?, self.tx.get(&USERS, &id).await?);
        let Some(after) = after else { return Ok(()) };
        let Some(before) = before else {
            self.tell(EventType::UserCreated, &id, user_data(&after));
            return Ok(());
        };
        let described = |user: &User| (user.email.clone(), user.first_name.clone(), user.last_name.clone());
        if described(&before) != described(&after) {
            self.tell(EventType::UserUpdated, &id, user_data(&after));
        }
        if before.active != after.active {
            let kind = if after.active { EventType::UserActivated } else { EventType::UserDeactivated };
            self.tell(kind, &id, user_data(&after));
        }
        Ok(())
    }

    /// What is told of a person who is mentioned.
    pub async fn person(&self, id: UserId) -> Result<Value, StoreError> {
        let email = self.tx.peek(&USERS, &id).await?.map(|user| user.email);
        Ok(json!({ "id": id, "email": email }))
    }

    /// What is told of an organization that is mentioned; `None` of those the app does not see.
    pub async fn organization(&mut self, id: OrgId) -> Result<Option<Value>, StoreError> {
        if !self.organizations.contains_key(&id) {
            let mut found = self.tx.peek(&ORGANIZATIONS, &id).await?;
            if found.is_none() {
                // It goes with this transaction.
                found = self.tx.before(&ORGANIZATIONS, &id).await?;
            }
            let seen = found.filter(|found| found.kind == OrgKind::Customer).map(|found| found.slug);
            self.organizations.insert(id, seen);
        }
        let slug = self.organizations.get(&id).and_then(Option::as_ref);
        Ok(slug.map(|slug| json!({ "id": id, "slug": slug })))
    }

    /// A team as it was and as it will be.
    pub async fn team_of(&mut self, place: (OrgId, TeamId)) -> Result<Changed<Team>, StoreError> {
        if let Some(known) = self.teams.get(&place) {
            return Ok(known.clone());
        }
        // If the team is not written here, what it was is what it will be.
        let after = self.tx.peek(&TEAMS, &place).await?;
        let before = self.tx.before(&TEAMS, &place).await?;
        let found = Changed { before, after };
        self.teams.insert(place, found.clone());
        Ok(found)
    }

    async fn team(&mut self, place: (OrgId, TeamId)) -> Result<(), StoreError> {
        let Changed { before, after: Some(after) } = self.team_of(place).await? else { return Ok(()) };
        let kind = match before {
            None => EventType::TeamCreated,
            Some(before) if (&before.name, before.role) != (&after.name, after.role) => EventType::TeamUpdated,
            Some(_) => return Ok(()),
        };
        self.tell_team(kind, place, &after).await
    }

    async fn team_gone(&mut self, place: (OrgId, TeamId)) -> Result<(), StoreError> {
        match self.team_of(place).await? {
            Changed { before: Some(gone), after: None } => self.tell_team(EventType::TeamDeleted, place, &gone).await,
            _ => Ok(()),
        }
    }

    async fn tell_team(&mut self, kind: EventType, place: (OrgId, TeamId), team: &Team) -> Result<(), StoreError> {
        self.step().await;
        if let Some(organization) = self.organization(place.0).await? {
            self.tell(kind, &place.1, json!({ "organization": organization, "team": team_data(team) }));
        }
        Ok(())
    }
}

/// What is told of a team.
pub(super) fn team_data(team: &Team) -> Value {
    json!({ "id": team.id, "name": team.name, "role": team.role })
}

fn user_data(user: &User) -> Value {
    let mut data = Map::new();
    data.insert("id".to_owned(), json!(user.id));
    data.insert("email".to_owned(), json!(user.email));
    data.insert("name".to_owned(), json!(user.display_name()));
    data.insert("first_name".to_owned(), json!(user.first_name));
    data.insert("last_name".to_owned(), json!(user.last_name));
    data.insert("active".to_owned(), json!(user.active));
    data.insert("created".to_owned(), json!(user.created.to_string()));
    Value::Object(data)
}
