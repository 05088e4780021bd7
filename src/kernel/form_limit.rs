//! How large what is posted to our own pages may be: the gate lets no more through, and the pages read no more.

/// The largest form of a page, in bytes.
pub const FORM_LIMIT: usize = 16 * 1024;
/// The largest form that carries what an identity provider says, in bytes (R7): its answer, its metadata, certificates.
pub const LARGE_FORM_LIMIT: usize = 1024 * 1024;

/// The largest form that is posted to this path, in bytes.
pub fn form_limit(path: &str) -> usize {
    let is_acs = path
        .strip_prefix("/.vestibule/saml/")
        .and_then(|rest| rest.strip_suffix("/acs"))
        .is_some_and(|slug| !slug.is_empty() && !slug.contains('/'));
    let is_hand_in = path
        .strip_prefix("/.vestibule/console/o/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(_, page)| matches!(page, "sso/metadata" | "sso/hand" | "sso/certificates"));
    if is_acs || is_hand_in { LARGE_FORM_LIMIT } else { FORM_LIMIT }
}
