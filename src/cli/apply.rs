//! `apply`

use std::path::Path;

use super::check::mistaken;
use super::text::{count, lines};
use super::{Context, Failure, organizations_file};
use crate::administration::api::{Apply, Changes};
use crate::config::{ConfigError, read_text};

pub(super) fn run(context: &Context, file: &Path, dry_run: bool, prune: bool) -> Result<(), Failure> {
    let base = file.parent().unwrap_or(Path::new(""));
    let text = read_text(file).map_err(|error| mistaken(context, error.into()))?;
    let organizations = organizations_file::parse(&text, base)
        .map_err(|mistakes| mistaken(context, ConfigError::Mistakes { file: file.display().to_string(), mistakes }))?;
    context.ask(&Apply { organizations, prune, dry_run }, |changes| told(changes, dry_run))
}

fn told(changes: &Changes, dry_run: bool) -> String {
    let number = changes.changes.len();
    match (number, dry_run) {
        (0, _) => "Nothing to change: everything is as the file says.".to_owned(),
        (_, true) => format!("{}\n{} would be made; nothing was changed.", lines(changes), count(number, "change")),
        (_, false) => format!("{}\n{} made.", lines(changes), count(number, "change")),
    }
}
