//! Who could not enter any more if single sign-on were required, and who keeps a password for an emergency (D10, D11).

use std::sync::Arc;

use super::Administration;
use super::api::{Lockout, LockoutPerson, LockoutView};
use crate::directory::authority::Act;
use crate::directory::effective::{self, Effective};
use crate::directory::places::{self, Person, Showed};
use crate::directory::{Entry, Organization, Rules, User, link, member, organization, password, user};
use crate::kernel::{Fault, OrgId, UserId};
use crate::store::{StoreError, Tx};

/// How many members one page looks at: each costs some reads.
const LOOKED_AT: usize = 100;

/// A page of the members of an organization, and of those linked to it, whose rules these are.
pub async fn look(admin: Arc<Administration>, call: Lockout) -> Result<LockoutView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let mut view = LockoutView { asker: admin.by.organization(), ..LockoutView::default() };
    for organization in concerned(&tx, &found, call.after.map(|(id, _)| id)).await? {
        let after = call.after.filter(|(id, _)| *id == organization.id).map(|(_, user)| user);
        if let Some(next) = members(&tx, organization, after, &mut view).await? {
            view.next = Some(next);
            break;
        }
    }
    Ok(view)
}

/// The organizations whose members its rules concern (D12), from `first` on.
async fn concerned(tx: &Tx, found: &Organization, first: Option<OrgId>) -> Result<Vec<Organization>, StoreError> {
    let mut all = vec![found.clone()];
    all.extend(link::linked_to(tx, found.id).await?);
    let start = all.iter().position(|organization| Some(organization.id) == first).unwrap_or(0);
    Ok(all.split_off(start))
}

/// Looks at the members behind `after`, until the page is full: gives from where to go on then.
async fn members(
    tx: &Tx,
    organization: Organization,
    after: Option<UserId>,
    view: &mut LockoutView,
) -> Result<Option<(OrgId, UserId)>, StoreError> {
    let id = organization.id;
    let effective = effective::of_organization(tx, organization).await?;
    let rules = Rules { require_sso: true, ..effective.rules };
    let target = Effective { rules, ..effective };
    let mut after = after;
    loop {
        let page = member::list(tx, id, after).await?;
        let Some(last) = page.last().map(|last| last.user) else { return Ok(None) };
        for held in page {
            if view.looked_at == LOOKED_AT {
                return Ok(after.map(|after| (id, after)).or(Some((id, UserId::from_bytes([0; 16])))));
            }
            view.looked_at += 1;
            after = Some(held.user);
            let account = user::by_id(tx, held.user).await?.filter(|account| account.active && !held.asleep);
            if let Some(account) = account {
                judge(tx, &target, &account, view).await?;
            }
        }
        after = Some(last);
    }
}

async fn judge(tx: &Tx, target: &Effective, account: &User, view: &mut LockoutView) -> Result<(), StoreError> {
    let person = Person::of(account);
    let by_password = places::entry(tx, target, &person, Showed::Password).await?;
    let domain = account.email.domain();
    let holder = effective::of_domain(tx, &domain).await?.map(|holder| holder.organization.id);
    let by_sso = match holder {
        Some(holder) if effective::has_sso(tx, holder).await? => {
            let entry = places::entry(tx, target, &person, Showed::Sso(holder)).await?;
            matches!(entry, Entry::Enter | Entry::Join)
        }
        _ => false,
    };
    // Of a linked organization, whose people are not the asker's by their domain are counted, and not named (D5).
    let named = view.asker.is_none_or(|asker| asker == target.organization.id || holder == Some(asker));
    let told = |why: String| LockoutPerson {
        email: if named { account.email.to_string() } else { "somebody of another domain".to_owned() },
        organization: target.organization.slug.clone(),
        why,
    };
    if matches!(by_password, Entry::BreakGlass | Entry::Enter) {
        let way = if by_sso { "single sign-on, and the password" } else { "the password alone" };
        // Whether there is one is for those whose account it is (D5).
        let theirs = view.asker.is_none_or(|asker| holder == Some(asker));
        let word = match theirs {
            false => "",
            true if password::find(tx, account.id).await?.is_some() => "; has one",
            true => "; has none yet",
        };
        view.break_glass.push(told(format!("{way}{word}")));
    } else if !by_sso {
        view.locked_out.push(told(match holder {
            None => format!("nobody has proved {domain}: claim it, or end the membership"),
            Some(_) => format!("the single sign-on of {domain} does not let them in here"),
        }));
    }
    Ok(())
}
