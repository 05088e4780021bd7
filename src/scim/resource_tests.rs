//! Bodies as identity providers send them, and what is kept of them.

use serde_json::{Value, json};

use super::*;
use crate::scim::schema::ENTERPRISE_USER;

fn user(sent: &Value) -> Result<Value, ScimError> {
    Attributes::read(Kind::User, sent.to_string().as_bytes()).map(|read| Value::Object(read.0))
}

#[test]
fn s16_what_only_the_server_writes_is_ignored() {
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "mine", "meta": { "version": "W/\"1\"" }, "groups": [{ "value": "admins" }],
        "userName": "ada@acme.example", "password": "hunter2",
    });
    assert_eq!(user(&sent).unwrap(), json!({ "userName": "ada@acme.example" }));
}

#[test]
fn s17_names_have_no_case_and_unknown_ones_are_dropped() {
    let enterprise = ENTERPRISE_USER.id;
    let sent = json!({
        "SCHEMAS": ["urn:example:custom"],
        "username": "Ada@Acme.Example",
        "NAME": { "givenname": "Ada" },
        "shoeSize": 38,
        "nickName": null,
        "phoneNumbers": [],
        "urn:ietf:params:scim:schemas:core:2.0:User:title": "Chief",
        enterprise.to_uppercase(): { "Department": "R&D", "unknown": 1, "manager": "26" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter": "7",
        "urn:example:custom": { "a": 1 },
    });
    let expected = json!({
        "userName": "Ada@Acme.Example",
        "name": { "givenName": "Ada" },
        "title": "Chief",
        enterprise: { "department": "R&D", "manager": { "value": "26" }, "costCenter": "7" },
    });
    assert_eq!(user(&sent).unwrap(), expected);
}

#[test]
fn s19_the_whole_core_schema_and_the_extension_come_back_as_they_were_sent() {
    let sent = json!({
        "externalId": "701984",
        "userName": "bjensen@example.com",
        "name": { "formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen", "givenName": "Barbara",
            "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III" },
        "displayName": "Babs Jensen", "nickName": "Babs", "profileUrl": "https://login.example.com/bjensen",
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }],
        "addresses": [{ "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "region": "CA",
            "postalCode": "91608", "country": "USA", "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
            "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": "555-555-5555", "type": "work" }],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        "photos": [{ "value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo" }],
        "userType": "Employee", "title": "Tour Guide", "preferredLanguage": "en-US", "locale": "en-US",
        "timezone": "America/Los_Angeles", "active": true,
        "roles": [{ "value": "guide" }], "entitlements": [{ "value": "bus", "display": "Bus" }],
        "x509Certificates": [{ "value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx" }],
        ENTERPRISE_USER.id: { "employeeNumber": "701984", "costCenter": "4130", "organization": "Universal Studios",
            "division": "Theme Park", "department": "Tour Operations",
            "manager": { "value": "26118915-6090-4610-87e4-49d8ca9f808d", "$ref": "../Users/26118915" } },
    });
    assert_eq!(user(&sent).unwrap(), sent);
    let read = Attributes::read(Kind::User, sent.to_string().as_bytes()).unwrap();
    assert_eq!(read.clone().into_resource(Kind::User)["schemas"], json!([Kind::User.schema().id, ENTERPRISE_USER.id]));
    assert_eq!(read.primary_email(), Some("bjensen@example.com"));
    assert_eq!((read.external_id(), read.active()), (Some("701984"), Some(true)));
}

#[test]
fn s38_one_attribute_in_two_spellings_is_refused() {
    for sent in [
        r#"{"userName":"a@b.example","username":"c@d.example"}"#,
        r#"{"userName":"a@b.example","urn:ietf:params:scim:schemas:core:2.0:User:userName":"c@d.example"}"#,
        r#"{"userName":"a@b.example","userName":"c@d.example"}"#,
        r#"{"userName":"a@b.example","emails":[{"value":"x","Value":"y"}]}"#,
    ] {
        let error = Attributes::read(Kind::User, sent.as_bytes()).expect_err(sent);
        assert_eq!(error.to_json()["scimType"], "invalidSyntax", "{sent}");
    }
}

#[test]
fn s19_what_is_required_is_missed() {
    for sent in [json!({}), json!({"userName": null}), json!({"userName": " "}), json!({"userName": 7})] {
        assert_eq!(user(&sent).expect_err("a user without a name").to_json()["scimType"], "invalidValue", "{sent}");
    }
    let large: Vec<Value> = (0..400).map(|n| json!({ "value": format!("{n}{}", "x".repeat(30)) })).collect();
    assert_eq!(user(&json!({ "userName": "a@b.example", "roles": large })).unwrap_err().status(), 413);
}

#[test]
fn s28_s30_old_names_of_the_schemas_are_taken() {
    for urn in ["urn:scim:schemas:core:2.0", "urn:scim:schemas:core:1.0", "urn:ietf:params:scim:schemas:core:2.0:User"]
    {
        assert!(user(&json!({ "schemas": [urn], "userName": "a@b.example" })).is_ok(), "{urn}");
    }
    let wrong = json!({ "schemas": [Kind::Group.schema().id], "userName": "a@b.example" });
    assert_eq!(user(&wrong).unwrap_err().to_json()["scimType"], "invalidSyntax");
    for wrong in [json!("urn:x"), json!([1])] {
        assert!(user(&json!({ "schemas": wrong, "userName": "a@b.example" })).is_err(), "{wrong}");
    }
}

#[test]
fn s28_s29_a_group_with_and_without_members() {
    let group = |sent: Value| {
        let mut read = Attributes::read(Kind::Group, sent.to_string().as_bytes()).unwrap();
        (read.take_members(), Value::Object(read.0))
    };
    let adscim = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    let sent = json!({ "schemas": [Kind::Group.schema().id, adscim], "externalId": "8aa1", "displayName": "Ops",
        "members": null, "meta": { "resourceType": "Group" } });
    assert_eq!(group(sent), (None, json!({ "displayName": "Ops", "externalId": "8aa1" })));
    let sent = json!({ "displayName": "Ops", "members": [
        { "value": "a", "display": "Ada", "$ref": null }, { "$ref": "https://x.example/scim/v2/Users/b" }, "c" ] });
    let expected = Some(["a", "b", "c"].map(str::to_owned).to_vec());
    assert_eq!(group(sent), (expected, json!({ "displayName": "Ops" })));
    let empty = group(json!({ "displayName": "Ops", "members": [] }));
    assert_eq!(empty, (Some(Vec::new()), json!({ "displayName": "Ops" })), "an empty list empties the group");
    for nameless in [json!({ "display": "x" }), json!({ "value": " " }), json!({}), json!(null)] {
        let sent = json!({ "displayName": "Ops", "members": ["a", nameless] }).to_string();
        let refused = Attributes::read(Kind::Group, sent.as_bytes()).expect_err(&sent);
        assert_eq!(refused.to_json()["scimType"], "invalidValue", "{sent}");
    }
}
