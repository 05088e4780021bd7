//! Whole lives of people and groups, as identity providers' documents tell them, through the running server.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::world::World;

/// Puts what was kept in the place of `{name}`, in texts of any depth.
fn filled(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            kept.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value)).into()
        }
        Value::Array(values) => values.iter().map(|value| filled(value, kept)).collect(),
        Value::Object(entries) => entries.iter().map(|(name, value)| (name.clone(), filled(value, kept))).collect(),
        other => other.clone(),
    }
}

/// Whether `got` has all that is wanted: each entry of an object, lists whole, and nothing where null is wanted.
fn has(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| has(got.get(name).unwrap_or(&Value::Null), wanted))
        }
        (Value::Array(got), Value::Array(wanted)) => {
            got.len() == wanted.len() && wanted.iter().all(|wanted| got.iter().any(|got| has(got, wanted)))
        }
        _ => got == wanted,
    }
}

async fn replay(world: &World, name: &str) {
    let (slug, domain) = (format!("of-{name}"), format!("{name}.example"));
    world.run(&["org", "create", &slug, "--name", name]);
    world.run(&["domain", "claim", &slug, &domain, "--trusted"]);
    let token = world.run(&["scim-token", "issue", &slug]).trim().to_owned();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scim/transcripts/{name}.json"));
    let transcript: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut kept = BTreeMap::from([("domain".to_owned(), domain)]);
    let client = reqwest::Client::new();
    let steps = transcript["steps"].as_array().unwrap();
    assert!(steps.len() > 10, "{name} has {} steps", steps.len());
    for step in steps {
        let about = format!("{name}: {}", step["about"]);
        let path = filled(&step["path"], &kept);
        let url = format!("http://{}/scim/v2{}", world.scim, path.as_str().unwrap());
        let method = step["method"].as_str().unwrap().parse().unwrap();
        let mut request = client.request(method, url).bearer_auth(&token);
        if let Some(body) = step.get("body") {
            request = request.header("content-type", "application/scim+json").body(filled(body, &kept).to_string());
        }
        let answered = request.send().await.unwrap();
        let status = answered.status().as_u16();
        let body: Value = serde_json::from_str(&answered.text().await.unwrap()).unwrap_or_default();
        assert_eq!(u64::from(status), step["status"].as_u64().unwrap(), "{about}: {body}");
        if let Some(wanted) = step.get("answer") {
            let wanted = filled(wanted, &kept);
            assert!(has(&body, &wanted), "{about}: {wanted} is wanted in {body}");
        }
        for (name, place) in step["keep"].as_object().into_iter().flatten() {
            kept.insert(name.clone(), body[place.as_str().unwrap()].as_str().unwrap().to_owned());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s28_s29_s30_whole_lives_as_seven_identity_providers_push_them() {
    let world = World::start().await;
    for name in ["entra", "okta", "onelogin", "google", "jumpcloud", "authentik", "keycloak"] {
        replay(&world, name).await;
    }
    // It fails if any record or index is wrong.
    world.run(&["check", "--store"]);
}
