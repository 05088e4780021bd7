//! `apply`: organizations as a file wants them. Shows the difference; then makes it so, all or nothing.
//!
//! What the file does not list stays: organizations always, domains, links, members and teams unless `prune` is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::Administration;
use super::api::{Apply, Changes, Difference, SsoSource, WantedOrganization};
use super::{apply_domains, apply_link, apply_teams, connection, sso, sso_metadata, user};
use crate::directory::{DirectoryError, OrgKind, Organization, User, member, organization};
use crate::kernel::{EmailAddress, Fault, FaultKind, Role, Slug};
use crate::store::{StoreError, Tx};

/// How many organizations one file can hold.
const ORGANIZATION_LIMIT: usize = 500;
/// How many members one file can hold, those of teams and the teams themselves counted too.
const MEMBER_LIMIT: usize = 10_000;
/// How many addresses of metadata are read at once.
const READ_AT_ONCE: usize = 4;

/// How a run ends that writes nothing.
enum Stop {
    Refused(Fault),
    /// What it would have done.
    DryRun(Changes),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Refused(error.into())
    }
}

/// Does what the file wants.
///
/// # Errors
/// The sentence of what is refused, with the organization's slug before it.
pub async fn apply(admin: Arc<Administration>, mut call: Apply) -> Result<Changes, Fault> {
    admin.operators()?;
    check_size(&call)?;
    read_metadata(&admin, &mut call).await?;
    let (admin, call) = (&*admin, &call);
    let ran = admin
        .store
        .transaction("apply", async |tx: Tx| {
            let mut changes = Changes::default();
            // Admin organizations first: others are linked to them.
            let mut organizations: Vec<&WantedOrganization> = call.organizations.iter().collect();
            organizations.sort_by_key(|wanted| wanted.kind != OrgKind::Admin);
            for wanted in organizations {
                let made = one(admin, &tx, wanted, call.prune).await;
                let named = |fault: Fault| Fault { detail: format!("{}: {}", wanted.slug, fault.detail), ..fault };
                changes.changes.extend(made.map_err(|fault| Stop::Refused(named(fault)))?);
            }
            // Whatever would be refused has been by now: a dry run goes the whole way, and then writes nothing.
            if call.dry_run { Err(Stop::DryRun(changes)) } else { Ok(changes) }
        })
        .await;
    match ran {
        Ok(changes) | Err(Stop::DryRun(changes)) => Ok(changes),
        Err(Stop::Refused(fault)) => Err(fault),
    }
}

/// Reads what identity providers publish, a few at once, before anything is written.
async fn read_metadata(admin: &Administration, call: &mut Apply) -> Result<(), Fault> {
    let mut reads = Vec::new();
    for wanted in &mut call.organizations {
        if let Some((source, _)) = &mut wanted.sso {
            reads.push(read_one(admin, &wanted.slug, source));
        }
    }
    let mut came = stream::iter(reads).buffer_unordered(READ_AT_ONCE);
    while let Some(read) = came.next().await {
        read?;
    }
    Ok(())
}

async fn read_one(admin: &Administration, slug: &Slug, source: &mut SsoSource) -> Result<(), Fault> {
    let named = |fault: Fault| Fault { detail: format!("{slug}: {}", fault.detail), ..fault };
    sso_metadata::read(admin, source).await.map_err(named)
}

fn check_size(call: &Apply) -> Result<(), Fault> {
    let in_teams = |wanted: &WantedOrganization| wanted.teams.iter().map(|team| 1 + team.members.len()).sum::<usize>();
    let members: usize = call.organizations.iter().map(|wanted| wanted.members.len() + in_teams(wanted)).sum();
    if call.organizations.len() > ORGANIZATION_LIMIT || members > MEMBER_LIMIT {
        let text = format!(
            "a file holds at most {ORGANIZATION_LIMIT} organizations and {MEMBER_LIMIT} members and teams: split it"
        );
        return Err(Fault::plain(FaultKind::TooLarge, text));
    }
    Ok(())
}

/// Brings one organization to what is wanted.
async fn one(
    admin: &Administration,
    tx: &Tx,
    wanted: &WantedOrganization,
    prune: bool,
) -> Result<Vec<Difference>, Fault> {
    let mut changes = Vec::new();
    let found = match organization::by_slug(tx, &wanted.slug).await {
        Ok(found) => found,
        Err(DirectoryError::NoSuchOrganization(_)) => {
            let name = wanted.name.as_deref().unwrap_or(wanted.slug.as_str());
            let made = organization::create(tx, &*admin.rng, &wanted.slug, name, wanted.kind).await?;
            admin.audit(tx, made.id, "org.create", &made.slug, "", &made.name)?;
            changes.push(Difference::new(&made.slug, "organization", None, made.name.clone()));
            made
        }
        Err(error) => return Err(error.into()),
    };
    if found.kind != wanted.kind {
        let kind = if found.kind == OrgKind::Admin { "an Admin organization" } else { "a customer organization" };
        let text = format!("it is {kind}, and the kind is chosen for good");
        return Err(Fault::plain(FaultKind::Conflict, text));
    }
    let name = wanted.name.iter().map(|name| ("name".to_owned(), name.clone()));
    let settings: Vec<(String, String)> = name.chain(wanted.settings.iter().cloned()).collect();
    changes.extend(super::organization::set_all(admin, tx, &found, &settings).await?);
    changes.extend(apply_domains::bring(admin, tx, &found, wanted, prune).await?);
    if let Some((source, options)) = &wanted.sso {
        let before = crate::directory::sso::connection(tx, found.id).await?;
        let after = connection::of(source, options, before.as_ref(), tx.now())?;
        let differences = connection::differences(&found.slug, before.as_ref(), &after.connection);
        if !differences.is_empty() {
            sso::put(admin, tx, &found, before.as_ref(), &after, "sso.set").await?;
        }
        changes.extend(differences);
    }
    changes.extend(apply_link::bring(admin, tx, &found, wanted, prune).await?);
    changes.extend(members(admin, tx, &found, wanted, prune).await?);
    changes.extend(apply_teams::bring(admin, tx, &found, &wanted.teams, prune).await?);
    Ok(changes)
}

/// What is to be done about members.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MemberStep {
    Add(EmailAddress, Role),
    SetRole(EmailAddress, Role, Role),
    Remove(EmailAddress, Role),
}

/// From the members there are to those wanted, in the order of their addresses: pure.
fn member_steps(
    present: &BTreeMap<EmailAddress, Role>,
    wanted: &[(EmailAddress, Role)],
    prune: bool,
) -> Vec<MemberStep> {
    let wanted: BTreeMap<&EmailAddress, Role> = wanted.iter().map(|(email, role)| (email, *role)).collect();
    let mut steps = Vec::new();
    for (email, role) in &wanted {
        match present.get(*email) {
            None => steps.push(MemberStep::Add((*email).clone(), *role)),
            Some(before) if before != role => steps.push(MemberStep::SetRole((*email).clone(), *before, *role)),
            Some(_) => {}
        }
    }
    let unlisted = present.iter().filter(|(email, _)| prune && !wanted.contains_key(email));
    steps.extend(unlisted.map(|(email, role)| MemberStep::Remove(email.clone(), *role)));
    steps
}

async fn members(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    wanted: &WantedOrganization,
    prune: bool,
) -> Result<Vec<Difference>, Fault> {
    let mut accounts: BTreeMap<EmailAddress, User> = BTreeMap::new();
    let mut present: BTreeMap<EmailAddress, Role> = BTreeMap::new();
    for held in user::members(tx, found).await? {
        if let Some(account) = crate::directory::user::by_id(tx, held.user).await? {
            // Read by key, so that a change meanwhile runs this again.
            let role = member::find(tx, found.id, account.id).await?.map_or(held.role, |member| member.role);
            present.insert(account.email.clone(), role);
            accounts.insert(account.email.clone(), account);
        }
    }
    let mut changes = Vec::new();
    for step in member_steps(&present, &wanted.members, prune) {
        changes.push(member_step(admin, tx, found, &accounts, step).await?);
    }
    Ok(changes)
}

async fn member_step(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    accounts: &BTreeMap<EmailAddress, User>,
    step: MemberStep,
) -> Result<Difference, Fault> {
    let told = |slug: &Slug, email: &EmailAddress, before: Option<Role>, after: Option<Role>| {
        let text = |role: Option<Role>| role.map(|role| role.to_string());
        Difference::new(slug, format!("member {email}"), text(before), text(after))
    };
    let account = |email: &EmailAddress| {
        accounts.get(email).ok_or_else(|| Fault::from(DirectoryError::NoSuchUser(email.clone())))
    };
    Ok(match step {
        MemberStep::Add(email, role) => {
            user::add_member(admin, tx, found, &email, role).await?;
            told(&found.slug, &email, None, Some(role))
        }
        MemberStep::SetRole(email, before, role) => {
            user::set_role(admin, tx, found, account(&email)?, role).await?;
            told(&found.slug, &email, Some(before), Some(role))
        }
        MemberStep::Remove(email, role) => {
            user::remove_member(admin, tx, found, account(&email)?).await?;
            told(&found.slug, &email, Some(role), None)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_move_from_what_is_to_what_is_wanted() {
        let email = |name: &str| -> EmailAddress { format!("{name}@acme.example").parse().unwrap() };
        let check = |present: &[(&str, Role)], wanted: &[(&str, Role)], prune: bool, expected: &[MemberStep]| {
            let present = present.iter().map(|(name, role)| (email(name), *role)).collect();
            let wanted: Vec<_> = wanted.iter().map(|(name, role)| (email(name), *role)).collect();
            assert_eq!(member_steps(&present, &wanted, prune), expected);
        };
        let (member, admin) = (Role::Member, Role::Admin);
        check(&[], &[], true, &[]);
        check(&[("a", member)], &[("a", member)], true, &[]);
        check(
            &[],
            &[("b", member), ("a", admin)],
            false,
            &[MemberStep::Add(email("a"), admin), MemberStep::Add(email("b"), member)],
        );
        check(&[("a", member)], &[("a", admin)], false, &[MemberStep::SetRole(email("a"), member, admin)]);
        check(&[("a", member)], &[], false, &[]);
        check(&[("a", member)], &[], true, &[MemberStep::Remove(email("a"), member)]);
    }
}
