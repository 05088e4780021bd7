//! Who sent a form: posts that a page of another site made are refused (cross-site request forgery).

use http::HeaderMap;
use http::header::ORIGIN;

use crate::kernel::{Fault, FaultKind};

/// Lets a form post pass if no browser says that a page of another origin sent it.
///
/// `Sec-Fetch-Site` decides where it is sent, `Origin` else; a client that sends neither is no browser with somebody's
/// cookies (and those are `SameSite=Lax` besides).
///
/// # Errors
/// A [`Fault`] of kind `Forbidden`.
pub fn check(headers: &HeaderMap, origin: &str) -> Result<(), Fault> {
    let same = match (headers.get("sec-fetch-site"), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(sent)) => sent.as_bytes().eq_ignore_ascii_case(origin.as_bytes()),
        (None, None) => true,
    };
    if same {
        return Ok(());
    }
    let public = "This form was sent from another site, so nothing was done. Please open the page here and try again.";
    Err(Fault::new(FaultKind::Forbidden, public, "a cross-site form post"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_from_another_site_is_refused() {
        let check = |site: Option<&'static str>, origin: Option<&'static str>, expected: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, http::HeaderValue::from_static(value));
                }
            }
            let passed = check(&headers, "https://app.example.com").is_ok();
            assert_eq!(passed, expected, "{site:?} {origin:?}");
        };
        check(Some("same-origin"), Some("https://app.example.com"), true);
        check(Some("none"), None, true);
        check(None, Some("https://app.example.com"), true);
        check(None, Some("https://App.Example.com"), true);
        check(None, None, true);
        check(Some("cross-site"), Some("https://app.example.com"), false);
        check(Some("same-site"), None, false);
        check(None, Some("https://evil.example"), false);
        check(None, Some("http://app.example.com"), false);
        check(None, Some("https://app.example.com.evil.example"), false);
        check(None, Some("null"), false);
    }
}
