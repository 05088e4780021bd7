//! `apply`, the link of a customer organization to its Admin organization.

use super::Administration;
use super::api::{Difference, WantedOrganization};
use crate::directory::provisioning::mapping;
use crate::directory::{OrgKind, Organization, link, organization};
use crate::kernel::{Fault, FaultKind, Slug};
use crate::session::{Scope, records};
use crate::store::Tx;

/// What is to be done about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LinkStep {
    Nothing,
    Join(Slug),
    Leave(Slug),
    Change(Slug, Slug),
}

/// From the link there is to the one wanted. Pure.
fn step(present: Option<&Slug>, wanted: Option<&Slug>, prune: bool) -> LinkStep {
    match (present, wanted) {
        (Some(present), Some(wanted)) if present != wanted => LinkStep::Change(present.clone(), wanted.clone()),
        (None, Some(wanted)) => LinkStep::Join(wanted.clone()),
        (Some(present), None) if prune => LinkStep::Leave(present.clone()),
        _ => LinkStep::Nothing,
    }
}

/// Brings the link of one organization to what is wanted. The Admin organization is there already.
pub async fn bring(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    wanted: &WantedOrganization,
    prune: bool,
) -> Result<Option<Difference>, Fault> {
    if wanted.admin.is_some() && found.kind == OrgKind::Admin {
        let text = "an Admin organization is linked to none: «admin» is for customer organizations";
        return Err(Fault::plain(FaultKind::Invalid, text.to_owned()));
    }
    let present = match link::find(tx, found.id).await? {
        Some(held) => organization::by_id(tx, held.admin).await?.map(|above| above.slug),
        None => None,
    };
    let told = |before: Option<&Slug>, after: Option<&Slug>| {
        let text = |slug: Option<&Slug>| slug.map(ToString::to_string);
        Some(Difference::new(&found.slug, "linked to", text(before), text(after)))
    };
    Ok(match step(present.as_ref(), wanted.admin.as_ref(), prune) {
        LinkStep::Nothing => None,
        LinkStep::Join(above) => {
            join(admin, tx, found, &above).await?;
            told(None, Some(&above))
        }
        LinkStep::Leave(above) => {
            leave(admin, tx, found, &above).await?;
            told(Some(&above), None)
        }
        LinkStep::Change(before, after) => {
            leave(admin, tx, found, &before).await?;
            join(admin, tx, found, &after).await?;
            told(Some(&before), Some(&after))
        }
    })
}

/// Whoever has the file has both organizations: the code is made and used in one transaction.
async fn join(admin: &Administration, tx: &Tx, found: &Organization, above: &Slug) -> Result<(), Fault> {
    let above = organization::by_slug(tx, above).await?;
    let code = link::code(tx, &*admin.rng, &above)?;
    let (above, made) = link::join(tx, found, code.expose(), link::DEFAULT_WINDOW).await?;
    mapping::connect(tx, &*admin.rng, above.id, found).await?;
    let told = format!("linked to {}, own connection until {}", above.slug, made.window_ends);
    admin.audit(tx, found.id, "link.join", &above.slug, "", &told)?;
    Ok(admin.audit(tx, above.id, "link.join", &found.slug, "", &told)?)
}

/// Sessions made through the Admin organization end in the same commit (D14).
async fn leave(admin: &Administration, tx: &Tx, found: &Organization, above: &Slug) -> Result<(), Fault> {
    if let Some(held) = link::find(tx, found.id).await? {
        mapping::disconnect(tx, &*admin.rng, held.admin, found).await?;
    }
    let gone = link::leave(tx, found).await?;
    records::revoke(tx, Scope::Through(found.id, gone.admin)).await?;
    admin.audit(tx, found.id, "link.leave", above, "linked", "")?;
    Ok(admin.audit(tx, gone.admin, "link.leave", &found.slug, "linked", "")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_moves_from_what_is_to_what_is_wanted() {
        let slug = |text: &str| -> Slug { text.parse().unwrap() };
        let (one, two) = (slug("one"), slug("two"));
        let check = |present, wanted, prune, expected| assert_eq!(step(present, wanted, prune), expected);
        check(None, None, true, LinkStep::Nothing);
        check(Some(&one), None, false, LinkStep::Nothing);
        check(Some(&one), None, true, LinkStep::Leave(slug("one")));
        check(Some(&one), Some(&one), true, LinkStep::Nothing);
        check(None, Some(&one), false, LinkStep::Join(slug("one")));
        check(Some(&one), Some(&two), false, LinkStep::Change(slug("one"), slug("two")));
    }
}
