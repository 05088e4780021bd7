//! Which endpoint a path means. What is no endpoint is none, whatever it looks like (S12).

use percent_encoding::percent_decode_str;

use crate::kernel::{TeamId, UserId};

/// The path below which everything of SCIM is.
pub const BASE_PATH: &str = "/scim/v2";
/// Behind an endpoint, or alone: a search by POST.
const SEARCH: &str = ".search";

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/Users`
    Users,
    /// `/Users/{id}`
    User(UserId),
    /// `/Users/.search`
    SearchUsers,
    /// `/Groups`
    Groups,
    /// `/Groups/{id}`
    Group(TeamId),
    /// `/Groups/.search`
    SearchGroups,
    /// `/.search`
    Search,
    /// `/Bulk`
    Bulk,
    /// `/Me`
    Me,
    /// `/ServiceProviderConfig`
    ServiceProviderConfig,
    /// `/ResourceTypes`, or one of them
    ResourceTypes(Option<String>),
    /// `/Schemas`, or one of them
    Schemas(Option<String>),
    /// A resource of a kind that is there, with an id that can't be one.
    NoSuchResource(String),
    /// Nothing.
    Unknown,
}

/// The endpoint of a path, as it stands in the request. Slashes behind it are harmless.
pub fn route(path: &str) -> Route {
    let Some(rest) = path.strip_prefix(BASE_PATH) else { return Route::Unknown };
    let rest = rest.trim_end_matches('/');
    let Some(rest) = rest.strip_prefix('/') else { return Route::Unknown };
    let segments: Option<Vec<String>> =
        rest.split('/').map(|segment| percent_decode_str(segment).decode_utf8().ok().map(String::from)).collect();
    let segments = segments.unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["Users"] => Route::Users,
        ["Users", SEARCH] => Route::SearchUsers,
        ["Users", id] => user_id(id).map_or_else(|| Route::NoSuchResource((*id).to_owned()), Route::User),
        ["Groups"] => Route::Groups,
        ["Groups", SEARCH] => Route::SearchGroups,
        ["Groups", id] => group_id(id).map_or_else(|| Route::NoSuchResource((*id).to_owned()), Route::Group),
        [SEARCH] => Route::Search,
        ["Bulk"] => Route::Bulk,
        ["Me"] => Route::Me,
        ["ServiceProviderConfig"] => Route::ServiceProviderConfig,
        ["ResourceTypes"] => Route::ResourceTypes(None),
        ["ResourceTypes", name] => Route::ResourceTypes(Some((*name).to_owned())),
        ["Schemas"] => Route::Schemas(None),
        ["Schemas", urn] => Route::Schemas(Some((*urn).to_owned())),
        _ => Route::Unknown,
    }
}

/// A person's id: in the one spelling in which it is given out.
pub fn user_id(text: &str) -> Option<UserId> {
    text.parse().ok().filter(|id: &UserId| id.to_string() == text)
}

/// A group's id: in the one spelling in which it is given out.
pub fn group_id(text: &str) -> Option<TeamId> {
    text.parse().ok().filter(|id: &TeamId| id.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_a_path_means_one_endpoint_or_none() {
        let id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
        let check = |path: &str, expected: Route| assert_eq!(route(path), expected, "{path}");
        check("/scim/v2/Users", Route::Users);
        check("/scim/v2/Users/", Route::Users);
        check("/scim/v2/Users//", Route::Users);
        check(&format!("/scim/v2/Users/{id}"), Route::User(id.parse().unwrap()));
        check(&format!("/scim/v2/Users/{id}/"), Route::User(id.parse().unwrap()));
        check(&format!("/scim/v2/Groups/{id}"), Route::Group(id.parse().unwrap()));
        check("/scim/v2/Users/.search", Route::SearchUsers);
        check("/scim/v2/.search", Route::Search);
        check("/scim/v2/Bulk/", Route::Bulk);
        let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
        check(&format!("/scim/v2/Schemas/{urn}"), Route::Schemas(Some(urn.to_owned())));
        check(&format!("/scim/v2/Schemas/{}", urn.replace(':', "%3A")), Route::Schemas(Some(urn.to_owned())));
        for unknown in
            ["", "/", "/scim", "/scim/v2", "/scim/v2/", "/scim/v2x/Users", "/scim/v2/users", "/scim/v2/Users/a/b"]
        {
            check(unknown, Route::Unknown);
        }
        check("/scim/v2/Users/%ff", Route::Unknown);
        // No other spelling of an id is one (S3).
        for wrong in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), "1".to_owned()] {
            check(&format!("/scim/v2/Users/{wrong}"), Route::NoSuchResource(wrong.clone()));
        }
        check("/scim/v2/Users/%0d%0aX-Evil:1", Route::NoSuchResource("\r\nX-Evil:1".to_owned()));
    }
}
