//! `keys rotate`: the keys that seal cookies and sign assertions, and the service provider's SAML keys.

use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, KeysRotate};
use crate::directory::audit::OPERATOR;
use crate::kernel::{Fault, Timestamp};
use crate::saml::keys::{self, Rotation};
use crate::saml::service_provider::ServiceProviderKey;
use crate::session;
use crate::store::Tx;

/// New keys for cookies, assertions and SAML; for the operator.
pub async fn rotate(admin: Arc<Administration>, call: KeysRotate) -> Result<Changes, Fault> {
    admin.operators()?;
    let admin = &*admin;
    let fresh = &saml_key(admin, admin.store.now())?;
    admin
        .store
        .transaction("keys rotate", async |tx: Tx| {
            session::keys::rotate(&tx, &*admin.rng).await?;
            let saml = match keys::rotate(&tx, fresh, call.now).await? {
                Rotation::Announced => {
                    "the next one is in the metadata now; rotate again tomorrow, once the IdPs have read it".to_owned()
                }
                Rotation::Promoted => {
                    "the announced one signs now; the one before still opens what is encrypted to it".to_owned()
                }
                Rotation::Waiting(since) => format!(
                    "as before: the next one is in the metadata since {since}, and IdPs get a day to read it; \
                     rotate again after {}, or with --now",
                    since.plus(keys::ANNOUNCED)
                ),
            };
            admin.audit(&tx, OPERATOR, "keys.rotate", "keys", "", saml.as_str())?;
            let new = "new ones are in use; what the old ones sealed and signed stays good".to_owned();
            Ok::<_, Fault>(Changes {
                changes: vec![
                    Difference::new("keys", "cookies and assertions", None, new),
                    Difference::new("keys", "SAML", None, saml),
                ],
                ..Changes::default()
            })
        })
        .await
}

fn saml_key(admin: &Administration, now: Timestamp) -> Result<ServiceProviderKey, Fault> {
    ServiceProviderKey::generate(admin.service_provider.base_url(), now, &*admin.rng)
        .map_err(|error| Fault::internal(format!("can't make a SAML key: {error}")))
}
