//! What `vestibule check --store` asks of the directory: every record decodes, and every index agrees with its records.

use super::{
    access_request, audit, barred, claim, discovery, gain_stamp, last_used, link, login, member, member_index,
    one_time_link, organization, outbox, password, provisioning, provisioning_log, sso, sso_proof, team, team_member,
    two_factor, user,
};
use crate::kernel::OrgId;
use crate::store::{StoreError, TableChecker, Tx, checker, decodes};

/// What the directory promises of each of its records and index rows, for [`check_store`](crate::store::check_store).
pub fn checkers() -> Vec<TableChecker> {
    let mut all = vec![decodes(&organization::BY_SLUG), decodes(&last_used::LAST_USED)];
    all.extend(audit::AUDIT.checkers());
    all.extend(login::checkers());
    all.extend(super::sso_test::checkers());
    all.extend(super::sso_refresh::checkers());
    all.extend(super::login_share::checkers());
    all.extend(super::login_message::checkers());
    all.extend(outbox::checkers());
    all.extend(provisioning_log::checkers());
    all.extend(gain_stamp::checkers());
    all.extend(password::checkers());
    all.extend(one_time_link::checkers());
    all.extend(discovery::checkers());
    all.extend(access_request::checkers());
    all.extend(two_factor::checkers());
    all.extend(organizations());
    all.extend(users());
    all.extend(members());
    all.extend(member_index::checkers());
    all.extend(teams());
    all.extend(team_members());
    all.extend(claims());
    all.extend(single_sign_on());
    all.extend(links());
    all.extend(provisioning::check::checkers());
    all
}

/// The sentence, unless `right`.
fn unless(right: bool, problem: &str) -> Option<String> {
    (!right).then(|| problem.to_owned())
}

fn organizations() -> Vec<TableChecker> {
    let to_slug = checker(&organization::ORGANIZATIONS, async |tx: Tx, id, record: organization::Organization| {
        let led = tx.get(&organization::BY_SLUG, &record.slug).await?;
        Ok(unless(record.id == id && led == Some(id), "its slug does not lead to it"))
    });
    vec![to_slug]
}

fn users() -> Vec<TableChecker> {
    let to_address = checker(&user::USERS, async |tx: Tx, id, record: user::User| {
        let led = tx.get(&user::BY_EMAIL, &record.email).await?;
        if tx.get(&user::BY_DOMAIN, &(record.email.domain(), id)).await?.is_none() {
            return Ok(unless(false, "it is missing in the list of its domain"));
        }
        Ok(unless(record.id == id && led == Some(id), "its address does not lead to it"))
    });
    let from_address = checker(&user::BY_EMAIL, async |tx: Tx, email, id| {
        let right = user::by_id(&tx, id).await?.is_some_and(|user| user.email == email);
        Ok(unless(right, "it leads to an account which does not have it"))
    });
    let link = checker(&user::SSO_LINKS, async |tx: Tx, _, id| {
        Ok(unless(user::by_id(&tx, id).await?.is_some(), "the link leads to no account"))
    });
    let of_domain = checker(&user::BY_DOMAIN, async |tx: Tx, (domain, id), ()| {
        let right = user::by_id(&tx, id).await?.is_some_and(|user| user.email.domain() == domain);
        Ok(unless(right, "the domain lists an account which has no address of it"))
    });
    vec![to_address, from_address, link, of_domain]
}

fn members() -> Vec<TableChecker> {
    let record = checker(&member::MEMBERS, async |tx: Tx, (organization, user), record: member::Member| {
        if record.organization != organization || record.user != user {
            return Ok(unless(false, "the member's record says otherwise than its key"));
        }
        if tx.get(&member::BY_USER, &(user, organization)).await?.is_none() {
            return Ok(unless(false, "the membership is missing in the account's organizations"));
        }
        let Some(account) = user::by_id(&tx, user).await? else {
            return Ok(unless(false, "there is no such account"));
        };
        if !member_index::is_listed(&tx, &record, &account).await? {
            return Ok(unless(false, "the member is missing in the list by address or name"));
        }
        if tx.get(&member::ASLEEP, &(organization, user)).await?.is_some() != record.asleep {
            return Ok(unless(false, "it sleeps, or not, otherwise than the list of those that sleep says"));
        }
        in_organization(&tx, organization).await
    });
    let index = checker(&member::BY_USER, async |tx: Tx, (user, organization), ()| {
        let right = member::record(&tx, organization, user).await?.is_some();
        Ok(unless(right, "the account names an organization which it is no member of"))
    });
    let asleep = checker(&member::ASLEEP, async |tx: Tx, (organization, user), ()| {
        let right = member::record(&tx, organization, user).await?.is_some_and(|member| member.asleep);
        Ok(unless(right, "a membership is listed as asleep which is not"))
    });
    vec![record, index, asleep]
}

fn teams() -> Vec<TableChecker> {
    let record = checker(&team::TEAMS, async |tx: Tx, (organization, id), record: team::Team| {
        if record.organization != organization || record.id != id {
            return Ok(unless(false, "the team says otherwise than its key"));
        }
        if tx.get(&team::BY_NAME, &(organization, team::fold(&record.name))).await? != Some(id) {
            return Ok(unless(false, "the team's name does not lead to it"));
        }
        in_organization(&tx, organization).await
    });
    let index = checker(&team::BY_NAME, async |tx: Tx, (organization, name), id| {
        let found = team::by_id(&tx, organization, id).await?;
        Ok(unless(found.is_some_and(|team| team::fold(&team.name) == name), "it leads to a team of another name"))
    });
    let stamp = checker(&team::STAMPS, async |tx: Tx, (organization, id), _| {
        let right = id == team::ALL_TEAMS || team::by_id(&tx, organization, id).await?.is_some();
        Ok(unless(right, "it tells when a team changed which there is not"))
    });
    vec![record, index, stamp]
}

fn team_members() -> Vec<TableChecker> {
    let record = checker(&team_member::TEAM_MEMBERS, async |tx: Tx, (organization, id, user), _| {
        if tx.get(&team_member::BY_USER, &(user, organization, id)).await?.is_none() {
            return Ok(unless(false, "the team is missing among the member's teams"));
        }
        if member::record(&tx, organization, user).await?.is_none() {
            return Ok(unless(false, "somebody is in a team who is no member of the organization"));
        }
        Ok(unless(team::by_id(&tx, organization, id).await?.is_some(), "somebody is in a team which there is not"))
    });
    let index = checker(&team_member::BY_USER, async |tx: Tx, (user, organization, id), ()| {
        let right = tx.get(&team_member::TEAM_MEMBERS, &(organization, id, user)).await?.is_some();
        Ok(unless(right, "the member's teams name one which they are not in"))
    });
    vec![record, index, decodes(&team_member::STAMPS)]
}

fn claims() -> Vec<TableChecker> {
    let record = checker(&claim::CLAIMS, async |tx: Tx, (organization, domain), record: claim::Claim| {
        let holder = tx.get(&claim::VERIFIED, &domain).await?;
        if record.state.holds() && holder != Some(organization) {
            return Ok(Some(format!("the domain {domain} is verified for {organization}, and does not lead to it")));
        }
        if record.organization != organization || record.domain != domain {
            return Ok(unless(false, "the claim's record says otherwise than its key"));
        }
        if record.trusted == record.token.is_some() {
            return Ok(unless(false, "a claim has a token, or the operator's word, and never both"));
        }
        if tx.get(&claim::CLAIMANTS, &(domain.clone(), organization)).await?.is_none() {
            return Ok(unless(false, "the claim is missing among those of its domain"));
        }
        let listed = match record.due {
            Some(due) => tx.get(&claim::DUE, &(due, organization, domain)).await?.is_some(),
            None => true,
        };
        if !listed {
            return Ok(unless(false, "the claim's next check is not on the list of checks"));
        }
        in_organization(&tx, organization).await
    });
    let index = checker(&claim::VERIFIED, async |tx: Tx, domain, holder| {
        let claim = tx.get(&claim::CLAIMS, &(holder, domain.clone())).await?;
        let right = claim.is_some_and(|claim| claim.state.holds());
        Ok((!right).then(|| format!("the domain {domain} leads to {holder}, which has no verified claim of it")))
    });
    let claimant = checker(&claim::CLAIMANTS, async |tx: Tx, (domain, organization), ()| {
        let right = claim::find(&tx, organization, &domain).await?.is_some();
        Ok(unless(right, "the domain lists a claim which there is not"))
    });
    let due = checker(&claim::DUE, async |tx: Tx, (due, organization, domain), ()| {
        let right = claim::find(&tx, organization, &domain).await?.is_some_and(|claim| claim.due == Some(due));
        Ok(unless(right, "a check is listed for a time at which no claim wants one"))
    });
    vec![record, index, claimant, due, decodes(&claim::FORMER)]
}

fn single_sign_on() -> Vec<TableChecker> {
    let settings = checker(&sso::SSO_SETTINGS, async |tx: Tx, organization, settings: sso::SsoSettings| {
        if sso::certificates(&tx, organization).await?.is_empty() {
            return Ok(unless(false, "single sign-on has no certificate (R18)"));
        }
        if settings.metadata_url.is_some() && super::sso_refresh::find(&tx, organization).await?.is_none() {
            return Ok(unless(false, "metadata has an address, and nothing is known of reading it again"));
        }
        in_organization(&tx, organization).await
    });
    let certificate =
        checker(&sso::SSO_CERTIFICATES, async |tx: Tx, (organization, sha256), record: sso::SsoCertificate| {
            if record.sha256 != sha256 {
                return Ok(unless(false, "the certificate says otherwise than its key"));
            }
            in_organization(&tx, organization).await
        });
    vec![settings, certificate]
}

fn links() -> Vec<TableChecker> {
    let record = checker(&link::LINKS, async |tx: Tx, organization, link: link::Link| {
        if tx.get(&link::LINKED, &(link.admin, organization)).await?.is_none() {
            return Ok(unless(false, "the linked organization is missing among those of its Admin organization"));
        }
        let admin = organization::by_id(&tx, link.admin).await?;
        if !admin.is_some_and(|admin| admin.kind == organization::OrgKind::Admin) {
            return Ok(unless(false, "it is linked to what is no Admin organization"));
        }
        in_organization(&tx, organization).await
    });
    let index = checker(&link::LINKED, async |tx: Tx, (admin, organization), ()| {
        let right = link::find(&tx, organization).await?.is_some_and(|link| link.admin == admin);
        Ok(unless(right, "the Admin organization lists one that is not linked to it"))
    });
    let moved = checker(&link::MOVED, async |tx: Tx, (organization, _), admin| {
        let right = link::find(&tx, organization).await?.is_some_and(|link| link.admin == admin);
        Ok(unless(right, "a domain was handed over by an organization that is not linked"))
    });
    vec![
        record,
        index,
        moved,
        decodes(&link::OLD_USES),
        decodes(&link::CODES),
        decodes(&barred::BARRED),
        decodes(&sso_proof::PROOFS),
    ]
}

async fn in_organization(tx: &Tx, id: OrgId) -> Result<Option<String>, StoreError> {
    Ok(unless(organization::by_id(tx, id).await?.is_some(), "it belongs to an organization which there is not"))
}
