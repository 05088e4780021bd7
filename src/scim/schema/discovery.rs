//! What the server says of itself, written from the same data that it works by: schemas, types, what it can do (S15).

use serde_json::{Map, Value, json};

use super::{Attribute, Kind, Mutability, Returned, Schema, Type, Uniqueness};

const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// The limits that ServiceProviderConfig tells.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most resources of a page.
    pub page: usize,
    /// The resources of a page when none are counted.
    pub default_page: usize,
    /// The most operations of a Bulk request.
    pub bulk_operations: usize,
    /// The largest body, in bytes.
    pub bulk_bytes: usize,
    /// How long a cursor is good for, in seconds.
    pub cursor_seconds: u64,
}

/// All schemas, as `/Schemas` lists them. `base` is the URL of the SCIM endpoints, without a last slash.
pub fn schemas(base: &str) -> Vec<Value> {
    let known = Kind::ALL.into_iter().flat_map(Kind::schemas);
    known.map(|schema| schema_json(schema, base)).collect()
}

/// The schema of that URN, in any case.
pub fn schema(base: &str, urn: &str) -> Option<Value> {
    let mut known = Kind::ALL.into_iter().flat_map(Kind::schemas);
    known.find(|schema| schema.id.eq_ignore_ascii_case(urn)).map(|schema| schema_json(schema, base))
}

/// Both resource types, as `/ResourceTypes` lists them.
pub fn resource_types(base: &str) -> Vec<Value> {
    Kind::ALL.into_iter().map(|kind| resource_type_json(kind, base)).collect()
}

/// The resource type of that name.
pub fn resource_type(base: &str, name: &str) -> Option<Value> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some(resource_type_json(kind, base))
}

/// `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4).
pub fn service_provider_config(base: &str, limits: Limits) -> Value {
    json!({
        "schemas": [CONFIG_URN],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.bulk_bytes,
        },
        "filter": { "supported": true, "maxResults": limits.page },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.default_page,
            "maxPageSize": limits.page,
            "cursorTimeout": limits.cursor_seconds,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The organization's SCIM token, in the Authorization header.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", &format!("{base}/ServiceProviderConfig")),
    })
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn schema_json(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [SCHEMA_URN],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute_json).collect::<Vec<_>>(),
        "meta": meta("Schema", &format!("{base}/Schemas/{}", schema.id)),
    })
}

fn resource_type_json(kind: Kind, base: &str) -> Value {
    let extension = |schema: &Schema| json!({ "schema": schema.id, "required": false });
    json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": kind.endpoint(),
        "description": kind.schema().description,
        "schema": kind.schema().id,
        "schemaExtensions": kind.extension().map(extension).into_iter().collect::<Vec<_>>(),
        "meta": meta("ResourceType", &format!("{base}/ResourceTypes/{}", kind.name())),
    })
}

fn attribute_json(attribute: &Attribute) -> Value {
    let mut traits = Map::new();
    traits.insert("name".into(), attribute.name.into());
    traits.insert("type".into(), type_name(attribute.kind).into());
    traits.insert("multiValued".into(), attribute.multi_valued.into());
    traits.insert("description".into(), attribute.description.into());
    traits.insert("required".into(), attribute.required.into());
    traits.insert("mutability".into(), mutability_name(attribute.mutability).into());
    traits.insert("returned".into(), returned_name(attribute.returned).into());
    if matches!(attribute.kind, Type::String | Type::Reference | Type::Binary) {
        traits.insert("caseExact".into(), attribute.case_exact.into());
    }
    if attribute.kind != Type::Boolean {
        traits.insert("uniqueness".into(), uniqueness_name(attribute.uniqueness).into());
    }
    if !attribute.canonical_values.is_empty() {
        traits.insert("canonicalValues".into(), attribute.canonical_values.into());
    }
    if !attribute.reference_types.is_empty() {
        traits.insert("referenceTypes".into(), attribute.reference_types.into());
    }
    if !attribute.sub_attributes.is_empty() {
        let parts: Vec<Value> = attribute.sub_attributes.iter().map(attribute_json).collect();
        traits.insert("subAttributes".into(), parts.into());
    }
    Value::Object(traits)
}

const fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::DateTime => "dateTime",
        Type::Binary => "binary",
        Type::Reference => "reference",
        Type::Complex => "complex",
    }
}

const fn mutability_name(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

const fn returned_name(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
    }
}

const fn uniqueness_name(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, GROUP, USER};

    const BASE: &str = "https://scim.example.com/scim/v2";

    fn limits() -> Limits {
        Limits { page: 1000, default_page: 100, bulk_operations: 1000, bulk_bytes: 8 << 20, cursor_seconds: 3600 }
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(values) => values.iter().any(has_null),
            Value::Object(values) => values.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn s15_discovery_is_whole_and_has_no_nulls() {
        let (schemas, types) = (schemas(BASE), resource_types(BASE));
        let ids: Vec<_> = schemas.iter().map(|schema| schema["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [USER.id, ENTERPRISE_USER.id, GROUP.id]);
        assert_eq!(types[0]["schemaExtensions"][0]["schema"], ENTERPRISE_USER.id);
        assert_eq!(types[1]["endpoint"], "/Groups");
        let config = service_provider_config(BASE, limits());
        for part in schemas.iter().chain(&types).chain([&config]) {
            assert!(!has_null(part), "{part}");
            assert!(part["meta"]["location"].as_str().unwrap().starts_with(BASE));
        }
        for (part, supported) in [
            ("patch", true),
            ("bulk", true),
            ("filter", true),
            ("sort", true),
            ("etag", true),
            ("changePassword", false),
        ] {
            assert_eq!(config[part]["supported"], supported, "{part}");
        }
        assert_eq!(config["filter"]["maxResults"], 1000);
        assert_eq!(config["pagination"]["cursor"], true);
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    }

    #[test]
    fn s15_one_is_found_by_its_name() {
        assert_eq!(schema(BASE, &USER.id.to_uppercase()).unwrap()["name"], "User");
        assert_eq!(schema(BASE, "urn:x"), None);
        assert_eq!(resource_type(BASE, "Group").unwrap()["schema"], GROUP.id);
        assert_eq!(resource_type(BASE, "Me"), None);
    }

    #[test]
    fn s19_traits_are_told_as_they_are() {
        let user = schema(BASE, USER.id).unwrap();
        let attribute = |name: &str| {
            let all = user["attributes"].as_array().unwrap();
            all.iter().find(|attribute| attribute["name"] == name).unwrap().clone()
        };
        let user_name = attribute("userName");
        assert_eq!((&user_name["required"], &user_name["uniqueness"]), (&json!(true), &json!("server")));
        assert_eq!(user_name["caseExact"], false);
        assert_eq!(attribute("password")["returned"], "never");
        assert_eq!(attribute("groups")["mutability"], "readOnly");
        assert_eq!(attribute("active")["type"], "boolean");
        assert_eq!(attribute("emails")["subAttributes"][0]["name"], "value");
        assert_eq!(attribute("photos")["subAttributes"][0]["referenceTypes"], json!(["external"]));
    }
}
