//! Inviting somebody by mail: whoever has the link proves the address by it.

use std::time::Duration;

use crate::directory::one_time_link::{self, Purpose};
use crate::directory::{Mail, Organization, User, outbox};
use crate::kernel::Rng;
use crate::store::{StoreError, Tx};

/// Where the link in the mail leads, on the site.
pub const PATH: &str = "/.vestibule/invitation";

/// Mails an invitation to somebody who was made a member of `organization`; `base`: the site's address, without a last
/// `/`. `false`: this site sends no mail, and nothing was done.
///
/// # Errors
/// The store's.
pub async fn send(
    tx: &Tx,
    rng: &dyn Rng,
    base: &str,
    organization: &Organization,
    user: &User,
) -> Result<bool, StoreError> {
    if !outbox::is_on(tx).await? {
        return Ok(false);
    }
    let purpose = Purpose::Invitation { organization: organization.id };
    let useful: Duration = purpose.good_for();
    let token = one_time_link::issue(tx, rng, user, purpose).await?;
    let site = base.split_once("://").map_or(base, |(_, site)| site);
    let name = &organization.name;
    let text = format!(
        "Hello,\n\nyou are invited to {name} at {site}. This link lets you in. It works once, within a week:\n\n\
         {base}{PATH}?token={token}\n\nIf you do not know {name}, you need not do anything.\n"
    );
    let mail = Mail::new(&user.email, &format!("{name} invites you to {site}"), &text);
    outbox::queue(tx, rng, &mail, tx.now().plus(useful)).await
}
