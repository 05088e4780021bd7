//! The login cookies: one for each pending sign-in, so that an answer counts only in the browser that asked (R33, D23).

use http::HeaderMap;
use http::header::COOKIE;

use crate::kernel::{Rng, Timestamp, TokenHash};

/// How many sign-ins can be pending in one browser; beyond that the oldest is forgotten.
pub const PENDING_PER_BROWSER: usize = 5;
/// What every login cookie's name starts with, behind `__Host-` on https: `vestibule-…` never reaches the app.
const NAME_PREFIX: &str = "vestibule-login-";
/// How many hexadecimal digits of the request's id are in the name.
const NAME_DIGITS: usize = 16;
/// How long a cookie lasts, in seconds: as long as its pending sign-in, and its last step.
const MAX_AGE: u64 = 12 * 60;

/// Writes and reads login cookies as the site's scheme wants them (D22).
#[derive(Clone, Copy, Debug)]
pub struct LoginCookies {
    /// Whether browsers come by https: `Secure`, and the `__Host-` prefix.
    pub secure: bool,
}

impl LoginCookies {
    /// A fresh cookie's value for a request made at `now`: its time, for their order, and 128 random bits.
    pub fn fresh(now: Timestamp, rng: &dyn Rng) -> String {
        format!("{}.{}", now.seconds(), rng.token::<16>())
    }

    /// The `Set-Cookie` that hands out `value` for the request, and those that take back what is over
    /// [`PENDING_PER_BROWSER`].
    pub fn set(self, headers: &HeaderMap, request_id: &str, value: &str) -> Vec<String> {
        let name = self.name(request_id);
        let mut held: Vec<(u64, String)> = self.held(headers).filter(|(held, _)| *held != name).map(order).collect();
        held.sort_unstable();
        let over = (held.len() + 1).saturating_sub(PENDING_PER_BROWSER);
        let mut lines: Vec<String> = held.into_iter().take(over).map(|(_, name)| self.line(&name, "", 0)).collect();
        lines.push(self.line(&name, value, MAX_AGE));
        lines
    }

    /// The `Set-Cookie` that takes the request's cookie back.
    pub fn clear(self, request_id: &str) -> String {
        self.line(&self.name(request_id), "", 0)
    }

    /// Whether the browser holds the cookie that was handed out for the request; compares in constant time.
    pub fn proves(self, headers: &HeaderMap, request_id: &str, expected: TokenHash) -> bool {
        let name = self.name(request_id);
        // A cookie of that name may have been planted beside ours: any that fits will do, since none can be guessed.
        let mut values = self.held(headers).filter(|(held, _)| *held == name);
        values.any(|(_, value)| TokenHash::of(value.as_bytes()) == expected)
    }

    fn name(self, request_id: &str) -> String {
        let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).take(NAME_DIGITS).collect();
        format!("{}{digits}", self.prefix())
    }

    const fn prefix(self) -> &'static str {
        if self.secure { "__Host-vestibule-login-" } else { NAME_PREFIX }
    }

    fn line(self, name: &str, value: &str, max_age: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The login cookies that came: names and values.
    fn held(self, headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
        let pairs = headers
            .get_all(COOKIE)
            .into_iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';').filter_map(|pair| pair.trim().split_once('=')));
        let ours = |name: &str| {
            let digits = name.strip_prefix(self.prefix())?;
            (digits.len() == NAME_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())).then_some(())
        };
        let found: Vec<(String, String)> = pairs
            .filter(|(name, _)| ours(name).is_some())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        found.into_iter()
    }
}

/// A cookie's age, from the time in its value; what has none counts as oldest.
fn order((name, value): (String, String)) -> (u64, String) {
    (value.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    const COOKIES: LoginCookies = LoginCookies { secure: false };

    fn request_id(number: u8) -> String {
        format!("_{number:040x}").replace('0', "a")
    }

    fn id(number: u8) -> String {
        format!("_{:016x}{:024x}", number, 0)
    }

    fn cookie_header(pairs: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, pairs.join("; ").parse().expect("a header"));
        headers
    }

    fn pair(line: &str) -> String {
        line.split(';').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn r33_a_browser_proves_its_own_request_alone() {
        let value = LoginCookies::fresh(Timestamp::from_seconds(5), &SeededRng::new(1));
        let expected = TokenHash::of(value.as_bytes());
        let line = COOKIES.set(&HeaderMap::new(), &id(1), &value).pop().expect("a line");
        assert!(line.ends_with("; Path=/; Max-Age=720; HttpOnly; SameSite=Lax"), "{line}");
        let headers = cookie_header(&["x=1".to_owned(), pair(&line)]);
        assert!(COOKIES.proves(&headers, &id(1), expected));
        assert!(!COOKIES.proves(&headers, &id(2), expected), "another request");
        assert!(!COOKIES.proves(&headers, &id(1), TokenHash::of(b"other")), "another secret");
        assert!(!COOKIES.proves(&HeaderMap::new(), &id(1), expected), "no cookie");
        let planted = cookie_header(&[pair(&COOKIES.line(&COOKIES.name(&id(1)), "1.planted", 1)), pair(&line)]);
        assert!(COOKIES.proves(&planted, &id(1), expected));
    }

    #[test]
    fn d22_on_https_the_cookie_is_bound_to_the_host() {
        let line = LoginCookies { secure: true }.set(&HeaderMap::new(), &request_id(1), "1.x").pop().expect("a line");
        assert!(line.starts_with("__Host-vestibule-login-") && line.ends_with("; Secure"), "{line}");
    }

    #[test]
    fn the_oldest_of_more_than_five_is_taken_back() {
        let pairs: Vec<String> =
            (1..=6).rev().map(|n| pair(&COOKIES.line(&COOKIES.name(&id(n)), &format!("{n}.x"), 1))).collect();
        let lines = COOKIES.set(&cookie_header(&pairs), &id(9), "9.x");
        let cleared: Vec<&String> = lines.iter().filter(|line| line.contains("Max-Age=0")).collect();
        assert_eq!(cleared.len(), 2, "{lines:?}");
        for (line, number) in cleared.into_iter().zip([1, 2]) {
            assert!(line.starts_with(&COOKIES.name(&id(number))), "{line}");
        }
    }
}
