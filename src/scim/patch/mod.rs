//! PATCH (RFC 7644 §3.5.2) in the dialects of the identity providers, as pure functions: all operations or none (S24).

mod group;
mod path;
mod user;
mod values;

use serde_json::Value;

use super::error::ScimError;
use super::json;

pub use group::GroupChange;

/// The most operations of one request (S39).
pub const OPERATIONS_LIMIT: usize = 2_000;

/// The most that all paths of a request may have, in bytes: each is held against every value of its attribute.
const PATHS_LIMIT: usize = 256 * 1024;

/// A PATCH that was read: what it means depends on what it is applied to.
#[derive(Clone, Debug)]
pub struct Patch {
    operations: Vec<Operation>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Add,
    Remove,
    Replace,
}

#[derive(Clone, Debug)]
struct Operation {
    verb: Verb,
    /// Where; none says that the value names its attributes.
    path: Option<String>,
    /// None if it is null or not there.
    value: Option<Value>,
}

impl Patch {
    /// Reads a PatchOp body. Names and operations are taken in any case; `path: null` is as none (S30); a list of no
    /// operations changes nothing (S28). Refused with 400 `invalidSyntax`: another shape, or an operation that there is
    /// not; with 413: more than [`OPERATIONS_LIMIT`].
    pub fn read(body: &[u8]) -> Result<Self, ScimError> {
        Self::from_object(json::read_object(body)?)
    }

    /// The same, of an object that was already read, as in Bulk.
    pub fn from_object(mut body: serde_json::Map<String, Value>) -> Result<Self, ScimError> {
        let Some(Value::Array(operations)) = json::take(&mut body, "Operations")? else {
            return Err(ScimError::syntax("A PATCH needs a list named `Operations`."));
        };
        if operations.len() > OPERATIONS_LIMIT {
            return Err(ScimError::plain(413, format!("A PATCH may have {OPERATIONS_LIMIT} operations.")));
        }
        let operations = operations.into_iter().map(read_operation).collect::<Result<Vec<_>, _>>()?;
        let paths: usize = operations.iter().filter_map(|operation| operation.path.as_ref()).map(String::len).sum();
        if paths > PATHS_LIMIT {
            return Err(ScimError::plain(413, format!("The paths of a PATCH may have {PATHS_LIMIT} bytes.")));
        }
        Ok(Patch { operations })
    }
}

fn read_operation(sent: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut sent) = sent else {
        return Err(ScimError::syntax("Each of the `Operations` must be an object."));
    };
    let verb = match json::take(&mut sent, "op")? {
        Some(Value::String(verb)) if verb.eq_ignore_ascii_case("add") => Verb::Add,
        Some(Value::String(verb)) if verb.eq_ignore_ascii_case("remove") => Verb::Remove,
        Some(Value::String(verb)) if verb.eq_ignore_ascii_case("replace") => Verb::Replace,
        _ => return Err(ScimError::syntax("`op` must be add, remove or replace.")),
    };
    let path = match json::take(&mut sent, "path")? {
        None => None,
        Some(Value::String(path)) if path.trim().is_empty() => None,
        Some(Value::String(path)) => Some(path),
        Some(_) => return Err(ScimError::syntax("`path` must be a text.")),
    };
    let has_value = sent.keys().any(|key| key.eq_ignore_ascii_case("value"));
    let value = json::take(&mut sent, "value")?;
    if verb != Verb::Remove && !has_value {
        return Err(ScimError::value("An operation that adds or replaces needs a `value`."));
    }
    Ok(Operation { verb, path, value })
}

#[cfg(test)]
mod tests;
