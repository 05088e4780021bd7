//! Reads a user or group that was sent into the one form in which it is kept: canonical names, checked types (S17, S19).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::coerce::{self, Place};
use super::error::ScimError;
use super::json;
use super::path::{Name, Target, resolve};
use super::schema::{Attribute, Kind, Mutability, Returned, Schema};

/// The most that the attributes of one user may take, in bytes of JSON: they are one record, which holds more besides
/// ([`VALUE_LIMIT`](crate::store::VALUE_LIMIT)).
pub const SIZE_LIMIT: usize = 12 * 1024;

/// What a client says of a resource, in canonical names: without `schemas`, `id`, `meta`, and all else that the server
/// says; without `password`, which is kept nowhere; and without what is null or empty, but for a group's empty `members`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// Attributes that were read once, as they were kept.
    pub(super) fn kept(map: Map<String, Value>) -> Self {
        Attributes(map)
    }

    /// Reads the body of a POST or PUT. Unknown attributes are dropped, and what only the server writes is ignored.
    /// Refused (400) is what is not JSON ([`json::read`]), has a wrong type, or lacks what is required.
    pub fn read(kind: Kind, body: &[u8]) -> Result<Self, ScimError> {
        Self::from_object(kind, json::read_object(body)?)
    }

    /// The same, of an object that [`json::read`] already read, as in Bulk.
    pub fn from_object(kind: Kind, sent: Map<String, Value>) -> Result<Self, ScimError> {
        let mut attributes = Attributes::default();
        for (name, value) in sent {
            if name.eq_ignore_ascii_case("schemas") {
                check_schemas(kind, &value)?;
            } else {
                attributes.take_in(kind, &name, value)?;
            }
        }
        attributes.check(kind)?;
        Ok(attributes)
    }

    /// Takes in one entry of a body; a URN holds an object of entries, or is a prefix of the name.
    fn take_in(&mut self, kind: Kind, name: &str, value: Value) -> Result<(), ScimError> {
        match resolve(kind, name) {
            Some(Name::Schema(schema)) => self.take_in_all(kind, schema, value),
            _ => self.take_in_one(kind, name, value),
        }
    }

    fn take_in_one(&mut self, kind: Kind, name: &str, value: Value) -> Result<(), ScimError> {
        match resolve(kind, name) {
            Some(Name::Attribute(target)) if target.part.is_none() => self.set_new(&target, value),
            _ => Ok(()),
        }
    }

    fn take_in_all(&mut self, kind: Kind, schema: &'static Schema, value: Value) -> Result<(), ScimError> {
        let entries = match value {
            Value::Null => return Ok(()),
            Value::Object(entries) => entries,
            _ => return Err(ScimError::value(format!("`{}` must be an object.", schema.id))),
        };
        for (name, value) in entries {
            self.take_in_one(kind, &format!("{}:{name}", schema.id), value)?;
        }
        Ok(())
    }

    fn set_new(&mut self, target: &Target, value: Value) -> Result<(), ScimError> {
        if target.attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let read = if target.attribute.name == "members" { members } else { coerce::value };
        let Some(value) = read(target.attribute, value, Place::Body)? else { return Ok(()) };
        if target.attribute.returned == Returned::Never {
            return Ok(());
        }
        if self.get(target).is_some() {
            return Err(coerce::twice(target.attribute.name));
        }
        self.set(target, Some(value));
        Ok(())
    }

    /// Whether what is required is there, and all of it fits.
    pub(super) fn check(&self, kind: Kind) -> Result<(), ScimError> {
        for attribute in kind.schema().attributes.iter().filter(|attribute| attribute.required) {
            if self.text(attribute.name).is_none_or(|text| text.trim().is_empty()) {
                return Err(ScimError::value(format!("`{}` is required.", attribute.name)));
            }
        }
        let size =
            if kind == Kind::User { serde_json::to_vec(&self.0).map_or(usize::MAX, |json| json.len()) } else { 0 };
        if size > SIZE_LIMIT {
            return Err(ScimError::plain(413, format!("A user may have {} KiB of attributes.", SIZE_LIMIT / 1024)));
        }
        Ok(())
    }

    /// The value of an attribute, as it is kept.
    pub(super) fn get(&self, target: &Target) -> Option<&Value> {
        let holder = match target.extension {
            Some(schema) => self.0.get(schema.id)?.as_object()?,
            None => &self.0,
        };
        holder.get(target.attribute.name)
    }

    /// Sets an attribute, or takes it away. An extension of which nothing is left goes too.
    pub(super) fn set(&mut self, target: &Target, value: Option<Value>) {
        let Some(schema) = target.extension else {
            put(&mut self.0, target.attribute.name, value);
            return;
        };
        let mut holder = match self.0.remove(schema.id) {
            Some(Value::Object(holder)) => holder,
            _ => Map::new(),
        };
        put(&mut holder, target.attribute.name, value);
        if !holder.is_empty() {
            self.0.insert(schema.id.to_owned(), Value::Object(holder));
        }
    }

    /// Takes the value of an attribute out.
    pub(super) fn take(&mut self, target: &Target) -> Option<Value> {
        let holder = match target.extension {
            Some(schema) => self.0.get_mut(schema.id)?.as_object_mut()?,
            None => &mut self.0,
        };
        holder.remove(target.attribute.name)
    }

    /// Takes a whole extension away.
    pub(super) fn remove_extension(&mut self, schema: &Schema) {
        self.0.remove(schema.id);
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// `userName`, as it was sent.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }
    /// `displayName`, as it was sent.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }
    /// `externalId`, as it was sent.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }
    /// `active`, if it was sent.
    pub fn active(&self) -> Option<bool> {
        self.0.get("active").and_then(Value::as_bool)
    }
    /// The e-mail address that is marked as primary, as it was sent.
    pub fn primary_email(&self) -> Option<&str> {
        let emails = self.0.get("emails")?.as_array()?;
        emails.iter().find(|email| coerce::is_primary(email))?.get("value")?.as_str()
    }

    /// Takes the members out of a group; none if it does not name them or names null (S31), while an empty list says that
    /// there are none. A `$ref` stands for a missing `value`.
    pub fn take_members(&mut self) -> Option<Vec<String>> {
        let members = self.0.remove("members")?;
        Some(members.as_array()?.iter().filter_map(member_id).map(str::to_owned).collect())
    }

    /// The canonical names and values.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// As they are given to a client: with `schemas`, and still without what the door adds (`id`, `meta`, `groups`,
    /// `members`).
    pub fn into_resource(self, kind: Kind) -> Map<String, Value> {
        let mut resource = self.0;
        let used = kind.extension().filter(|extension| resource.contains_key(extension.id));
        let urns: Vec<Value> = std::iter::once(kind.schema()).chain(used).map(|schema| schema.id.into()).collect();
        resource.insert("schemas".to_owned(), Value::Array(urns));
        resource
    }
}

/// The id that an element of `members` names.
pub(super) fn member_id(member: &Value) -> Option<&str> {
    let filled = |id: &&str| !id.trim().is_empty();
    let of_reference = || member.get("$ref")?.as_str()?.rsplit('/').next().filter(filled);
    member.get("value").and_then(Value::as_str).filter(filled).or_else(of_reference)
}

/// The members that a value names; none if it is null. A list of none is one: it empties the group (S29, S31). An element
/// without an id is refused, so that a mistake empties no group.
pub(super) fn members(attribute: &Attribute, sent: Value, place: Place) -> Result<Option<Value>, ScimError> {
    let named = match &sent {
        Value::Null => return Ok(None),
        Value::Array(list) => list.len(),
        _ => 1,
    };
    let read = match coerce::value(attribute, sent, place)? {
        Some(Value::Array(read)) => read,
        _ => Vec::new(),
    };
    if read.iter().filter_map(member_id).count() < named {
        return Err(ScimError::value("Each of the `members` needs the id of a user as its `value`."));
    }
    Ok(Some(Value::Array(read)))
}

fn put(holder: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(holder.insert(name.to_owned(), value)),
        None => drop(holder.remove(name)),
    }
}

/// Other URNs than ours are harmless, but a body that says it is the other kind of resource was sent to the wrong place.
fn check_schemas(kind: Kind, sent: &Value) -> Result<(), ScimError> {
    let wanted = || ScimError::value("`schemas` must be a list of URNs.");
    let urns: Option<Vec<&str>> = match sent {
        Value::Null => return Ok(()),
        Value::Array(urns) => urns.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let urns = urns.ok_or_else(wanted)?;
    let names = |kind: Kind| urns.iter().any(|urn| kind.schema().is_named(urn));
    match Kind::ALL.into_iter().find(|other| *other != kind && names(*other)) {
        Some(other) if !names(kind) => {
            Err(ScimError::syntax(format!("A {} was sent where a {} is wanted.", other.name(), kind.name())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
