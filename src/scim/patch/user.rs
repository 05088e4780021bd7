//! A PATCH of a user: its operations in order, on a copy, which is only given if all of them worked.

use serde_json::Value;

use super::path::{PatchPath, Place};
use super::values::Change;
use super::{Operation, Patch, Verb};
use crate::scim::error::{ScimError, ScimType};
use crate::scim::path::is_name;
use crate::scim::resource::{Attributes, SIZE_LIMIT};
use crate::scim::schema::{Kind, Mutability, Returned, Schema};

const KIND: Kind = Kind::User;
/// The most that the values of all operations may have, in bytes of JSON: far more than a user may have.
const SENT_LIMIT: usize = 4 * SIZE_LIMIT;

/// Whether the attribute was named by a path, or by a key in a value, where what the server writes is ignored: identity
/// providers send back what they were given (S30).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    ByPath,
    ByKey,
}

impl Patch {
    /// What the user's attributes are afterwards. Nothing is changed if one operation is refused (400): `noTarget`,
    /// `invalidPath`, `invalidFilter`, `mutability`, `invalidValue`; or 413, if the user becomes too large.
    pub fn apply_to_user(&self, before: &Attributes) -> Result<Attributes, ScimError> {
        let sent = self.operations.iter().filter_map(|operation| operation.value.as_ref());
        let size: usize = sent.map(|value| serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())).sum();
        if size > SENT_LIMIT {
            return Err(ScimError::plain(413, format!("The values of a user's PATCH may have {SENT_LIMIT} bytes.")));
        }
        let mut after = before.clone();
        for operation in &self.operations {
            apply(operation, &mut after)?;
        }
        after.check(KIND)?;
        Ok(after)
    }
}

fn apply(operation: &Operation, after: &mut Attributes) -> Result<(), ScimError> {
    let value = operation.value.as_ref();
    match &operation.path {
        Some(path) => match PatchPath::parse(KIND, path)? {
            PatchPath::Attribute(place) => set(after, operation, &place, value, Named::ByPath),
            PatchPath::Schema(schema) => apply_to_schema(after, operation, schema),
        },
        None if operation.verb == Verb::Remove => {
            Err(ScimError::new(ScimType::NoTarget, "An operation that removes needs a `path`."))
        }
        None => apply_keys(after, operation, "", value),
    }
}

/// The path is the URN of a schema: the value's keys are its attributes.
fn apply_to_schema(after: &mut Attributes, operation: &Operation, schema: &'static Schema) -> Result<(), ScimError> {
    let extension = KIND.extension().is_some_and(|extension| std::ptr::eq(extension, schema));
    match &operation.value {
        Some(value) if operation.verb != Verb::Remove => {
            apply_keys(after, operation, &format!("{}:", schema.id), Some(value))
        }
        _ if extension => {
            after.remove_extension(schema);
            Ok(())
        }
        _ => Err(ScimError::new(ScimType::Mutability, "The core attributes of a user can't all be taken away.")),
    }
}

/// Each key of the value is a path: `name.givenName`, `emails[type eq "work"].value`, a URN and a name (S28).
fn apply_keys(
    after: &mut Attributes,
    operation: &Operation,
    prefix: &str,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let Some(Value::Object(entries)) = value else {
        return Err(ScimError::value("An operation without a `path` needs an object as its `value`."));
    };
    for (key, value) in entries {
        let named = if key.contains(['[', '.', ':']) || is_name(key) {
            PatchPath::known(KIND, &format!("{prefix}{key}"))?
        } else {
            None
        };
        match named {
            Some(PatchPath::Attribute(place)) => {
                set(after, operation, &place, Some(value).filter(|value| !value.is_null()), Named::ByKey)?;
            }
            Some(PatchPath::Schema(schema)) if prefix.is_empty() => {
                let inner = Operation { path: None, value: Some(value.clone()), ..*operation };
                apply_to_schema(after, &inner, schema)?;
            }
            None | Some(PatchPath::Schema(_)) => {}
        }
    }
    Ok(())
}

fn set(
    after: &mut Attributes,
    operation: &Operation,
    place: &Place,
    value: Option<&Value>,
    named: Named,
) -> Result<(), ScimError> {
    let target = &place.target;
    let read_only = [Some(target.attribute), target.part]
        .into_iter()
        .flatten()
        .any(|attribute| attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas");
    if read_only {
        return match named {
            Named::ByKey => Ok(()),
            Named::ByPath if target.attribute.name == "schemas" => Ok(()),
            Named::ByPath => Err(mutability(target.leaf().name, "is written by the server alone")),
        };
    }
    let change = Change {
        verb: operation.verb,
        attribute: target.attribute,
        part: target.part,
        filter: place.filter.as_ref(),
        value,
    };
    let value = change.apply(after.take(target))?;
    if target.attribute.required && value.is_none() {
        return Err(mutability(target.attribute.name, "is required, so it can't be taken away"));
    }
    // A password is looked at, and kept nowhere.
    after.set(target, value.filter(|_| target.attribute.returned != Returned::Never));
    Ok(())
}

fn mutability(name: &str, why: &str) -> ScimError {
    ScimError::new(ScimType::Mutability, format!("`{name}` {why}."))
}
