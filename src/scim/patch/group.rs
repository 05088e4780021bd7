//! A PATCH of a group, as a list of changes: ten thousand members are never read to take one out.

use serde_json::Value;

use super::path::{PatchPath, Place};
use super::{Operation, Patch, Verb};
use crate::scim::coerce::{self, Place as Where};
use crate::scim::error::{ScimError, ScimType};
use crate::scim::filter::{self, Node, equal_to};
use crate::scim::resource::{member_id, members};
use crate::scim::schema::{Attribute, Kind, Mutability};

const KIND: Kind = Kind::Group;

/// One change of a group. Ids are as they were sent: none may belong to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// The name.
    DisplayName(String),
    /// The client's own name; none takes it away.
    ExternalId(Option<String>),
    /// These come in.
    AddMembers(Vec<String>),
    /// These go.
    RemoveMembers(Vec<String>),
    /// All go.
    RemoveAll,
    /// These are in, and nobody else.
    ReplaceMembers(Vec<String>),
}

impl Patch {
    /// The changes in order, neighbours of one sort joined. Refused (400) as a whole: `noTarget`, `invalidPath`,
    /// `invalidFilter`, `mutability`, `invalidValue`.
    pub fn group_changes(&self) -> Result<Vec<GroupChange>, ScimError> {
        let mut changes = Changes(Vec::new());
        for operation in &self.operations {
            changes.take_in(operation)?;
        }
        Ok(changes.0)
    }
}

struct Changes(Vec<GroupChange>);

impl Changes {
    fn take_in(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let value = operation.value.as_ref();
        match &operation.path {
            Some(path) => match PatchPath::parse(KIND, path)? {
                PatchPath::Attribute(place) => self.change(operation, &place, value, true),
                PatchPath::Schema(_) if operation.verb != Verb::Remove => self.change_keys(operation),
                PatchPath::Schema(_) => Err(mutability("displayName", "is required, so it can't be taken away")),
            },
            None if operation.verb == Verb::Remove => {
                Err(ScimError::new(ScimType::NoTarget, "An operation that removes needs a `path`."))
            }
            None => self.change_keys(operation),
        }
    }

    /// Each key of the value is a path; its own id, and what is not known, are let be (S29, S30).
    fn change_keys(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let Some(Value::Object(entries)) = &operation.value else {
            return Err(ScimError::value("An operation without a `path` needs an object as its `value`."));
        };
        for (key, value) in entries {
            match PatchPath::known(KIND, key) {
                // Null members are no wish to empty the group: that is written `[]` (S31).
                Ok(Some(PatchPath::Attribute(place))) if place.is_members() && value.is_null() => {}
                Ok(Some(PatchPath::Attribute(place))) => {
                    self.change(operation, &place, Some(value).filter(|value| !value.is_null()), false)?;
                }
                Ok(Some(PatchPath::Schema(_))) => {
                    let inner = Operation { path: None, value: Some(value.clone()), ..*operation };
                    self.change_keys(&inner)?;
                }
                Err(error) if key.contains('[') => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        operation: &Operation,
        place: &Place,
        value: Option<&Value>,
        by_path: bool,
    ) -> Result<(), ScimError> {
        let attribute = place.target.attribute;
        let value = value.filter(|_| operation.verb != Verb::Remove || attribute.name == "members");
        match attribute.name {
            "displayName" => {
                let name = value.map(|value| text(attribute, value)).transpose()?.flatten();
                let name = name.filter(|name| !name.trim().is_empty());
                let missing = || mutability("displayName", "is required, so it can't be taken away");
                self.0.push(GroupChange::DisplayName(name.ok_or_else(missing)?));
            }
            "externalId" => {
                let name = value.map(|value| text(attribute, value)).transpose()?.flatten();
                self.0.push(GroupChange::ExternalId(name));
            }
            "members" => self.change_members(operation, place, value)?,
            "schemas" => {}
            _ if attribute.mutability == Mutability::ReadOnly && !by_path => {}
            name => return Err(mutability(name, "is written by the server alone")),
        }
        Ok(())
    }

    fn change_members(&mut self, operation: &Operation, place: &Place, value: Option<&Value>) -> Result<(), ScimError> {
        if let Some(part) = place.target.part {
            return Err(mutability(part.name, "of a member can't be changed; add and remove members"));
        }
        let sent = value.map(|value| ids(place.target.attribute, value)).transpose()?;
        let chosen = place.filter.as_ref().map(chosen).transpose()?;
        match (operation.verb, chosen, sent) {
            (Verb::Remove, Some(chosen), _) => self.push_members(GroupChange::RemoveMembers(chosen)),
            (Verb::Remove, None, Some(sent)) => self.push_members(GroupChange::RemoveMembers(sent)),
            // Only the one that says nothing of whom it means, means all (S28).
            (Verb::Remove, None, None) => self.push_whole(GroupChange::RemoveAll),
            (Verb::Add, None, sent) => self.push_members(GroupChange::AddMembers(sent.unwrap_or_default())),
            (Verb::Add, Some(chosen), _) => self.push_members(GroupChange::AddMembers(chosen)),
            (Verb::Replace, None, sent) => {
                self.push_whole(GroupChange::ReplaceMembers(sent.unwrap_or_default()));
            }
            (Verb::Replace, Some(chosen), sent) => {
                self.push_members(GroupChange::RemoveMembers(chosen));
                self.push_members(GroupChange::AddMembers(sent.unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// After one that says who all the members are, those before it make no difference.
    fn push_whole(&mut self, change: GroupChange) {
        self.0.retain(|before| matches!(before, GroupChange::DisplayName(_) | GroupChange::ExternalId(_)));
        self.0.push(change);
    }

    /// Joins with the change before it where that is of the same sort, and drops one of nobody.
    fn push_members(&mut self, change: GroupChange) {
        match (self.0.last_mut(), change) {
            (_, GroupChange::AddMembers(new) | GroupChange::RemoveMembers(new)) if new.is_empty() => {}
            (Some(GroupChange::AddMembers(all)), GroupChange::AddMembers(new))
            | (Some(GroupChange::RemoveMembers(all)), GroupChange::RemoveMembers(new)) => all.extend(new),
            (_, change) => self.0.push(change),
        }
    }
}

fn text(attribute: &Attribute, value: &Value) -> Result<Option<String>, ScimError> {
    match coerce::one(attribute, value.clone(), Where::Patch)? {
        Some(Value::String(text)) => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// The ids that a value names, in any of its forms: objects, `$ref` alone, bare ids, one or several.
fn ids(attribute: &Attribute, value: &Value) -> Result<Vec<String>, ScimError> {
    let Some(Value::Array(members)) = members(attribute, value.clone(), Where::Patch)? else {
        return Ok(Vec::new());
    };
    Ok(members.iter().filter_map(member_id).map(str::to_owned).collect())
}

/// The ids that a filter on members names. Nothing else of a member can be asked for, since members are not read.
fn chosen(filter: &Node) -> Result<Vec<String>, ScimError> {
    let refused = || {
        let reason = "Members are chosen by their `value` alone, as in members[value eq \"id\"].";
        ScimError::new(ScimType::InvalidFilter, reason)
    };
    match filter {
        Node::Or(any) => {
            let each: Result<Vec<Vec<String>>, ScimError> = any.iter().map(chosen).collect();
            Ok(each?.concat())
        }
        Node::And(all) => {
            let users = |node: &&Node| asks(node, "type").is_some_and(|wanted| wanted.eq_ignore_ascii_case("User"));
            let rest: Vec<&Node> = all.iter().filter(|node| !users(node)).collect();
            match rest.as_slice() {
                [one] => chosen(one),
                _ => Err(refused()),
            }
        }
        one => asks(one, "value").map(|id| vec![id.to_owned()]).ok_or_else(refused),
    }
}

/// The text that a node asks a part to be equal to.
fn asks<'n>(node: &'n Node, part: &str) -> Option<&'n str> {
    match node {
        Node::Test(test) if matches!(test.place, filter::Place::Part(known) if known.name == part) => equal_to(test),
        _ => None,
    }
}

fn mutability(name: &str, why: &str) -> ScimError {
    ScimError::new(ScimType::Mutability, format!("`{name}` {why}."))
}
