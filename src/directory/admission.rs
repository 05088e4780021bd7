//! Who is let in after the IdP has spoken: the rules are pure, the transaction around them is thin.

use crate::kernel::{EmailAddress, Rng, Role};
use crate::store::{StoreError, Tx};

use super::claim;
use super::error::DirectoryError;
use super::member::{self, Member, Origin};
use super::organization::Organization;
use super::user::{self, User};

/// What a verified assertion says of a person.
#[derive(Clone, Debug)]
pub struct AssertedIdentity<'a> {
    /// The IdP's entity ID.
    pub idp: &'a str,
    /// The NameID, if it is stable: not transient, not absent, not itself an address (D4).
    pub stable_name_id: Option<&'a str>,
    /// The address.
    pub email: &'a EmailAddress,
    /// The given name, if it came.
    pub first_name: Option<&'a str>,
    /// The family name, if it came.
    pub last_name: Option<&'a str>,
}

/// Why the directory lets someone not in, although the IdP vouches for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address's domain is not verified for this very organization (R37).
    EmailDomain,
    /// The SSO link and the address mean different accounts (D4).
    AccountConflict,
    /// The account is deactivated.
    Deactivated,
    /// No member, and `idp_managed_access` is off: an invitation is needed.
    NotAMember,
}

impl Refusal {
    /// The reason code in logs.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::EmailDomain => "email_domain",
            Refusal::AccountConflict => "account_conflict",
            Refusal::Deactivated => "deactivated",
            Refusal::NotAMember => "not_a_member",
        }
    }
}

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of facts, each of which is true or not")]
pub struct Facts {
    /// The address's domain is verified for this organization.
    pub domain_is_ours: bool,
    /// The link and the address mean different accounts.
    pub accounts_differ: bool,
    /// There is an account, and it is deactivated.
    pub deactivated: bool,
    /// The account is a member.
    pub is_member: bool,
    /// The organization adds whoever its IdP vouches for.
    pub idp_managed_access: bool,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Let in as the member they are.
    Enter,
    /// Let in, and made a member now.
    Join,
    /// Not let in.
    Refuse(Refusal),
}

/// The rules, in their order: the domain first, so that an IdP learns nothing about accounts outside its domains.
pub const fn decide(facts: &Facts) -> Admission {
    if !facts.domain_is_ours {
        return Admission::Refuse(Refusal::EmailDomain);
    }
    if facts.accounts_differ {
        return Admission::Refuse(Refusal::AccountConflict);
    }
    if facts.deactivated {
        return Admission::Refuse(Refusal::Deactivated);
    }
    match (facts.is_member, facts.idp_managed_access) {
        (true, _) => Admission::Enter,
        (false, true) => Admission::Join,
        (false, false) => Admission::Refuse(Refusal::NotAMember),
    }
}

/// Someone who was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The account, with what the IdP says of it now.
    pub user: User,
    /// The membership.
    pub member: Member,
    /// Whether the membership was made just now.
    pub joined: bool,
}

/// Admits a person to `organization` on the word of its own IdP, within the caller's transaction: finds or makes the
/// account (R40, D4), updates address and names, makes the link and, if the rules say so, the membership.
///
/// # Errors
/// [`DirectoryError::Store`]; a refusal is no error but the inner value, and writes nothing.
pub async fn admit(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    identity: &AssertedIdentity<'_>,
) -> Result<Result<Admitted, Refusal>, DirectoryError> {
    let holder = claim::holder(tx, &identity.email.domain()).await?;
    let by_email = user::find_by_email(tx, identity.email).await?;
    let linked = match identity.stable_name_id {
        Some(name_id) => user::find_by_link(tx, organization.id, identity.idp, name_id).await?,
        None => None,
    };
    // An account keeps its link only while its present address is the organization's too: otherwise this IdP
    // would act on somebody outside its domains.
    let linked = match linked {
        Some(user) if is_ours(tx, organization, &user).await? => Some(user),
        _ => None,
    };
    let accounts_differ = matches!((&linked, &by_email), (Some(link), Some(email)) if link.id != email.id);
    let account = linked.or(by_email);
    let membership = match &account {
        Some(user) => member::find(tx, organization.id, user.id).await?,
        None => None,
    };
    let decision = decide(&Facts {
        domain_is_ours: holder.is_some_and(|holder| holder.id == organization.id),
        accounts_differ,
        deactivated: account.as_ref().is_some_and(|user| !user.active),
        is_member: membership.is_some(),
        idp_managed_access: organization.settings.idp_managed_access,
    });
    if let Admission::Refuse(refusal) = decision {
        return Ok(Err(refusal));
    }
    let user = match account {
        Some(user) => user,
        None => user::create(tx, rng, identity.email)?,
    };
    let user = update(tx, &user, identity)?;
    if let Some(name_id) = identity.stable_name_id {
        user::link(tx, organization.id, identity.idp, name_id, user.id)?;
    }
    if let Some(member) = membership {
        return Ok(Ok(Admitted { user, member, joined: false }));
    }
    let member = member::add(tx, organization, &user, Role::Member, Origin::Jit).await?;
    Ok(Ok(Admitted { user, member, joined: true }))
}

async fn is_ours(tx: &Tx, organization: &Organization, user: &User) -> Result<bool, StoreError> {
    let holder = claim::holder(tx, &user.email.domain()).await?;
    Ok(holder.is_some_and(|holder| holder.id == organization.id))
}

/// Takes over address and names, writing only what changed.
fn update(tx: &Tx, user: &User, identity: &AssertedIdentity<'_>) -> Result<User, StoreError> {
    let mut updated = user.clone();
    updated.email = identity.email.clone();
    if let Some(first) = identity.first_name.and_then(user::tidy_name) {
        updated.first_name = Some(first);
    }
    if let Some(last) = identity.last_name.and_then(user::tidy_name) {
        updated.last_name = Some(last);
    }
    if updated != *user {
        user::save(tx, &updated, &user.email)?;
    }
    Ok(updated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_admission() {
        use Admission::{Enter, Join, Refuse};
        use Refusal::{AccountConflict, Deactivated, EmailDomain, NotAMember};
        let check = |[ours, differ, off, member, managed]: [u8; 5], expected: Admission| {
            let facts = Facts {
                domain_is_ours: ours == 1,
                accounts_differ: differ == 1,
                deactivated: off == 1,
                is_member: member == 1,
                idp_managed_access: managed == 1,
            };
            assert_eq!(decide(&facts), expected, "{facts:?}");
        };
        // ours, accounts differ, deactivated, member, idp_managed_access
        check([1, 0, 0, 1, 0], Enter);
        check([1, 0, 0, 1, 1], Enter);
        check([1, 0, 0, 0, 1], Join);
        check([1, 0, 0, 0, 0], Refuse(NotAMember));
        check([1, 0, 1, 1, 1], Refuse(Deactivated));
        check([1, 0, 1, 0, 1], Refuse(Deactivated));
        check([1, 1, 0, 1, 1], Refuse(AccountConflict));
        check([1, 1, 1, 1, 1], Refuse(AccountConflict));
        // R37: whatever else is true, an IdP speaks for its organization's domains alone, and learns nothing of others.
        for rest in 0..16_u8 {
            check([0, rest & 1, rest >> 1 & 1, rest >> 2 & 1, rest >> 3 & 1], Refuse(EmailDomain));
        }
    }
}
