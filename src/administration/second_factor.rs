//! `user reset-second-factor`, and what `user show` tells of a second factor.

use std::sync::Arc;
use std::time::Duration;

use super::Administration;
use super::api::{Changes, Difference, SecondFactorView, UserResetSecondFactor};
use super::user::chains;
use crate::directory::authority::Act;
use crate::directory::{Mail, User, outbox};
use crate::kernel::{Fault, UserId};
use crate::second_factor::{factors, trusted};
use crate::session::half;
use crate::store::{StoreError, Tx};

/// How long the mail is of use.
const NOTICE_FOR: Duration = Duration::from_secs(3 * 24 * 3600);

/// Takes an account's second factor away, with recovery codes and trusted browsers: whoever lost theirs sets up another
/// at the next sign-in that asks (D5). Audited, and mailed to the person.
pub async fn reset(admin: Arc<Administration>, call: UserResetSecondFactor) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user reset-second-factor", async |tx: Tx| {
            let account = admin.account_of(&tx, &call.email).await?;
            admin.permit(&tx, Act::ResetSecondFactor, Some(&account)).await?;
            let before = view(&tx, account.id).await?.methods.join(", ");
            if !factors::remove_all(&tx, account.id).await? {
                return Ok::<_, Fault>(Changes::default());
            }
            // Whoever is about to answer with the old one begins anew.
            half::end_all(&tx, account.id).await?;
            for id in chains(&tx, account.id).await? {
                let own = admin.by.organization().is_none_or(|own| own == id);
                admin.audit(&tx, id, "second_factor.reset", &call.email, if own { &*before } else { "" }, "")?;
            }
            write_to(admin, &tx, &account).await?;
            Ok(Changes {
                changes: vec![Difference::new(&call.email, "second factor", Some(before), None)],
                ..Changes::default()
            })
        })
        .await
}

async fn write_to(admin: &Administration, tx: &Tx, account: &User) -> Result<(), StoreError> {
    let base = admin.service_provider.base_url().trim_end_matches('/');
    let text = format!(
        "Hello,\n\nat {} an administrator took the second factor of your account at {base} away, with its recovery \
         codes. You can set up another in your account, {base}/.vestibule/account.\n\n\
         If you did not ask for that, tell them at once: somebody may have pretended to be you.\n",
        tx.now()
    );
    let mail = Mail::new(&account.email, "Your second factor was reset", &text);
    outbox::queue(tx, &*admin.rng, &mail, tx.now().plus(NOTICE_FOR)).await?;
    Ok(())
}

/// What an account has.
pub async fn view(tx: &Tx, account: UserId) -> Result<SecondFactorView, StoreError> {
    let held = factors::of(tx, account).await?;
    let app = held.app.iter().map(|app| format!("authenticator app, since {}", app.since));
    // Neither the number nor what a person calls a key: this is told to the audit, too.
    let phone = held.phone.iter().map(|phone| format!("codes by SMS, since {}", phone.since));
    let keys = held.passkeys.iter().map(|key| format!("passkey, since {}", key.since));
    let methods = app.chain(phone).chain(keys).collect();
    let trusted_browsers = trusted::of(tx, account).await?.len();
    Ok(SecondFactorView { methods, recovery_codes: held.recovery.left(), trusted_browsers })
}
