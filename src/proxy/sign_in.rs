//! Where somebody is sent who has something to show first: to the sign-in page, or that of the second factor, with the
//! way back.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::pages::Answer;

/// What has to be shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Who they are.
    SignIn,
    /// A second factor, not long ago.
    SecondFactor,
}

impl Wanted {
    /// The page's path (CONTRACT.md).
    pub const fn page(self) -> &'static str {
        match self {
            Wanted::SignIn => "/.vestibule/sign-in",
            Wanted::SecondFactor => "/.vestibule/second-factor",
        }
    }

    /// The word for a script, and the name of the page's address beside it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Wanted::SignIn => ("sign_in_required", "sign_in"),
            Wanted::SecondFactor => ("second_factor_required", "second_factor"),
        }
    }
}

/// The longest way back that is kept, in bytes: beyond, people come back to the front page.
const RETURN_LIMIT: usize = 2048;
/// What a query value may hold as it is.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The 302 of a navigation: to the page at `base` (empty: this very host), and from there back to `target`.
pub fn redirect(wanted: Wanted, base: &str, target: &str) -> Answer {
    let target = if target.len() > RETURN_LIMIT { "/" } else { target };
    let page = wanted.page();
    let location = format!("{base}{page}?return_to={}", utf8_percent_encode(target, QUERY_VALUE));
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static(page));
    Answer::redirect(302, location)
}

/// The 401 of everything else.
pub fn required(wanted: Wanted, public_url: &str) -> Answer {
    let (error, name) = wanted.words();
    Answer::json(401, &json!({ "error": error, name: format!("{public_url}{}", wanted.page()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_query_value() {
        let location = |target: &str| redirect(Wanted::SignIn, "", target).headers[0].1.to_str().unwrap().to_owned();
        assert_eq!(location("/a/b?x=1&y=2#z"), "/.vestibule/sign-in?return_to=/a/b%3Fx%3D1%26y%3D2%23z");
        assert_eq!(location(&"/a".repeat(2000)), "/.vestibule/sign-in?return_to=/");
        let second = redirect(Wanted::SecondFactor, "https://app.example", "/admin/?x=1");
        let expected = "https://app.example/.vestibule/second-factor?return_to=/admin/%3Fx%3D1";
        assert_eq!(second.headers[0].1, expected);
    }
}
