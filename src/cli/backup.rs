//! `backup` and `restore`

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::{Context, Failure};
use crate::admin::BACKUP;
use crate::config::readable;
use crate::directory::AuditEntry;
use crate::directory::audit::{self, OPERATOR};
use crate::kernel::{Clock as _, SystemClock, SystemRng};
use crate::store::{ExportSummary, SledBackend, Store, StoreError, Tx, restore as restore_store, verify_export};

/// Writes a backup beside its place, proves that it is whole, and only then gives it its name.
pub(super) fn backup(context: &Context, file: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            io::ErrorKind::PermissionDenied => "this user may not write there".to_owned(),
            _ => error.to_string(),
        };
        Failure(format!("can't write {}: {reason}", file.display()))
    };
    if file.exists() {
        return Err(Failure(format!("{} is there already: name a new file", file.display())));
    }
    let server = context.server()?;
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let written = || -> Result<ExportSummary, Failure> {
        let mut options = OpenOptions::new();
        let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(partial).map_err(failed)?;
        server.download(BACKUP, &mut open)?;
        open.sync_all().map_err(failed)?;
        let summary = verify_export(BufReader::new(File::open(partial).map_err(failed)?))?;
        fs::rename(partial, file).map_err(failed)?;
        Ok(summary)
    };
    let summary = written().inspect_err(|_| {
        let _ = fs::remove_file(partial);
    })?;
    context.show(&told(file, &summary), |_| {
        let moment = summary.created;
        format!(
            "Wrote {} records, as they were at {moment}, to {}. It holds secrets: keep it safe.",
            summary.records(),
            file.display()
        )
    });
    Ok(())
}

/// Starts the store anew from a backup; what was there is set aside.
pub(super) fn restore(context: &Context, file: &Path) -> Result<(), Failure> {
    let config = context.load()?.config;
    readable(file)?;
    let before = set_aside(&config.store);
    let runtime = super::local::runtime()?;
    let summary =
        runtime.block_on(restore_store(&config.store, file, SystemClock.now())).map_err(|error| match error {
            StoreError::Locked(place) => {
                Failure(format!("a server has the store at {place} open: stop it, restore, and start it again"))
            }
            other => other.into(),
        })?;
    runtime.block_on(note(&config.store, &summary))?;
    context.show(&told(file, &summary), |_| {
        let (records, moment) = (summary.records(), summary.created);
        let store = config.store.display();
        let restored = format!("Restored {records} records, as they were at {moment}, to {store}.");
        match set_aside(&config.store).difference(&before).next() {
            Some(aside) => format!("{restored} What was there before is set aside in {}.", aside.display()),
            None => restored,
        }
    });
    Ok(())
}

/// Audits the restoring in what was restored: else an older backup, put in place, would look as if nothing had been.
async fn note(store: &Path, summary: &ExportSummary) -> Result<(), Failure> {
    let store = Store::open(SledBackend::open(store)?, Arc::new(SystemClock)).await?;
    let restored = async |tx: Tx| {
        let after = format!("as it was at {}", summary.created);
        let entry = AuditEntry::new(&tx, "operator", "store.restore", "store").changed("", after).from("command line");
        audit::append(&tx, &SystemRng, OPERATOR, &entry)
    };
    Ok(store.transaction::<_, StoreError, _, _>("note restore", restored).await?)
}

/// What restores have set aside in the store's folder.
fn set_aside(store: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(store).into_iter().flatten().flatten();
    let aside = |name: &OsString| name.to_string_lossy().starts_with("sled.aside-");
    entries.filter(|entry| aside(&entry.file_name())).map(|entry| entry.path()).collect()
}

fn told(file: &Path, summary: &ExportSummary) -> serde_json::Value {
    json!({ "file": file, "records": summary.records(), "as_of": summary.created.to_string(), "tables": summary.tables })
}
