//! What the operator ends, ends with its sessions in one transaction: nobody needs to follow the change feed for it.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower::ServiceExt as _;
use vestibule::admin::router;
use vestibule::administration::explain::{RouteDecision, RouteExplainer, Visitor};
use vestibule::administration::{Administration, By};
use vestibule::directory::Organization;
use vestibule::kernel::{Fault, FaultKind, SessionId, SystemRng, UserId};
use vestibule::proof::{Proof, ProofSettings};
use vestibule::saml::fetch::{FetchSettings, Fetcher};
use vestibule::saml::service_provider::ServiceProvider;
use vestibule::session::{Method, NewSession, SessionError, SessionSettings, Sessions, records};
use vestibule::store::Tx;
use vestibule::webhook::{Courier, Rules};

use super::{Directory, says};

const SITE: &str = "http://localhost:8080";

struct NoRoutes;

impl RouteExplainer for NoRoutes {
    fn explain(&self, _: &str, _: Option<&Visitor>) -> Result<RouteDecision, Fault> {
        Err(Fault::plain(FaultKind::NotFound, "no routes"))
    }
}

async fn call(directory: &Directory, verb: &str, body: &serde_json::Value) {
    let (store, rng) = (directory.store.clone(), Arc::new(SystemRng));
    let admin = Administration {
        passwords: vestibule::credential::Policy::default(),
        hasher: vestibule::credential::Hasher::new(Arc::new(SystemRng)),
        documents: Arc::new(Fetcher::new(&FetchSettings::default()).unwrap()),
        proof: Arc::new(Proof::new(store.clone(), rng.clone(), ProofSettings::default())),
        courier: Courier::new(store.clone(), rng.clone(), &[], Rules::default()).unwrap(),
        store,
        rng,
        service_provider: ServiceProvider::new(SITE),
        scim_url: format!("{SITE}/scim/v2"),
        routes: Arc::new(NoRoutes),
        door_checkers: Vec::new,
        started: directory.store.now(),
        by: By::admin_socket(),
    };
    let request = Request::post(format!("/v1/{verb}")).body(Body::from(body.to_string())).unwrap();
    let answer = router(Arc::new(admin)).oneshot(request).await.unwrap();
    assert!(answer.status().is_success(), "{verb} {body}: {answer:?}");
}

/// A session of `user` that the organization's single sign-on made.
async fn session(directory: &Directory, organization: &Organization, user: UserId) -> SessionId {
    let (store, clock) = (directory.store.clone(), directory.clock.clone());
    let sessions = Sessions::open(store, clock, Arc::new(SystemRng), SessionSettings::new(SITE)).await.unwrap();
    let id = Some(organization.id);
    let new =
        NewSession { organization: id, connection: id, ..NewSession::new(user, Method::Sso, directory.store.now()) };
    let start = async |tx: Tx| Ok::<_, SessionError>(sessions.start(&tx, &new).await?.id);
    directory.store.transaction("test", start).await.unwrap()
}

#[tokio::test]
async fn sessions_end_with_what_they_rest_on() {
    let directory = Directory::new().await;
    let made = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&made, "idp_managed_access", "true").await;
    let admitted = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap();
    let (slug, email) = ("acme", "ada@acme.example");
    let activate = |active: bool| ("user-activate", json!({ "email": email, "active": active }));
    let role = ("user-set", json!({ "slug": slug, "email": email, "role": "admin" }));
    let remove = ("user-remove", json!({ "slug": slug, "email": email }));
    let add = ("user-add", json!({ "slug": slug, "email": email, "role": "member" }));
    let release = ("domain-release", json!({ "slug": slug, "domain": "acme.example" }));
    for (calls, lives) in [
        (vec![role], true),
        (vec![activate(false), activate(true)], false),
        (vec![remove, add], false),
        (vec![release], false),
    ] {
        directory.advance(1);
        let id = session(&directory, &acme, admitted.user.id).await;
        for (verb, body) in &calls {
            call(&directory, verb, body).await;
        }
        let found = records::find(&directory.store.reader(), id).await.unwrap();
        assert_eq!(found.is_some(), lives, "after {calls:?}");
    }
}
