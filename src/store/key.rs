//! Keys of tables: encoded so that byte order is the order of the values, and so that a tuple's first parts are a prefix.

use crate::kernel::{
    DomainName, EmailAddress, LoginId, MailId, OrgId, SessionId, Slug, TeamId, Timestamp, UserId, WebhookId,
};

/// A value that can be a key or a part of one.
pub trait Key: Sized {
    /// Appends the encoded form.
    fn encode(&self, out: &mut Vec<u8>);
    /// Takes one encoded value off the front of `bytes`; `None` if there is none.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! fixed {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_bytes());
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                let (head, tail) = bytes.split_first_chunk::<16>()?;
                *bytes = tail;
                Some(<$name>::from_bytes(*head))
            }
        }
    )*};
}
fixed!(OrgId, UserId, TeamId, SessionId, LoginId, MailId, WebhookId);

macro_rules! text {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                encode_text(self.as_str(), out);
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                decode_text(bytes)?.parse().ok()
            }
        }
    )*};
}
text!(String, DomainName, EmailAddress, Slug);

/// Text ends with a NUL; a NUL within is written as 0x01 0x01, a 0x01 as 0x01 0x02, which keeps the order.
fn encode_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            0 => out.extend_from_slice(&[1, 1]),
            1 => out.extend_from_slice(&[1, 2]),
            other => out.push(other),
        }
    }
    out.push(0);
}

fn decode_text(bytes: &mut &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
    let mut text = Vec::with_capacity(head.len());
    let mut rest = head.iter();
    while let Some(byte) = rest.next() {
        text.push(if *byte == 1 { rest.next()?.checked_sub(1)? } else { *byte });
    }
    *bytes = tail;
    String::from_utf8(text).ok()
}

/// The prefix of every key.
impl Key for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Key for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (head, tail) = bytes.split_first_chunk::<8>()?;
        *bytes = tail;
        Some(u64::from_be_bytes(*head))
    }
}

impl Key for Timestamp {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.millis().cast_unsigned() ^ (1 << 63)).encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        u64::decode(bytes).map(|number| Timestamp::from_millis((number ^ (1 << 63)).cast_signed()))
    }
}

impl Key for [u8; 32] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (head, tail) = bytes.split_first_chunk::<32>()?;
        *bytes = tail;
        Some(*head)
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::decode(bytes)?, B::decode(bytes)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
        self.2.encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::decode(bytes)?, B::decode(bytes)?, C::decode(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(key: &impl Key) -> Vec<u8> {
        let mut out = Vec::new();
        key.encode(&mut out);
        out
    }

    #[test]
    fn keys_sort_as_their_values_and_come_back() {
        let texts = ["", "a", "a\0b", "a\u{1}", "ab", "b"].map(str::to_owned);
        for pair in texts.windows(2) {
            assert!(encoded(&pair[0]) < encoded(&pair[1]), "{pair:?}");
        }
        let times = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis);
        for pair in times.windows(2) {
            assert!(encoded(&pair[0]) < encoded(&pair[1]), "{pair:?}");
        }
        let key = ("a\0\u{1}b".to_owned(), 7_u64, Timestamp::from_millis(-5));
        assert_eq!(Key::decode(&mut encoded(&key).as_slice()), Some(key));
    }

    #[test]
    fn a_tuple_starts_with_its_first_part_alone() {
        let whole = encoded(&("ab".to_owned(), 1_u64));
        assert!(whole.starts_with(&encoded(&"ab".to_owned())));
        assert!(!whole.starts_with(&encoded(&"a".to_owned())), "no text is a prefix of another");
    }
}
