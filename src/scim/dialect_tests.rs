//! Replays `tests/scim/`: what each identity provider is documented to send, as data, and what is made of it (S28 to S31).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::schema::Kind;
use super::{Attributes, Filter, GroupChange, ListRequest, Patch, ScimError};

/// The identity providers, and the least number of cases of each: none passes by not being there.
const DIALECTS: [(&str, usize); 7] =
    [("authentik", 5), ("entra", 25), ("google", 4), ("jumpcloud", 5), ("keycloak", 5), ("okta", 12), ("onelogin", 7)];

fn cases(dialect: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scim").join(dialect);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    paths.iter().map(|path| (path.clone(), read(path))).collect()
}

/// A resource as a case writes it: a group's members as ids.
fn as_written(mut attributes: Attributes) -> Value {
    let members = attributes.take_members();
    let mut written = json!(attributes);
    if let Some(members) = members {
        written["members"] = json!(members);
    }
    written
}

fn change_as_written(change: &GroupChange) -> Value {
    match change {
        GroupChange::DisplayName(name) => json!({ "displayName": name }),
        GroupChange::ExternalId(name) => json!({ "externalId": name }),
        GroupChange::AddMembers(ids) => json!({ "add": ids }),
        GroupChange::RemoveMembers(ids) => json!({ "remove": ids }),
        GroupChange::RemoveAll => json!("removeAll"),
        GroupChange::ReplaceMembers(ids) => json!({ "replace": ids }),
    }
}

fn found(kind: Kind, case: &Value) -> Result<Value, ScimError> {
    let request = ListRequest::from_query(case["query"].as_str().unwrap())?;
    let filter = Filter::parse(kind, &request.filter.unwrap())?;
    let resources = case["before"].as_array().unwrap();
    let found = resources.iter().filter(|resource| filter.matches(resource.as_object().unwrap()));
    Ok(found.map(|resource| resource["id"].clone()).collect())
}

/// What a request makes, under the name that the case has for it.
fn made(case: &Value) -> Result<(&'static str, Value), ScimError> {
    let kind = if case["kind"] == "User" { Kind::User } else { Kind::Group };
    let body = case["request"].to_string();
    match (case["method"].as_str().unwrap(), kind) {
        ("GET", _) => Ok(("found", found(kind, case)?)),
        ("PATCH", Kind::User) => {
            let before = Attributes::from_object(kind, case["before"].as_object().unwrap().clone()).unwrap();
            Ok(("after", as_written(Patch::read(body.as_bytes())?.apply_to_user(&before)?)))
        }
        ("PATCH", Kind::Group) => {
            let changes = Patch::read(body.as_bytes())?.group_changes()?;
            Ok(("changes", changes.iter().map(change_as_written).collect()))
        }
        _ => Ok(("after", as_written(Attributes::read(kind, body.as_bytes())?))),
    }
}

#[test]
fn s28_to_s31_every_dialect_is_understood_as_its_documents_say() {
    let mut counted = BTreeMap::new();
    for (dialect, least) in DIALECTS {
        let cases = cases(dialect);
        assert!(cases.len() >= least, "{dialect} has {} cases, not {least}", cases.len());
        for (path, case) in &cases {
            assert!(case["source"].as_str().is_some_and(|source| source.starts_with("https://")), "{}", path.display());
            let (name, told) = made(case).unwrap_or_else(|error| {
                let body = error.to_json();
                ("error", json!({ "status": error.status(), "scimType": body["scimType"] }))
            });
            assert_eq!(told, case[name], "{}", path.display());
        }
        counted.insert(dialect, cases.len());
    }
    assert_eq!(counted.len(), DIALECTS.len());
}
