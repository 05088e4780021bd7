//! The sign-in log in pages, one sign-in with its checks, and links that show it to somebody without an account.

use std::sync::Arc;

use super::Administration;
use super::api::{LoginDetail, LoginNamed, LoginPage, LoginPageView, LoginShared};
use super::logins::view;
use crate::directory::authority::Act;
use crate::directory::{LoginRecord, Organization, login, login_message, login_share, organization};
use crate::kernel::{Fault, FaultKind, LoginId, Secret};
use crate::store::Tx;

/// How many sign-ins a page holds.
const PAGE: usize = 50;

/// A page of an organization's sign-ins. All that are kept are some hundreds, whatever the organization's size.
pub async fn page(admin: Arc<Administration>, call: LoginPage) -> Result<LoginPageView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let kept = login::list(&tx, found.id, usize::MAX).await?;
    let wanted = call.email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
    let start = call.after.and_then(|after| kept.iter().position(|record| record.id == after)).map_or(0, |at| at + 1);
    let mut views = kept.into_iter().skip(start).map(|record| view(&found.slug, record)).filter(|view| {
        let outcome = call.outcome.as_ref().is_none_or(|outcome| *outcome == view.outcome);
        let email = wanted.as_ref().is_none_or(|wanted| {
            view.email.as_ref().is_some_and(|email| email.to_lowercase().contains(wanted.as_str()))
        });
        outcome && email
    });
    let logins: Vec<_> = views.by_ref().take(PAGE).collect();
    let next = if views.next().is_some() { logins.last().map(|last| last.id) } else { None };
    Ok(LoginPageView { logins, next })
}

/// One sign-in, its message, and the links that show it.
pub async fn show(admin: Arc<Administration>, call: LoginNamed) -> Result<LoginDetail, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let record = record(&tx, &found, call.id).await?;
    let shared = login_share::of_login(&tx, found.id, call.id).await?;
    let shared = shared.into_iter().map(|share| (share.by, share.ends.to_string())).collect();
    let message = login_message::of(&tx, found.id, &record).await?;
    Ok(LoginDetail { login: view(&found.slug, record), message, shared })
}

/// Makes a link that shows one sign-in alone, for a week.
pub async fn share(admin: Arc<Administration>, call: LoginNamed) -> Result<LoginShared, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("login share", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let record = record(&tx, &found, call.id).await?;
            let made = login_share::share(&tx, &*admin.rng, found.id, &record, &admin.by.name).await?;
            let token = made.ok_or_else(|| {
                let text = format!("there are {} links already: end them first", login_share::KEPT);
                Fault::plain(FaultKind::Conflict, text)
            })?;
            let ends = tx.now().plus(login_share::GOOD_FOR).to_string();
            admin.audit(&tx, found.id, "login.share", call.id, "", format!("until {ends}"))?;
            Ok::<_, Fault>(LoginShared { token: Secret::new(token), ends })
        })
        .await
}

/// Makes the links of a sign-in void.
pub async fn unshare(admin: Arc<Administration>, call: LoginNamed) -> Result<(), Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("login unshare", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let count = login_share::revoke(&tx, found.id, call.id).await?;
            if count > 0 {
                admin.audit(&tx, found.id, "login.unshare", call.id, format!("{count} links"), "")?;
            }
            Ok::<_, Fault>(())
        })
        .await
}

async fn record(tx: &Tx, found: &Organization, id: LoginId) -> Result<LoginRecord, Fault> {
    let missing = || Fault::plain(FaultKind::NotFound, "this sign-in is not kept any more");
    login::find(tx, found.id, id).await?.ok_or_else(missing)
}
