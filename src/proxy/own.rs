//! The gate's own addresses: who is signed in, and the keys that assertions are checked with.

use http::header::{self, HeaderValue};
use serde_json::json;

use super::pages::Answer;
use super::sign_in::{self, Wanted};
use crate::kernel::{Reference, Slug};
use crate::session::{Authentication, Sessions};

/// How long an app may keep the key set: a key that it does not know is reason enough to fetch it anew.
const KEY_SET_CACHING: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.vestibule/jwks.json`.
pub fn key_set(sessions: &Sessions) -> Answer {
    Answer {
        status: 200,
        headers: vec![(header::CACHE_CONTROL, KEY_SET_CACHING)],
        content_type: "application/jwk-set+json",
        body: sessions.jwks().into(),
    }
}

/// `GET /.vestibule/session`: who is signed in, for pages of the app.
pub fn session(authentication: &Authentication, public_url: &str, reference: &Reference) -> Answer {
    let who = match authentication {
        Authentication::SignedIn(who) => who,
        Authentication::Nobody { .. } => return sign_in::required(Wanted::SignIn, public_url),
        Authentication::Unavailable(_) => return Answer::error(503, None, reference),
    };
    let facts = &who.facts;
    let organization = facts.organization.as_ref();
    let answer = Answer::json(
        200,
        &json!({
            "user": facts.user.to_string(),
            "email": facts.email.as_str(),
            "name": facts.name,
            "org": organization.map(|organization| organization.slug.as_str()),
            "role": organization.map(|organization| organization.role.as_str()),
            "orgs": facts.organizations.iter().map(Slug::as_str).collect::<Vec<_>>(),
            "teams": facts.teams,
            "auth_time": who.session.auth_time.seconds(),
            "expires": who.session.absolute_end.seconds(),
        }),
    );
    match &who.renewed {
        Some(cookie) => answer.with(header::SET_COOKIE, cookie.clone()),
        None => answer,
    }
}
