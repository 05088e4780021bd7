//! Operations on groups: what is sent, and the changes that it means.

use super::*;

fn changes(operations: &Value) -> Result<Vec<GroupChange>, ScimError> {
    patch(operations)?.group_changes()
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[track_caller]
fn check(operation: Value, expected: &[GroupChange]) {
    let operations = if operation.is_array() { operation } else { json!([operation]) };
    assert_eq!(changes(&operations).as_deref(), Ok(expected), "{operations}");
}

#[test]
fn s28_entra_adds_and_removes_members() {
    let members = json!([{"$ref": null, "value": "a"}, {"value": "b"}]);
    check(json!({"op": "Add", "path": "members", "value": members}), &[GroupChange::AddMembers(ids(&["a", "b"]))]);
    check(
        json!({"op": "Remove", "path": "members", "value": members}),
        &[GroupChange::RemoveMembers(ids(&["a", "b"]))],
    );
    check(json!({"op": "Remove", "path": "members"}), &[GroupChange::RemoveAll]);
    check(json!({"op": "Remove", "path": "members", "value": []}), &[]);
    check(json!({"op": "Remove", "path": "members[value eq \"a\"]"}), &[GroupChange::RemoveMembers(ids(&["a"]))]);
    check(
        json!({"op": "Replace", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:displayName", "value": "Ops"}),
        &[GroupChange::DisplayName("Ops".to_owned())],
    );
    check(json!([]), &[]);
}

#[test]
fn s29_okta_replaces_with_and_without_a_path() {
    check(
        json!({"op": "replace", "path": "members", "value": [{"value": "a"}]}),
        &[GroupChange::ReplaceMembers(ids(&["a"]))],
    );
    check(
        json!({"op": "replace", "value": {"members": null, "displayName": "Ops"}}),
        &[GroupChange::DisplayName("Ops".to_owned())],
    );
    check(json!({"op": "replace", "value": {"members": []}}), &[GroupChange::ReplaceMembers(Vec::new())]);
    check(json!({"op": "replace", "path": "members", "value": []}), &[GroupChange::ReplaceMembers(Vec::new())]);
    check(
        json!({"op": "replace", "value": {"id": "own", "displayName": "Ops"}}),
        &[GroupChange::DisplayName("Ops".to_owned())],
    );
    check(
        json!({"op": "replace", "value": {"schemas": [Kind::Group.schema().id], "externalId": "7", "members": ["a"]}}),
        &[GroupChange::ExternalId(Some("7".to_owned())), GroupChange::ReplaceMembers(ids(&["a"]))],
    );
    check(
        json!({"op": "add", "path": null, "value": {"members": [{"value": "a", "display": "Ada"}]}}),
        &[GroupChange::AddMembers(ids(&["a"]))],
    );
}

#[test]
fn s31_many_filtered_removes_hit_the_right_ones_in_order() {
    check(
        json!([
            {"op": "remove", "path": "members[value eq \"a\"]"},
            {"op": "remove", "path": "members[value eq \"b\" or value eq \"c\"]"},
            {"op": "remove", "path": "members[type eq \"User\" and value eq \"d\"]"},
            {"op": "add", "path": "members", "value": {"value": "a"}},
            {"op": "add", "path": "members[value eq \"e\"]", "value": {"value": "e"}},
            {"op": "replace", "path": "members[value eq \"e\"]", "value": {"value": "f"}},
            {"op": "remove", "path": "externalId"},
        ]),
        &[
            GroupChange::RemoveMembers(ids(&["a", "b", "c", "d"])),
            GroupChange::AddMembers(ids(&["a", "e"])),
            GroupChange::RemoveMembers(ids(&["e"])),
            GroupChange::AddMembers(ids(&["f"])),
            GroupChange::ExternalId(None),
        ],
    );
    let removes: Vec<Value> =
        (0..2_000).map(|n| json!({"op": "remove", "path": format!("members[value eq \"{n}\"]")})).collect();
    let changes = changes(&json!(removes)).unwrap();
    let [GroupChange::RemoveMembers(removed)] = changes.as_slice() else { panic!("{} changes", changes.len()) };
    assert_eq!((removed.len(), removed[1_999].as_str()), (2_000, "1999"));
}

#[test]
fn s24_a_refusal_has_its_keyword() {
    for (operation, expected) in [
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "remove", "path": "displayName"}), "mutability"),
        (json!({"op": "replace", "path": "displayName", "value": null}), "mutability"),
        (json!({"op": "replace", "path": "displayName", "value": " "}), "mutability"),
        (json!({"op": "replace", "path": "displayName", "value": 1}), "invalidValue"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "replace", "path": "members[value eq \"a\"].type", "value": "x"}), "mutability"),
        (json!({"op": "remove", "path": "members[type eq \"a\"]"}), "invalidFilter"),
        (json!({"op": "replace", "path": "members[value eq \"a\"].display", "value": "x"}), "invalidPath"),
        (json!({"op": "remove", "path": "members[value co \"a\"]"}), "invalidFilter"),
        (json!({"op": "remove", "path": "members[not (value eq \"a\")]"}), "invalidFilter"),
        (json!({"op": "remove", "path": "members[value eq \"a\" and value eq \"b\"]"}), "invalidFilter"),
        (json!({"op": "add", "path": "members", "value": [{"type": "User"}]}), "invalidValue"),
        (json!({"op": "add", "path": "members", "value": [1]}), "invalidValue"),
        (json!({"op": "add", "path": "people", "value": [1]}), "invalidPath"),
        (json!({"op": "add", "value": {"members[": "a"}}), "invalidPath"),
        (json!({"op": "add", "value": ["a"]}), "invalidValue"),
    ] {
        let error = changes(&json!([operation])).expect_err(&operation.to_string());
        assert_eq!(error.to_json()["scimType"], expected, "{operation}");
    }
}

#[test]
fn s40_what_comes_before_a_replacement_of_all_members_is_not_done() {
    check(
        json!([
            {"op": "add", "path": "members", "value": ["a", "b"]},
            {"op": "replace", "path": "displayName", "value": "Ops"},
            {"op": "replace", "path": "members", "value": ["c"]},
            {"op": "remove", "path": "members", "value": ["c"]},
            {"op": "replace", "path": "members", "value": ["d"]},
            {"op": "add", "path": "members", "value": ["e"]},
        ]),
        &[
            GroupChange::DisplayName("Ops".to_owned()),
            GroupChange::ReplaceMembers(ids(&["d"])),
            GroupChange::AddMembers(ids(&["e"])),
        ],
    );
    check(
        json!([{"op": "add", "path": "members", "value": ["a"]}, {"op": "remove", "path": "members"}]),
        &[GroupChange::RemoveAll],
    );
    let wrong = json!([{"op": "add", "path": "members", "value": 7}, {"op": "remove", "path": "members"}]);
    assert!(changes(&wrong).is_err(), "it is refused all the same");
}
