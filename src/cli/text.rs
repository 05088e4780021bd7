//! Words that several verbs share.

use serde::Serialize;

use crate::administration::api::Changes;

/// What was changed, a line each.
pub fn changes(changes: &Changes) -> String {
    if changes.changes.is_empty() {
        return "Nothing to change: it is so already.".to_owned();
    }
    lines(changes)
}

/// What would be changed, a line each: `+` new, `-` gone, `~` other than before.
pub fn lines(changes: &Changes) -> String {
    let line = |change: &crate::administration::api::Difference| {
        let (object, what) = (&change.object, &change.what);
        match (&change.before, &change.after) {
            (None, Some(after)) => format!("+ {object}: {what}: {after}"),
            (Some(before), None) => format!("- {object}: {what}: {before}"),
            (Some(before), Some(after)) => format!("~ {object}: {what}: {before} → {after}"),
            (None, None) => format!("  {object}: {what}"),
        }
    };
    changes.changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The word that JSON uses for a value, such as a state or a kind.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// `1 member`, `2 members`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
