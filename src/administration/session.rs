//! `session list | revoke`

use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, SessionList, SessionRevoke, SessionView, Whose};
use super::organization::slug_of;
use super::user as user_admin;
use crate::directory::audit::OPERATOR;
use crate::directory::authority::Act;
use crate::directory::{DirectoryError, member, organization, user};
use crate::kernel::{Fault, FaultKind, OrgId};
use crate::session::operator;
use crate::session::records::{self, Scope, SessionRecord};
use crate::store::{StoreError, Tx};

/// Sessions: of those of another organization's account, the ones in this organization (D5).
pub async fn list(admin: Arc<Administration>, call: SessionList) -> Result<Vec<SessionView>, Fault> {
    let tx = admin.store.reader();
    let (scope, _) = scope(&admin, &tx, &call.whose).await?;
    let mut views = Vec::new();
    for record in records::list(&tx, scope).await? {
        views.push(view(&admin, &tx, record).await?);
    }
    Ok(views)
}

/// Of an account that is theirs, the sessions elsewhere are, too (D5); in which organization is not told (D19).
async fn view(admin: &Administration, tx: &Tx, record: SessionRecord) -> Result<SessionView, StoreError> {
    let account = user::by_id(tx, record.user).await?;
    let told = |id: &OrgId| admin.by.organization().is_none_or(|own| own == *id);
    let slug = match record.organization.filter(told) {
        Some(id) => slug_of(tx, id).await?,
        None => None,
    };
    Ok(SessionView {
        id: record.id,
        email: account.map_or_else(|| record.user.to_string(), |account| account.email.to_string()),
        slug,
        created: record.created.to_string(),
        ends: record.absolute_end.to_string(),
        client: record.client.map(|client| client.to_string()),
        user_agent: record.user_agent,
    })
}

/// What is meant of it that is theirs to see and to end (D5), and which organizations are told.
async fn scope(admin: &Administration, tx: &Tx, whose: &Whose) -> Result<(Scope, Vec<OrgId>), Fault> {
    Ok(match whose {
        Whose::All => {
            admin.operators()?;
            (Scope::All, vec![OPERATOR])
        }
        Whose::Session(id) => {
            let text =
                format!("there is no session {id}, or it is over: `vestibule session list` shows those there are");
            let record = records::find(tx, *id).await?.ok_or_else(|| Fault::plain(FaultKind::NotFound, text))?;
            let account = user::by_id(tx, record.user).await?;
            let within = record.organization.filter(|id| admin.by.organization() == Some(*id));
            admin.permit(tx, within.map_or(Act::EndAllSessions, Act::EndSessionsIn), account.as_ref()).await?;
            (Scope::Session(*id), vec![record.organization.unwrap_or(OPERATOR)])
        }
        Whose::User(email) => {
            let account = user::by_email(tx, email).await?;
            match admin.by.organization() {
                Some(own) if !admin.may(tx, Act::EndAllSessions, Some(&account)).await? => {
                    admin.permit(tx, Act::EndSessionsIn(own), Some(&account)).await?;
                    if member::record(tx, own, account.id).await?.is_none() {
                        return Err(DirectoryError::NoSuchUser(email.clone()).into());
                    }
                    (Scope::Membership(own, account.id), vec![own])
                }
                _ => (Scope::User(account.id), user_admin::chains(tx, account.id).await?),
            }
        }
        Whose::Org(slug) => {
            let found = organization::by_slug(tx, slug).await?;
            admin.permit(tx, Act::Manage(found.id), None).await?;
            (Scope::Organization(found.id), vec![found.id])
        }
    })
}

/// Ends sessions, within the same bounds.
pub async fn revoke(admin: Arc<Administration>, call: SessionRevoke) -> Result<Changes, Fault> {
    let (admin, whose) = (&*admin, &call.whose);
    admin
        .store
        .transaction("session revoke", async |tx: Tx| {
            let (scope, organizations) = scope(admin, &tx, whose).await?;
            if let Scope::Organization(id) = scope {
                // Owners' sessions are among them.
                admin.permit(&tx, Act::Own(id), None).await?;
            }
            let count = records::list(&tx, scope).await?.len();
            records::revoke(&tx, scope).await?;
            if matches!(scope, Scope::All) {
                operator::end_all(&tx).await?;
            }
            let object = match whose {
                Whose::All => "all".to_owned(),
                Whose::Session(id) => id.to_string(),
                Whose::User(email) => email.to_string(),
                Whose::Org(slug) => slug.to_string(),
            };
            for id in organizations {
                admin.audit(&tx, id, "session.revoke", &object, format!("{count} sessions"), "")?;
            }
            let word = if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") };
            Ok::<_, Fault>(Changes {
                changes: vec![Difference::new(object, "sessions", Some(word), None)],
                ..Changes::default()
            })
        })
        .await
}
