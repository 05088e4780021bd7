//! The cookie of a browser that somebody trusts: in it no second factor is asked of them for a while, where their
//! organization leaves it to them.

use std::time::Duration;

use http::HeaderMap;

use super::state::Portal;
use crate::web::cookie::cookie_of;

impl Portal {
    /// The token of this browser's trust, if it has one.
    pub(super) fn trust_of(&self, headers: &HeaderMap) -> Option<String> {
        cookie_of(headers, self.trust_name())
    }

    /// The `Set-Cookie` of a browser that is trusted for `long`.
    pub(super) fn trust_cookie(&self, token: &str, long: Duration) -> String {
        self.own_cookie(self.trust_name(), token, long.as_secs())
    }

    const fn trust_name(&self) -> &'static str {
        if self.login_cookies.secure { "__Host-vestibule-trusted" } else { "vestibule-trusted" }
    }
}
