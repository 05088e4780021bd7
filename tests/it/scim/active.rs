//! `active`, taken away by a PATCH: S10, S24.

use serde_json::json;
use vestibule::directory::user;

use super::world::Site;

#[tokio::test]
async fn s24_active_that_is_taken_away_is_not_shown_and_changes_no_access() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let ada = site.person(&acme, "ada@acme.example").await;
    let path = format!("/Users/{ada}");
    let is_active = async || {
        let account = user::find_by_email(&site.store.reader(), &"ada@acme.example".parse().unwrap()).await.unwrap();
        account.unwrap().active
    };
    for active in [false, true] {
        site.patch(&acme, &path, json!([{ "op": "replace", "path": "active", "value": active }])).await.is(200);
        let shown = site.patch(&acme, &path, json!([{ "op": "remove", "path": "active" }])).await.is(200);
        assert!(shown.get("active").is_none(), "{shown}");
        assert_eq!(is_active().await, active, "access stays as it was");
        let shown = site.patch(&acme, &path, json!([{ "op": "add", "path": "title", "value": "Dr" }])).await.is(200);
        assert!(shown.get("active").is_none(), "{shown}");
    }
    let sent = json!({ "userName": "ada@acme.example" });
    let shown = site.ask(&acme, "PUT", &path, Some(&sent)).await.is(200);
    assert_eq!((&shown["active"], is_active().await), (&json!(true), true), "a PUT shows what is");
    site.check().await;
}
