//! Who finds an organization by themselves: its work domains, and how their people come in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::HeaderMap;

use super::{Door, HERE, Shut, Typed, back};
use crate::directory::authority::Act;
use crate::directory::{
    AuditEntry, DirectoryError, Discoverability, Organization, audit, discovery, effective, organization,
};
use crate::kernel::{Client, DomainName, Fault, FaultKind};
use crate::portal::form::{Form, PAGE_FORM_LIMIT};
use crate::portal::page::Trouble;
use crate::portal::same_origin;
use crate::portal::state::Portal;
use crate::store::Tx;

/// Where the form goes.
pub const DISCOVERABILITY: &str = "/.vestibule/organization/discoverability";

/// What became of it.
enum Outcome {
    Saved(Box<Organization>),
    Shut(Shut),
    /// One of the values can't be.
    Wrong(Box<Door>, String),
}

/// `POST /.vestibule/organization/discoverability` with `organization`, `discoverability` and `domains`.
///
/// # Errors
/// A post from another site; an organization that is not theirs; not their role's affair; single sign-on decides there.
pub async fn save(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let wanted = Some(form.get("organization").unwrap_or_default());
    let Some(visitor) = portal.visitor(&headers).await? else { return portal.shut(Shut::SignIn, wanted) };
    let (choice, domains) = (form.get("discoverability").unwrap_or_default(), form.get("domains").unwrap_or_default());
    let save = async |tx: Tx| {
        let door = match Door::open_to_change(&tx, visitor, wanted).await? {
            Ok(door) => door,
            Err(shut) => return Ok(Outcome::Shut(shut)),
        };
        door.ask(&tx, Act::SetDiscoverability(door.organization.id), None).await?;
        let here = effective::of_organization(&tx, door.organization.clone()).await?;
        if discovery::single_sign_on(&tx, &here).await? {
            return Err(single_sign_on_decides(&door.organization));
        }
        let changed = match changed(&portal, &door.organization, choice, domains) {
            Ok(changed) => changed,
            Err(DirectoryError::InvalidSetting(text)) => return Ok(Outcome::Wrong(Box::new(door), text)),
            Err(error) => return Err(error.into()),
        };
        write(&portal, &tx, &door, &changed, client)?;
        Ok::<_, Trouble>(Outcome::Saved(Box::new(changed)))
    };
    match portal.store.transaction("set who finds an organization", save).await? {
        Outcome::Saved(organization) => {
            tracing::info!(organization = %organization.slug, "who finds an organization was set");
            Ok(back("saved"))
        }
        Outcome::Shut(shut) => portal.shut(shut, wanted),
        Outcome::Wrong(door, problem) => {
            let problem = sentence(&problem);
            let typed = Typed { choice: choice.parse().unwrap_or_default(), domains: domains.to_owned(), problem };
            portal.organization_page(&door, None, Some(typed)).await
        }
    }
}

fn changed(
    portal: &Portal,
    before: &Organization,
    choice: &str,
    domains: &str,
) -> Result<Organization, DirectoryError> {
    let mut changed = before.clone();
    changed.settings.discoverability = choice.parse::<Discoverability>()?;
    changed.settings.discoverable_domains = discovery::domains(domains)?;
    discovery::no_public_mail(&changed, &portal.public_mail)?;
    Ok(changed)
}

/// Writes and audits what changes, as `org set` does.
fn write(portal: &Portal, tx: &Tx, door: &Door, changed: &Organization, client: Client) -> Result<(), Trouble> {
    let before = &door.organization;
    let joined = |domains: &[DomainName]| domains.iter().map(DomainName::as_str).collect::<Vec<_>>().join(",");
    let told = |organization: &Organization| {
        let settings = &organization.settings;
        [
            ("org.set.discoverability", settings.discoverability.to_string()),
            ("org.set.discoverable_domains", joined(&settings.discoverable_domains)),
        ]
    };
    if told(before) == told(changed) {
        return Ok(());
    }
    discovery::unlist(tx, before);
    organization::save(tx, changed)?;
    for ((action, old), (_, new)) in told(before).into_iter().zip(told(changed)).filter(|(old, new)| old != new) {
        let entry = AuditEntry::new(tx, door.account.email.as_str(), action, &before.slug);
        audit::append(tx, &*portal.rng, before.id, &entry.changed(old, new).from(client))?;
    }
    Ok(())
}

/// The refusal as a page says it.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).chain(['.']).collect()
}

fn single_sign_on_decides(organization: &Organization) -> Trouble {
    let public =
        format!("{} has single sign-on, which decides who gets in, so there is nothing to set.", organization.name);
    let mut trouble = Trouble::from(Fault::plain(FaultKind::Conflict, public));
    trouble.again = Some(HERE.into());
    trouble
}
