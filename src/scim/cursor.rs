//! Cursors of RFC 9865: where a list goes on, signed, so that nothing of it is kept here (S27).

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::error::{ScimError, ScimType};
use crate::kernel::{Secret, Timestamp};

/// How long a cursor is good for.
pub const CURSOR_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The longest cursor, in characters.
const CURSOR_LIMIT: usize = 4 * 1024;
/// Bytes of the signature that a cursor carries.
const TAG: usize = 16;
/// Bytes of the moment that it carries.
const MOMENT: usize = 8;

/// Signs cursors, and reads those that it signed.
pub struct CursorKey(hmac::Key);

impl CursorKey {
    /// From 32 random bytes, used for nothing else.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        CursorKey(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// A cursor that goes on behind `position`. `scope` is what the list is of (organization, kind, filter, order): for
    /// another list the cursor is none.
    pub fn seal(&self, scope: &str, position: &str, now: Timestamp) -> String {
        let moment = now.millis().to_be_bytes();
        let mut sealed = self.tag(scope, moment, position).to_vec();
        sealed.extend_from_slice(&moment);
        sealed.extend_from_slice(position.as_bytes());
        BASE64.encode(sealed)
    }

    /// The position that a cursor holds. Refused with 400: `invalidCursor` if it was not made here for this list,
    /// `expiredCursor` if it is older than [`CURSOR_LIFETIME`].
    pub fn open(&self, scope: &str, cursor: &str, now: Timestamp) -> Result<String, ScimError> {
        let invalid = || ScimError::new(ScimType::InvalidCursor, "The cursor is none of this list: begin again.");
        if cursor.len() > CURSOR_LIMIT {
            return Err(invalid());
        }
        let sealed = BASE64.decode(cursor).map_err(|_| invalid())?;
        let (tag, rest) = sealed.split_at_checked(TAG).ok_or_else(invalid)?;
        let (moment, position) = rest.split_first_chunk::<MOMENT>().ok_or_else(invalid)?;
        let position = std::str::from_utf8(position).map_err(|_| invalid())?;
        verify_slices_are_equal(tag, &self.tag(scope, *moment, position)).map_err(|_| invalid())?;
        if now.since(Timestamp::from_millis(i64::from_be_bytes(*moment))) > CURSOR_LIFETIME {
            return Err(ScimError::new(ScimType::ExpiredCursor, "The cursor is too old: begin again."));
        }
        Ok(position.to_owned())
    }

    fn tag(&self, scope: &str, moment: [u8; MOMENT], position: &str) -> [u8; TAG] {
        let mut signed = hmac::Context::with_key(&self.0);
        signed.update(&moment);
        signed.update(&(scope.len() as u64).to_be_bytes());
        signed.update(scope.as_bytes());
        signed.update(position.as_bytes());
        let mut tag = [0; TAG];
        tag.copy_from_slice(&signed.sign().as_ref()[..TAG]);
        tag
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CursorKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s27_a_cursor_is_good_for_its_list_and_its_time() {
        let key = CursorKey::new(&Secret::new([7; 32]));
        let now = Timestamp::from_seconds(1_000_000);
        let cursor = key.seal("acme Users", "ada", now);
        let open = |scope: &str, cursor: &str, now: Timestamp| {
            key.open(scope, cursor, now).map_err(|error| error.scim_type().unwrap().as_str())
        };
        assert_eq!(open("acme Users", &cursor, now), Ok("ada".to_owned()));
        assert_eq!(open("acme Users", &cursor, now.plus(CURSOR_LIFETIME)), Ok("ada".to_owned()));
        let late = now.plus(CURSOR_LIFETIME + Duration::from_millis(1));
        assert_eq!(open("acme Users", &cursor, late), Err("expiredCursor"));
        assert_eq!(open("acme User", &cursor, now), Err("invalidCursor"), "of another list");
        let other = CursorKey::new(&Secret::new([8; 32]));
        assert_eq!(other.open("acme Users", &cursor, now).unwrap_err().status(), 400);
        for wrong in ["", "x", "****", &cursor[1..], &cursor[..20], &"a".repeat(5000)] {
            assert_eq!(open("acme Users", wrong, now), Err("invalidCursor"), "{wrong}");
        }
    }

    #[test]
    fn s27_any_changed_byte_makes_it_none() {
        let key = CursorKey::new(&Secret::new([7; 32]));
        let now = Timestamp::from_seconds(1_000_000);
        let sealed = BASE64.decode(key.seal("s", "ada", now)).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("s", &BASE64.encode(changed), now).is_err(), "byte {at}");
        }
    }
}
