//! Signatures of webhooks (Standard Webhooks 1.0.0, «Signature scheme»): HMAC-SHA256 of id, moment and body, for each secret.

use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kernel::{Secret, Timestamp, WebhookId};

/// What a secret begins with, so that it is known for one.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a secret (192 bits), and the most (512 bits).
const SHORTEST: usize = 24;
const LONGEST: usize = 64;

/// A secret that an app shares with us. Never printed.
#[derive(Clone, Debug)]
pub struct SigningSecret(Secret<Vec<u8>>);

/// Not a secret of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and 24 to 64 random bytes in base64: `echo whsec_$(openssl rand -base64 32)` makes one")]
pub struct InvalidSecret;

impl FromStr for SigningSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidSecret)?;
        if bytes.len() < SHORTEST || bytes.len() > LONGEST {
            return Err(InvalidSecret);
        }
        Ok(SigningSecret(Secret::new(bytes)))
    }
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}
impl Eq for SigningSecret {}

impl SigningSecret {
    fn sign(&self, content: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, content)))
    }
}

/// The value of `webhook-signature`: a signature for each secret, the newest first, with a space between.
pub(super) fn signature(secrets: &[SigningSecret], id: WebhookId, at: Timestamp, body: &str) -> String {
    signatures(secrets, &id.to_string(), at.seconds(), body)
}

fn signatures(secrets: &[SigningSecret], id: &str, seconds: i64, body: &str) -> String {
    let content = format!("{id}.{seconds}.{body}");
    let each: Vec<String> = secrets.iter().map(|secret| secret.sign(content.as_bytes())).collect();
    each.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret: SigningSecret = SECRET.parse().unwrap();
        let sign =
            |secrets: &[SigningSecret], body| signatures(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(std::slice::from_ref(&secret), "{\"test\": 2432232314}"), expected);
        assert_ne!(sign(std::slice::from_ref(&secret), "{\"test\": 2432232315}"), expected);
        let other: SigningSecret = format!("whsec_{}", STANDARD.encode([7; 32])).parse().unwrap();
        let both = sign(&[other.clone(), secret], "{\"test\": 2432232314}");
        let (first, second) = both.split_once(' ').expect("two signatures");
        assert_eq!((first, second), (sign(&[other], "{\"test\": 2432232314}").as_str(), expected));
    }

    #[test]
    fn a_secret_has_its_prefix_and_from_24_to_64_bytes() {
        let check = |text: &str, expected: bool| assert_eq!(text.parse::<SigningSecret>().is_ok(), expected, "{text}");
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![1_u8; length]));
        check(SECRET, true);
        check(&of(23), false);
        check(&of(24), true);
        check(&of(64), true);
        check(&of(65), false);
        check(SECRET.trim_start_matches("whsec_"), false);
        check("whsec_", false);
        check("whsec_not base64 at all, that one!", false);
        check("", false);
        assert!(!format!("{:?}", SECRET.parse::<SigningSecret>()).contains("MfKQ"));
    }
}
