//! Where somebody without a session is sent: the sign-in page, with the way back.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::pages::Answer;

/// The sign-in page's path (CONTRACT.md).
const PAGE: &str = "/.vestibule/sign-in";
/// The longest way back that is kept, in bytes: beyond, people come back to the front page.
const RETURN_LIMIT: usize = 2048;
/// What a query value may hold as it is.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The 302 of a navigation: to the sign-in page of `base` (empty: this very host), and from there back to `target`.
pub fn redirect(base: &str, target: &str) -> Answer {
    let target = if target.len() > RETURN_LIMIT { "/" } else { target };
    let location = format!("{base}{PAGE}?return_to={}", utf8_percent_encode(target, QUERY_VALUE));
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static(PAGE));
    Answer::redirect(302, location)
}

/// The 401 of everything else.
pub fn required(public_url: &str) -> Answer {
    Answer::json(401, &json!({ "error": "sign_in_required", "sign_in": format!("{public_url}{PAGE}") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_query_value() {
        let location = |target: &str| redirect("", target).headers[0].1.to_str().unwrap().to_owned();
        assert_eq!(location("/a/b?x=1&y=2#z"), "/.vestibule/sign-in?return_to=/a/b%3Fx%3D1%26y%3D2%23z");
        assert_eq!(location(&"/a".repeat(2000)), "/.vestibule/sign-in?return_to=/");
    }
}
