//! Which attributes an answer holds: `attributes` and `excludedAttributes` (RFC 7644 §3.9, S23).

use serde_json::{Map, Value};

use super::path::{Name, Target, resolve};
use super::schema::{COMMON, Kind, Returned, Schema};

/// What a client asked to be given.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// Only these, if any are named.
    asked: Option<Vec<Selector>>,
    /// All but these.
    excluded: Vec<Selector>,
}

#[derive(Clone, Copy, Debug)]
enum Selector {
    Attribute(Target),
    /// A URN: all attributes of an extension; of the core schema, nothing in particular.
    Extension(&'static Schema),
}

/// What becomes of an attribute.
enum Fate {
    Whole,
    Parts(Vec<&'static str>),
    Gone,
}

impl Projection {
    /// Reads the two lists, names separated by commas. Names that are not known, or are none, choose nothing; an empty
    /// list is as none.
    pub fn parse(kind: Kind, attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let read = |names: &str| {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.filter_map(|name| selector(kind, name)).collect::<Vec<_>>()
        };
        let asked = attributes.filter(|names| !names.trim_matches([' ', ',']).is_empty()).map(read);
        Projection { asked, excluded: excluded.map(read).unwrap_or_default() }
    }

    /// Whether an attribute of the core can be in the answer: if not, it need not be read.
    pub fn wants(&self, name: &str) -> bool {
        !matches!(self.fate(None, name), Fate::Gone)
    }

    /// The resource as it is given. `id` and `schemas` always stay.
    #[must_use]
    pub fn apply(&self, resource: Map<String, Value>) -> Map<String, Value> {
        if self.asked.is_none() && self.excluded.is_empty() {
            return resource;
        }
        let mut given = Map::new();
        for (name, value) in resource {
            let kept = match (&value, extension(&name)) {
                (Value::Object(_), Some(schema)) => self.of_extension(schema, value),
                _ => self.part_of(None, &name, value),
            };
            if let Some(value) = kept {
                given.insert(name, value);
            }
        }
        given
    }

    fn of_extension(&self, schema: &'static Schema, value: Value) -> Option<Value> {
        let Value::Object(attributes) = value else { return None };
        let kept = attributes.into_iter().filter_map(|(name, value)| {
            let value = self.part_of(Some(schema), &name, value)?;
            Some((name, value))
        });
        Some(kept.collect::<Map<_, _>>()).filter(|kept| !kept.is_empty()).map(Value::Object)
    }

    fn part_of(&self, extension: Option<&'static Schema>, name: &str, value: Value) -> Option<Value> {
        let value = match self.fate(extension, name) {
            Fate::Gone => return None,
            Fate::Whole => value,
            Fate::Parts(parts) => parts_only(value, &|part| parts.contains(&part))?,
        };
        let without: Vec<&str> = named(&self.excluded, extension, name).flatten().collect();
        if without.is_empty() { Some(value) } else { parts_only(value, &|part| !without.contains(&part)) }
    }

    fn fate(&self, extension: Option<&'static Schema>, name: &str) -> Fate {
        if extension.is_none() && always(name) {
            return Fate::Whole;
        }
        if names_whole(&self.excluded, extension, name) {
            return Fate::Gone;
        }
        let Some(asked) = &self.asked else { return Fate::Whole };
        if names_whole(asked, extension, name) {
            return Fate::Whole;
        }
        let parts: Vec<&str> = named(asked, extension, name).flatten().collect();
        if parts.is_empty() { Fate::Gone } else { Fate::Parts(parts) }
    }
}

fn selector(kind: Kind, name: &str) -> Option<Selector> {
    match resolve(kind, name)? {
        Name::Attribute(target) => Some(Selector::Attribute(target)),
        Name::Schema(schema) => Some(Selector::Extension(schema)),
        Name::Unknown => None,
    }
}

fn extension(urn: &str) -> Option<&'static Schema> {
    Kind::ALL.into_iter().filter_map(Kind::extension).find(|schema| schema.id == urn)
}

fn always(name: &str) -> bool {
    COMMON.iter().any(|common| common.name == name && common.returned == Returned::Always)
}

fn same(one: Option<&'static Schema>, other: Option<&'static Schema>) -> bool {
    one.map(|schema| schema.id) == other.map(|schema| schema.id)
}

/// For each selector of the attribute: the part that it names, or none for the whole.
fn named<'s>(
    selectors: &'s [Selector],
    extension: Option<&'static Schema>,
    name: &'s str,
) -> impl Iterator<Item = Option<&'static str>> + 's {
    selectors.iter().filter_map(move |selector| match selector {
        Selector::Attribute(target) if same(target.extension, extension) && target.attribute.name == name => {
            Some(target.part.map(|part| part.name))
        }
        Selector::Extension(schema) if same(Some(*schema), extension) => Some(None),
        _ => None,
    })
}

fn names_whole(selectors: &[Selector], extension: Option<&'static Schema>, name: &str) -> bool {
    named(selectors, extension, name).any(|part| part.is_none())
}

/// The same value, or each of its elements, with some of its parts; none if nothing is left.
fn parts_only(value: Value, keeps: &dyn Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Array(elements) => {
            let kept: Vec<Value> = elements.into_iter().filter_map(|element| parts_only(element, keeps)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(mut parts) => {
            parts.retain(|name, _| keeps(name));
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        simple => Some(simple),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::ENTERPRISE_USER;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn s23_what_is_asked_for_is_given_and_the_id_always() {
        let enterprise = ENTERPRISE_USER.id;
        let whole = object(json!({
            "schemas": ["s"], "id": "1", "userName": "a@x", "name": { "givenName": "Ada", "familyName": "L" },
            "emails": [{ "value": "a@x", "type": "work" }, { "type": "home" }], "meta": { "version": "W/\"1\"" },
            enterprise: { "department": "D", "manager": { "value": "26", "displayName": "Bo" } },
        }));
        let check = |attributes: Option<&str>, excluded: Option<&str>, expected: Value| {
            let given = Projection::parse(Kind::User, attributes, excluded).apply(whole.clone());
            assert_eq!(Value::Object(given), expected, "{attributes:?} {excluded:?}");
        };
        let just = |more: Value| {
            let mut all = object(json!({ "schemas": ["s"], "id": "1" }));
            all.extend(object(more));
            Value::Object(all)
        };
        check(None, None, Value::Object(whole.clone()));
        check(Some(""), Some(""), Value::Object(whole.clone()));
        check(Some("USERNAME"), None, just(json!({ "userName": "a@x" })));
        check(Some("nothing"), None, just(json!({})));
        check(
            Some("name.givenName, emails.value"),
            None,
            just(json!({
            "name": { "givenName": "Ada" }, "emails": [{ "value": "a@x" }] })),
        );
        check(Some("name,name.givenName"), None, just(json!({ "name": whole["name"] })));
        check(Some(enterprise), None, just(json!({ enterprise: whole[enterprise] })));
        check(
            Some(&format!("{enterprise}:manager.value,meta.version")),
            None,
            just(json!({
            enterprise: { "manager": { "value": "26" } }, "meta": { "version": "W/\"1\"" } })),
        );
        check(
            None,
            Some(&format!("id,schemas,emails,name.familyName,meta,{enterprise}:manager")),
            just(json!({
            "userName": "a@x", "name": { "givenName": "Ada" }, enterprise: { "department": "D" } })),
        );
        check(None, Some(&format!("userName,name,emails,meta,{enterprise}")), just(json!({})));
        check(Some("userName,name"), Some("name.familyName,userName"), just(json!({ "name": { "givenName": "Ada" } })));
        check(Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"), None, just(json!({ "userName": "a@x" })));
    }

    #[test]
    fn s40_members_that_nobody_asked_for_need_not_be_read() {
        let wants = |attributes, excluded| Projection::parse(Kind::Group, attributes, excluded).wants("members");
        assert!(wants(None, None) && wants(Some("members.value"), None) && wants(None, Some("displayName")));
        assert!(!wants(None, Some("Members")) && !wants(Some("displayName"), None));
    }
}
