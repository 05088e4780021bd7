//! SCIM filters, PATCH paths and list parameters: read or refused, and a filter and its opposite never agree.

use serde_json::{Map, Value, json};
use vestibule::scim::schema::Kind;
use vestibule::scim::{Filter, ListRequest, Projection, Sort};

/// One input: a filter, and the query that it would come in.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = ListRequest::from_query(text);
    let whole = resource();
    for kind in Kind::ALL {
        let _ = Sort::parse(kind, Some(text), None).map(|sort| sort.map(|sort| sort.key(&whole)));
        let _ = Projection::parse(kind, Some(text), None).apply(whole.clone());
        let Ok(filter) = Filter::parse(kind, text) else { continue };
        let _ = filter.lookup();
        if let Ok(not) = Filter::parse(kind, &format!("not ({text})")) {
            assert_ne!(filter.matches(&whole), not.matches(&whole), "{text}");
        }
    }
}

fn resource() -> Map<String, Value> {
    let whole = json!({
        "id": "1", "userName": "ada@acme.example", "displayName": "Ada", "active": true, "name": { "givenName": "Ada" },
        "emails": [{ "value": "ada@acme.example", "type": "work", "primary": true }, { "value": "a@home.example" }],
        "members": [{ "value": "1" }], "meta": { "created": "2010-01-23T04:56:22Z" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "26" } },
    });
    match whole {
        Value::Object(whole) => whole,
        _ => Map::new(),
    }
}
