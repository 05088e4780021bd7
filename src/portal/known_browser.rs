//! The mark of a browser that was in an account by its password: its attempts are counted apart, so that whoever guesses
//! at the account does not keep its owner out. It opens nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;

use super::state::Portal;
use crate::kernel::{TokenHash, UserId};

/// What the mark is sealed for.
const PURPOSE: &[u8] = b"known browser";
/// How long a browser keeps it, in seconds: 180 days.
const MAX_AGE: u64 = 180 * 24 * 3600;
/// Random bytes in it.
const RANDOM: usize = 16;

impl Portal {
    /// The `Set-Cookie` that marks this browser as one that was in the account of `user`.
    pub(super) fn mark_browser(&self, user: UserId) -> String {
        let mut plain = user.as_bytes().to_vec();
        plain.extend(self.rng.bytes::<RANDOM>());
        let value = URL_SAFE_NO_PAD.encode(self.sessions.seal(PURPOSE, &plain));
        let secure = if self.login_cookies.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}", self.mark_name())
    }

    /// The mark that this browser has for `user`, if it has one.
    pub(super) fn known_browser(&self, headers: &HeaderMap, user: UserId) -> Option<TokenHash> {
        let pairs = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = pairs.flat_map(|line| line.split(';').filter_map(|pair| pair.trim().split_once('=')));
        pairs.find_map(|(name, value)| {
            let sealed = URL_SAFE_NO_PAD.decode(value).ok().filter(|_| name == self.mark_name())?;
            let plain = self.sessions.open_sealed(PURPOSE, &sealed)?;
            let random = plain.strip_prefix(user.as_bytes())?;
            Some(TokenHash::of(random))
        })
    }

    const fn mark_name(&self) -> &'static str {
        if self.login_cookies.secure { "__Host-vestibule-known" } else { "vestibule-known" }
    }
}
