//! Bulk: S26; and the search through everything: S12, S21 to S23.

use serde_json::{Value, json};

use super::world::{BASE, Site, Tenant, ids, members, person};

fn make(name: &str, path: &str, data: &Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": name, "data": data })
}

impl Site {
    async fn bulk(&self, tenant: &Tenant, body: Value) -> Vec<Value> {
        let answer = self.post(tenant, "/Bulk", &body).await.is(200);
        assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        answer["Operations"].as_array().unwrap().clone()
    }
}

fn statuses(told: &[Value]) -> Vec<&str> {
    told.iter().map(|entry| entry["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn s26_a_group_may_name_members_that_are_made_after_it() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let group = json!({ "displayName": "Ops", "members": [{ "value": "bulkId:ada" }, { "value": "bulkId:bo" }] });
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "Operations" }]);
    let told = site
        .bulk(
            &acme,
            json!({ "Operations": [
            make("ops", "/Groups", &group),
            make("ada", "/Users", &person("ada@acme.example")),
            make("bo", "/Users", &person("bo@acme.example")),
            { "method": "PATCH", "path": "/Groups/bulkId:ops", "data": { "Operations": rename } },
        ] }),
        )
        .await;
    assert_eq!(statuses(&told), ["201", "201", "201", "204"]);
    assert_eq!(told[0]["bulkId"], "ops", "answers stand in the request's order");
    let location = told[0]["location"].as_str().unwrap();
    assert_eq!(told[3]["location"], location);
    assert!(told[1]["version"].as_str().unwrap().starts_with("W/\""), "{}", told[1]);
    let shown = site.get(&acme, location.strip_prefix(BASE).unwrap()).await.is(200);
    assert_eq!((shown["displayName"].as_str(), members(&shown).len()), (Some("Operations"), 2));
    site.check().await;
}

#[tokio::test]
async fn s26_each_operation_is_refused_for_itself_as_if_it_had_come_alone() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let zeta = site.customer("zeta").await;
    let theirs = site.person(&zeta, "zoe@zeta.example").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let off = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    let told = site
        .bulk(&acme, json!({ "Operations": [
            make("eve", "/Users", &person("eve@elsewhere.example")),
            { "method": "PATCH", "path": "/Users/bulkId:eve", "data": off },
            make("same", "/Users", &person("ADA@acme.example")),
            { "method": "PATCH", "path": format!("/Users/{ada}"), "version": "W/\"old\"", "data": off },
            { "method": "DELETE", "path": format!("/Users/{theirs}") },
            { "method": "PUT", "path": format!("/Users/{ada}"), "data": { "userName": "ada@acme.example", "title": "Dr" } },
            { "method": "DELETE", "path": "/Groups/6f9619ff-8b86-4d01-b42d-00cf4fc964ff" },
            { "method": "POST", "path": "/Bulk", "bulkId": "x", "data": {} },
        ] }))
        .await;
    assert_eq!(statuses(&told), ["403", "409", "409", "412", "404", "200", "404", "400"]);
    assert_eq!(
        (&told[2]["response"]["scimType"], &told[2]["response"]["status"]),
        (&json!("uniqueness"), &json!("409"))
    );
    assert!(told[5].get("response").is_none() && told[0].get("location").is_none());
    let shown = site.get(&acme, &format!("/Users/{ada}")).await.is(200);
    assert_eq!((&shown["title"], &shown["active"]), (&json!("Dr"), &json!(true)));
    site.get(&zeta, &format!("/Users/{theirs}")).await.is(200);
}

#[tokio::test]
async fn s26_the_rest_is_left_after_as_many_refusals_as_the_client_allows() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let operations: Vec<Value> = ["a@elsewhere.example", "ada@acme.example", "b@elsewhere.example", "bo@acme.example"]
        .iter()
        .map(|email| make(email, "/Users", &person(email)))
        .collect();
    let told = site.bulk(&acme, json!({ "failOnErrors": 2, "Operations": operations })).await;
    assert_eq!(statuses(&told), ["403", "201", "403"]);
    assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)).len(), 1);
    let many = vec![json!({ "method": "DELETE", "path": "/Users/x" }); 1_001];
    site.post(&acme, "/Bulk", &json!({ "Operations": many })).await.is(413);
    site.post(&acme, "/Bulk", &json!({ "Operations": 1 })).await.is(400);
    site.get(&acme, "/Bulk").await.is(405);
}

#[tokio::test]
async fn s12_a_search_finds_people_and_behind_them_groups() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for name in ["ada", "bo", "cy"] {
        site.person(&acme, &format!("{name}@acme.example")).await;
    }
    for name in ["Ops", "Dev"] {
        site.group(&acme, name, &[]).await;
    }
    let search = async |body: Value| site.post(&acme, "/.search", &body).await.is(200);
    let names = |list: &Value| {
        let name = |one: &Value| one["userName"].as_str().or(one["displayName"].as_str()).unwrap().to_owned();
        list["Resources"].as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let all = search(json!({})).await;
    assert_eq!((&all["totalResults"], names(&all).len()), (&json!(5), 5));
    for start in 1..=6 {
        let page = search(json!({ "startIndex": start, "count": 2 })).await;
        let expected: Vec<String> = names(&all).into_iter().skip(start - 1).take(2).collect();
        assert_eq!(names(&page), expected, "from {start}");
        let told = (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]);
        assert_eq!(told, (&json!(5), &json!(start), &json!(expected.len())), "from {start}");
    }
    let sorted = search(json!({ "sortBy": "userName", "sortOrder": "descending", "count": 3 })).await;
    assert_eq!(names(&sorted), ["cy@acme.example", "bo@acme.example", "ada@acme.example"]);
    assert_eq!(names(&search(json!({ "filter": "userName sw \"b\"" })).await), ["bo@acme.example"]);
    let found = search(json!({ "filter": "displayName eq \"ops\"", "attributes": ["displayName"] })).await;
    assert_eq!(names(&found), ["Ops"]);
    assert!(found["Resources"][0].get("meta").is_none());
    let refused = async |body: Value| site.post(&acme, "/.search", &body).await.is(400)["scimType"].clone();
    assert_eq!(refused(json!({ "filter": "x y" })).await, "invalidFilter");
    assert_eq!(refused(json!({ "cursor": "" })).await, "invalidCursor");
    assert_eq!(refused(json!({ "sortBy": "shoeSize" })).await, "invalidValue");
    site.get(&acme, "/.search").await.is(405);
}
