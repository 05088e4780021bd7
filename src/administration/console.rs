//! `console`: a link that signs the operator in to the console, once.

use std::sync::Arc;

use super::Administration;
use super::api::{ConsoleLink, ConsoleLinkView};
use crate::directory::audit::OPERATOR;
use crate::kernel::Fault;
use crate::session::operator;
use crate::store::Tx;

/// Where such a link leads.
pub const ENTER: &str = "/.vestibule/console/enter";

/// A link into the console; for the operator. It is shown once, and audited.
pub async fn link(admin: Arc<Administration>, _: ConsoleLink) -> Result<ConsoleLinkView, Fault> {
    admin.operators()?;
    let admin = &*admin;
    admin
        .store
        .transaction("console link", async |tx: Tx| {
            let token = operator::issue(&tx, &*admin.rng)?;
            let ends = tx.now().plus(operator::LINK_FOR).to_string();
            // Not the token itself: whoever has it could use it.
            admin.audit(&tx, OPERATOR, "console.link", "console", "", format!("good until {ends}"))?;
            let base = admin.service_provider.base_url().trim_end_matches('/');
            Ok::<_, Fault>(ConsoleLinkView { url: format!("{base}{ENTER}?link={token}"), ends })
        })
        .await
}
