//! `team create | list | show | add | remove | rename | role | delete`

use std::sync::Arc;

use super::Administration;
use super::api::{
    Changes, Difference, TeamAdd, TeamCreate, TeamDelete, TeamList, TeamMemberView, TeamRemove, TeamRename,
    TeamSetRole, TeamShow, TeamView,
};
use super::user::known_name;
use crate::directory::authority::Act;
use crate::directory::team_member::TeamMember;
use crate::directory::{Organization, Origin, Team, User, organization, team, team_member, user};
use crate::kernel::{Fault, Role};
use crate::store::{StoreError, Tx};

/// How many members of a team are shown at most.
const SHOWN: usize = 10_000;
/// Up to how many members of a team are counted.
pub const TEAM_COUNT_LIMIT: usize = 10_000;

/// A team, its members counted up to `limit`.
pub async fn view(tx: &Tx, organization: &Organization, team: &Team, limit: usize) -> Result<TeamView, StoreError> {
    let counted = team_member::list(tx, team, None, limit + 1).await?.len();
    Ok(TeamView {
        slug: organization.slug.clone(),
        name: team.name.clone(),
        role: team.role,
        origin: team.origin,
        since: team.created.to_string(),
        size: counted.min(limit),
        more: counted > limit,
    })
}

/// The word for a team's role, for differences.
pub fn role_word(role: Option<Role>) -> String {
    role.map_or_else(|| "none".to_owned(), |role| role.to_string())
}

/// Makes a team, with its role.
pub async fn make(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    name: &str,
    role: Option<Role>,
) -> Result<Team, Fault> {
    let mut made = team::create(tx, &*admin.rng, organization, name, Origin::Hand, None).await?;
    if role.is_some() {
        made = team::set_role(tx, &*admin.rng, &made, role)?;
    }
    admin.audit(tx, organization.id, "team.create", &made.name, "", role.map_or("", Role::as_str))?;
    Ok(made)
}

/// Sets a team's role; `false` if it was so.
pub fn give_role(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    held: &Team,
    role: Option<Role>,
) -> Result<bool, Fault> {
    if held.role == role {
        return Ok(false);
    }
    team::set_role(tx, &*admin.rng, held, role)?;
    let word = |role: Option<Role>| role.map_or("none", Role::as_str);
    admin.audit(tx, organization.id, "team.role", &held.name, word(held.role), word(role))?;
    Ok(true)
}

/// Puts a member into a team; `false` if they were in it.
pub async fn put_in(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    held: &Team,
    account: &User,
) -> Result<bool, Fault> {
    team::by_hand(tx, organization, held).await?;
    let fresh = team_member::add(tx, &*admin.rng, organization, held, account, Origin::Hand).await?;
    if fresh {
        admin.audit(tx, organization.id, "team.add", &held.name, "", account.email.as_str())?;
    }
    Ok(fresh)
}

/// Takes somebody out of a team; `false` if they were not in it.
pub async fn take_out(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    held: &Team,
    account: &User,
) -> Result<bool, Fault> {
    team::by_hand(tx, organization, held).await?;
    let gone = team_member::remove(tx, &*admin.rng, held, account.id).await?;
    if gone {
        admin.audit(tx, organization.id, "team.remove", &held.name, account.email.as_str(), "")?;
    }
    Ok(gone)
}

/// Gives a team another name; `None` if it has it already.
pub async fn give_name(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    held: &Team,
    name: &str,
) -> Result<Option<Team>, Fault> {
    team::by_hand(tx, organization, held).await?;
    let renamed = team::rename(tx, &*admin.rng, organization, held, name).await?;
    if renamed.name == held.name {
        return Ok(None);
    }
    admin.audit(tx, organization.id, "team.rename", &held.name, &held.name, &renamed.name)?;
    Ok(Some(renamed))
}

/// Removes a team.
pub async fn end(admin: &Administration, tx: &Tx, organization: &Organization, held: &Team) -> Result<(), Fault> {
    team::by_hand(tx, organization, held).await?;
    team::delete(tx, &*admin.rng, held).await?;
    admin.audit(tx, organization.id, "team.delete", &held.name, role_word(held.role), "")?;
    Ok(())
}

/// Makes a team; one with a role is for owners (D2).
pub async fn create(admin: Arc<Administration>, call: TeamCreate) -> Result<TeamView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team create", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            if call.role.is_some() {
                admin.permit(&tx, Act::Own(found.id), None).await?;
            }
            let made = make(admin, &tx, &found, &call.name, call.role).await?;
            Ok::<_, Fault>(view(&tx, &found, &made, TEAM_COUNT_LIMIT).await?)
        })
        .await
}

/// The teams of an organization.
pub async fn list(admin: Arc<Administration>, call: TeamList) -> Result<Vec<TeamView>, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let mut views = Vec::new();
    for team in team::list_all(&tx, found.id).await? {
        views.push(view(&tx, &found, &team, TEAM_COUNT_LIMIT).await?);
    }
    Ok(views)
}

/// Somebody in a team.
pub fn member_view(account: User, member: &TeamMember) -> TeamMemberView {
    let name = known_name(&account);
    TeamMemberView { email: account.email, name, origin: member.origin, since: member.created.to_string() }
}

/// Who is in a team.
pub async fn show(admin: Arc<Administration>, call: TeamShow) -> Result<Vec<TeamMemberView>, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let team = team::by_name(&tx, &found, &call.name).await?;
    let mut views = Vec::new();
    for (id, member) in team_member::list(&tx, &team, None, SHOWN).await? {
        if let Some(account) = user::by_id(&tx, id).await? {
            views.push(member_view(account, &member));
        }
    }
    views.sort_by(|one, two| one.email.cmp(&two.email));
    Ok(views)
}

/// Puts a member into a team; the role that it gives must be theirs to give.
pub async fn add(admin: Arc<Administration>, call: TeamAdd) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team add", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let team = team::by_name(&tx, &found, &call.name).await?;
            let account = admin.account_in(&tx, &found, &call.email).await?;
            admin.permit(&tx, Act::MoveInTeam(found.id, team.role), Some(&account)).await?;
            let fresh = put_in(admin, &tx, &found, &team, &account).await?;
            let added = Difference::new(&found.slug, in_team(&team), None, account.email.to_string());
            Ok::<_, Fault>(Changes { changes: fresh.then_some(added).into_iter().collect(), ..Changes::default() })
        })
        .await
}

/// What is changed, for differences.
pub fn in_team(team: &Team) -> String {
    format!("team {}", team.name)
}

/// Takes somebody out of a team.
pub async fn remove(admin: Arc<Administration>, call: TeamRemove) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team remove", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let team = team::by_name(&tx, &found, &call.name).await?;
            let account = admin.account_in(&tx, &found, &call.email).await?;
            admin.permit(&tx, Act::MoveInTeam(found.id, team.role), Some(&account)).await?;
            let gone = take_out(admin, &tx, &found, &team, &account).await?;
            let removed = Difference::new(&found.slug, in_team(&team), Some(account.email.to_string()), None);
            Ok::<_, Fault>(Changes { changes: gone.then_some(removed).into_iter().collect(), ..Changes::default() })
        })
        .await
}

/// Gives a team another name.
pub async fn rename(admin: Arc<Administration>, call: TeamRename) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team rename", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let team = team::by_name(&tx, &found, &call.name).await?;
            let renamed = give_name(admin, &tx, &found, &team, &call.new_name).await?;
            let changed = renamed.map(|renamed| Difference::new(&found.slug, "team", Some(team.name), renamed.name));
            Ok::<_, Fault>(Changes { changes: changed.into_iter().collect(), ..Changes::default() })
        })
        .await
}

/// Sets the role that a team gives; for owners (D2).
pub async fn set_role(admin: Arc<Administration>, call: TeamSetRole) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team role", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Own(found.id), None).await?;
            let team = team::by_name(&tx, &found, &call.name).await?;
            let fresh = give_role(admin, &tx, &found, &team, call.role)?;
            let what = format!("role of team {}", team.name);
            let changed = Difference::new(&found.slug, what, Some(role_word(team.role)), role_word(call.role));
            Ok::<_, Fault>(Changes { changes: fresh.then_some(changed).into_iter().collect(), ..Changes::default() })
        })
        .await
}

/// Ends a team.
pub async fn delete(admin: Arc<Administration>, call: TeamDelete) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("team delete", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let team = team::by_name(&tx, &found, &call.name).await?;
            let act = if team.role.is_some() { Act::Own(found.id) } else { Act::Manage(found.id) };
            admin.permit(&tx, act, None).await?;
            end(admin, &tx, &found, &team).await?;
            Ok::<_, Fault>(Changes {
                changes: vec![Difference::new(&found.slug, "team", Some(team.name), None)],
                ..Changes::default()
            })
        })
        .await
}
