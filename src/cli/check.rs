//! `check`: the configuration, and with --store every record. Starts nothing.

use serde::Serialize;
use serde_json::json;

use super::client::Client;
use super::output::complain;
use super::text::count;
use super::{Context, Failure};
use crate::administration;
use crate::administration::api::{CheckStore, StoreCheckView};
use crate::config::{Config, ConfigError, Loaded, Mistake};
use crate::kernel::{Clock as _, SystemClock};
use crate::server;
use crate::store::{SledBackend, Store};

/// What is good, and what is worth a word.
#[derive(Serialize)]
struct Checked {
    good: bool,
    file: String,
    warnings: Vec<String>,
    store: Option<StoreCheckView>,
}

pub(super) fn run(context: &Context, with_store: bool) -> Result<(), Failure> {
    let loaded = Config::load(context.config.as_deref(), SystemClock.now());
    let Loaded { path, config, warnings } = loaded.map_err(|error| mistaken(context, error))?;
    let file = path.display().to_string();
    let warnings: Vec<String> = warnings.iter().map(|warning| warning.display(&file)).collect();
    if !context.output.json {
        for warning in &warnings {
            complain(&format!("warning: {warning}"));
        }
    }
    let store = if with_store { Some(check_store(&config)?) } else { None };
    for warning in store.iter().flat_map(|store| &store.warnings).filter(|_| !context.output.json) {
        complain(&format!("warning: {warning}"));
    }
    let problems = store.as_ref().map_or(0, |store| store.problems.len());
    context.show(&Checked { good: problems == 0, file, warnings, store }, told);
    match problems {
        0 => Ok(()),
        number => Err(Failure(format!("the store has {}: a backup from before them helps", count(number, "problem")))),
    }
}

/// What is refused: as JSON too, if that is wanted.
pub(super) fn mistaken(context: &Context, error: ConfigError) -> Failure {
    if context.output.json {
        let mistakes = match &error {
            ConfigError::Mistakes { mistakes, .. } => mistakes.clone(),
            other => vec![Mistake { line: 0, text: other.to_string() }],
        };
        let told = |mistake: &Mistake| json!({ "line": mistake.line, "message": mistake.text });
        let refused = json!({ "good": false, "mistakes": mistakes.iter().map(told).collect::<Vec<_>>() });
        context.show(&refused, |_| String::new());
    }
    error.into()
}

fn told(checked: &Checked) -> String {
    let mut lines = Vec::new();
    lines.push(match checked.warnings.len() {
        0 => format!("{}: good", checked.file),
        number => format!("{}: good, with {}", checked.file, count(number, "warning")),
    });
    if let Some(store) = &checked.store {
        let records: u64 = store.tables.iter().map(|(_, number)| number).sum();
        let tables = count(store.tables.len(), "table");
        lines.push(format!("the store: {records} records in {tables} looked at"));
        lines.extend(store.problems.iter().map(|problem| format!("problem: {problem}")));
    }
    lines.join("\n")
}

/// Asks the server that has the store open; without one, opens it here.
fn check_store(config: &Config) -> Result<StoreCheckView, Failure> {
    if std::os::unix::net::UnixStream::connect(&config.listen.admin_socket).is_ok() {
        return Client::new(&config.listen.admin_socket).call(&CheckStore {});
    }
    if !config.store.is_dir() {
        let text = format!("there is no store at {} yet: `vestibule serve` makes it", config.store.display());
        return Err(Failure(text));
    }
    let runtime = super::local::runtime()?;
    runtime.block_on(async {
        let backend = SledBackend::open(&config.store)?;
        let store = Store::open(backend, std::sync::Arc::new(SystemClock)).await?;
        Ok(administration::check::check_store(&store, &config.dns.public_mail, server::door_checkers()).await?)
    })
}
