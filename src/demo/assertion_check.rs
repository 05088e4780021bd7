//! How an app checks `X-Vestibule-Assertion`: fetch the public keys, verify, compare the claims. Not one line more.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use serde_json::Value;

use crate::kernel::{Clock, Timestamp};

/// The largest key set that is read, in bytes.
const JWKS_LIMIT: usize = 64 * 1024;
/// How long fetching the keys may take.
const FETCH_LIMIT: Duration = Duration::from_secs(2);
/// How often the keys are fetched at most.
const FETCH_PAUSE: Duration = Duration::from_secs(2);
/// How far the app's clock may be behind, in seconds.
const SKEW_SECONDS: i64 = 30;

/// Checks assertions for one app.
pub(super) struct AssertionCheck {
    issuer: String,
    audience: String,
    client: Client<HttpConnector, Empty<Bytes>>,
    keys: Mutex<Option<(Timestamp, Arc<Value>)>>,
    clock: Arc<dyn Clock>,
}

impl AssertionCheck {
    /// A check of what `public_url` issues for `audience`.
    pub(super) fn new(public_url: &str, audience: &str, clock: Arc<dyn Clock>) -> Self {
        AssertionCheck {
            issuer: public_url.trim_end_matches('/').to_owned(),
            audience: audience.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            keys: Mutex::new(None),
            clock,
        }
    }

    /// The claims, if the assertion is good; else what is wrong with it.
    pub(super) async fn check(&self, assertion: &str) -> Result<Value, String> {
        let held = self.keys.lock().clone();
        let first = held.map(|(at, keys)| (at, self.verify(assertion, &keys)));
        match first {
            Some((_, Ok(claims))) => return Ok(claims),
            Some((at, Err(error))) if self.clock.now() < at.plus(FETCH_PAUSE) => return Err(error),
            _ => {}
        }
        // No keys yet, or perhaps a new one signs.
        let keys = self.fetch().await?;
        self.verify(assertion, &keys)
    }

    async fn fetch(&self) -> Result<Arc<Value>, String> {
        let url = format!("{}/.vestibule/jwks.json", self.issuer);
        let failed = |why: &str| format!("the keys at {url} could not be fetched: {why}");
        let address = url.parse().map_err(|_| failed("no http address"))?;
        let body = async {
            let response = self.client.get(address).await.map_err(|_| failed("no answer"))?;
            if !response.status().is_success() {
                return Err(failed(response.status().as_str()));
            }
            let limited = Limited::new(response.into_body(), JWKS_LIMIT).collect().await;
            limited.map(http_body_util::Collected::to_bytes).map_err(|_| failed("the answer broke off"))
        };
        let body = tokio::time::timeout(FETCH_LIMIT, body).await.map_err(|_| failed("it took too long"))??;
        let keys: Arc<Value> = Arc::new(serde_json::from_slice(&body).map_err(|_| failed("the answer is no JSON"))?);
        *self.keys.lock() = Some((self.clock.now(), Arc::clone(&keys)));
        Ok(keys)
    }

    fn verify(&self, assertion: &str, keys: &Value) -> Result<Value, String> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or("it is no JWT")?;
        let (header, claims) = signed.split_once('.').ok_or("it is no JWT")?;
        let header = json(header).ok_or("its header can't be read")?;
        if header["alg"] != "EdDSA" {
            return Err("it is not signed with EdDSA".to_owned());
        }
        let found = keys["keys"].as_array().and_then(|keys| keys.iter().find(|key| key["kid"] == header["kid"]));
        let key = found.ok_or("its key is not among the published ones")?;
        let public = key["x"].as_str().and_then(|x| BASE64URL.decode(x).ok()).ok_or("its key can't be read")?;
        let signature = BASE64URL.decode(signature).map_err(|_| "its signature can't be read")?;
        let verified = UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature);
        verified.map_err(|_| "its signature is wrong")?;
        let claims = json(claims).ok_or("its claims can't be read")?;
        let now = self.clock.now().seconds();
        if claims["iss"] != self.issuer.as_str() {
            return Err("it is from another issuer".to_owned());
        }
        if claims["aud"] != self.audience.as_str() {
            return Err(format!("it is for another app, not for {}", self.audience));
        }
        if claims["exp"].as_i64().is_none_or(|end| end <= now) {
            return Err("it has expired".to_owned());
        }
        if claims["iat"].as_i64().is_none_or(|made| made > now + SKEW_SECONDS) {
            return Err("it was made in the future".to_owned());
        }
        Ok(claims)
    }
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;
    use crate::kernel::ManualClock;

    const NOW: i64 = 1_800_000_000;

    fn checker() -> AssertionCheck {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
        AssertionCheck::new("http://app.example/", "app", clock)
    }

    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key")
    }

    fn keys() -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": BASE64URL.encode(key().public_key())}]})
    }

    fn token(header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
        format!("{signed}.{}", BASE64URL.encode(key().sign(signed.as_bytes())))
    }

    fn good_claims() -> Value {
        json!({"iss": "http://app.example", "aud": "app", "iat": NOW, "exp": NOW + 300, "email": "ada@acme.example"})
    }

    #[test]
    fn a_good_assertion_gives_its_claims() {
        let token = token(&json!({"alg": "EdDSA", "kid": "1"}), &good_claims());
        assert_eq!(checker().verify(&token, &keys()), Ok(good_claims()));
    }

    #[test]
    fn any_other_is_refused_with_its_reason() {
        let check = |header: Value, change: (&str, Value), expected: &str| {
            let mut claims = good_claims();
            claims[change.0] = change.1;
            let refused = checker().verify(&token(&header, &claims), &keys());
            assert!(refused.as_ref().is_err_and(|error| error.contains(expected)), "{refused:?}");
        };
        let header = || json!({"alg": "EdDSA", "kid": "1"});
        check(json!({"alg": "none", "kid": "1"}), ("x", json!(1)), "not signed with EdDSA");
        check(json!({"alg": "EdDSA", "kid": "2"}), ("x", json!(1)), "not among the published");
        check(header(), ("iss", json!("http://evil.example")), "another issuer");
        check(header(), ("aud", json!("other")), "another app");
        check(header(), ("exp", json!(NOW)), "expired");
        check(header(), ("exp", json!("never")), "expired");
        check(header(), ("iat", json!(NOW + 31)), "in the future");
        let mut changed = token(&header(), &good_claims());
        let middle = changed.find('.').expect("a dot") + 10;
        changed.replace_range(middle..=middle, if &changed[middle..=middle] == "A" { "B" } else { "A" });
        assert_eq!(checker().verify(&changed, &keys()), Err("its signature is wrong".to_owned()));
        assert_eq!(checker().verify("abc", &keys()), Err("it is no JWT".to_owned()));
    }
}
