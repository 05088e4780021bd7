//! Where a person goes after sign-in: a path of this very host, and nothing else (R47).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest path kept, in bytes, once it is percent-encoded; a longer one leads to the start page.
pub const RETURN_PATH_LIMIT: usize = 2048;
/// Pages that would only lead back to a sign-in, or out of a session.
const NOT_BACK_TO: [&str; 4] = ["/.vestibule/sign-in", "/.vestibule/sign-out", "/.vestibule/sso/", "/.vestibule/saml/"];

/// A path with its query on this host, in ASCII, safe in a `Location` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// The app's start page.
    pub fn start() -> Self {
        ReturnPath("/".to_owned())
    }

    /// Reads what came as `return_to`; whatever is not a plain path of this host becomes the start page.
    pub fn parse(text: &str) -> Self {
        Self::try_parse(text).unwrap_or_else(Self::start)
    }

    fn try_parse(text: &str) -> Option<Self> {
        let plain = |c: char| !c.is_control() && c != '\\' && c != ' ';
        if !is_local(text) || text.len() > RETURN_PATH_LIMIT || !text.chars().all(plain) {
            return None;
        }
        // Read as a browser would, against a host that nobody has.
        let base = Url::parse("http://vestibule.invalid/").ok()?;
        let joined = base.join(text).ok()?;
        let path = &joined[url::Position::BeforePath..url::Position::AfterQuery];
        let same_host = joined.origin() == base.origin() && joined.username().is_empty() && joined.password().is_none();
        // `/.//other.example` becomes `//other.example` once its dots are resolved.
        if !same_host || !is_local(path) || path.len() > RETURN_PATH_LIMIT {
            return None;
        }
        let folded = path.to_ascii_lowercase();
        let useless = NOT_BACK_TO.iter().any(|page| folded.starts_with(page));
        (!useless).then(|| ReturnPath(path.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One slash at the start, and not two: a browser takes `//` and `/\` for the start of a host.
fn is_local(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'))
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r47_only_a_path_of_this_host_is_gone_back_to() {
        let check = |typed: &str, expected: &str| assert_eq!(ReturnPath::parse(typed).as_str(), expected, "{typed:?}");
        check("/", "/");
        check("/deals/7?tab=2&q=a%20b", "/deals/7?tab=2&q=a%20b");
        check("/a#part", "/a");
        check("/büro", "/b%C3%BCro");
        check("/a/../b", "/b");
        check("/?next=//other.example", "/?next=//other.example");
        check("/.vestibule/account", "/.vestibule/account");
        for wrong in [
            "",
            "deals",
            "//other.example",
            "/\\other.example",
            "\\/other.example",
            "/.//other.example",
            "/..//other.example",
            "/a/..//other.example",
            "/%2e//other.example",
            "/\t/other.example",
            "/\n/other.example",
            "\t//other.example",
            " //other.example",
            "/a\\b",
            "http://other.example/",
            "https:other.example",
            "javascript:alert(1)",
            "@other.example",
            "/a\r\nSet-Cookie: x=1",
            "/.vestibule/sign-in?return_to=/",
            "/.Vestibule/sign-out",
            "/.vestibule/saml/acme/acs",
        ] {
            check(wrong, "/");
        }
        check(&format!("/{}", "a".repeat(RETURN_PATH_LIMIT)), "/");
        check(&format!("/{}", "ü".repeat(RETURN_PATH_LIMIT / 3)), "/");
    }
}
