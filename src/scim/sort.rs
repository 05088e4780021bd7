//! The order of a list: `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3, S23).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::coerce::is_primary;
use super::error::ScimError;
use super::fold::fold;
use super::path::{Name, Target, resolve};
use super::schema::{Kind, Returned, Type};

/// An order that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    target: Target,
    descending: bool,
}

/// What a resource is ordered by. Keep it beside the resource's id: equal ones are ordered by that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(Option<Key>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Truth(bool),
    Moment(jiff::Timestamp),
    Text(String),
}

impl Sort {
    /// Reads `sortBy` and `sortOrder`; none if nothing is to be sorted by.
    /// Refused (400 `invalidValue`): an attribute that is unknown or has no order, and another order than
    /// `ascending` and `descending`.
    pub fn parse(kind: Kind, by: Option<&str>, order: Option<&str>) -> Result<Option<Self>, ScimError> {
        let descending = match order.map(str::trim) {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(ScimError::value("`sortOrder` must be ascending or descending.")),
        };
        let Some(by) = by.map(str::trim).filter(|by| !by.is_empty()) else { return Ok(None) };
        let target = match resolve(kind, by) {
            Some(Name::Attribute(target)) if target.leaf().kind == Type::Complex => target.of_value(),
            Some(Name::Attribute(target)) => target,
            _ => return Err(ScimError::value("`sortBy` names no attribute.")),
        };
        if target.leaf().kind == Type::Complex || target.leaf().returned == Returned::Never {
            return Err(ScimError::value("`sortBy` must name an attribute that has an order, or a part of one."));
        }
        Ok(Some(Sort { target, descending }))
    }

    /// Whether it orders by that attribute, which then has to be read.
    pub fn mentions(&self, name: &str) -> bool {
        self.target.attribute.name == name
    }

    /// What `resource` is ordered by: of several values the primary one, or the first.
    pub fn key(&self, resource: &Map<String, Value>) -> SortKey {
        let elements = self.target.elements(resource);
        let chosen = elements.iter().find(|element| is_primary(element)).or_else(|| elements.first());
        let value = chosen.and_then(|element| match self.target.part {
            Some(part) => element.get(part.name),
            None => Some(element),
        });
        let leaf = self.target.leaf();
        SortKey(match value {
            Some(Value::Bool(truth)) => Some(Key::Truth(*truth)),
            Some(Value::String(text)) if leaf.kind == Type::DateTime => text.parse().ok().map(Key::Moment),
            Some(Value::String(text)) if leaf.case_exact => Some(Key::Text(text.clone())),
            Some(Value::String(text)) => Some(Key::Text(fold(text))),
            _ => None,
        })
    }

    /// Which comes first. Those without a value are last, or first if the order descends.
    pub fn compare(&self, one: &SortKey, other: &SortKey) -> Ordering {
        let ascending = match (&one.0, &other.0) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        if self.descending { ascending.reverse() } else { ascending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn s23_lists_are_ordered_as_the_schema_says() {
        let people = [
            json!({ "id": "1", "userName": "bo@x", "externalId": "a", "emails": [{ "value": "z" },
                { "value": "b", "primary": true }], "meta": { "created": "2020-01-01T00:00:00Z" } }),
            json!({ "id": "2", "userName": "Ada@x", "externalId": "B", "active": true,
                "emails": [{ "value": "a" }], "meta": { "created": "2020-01-01T00:30:00+01:00" } }),
            json!({ "id": "3", "userName": "cy@x", "name": { "familyName": "É" }, "active": false,
                "meta": { "created": "2019-12-31T23:45:00.0000001Z" } }),
        ];
        let check = |by: &str, order: Option<&str>, expected: [&str; 3]| {
            let sort = Sort::parse(Kind::User, Some(by), order).unwrap().unwrap();
            let mut keys: Vec<_> = people
                .iter()
                .map(|person| (sort.key(person.as_object().unwrap()), person["id"].as_str().unwrap()))
                .collect();
            keys.sort_by(|one, other| sort.compare(&one.0, &other.0).then(one.1.cmp(other.1)));
            assert_eq!(keys.iter().map(|(_, id)| *id).collect::<Vec<_>>(), expected, "{by} {order:?}");
        };
        check("userName", None, ["2", "1", "3"]);
        check("USERNAME", Some("Descending"), ["3", "1", "2"]);
        check("externalId", Some("ascending"), ["2", "1", "3"]);
        check("emails", None, ["2", "1", "3"]);
        check("emails.value", Some("descending"), ["3", "1", "2"]);
        check("name.familyName", None, ["3", "1", "2"]);
        check("name.familyName", Some("descending"), ["1", "2", "3"]);
        check("active", None, ["3", "2", "1"]);
        check("meta.created", None, ["2", "3", "1"]);
    }

    #[test]
    fn s23_what_has_no_order_is_refused() {
        assert!(Sort::parse(Kind::User, None, Some("descending")).unwrap().is_none());
        assert!(Sort::parse(Kind::User, Some(""), None).unwrap().is_none());
        for (by, order) in [("shoeSize", None), ("name", None), ("a b", None), ("password", None), ("id", Some("up"))] {
            let error = Sort::parse(Kind::User, Some(by), order).expect_err(by);
            assert_eq!(error.to_json()["scimType"], "invalidValue");
        }
    }
}
