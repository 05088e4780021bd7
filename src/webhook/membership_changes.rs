//! Who comes into organizations and teams, goes, or has another role there, by what a transaction is about to write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::changes::{Changed, Look, team_data};
use super::event::EventType;
use crate::directory::member::{MEMBERS, Member};
use crate::directory::team::{self, Team};
use crate::directory::team_member::{self, TEAM_MEMBERS};
use crate::kernel::{OrgId, Role, TeamId, UserId};
use crate::store::StoreError;

/// Somebody in an organization.
type Place = (OrgId, UserId);

/// Whether somebody was in a team, and whether they will be.
type Move = (TeamId, bool, bool);

/// Tells of the rows that are written in [`MEMBERS`] and [`TEAM_MEMBERS`], and of those whose role changes with that of a
/// team.
pub(super) async fn of(
    look: &mut Look<'_>,
    members: &[Place],
    team_members: &[(OrgId, TeamId, UserId)],
) -> Result<(), StoreError> {
    let mut moves: BTreeMap<Place, Vec<Move>> = BTreeMap::new();
    // Whose membership itself is looked at: for most, who merely change teams, nothing can have changed.
    let mut whose: BTreeSet<Place> = members.iter().copied().collect();
    for key @ (organization, id, user) in team_members {
        look.step().await;
        let had = look.tx.before(&TEAM_MEMBERS, key).await?.is_some();
        let has = look.tx.get(&TEAM_MEMBERS, key).await?.is_some();
        if had == has {
            continue;
        }
        moves.entry((*organization, *user)).or_default().push((*id, had, has));
        let team = look.team_of((*organization, *id)).await?;
        if role(team.before.as_ref()).or(role(team.after.as_ref())).is_some() {
            whose.insert((*organization, *user));
        }
    }
    whose.extend(of_changed_teams(look).await?);
    let everybody: BTreeSet<Place> = whose.iter().chain(moves.keys()).copied().collect();
    for place in everybody {
        look.step().await;
        let moves = moves.remove(&place).unwrap_or_default();
        one(look, place, moves, whose.contains(&place)).await?;
    }
    Ok(())
}

fn role(team: Option<&Team>) -> Option<Role> {
    team.and_then(|team| team.role)
}

/// Whoever is in a team that gets another role.
async fn of_changed_teams(look: &mut Look<'_>) -> Result<Vec<Place>, StoreError> {
    let mut found = Vec::new();
    for place in look.tx.written(&team::TEAMS)? {
        let changed = look.team_of(place).await?;
        let Changed { before: Some(before), after: Some(after) } = changed else { continue };
        if before.role == after.role {
            continue;
        }
        // Whoever comes in or goes meanwhile has this run again.
        team::watch(look.tx, &after).await?;
        found.extend(team_member::list_all(look.tx, &after).await?.into_iter().map(|user| (place.0, user)));
    }
    Ok(found)
}

/// The membership as it was and as it will be; asleep, it is none.
async fn membership(look: &Look<'_>, place: Place, written: bool) -> Result<Changed<Member>, StoreError> {
    let awake = |member: &Member| !member.asleep;
    let after = look.tx.peek(&MEMBERS, &place).await?;
    let before = if written { look.tx.before(&MEMBERS, &place).await? } else { after.clone() };
    Ok(Changed { before: before.filter(awake), after: after.filter(awake) })
}

/// The teams that count for somebody: as it was, and as it will be.
async fn teams(look: &mut Look<'_>, place: Place, moves: &[Move]) -> Result<(Vec<Team>, Vec<Team>), StoreError> {
    let after = team_member::of_user(look.tx, place.0, place.1).await?;
    let came: BTreeSet<TeamId> = moves.iter().filter(|(_, had, _)| !had).map(|(id, ..)| *id).collect();
    let stayed = after.iter().map(|team| team.id).filter(|id| !came.contains(id));
    let left = moves.iter().filter(|(_, had, _)| *had).map(|(id, ..)| *id);
    let mut before = Vec::new();
    for id in stayed.chain(left).collect::<Vec<_>>() {
        before.extend(look.team_of((place.0, id)).await?.before);
    }
    Ok((before, after))
}

async fn one(look: &mut Look<'_>, place: Place, moves: Vec<Move>, itself: bool) -> Result<(), StoreError> {
    let Some(organization) = look.organization(place.0).await? else { return Ok(()) };
    let Changed { before, after } = membership(look, place, itself).await?;
    let person = look.person(place.1).await?;
    let mut moves = moves;
    if itself {
        let (old, new) = teams(look, place, &moves).await?;
        let counted = |member: &Option<Member>, teams: &[Team]| {
            member.as_ref().map(|member| (member.role, team::effective_role(member.role, teams)))
        };
        let told = |(role, effective): (Role, Role)| {
            json!({
                "organization": organization, "user": person, "role": role, "effective_role": effective,
            })
        };
        match (counted(&before, &old), counted(&after, &new)) {
            (None, Some(now)) => look.tell(EventType::MembershipCreated, &place.1, told(now)),
            (Some(was), Some(now)) if was != now => look.tell(EventType::MembershipUpdated, &place.1, told(now)),
            _ => {}
        }
        if before.is_some() != after.is_some() {
            // It falls asleep or wakes, and its teams with it.
            let moved: BTreeSet<TeamId> = moves.iter().map(|(id, ..)| *id).collect();
            moves.extend(new.iter().filter(|team| !moved.contains(&team.id)).map(|team| (team.id, true, true)));
        }
    }
    for (id, had, has) in moves {
        let kind = match (had && before.is_some(), has && after.is_some()) {
            (false, true) => EventType::TeamMemberAdded,
            (true, false) => EventType::TeamMemberRemoved,
            _ => continue,
        };
        let team = look.team_of((place.0, id)).await?;
        let team = team.known().map(team_data);
        look.tell(kind, &place.1, json!({ "organization": organization, "team": team, "user": person }));
    }
    if let (Some(gone), None) = (before, after) {
        let told = json!({ "organization": organization, "user": person, "role": gone.role });
        look.tell(EventType::MembershipDeleted, &place.1, told);
    }
    Ok(())
}
