//! Lists of groups with more members than one list may take.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::json;

use super::*;
use crate::directory::organization::{self, OrgKind};
use crate::directory::provisioning::{ProvisioningScope, token};
use crate::directory::{DirectoryError, claim};
use crate::kernel::{ManualClock, SystemRng, Timestamp};
use crate::scim::route::route;
use crate::store::{SledBackend, Store};

/// A door whose lists may take few members.
struct Place {
    server: ScimServer,
    scope: ProvisioningScope,
}

impl Place {
    async fn new(bounds: MemberBounds) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap();
        let issued = store.transaction("test", async |tx: Tx| {
            let slug = "acme".parse().unwrap();
            let made = organization::create(&tx, &SystemRng, &slug, "Acme", OrgKind::Customer).await?;
            claim::claim_trusted(&tx, &made, &"acme.example".parse().unwrap()).await?;
            let (token, ..) = token::issue(&tx, &SystemRng, &made).await?;
            Ok::<_, DirectoryError>(token.expose().clone())
        });
        let token = issued.await.unwrap();
        let scope = ProvisioningScope::open(&store.reader(), &token, "SCIM").await.unwrap();
        let mut server = ScimServer::open(store, Arc::new(SystemRng), "https://scim.example/scim/v2").await.unwrap();
        Arc::get_mut(&mut server).unwrap().bounds = bounds;
        Place { server: Arc::into_inner(server).unwrap(), scope }
    }

    async fn asks(&self, method: Method, path: &str, query: &str, body: &Value) -> Result<Value, ScimError> {
        let asked = Asked {
            scope: self.scope.clone(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        };
        let answer = self.server.dispatch(&method, route(&format!("/scim/v2{path}")), &asked).await?;
        Ok(answer.body.unwrap_or_default())
    }

    async fn list(&self, query: &str) -> Result<Value, ScimError> {
        self.asks(Method::GET, "/Groups", query, &Value::Null).await
    }

    async fn make(&self, path: &str, body: &Value) -> String {
        self.asks(Method::POST, path, "", body).await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Makes groups of that many each, of the same people.
    async fn groups(&self, sizes: &[usize]) -> Vec<String> {
        let mut people = Vec::new();
        for number in 0..sizes.iter().copied().max().unwrap_or_default() {
            people.push(self.make("/Users", &json!({ "userName": format!("p{number}@acme.example") })).await);
        }
        for (number, size) in sizes.iter().enumerate() {
            let members: Vec<Value> = people[..*size].iter().map(|id| json!({ "value": id })).collect();
            self.make("/Groups", &json!({ "displayName": format!("G{number}"), "members": members })).await;
        }
        people
    }
}

/// The names of a page's groups, and how many members are shown.
fn told(list: &Value) -> (Vec<&str>, usize) {
    let groups = list["Resources"].as_array().unwrap();
    let members = groups.iter().map(|group| group["members"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(list["itemsPerPage"], groups.len());
    (groups.iter().map(|group| group["displayName"].as_str().unwrap()).collect(), members)
}

#[tokio::test]
async fn s40_a_page_ends_where_its_members_become_too_many() {
    let place = Place::new(MemberBounds { shown: 5, scanned: 100 }).await;
    place.groups(&[3, 2, 1, 7, 0]).await;
    let list = place.list("sortBy=displayName").await.unwrap();
    assert_eq!((told(&list), &list["totalResults"]), ((vec!["G0", "G1"], 5), &json!(5)));
    let list = place.list("sortBy=displayName&startIndex=3").await.unwrap();
    assert_eq!((told(&list), &list["startIndex"]), ((vec!["G2"], 1), &json!(3)));
    let list = place.list("sortBy=displayName&startIndex=4").await.unwrap();
    assert_eq!(told(&list), (vec!["G3", "G4"], 7), "one group is always shown, however large");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let list = place.list(&format!("sortBy=displayName&cursor={cursor}")).await.unwrap();
        seen.extend(told(&list).0.into_iter().map(str::to_owned));
        let Some(next) = list["nextCursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(seen, ["G0", "G1", "G2", "G3", "G4"], "each once, none left out");
    let list = place.list("sortBy=displayName&excludedAttributes=members").await.unwrap();
    assert_eq!(told(&list).0.len(), 5, "members that are not shown don't count");
}

#[tokio::test]
async fn s40_a_filter_that_would_read_too_many_members_is_refused() {
    let place = Place::new(MemberBounds { shown: 100, scanned: 4 }).await;
    let people = place.groups(&[2, 2, 1]).await;
    for query in ["filter=members%20pr", "sortBy=members.value"] {
        let refused = place.list(query).await.expect_err(query);
        assert_eq!((refused.status(), refused.to_json()["scimType"].as_str()), (400, Some("tooMany")), "{query}");
    }
    for (filter, expected) in [
        (format!("members eq \"{}\"", people[1]), vec!["G0", "G1"]),
        (format!("not (members eq \"{}\")", people[1]), vec!["G2"]),
        (format!("members eq \"{0}\" and not (members eq \"{0}\")", people[0]), vec![]),
        (format!("members eq \"{}\" or members eq \"nobody\"", people[0]), vec!["G0", "G1", "G2"]),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let list = place.list(&format!("sortBy=displayName&filter={encoded}")).await.unwrap();
        assert_eq!(told(&list).0, expected, "{filter}");
    }
}

#[test]
fn s22_a_group_that_is_deleted_meanwhile_is_left_out() {
    let gone = ProvisioningError::NoSuchResource("7".to_owned());
    assert_eq!(absent::<()>(Err(gone)).unwrap(), None);
    assert!(absent::<()>(Err(ProvisioningError::GroupNameTaken)).is_err(), "anything else is told");
    assert_eq!(absent(Ok(1)).unwrap(), Some(1));
}
