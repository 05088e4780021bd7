//! Lists: S21 to S23, S27, S28, S40.

use serde_json::{Value, json};
use vestibule::kernel::Role;

use super::world::{Site, filtered, ids, person};

#[tokio::test]
async fn s21_a_list_tells_its_true_length_whatever_the_page() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for number in 0..25 {
        site.person(&acme, &format!("p{number:02}@acme.example")).await;
    }
    let whole = site.get(&acme, "/Users").await.is(200);
    let all = ids(&whole);
    assert_eq!(
        (&whole["totalResults"], &whole["itemsPerPage"], &whole["startIndex"]),
        (&json!(25), &json!(25), &json!(1))
    );
    assert_eq!(whole["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    for (query, start, expected) in [
        ("startIndex=1&count=10", 1, &all[..10]),
        ("startIndex=11&count=10", 11, &all[10..20]),
        ("startIndex=21&count=10", 21, &all[20..]),
        ("startIndex=26&count=10", 26, &all[..0]),
        ("startIndex=1000000", 1_000_000, &all[..0]),
        ("startIndex=0&count=2", 1, &all[..2]),
        ("startIndex=-7&count=2", 1, &all[..2]),
        ("count=0", 1, &all[..0]),
        ("count=-3", 1, &all[..0]),
    ] {
        for more in ["", "&filter=userName+sw+%22p%22", "&filter=active+eq+true&"] {
            let page = site.get(&acme, &format!("/Users?{query}{more}")).await.is(200);
            assert_eq!(ids(&page), expected, "{query}{more}");
            let told = (&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]);
            assert_eq!(told, (&json!(25), &json!(expected.len()), &json!(start)), "{query}{more}");
        }
    }
    for _ in 0..3 {
        assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)), all, "the order stays");
    }
}

#[tokio::test]
async fn s28_a_list_shows_what_was_written_before_it_was_asked_for() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let total = async || site.get(&acme, "/Users?count=0").await.is(200)["totalResults"].as_u64().unwrap();
    assert_eq!(total().await, 0);
    let mut made = Vec::new();
    for number in 1..=40 {
        made.push(site.person(&acme, &format!("p{number}@acme.example")).await);
        assert_eq!(total().await, number);
    }
    for (number, id) in made.iter().enumerate() {
        if number % 2 == 0 {
            site.ask(&acme, "DELETE", &format!("/Users/{id}"), None).await.is(204);
        } else {
            site.add_by_hand(&acme, &format!("h{number}@acme.example"), Role::Member).await;
        }
        assert_eq!(total().await, 40 - (number as u64 + 1) % 2);
    }
    // Entra's probe: a name that nobody has.
    let probe = filtered("Users", "userName eq \"a5f2e3d0-1d3a-4b7c-9a45-1f1d2d3c4b5a\"");
    let none = site.get(&acme, &probe).await.is(200);
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn s22_filters_find_whom_they_mean() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let send = async |name: &str, more: Value| {
        let mut body = person(&format!("{name}@acme.example"));
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.post(&acme, "/Users", &body).await.is(201)["id"].as_str().unwrap().to_owned()
    };
    let work = |value: &str| json!([{ "type": "work", "value": value, "primary": true }]);
    let ada = send("ada", json!({ "title": "Dr", "externalId": "E1", "emails": work("ada@acme.example") })).await;
    let bo = send("bo", json!({ "name": { "familyName": "O'Neil" }, "emails": work("bo@acme.example") })).await;
    let cy = site.add_by_hand(&acme, "cy@acme.example", Role::Member).await.to_string();
    let check = async |filter: &str, expected: &[&String]| {
        let mut found = ids(&site.get(&acme, &filtered("Users", filter)).await.is(200));
        let mut expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{filter}");
    };
    check("userName eq \"ADA@acme.example\"", &[&ada]).await;
    check("USERNAME Eq \"cy@acme.example\"", &[&cy]).await;
    check("externalId eq \"E1\"", &[&ada]).await;
    check(&format!("id eq \"{bo}\""), &[&bo]).await;
    check("userName eq \"ada@acme.example\" and title eq \"dr\"", &[&ada]).await;
    check("userName eq \"ada@acme.example\" and not (title pr)", &[]).await;
    check("emails[type eq \"work\"].value eq \"bo@acme.example\"", &[&bo]).await;
    check("emails.value ew \"@acme.example\"", &[&ada, &bo, &cy]).await;
    check("name.familyName eq \"O'NEIL\" or externalId eq \"E1\"", &[&ada, &bo]).await;
    check("urn:ietf:params:scim:schemas:core:2.0:User:title pr", &[&ada]).await;
    check("meta.created ge \"2027-01-15T08:00:00.0000000Z\"", &[&ada, &bo, &cy]).await;
    check("title ne \"Dr\"", &[&bo, &cy]).await;
    for wrong in ["userName", "userName eq", "x y z", "(userName pr", "userName eq \"a", "", "password eq \"x\""] {
        let refused = site.get(&acme, &filtered("Users", wrong)).await.is(400);
        assert_eq!(refused["scimType"], "invalidFilter", "{wrong}");
    }
    // S30: OneLogin's spelling.
    let found = site.get(&acme, "/Users?filter=userName+eq+%22ada@acme.example%22&").await.is(200);
    assert_eq!(ids(&found), std::slice::from_ref(&ada));
    let found = site.post(&acme, "/Users/.search", &json!({ "filter": "title pr", "attributes": ["title"] })).await;
    let found = found.is(200);
    assert_eq!(ids(&found), [ada]);
    assert!(found["Resources"][0].get("userName").is_none());
}

#[tokio::test]
async fn s23_lists_are_sorted_and_show_what_is_asked_for() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for (name, title) in [("bo", "B"), ("ada", "C"), ("cy", "A")] {
        let body = json!({ "userName": format!("{name}@acme.example"), "title": title });
        site.post(&acme, "/Users", &body).await.is(201);
    }
    let names = async |query: &str| -> Vec<String> {
        let list = site.get(&acme, &format!("/Users?{query}")).await.is(200);
        list["Resources"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("sortBy=userName").await, ["ada@acme.example", "bo@acme.example", "cy@acme.example"]);
    assert_eq!(names("sortBy=title&sortOrder=descending&count=2").await, ["ada@acme.example", "bo@acme.example"]);
    assert_eq!(names("sortBy=title&startIndex=3").await, ["ada@acme.example"]);
    let list = site.get(&acme, "/Users?attributes=userName&count=1").await.is(200);
    let shown: Vec<&String> = list["Resources"][0].as_object().unwrap().keys().collect();
    assert_eq!(shown, ["id", "schemas", "userName"]);
    let list = site.get(&acme, "/Users?excludedAttributes=id,userName,meta&count=1").await.is(200);
    assert!(list["Resources"][0].get("id").is_some() && list["Resources"][0].get("meta").is_none());
    let made = site.post(&acme, "/Users?attributes=id", &person("dee@acme.example")).await.is(201);
    assert_eq!(made.as_object().unwrap().len(), 2, "{made}");
}

#[tokio::test]
async fn s27_cursors_walk_through_everybody_once() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for number in 0..23 {
        site.person(&acme, &format!("p{number}@acme.example")).await;
    }
    let all = ids(&site.get(&acme, "/Users").await.is(200));
    for more in ["", "&filter=userName+pr", "&sortBy=id"] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get(&acme, &format!("/Users?count=5&cursor={cursor}{more}")).await.is(200);
            assert_eq!(page["totalResults"], 23);
            found.extend(ids(&page));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(found, all, "{more}");
        let refused = site.get(&acme, &format!("/Users?cursor={cursor}x{more}")).await.is(400);
        assert_eq!(refused["scimType"], "invalidCursor");
        let elsewhere = site.get(&acme, &format!("/Users?cursor={cursor}&filter=title+pr")).await.is(400);
        assert_eq!(elsewhere["scimType"], "invalidCursor");
        site.advance(3601);
        let old = site.get(&acme, &format!("/Users?count=5&cursor={cursor}{more}")).await.is(400);
        assert_eq!(old["scimType"], "expiredCursor");
    }
}

#[tokio::test]
async fn s40_pages_of_a_list_are_whole_and_in_the_order_of_ids() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    for number in 0..300 {
        site.person(&acme, &format!("p{number}@acme.example")).await;
    }
    let mut seen = Vec::new();
    for start in (1..=300).step_by(50) {
        let page = site.get(&acme, &format!("/Users?startIndex={start}&count=50")).await.is(200);
        assert_eq!(page["totalResults"], 300);
        seen.extend(ids(&page));
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique), (300, seen.clone()), "in the order of the ids, nobody twice");
}
