//! Holds a value that was sent against its attribute: the right type in canonical names, or a refusal (S17, S19).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::error::ScimError;
use super::schema::{Attribute, Mutability, Type};
use crate::kernel::Timestamp;

/// The most values that an attribute of a user may have.
pub const VALUES_LIMIT: usize = 500;
/// The most members that one request may name.
pub const MEMBERS_LIMIT: usize = 100_000;

/// Where a value stands: what may be written shorter there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a whole resource: several values are a list, one value is none.
    Body,
    /// In an operation of a PATCH: one of several may stand alone, and one in a list of one (S28).
    Patch,
}

/// The value as it is kept; none if it says that the attribute has none: null, `[]`, an object of nothing.
pub fn value(attribute: &Attribute, sent: Value, place: Place) -> Result<Option<Value>, ScimError> {
    if attribute.multi_valued { several(attribute, sent, place) } else { one(attribute, sent, place) }
}

fn several(attribute: &Attribute, sent: Value, place: Place) -> Result<Option<Value>, ScimError> {
    let sent = match sent {
        Value::Null => return Ok(None),
        Value::Array(sent) => sent,
        alone @ (Value::Object(_) | Value::String(_)) if place == Place::Patch => vec![alone],
        _ => return Err(ScimError::value(format!("`{}` must be a list.", attribute.name))),
    };
    let limit = if attribute.name == "members" { MEMBERS_LIMIT } else { VALUES_LIMIT };
    if sent.len() > limit {
        return Err(ScimError::plain(413, format!("`{}` may have {limit} values in a request.", attribute.name)));
    }
    let mut values = Vec::with_capacity(sent.len());
    for element in sent {
        if element.is_array() {
            return Err(ScimError::value(format!("`{}` must be a list of single values.", attribute.name)));
        }
        let Some(element) = one(attribute, element, place)? else { continue };
        // Members are many, and are compared by who keeps them.
        if limit > VALUES_LIMIT || !values.contains(&element) {
            values.push(element);
        }
    }
    if values.iter().filter(|value| is_primary(value)).count() > 1 {
        return Err(ScimError::value(format!("At most one value of `{}` may be primary.", attribute.name)));
    }
    Ok((!values.is_empty()).then_some(Value::Array(values)))
}

/// Whether an element is marked as the preferred one.
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// One value of an attribute, be it the only one or one of several.
pub fn one(attribute: &Attribute, sent: Value, place: Place) -> Result<Option<Value>, ScimError> {
    let sent = if place == Place::Patch { unwrapped(attribute, sent) } else { sent };
    let fits = match (attribute.kind, sent) {
        (_, Value::Null) => return Ok(None),
        (Type::Complex, Value::Object(parts)) => return complex(attribute, parts),
        (Type::Complex, Value::String(text)) if attribute.has_value_part() => {
            let parts = Map::from_iter([("value".to_owned(), Value::String(text))]);
            return complex(attribute, parts);
        }
        (Type::Boolean, Value::Bool(truth)) => Some(Value::Bool(truth)),
        (Type::Boolean, Value::String(text)) => truth_of(&text).map(Value::Bool),
        (Type::String | Type::Reference, Value::String(text)) => text_of(attribute, text)?.map(Value::String),
        (Type::Binary, Value::String(text)) => is_base64(&text).then_some(Value::String(text)),
        (Type::DateTime, Value::String(text)) => Timestamp::parse_rfc3339(&text).map(|_| Value::String(text)),
        _ => None,
    };
    let wanted = match attribute.kind {
        Type::String | Type::Reference => "one line of text",
        Type::Boolean => "true or false",
        Type::DateTime => "a date and time with a zone, as in RFC 3339",
        Type::Binary => "text in base64",
        Type::Complex => "an object",
    };
    fits.map(Some).ok_or_else(|| ScimError::value(format!("`{}` must be {wanted}.", attribute.name)))
}

/// Entra's older form of a single value is a list of one object (S28).
fn unwrapped(attribute: &Attribute, sent: Value) -> Value {
    let alone = match sent {
        Value::Array(mut list) if list.len() == 1 && !attribute.multi_valued => list.swap_remove(0),
        Value::Array(list) if list.is_empty() && !attribute.multi_valued => return Value::Null,
        other => other,
    };
    match alone {
        Value::Object(mut parts) if attribute.kind != Type::Complex => match parts.remove("value") {
            Some(value) => value,
            None => Value::Object(parts),
        },
        other => other,
    }
}

fn complex(attribute: &Attribute, sent: Map<String, Value>) -> Result<Option<Value>, ScimError> {
    let mut parts = Map::new();
    for (name, value) in sent {
        let Some(part) = attribute.sub(&name).filter(|part| part.mutability != Mutability::ReadOnly) else { continue };
        let Some(value) = one(part, value, Place::Body)? else { continue };
        // Nobody is managed by nobody: an empty value is Entra's way to take a manager away.
        if attribute.name == "manager" && value == Value::String(String::new()) {
            continue;
        }
        if parts.insert(part.name.to_owned(), value).is_some() {
            return Err(twice(part.name));
        }
    }
    Ok((!parts.is_empty()).then_some(Value::Object(parts)))
}

/// The refusal of an attribute in two spellings (S38).
pub fn twice(name: &str) -> ScimError {
    ScimError::syntax(format!("`{name}` stands twice, in different spellings."))
}

/// True and false in words, in any case (S28).
pub fn truth_of(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn text_of(attribute: &Attribute, text: String) -> Result<Option<String>, ScimError> {
    // Postal addresses have several lines; nothing else does.
    let lines = matches!(attribute.name, "formatted" | "streetAddress");
    if text.contains('\0') {
        return Err(ScimError::syntax("The character NUL stands in a text."));
    }
    Ok((lines || !text.contains(['\r', '\n'])).then_some(text))
}

fn is_base64(text: &str) -> bool {
    let text: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().any(|engine| engine.decode(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, USER};
    use serde_json::json;

    fn read(name: &str, sent: Value, place: Place) -> Result<Option<Value>, ScimError> {
        let attribute = USER.attribute(name).or_else(|| ENTERPRISE_USER.attribute(name)).unwrap();
        value(attribute, sent, place)
    }

    #[test]
    fn s19_a_value_has_its_type_or_is_refused() {
        let check = |name: &str, sent: Value, expected: Value| {
            let read = read(name, sent.clone(), Place::Body).unwrap_or_else(|error| panic!("{sent}: {error}"));
            assert_eq!(read.unwrap_or_default(), expected, "{name} {sent}");
        };
        check("title", json!("Chief"), json!("Chief"));
        check("title", json!(null), json!(null));
        check("active", json!("False"), json!(false));
        check("active", json!(true), json!(true));
        check("name", json!({"GIVENNAME": "Ada", "shoeSize": 3, "familyName": null}), json!({"givenName": "Ada"}));
        check("name", json!({}), json!(null));
        check("emails", json!([]), json!(null));
        check("emails", json!([{"value": "a@b", "Primary": "True"}, {}]), json!([{"value": "a@b", "primary": true}]));
        check("emails", json!(["a@b", {"value": "a@b"}]), json!([{"value": "a@b"}]));
        check("addresses", json!([{"formatted": "1 Street\nCity"}]), json!([{"formatted": "1 Street\nCity"}]));
        check("x509Certificates", json!([{"value": "MIIB\nAA=="}]), json!([{"value": "MIIB\nAA=="}]));
        for (name, sent) in [
            ("title", json!(1)),
            ("title", json!(["a"])),
            ("title", json!({"value": "a"})),
            ("title", json!("a\r\nb")),
            ("active", json!("yes")),
            ("active", json!(1)),
            ("name", json!("Ada")),
            ("name", json!({"givenName": ["Ada"]})),
            ("emails", json!("a@b")),
            ("emails", json!({"value": "a@b"})),
            ("emails", json!([1])),
            ("emails", json!([["a"]])),
            ("emails", json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}])),
            ("x509Certificates", json!([{"value": "#"}])),
        ] {
            let error = read(name, sent.clone(), Place::Body).expect_err(&sent.to_string());
            assert_eq!(error.to_json()["scimType"], "invalidValue", "{sent}");
        }
        assert!(read("name", json!({"givenName": "a", "GivenName": "b"}), Place::Body).is_err());
        assert_eq!(read("emails", vec!["a"; 501].into(), Place::Body).unwrap_err().status(), 413);
    }

    #[test]
    fn s28_a_manager_comes_in_three_forms() {
        for sent in [json!("26"), json!({"value": "26"}), json!({"value": "26", "displayName": "Bo", "$ref": null})] {
            assert_eq!(read("manager", sent, Place::Body).unwrap(), Some(json!({"value": "26"})));
        }
        for none in [json!(""), json!({"value": ""}), json!(null), json!({"value": null})] {
            assert_eq!(read("manager", none, Place::Body).unwrap(), None);
        }
    }

    #[test]
    fn s28_entras_older_patches_wrap_a_single_value() {
        let patch = |name, sent| read(name, sent, Place::Patch).unwrap();
        assert_eq!(patch("title", json!([{"$ref": null, "value": "Chief"}])), Some(json!("Chief")));
        assert_eq!(patch("active", json!([{"value": "False"}])), Some(json!(false)));
        assert_eq!(patch("manager", json!([{"$ref": null, "value": "26"}])), Some(json!({"value": "26"})));
        assert_eq!(patch("emails", json!({"value": "a@b"})), Some(json!([{"value": "a@b"}])));
        assert!(read("title", json!(["a", "b"]), Place::Patch).is_err());
    }
}
