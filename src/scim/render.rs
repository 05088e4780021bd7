//! People and groups of the directory as SCIM shows them, with their locations and versions (S16, S25).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

use super::etag::etag;
use super::resource::Attributes;
use super::schema::Kind;
use crate::directory::provisioning::{Group, GroupMember, Person};
use crate::kernel::{EmailAddress, TeamId};

/// Bytes of the hash that a person's version is.
const VERSION_BYTES: usize = 12;

/// A resource as it is shown whole, with its entity tag and its address.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// All of it.
    pub resource: Map<String, Value>,
    /// `meta.version`.
    pub etag: String,
    /// `meta.location`.
    pub location: String,
}

/// What a person is, in the attributes that a client may write: what was sent, or for whom nothing was sent, what is
/// known. Address and activity are the account's.
pub fn attributes(person: &Person) -> Attributes {
    let mut map = match &person.record {
        Some(record) => record.attributes.clone(),
        None => known(person),
    };
    let account = &person.account;
    let sent = map.get("userName").and_then(Value::as_str).and_then(|sent| sent.parse::<EmailAddress>().ok());
    if sent.as_ref() != Some(&account.email) {
        map.insert("userName".to_owned(), account.email.as_str().into());
    }
    // Taken away by a PATCH, it is not shown until somebody sends it again; access stays as it is (RFC 7643 §2.5).
    if map.get("active") == Some(&Value::Null) {
        map.remove("active");
    } else {
        map.insert("active".to_owned(), account.active.into());
    }
    Attributes::kept(map)
}

/// What is known of somebody whom provisioning did not send.
fn known(person: &Person) -> Map<String, Value> {
    let account = &person.account;
    let mut map = Map::new();
    let mut name = Map::new();
    for (part, value) in [("givenName", &account.first_name), ("familyName", &account.last_name)] {
        if let Some(value) = value {
            name.insert(part.to_owned(), value.as_str().into());
        }
    }
    if !name.is_empty() {
        map.insert("name".to_owned(), Value::Object(name));
        map.insert("displayName".to_owned(), account.display_name().into());
    }
    map.insert("emails".to_owned(), json!([{ "value": account.email, "type": "work", "primary": true }]));
    map
}

/// A person. `groups` are those that they are in, if they were read.
pub fn person(base: &str, person: &Person, groups: &[(TeamId, String)]) -> Rendered {
    let mut resource = attributes(person).into_resource(Kind::User);
    let id = person.id.to_string();
    let location = format!("{base}/{}/{id}", Kind::User.endpoint().trim_start_matches('/'));
    resource.insert("id".to_owned(), id.into());
    if !groups.is_empty() {
        let groups = groups.iter().map(|(id, name)| {
            json!({ "value": id.to_string(), "$ref": format!("{base}/Groups/{id}"), "display": name, "type": "direct" })
        });
        resource.insert("groups".to_owned(), groups.collect());
    }
    let mut meta = Map::new();
    meta.insert("resourceType".to_owned(), "User".into());
    meta.insert("created".to_owned(), person.created().to_string().into());
    meta.insert("lastModified".to_owned(), person.modified().to_string().into());
    meta.insert("location".to_owned(), location.clone().into());
    resource.insert("meta".to_owned(), Value::Object(meta));
    // What is shown is what the version is of: nothing of it changes without another one.
    let hash = digest(&SHA256, &serde_json::to_vec(&resource).unwrap_or_default());
    let etag = etag(BASE64.encode(&hash.as_ref()[..VERSION_BYTES]));
    resource["meta"]["version"] = etag.clone().into();
    Rendered { resource, etag, location }
}

/// The entity tag of a group.
pub fn group_etag(group: &Group) -> String {
    etag(&group.version)
}

/// A group. `members` are those who are in it, if they were read.
pub fn group(base: &str, group: &Group, members: &[GroupMember]) -> Rendered {
    let (id, etag) = (group.id.to_string(), group_etag(group));
    let location = format!("{base}/Groups/{id}");
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!([Kind::Group.schema().id]));
    resource.insert("id".to_owned(), id.into());
    resource.insert("displayName".to_owned(), group.display_name.as_str().into());
    if let Some(external_id) = &group.external_id {
        resource.insert("externalId".to_owned(), external_id.as_str().into());
    }
    if !members.is_empty() {
        let members = members.iter().map(|member| {
            let id = member.id.to_string();
            json!({ "value": id, "$ref": format!("{base}/Users/{id}"), "type": "User" })
        });
        resource.insert("members".to_owned(), members.collect());
    }
    let meta = json!({
        "resourceType": "Group",
        "created": group.created.to_string(),
        "lastModified": group.modified.to_string(),
        "location": location,
        "version": etag,
    });
    resource.insert("meta".to_owned(), meta);
    Rendered { resource, etag, location }
}
