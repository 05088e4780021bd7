//! Metadata at its address (R52): read when it is set, again each day by a job, and whenever somebody asks for it.
//!
//! Whatever can't be read or followed changes nothing, and is told: at once to whoever asked, after some days of it on the
//! organization's home.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::api::{FileBytes, SsoForget, SsoRefresh, SsoSource, SsoView};
use super::connection::Made;
use super::connection_follow::follow;
use super::sso::{put, refuse, view};
use super::{Administration, By};
use crate::directory::authority::Act;
use crate::directory::sso_refresh::{self, Refresh};
use crate::directory::{DirectoryError, organization, sso};
use crate::kernel::{Explain as _, Fault, FaultKind, OrgId, Rng, Slug};
use crate::saml::fetch::{Asker, checked_text};
use crate::saml::metadata::IdpMetadata;
use crate::store::{StoreError, Tx, take_lease};

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);
/// How many connections one round reads the metadata of: at that pace fifty thousand a day.
const ROUND: usize = 200;
/// How many of them at once.
const AT_ONCE: usize = 4;
/// For how long one node is the one that reads: longer than a round in which no address answers.
const LEASE_FOR: Duration = Duration::from_secs(30 * 60);
/// The lease's name.
const LEASE: &str = "metadata-refreshes";

/// What came of reading metadata again.
enum Reading {
    /// There is no address to read at any more.
    Nothing,
    /// It was read by somebody else meanwhile, who may have read what is newer.
    Overtaken,
    /// It says what it said.
    Same,
    /// It was followed.
    Changed,
    /// It could not be read or followed.
    Refused(Fault),
}

/// Reads what stands at the address, where settings come from one.
///
/// # Errors
/// Why it can't be read.
pub async fn read(admin: &Administration, source: &mut SsoSource) -> Result<(), Fault> {
    if let SsoSource::Address { url, read } = source {
        *url = checked_text(url)?.into();
        *read = Some(FileBytes(admin.documents.read(url, asker(admin)).await?));
    }
    Ok(())
}

fn asker(admin: &Administration) -> Asker {
    admin.by.organization().map_or(Asker::Operator, Asker::Organization)
}

fn no_address(slug: &Slug) -> Fault {
    let text = format!("{slug} has no address of its metadata: `vestibule sso set {slug} --metadata URL` sets one");
    Fault::plain(FaultKind::Conflict, text)
}

/// Reads the metadata at its address now, and follows it.
pub async fn refresh(admin: Arc<Administration>, call: SsoRefresh) -> Result<SsoView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    match read_again(&admin, found.id, asker(&admin)).await? {
        Reading::Nothing => return Err(no_address(&found.slug)),
        Reading::Refused(fault) => return Err(fault),
        Reading::Overtaken | Reading::Same | Reading::Changed => {}
    }
    let tx = admin.store.reader();
    let connection = sso::connection(&tx, found.id).await?;
    Ok(view(&admin, &tx, &found, connection).await?)
}

/// Reads the metadata at its address no more; what is set stays.
pub async fn forget(admin: Arc<Administration>, call: SsoForget) -> Result<SsoView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("sso forget", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let missing = || DirectoryError::NoSso(found.slug.clone());
            let before = sso::connection(&tx, found.id).await?.ok_or_else(missing)?;
            if before.settings.metadata_url.is_none() {
                return Err(no_address(&found.slug));
            }
            // Nothing of how people sign in is another now: a test of before is still one of what is set.
            let mut connection = before.clone();
            connection.settings.metadata_url = None;
            let made = Made { connection, said: None };
            put(admin, &tx, &found, Some(&before), &made, "sso.set").await?;
            Ok::<_, Fault>(view(admin, &tx, &found, Some(made.connection)).await?)
        })
        .await
}

/// Reads metadata again, and follows it or notes why not.
async fn read_again(admin: &Administration, id: OrgId, asker: Asker) -> Result<Reading, Fault> {
    let tx = admin.store.reader();
    let (known, held) = (sso_refresh::find(&tx, id).await?, sso::connection(&tx, id).await?);
    let Some(url) = held.and_then(|held| held.settings.metadata_url) else { return Ok(Reading::Nothing) };
    let read = admin.documents.read(&url, asker).await;
    if let Err(error) = &read
        && error.kind() != FaultKind::Invalid
    {
        // Ours, and not the identity provider's.
        return Err(error.clone().into());
    }
    let (read, url, known) = (&read, &url, &known);
    let reading = admin.store.transaction("sso refresh", async |tx: Tx| {
        let found = organization::by_id(&tx, id).await?;
        let before = sso::connection(&tx, id).await?.filter(|held| held.settings.metadata_url.as_ref() == Some(url));
        let last = sso_refresh::find(&tx, id).await?;
        if last != *known {
            return Ok(Reading::Overtaken);
        }
        let (Some(found), Some(before), Some(last)) = (found, before, last) else { return Ok(Reading::Nothing) };
        admin.permit(&tx, Act::Manage(found.id), None).await?;
        let followed = match read {
            Ok(bytes) => {
                let metadata = IdpMetadata::parse(bytes, tx.now()).map_err(refuse);
                metadata.and_then(|metadata| follow(&before, &last.said, metadata, tx.now()))
            }
            Err(error) => Err(error.clone().into()),
        };
        match followed {
            Ok(Made { connection, said: Some(said) }) if connection == before => {
                sso_refresh::keep(&tx, id, &Refresh::taken(said, tx.now()))?;
                Ok(Reading::Same)
            }
            Ok(made) => {
                put(admin, &tx, &found, Some(&before), &made, "sso.refresh").await?;
                Ok(Reading::Changed)
            }
            Err(fault) => {
                sso_refresh::keep(&tx, id, &last.failed(&fault.detail, tx.now()))?;
                Ok::<_, Fault>(Reading::Refused(fault))
            }
        }
    });
    let reading = reading.await?;
    tell(id, &reading);
    Ok(reading)
}

fn tell(organization: OrgId, reading: &Reading) {
    let outcome = match reading {
        Reading::Nothing | Reading::Overtaken => return,
        Reading::Same => "same",
        Reading::Changed => {
            tracing::info!(%organization, "single sign-on follows the identity provider's metadata, which has changed");
            "changed"
        }
        Reading::Refused(fault) => {
            tracing::warn!(%organization, reason = fault.detail, "an identity provider's metadata can't be followed");
            "failed"
        }
    };
    metrics::counter!("vestibule_metadata_refreshes_total", "outcome" => outcome).increment(1);
}

/// Reads for ever what is due.
pub async fn keep_fresh(admin: &Administration) {
    let holder = (&*admin.rng as &dyn Rng).token::<12>();
    loop {
        if let Err(error) = round(admin, &holder).await {
            tracing::error!(%error, "it can't be found out which metadata is to be read");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Reads what is due by now, at most a round of it; gives how many. `holder` names this node.
///
/// # Errors
/// [`StoreError`].
pub async fn round(admin: &Administration, holder: &str) -> Result<usize, StoreError> {
    let due = sso_refresh::due(&admin.store.reader(), ROUND).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let lease = async |tx: Tx| take_lease(&tx, LEASE, holder, LEASE_FOR).await;
    if !admin.store.transaction("take the lease of metadata refreshes", lease).await? {
        return Ok(0);
    }
    let (admin, count) = (admin.by(By::itself()), due.len());
    let reads: Vec<_> = due.into_iter().map(|id| again(&admin, id)).collect();
    stream::iter(reads).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    Ok(count)
}

async fn again(admin: &Administration, id: OrgId) {
    let Err(fault) = read_again(admin, id, Asker::Job).await else { return };
    tracing::error!(organization = %id, error = fault.detail, "an identity provider's metadata can't be read again");
    // Whatever it is, it is told, and does not keep the next round from the others.
    let why = &fault.public;
    let note = async |tx: Tx| {
        let last = sso_refresh::find(&tx, id).await?.filter(|last| last.next <= tx.now());
        match last {
            Some(last) => sso_refresh::keep(&tx, id, &last.failed(why, tx.now())),
            None => Ok(()),
        }
    };
    if let Err(error) = admin.store.transaction("note a failed sso refresh", note).await {
        tracing::error!(organization = %id, %error, "it can't be noted that metadata can't be read");
    }
}
