//! Members as their own organization sees them, page by page, and one of them: of other memberships, nothing is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Administration;
use super::api::{AccountOf, MemberActs, MemberList, MemberPage, MemberShow, MemberTeam, MemberView, UserView};
use super::user::{membership, view};
use crate::directory::authority::Act;
use crate::directory::{
    Organization, effective, member, member_index, organization, outbox, password, team, team_member, user,
};
use crate::kernel::{DomainName, Fault, FaultKind, OrgId, Role};
use crate::store::{StoreError, Tx};

/// How many members one page shows.
pub const PAGE: usize = 50;

/// A page of an organization's members, by the beginning of address or name.
pub async fn list(admin: Arc<Administration>, call: MemberList) -> Result<MemberPage, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let (ids, next) = member_index::page(&tx, found.id, &call.search, call.after, PAGE).await?;
    let mut members = Vec::new();
    for id in ids {
        let (account, held) = (user::by_id(&tx, id).await?, member::record(&tx, found.id, id).await?);
        if let (Some(account), Some(held)) = (account, held) {
            members.push(view(&account, vec![membership(&tx, &found.slug, &held).await?]));
        }
    }
    Ok(MemberPage { members, next, mail: outbox::is_on(&tx).await? })
}

/// One member.
///
/// # Errors
/// «Not found», if they are none, whoever else they may be.
pub async fn show(admin: Arc<Administration>, call: MemberShow) -> Result<MemberView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let (account, held) = (user::by_id(&tx, call.user).await?, member::record(&tx, found.id, call.user).await?);
    let (Some(account), Some(held)) = (account, held) else {
        return Err(Fault::plain(FaultKind::NotFound, "This person is no member here, or no longer."));
    };
    let membership = membership(&tx, &found.slug, &held).await?;
    let may = MemberActs {
        membership: admin.may(&tx, Act::SetRole(found.id, Role::Member), Some(&account)).await?,
        account: admin.may(&tx, Act::ResetSecondFactor, Some(&account)).await?,
        own: admin.may(&tx, Act::Own(found.id), None).await?,
    };
    let owner = Owners::default().of(&tx, found.id, &account.email.domain()).await?;
    let theirs = admin.is_operator() || owner == AccountOf::Own;
    let (second_factor, password) = if theirs {
        let factors = super::second_factor::view(&tx, account.id).await?;
        (Some(factors), Some(password::find(&tx, account.id).await?.is_some()))
    } else {
        (None, None)
    };
    let user: UserView = view(&account, vec![membership.clone()]);
    let teams = teams(&tx, &found, &account).await?;
    Ok(MemberView { user, membership, teams, account: owner, second_factor, password, may })
}

async fn teams(tx: &Tx, organization: &Organization, account: &user::User) -> Result<Vec<MemberTeam>, StoreError> {
    let mut teams = Vec::new();
    for held in team_member::of_user(tx, organization.id, account.id).await? {
        let by_hand = team::is_by_hand(tx, organization, &held).await?;
        teams.push(MemberTeam { id: held.id, name: held.name, role: held.role, by_hand });
    }
    Ok(teams)
}

/// Whose the accounts of a domain are (D5), each domain looked up once.
#[derive(Default)]
pub struct Owners(BTreeMap<DomainName, AccountOf>);

impl Owners {
    /// Whose the accounts of `domain` are, seen from `organization`.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(&mut self, tx: &Tx, organization: OrgId, domain: &DomainName) -> Result<AccountOf, StoreError> {
        if let Some(known) = self.0.get(domain) {
            return Ok(*known);
        }
        let owner = match effective::of_domain(tx, domain).await?.map(|held| held.organization.id) {
            Some(holder) if holder == organization => AccountOf::Own,
            Some(_) => AccountOf::Another,
            None => AccountOf::Nobody,
        };
        self.0.insert(domain.clone(), owner);
        Ok(owner)
    }
}
