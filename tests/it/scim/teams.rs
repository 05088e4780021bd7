//! Groups of a customer organization are its teams: S8, S24, S25, S31 to S33, S39, S40, D2, G.d, G.h.

use serde_json::{Value, json};
use vestibule::directory::{Origin, team, team_member};
use vestibule::kernel::{Role, SystemRng};

use super::world::{BASE, Site, filtered, ids, members};

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn s8_a_group_is_a_team() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let sent = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
            "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": "Ops", "externalId": "G1", "members": [{ "value": ada, "$ref": null }] });
    let made = site.post(&acme, "/Groups", &sent).await;
    let location = made.header("location").to_owned();
    let made = made.is(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(location, format!("{BASE}/Groups/{id}"));
    assert_eq!(made["members"][0]["$ref"], format!("{BASE}/Users/{ada}"));
    assert_eq!((&made["displayName"], &made["externalId"]), (&json!("Ops"), &json!("G1")));
    let tx = site.store.reader();
    let held = team::by_name(&tx, &acme.organization, "OPS").await.unwrap();
    assert_eq!((held.id.to_string().as_str(), held.origin, held.role), (id, Origin::Scim, None));
    assert!(team::by_hand(&tx, &acme.organization, &held).await.is_err(), "G.h: read-only by hand");
    for name in ["ops", " OPS "] {
        let refused = site.post(&acme, "/Groups", &json!({ "displayName": name })).await.is(409);
        assert_eq!(refused["scimType"], "uniqueness");
    }
    site.post(&acme, "/Groups", &json!({ "externalId": "x" })).await.is(400);
    let found = site.get(&acme, &filtered("Groups", "displayName eq \"oPs\"")).await.is(200);
    assert_eq!(ids(&found), [id]);
    site.ask(&acme, "DELETE", &format!("/Groups/{id}"), None).await.is(204);
    site.get(&acme, &format!("/Groups/{id}")).await.is(404);
    assert!(site.membership(&acme, "ada@acme.example").await.is_some(), "whoever was in it stays a member");
    site.check().await;
}

#[tokio::test]
async fn s8_d2_a_team_made_by_hand_is_found_and_taken_over_and_keeps_its_role() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let made = site
        .does(async |tx| {
            let made = team::create(tx, &SystemRng, &acme.organization, "Support", Origin::Hand, None).await?;
            team::set_role(tx, &SystemRng, &made, Some(Role::Admin))
        })
        .await;
    let found = site.get(&acme, &filtered("Groups", "displayName eq \"support\"")).await.is(200);
    assert_eq!(ids(&found), [made.id.to_string()]);
    let pushed = site.post(&acme, "/Groups", &json!({ "displayName": "Support", "externalId": "G" })).await.is(201);
    assert_eq!(pushed["id"], made.id.to_string());
    let path = format!("/Groups/{}", made.id);
    site.patch(&acme, &path, json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }])).await.is(204);
    let renamed = json!([{ "op": "replace", "value": { "id": made.id.to_string(), "displayName": "Help" } }]);
    site.patch(&acme, &path, renamed).await.is(204);
    let held = team::by_id(&site.store.reader(), acme.organization.id, made.id).await.unwrap().unwrap();
    assert_eq!((held.role, held.origin, held.name.as_str()), (Some(Role::Admin), Origin::Scim, "Help"));
    site.post(&acme, "/Groups", &json!({ "displayName": "Help" })).await.is(409);
    // One that is never pushed, but whose members the identity provider changes, is its own from then on.
    let other =
        site.does(async |tx| team::create(tx, &SystemRng, &acme.organization, "Sales", Origin::Hand, None).await).await;
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": ada }] }]);
    site.patch(&acme, &format!("/Groups/{}", other.id), add).await.is(204);
    let held = team::by_id(&site.store.reader(), acme.organization.id, other.id).await.unwrap().unwrap();
    assert_eq!(held.origin, Origin::Scim);
    site.check().await;
}

#[tokio::test]
async fn s24_s31_members_come_and_go_as_the_operations_say() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let bo = site.person(&acme, "bo@acme.example").await;
    let cy = site.person(&acme, "cy@acme.example").await;
    let group = site.group(&acme, "Ops", &[&ada]).await;
    let path = format!("/Groups/{group}");
    let value = |ids: &[&String]| Value::Array(ids.iter().map(|id| json!({ "value": id })).collect());
    let check = async |operations: Value, expected: &[&String]| {
        let told = operations.to_string();
        let got = site.patch(&acme, &path, operations).await;
        assert!(got.header("etag").starts_with("W/"), "{told}");
        got.is(204);
        assert_eq!(members(&site.get(&acme, &path).await.is(200)), sorted(expected), "{told}");
    };
    check(json!([{ "op": "add", "path": "members", "value": value(&[&bo, &bo]) }]), &[&ada, &bo]).await;
    check(json!([{ "op": "replace", "path": "members", "value": value(&[&cy]) }]), &[&cy]).await;
    check(json!([{ "op": "Add", "value": { "members": value(&[&ada, &bo]) } }]), &[&ada, &bo, &cy]).await;
    check(json!([{ "op": "Remove", "path": "members", "value": value(&[&ada]) }]), &[&bo, &cy]).await;
    let filtered = format!("members[value eq \"{bo}\"]");
    check(json!([{ "op": "remove", "path": filtered }]), &[&cy]).await;
    check(json!([{ "op": "replace", "path": "displayName", "value": "Ops 2" }]), &[&cy]).await;
    check(json!([]), &[&cy]).await;
    check(json!([{ "op": "replace", "path": "members", "value": [] }]), &[]).await;
    check(json!([{ "op": "add", "path": "members", "value": value(&[&ada, &bo, &cy]) }]), &[&ada, &bo, &cy]).await;
    check(json!([{ "op": "remove", "path": "members" }]), &[]).await;
    // Each in its order, all or none.
    check(
        json!([
            { "op": "add", "path": "members", "value": value(&[&ada, &bo]) },
            { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
            { "op": "add", "path": "members", "value": value(&[&cy]) },
        ]),
        &[&bo, &cy],
    )
    .await;
    let half = json!([{ "op": "remove", "path": "members" }, { "op": "remove", "path": "displayName" }]);
    site.patch(&acme, &path, half).await.is(400);
    assert_eq!(members(&site.get(&acme, &path).await.is(200)), sorted(&[&bo, &cy]));
    site.check().await;
}

#[tokio::test]
async fn s29_s31_a_put_replaces_the_members_that_it_names_and_leaves_those_that_it_does_not() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let bo = site.person(&acme, "bo@acme.example").await;
    let group = site.group(&acme, "Ops", &[&ada, &bo]).await;
    let path = format!("/Groups/{group}");
    let put = async |body: Value| site.ask(&acme, "PUT", &path, Some(&body)).await;
    let check = async |body: Value, expected: &[&String]| {
        let told = body.to_string();
        assert_eq!(members(&put(body).await.is(200)), sorted(expected), "{told}");
    };
    check(json!({ "displayName": "Ops" }), &[&ada, &bo]).await;
    check(json!({ "displayName": "Ops", "members": null }), &[&ada, &bo]).await;
    for nameless in [json!({ "display": "x" }), json!({ "value": "" }), json!({}), json!(null)] {
        let sent = json!({ "displayName": "Ops", "members": [nameless] });
        assert_eq!(put(sent).await.is(400)["scimType"], "invalidValue");
        let replace = json!([{ "op": "replace", "path": "members", "value": [nameless] }]);
        assert_eq!(site.patch(&acme, &path, replace).await.is(400)["scimType"], "invalidValue");
    }
    check(json!({ "displayName": "Ops" }), &[&ada, &bo]).await;
    check(json!({ "displayName": "Ops", "members": [{ "value": ada }] }), &[&ada]).await;
    check(json!({ "displayName": "Ops", "members": [] }), &[]).await;
    site.check().await;
}

#[tokio::test]
async fn s25_s40_membership_moves_the_version_and_members_are_read_only_if_wanted() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let group = site.group(&acme, "Ops", &[]).await;
    let path = format!("/Groups/{group}");
    let tag = async || site.get(&acme, &path).await.header("etag").to_owned();
    let before = tag().await;
    let add = || json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    let body = json!({ "schemas": [urn], "Operations": add() });
    let changed = site.ask_with(&acme, "PATCH", &path, Some(&body), &[("if-match", &before)]).await;
    let told = changed.header("etag").to_owned();
    changed.is(204);
    let after = tag().await;
    assert_ne!(before, after);
    assert_eq!(told, after, "the answer tells the version that it made");
    site.ask_with(&acme, "PATCH", &path, Some(&body), &[("if-match", &before)]).await.is(412);
    site.patch(&acme, &path, add()).await.is(204);
    assert_eq!(tag().await, after, "what changes nothing makes no version");
    let without = site.get(&acme, &format!("{path}?excludedAttributes=members")).await;
    assert_eq!(without.header("etag"), after);
    assert!(without.is(200).get("members").is_none());
    let shown = site.ask(&acme, "PATCH", &format!("{path}?attributes=displayName"), Some(&body)).await.is(200);
    assert_eq!(shown["displayName"], "Ops");
    assert!(shown.get("members").is_none());
    site.ask(&acme, "DELETE", &format!("/Users/{ada}"), None).await.is(204);
    assert_ne!(tag().await, after, "whoever is deleted leaves their groups");
}

#[tokio::test]
async fn s22_groups_are_found_by_their_members() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let bo = site.person(&acme, "bo@acme.example").await;
    let ops = site.group(&acme, "Ops", &[&ada, &bo]).await;
    let sales = site.group(&acme, "Sales", &[&ada]).await;
    let empty = site.group(&acme, "Empty", &[]).await;
    let check = async |filter: &str, expected: &[&String]| {
        let path = format!("{}&excludedAttributes=members", filtered("Groups", filter));
        let list = site.get(&acme, &path).await.is(200);
        let mut found = ids(&list);
        found.sort();
        assert_eq!(found, sorted(expected), "{filter}");
        assert_eq!(list["totalResults"], expected.len());
    };
    check(&format!("members eq \"{ada}\""), &[&ops, &sales]).await;
    check(&format!("members.value eq \"{bo}\""), &[&ops]).await;
    check(&format!("members[value eq \"{bo}\"]"), &[&ops]).await;
    check(&format!("id eq \"{sales}\" and members eq \"{bo}\""), &[]).await;
    check(&format!("id eq \"{sales}\" and members eq \"{ada}\""), &[&sales]).await;
    check(&format!("members eq \"{ada}\" and members eq \"{bo}\""), &[&ops]).await;
    check(&format!("members eq \"{ada}\" and not (members eq \"{bo}\")"), &[&sales]).await;
    check("members pr", &[&ops, &sales]).await;
    check("not (members pr)", &[&empty]).await;
    check("displayName co \"s\"", &[&ops, &sales]).await;
    check("members eq \"nobody\"", &[]).await;
    let sorted = site.get(&acme, "/Groups?sortBy=displayName&count=2&startIndex=2").await.is(200);
    assert_eq!(ids(&sorted), [ops, sales]);
    assert_eq!(sorted["totalResults"], 3);
}

#[tokio::test]
async fn s32_s39_unknown_members_are_passed_over_however_many() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let mut sent: Vec<Value> =
        (0..20_000_u32).map(|number| json!({ "value": format!("0a000000-0000-4000-8000-{number:012x}") })).collect();
    sent.push(json!({ "value": ada }));
    sent.push(json!({ "value": "not an id" }));
    let group = site.post(&acme, "/Groups", &json!({ "displayName": "Ops", "members": sent })).await.is(201);
    assert_eq!(members(&group), std::slice::from_ref(&ada));
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let operations: Vec<Value> = (0..1_000_u32)
        .map(|number| json!({ "op": "remove", "path": format!("members[value eq \"{number}\"]") }))
        .collect();
    site.patch(&acme, &path, Value::Array(operations)).await.is(204);
    assert_eq!(members(&site.get(&acme, &path).await.is(200)), std::slice::from_ref(&ada));
    let held = team::by_name(&site.store.reader(), &acme.organization, "Ops").await.unwrap();
    assert_eq!(team_member::list_all(&site.store.reader(), &held).await.unwrap().len(), 1, "no phantoms");
    site.check().await;
}

#[tokio::test]
async fn s40_a_thousand_members_are_replaced_in_one_push() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let mut made = Vec::new();
    for number in 0..1_000 {
        made.push(site.person(&acme, &format!("p{number}@acme.example")).await);
    }
    let group = site.group(&acme, "Everybody", &[]).await;
    let path = format!("/Groups/{group}");
    let value = |ids: &[String]| Value::Array(ids.iter().map(|id| json!({ "value": id })).collect());
    let replace = |ids: &[String]| json!([{ "op": "replace", "path": "members", "value": value(ids) }]);
    site.patch(&acme, &path, replace(&made[..900])).await.is(204);
    assert_eq!(members(&site.get(&acme, &path).await.is(200)).len(), 900);
    site.patch(&acme, &path, replace(&made[100..])).await.is(204);
    let mut expected = made[100..].to_vec();
    expected.sort();
    assert_eq!(members(&site.get(&acme, &path).await.is(200)), expected);
    site.check().await;
}
