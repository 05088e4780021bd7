//! Secrets: values that never print, tokens kept as hashes, and sealing under rotating keys.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::rng::Rng;

/// A value that never shows itself in a log: `Debug` prints `[secret]`, and there is no `Display`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Secret(value)
    }
    /// The value itself. Never log it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

/// The SHA-256 of a random token: what is stored in its place. Comparing takes constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `token`.
    pub fn of(token: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token).as_ref());
        TokenHash(hash)
    }
    /// Its bytes, for use as a key of a table.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// The same as 64 hexadecimal digits, where a key of a table is text.
    pub fn to_hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}
impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

/// AES-256-GCM under keys that rotate: seals with the newest, opens with any that is still held.
///
/// Sealed form: key number (1 byte), nonce (12 bytes), ciphertext, tag (16 bytes).
pub struct Sealer {
    /// Newest first; never empty.
    keys: Vec<(u8, LessSafeKey)>,
}

/// Bytes that sealing adds.
pub const SEAL_OVERHEAD: usize = 1 + NONCE_LEN + 16;

impl Sealer {
    /// A sealer over `keys`, newest first, each with the number that its seals carry.
    /// `None` if there are none, or if two have the same number.
    pub fn new(keys: impl IntoIterator<Item = (u8, Secret<[u8; 32]>)>) -> Option<Self> {
        let mut made: Vec<(u8, LessSafeKey)> = Vec::new();
        for (number, key) in keys {
            if made.iter().any(|(held, _)| *held == number) {
                return None;
            }
            made.push((number, LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).ok()?)));
        }
        (!made.is_empty()).then_some(Sealer { keys: made })
    }

    /// Seals `plain` for the purpose named by `context`: what was sealed for one purpose opens for no other.
    pub fn seal(&self, context: &'static [u8], plain: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let (number, key) = &self.keys[0];
        let nonce: [u8; NONCE_LEN] = rng.bytes();
        let mut sealed = Vec::with_capacity(plain.len() + SEAL_OVERHEAD);
        sealed.push(*number);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let body = 1 + NONCE_LEN;
        let nonce = Nonce::assume_unique_for_key(nonce);
        #[expect(clippy::expect_used, reason = "AES-GCM fails only beyond 64 GiB of plain text")]
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed[body..])
            .expect("a short text can be sealed");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`seal`](Self::seal) made, in place, without allocating.
    /// `None` if it was changed, sealed for another purpose, or sealed under a key no longer held.
    pub fn open<'b>(&self, context: &'static [u8], sealed: &'b mut [u8]) -> Option<&'b [u8]> {
        let (number, rest) = sealed.split_first_mut()?;
        let (_, key) = self.keys.iter().find(|(held, _)| held == number)?;
        let (nonce, body) = rest.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        key.open_in_place(nonce, Aad::from(context), body).ok().map(|plain| &*plain)
    }

    /// Whether `sealed` names the newest key: if not, it is worth sealing again.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.first() == Some(&self.keys[0].0)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealer({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    fn sealer(numbers: &[u8]) -> Sealer {
        Sealer::new(numbers.iter().map(|number| (*number, Secret::new([*number; 32])))).expect("a sealer")
    }

    #[test]
    fn what_was_sealed_opens_for_its_purpose_and_key_alone() {
        let rng = SeededRng::new(1);
        let sealed = sealer(&[1]).seal(b"session", b"who", &rng);
        assert_eq!(sealed.len(), 3 + SEAL_OVERHEAD);
        let open = |numbers: &[u8], context| sealer(numbers).open(context, &mut sealed.clone()).map(<[u8]>::to_vec);
        assert_eq!(open(&[1], b"session"), Some(b"who".to_vec()));
        assert_eq!(open(&[2, 1], b"session"), Some(b"who".to_vec()), "after rotation");
        assert_eq!(open(&[2], b"session"), None, "the key is gone");
        assert_eq!(open(&[1], b"login"), None, "another purpose");
        assert!(!sealer(&[2, 1]).is_current(&sealed));
    }

    #[test]
    fn any_change_or_cut_is_no_seal() {
        let rng = SeededRng::new(1);
        let sealed = sealer(&[1]).seal(b"session", b"who", &rng);
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(sealer(&[1]).open(b"session", &mut changed), None, "byte {position}");
            assert_eq!(sealer(&[1]).open(b"session", &mut sealed[..position].to_vec()), None, "cut {position}");
        }
    }

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    }
}
