//! The session cookie: a sealed token in base64url. A broken one is no session, never an error.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};

use super::token::{SessionToken, TOKEN_LENGTH};
use crate::kernel::secret::SEAL_OVERHEAD;
use crate::kernel::{Rng, Sealer};

/// The cookie's name where `public_url` is https (RFC 6265bis §4.1.3.2).
pub const SECURE_NAME: &str = "__Host-vestibule";
/// The cookie's name on plain http, which only loopback may use (D22).
pub const LOOPBACK_NAME: &str = "vestibule";
/// What the seal is for: nothing else that is sealed opens as a session.
const CONTEXT: &[u8] = b"vestibule session 1";
/// The sealed token's length in bytes.
const SEALED_LENGTH: usize = TOKEN_LENGTH + SEAL_OVERHEAD;
/// The cookie value's length in characters.
const TEXT_LENGTH: usize = SEALED_LENGTH.div_ceil(3) * 4 - (3 - SEALED_LENGTH % 3) % 3;

/// How the session cookie is named and marked: follows from `public_url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieForm {
    secure: bool,
}

/// What a request's headers say of the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// There is none.
    None,
    /// There is one that can't be used: broken, changed, of an unknown key, or several.
    Unusable,
    /// A token that was sealed here, and whether under the newest key. Its limits are not yet looked at.
    Token(SessionToken, bool),
}

impl CookieForm {
    /// The form for https, or for plain http on loopback.
    pub const fn new(secure: bool) -> Self {
        CookieForm { secure }
    }

    /// The cookie's name.
    pub const fn name(self) -> &'static str {
        if self.secure { SECURE_NAME } else { LOOPBACK_NAME }
    }

    /// The `Set-Cookie` value that carries `token`. It lasts as long as the browser's session; the limits are inside.
    pub fn set(self, token: &SessionToken, sealer: &Sealer, rng: &dyn Rng) -> HeaderValue {
        let sealed = sealer.seal(CONTEXT, &token.encode(), rng);
        let text = format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.name(), URL_SAFE_NO_PAD.encode(sealed));
        self.header(text)
    }

    /// The `Set-Cookie` value that removes the cookie.
    pub fn clear(self) -> HeaderValue {
        self.header(format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", self.name()))
    }

    fn header(self, mut text: String) -> HeaderValue {
        if self.secure {
            text.push_str("; Secure");
        }
        // Base64url and the words above are all visible ASCII, so this always is a header value.
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static(""))
    }

    /// Reads the session cookie among all `Cookie` headers, without allocating. Several are no session: one of them
    /// was not set here, and nobody can tell which.
    pub fn read(self, headers: &HeaderMap, sealer: &Sealer) -> Presented {
        let mut values = headers.get_all(header::COOKIE).iter().flat_map(|value| self.values(value.as_bytes()));
        match (values.next(), values.next()) {
            (None, _) => Presented::None,
            (Some(value), None) => open(value, sealer),
            (Some(_), Some(_)) => Presented::Unusable,
        }
    }

    fn values(self, header: &[u8]) -> impl Iterator<Item = &[u8]> {
        let name = self.name().as_bytes();
        pairs(header).filter_map(move |pair| {
            let (found, value) = split_pair(pair);
            (found == name).then_some(value)
        })
    }

    /// A `Cookie` header without the cookies that are Vestibule's own: the app never sees the session cookie, nor
    /// those of a sign-in under way (`vestibule-…`), and sees every other one as it came.
    pub fn without(header: &[u8]) -> Stripped {
        let is_ours = |pair: &[u8]| is_reserved(split_pair(pair).0);
        let pairs = || pairs(header).map(<[u8]>::trim_ascii);
        if !pairs().any(is_ours) {
            return Stripped::Unchanged;
        }
        let mut rest = Vec::with_capacity(header.len());
        for pair in pairs().filter(|pair| !pair.is_empty() && !is_ours(pair)) {
            if !rest.is_empty() {
                rest.extend_from_slice(b"; ");
            }
            rest.extend_from_slice(pair);
        }
        if rest.is_empty() { Stripped::Nothing } else { Stripped::Rest(rest) }
    }
}

/// A `Cookie` header after the session cookie was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stripped {
    /// It was not in there.
    Unchanged,
    /// Nothing else was in there.
    Nothing,
    /// The other cookies.
    Rest(Vec<u8>),
}

/// Whether a `Set-Cookie` value of the app names a cookie of ours: an app must not make sessions, nor end them.
pub fn sets_reserved(set_cookie: &[u8]) -> bool {
    let pair = set_cookie.split(|byte| *byte == b';').next().unwrap_or_default();
    is_reserved(split_pair(pair).0)
}

/// Whether a cookie's name is one of ours: `vestibule`, `vestibule-…`, and the same behind `__Host-`.
fn is_reserved(name: &[u8]) -> bool {
    let (loopback, prefix) = (LOOPBACK_NAME.as_bytes(), SECURE_NAME.as_bytes());
    let begins = |with: &[u8]| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    let ends_there = |length: usize| matches!(name.get(length), None | Some(b'-'));
    (begins(loopback) && ends_there(loopback.len())) || (begins(prefix) && ends_there(prefix.len()))
}

/// The pairs of a `Cookie` header.
fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = memchr::memchr(b';', whole);
        rest = end.map(|end| &whole[end + 1..]);
        Some(&whole[..end.unwrap_or(whole.len())])
    })
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    let pair = pair.trim_ascii();
    let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    (pair[..end].trim_ascii(), pair.get(end + 1..).unwrap_or_default().trim_ascii())
}

fn open(value: &[u8], sealer: &Sealer) -> Presented {
    let mut sealed = [0; SEALED_LENGTH];
    if value.len() != TEXT_LENGTH || URL_SAFE_NO_PAD.decode_slice(value, &mut sealed) != Ok(SEALED_LENGTH) {
        return Presented::Unusable;
    }
    let current = sealer.is_current(&sealed);
    let token = sealer.open(CONTEXT, &mut sealed).and_then(SessionToken::decode);
    token.map_or(Presented::Unusable, |token| Presented::Token(token, current))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Secret, SeededRng, Timestamp};
    use crate::session::token::tests::token;

    fn sealer(numbers: &[u8]) -> Sealer {
        Sealer::new(numbers.iter().map(|number| (*number, Secret::new([*number; 32])))).unwrap()
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::COOKIE, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn sealed(form: CookieForm) -> String {
        let header = form.set(&token(Timestamp::EPOCH), &sealer(&[1]), &SeededRng::new(1));
        let (pair, _) = header.to_str().unwrap().split_once(';').unwrap();
        pair.to_owned()
    }

    #[test]
    fn the_cookie_is_marked_as_its_scheme_demands() {
        let secure = CookieForm::new(true).set(&token(Timestamp::EPOCH), &sealer(&[1]), &SeededRng::new(1));
        let text = secure.to_str().unwrap();
        assert!(text.starts_with("__Host-vestibule=") && text.len() < 300, "{text}");
        assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{text}");
        let plain = CookieForm::new(false).clear();
        assert_eq!(plain.to_str().unwrap(), "vestibule=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn one_good_cookie_is_a_token_wherever_it_stands() {
        let form = CookieForm::new(true);
        let ours = sealed(form);
        let expected = Presented::Token(token(Timestamp::EPOCH), true);
        for values in [vec![ours.clone()], vec![format!("a=b;{ours} ; c=d")], vec!["a=b".to_owned(), ours.clone()]] {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            assert_eq!(form.read(&headers(&values), &sealer(&[1])), expected, "{values:?}");
        }
        assert_eq!(form.read(&headers(&[&ours]), &sealer(&[2, 1])), Presented::Token(token(Timestamp::EPOCH), false));
    }

    #[test]
    fn anything_else_is_no_session() {
        let form = CookieForm::new(true);
        let ours = sealed(form);
        let check = |values: &[&str], expected| assert_eq!(form.read(&headers(values), &sealer(&[1])), expected);
        check(&[], Presented::None);
        check(&["vestibule=x; __host-vestibule=y; x__Host-vestibule=z"], Presented::None);
        check(&["__Host-vestibule"], Presented::Unusable);
        check(&["__Host-vestibule="], Presented::Unusable);
        check(&["__Host-vestibule=AAAA"], Presented::Unusable);
        check(&[&format!("{ours}A")], Presented::Unusable);
        check(&[&ours[..ours.len() - 1]], Presented::Unusable);
        check(&[&ours.replace("vestibule=", "vestibule=\"")], Presented::Unusable);
        check(&[&format!("{ours}; {ours}")], Presented::Unusable);
        check(&[&ours, "__Host-vestibule=other"], Presented::Unusable);
        assert_eq!(form.read(&headers(&[&ours]), &sealer(&[2])), Presented::Unusable, "a key that is gone");
    }

    #[test]
    fn the_app_sets_its_own_cookies_alone() {
        for ours in
            ["vestibule=x", " __Host-vestibule=x; Path=/", "vestibule-login-1=x; Secure", "VESTIBULE=", "vestibule"]
        {
            assert!(sets_reserved(ours.as_bytes()), "{ours}");
        }
        for theirs in ["sid=vestibule", "vestibules=x", "a=b; vestibule=x", ""] {
            assert!(!sets_reserved(theirs.as_bytes()), "{theirs}");
        }
    }

    #[test]
    fn the_app_sees_the_other_cookies_alone() {
        let check = |header: &str, expected| assert_eq!(CookieForm::without(header.as_bytes()), expected, "{header}");
        let rest = |text: &str| Stripped::Rest(text.as_bytes().to_vec());
        check("a=b; c=d", Stripped::Unchanged);
        check("vestibule_theme=dark", Stripped::Unchanged);
        check("__Host-vestibule=x", Stripped::Nothing);
        check("__Host-vestibule=x;; vestibule=y;", Stripped::Nothing);
        check("a=b; __Host-vestibule=x; c=\"d e\"", rest("a=b; c=\"d e\""));
        check("__HOST-VESTIBULE = x;a=b", rest("a=b"));
        check("vestibule; a", rest("a"));
        check("__Host-vestibule-login-1=x; vestibule-login=y; vestibules=z", rest("vestibules=z"));
    }
}
