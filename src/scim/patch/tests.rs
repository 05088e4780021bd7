//! Operations as the RFC and the identity providers write them: before, what is sent, after.

use serde_json::{Map, Value, json};

use super::*;
use crate::scim::resource::Attributes;
use crate::scim::schema::{ENTERPRISE_USER, Kind};

mod groups;

fn with(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn patch(operations: &Value) -> Result<Patch, ScimError> {
    let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    Patch::read(json!({ "schemas": [urn], "Operations": operations }).to_string().as_bytes())
}

fn applied(before: &Value, operations: &Value) -> Result<Value, ScimError> {
    let mut whole = with(before.clone());
    whole.entry("userName").or_insert_with(|| "ada@acme.example".into());
    let before = Attributes::from_object(Kind::User, whole).unwrap();
    let after = patch(operations)?.apply_to_user(&before)?;
    let mut after = after.as_map().clone();
    if after["userName"] == "ada@acme.example" {
        after.remove("userName");
    }
    Ok(Value::Object(after))
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the tables read better without references")]
fn check(before: Value, operation: Value, expected: Value) {
    let operations = if operation.is_array() { operation } else { json!([operation]) };
    match applied(&before, &operations) {
        Ok(after) => assert_eq!(after, expected, "{operations}"),
        Err(error) => panic!("{operations}: {error}"),
    }
}

#[track_caller]
fn refused(operation: Value, expected: &str) {
    let operations = if operation.is_array() { operation } else { json!([operation]) };
    let before = json!({ "title": "Chief", "emails": [{ "value": "a@x", "type": "work" }] });
    match applied(&before, &operations) {
        Ok(after) => panic!("{operations} made {after}"),
        Err(error) => assert_eq!(error.to_json()["scimType"], expected, "{operations}"),
    }
}

#[test]
fn s24_add_appends_and_replaces_what_has_one_value() {
    check(json!({}), json!({"op": "add", "path": "title", "value": "Chief"}), json!({"title": "Chief"}));
    check(json!({"title": "a"}), json!({"op": "ADD", "path": "TITLE", "value": "b"}), json!({"title": "b"}));
    check(
        json!({"name": {"givenName": "Ada"}}),
        json!({"op": "add", "path": "name", "value": {"familyName": "L"}}),
        json!({"name": {"givenName": "Ada", "familyName": "L"}}),
    );
    let one = json!({"emails": [{"value": "a@x"}]});
    let two = json!({"emails": [{"value": "a@x"}, {"value": "b@x"}]});
    check(one.clone(), json!({"op": "add", "path": "emails", "value": [{"value": "b@x"}]}), two.clone());
    check(one.clone(), json!({"op": "add", "path": "emails", "value": {"value": "b@x"}}), two.clone());
    check(one.clone(), json!({"op": "add", "value": {"emails": [{"value": "b@x"}]}}), two.clone());
    check(two.clone(), json!({"op": "add", "path": "emails", "value": [{"value": "b@x"}]}), two);
    check(one.clone(), json!({"op": "add", "path": "emails", "value": null}), one);
}

#[test]
fn s24_s31_replace_replaces_also_one_element() {
    let two = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}]});
    check(
        two.clone(),
        json!({"op": "replace", "path": "emails", "value": [{"value": "c@x"}]}),
        json!({"emails": [{"value": "c@x"}]}),
    );
    check(
        two.clone(),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "c@x"}}),
        json!({"emails": [{"value": "c@x"}, {"value": "b@x", "type": "home"}]}),
    );
    check(
        two.clone(),
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "c@x"}),
        json!({"emails": [{"value": "c@x", "type": "work"}, {"value": "b@x", "type": "home"}]}),
    );
    check(
        two.clone(),
        json!({"op": "add", "path": "emails[type eq \"work\"]", "value": {"display": "Ada"}}),
        json!({"emails": [{"value": "a@x", "type": "work", "display": "Ada"}, {"value": "b@x", "type": "home"}]}),
    );
    check(
        two.clone(),
        json!({"op": "replace", "path": "emails.display", "value": "D"}),
        json!({"emails": [{"value": "a@x", "type": "work", "display": "D"},
            {"value": "b@x", "type": "home", "display": "D"}]}),
    );
    check(two.clone(), json!({"op": "replace", "path": "emails", "value": []}), json!({}));
    check(two, json!({"op": "replace", "value": {"emails": null, "title": "T"}}), json!({"title": "T"}));
    check(
        json!({"name": {"givenName": "Ada", "middleName": "M"}}),
        json!({"op": "replace", "path": "name", "value": {"familyName": "L", "middleName": null}}),
        json!({"name": {"givenName": "Ada", "familyName": "L"}}),
    );
}

#[test]
fn s24_remove_takes_away_what_the_path_says() {
    let two = json!({"title": "T", "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}]});
    check(two.clone(), json!({"op": "remove", "path": "title"}), json!({"emails": two["emails"]}));
    check(two.clone(), json!({"op": "remove", "path": "emails"}), json!({"title": "T"}));
    check(
        two.clone(),
        json!({"op": "remove", "path": "emails[value ew \"@x\" and type pr]"}),
        json!({"title": "T", "emails": [{"value": "b@x"}]}),
    );
    check(
        two.clone(),
        json!({"op": "remove", "path": "emails.value"}),
        json!({"title": "T", "emails": [{"type": "work"}]}),
    );
    check(two.clone(), json!({"op": "remove", "path": "emails[value eq \"c@x\"]"}), two.clone());
    check(two.clone(), json!({"op": "remove", "path": "nickName"}), two.clone());
    check(
        two.clone(),
        json!({"op": "remove", "path": "emails", "value": [{"value": "a@x"}]}),
        json!({"title": "T", "emails": [{"value": "b@x"}]}),
    );
    check(two.clone(), json!({"op": "remove", "path": "emails", "value": []}), two);
    let enterprise = json!({ENTERPRISE_USER.id: {"department": "D", "division": "E"}});
    let path = format!("{}:department", ENTERPRISE_USER.id);
    check(enterprise.clone(), json!({"op": "remove", "path": path}), json!({ENTERPRISE_USER.id: {"division": "E"}}));
    check(enterprise, json!({"op": "remove", "path": ENTERPRISE_USER.id}), json!({}));
}

#[test]
fn s24_operations_work_in_order_and_all_or_none() {
    check(
        json!({}),
        json!([{"op": "add", "path": "title", "value": "a"}, {"op": "replace", "path": "title", "value": "b"},
            {"op": "add", "path": "nickName", "value": "c"}, {"op": "remove", "path": "nickName"}]),
        json!({"title": "b"}),
    );
    refused(
        json!([{"op": "replace", "path": "title", "value": "b"}, {"op": "replace", "path": "active", "value": "maybe"}]),
        "invalidValue",
    );
}

#[test]
fn s24_a_refusal_has_its_keyword() {
    for (operation, expected) in [
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "path": "emails[value co \"nobody\"].value", "value": "x"}), "noTarget"),
        (
            json!({"op": "replace", "path": "emails[type eq \"x\" or type eq \"y\"]", "value": {"value": "x"}}),
            "noTarget",
        ),
        (json!({"op": "replace", "path": "shoeSize", "value": 38}), "invalidPath"),
        (json!({"op": "replace", "path": "emails[", "value": 38}), "invalidPath"),
        (json!({"op": "replace", "path": "emails[type is \"x\"]", "value": {"value": "x"}}), "invalidFilter"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "add", "path": "groups", "value": [{"value": "admins"}]}), "mutability"),
        (json!({"op": "replace", "path": "meta.version", "value": "x"}), "mutability"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "replace", "path": "userName", "value": null}), "mutability"),
        (json!({"op": "remove", "path": Kind::User.schema().id}), "mutability"),
        (json!({"op": "replace", "path": "userName", "value": ""}), "invalidValue"),
        (json!({"op": "replace", "path": "title", "value": 1}), "invalidValue"),
        (json!({"op": "replace", "path": "title"}), "invalidValue"),
        (json!({"op": "add", "value": "x"}), "invalidValue"),
        (json!({"op": "add", "value": null}), "invalidValue"),
        (json!({"op": "replace", "path": "password", "value": 1}), "invalidValue"),
        (json!({"op": "move", "path": "title"}), "invalidSyntax"),
        (json!({"path": "title"}), "invalidSyntax"),
        (json!({"op": "add", "path": 1, "value": "x"}), "invalidSyntax"),
        (json!(["add"]), "invalidSyntax"),
    ] {
        refused(operation, expected);
    }
    for body in [json!({}), json!({"Operations": null}), json!({"Operations": {}}), json!({"operations": "x"})] {
        assert_eq!(Patch::read(body.to_string().as_bytes()).unwrap_err().to_json()["scimType"], "invalidSyntax");
    }
}

#[test]
fn s19_a_new_primary_takes_the_mark_from_the_old_one() {
    let before = json!({"emails": [{"value": "a@x", "primary": true}, {"value": "b@x"}]});
    let moved = json!({"emails": [{"value": "a@x", "primary": false}, {"value": "b@x", "primary": true}]});
    let path = "emails[value eq \"b@x\"].primary";
    check(before.clone(), json!({"op": "replace", "path": path, "value": true}), moved.clone());
    check(
        json!({"emails": [{"value": "a@x", "primary": true}]}),
        json!({"op": "add", "path": "emails", "value": [{"value": "b@x", "primary": "True"}]}),
        moved,
    );
    refused(
        json!({"op": "replace", "path": "emails", "value":
        [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        "invalidValue",
    );
    refused(
        json!([{"op": "add", "path": "emails", "value": [{"value": "b"}]},
        {"op": "replace", "path": "emails.primary", "value": true}]),
        "invalidValue",
    );
}

#[test]
fn s28_entra() {
    let enterprise = ENTERPRISE_USER.id;
    check(
        json!({"active": true}),
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"active": false}),
    );
    check(
        json!({"name": {"givenName": "A"}}),
        json!({"op": "replace", "value": {
            "name.givenName": "Ada", "displayName": "Ada L", format!("{enterprise}:employeeNumber"): "7",
            "emails[type eq \"work\"].value": "w@x", "name.shoeSize": 1, "custom": 2 }}),
        json!({"name": {"givenName": "Ada"}, "displayName": "Ada L", "emails": [{"type": "work", "value": "w@x"}],
            enterprise: {"employeeNumber": "7"}}),
    );
    for verb in ["Add", "Replace"] {
        check(
            json!({"phoneNumbers": [{"type": "home", "value": "1"}]}),
            json!({"op": verb, "path": "phoneNumbers[type eq \"mobile\"].value", "value": "2"}),
            json!({"phoneNumbers": [{"type": "home", "value": "1"}, {"type": "mobile", "value": "2"}]}),
        );
        check(
            json!({}),
            json!({"op": verb, "path": "roles[primary eq \"True\"].value", "value": "guide"}),
            json!({"roles": [{"primary": true, "value": "guide"}]}),
        );
        check(
            json!({}),
            json!({"op": verb, "path": "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "value": "L"}),
            json!({"name": {"familyName": "L"}}),
        );
    }
    check(
        json!({"title": "a"}),
        json!({"op": "Replace", "path": "title", "value": [{"$ref": null, "value": "b"}]}),
        json!({"title": "b"}),
    );
    check(json!({"title": "a"}), json!([]), json!({"title": "a"}));
}

#[test]
fn s28_a_manager_is_set_and_taken_in_every_form() {
    let path = format!("{}:manager", ENTERPRISE_USER.id);
    let old = json!({ENTERPRISE_USER.id: {"manager": {"value": "1", "$ref": "../Users/1"}}});
    let new = json!({ENTERPRISE_USER.id: {"manager": {"value": "2"}}});
    for value in [json!("2"), json!({"value": "2"}), json!([{"$ref": null, "value": "2"}])] {
        check(old.clone(), json!({"op": "Replace", "path": path, "value": value}), new.clone());
        check(json!({}), json!({"op": "add", "path": path, "value": value}), new.clone());
    }
    check(old.clone(), json!({"op": "Add", "path": format!("{path}.value"), "value": "2"}), new.clone());
    check(old.clone(), json!({"op": "replace", "value": {ENTERPRISE_USER.id: {"manager": "2"}}}), new.clone());
    check(old.clone(), json!({"op": "replace", "path": ENTERPRISE_USER.id, "value": {"manager": "2"}}), new);
    for value in [json!(""), json!(null), json!({"value": ""}), json!({"value": null})] {
        check(old.clone(), json!({"op": "Replace", "path": path, "value": value}), json!({}));
    }
    check(old, json!({"op": "Remove", "path": path}), json!({}));
}

#[test]
fn s29_s30_what_a_client_was_given_it_may_send_back() {
    check(json!({"active": true}), json!({"op": "replace", "value": {"active": false}}), json!({"active": false}));
    check(
        json!({"title": "a", "nickName": "n"}),
        json!({"op": "replace", "path": null, "value": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "own", "meta": {"version": "x"},
            "groups": [], "title": "b", "password": "hunter2" }}),
        json!({"title": "b", "nickName": "n"}),
    );
    check(json!({}), json!({"op": "replace", "path": "password", "value": "hunter2"}), json!({}));
}

#[test]
fn s39_many_operations_are_bounded() {
    let long = "x".repeat(400);
    let paths = vec![json!({"op": "remove", "path": format!("roles[value eq \"{long}\"]")}); 700];
    assert_eq!(patch(&json!(paths)).unwrap_err().status(), 413);
    let values = vec![json!({"op": "replace", "path": "title", "value": "x".repeat(10_000)}); 6];
    assert_eq!(applied(&json!({}), &json!(values)).unwrap_err().status(), 413);
    let operations = |count: usize| vec![json!({"op": "add", "path": "roles", "value": [{"value": "a"}]}); count];
    check(json!({}), json!(operations(2_000)), json!({"roles": [{"value": "a"}]}));
    assert_eq!(patch(&json!(operations(2_001))).unwrap_err().status(), 413);
    let many: Vec<Value> = (0..501).map(|n| json!({"op": "add", "path": "roles", "value": n.to_string()})).collect();
    assert_eq!(applied(&json!({}), &json!(many)).unwrap_err().status(), 413);
}
