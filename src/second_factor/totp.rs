//! Codes of an authenticator app (RFC 6238): the secret, how an app gets it, and which step a typed code is of.
//!
//! SHA-1, six digits and thirty seconds, because that is all that every app can do.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use totp_rs::Builder;

use crate::kernel::{EmailAddress, Rng, Secret, Timestamp};

/// The secret's length, in bytes: 160 bits (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;
/// The digits of a code.
const DIGITS: u8 = 6;
/// How long a step takes, in seconds (RFC 6238 §5.2).
const STEP: u64 = 30;
/// How many steps the app's clock may be off, each way (RFC 6238 §6).
const DRIFT: u64 = 1;
/// The longest code that is looked at as typed, in bytes.
const TYPED_LIMIT: usize = 32;
/// How many characters of the secret stand together where a person types it.
const GROUP: usize = 4;
/// What needs no encoding in the address (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an authenticator app and this site share.
///
/// Kept like the signing keys, as it is: this site must know it to compute codes, and a key to seal it with would lie
/// in the same store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppSecret(Secret<[u8; SECRET_BYTES]>);

impl AppSecret {
    /// A fresh one.
    pub fn random(rng: &dyn Rng) -> Self {
        AppSecret(Secret::new(rng.bytes()))
    }

    /// For people who type it: Base32 (RFC 4648 §6) in groups of four. Never log it.
    pub fn text(&self) -> String {
        let text = self.base32();
        let groups: Vec<&str> = text.as_bytes().chunks(GROUP).filter_map(|group| str::from_utf8(group).ok()).collect();
        groups.join(" ")
    }

    /// The address that a QR code holds: `otpauth://totp/…` in the form that every app reads. Never log it.
    ///
    /// `site` names the site; a colon in it, which would end the name, becomes a space.
    pub fn url(&self, site: &str, account: &EmailAddress) -> String {
        let site = site.replace(':', " ");
        let issuer = utf8_percent_encode(&site, ENCODED);
        let account = utf8_percent_encode(account.as_str(), ENCODED);
        let secret = self.base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}"
        )
    }

    /// The QR code of [`url`](Self::url) as an `<svg>` element. `None` if the names are too long for one: then the
    /// secret is typed. Never log it.
    pub fn qr(&self, site: &str, account: &EmailAddress) -> Option<String> {
        let code = QrCode::with_error_correction_level(self.url(site, account), EcLevel::M).ok()?;
        let image = code.render::<svg::Color<'_>>().quiet_zone(true).build();
        image.find("<svg").map(|start| image[start..].to_owned())
    }

    fn base32(&self) -> String {
        totp_rs::Secret::from(*self.0.expose()).to_base32()
    }

    /// The code of a step.
    fn code(&self, step: u64, digits: u8) -> String {
        let totp = Builder::new().with_secret(*self.0.expose()).with_digits(digits).build_noncompliant();
        totp.generate(step.saturating_mul(STEP)).to_string()
    }
}

/// The step of a moment: how often [`STEP`] has passed since the epoch.
fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.seconds()).unwrap_or(0) / STEP
}

/// The step that a typed code is of, with one step of drift each way, and never one at or before `last_used`: a code
/// works once (RFC 6238 §5.2). Spaces and dashes in it don't matter. Takes as long for a wrong one as for a right one.
pub fn matching_step(secret: &AppSecret, code: &str, now: Timestamp, last_used: Option<u64>) -> Option<u64> {
    let typed = digits(code)?;
    let present = step_at(now);
    let mut found = None;
    for step in present.saturating_sub(DRIFT)..=present.saturating_add(DRIFT) {
        let right = verify_slices_are_equal(secret.code(step, DIGITS).as_bytes(), typed.as_bytes()).is_ok();
        let fresh = last_used.is_none_or(|used| step > used);
        if right && fresh && found.is_none() {
            found = Some(step);
        }
    }
    found
}

/// A typed code without what people put between its digits; `None`: it can't be one.
pub(super) fn digits(code: &str) -> Option<String> {
    if code.len() > TYPED_LIMIT {
        return None;
    }
    let typed: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let right = typed.len() == usize::from(DIGITS) && typed.bytes().all(|byte| byte.is_ascii_digit());
    right.then_some(typed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    /// The secret of RFC 6238, appendix B.
    fn of_the_rfc() -> AppSecret {
        AppSecret(Secret::new(*b"12345678901234567890"))
    }

    /// What an app shows at `now`.
    pub fn shown(secret: &AppSecret, now: Timestamp) -> String {
        secret.code(step_at(now), DIGITS)
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B has eight digits; six are the last six of them (RFC 4226 §5.3).
        let check = |seconds: i64, expected: &str| {
            let (secret, now) = (of_the_rfc(), Timestamp::from_seconds(seconds));
            assert_eq!(secret.code(step_at(now), 8), expected, "{seconds}");
            assert_eq!(shown(&secret, now), expected[2..], "{seconds}");
            assert_eq!(matching_step(&secret, &expected[2..], now, None), Some(step_at(now)), "{seconds}");
        };
        check(59, "94287082");
        check(1_111_111_109, "07081804");
        check(1_111_111_111, "14050471");
        check(1_234_567_890, "89005924");
        check(2_000_000_000, "69279037");
        check(20_000_000_000, "65353130");
    }

    #[test]
    fn a_clock_may_be_one_step_off_each_way() {
        // The code of 1,111,111,111 s, whose step is from 1,111,111,110 s on for thirty seconds.
        let check = |now: i64, expected: bool| {
            let found = matching_step(&of_the_rfc(), "050471", Timestamp::from_seconds(now), None);
            assert_eq!(found.is_some(), expected, "{now}");
        };
        check(1_111_111_079, false);
        check(1_111_111_080, true);
        check(1_111_111_110, true);
        check(1_111_111_139, true);
        check(1_111_111_169, true);
        check(1_111_111_170, false);
    }

    #[test]
    fn a_code_works_once_and_none_before_it_does_later() {
        let now = Timestamp::from_seconds(1_111_111_111);
        let step = step_at(now);
        let check = |of: u64, last_used: Option<u64>, expected: Option<u64>| {
            let code = of_the_rfc().code(of, DIGITS);
            assert_eq!(matching_step(&of_the_rfc(), &code, now, last_used), expected, "{of} after {last_used:?}");
        };
        check(step, None, Some(step));
        check(step, Some(step - 1), Some(step));
        check(step, Some(step), None);
        check(step - 1, Some(step - 2), Some(step - 1));
        check(step - 1, Some(step), None);
        check(step + 1, Some(step), Some(step + 1));
        check(step, Some(step + 1), None);
    }

    #[test]
    fn a_code_is_read_as_people_type_it_and_nothing_else_is_one() {
        let now = Timestamp::from_seconds(1_111_111_111);
        let check = |typed: &str, expected: bool| {
            assert_eq!(matching_step(&of_the_rfc(), typed, now, None).is_some(), expected, "{typed:?}");
        };
        check("050471", true);
        check(" 050 471\n", true);
        check("050-471", true);
        for wrong in ["", "50471", "14050471", "050472", "05047a", "+50471", "٠٥٠٤٧١", &"0".repeat(5000)] {
            check(wrong, false);
        }
    }

    #[test]
    fn before_the_epoch_nothing_overflows() {
        assert_eq!(matching_step(&of_the_rfc(), "755224", Timestamp::from_seconds(-5), None), Some(0));
        assert_eq!(matching_step(&of_the_rfc(), "755224", Timestamp::MAX, None), None);
    }

    #[test]
    fn an_app_is_told_site_and_account() {
        let account: EmailAddress = "ada+x@acme.example".parse().unwrap();
        let url = of_the_rfc().url("localhost:8080", &account);
        let expected = "otpauth://totp/localhost%208080:ada%2Bx%40acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                        &issuer=localhost%208080&algorithm=SHA1&digits=6&period=30";
        assert_eq!(url, expected);
        let read = totp_rs::Totp::from_url(&url).unwrap();
        assert_eq!((read.issuer(), read.account_name()), (Some("localhost 8080"), "ada+x@acme.example"));
        assert_eq!(of_the_rfc().text(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn the_longest_names_still_make_a_qr_code() {
        let account: EmailAddress = format!("{}@{}.example", "+".repeat(64), "a".repeat(60)).parse().unwrap();
        let image = of_the_rfc().qr(&"x.".repeat(126), &account).expect("a code");
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>"), "{image}");
    }

    #[test]
    fn secrets_are_long_and_never_the_same_and_don_t_print() {
        let rng = SeededRng::new(1);
        let (one, two) = (AppSecret::random(&rng), AppSecret::random(&rng));
        assert_ne!(one.text(), two.text());
        assert_eq!(one.text().len(), 32 + 7, "160 bits in Base32");
        assert_eq!(format!("{one:?}"), "AppSecret([secret])");
    }
}
