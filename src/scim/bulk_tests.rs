//! Bulk requests, the order in which they are done, and what of them can't be.

use super::*;

fn plan(operations: &Value) -> BulkPlan {
    BulkPlan::read(json!({ "Operations": operations }).to_string().as_bytes()).unwrap()
}

fn make(name: &str, kind: &str, data: &Value) -> Value {
    json!({ "method": "POST", "path": kind, "bulkId": name, "data": data })
}

/// Each step as its number, and its status if it is refused.
fn told(plan: &BulkPlan) -> Vec<String> {
    let told = |step: &Step| match &step.operation {
        Ok(_) => step.index.to_string(),
        Err(error) => format!("{} {}", step.index, error.status()),
    };
    plan.steps.iter().map(told).collect()
}

#[test]
fn s26_what_is_named_is_made_first_also_if_it_comes_later() {
    let plan = plan(&json!([
        make("ops", "/Groups", &json!({ "displayName": "Ops", "members": [{ "value": "bulkId:ada" }] })),
        { "method": "PATCH", "path": "/Groups/bulkId:ops", "data": { "Operations": [] } },
        make("ada", "/Users", &json!({ "userName": "ada@x" })),
        { "method": "delete", "path": "/Users/7" },
    ]));
    assert_eq!(told(&plan), ["2", "0", "1", "3"]);
    let made = HashMap::from([("ada".to_owned(), "id-a".to_owned()), ("ops".to_owned(), "id-o".to_owned())]);
    let group = plan.steps[1].operation.clone().unwrap().resolved(&made).unwrap();
    assert_eq!(group.data["members"][0]["value"], "id-a");
    let patch = plan.steps[2].operation.clone().unwrap();
    assert_eq!(patch.clone().resolved(&made).unwrap().id.as_deref(), Some("id-o"));
    assert_eq!(patch.resolved(&HashMap::new()).unwrap_err().status(), 409);
}

#[test]
fn s26_the_data_of_a_patch_may_be_its_operations_alone() {
    // RFC 7644 §3.7.3.
    let operations = json!([{ "op": "replace", "path": "userName", "value": "dave" }]);
    let plan = plan(&json!([
        { "method": "PATCH", "path": "/Users/5d8d29d3", "data": operations },
        { "method": "PUT", "path": "/Users/5d8d29d3", "data": operations },
    ]));
    assert_eq!(told(&plan), ["0", "1 400"]);
    assert_eq!(plan.steps[0].operation.as_ref().unwrap().data["Operations"], operations);
}

#[test]
fn s26_paths_of_a_patch_may_name_what_is_made() {
    let path = |id: &str| format!("members[value eq \"{id}\" or value eq \"7\"]");
    let plan = plan(&json!([
        { "method": "PATCH", "path": "/Groups/1", "data": { "operations": [{ "op": "remove", "Path": path("bulkId:ada") }] } },
        { "method": "PATCH", "path": "/Groups/1", "data": { "Operations": [{ "op": "remove", "path": path("bulkId:bo") }] } },
        make("ada", "/Users", &json!({ "userName": "ada@x" })),
    ]));
    assert_eq!(told(&plan), ["1 400", "2", "0"]);
    let made = HashMap::from([("ada".to_owned(), "id-a".to_owned())]);
    let patch = plan.steps[2].operation.clone().unwrap();
    assert_eq!(patch.clone().resolved(&made).unwrap().data["operations"][0]["Path"], path("id-a"));
    assert_eq!(patch.resolved(&HashMap::new()).unwrap_err().status(), 409);
}

#[test]
fn s26_circles_and_unknown_names_are_refused_alone() {
    let manager =
        |name: &str, of: &str| make(name, "/Users", &json!({ "userName": name, "manager": format!("bulkId:{of}") }));
    let plan = plan(&json!([
        manager("a", "b"),
        manager("b", "a"),
        manager("c", "a"),
        manager("d", "nobody"),
        manager("e", "e"),
        make("f", "/Users", &json!({ "userName": "f" })),
    ]));
    assert_eq!(told(&plan), ["3 400", "5", "0 409", "1 409", "2 409", "4 409"]);
}

#[test]
fn s26_an_operation_that_is_wrong_in_itself_is_refused_alone() {
    let plan = plan(&json!([
        { "method": "GET", "path": "/Users" },
        { "method": "POST", "path": "/Users", "data": {} },
        { "method": "POST", "path": "/Users/1", "bulkId": "a", "data": {} },
        { "method": "PUT", "path": "/Users", "data": {} },
        { "method": "PUT", "path": "/UsersX/1", "data": {} },
        { "method": "PUT", "path": "/Users/1" },
        { "method": "PUT", "path": 1 },
        7,
        make("b", "/Users", &json!({})),
        make("b", "/Users", &json!({})),
        { "method": "PUT", "path": "/Users/1/2", "data": {} },
        { "method": "DELETE", "path": "/Groups/1/", "version": "W/\"1\"" },
    ]));
    let expected =
        ["0 400", "1 400", "2 400", "3 400", "4 400", "5 400", "6 400", "7 400", "8", "9 400", "10 400", "11"];
    assert_eq!(told(&plan), expected);
    assert_eq!(plan.steps[11].operation.as_ref().unwrap().version.as_deref(), Some("W/\"1\""));
}

#[test]
fn s26_limits_and_the_shape_of_the_whole() {
    let read = |body: Value| BulkPlan::read(body.to_string().as_bytes());
    let many = vec![json!({ "method": "DELETE", "path": "/Users/1" }); 1_001];
    assert_eq!(read(json!({ "Operations": many })).unwrap_err().status(), 413);
    assert_eq!(read(json!({ "failOnErrors": 2, "operations": [] })).unwrap().fail_on_errors, Some(2));
    for wrong in [json!({}), json!({ "Operations": {} }), json!({ "Operations": [], "failOnErrors": "x" }), json!([])] {
        assert_eq!(read(wrong).unwrap_err().status(), 400);
    }
}

#[test]
fn s26_an_outcome_says_what_became_of_it() {
    let plan = plan(&json!([make("ada", "/Users", &json!({}))]));
    let told = outcome(&plan.steps[0], 201, Some("https://x/Users/1"), Some("W/\"1\""), None);
    let expected = json!({ "method": "POST", "bulkId": "ada", "status": "201", "location": "https://x/Users/1",
        "version": "W/\"1\"" });
    assert_eq!(told, expected);
    let told = outcome(&plan.steps[0], 409, None, None, Some(json!({ "status": "409" })));
    assert_eq!(told["response"]["status"], "409");
}
