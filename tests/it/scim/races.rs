//! Many at once: S33, S34, and what a restart keeps (S35 stands in `kill`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::world::{Site, ids, members, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s34_of_sixty_four_equal_creates_one_is_made() {
    let site = Arc::new(Site::new().await);
    let acme = Arc::new(site.customer("acme").await);
    for round in 0..3 {
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let (site, acme) = (Arc::clone(&site), Arc::clone(&acme));
                tokio::spawn(async move {
                    let name = if number % 2 == 0 {
                        format!("R{round}@Acme.example")
                    } else {
                        format!("r{round}@acme.example")
                    };
                    site.post(&acme, "/Users", &person(&name)).await.status
                })
            })
            .collect();
        let mut counted = BTreeMap::new();
        for task in tasks {
            *counted.entry(task.await.unwrap()).or_insert(0) += 1;
        }
        assert_eq!(counted, BTreeMap::from([(201, 1), (409, 63)]), "round {round}");
    }
    assert_eq!(site.get(&acme, "/Users").await.is(200)["totalResults"], 3);
    site.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s33_a_thousand_changes_of_one_group_at_once_lose_nobody() {
    let site = Arc::new(Site::new().await);
    let acme = Arc::new(site.customer("acme").await);
    let mut people = Vec::new();
    for number in 0..500 {
        people.push(site.person(&acme, &format!("p{number}@acme.example")).await);
    }
    let even: Vec<&str> = people.iter().step_by(2).map(String::as_str).collect();
    let group = site.group(&acme, "Ops", &even).await;
    // Everyone of an odd number comes and everyone of an even number goes, while as many changes are repeated.
    let tasks: Vec<_> = (0..1000)
        .map(|task| {
            let (site, acme) = (Arc::clone(&site), Arc::clone(&acme));
            let (id, path) = (people[task % 500].clone(), format!("/Groups/{group}"));
            tokio::spawn(async move {
                let operation = if task % 2 == 1 {
                    json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
                } else {
                    json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }])
                };
                site.patch(&acme, &path, operation).await.status
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 204);
    }
    let mut expected: Vec<String> = people.iter().skip(1).step_by(2).cloned().collect();
    expected.sort();
    assert_eq!(members(&site.get(&acme, &format!("/Groups/{group}")).await.is(200)), expected);
    site.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s33_whoever_is_deleted_while_they_are_moved_leaves_no_ghost() {
    let site = Arc::new(Site::new().await);
    let acme = Arc::new(site.customer("acme").await);
    let group = site.group(&acme, "Ops", &[]).await;
    for round in 0..40 {
        let id = site.person(&acme, &format!("p{round}@acme.example")).await;
        let (path, user) = (format!("/Groups/{group}"), format!("/Users/{id}"));
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let (added, gone) = tokio::join!(site.patch(&acme, &path, add), site.ask(&acme, "DELETE", &user, None));
        assert_eq!((added.status, gone.status), (204, 204));
    }
    assert_eq!(members(&site.get(&acme, &format!("/Groups/{group}")).await.is(200)), Vec::<String>::new());
    assert_eq!(ids(&site.get(&acme, "/Users").await.is(200)), Vec::<String>::new());
    site.check().await;
}
