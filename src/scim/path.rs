//! Reads the name of an attribute, as filters, PATCH paths, `sortBy` and `attributes` spell it (RFC 7644 §3.10).

use serde_json::{Map, Value};

use super::schema::{Attribute, COMMON, Kind, Schema};

/// An attribute of a kind of resource, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The extension that it stands in; none for the core and what is common to all.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The part that is meant, if one is.
    pub part: Option<&'static Attribute>,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// An attribute.
    Attribute(Target),
    /// All attributes of a schema: the name is its URN.
    Schema(&'static Schema),
    /// Well formed, and not known.
    Unknown,
}

impl Target {
    /// What the name is to be compared by: the part, or the attribute.
    pub fn leaf(&self) -> &'static Attribute {
        self.part.unwrap_or(self.attribute)
    }

    /// The same with the part `value`, where several parts have one that stands for the whole.
    #[must_use]
    pub fn of_value(self) -> Self {
        match self.part {
            None => Target { part: self.attribute.sub("value"), ..self },
            Some(_) => self,
        }
    }

    /// The values of the whole attribute in `resource`: each of several, the one, or none.
    pub fn elements<'r>(&self, resource: &'r Map<String, Value>) -> &'r [Value] {
        let holder = match self.extension {
            Some(schema) => resource.get(schema.id).and_then(Value::as_object),
            None => Some(resource),
        };
        match holder.and_then(|holder| holder.get(self.attribute.name)) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
        }
    }

    /// The values that are meant: of the part in each element, or the elements themselves.
    pub fn values<'r>(&self, resource: &'r Map<String, Value>) -> impl Iterator<Item = &'r Value> {
        let part = self.part.map(|part| part.name);
        self.elements(resource).iter().filter_map(move |element| match part {
            Some(name) => element.get(name).filter(|value| !value.is_null()),
            None => Some(element),
        })
    }
}

/// What `text` means for resources of `kind`; none if it is not a name.
pub fn resolve(kind: Kind, text: &str) -> Option<Name> {
    let (schema, name) = match split_urn(kind, text) {
        Urn::Whole(schema) => return Some(Name::Schema(schema)),
        Urn::Prefix(schema, rest) => (schema, rest),
        Urn::Unknown => return Some(Name::Unknown),
        Urn::Missing => (kind.schema(), text),
    };
    let (name, part) = match name.split_once('.') {
        Some((name, part)) => (name, Some(part)),
        None => (name, None),
    };
    if !is_name(name) || part.is_some_and(|part| !is_name(part)) {
        return None;
    }
    let extension = kind.extension().filter(|extension| std::ptr::eq(*extension, schema));
    let common = COMMON.iter().find(|common| extension.is_none() && common.name.eq_ignore_ascii_case(name));
    let Some(attribute) = common.or_else(|| schema.attribute(name)) else { return Some(Name::Unknown) };
    match part.map(|part| attribute.sub(part)) {
        None => Some(Name::Attribute(Target { extension, attribute, part: None })),
        Some(Some(part)) => Some(Name::Attribute(Target { extension, attribute, part: Some(part) })),
        Some(None) => Some(Name::Unknown),
    }
}

/// What stands before a name.
enum Urn<'t> {
    /// The text is the URN of this schema, and nothing else.
    Whole(&'static Schema),
    /// It begins with the URN of this schema; the rest follows.
    Prefix(&'static Schema, &'t str),
    /// It begins with another URN.
    Unknown,
    /// It begins with none.
    Missing,
}

/// URNs have dots and colons themselves: the longest that is known and fits is the one that is meant.
fn split_urn(kind: Kind, text: &str) -> Urn<'_> {
    let named = kind.schemas().flat_map(|schema| {
        std::iter::once(schema.id).chain(schema.aliases.iter().copied()).map(move |urn| (schema, urn))
    });
    let begins = |urn: &str| {
        text.get(..urn.len()).is_some_and(|start| start.eq_ignore_ascii_case(urn))
            && matches!(text.as_bytes().get(urn.len()), None | Some(b':'))
    };
    let longest = named.filter(|(_, urn)| begins(urn)).max_by_key(|(_, urn)| urn.len());
    match longest {
        Some((schema, urn)) if urn.len() == text.len() => Urn::Whole(schema),
        Some((schema, urn)) => Urn::Prefix(schema, &text[urn.len() + 1..]),
        None if text.contains(':') => Urn::Unknown,
        None => Urn::Missing,
    }
}

/// Whether it is an `attrname` of RFC 7643 §2.1, or `$ref`.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'$')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(kind: Kind, text: &str) -> String {
        match resolve(kind, text) {
            None => "malformed".to_owned(),
            Some(Name::Unknown) => "unknown".to_owned(),
            Some(Name::Schema(schema)) => schema.name.to_owned(),
            Some(Name::Attribute(target)) => {
                let holder = target.extension.map_or("", |schema| schema.name);
                let part = target.part.map(|part| format!(".{}", part.name)).unwrap_or_default();
                format!("{holder}/{}{part}", target.attribute.name)
            }
        }
    }

    #[test]
    fn s17_s28_names_in_every_spelling() {
        let check = |text: &str, expected: &str| assert_eq!(told(Kind::User, text), expected, "{text}");
        check("userName", "/userName");
        check("USERNAME", "/userName");
        check("name.givenname", "/name.givenName");
        check("meta.lastModified", "/meta.lastModified");
        check("externalid", "/externalId");
        check("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "/name.familyName");
        check("URN:IETF:params:scim:schemas:core:2.0:user:Active", "/active");
        check("urn:scim:schemas:core:2.0:User:active", "/active");
        check("urn:scim:schemas:core:2.0:active", "/active");
        check("urn:ietf:params:scim:schemas:core:2.0:User", "User");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "EnterpriseUser");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref", "EnterpriseUser/manager.$ref");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "EnterpriseUser/department");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:id", "unknown");
        check("department", "unknown");
        check("urn:example:custom:2.0:User:shoeSize", "unknown");
        check("name.shoeSize", "unknown");
        check("userName.x", "unknown");
        for wrong in ["", ".", "name.", ".name", "a.b.c", "na me", "1a", "naïve", "name..x", "a[b", "a\"b"] {
            check(wrong, "malformed");
        }
        assert_eq!(told(Kind::Group, "members.value"), "/members.value");
        assert_eq!(told(Kind::Group, "userName"), "unknown");
    }

    #[test]
    fn values_are_found_where_the_schema_says() {
        let Value::Object(resource) = json!({
            "emails": [{ "value": "a" }, { "type": "work" }, { "value": "b" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "26" } },
            "title": null,
        }) else {
            unreachable!()
        };
        let check = |text: &str, expected: &[&str]| {
            let Some(Name::Attribute(target)) = resolve(Kind::User, text) else { panic!("{text}") };
            let values: Vec<_> = target.values(&resource).filter_map(Value::as_str).collect();
            assert_eq!(values, expected, "{text}");
        };
        check("emails.value", &["a", "b"]);
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", &["26"]);
        check("title", &[]);
        check("name.givenName", &[]);
    }
}
