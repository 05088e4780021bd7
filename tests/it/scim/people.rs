//! People come, change and go: S3, S7, S10, S16 to S20, S25, S29, and D16 to D19.

use serde_json::json;
use vestibule::directory::revocation::{REVOCATIONS, Scope};
use vestibule::directory::{Origin, barred, user};
use vestibule::kernel::Role;

use super::world::{BASE, Site, filtered, ids, person};

#[tokio::test]
async fn s16_a_person_is_made_read_replaced_and_deleted() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "mine", "meta": { "version": "mine" },
        "userName": "Ada@Acme.Example", "externalId": "E1", "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "groups": [{ "value": "x" }], "active": true, "shoeSize": 38,
    });
    let made = site.post(&acme, "/Users", &sent).await;
    let (location, etag) = (made.header("location").to_owned(), made.header("etag").to_owned());
    assert_eq!(made.header("content-type"), "application/scim+json");
    let made = made.is(201);
    let id = made["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert_eq!(location, format!("{BASE}/Users/{id}"));
    assert_eq!(made["meta"]["location"], location);
    assert_eq!(made["meta"]["version"], etag);
    assert_eq!((&made["userName"], &made["active"]), (&json!("Ada@Acme.Example"), &json!(true)));
    assert!(made.get("groups").is_none() && made.get("shoeSize").is_none());
    let path = format!("/Users/{id}");
    assert_eq!(site.get(&acme, &path).await.is(200), made);
    let member = site.membership(&acme, "ada@acme.example").await.unwrap();
    assert_eq!((member.role, member.origin), (Role::Member, Origin::Scim));

    let sent = json!({ "userName": "ada@acme.example", "title": "Countess" });
    let replaced = site.ask(&acme, "PUT", &path, Some(&sent)).await.is(200);
    assert_eq!(
        (&replaced["title"], replaced.get("externalId"), replaced.get("name")),
        (&json!("Countess"), None, None)
    );
    assert_eq!(replaced["active"], true, "what is not said stays as it was");
    let unknown = format!("/Users/{}", "0a000000-0000-4000-8000-000000000000");
    assert_eq!(site.ask(&acme, "PUT", &unknown, Some(&sent)).await.status, 404, "a PUT never creates");

    let gone = site.ask(&acme, "DELETE", &path, None).await;
    assert!(gone.body.is_null());
    gone.is(204);
    for method in ["GET", "DELETE"] {
        site.ask(&acme, method, &path, None).await.is(404);
    }
    site.ask(&acme, "PUT", &path, Some(&sent)).await.is(404);
    assert_eq!(site.membership(&acme, "ada@acme.example").await, None);
    site.check().await;
}

#[tokio::test]
async fn s3_an_id_is_never_used_again_and_the_address_is_free_after_a_delete() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let id = site.person(&acme, "ada@acme.example").await;
        assert!(!seen.contains(&id));
        for old in &seen {
            site.get(&acme, &format!("/Users/{old}")).await.is(404);
        }
        let group = site.group(&acme, &format!("G{}", seen.len()), &[&id]).await;
        let shown = site.get(&acme, &format!("/Groups/{group}")).await.is(200);
        assert_eq!(super::world::members(&shown), std::slice::from_ref(&id));
        site.ask(&acme, "DELETE", &format!("/Users/{id}"), None).await.is(204);
        let shown = site.get(&acme, &format!("/Groups/{group}")).await.is(200);
        assert_eq!(super::world::members(&shown), Vec::<String>::new(), "no ghost stays");
        seen.push(id);
    }
    // The external id is nobody's id, and an id is nobody's external id.
    let body = json!({ "userName": "bo@acme.example", "externalId": seen[0] });
    site.post(&acme, "/Users", &body).await.is(201);
    site.get(&acme, &format!("/Users/{}", seen[0])).await.is(404);
    site.check().await;
}

#[tokio::test]
async fn s18_a_user_name_is_unique_without_case_and_a_rename_moves_every_index() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let bo = site.person(&acme, "bo@acme.example").await;
    let taken = site.post(&acme, "/Users", &person("ADA@ACME.example")).await.is(409);
    assert_eq!((&taken["scimType"], &taken["status"]), (&json!("uniqueness"), &json!("409")));
    let path = format!("/Users/{bo}");
    let put = site.ask(&acme, "PUT", &path, Some(&person("Ada@acme.example"))).await.is(409);
    assert_eq!(put["scimType"], "uniqueness");
    let rename = |to: &str| json!([{ "op": "replace", "path": "userName", "value": to }]);
    assert_eq!(site.patch(&acme, &path, rename("ada@acme.example")).await.is(409)["scimType"], "uniqueness");
    site.patch(&acme, &path, rename("Cy@acme.example")).await.is(200);
    let find =
        async |name: &str| ids(&site.get(&acme, &filtered("Users", &format!("userName eq \"{name}\""))).await.is(200));
    assert_eq!(find("bo@acme.example").await, Vec::<String>::new());
    assert_eq!(find("CY@ACME.EXAMPLE").await, [bo]);
    assert_eq!(find("ada@acme.example").await, [ada]);
    site.person(&acme, "bo@acme.example").await;
    site.check().await;
}

#[tokio::test]
async fn s10_whoever_is_switched_off_is_out_at_once_and_comes_back_as_they_were() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let id = site.person(&acme, "ada@acme.example").await;
    let group = site.group(&acme, "Ops", &[&id]).await;
    let path = format!("/Users/{id}");
    site.advance(5);
    // Entra sends a text.
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    assert_eq!(site.patch(&acme, &path, off).await.is(200)["active"], false);
    let tx = site.store.reader();
    let account = user::by_id(&tx, id.parse().unwrap()).await.unwrap().unwrap();
    assert!(!account.active);
    let revoked = tx.get(&REVOCATIONS, &Scope::User(account.id)).await.unwrap();
    assert_eq!(revoked, Some(site.store.now()), "in the same commit");
    assert!(barred::is(&tx, acme.organization.id, &account.email).await.unwrap(), "signing in adds them no more (D17)");
    // S20: still readable, listed, found, and the name is held.
    assert_eq!(site.get(&acme, &path).await.is(200)["active"], false);
    assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)), std::slice::from_ref(&id));
    assert_eq!(ids(&site.get(&acme, &filtered("Users", "active eq false")).await.is(200)), std::slice::from_ref(&id));
    site.post(&acme, "/Users", &person("ada@acme.example")).await.is(409);
    // Okta sends a value without a path.
    let on = json!([{ "op": "replace", "value": { "active": true } }]);
    let back = site.patch(&acme, &path, on).await.is(200);
    assert_eq!((&back["active"], &back["groups"][0]["value"]), (&json!(true), &json!(group)));
    let tx = site.store.reader();
    assert!(user::by_id(&tx, account.id).await.unwrap().unwrap().active);
    assert!(!barred::is(&tx, acme.organization.id, &account.email).await.unwrap());
    site.check().await;
}

#[tokio::test]
async fn d18_the_last_owner_is_neither_switched_off_nor_deleted() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.add_by_hand(&acme, "ada@acme.example", Role::Owner).await;
    let path = format!("/Users/{ada}");
    let off = || json!([{ "op": "replace", "value": { "active": false } }]);
    let refused = site.patch(&acme, &path, off()).await.is(403);
    assert!(refused["detail"].as_str().unwrap().contains("last owner of acme"), "{refused}");
    site.ask(&acme, "DELETE", &path, None).await.is(403);
    assert_eq!(site.get(&acme, &path).await.is(200)["active"], true);
    site.add_by_hand(&acme, "bo@acme.example", Role::Owner).await;
    site.patch(&acme, &path, off()).await.is(200);
    // An owner who is switched off is none: the other is the last one now.
    let bo = ids(&site.get(&acme, &filtered("Users", "userName eq \"bo@acme.example\"")).await.is(200));
    site.ask(&acme, "DELETE", &format!("/Users/{}", bo[0]), None).await.is(403);
    site.check().await;
}

#[tokio::test]
async fn s7_s29_nothing_that_is_sent_of_a_person_gives_rights_or_moves_them() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let id = site.person(&acme, "ada@acme.example").await;
    let group = site.group(&acme, "Ops", &[&id]).await;
    let sent = json!({
        "userName": "ada@acme.example", "id": id, "roles": [{ "value": "owner", "primary": true }],
        "entitlements": [{ "value": "admin" }], "groups": [], "password": "hunter2 hunter2", "isAdmin": true,
        "meta": { "location": "https://evil.example" },
    });
    let put = site.ask(&acme, "PUT", &format!("/Users/{id}"), Some(&sent)).await.is(200);
    assert_eq!(put["groups"][0]["value"], group);
    assert_eq!(put["roles"][0]["value"], "owner", "kept as data");
    assert!(put.get("password").is_none() && !put.to_string().contains("hunter2"));
    assert_eq!(site.membership(&acme, "ada@acme.example").await.unwrap().role, Role::Member);
    site.check().await;
}

#[tokio::test]
async fn s25_a_change_of_another_version_is_refused() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let id = site.person(&acme, "ada@acme.example").await;
    let path = format!("/Users/{id}");
    let first = site.get(&acme, &path).await.header("etag").to_owned();
    assert!(first.starts_with("W/\""));
    let title = |title: &str| json!({ "userName": "ada@acme.example", "title": title });
    let put = async |tag: &str, body| site.ask_with(&acme, "PUT", &path, Some(&body), &[("if-match", tag)]).await;
    let second = put(&first, title("One")).await;
    assert_ne!(second.header("etag"), first);
    second.is(200);
    put(&first, title("Two")).await.is(412);
    put(&format!("\"x\", {}", site.get(&acme, &path).await.header("etag")), title("Two")).await.is(200);
    put("*", title("Three")).await.is(200);
    site.ask_with(&acme, "DELETE", &path, None, &[("if-match", &first)]).await.is(412);
    let now = site.get(&acme, &path).await.header("etag").to_owned();
    let unchanged = site.ask_with(&acme, "GET", &path, None, &[("if-none-match", &now)]).await;
    assert_eq!(unchanged.header("etag"), now);
    assert!(unchanged.body.is_null());
    unchanged.is(304);
    site.ask_with(&acme, "GET", &path, None, &[("if-none-match", &first)]).await.is(200);
    // A membership is part of what is shown of a person, so it moves their version too.
    site.group(&acme, "Ops", &[&id]).await;
    assert_ne!(site.get(&acme, &path).await.header("etag"), now);
}

#[tokio::test]
async fn s19_all_of_a_person_comes_back_as_it_was_sent() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise],
        "userName": "ada@acme.example", "externalId": "É-1", "displayName": "Ada ☕",
        "name": { "formatted": "Ada L", "familyName": "L", "givenName": "Ada", "middleName": "K",
            "honorificPrefix": "Ms", "honorificSuffix": "III" },
        "nickName": "A", "profileUrl": "https://x.example/ada", "title": "T", "userType": "Employee",
        "preferredLanguage": "en", "locale": "en-US", "timezone": "Europe/London",
        "emails": [{ "value": "ada@acme.example", "type": "work", "primary": true },
            { "value": "ada@home.example", "type": "home" }],
        "phoneNumbers": [{ "value": "tel:+1-201", "type": "work" }],
        "ims": [{ "value": "x", "type": "aim" }], "photos": [{ "value": "https://x.example/p", "type": "photo" }],
        "addresses": [{ "type": "work", "streetAddress": "1 St", "locality": "L", "region": "R",
            "postalCode": "1", "country": "GB", "formatted": "f" }],
        "entitlements": [{ "value": "e" }], "roles": [{ "value": "r" }], "x509Certificates": [{ "value": "MIIB" }],
        (enterprise): { "employeeNumber": "7", "costCenter": "c", "organization": "o", "division": "d",
            "department": "p", "manager": { "value": "26" } },
    });
    let made = site.post(&acme, "/Users", &sent).await.is(201);
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
}

#[tokio::test]
async fn s11_each_change_is_audited_by_token_without_secrets() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let id = site.person(&acme, "ada@acme.example").await;
    let path = format!("/Users/{id}");
    let sent = json!({ "userName": "ada@acme.example", "title": "Countess", "password": "hunter2 hunter2" });
    site.ask(&acme, "PUT", &path, Some(&sent)).await.is(200);
    site.ask(&acme, "PUT", &path, Some(&sent)).await.is(200);
    let group = site.group(&acme, "Ops", &[&id]).await;
    site.ask(&acme, "DELETE", &format!("/Groups/{group}"), None).await.is(204);
    site.ask(&acme, "DELETE", &path, None).await.is(204);
    let tx = site.store.reader();
    let page = vestibule::directory::audit::page(&tx, acme.organization.id, 0, 100).await.unwrap();
    let told: Vec<&str> = page.iter().map(|(_, one)| one.entry.action.as_str()).collect();
    let expected = [
        "scim.user.create",
        "scim.user.update",
        "scim.group.create",
        "scim.group.members",
        "scim.group.delete",
        "scim.user.delete",
    ];
    assert_eq!(told, expected, "what changed nothing is not told twice");
    let update = &page[1].1.entry;
    assert!(update.after.contains("Countess") && !update.before.contains("Countess"), "{update:?}");
    for (_, one) in &page {
        let all = format!("{one:?}");
        assert!(one.entry.actor.starts_with("scim token ") && one.entry.from.starts_with("SCIM"), "{all}");
        assert!(!all.contains("hunter2") && !all.contains(&acme.token), "{all}");
    }
}
