//! The signed word on who someone is, for the app behind: made once per session, audience and minute.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde_json::{Value, json};

use super::facts::{Facts, LIST_LIMIT};
use super::keys::SigningKey;
use super::token::SessionToken;
use crate::kernel::{SessionId, Slug, Timestamp};

/// How long an assertion is valid (CONTRACT.md: at most five minutes).
pub const LIFETIME: Duration = Duration::from_secs(300);
/// How long one is handed out before another is signed.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// How many assertions a node keeps at most.
const KEPT: usize = 50_000;

/// An upstream's audience, known to the cache by its number.
#[derive(Clone, Debug)]
pub struct Audience {
    pub(super) number: u16,
    pub(super) name: Arc<str>,
}

struct Signed {
    at: Timestamp,
    facts: Arc<Facts>,
    key: String,
    value: HeaderValue,
}

/// The assertions that this node keeps. Reading takes no lock.
#[derive(Default)]
pub struct Assertions(papaya::HashMap<(SessionId, u16), Arc<Signed>>);

impl Assertions {
    /// The assertion for a session at an audience: the kept one, or a fresh one if that is over a minute old, or the
    /// facts or the key changed.
    pub fn get(
        &self,
        issuer: &str,
        key: &SigningKey,
        token: &SessionToken,
        facts: &Arc<Facts>,
        audience: &Audience,
        now: Timestamp,
    ) -> HeaderValue {
        let place = (token.id, audience.number);
        let kept = self.0.pin();
        if let Some(signed) = kept.get(&place)
            && now >= signed.at
            && now < signed.at.plus(FRESH_FOR)
            && Arc::ptr_eq(&signed.facts, facts)
            && signed.key == key.id
        {
            return signed.value.clone();
        }
        let text = key.sign(&claims(issuer, token, facts, &audience.name, now));
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static(""));
        if kept.len() >= KEPT {
            kept.clear();
        }
        let signed = Signed { at: now, facts: Arc::clone(facts), key: key.id.clone(), value: value.clone() };
        kept.insert(place, Arc::new(signed));
        value
    }

    /// Forgets those that are not handed out any more.
    pub fn forget_old(&self, now: Timestamp) {
        self.0.pin().retain(|_, signed| now < signed.at.plus(FRESH_FOR));
    }
}

/// The claims (CONTRACT.md, «What the app receives»; D21).
fn claims(issuer: &str, token: &SessionToken, facts: &Facts, audience: &str, now: Timestamp) -> Value {
    let mut amr = vec![token.method.amr()];
    if let Some(second) = token.second_factor {
        amr.extend(second.method.amr());
        amr.push("mfa");
    }
    let mut claims = json!({
        "iss": issuer,
        "aud": audience,
        "sub": facts.user.to_string(),
        "sid": token.id.to_string(),
        "iat": now.seconds(),
        "exp": now.plus(LIFETIME).seconds(),
        "auth_time": token.auth_time.seconds(),
        "amr": amr,
        "email": facts.email.as_str(),
        "name": facts.name,
    });
    if let Some(organization) = &facts.organization {
        claims["org"] = json!(organization.slug.as_str());
        claims["role"] = json!(organization.role.as_str());
    }
    let orgs: Vec<&str> = facts.organizations.iter().map(Slug::as_str).collect();
    let mut truncated = false;
    for (name, list) in [("orgs", json!(orgs)), ("teams", json!(facts.teams))] {
        if list.to_string().len() <= LIST_LIMIT {
            claims[name] = list;
        } else {
            truncated = true;
        }
    }
    if truncated {
        claims["truncated"] = json!(true);
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Role;
    use crate::session::facts::sample;
    use crate::session::token::tests::token;
    use crate::session::token::{Method, SecondFactor, SecondMethod};

    #[test]
    fn amr_names_both_factors() {
        let now = Timestamp::from_seconds(1_000);
        let check = |method, second: Option<SecondMethod>, expected: &[&str]| {
            let second_factor = second.map(|method| SecondFactor { at: now, method });
            let token = SessionToken { method, second_factor, ..token(now) };
            let told = claims("https://app.example", &token, &sample(None, &[]), "app", now);
            assert_eq!(told["amr"], json!(expected), "{method:?} {second:?}");
        };
        check(Method::Password, None, &["pwd"]);
        check(Method::Password, Some(SecondMethod::App), &["pwd", "otp", "mfa"]);
        check(Method::MagicLink, Some(SecondMethod::Sms), &["email", "sms", "mfa"]);
        check(Method::Sso, Some(SecondMethod::Passkey), &["fed", "swk", "mfa"]);
        check(Method::Sso, Some(SecondMethod::IdentityProvider), &["fed", "mfa"]);
    }

    #[test]
    fn d21_orgs_lists_all_of_theirs_or_says_that_it_is_cut() {
        let now = Timestamp::from_seconds(1_000);
        let told = |count: usize| {
            let organizations = (0..count).map(|number| format!("organization-{number:04}").parse().unwrap()).collect();
            let facts = Facts { organizations, ..sample(Some(("acme", Role::Member)), &[]) };
            claims("https://app.example", &token(now), &facts, "app", now)
        };
        let two = told(2);
        assert_eq!(two["orgs"], json!(["organization-0000", "organization-0001"]));
        assert_eq!((two["org"].as_str(), two["truncated"].as_bool()), (Some("acme"), None));
        let many = told(300);
        assert_eq!((many.get("orgs"), many["truncated"].as_bool()), (None, Some(true)));
    }
}
