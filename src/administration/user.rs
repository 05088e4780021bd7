//! `user add | list | show | set | activate | deactivate | remove`

use std::sync::Arc;

use super::Administration;
use super::api::{
    Changes, Difference, MembershipView, UserActivate, UserAdd, UserAdded, UserList, UserRemove, UserResetPassword,
    UserSet, UserShow, UserView,
};
use crate::directory::audit::OPERATOR;
use crate::directory::authority::Act;
use crate::directory::provisioning::mapping;
use crate::directory::{
    Member, Organization, Origin, User, barred, claim, member, one_time_link, organization, outbox, password, team,
    team_member, user,
};
use crate::kernel::{EmailAddress, Fault, FaultKind, OrgId, Role, Secret, Slug, UserId};
use crate::second_factor::trusted;
use crate::session::records::{self, Scope};
use crate::store::{StoreError, Tx};

/// Somebody's name for people, if it is known.
pub fn known_name(user: &User) -> Option<String> {
    (user.first_name.is_some() || user.last_name.is_some()).then(|| user.display_name())
}

pub(super) fn view(user: &User, memberships: Vec<MembershipView>) -> UserView {
    UserView {
        id: user.id,
        email: user.email.clone(),
        name: known_name(user),
        active: user.active,
        created: user.created.to_string(),
        password: None,
        second_factor: None,
        memberships,
    }
}

pub(super) async fn membership(tx: &Tx, slug: &Slug, member: &Member) -> Result<MembershipView, StoreError> {
    let teams = team_member::of_user(tx, member.organization, member.user).await?;
    Ok(MembershipView {
        slug: slug.clone(),
        role: member.role,
        origin: member.origin,
        since: member.created.to_string(),
        effective_role: team::effective_role(member.role, &teams),
        teams: teams.into_iter().map(|team| team.name).collect(),
        asleep: member.asleep,
    })
}

/// Makes `email` a member, and an account if it has none.
pub async fn add_member(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    email: &EmailAddress,
    role: Role,
) -> Result<User, Fault> {
    let account = match user::find_by_email(tx, email).await? {
        Some(account) => account,
        None => user::create(tx, &*admin.rng, email)?,
    };
    member::add(tx, organization, &account, role, Origin::Hand).await?;
    // Whoever was taken out by provisioning is invited again (D17).
    let account = barred::bring_back(tx, organization.id, account).await?;
    admin.audit(tx, organization.id, "member.add", email, "", role.as_str())?;
    Ok(account)
}

/// Gives a member another role. Gives the one before.
pub async fn set_role(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    account: &User,
    role: Role,
) -> Result<Option<Role>, Fault> {
    let before = member::find(tx, organization.id, account.id).await?.map(|member| member.role);
    if before != Some(role) {
        member::set_role(tx, organization, account, role).await?;
        let old = before.map_or("", Role::as_str);
        admin.audit(tx, organization.id, "member.role", &account.email, old, role.as_str())?;
    }
    Ok(before)
}

/// Ends a membership, and its sessions with it.
pub async fn remove_member(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    account: &User,
) -> Result<Member, Fault> {
    let gone = member::remove(tx, organization, account).await?;
    mapping::left(tx, organization, account.id).await?;
    records::revoke(tx, Scope::Membership(organization.id, account.id)).await?;
    admin.audit(tx, organization.id, "member.remove", &account.email, gone.role.as_str(), "")?;
    Ok(gone)
}

/// A warning if nobody owns an organization any more. The operator may have it so, and nobody else (D18).
async fn without_owner(admin: &Administration, tx: &Tx, organization: &Organization) -> Result<Vec<String>, Fault> {
    if member::has_owner(tx, organization.id).await? {
        return Ok(Vec::new());
    }
    admin.keep_an_owner(false)?;
    let slug = &organization.slug;
    Ok(vec![format!(
        "{slug} has no owner any more who could sign in: `vestibule user add {slug} EMAIL --role owner`, or `user set`, \
         makes one"
    )])
}

/// The hash of the password that somebody is to have.
async fn hash(
    admin: &Administration,
    password: Option<&Secret<String>>,
    email: &EmailAddress,
) -> Result<Option<String>, Fault> {
    let Some(chosen) = password else { return Ok(None) };
    let refuse = |text: String| Fault::plain(FaultKind::Invalid, text);
    if !admin.passwords.enabled {
        return Err(refuse("there are no passwords here: set «enabled» under [password] to true".to_owned()));
    }
    admin.passwords.check(chosen.expose(), email).map_err(|weakness| refuse(weakness.to_string()))?;
    let hashed = admin.hasher.hash(chosen.clone()).await;
    let busy = "too many passwords are being hashed at this moment: try again";
    hashed.map(Some).map_err(|_| Fault::plain(FaultKind::Unavailable, busy))
}

/// Gives an account a password: its sessions end, and so do the links to set another.
async fn set_password(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    account: &User,
    hash: &str,
) -> Result<(), Fault> {
    password::set(tx, account.id, hash)?;
    one_time_link::forget(tx, account.id).await?;
    trusted::forget_all(tx, account.id).await?;
    records::revoke(tx, Scope::User(account.id)).await?;
    admin.audit(tx, organization.id, "password.set", &account.email, "", "")?;
    Ok(())
}

/// The account of a member who is awake. One whose membership sleeps comes in anew by those alone who could confirm it.
pub(super) async fn present(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    email: &EmailAddress,
) -> Result<Option<User>, Fault> {
    let Some(account) = user::find_by_email(tx, email).await? else { return Ok(None) };
    match member::record(tx, organization.id, account.id).await? {
        Some(held) if held.asleep => {
            admin.permit(tx, Act::Confirm(organization.id), Some(&account)).await?;
            Ok(None)
        }
        held => Ok(held.map(|_| account)),
    }
}

/// What is told of somebody's memberships: to an organization, its own alone (D5).
pub(super) async fn told(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    account: &User,
) -> Result<UserView, StoreError> {
    let mut memberships = memberships(tx, account).await?;
    memberships.retain(|one| admin.is_operator() || one.slug == found.slug);
    Ok(view(account, memberships))
}

/// Makes somebody a member, with a role that is theirs to give.
pub async fn add(admin: Arc<Administration>, call: UserAdd) -> Result<UserAdded, Fault> {
    let (admin, call) = (&*admin, &call);
    let hash = hash(admin, call.password.as_ref(), &call.email).await?;
    admin
        .store
        .transaction("user add", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let there = present(admin, &tx, &found, &call.email).await?;
            admin.permit(&tx, Act::Add(found.id, call.role), there.as_ref()).await?;
            if hash.is_some() {
                admin.operators()?;
            }
            let account = match there.filter(|_| hash.is_some()) {
                Some(account) => account,
                None => add_member(admin, &tx, &found, &call.email, call.role).await?,
            };
            if let Some(hash) = &hash {
                set_password(admin, &tx, &found, &account, hash).await?;
            }
            let domain = call.email.domain();
            let claimed = claim::holder(&tx, &domain).await?.is_some();
            let unclaimed_domain = (!claimed).then_some(domain);
            let local = password::find(&tx, account.id).await?.is_some() || outbox::is_on(&tx).await?;
            Ok::<_, Fault>(UserAdded { user: told(admin, &tx, &found, &account).await?, unclaimed_domain, local })
        })
        .await
}

/// The members of an organization.
pub async fn list(admin: Arc<Administration>, call: UserList) -> Result<Vec<UserView>, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let mut views = Vec::new();
    for member in members(&tx, &found).await? {
        if let Some(account) = user::by_id(&tx, member.user).await? {
            views.push(view(&account, vec![membership(&tx, &found.slug, &member).await?]));
        }
    }
    views.sort_by(|one, two| one.email.cmp(&two.email));
    Ok(views)
}

/// Every member of an organization.
pub async fn members(tx: &Tx, organization: &Organization) -> Result<Vec<Member>, StoreError> {
    let mut found: Vec<Member> = Vec::new();
    loop {
        let page = member::list(tx, organization.id, found.last().map(|last| last.user)).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

/// An account with all of its memberships; for the operator.
pub async fn show(admin: Arc<Administration>, call: UserShow) -> Result<UserView, Fault> {
    admin.operators()?;
    let tx = admin.store.reader();
    let account = user::by_email(&tx, &call.email).await?;
    let memberships = memberships(&tx, &account).await?;
    let password = password::find(&tx, account.id).await?.is_some();
    let second_factor = Some(super::second_factor::view(&tx, account.id).await?);
    Ok(UserView { password: Some(password), second_factor, ..view(&account, memberships) })
}

async fn memberships(tx: &Tx, account: &User) -> Result<Vec<MembershipView>, StoreError> {
    let mut views = Vec::new();
    for id in member::of_user(tx, account.id).await? {
        let (organization, member) = (organization::by_id(tx, id).await?, member::record(tx, id, account.id).await?);
        if let (Some(organization), Some(member)) = (organization, member) {
            views.push(membership(tx, &organization.slug, &member).await?);
        }
    }
    views.sort_by(|one, two| one.slug.cmp(&two.slug));
    Ok(views)
}

/// Gives a member another role.
pub async fn set(admin: Arc<Administration>, call: UserSet) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user set", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let account = admin.account_in(&tx, &found, &call.email).await?;
            admin.permit(&tx, Act::SetRole(found.id, call.role), Some(&account)).await?;
            let before = set_role(admin, &tx, &found, &account, call.role).await?;
            let changed = before.filter(|before| *before != call.role).map(|before| {
                let what = format!("role of {}", account.email);
                Difference::new(&found.slug, what, Some(before.to_string()), call.role.to_string())
            });
            let changes: Vec<Difference> = changed.into_iter().collect();
            let lost = !changes.is_empty() && before == Some(Role::Owner);
            let warnings = if lost { without_owner(admin, &tx, &found).await? } else { Vec::new() };
            Ok::<_, Fault>(Changes { changes, warnings })
        })
        .await
}

/// The chains that tell what happens to an account: it belongs to no organization, so each that it is in is told, and
/// if there is none, the operator's.
pub async fn chains(tx: &Tx, account: UserId) -> Result<Vec<OrgId>, StoreError> {
    let organizations = member::of_user(tx, account).await?;
    Ok(if organizations.is_empty() { vec![OPERATOR] } else { organizations })
}

/// Switches an account on or off; for the organization that proved its domain (D5).
pub async fn activate(admin: Arc<Administration>, call: UserActivate) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user activate", async |tx: Tx| {
            let account = admin.account_of(&tx, &call.email).await?;
            let act = if call.active { Act::Activate } else { Act::Deactivate };
            admin.permit(&tx, act, Some(&account)).await?;
            if account.active == call.active {
                return Ok::<_, Fault>(Changes::default());
            }
            user::set_active(&tx, &call.email, call.active).await?;
            if !call.active {
                // Here, not by the change feed alone: it would miss a deactivation that is taken back at once.
                records::revoke(&tx, Scope::User(account.id)).await?;
                // Whoever is switched on again shows the second factor in every browser.
                trusted::forget_all(&tx, account.id).await?;
            }
            let word = |active: bool| if active { "active" } else { "deactivated" };
            for id in chains(&tx, account.id).await? {
                let action = if call.active { "user.activate" } else { "user.deactivate" };
                admin.audit(&tx, id, action, &call.email, word(account.active), word(call.active))?;
            }
            let before = Some(word(account.active).to_owned());
            let changed = Difference::new(&call.email, "account", before, word(call.active).to_owned());
            let mut warnings = Vec::new();
            // Whoever proved the domain decides alone; what it means elsewhere is the operator's to see (D5, D19).
            let seen = |id: &OrgId| admin.by.organization().is_none_or(|own| own == *id);
            for id in member::of_user(&tx, account.id).await?.into_iter().filter(seen) {
                let owned = member::find(&tx, id, account.id).await?.is_some_and(|held| held.role == Role::Owner);
                if let Some(organization) = organization::by_id(&tx, id).await?.filter(|_| owned && !call.active) {
                    warnings.extend(without_owner(admin, &tx, &organization).await?);
                }
            }
            Ok(Changes { changes: vec![changed], warnings })
        })
        .await
}

/// Ends a membership.
pub async fn remove(admin: Arc<Administration>, call: UserRemove) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user remove", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let account = admin.account_in(&tx, &found, &call.email).await?;
            admin.permit(&tx, Act::Remove(found.id), Some(&account)).await?;
            let before = remove_member(admin, &tx, &found, &account).await?;
            let gone = Difference::new(&found.slug, "member", Some(account.email.to_string()), None);
            let lost = before.role == Role::Owner && !before.asleep;
            let warnings = if lost { without_owner(admin, &tx, &found).await? } else { Vec::new() };
            Ok::<_, Fault>(Changes { changes: vec![gone], warnings })
        })
        .await
}

/// Takes a password away: whoever knows it is out, and its owner chooses another by mail.
pub async fn reset_password(admin: Arc<Administration>, call: UserResetPassword) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user reset-password", async |tx: Tx| {
            let account = admin.account_of(&tx, &call.email).await?;
            admin.permit(&tx, Act::ResetSecondFactor, Some(&account)).await?;
            if !password::forget(&tx, account.id).await? {
                return Ok::<_, Fault>(Changes::default());
            }
            one_time_link::forget(&tx, account.id).await?;
            trusted::forget_all(&tx, account.id).await?;
            records::revoke(&tx, Scope::User(account.id)).await?;
            for id in member::of_user(&tx, account.id).await? {
                admin.audit(&tx, id, "password.remove", &call.email, "", "")?;
            }
            let gone = Difference::new(&call.email, "password", Some("set".to_owned()), None);
            Ok(Changes { changes: vec![gone], ..Changes::default() })
        })
        .await
}
