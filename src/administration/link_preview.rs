//! `link preview`: what a link would change, before it does; the code stays good.

use std::sync::Arc;

use super::Administration;
use super::api::{DomainChange, LinkPreview, LinkPreviewView, PREVIEW_LIMIT, PersonChange};
use super::organization::rule_differences;
use super::user::members;
use crate::directory::authority::Act;
use crate::directory::{Claim, Effective, Organization, Rules, User, claim, effective, link, organization, user};
use crate::kernel::{DomainName, Fault, Role};
use crate::store::{StoreError, Tx};

/// Both organizations, and what matters of them.
struct Pair {
    organization: Organization,
    above: Organization,
    /// Single sign-on is set up.
    organization_sso: bool,
    above_sso: bool,
    now: Rules,
    then: Rules,
    /// Other organizations are named: for the operator alone (D5).
    names: bool,
}

/// What a link by this code would change, and for whom; for owners.
pub async fn preview(admin: Arc<Administration>, call: LinkPreview) -> Result<LinkPreviewView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Own(found.id), None).await?;
    let above = link::admin_of_code(&tx, &call.code).await?;
    let present = effective::of_organization(&tx, found.clone()).await?;
    let pair = Pair {
        organization_sso: effective::has_sso(&tx, found.id).await?,
        above_sso: effective::has_sso(&tx, above.id).await?,
        now: present.rules,
        then: Rules::of(&found.settings, Some(&above.settings)),
        organization: found,
        above,
        names: admin.is_operator(),
    };
    let claims = claim::list(&tx, pair.organization.id).await?;
    let mut domains = Vec::new();
    for held in &claims {
        let theirs = claim::find(&tx, pair.above.id, &held.domain).await?;
        domains.push(domain_change(&pair, held, theirs.as_ref()));
    }
    let (mut people, mut people_changed, mut people_unchanged) = (Vec::new(), 0, 0);
    for member in members(&tx, &pair.organization).await? {
        let Some(account) = user::by_id(&tx, member.user).await? else { continue };
        tokio::task::yield_now().await;
        match person_change(&tx, &pair, &account, member.role).await? {
            None => people_unchanged += 1,
            Some(change) => {
                people_changed += 1;
                if people.len() < PREVIEW_LIMIT {
                    people.push(change);
                }
            }
        }
    }
    people.sort_by(|one, two| one.email.cmp(&two.email));
    Ok(LinkPreviewView {
        slug: pair.organization.slug.clone(),
        admin: pair.above.slug.clone(),
        settings: rule_differences(&pair.organization.slug, &pair.now, &pair.then),
        warnings: warnings(&pair, &present, &claims),
        domains,
        people,
        people_changed,
        people_unchanged,
    })
}

fn domain_change(pair: &Pair, held: &Claim, theirs: Option<&Claim>) -> DomainChange {
    let (slug, above, domain) = (&pair.organization.slug, &pair.above.slug, &held.domain);
    let what = match (held.state.holds(), theirs) {
        (true, None) => format!(
            "leads to the connection of {slug} until the window ends, and nowhere afterwards, unless it is handed over: \
             `vestibule domain transfer {domain} --to {above}`"
        ),
        (true, Some(_)) => format!(
            "{above} claims it too and waits: `vestibule domain transfer {domain} --to {above}` hands over the verified \
             claim in place of the waiting one"
        ),
        (false, Some(theirs)) if theirs.state.holds() => {
            format!("verified for {above} already, and leads there; the claim of {slug} waits, and rests")
        }
        (false, _) => format!("not verified; the claim of {slug} rests, and goes on being looked up"),
    };
    DomainChange { domain: domain.clone(), collides: theirs.is_some(), what }
}

/// How a member signs in now, afterwards, and once the domains are handed over; `None`: as before.
async fn person_change(tx: &Tx, pair: &Pair, account: &User, role: Role) -> Result<Option<PersonChange>, StoreError> {
    let domain = account.email.domain();
    let holder = claim::holder(tx, &domain).await?;
    let holder = holder.as_ref();
    let here = |holder: &Organization| holder.id == pair.organization.id;
    let now = way_in(pair, &pair.now, holder, &domain, role);
    let handed = if holder.is_some_and(here) { Some(&pair.above) } else { holder };
    let handed_over = way_in(pair, &pair.then, handed, &domain, role);
    let rests = holder.filter(|holder| !here(holder));
    let then = way_in(pair, &pair.then, rests, &domain, role);
    if now == then && now == handed_over {
        return Ok(None);
    }
    let (email, role) = (account.email.to_string(), role.to_string());
    Ok(Some(PersonChange { email, role, now, then, handed_over }))
}

/// How somebody gets in whose domain is `holder`'s, under these rules (D9 to D11).
fn way_in(pair: &Pair, rules: &Rules, holder: Option<&Organization>, domain: &DomainName, role: Role) -> String {
    let runs = matches!(role, Role::Owner | Role::Admin);
    let password = match (rules.require_sso, runs) {
        (false, _) => "a password",
        (true, true) => "break-glass password alone",
        (true, false) => "no way in",
    };
    let Some(holder) = holder else { return format!("{password}: {domain} is verified for nobody that counts") };
    let (ours, sso) = match holder.id {
        id if id == pair.organization.id => (true, pair.organization_sso),
        id if id == pair.above.id => (true, pair.above_sso),
        _ => (false, true),
    };
    match (sso, ours, rules.require_sso) {
        (false, ..) => format!("{password}: {} has no single sign-on", holder.slug),
        (true, false, _) if !pair.names => "single sign-on of another organization".to_owned(),
        (true, true, false) => format!("single sign-on of {}, or a password", holder.slug),
        (true, ..) => format!("single sign-on of {}", holder.slug),
    }
}

fn warnings(pair: &Pair, present: &Effective, claims: &[Claim]) -> Vec<String> {
    let (slug, above) = (&pair.organization.slug, &pair.above.slug);
    let mut warnings = Vec::new();
    if let Some((_, held)) = &present.link {
        warnings.push(format!("{slug} is linked to {} already: `vestibule link leave {slug}` comes first", held.slug));
    }
    if !pair.above_sso {
        warnings.push(format!(
            "{above} has no single sign-on yet: `vestibule sso set {above} --metadata FILE` comes first"
        ));
    }
    if claims.iter().any(|claim| claim.state.holds()) && pair.above_sso {
        warnings.push(format!(
            "assign the people of {slug} to the application of {above} at the identity provider before domains are \
             handed over"
        ));
    }
    if pair.now.require_sso && !pair.then.require_sso {
        warnings.push(format!("{slug} requires single sign-on, {above} does not: passwords open again"));
    }
    warnings
}
