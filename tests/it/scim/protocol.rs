//! What every client sees: S12 to S15, S17, S36 to S38.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::world::{BASE, Site, person};

#[tokio::test]
async fn s14_every_error_is_scims_own() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for (method, path, status) in [
        ("GET", "", 404),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("GET", "/users", 404),
        ("GET", "/Users/1", 404),
        ("DELETE", "/Users/1", 404),
        ("GET", "/Users/%0d%0aX-Evil:1", 404),
        ("DELETE", "/Users", 405),
        ("PUT", "/Groups", 405),
        ("PATCH", "/Users", 405),
        ("POST", "/Users/0a000000-0000-4000-8000-000000000000", 405),
        ("GET", "/Users/.search", 405),
        ("TRACE", "/Users", 405),
        ("GET", "/Me", 501),
        ("PATCH", "/Me", 501),
        ("POST", "/Schemas", 405),
        ("PUT", "/ResourceTypes/User", 405),
        ("DELETE", "/ServiceProviderConfig", 405),
        ("GET", "/Schemas/urn:nothing", 404),
        ("GET", "/Schemas?filter=id+pr", 403),
        ("GET", "/ResourceTypes?Filter=id+pr", 403),
        ("GET", "/ServiceProviderConfig?filter=x", 403),
    ] {
        let got = site.ask(&acme, method, path, None).await;
        assert_eq!(got.header("content-type"), "application/scim+json", "{method} {path}");
        assert!(got.headers.get("x-evil").is_none());
        assert_eq!(!got.header("allow").is_empty(), status == 405, "{method} {path}");
        let body = got.is(status);
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn s12_slashes_question_marks_and_ampersands_are_harmless() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let id = site.person(&acme, "ada@acme.example").await;
    for path in ["/Users/", "/Users?", "/Users/?", "/Users?&", "/Users?&&count=5&", "/Users//"] {
        assert_eq!(site.get(&acme, path).await.is(200)["totalResults"], 1, "{path}");
    }
    for path in [format!("/Users/{id}/"), format!("/Users/{id}?"), format!("/Users/{id}/?&")] {
        site.get(&acme, &path).await.is(200);
        site.ask(&acme, "PUT", &path, Some(&person("ada@acme.example"))).await.is(200);
    }
    let head = site.ask(&acme, "HEAD", &format!("/Users/{id}"), None).await;
    assert_eq!(head.status, 200);
}

#[tokio::test]
async fn s15_discovery_says_what_there_is() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let config = site.get(&acme, "/ServiceProviderConfig").await.is(200);
    for feature in ["patch", "filter", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["changePassword"]["supported"], false);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    for (path, count) in [("/ResourceTypes", 2), ("/Schemas", 3)] {
        let list = site.get(&acme, path).await.is(200);
        assert_eq!(list["totalResults"], count);
        for one in list["Resources"].as_array().unwrap() {
            let location = one["meta"]["location"].as_str().unwrap().strip_prefix(BASE).unwrap();
            assert_eq!(&site.get(&acme, location).await.is(200), one);
        }
        assert!(!list.to_string().contains("null"));
    }
}

async fn raw(site: &Site, token: &str, method: &str, headers: &[(&str, &str)], body: Vec<u8>) -> super::world::Got {
    let mut request =
        Request::builder().method(method).uri("/scim/v2/Users").header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn s13_s36_bodies_are_taken_or_refused_before_they_are_read() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let check = async |name: &str, headers: &[(&str, &str)], status: u16| {
        let body = person(&format!("{name}@acme.example")).to_string().into_bytes();
        assert_eq!(raw(&site, &acme.token, "POST", headers, body).await.status, status, "{headers:?}");
    };
    check("a", &[("content-type", "application/json")], 201).await;
    check("b", &[("content-type", "application/scim+json; charset=utf-8"), ("accept", "*/*")], 201).await;
    check("c", &[("accept", "application/json")], 201).await;
    check("d", &[("content-type", "text/xml")], 415).await;
    check("e", &[("content-type", "application/scim+json"), ("content-encoding", "gzip")], 415).await;
    let large = vec![b' '; 8 * 1024 * 1024 + 1];
    assert_eq!(raw(&site, &acme.token, "POST", &[], large.clone()).await.status, 413);
    assert_eq!(raw(&site, "nobody", "POST", &[], large).await.status, 401, "a stranger's body is not read");
    let long = format!("/Users?filter=userName+eq+%22{}%22", "a".repeat(8 * 1024));
    assert_eq!(site.get(&acme, &long).await.is(200)["totalResults"], 0);
    let longer = format!("/Users?x={}", "a".repeat(40 * 1024));
    site.get(&acme, &longer).await.is(414);
    let header = "h".repeat(40 * 1024);
    site.ask_with(&acme, "GET", "/Users", None, &[("x-long", &header)]).await.is(431);
}

#[tokio::test]
async fn s37_s38_hostile_input_is_400_and_nothing_comes_back_in_a_header() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let name = |text: &str| format!("{{\"userName\":\"{text}@acme.example\"}}").into_bytes();
    let mut surrogate = name("a");
    surrogate.splice(13..13, br"\ud800".iter().copied());
    for body in [
        Vec::new(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"{".to_vec(),
        b"\xff".to_vec(),
        name("a\\u0000b"),
        surrogate,
        br#"{"userName":"a@acme.example","userName":"b@acme.example"}"#.to_vec(),
        br#"{"userName":"a@acme.example","USERNAME":"b@acme.example"}"#.to_vec(),
        format!("{{\"userName\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes(),
        br#"{"userName":7}"#.to_vec(),
        br#"{"userName":"a@acme.example","active":"maybe"}"#.to_vec(),
        br#"{"userName":"a@acme.example","emails":[{"value":"x","primary":true},{"value":"y","primary":true}]}"#
            .to_vec(),
    ] {
        let got = raw(&site, &acme.token, "POST", &[], body.clone()).await;
        assert_eq!(got.status, 400, "{:?}: {}", String::from_utf8_lossy(&body).get(..60), got.body);
        assert!(got.header("location").is_empty());
    }
    let deep = format!("{}userName pr{}", "(".repeat(10_000), ")".repeat(10_000));
    let body = json!({ "filter": deep });
    assert_eq!(site.post(&acme, "/Users/.search", &body).await.is(400)["scimType"], "invalidFilter");
    let wide = vec!["title pr"; 2000].join(" or ");
    site.post(&acme, "/Users/.search", &json!({ "filter": wide })).await.is(400);
    assert_eq!(site.get(&acme, "/Users").await.is(200)["totalResults"], 0);
}

#[tokio::test]
async fn s17_names_have_no_case_and_empty_is_unassigned() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let sent = json!({
        "SCHEMAS": ["urn:scim:schemas:core:2.0"], "USERNAME": "ada@acme.example", "Title": null, "emails": [],
        "NAME": { "GIVENNAME": "Ada" }, "unknown": { "a": [1] },
        "URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User": { "Department": "D" },
    });
    let made = site.post(&acme, "/Users", &sent).await.is(201);
    assert_eq!((&made["userName"], &made["name"]["givenName"]), (&json!("ada@acme.example"), &json!("Ada")));
    assert_eq!(made["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"], "D");
    for absent in ["title", "emails", "unknown"] {
        assert_eq!(made.get(absent), None::<&Value>, "{absent}");
    }
    assert!(made["schemas"].as_array().unwrap().contains(&json!("urn:ietf:params:scim:schemas:core:2.0:User")));
}
