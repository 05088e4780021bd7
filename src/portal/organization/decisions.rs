//! Deciding about people: whose membership sleeps, and who asks to be let in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::HeaderMap;

use super::{Door, HERE, Shut, back};
use crate::directory::access_request::{self, Decision};
use crate::directory::authority::Act;
use crate::directory::provisioning::mapping;
use crate::directory::{AuditEntry, User, audit, member, user};
use crate::kernel::{Client, Fault, FaultKind, UserId};
use crate::portal::access;
use crate::portal::form::{Form, PAGE_FORM_LIMIT};
use crate::portal::page::Trouble;
use crate::portal::same_origin;
use crate::portal::state::Portal;
use crate::session::{Scope, records};
use crate::store::Tx;
use crate::web::access_mails::Mails;

/// `POST /.vestibule/organization/members` with `organization`, `user`, and `decision`, `confirm` or `remove`: what
/// becomes of a membership that sleeps.
///
/// # Errors
/// A post from another site; an organization that is not theirs; not their role's affair; no such membership.
pub async fn decide_member(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let wanted = Some(form.get("organization").unwrap_or_default());
    let Some(visitor) = portal.visitor(&headers).await? else { return portal.shut(Shut::SignIn, wanted) };
    let confirmed = choice(&form, "confirm", "remove")?;
    let id = person(&form)?;
    let decide = async |tx: Tx| {
        let door = match Door::open_to_change(&tx, visitor, wanted).await? {
            Ok(door) => door,
            Err(shut) => return Ok(Err(shut)),
        };
        let sleeping = member::record(&tx, door.organization.id, id).await?.is_some_and(|member| member.asleep);
        let who = user::by_id(&tx, id).await?.filter(|_| sleeping).ok_or_else(over)?;
        settle(&portal, &tx, &door, (&who, client), confirmed).await?;
        Ok::<_, Trouble>(Ok(door))
    };
    match portal.store.transaction("decide on a membership", decide).await? {
        Ok(door) => {
            tracing::info!(organization = %door.organization.slug, confirmed, "a membership that slept was decided on");
            Ok(back(if confirmed { "confirmed" } else { "removed" }))
        }
        Err(shut) => portal.shut(shut, wanted),
    }
}

async fn settle(
    portal: &Portal,
    tx: &Tx,
    door: &Door,
    (who, client): (&User, Client),
    confirmed: bool,
) -> Result<(), Trouble> {
    let here = &door.organization;
    let act = if confirmed { Act::Confirm(here.id) } else { Act::Remove(here.id) };
    door.ask(tx, act, Some(who)).await?;
    let entry = |action| AuditEntry::new(tx, door.account.email.as_str(), action, &who.email).from(client);
    let entry = if confirmed {
        member::wake(tx, here, who).await?;
        entry("member.confirm").changed("to be confirmed", "a member")
    } else {
        let gone = member::remove(tx, here, who).await?;
        mapping::left(tx, here, who.id).await?;
        records::revoke(tx, Scope::Membership(here.id, who.id)).await?;
        entry("member.remove").changed(gone.role.as_str(), "")
    };
    audit::append(tx, &*portal.rng, here.id, &entry)?;
    Ok(())
}

/// `POST /.vestibule/organization/requests` with `organization`, `user`, and `decision`, `grant` or `decline`: decides
/// on a request to be let in, once, as the mailed link does.
///
/// # Errors
/// A post from another site; an organization that is not theirs; not their role's affair; no such request.
pub async fn decide_request(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let wanted = Some(form.get("organization").unwrap_or_default());
    let Some(visitor) = portal.visitor(&headers).await? else { return portal.shut(Shut::SignIn, wanted) };
    let granted = choice(&form, "grant", "decline")?;
    let id = person(&form)?;
    let decide = async |tx: Tx| {
        let door = match Door::open_to_change(&tx, visitor, wanted).await? {
            Ok(door) => door,
            Err(shut) => return Ok(Err(shut)),
        };
        door.ask(&tx, Act::Add(door.organization.id, crate::kernel::Role::Member), None).await?;
        let opened = access_request::open_by_key(&tx, (door.organization.id, id), door.account.id).await?;
        let opened = opened.ok_or_else(over)?;
        let mails = Mails { site: &portal.site, origin: &portal.origin };
        let from = client.to_string();
        let by = (&door.account, from.as_str());
        let decision = access_request::decide(&tx, &*portal.rng, opened.clone(), by, granted, &mails).await?;
        Ok::<_, Trouble>(Ok((opened, decision)))
    };
    match portal.store.transaction("decide on a request", decide).await? {
        Ok((opened, decision)) => {
            if decision == Decision::Done {
                tracing::info!(organization = %opened.organization.slug, granted, "a request to be let in was decided");
                return Ok(back(if granted { "granted" } else { "declined" }));
            }
            access::outcome(&portal, &opened, granted, decision)
        }
        Err(shut) => portal.shut(shut, wanted),
    }
}

/// Which of two buttons was pressed: whether it was the first.
fn choice(form: &Form, first: &str, second: &str) -> Result<bool, Trouble> {
    match form.get("decision") {
        Some(decision) if decision == first => Ok(true),
        Some(decision) if decision == second => Ok(false),
        _ => Err(Fault::plain(FaultKind::Invalid, "Please go back, and choose one of the two.").into()),
    }
}

fn person(form: &Form) -> Result<UserId, Trouble> {
    form.get("user").unwrap_or_default().parse().map_err(|_| over())
}

/// The same whether it was decided before or never was.
fn over() -> Trouble {
    let public = "There is nothing to decide about this person any more.";
    let mut trouble = Trouble::from(Fault::plain(FaultKind::NotFound, public));
    trouble.again = Some(HERE.into());
    trouble
}
