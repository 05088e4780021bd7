//! Whose people a token reaches: S1, S2, S4 to S6, and what is refused without telling of anybody else.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use vestibule::directory::provisioning::token;
use vestibule::directory::{claim, member, user};
use vestibule::kernel::Role;

use super::world::{Site, filtered, ids, person};

#[tokio::test]
async fn s1_s14_without_a_good_token_there_is_one_answer() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let token = acme.token.clone();
    let cut = &token[..token.len() - 1];
    for (header, path) in [
        (None, "/Users"),
        (Some("non-token".to_owned()), "/Users"),
        (Some("Bearer".to_owned()), "/Users"),
        (Some("Bearer ".to_owned()), "/Users"),
        (Some(format!("Basic {token}")), "/Users"),
        (Some(format!("Bearer {cut}")), "/Users"),
        (Some(format!("Bearer {token}x")), "/Schemas"),
        (Some(format!("Bearer {}", token.to_uppercase())), "/nothing"),
        (Some(format!("Bearer {}", "x".repeat(3000))), "/Me"),
    ] {
        let mut request = Request::builder().uri(format!("/scim/v2{path}"));
        if let Some(header) = &header {
            request = request.header("authorization", header);
        }
        let got = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((got.status, got.header("www-authenticate")), (401, "Bearer realm=\"SCIM\""), "{header:?}");
        assert_eq!((got.header("content-type"), &got.body["status"]), ("application/scim+json", &json!("401")));
        assert!(!got.body.to_string().contains(cut), "no token comes back");
    }
    site.get(&acme, "/Users").await.is(200);
    let lower = Request::builder().uri("/scim/v2/Users").header("authorization", format!("bearer {token}"));
    assert_eq!(site.send(lower.body(Body::empty()).unwrap()).await.status, 200);
    site.does(async |tx| Ok(token::issue(tx, &site.rng, &acme.organization).await?)).await;
    site.get(&acme, "/Users").await.is(401);
}

#[tokio::test]
async fn s2_another_organizations_resource_is_none() {
    let site = Site::new().await;
    let (acme, globex) = (site.customer("acme").await, site.customer("globex").await);
    let ada = site.person(&acme, "ada@acme.example").await;
    let group = site.group(&acme, "Ops", &[&ada]).await;
    let nobody = "0a000000-0000-4000-8000-000000000000";
    for (kind, id) in [("Users", &ada), ("Groups", &group)] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let body = match method {
                "PUT" => Some(json!({ "userName": "x@globex.example", "displayName": "x" })),
                "PATCH" => Some(json!({ "Operations": [] })),
                _ => None,
            };
            let got = site.ask(&globex, method, &format!("/{kind}/{id}"), body.as_ref()).await;
            let unknown = site.ask(&globex, method, &format!("/{kind}/{nobody}"), body.as_ref()).await;
            assert_eq!(got.status, 404, "{method} {kind}");
            assert_eq!(got.body.to_string().replace(id.as_str(), nobody), unknown.body.to_string(), "{method} {kind}");
        }
        assert_eq!(site.get(&globex, &filtered(kind, &format!("id eq \"{id}\""))).await.is(200)["totalResults"], 0);
    }
    assert_eq!(site.get(&globex, "/Users").await.is(200)["totalResults"], 0);
    assert_eq!(site.get(&globex, "/Groups").await.is(200)["totalResults"], 0);
    // A stranger's member is nobody: the group is made without them.
    let own = site.group(&globex, "Ops", &[&ada, nobody]).await;
    assert!(site.get(&globex, &format!("/Groups/{own}")).await.is(200).get("members").is_none());
    // An external id is an organization's own.
    let same = |name: &str| json!({ "userName": name, "externalId": "E1" });
    site.post(&acme, "/Users", &same("bo@acme.example")).await.is(201);
    let cy = site.post(&globex, "/Users", &same("cy@globex.example")).await.is(201);
    let found = site.get(&globex, &filtered("Users", "externalId eq \"E1\"")).await.is(200);
    assert_eq!(ids(&found), [cy["id"].as_str().unwrap()]);
    assert_eq!(site.get(&globex, &filtered("Users", "externalId eq \"e1\"")).await.is(200)["totalResults"], 0);
    site.check().await;
}

#[tokio::test]
async fn s4_only_people_of_verified_domains_and_the_refusal_names_the_domain() {
    let site = Site::new().await;
    let (acme, _) = (site.customer("acme").await, site.customer("globex").await);
    let ada = site.person(&acme, "ada@acme.example").await;
    for (name, status) in [
        ("bo@globex.example", 403),
        ("bo@nobody.example", 403),
        ("bo@mail.acme.example", 403),
        ("bo@evilacme.example", 403),
        ("bo@acme.example.evil.test", 403),
        ("bo", 400),
        ("bo@cy@acme.example", 400),
        ("bo@acme.example,cy@acme.example", 400),
        ("bo＠acme.example", 400),
        ("bo\u{202e}@acme.example", 400),
        (" bo@acme.example", 400),
        ("", 400),
    ] {
        let refused = site.post(&acme, "/Users", &person(name)).await.is(status);
        if status == 403 {
            let domain = name.split('@').next_back().unwrap();
            assert!(refused["detail"].as_str().unwrap().contains(domain), "{refused}");
            assert!(refused.get("scimType").is_none(), "{refused}");
        }
        let path = format!("/Users/{ada}");
        site.ask(&acme, "PUT", &path, Some(&person(name))).await.is(status);
        if !name.is_empty() {
            let operations = json!([{ "op": "replace", "path": "userName", "value": name }]);
            site.patch(&acme, &path, operations).await.is(status);
            site.patch(&acme, &path, json!([{ "op": "add", "value": { "userName": name } }])).await.is(status);
        }
    }
    assert_eq!(site.get(&acme, "/Users").await.is(200)["totalResults"], 1, "nothing was stored");
    // G.a: the primary address too; others are data.
    let emails = |primary: bool| {
        json!({ "userName": "cy@acme.example",
            "emails": [{ "value": "cy@globex.example", "primary": primary }] })
    };
    site.post(&acme, "/Users", &emails(true)).await.is(403);
    site.post(&acme, "/Users", &emails(false)).await.is(201);
    // The same domain, however it is written.
    let umlaut = site.tenant("umlaut", "bücher.example", vestibule::directory::OrgKind::Customer).await;
    site.post(&umlaut, "/Users", &person("ada@BÜCHER.example")).await.is(201);
    site.post(&umlaut, "/Users", &person("bo@xn--bcher-kva.example")).await.is(201);
    site.check().await;
}

#[tokio::test]
async fn s5_whose_domain_is_verified_no_more_is_hidden_untouchable_and_kept() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let group = site.group(&acme, "Ops", &[&ada]).await;
    assert_eq!(site.get(&acme, "/Users").await.is(200)["totalResults"], 1);
    site.does(async |tx| claim::release(tx, &acme.organization, &"acme.example".parse().unwrap()).await).await;
    assert_eq!(site.get(&acme, "/Users").await.is(200)["totalResults"], 0);
    assert_eq!(
        site.get(&acme, &filtered("Users", "userName eq \"ada@acme.example\"")).await.is(200)["totalResults"],
        0
    );
    for method in ["GET", "DELETE"] {
        site.ask(&acme, method, &format!("/Users/{ada}"), None).await.is(404);
    }
    assert!(site.get(&acme, &format!("/Groups/{group}")).await.is(200).get("members").is_none());
    assert!(site.membership(&acme, "ada@acme.example").await.is_some(), "kept");
    site.does(async |tx| claim::claim_trusted(tx, &acme.organization, &"acme.example".parse().unwrap()).await).await;
    assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)), [ada]);
}

#[tokio::test]
async fn s6_d19_an_account_of_somewhere_else_is_neither_taken_nor_told_of() {
    let site = Site::new().await;
    let (acme, globex) = (site.customer("acme").await, site.customer("globex").await);
    let ada = site.add_by_hand(&globex, "ada@acme.example", Role::Owner).await;
    let refused = site.post(&acme, "/Users", &person("ada@acme.example")).await.is(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("invite this person first") && !detail.contains("globex"), "{detail}");
    assert_eq!(refused["scimType"], "uniqueness");
    site.get(&acme, &format!("/Users/{ada}")).await.is(404);
    // Invited, they are a member, however that came, and the push takes them over.
    site.add_by_hand(&acme, "ada@acme.example", Role::Admin).await;
    assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)), [ada.to_string()], "listed without ever being pushed");
    let made = site.post(&acme, "/Users", &person("ada@acme.example")).await.is(201);
    assert_eq!(made["id"], ada.to_string());
    assert_eq!(site.membership(&acme, "ada@acme.example").await.unwrap().role, Role::Admin, "the role stays");
    site.post(&acme, "/Users", &person("ada@acme.example")).await.is(409);
    // What the other organization has is its own.
    site.ask(&acme, "DELETE", &format!("/Users/{ada}"), None).await.is(204);
    let tx = site.store.reader();
    assert!(member::find(&tx, globex.organization.id, ada).await.unwrap().is_some(), "D17: within reach");
    assert!(!user::by_id(&tx, ada).await.unwrap().unwrap().active, "and the sign-in ends (D5)");
    site.check().await;
}
