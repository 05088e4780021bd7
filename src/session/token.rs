//! What the session cookie holds: ids and times, in a fixed binary form (D20). No name, no address, no role.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{OrgId, SessionId, Timestamp, UserId};

/// The longest that any session lives: what bounds the memory of revocations and of old keys.
pub const LONGEST_SESSION: Duration = crate::directory::organization::LONGEST_SESSION;

/// The form's first byte; another one is no session.
const FORM: u8 = 1;
/// How many bytes a token has.
pub const TOKEN_LENGTH: usize = 2 + 4 * 16 + 5 * 8;

const HAS_ORGANIZATION: u8 = 1;
const HAS_CONNECTION: u8 = 2;
const HAS_SECOND_FACTOR: u8 = 4;
const METHOD_SHIFT: u8 = 4;
const METHOD_BITS: u8 = 0b11;
/// The second factor's method: its first bit stands alone, the two others lead the byte.
const SECOND_LOW: u8 = 8;
const SECOND_HIGH_SHIFT: u8 = 6;

/// How a person showed who they are, first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By an organization's identity provider.
    Sso,
    /// By a password.
    Password,
    /// By a link sent to the address.
    MagicLink,
    /// By the operator's one-time link.
    Operator,
}

impl Method {
    /// The authentication method reference for the assertion's `amr` (RFC 8176 where it has a name).
    pub const fn amr(self) -> &'static str {
        match self {
            Method::Sso => "fed",
            Method::Password => "pwd",
            Method::MagicLink => "email",
            Method::Operator => "operator",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Method::Sso => 0,
            Method::Password => 1,
            Method::MagicLink => 2,
            Method::Operator => 3,
        }
    }

    const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Method::Sso),
            1 => Some(Method::Password),
            2 => Some(Method::MagicLink),
            3 => Some(Method::Operator),
            _ => None,
        }
    }
}

/// How a person showed who they are, second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondMethod {
    /// By a code of an authenticator app.
    App,
    /// By a code sent to a phone.
    Sms,
    /// By a passkey or a security key.
    Passkey,
    /// By a recovery code.
    RecoveryCode,
    /// At the identity provider, whose word counts (`trust_idp_mfa`).
    IdentityProvider,
}

impl SecondMethod {
    /// The authentication method reference (RFC 8176), beside `mfa`; none of what happened elsewhere.
    pub const fn amr(self) -> Option<&'static str> {
        match self {
            SecondMethod::App | SecondMethod::RecoveryCode => Some("otp"),
            SecondMethod::Sms => Some("sms"),
            SecondMethod::Passkey => Some("swk"),
            SecondMethod::IdentityProvider => None,
        }
    }

    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            SecondMethod::App => "authenticator app",
            SecondMethod::Sms => "text message",
            SecondMethod::Passkey => "passkey",
            SecondMethod::RecoveryCode => "recovery code",
            SecondMethod::IdentityProvider => "identity provider",
        }
    }

    const fn number(self) -> u8 {
        match self {
            SecondMethod::App => 0,
            SecondMethod::Sms => 1,
            SecondMethod::Passkey => 2,
            SecondMethod::RecoveryCode => 3,
            SecondMethod::IdentityProvider => 4,
        }
    }

    const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(SecondMethod::App),
            1 => Some(SecondMethod::Sms),
            2 => Some(SecondMethod::Passkey),
            3 => Some(SecondMethod::RecoveryCode),
            4 => Some(SecondMethod::IdentityProvider),
            _ => None,
        }
    }

    /// Its bits in the byte of flags.
    const fn bits(self) -> u8 {
        let number = self.number();
        ((number & 1) * SECOND_LOW) | ((number >> 1) << SECOND_HIGH_SHIFT)
    }

    const fn of_bits(flags: u8) -> Option<Self> {
        Self::of_number(((flags & SECOND_LOW != 0) as u8) | ((flags >> SECOND_HIGH_SHIFT) << 1))
    }
}

/// A second factor that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// When.
    pub at: Timestamp,
    /// How.
    pub method: SecondMethod,
}

/// A session as its cookie tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionToken {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The organization that it is in, if any.
    pub organization: Option<OrgId>,
    /// The organization whose single sign-on made it, if one did (D6).
    pub connection: Option<OrgId>,
    /// The first factor.
    pub method: Method,
    /// The second factor, if one was shown.
    pub second_factor: Option<SecondFactor>,
    /// When it was made.
    pub created: Timestamp,
    /// When the person last showed who they are.
    pub auth_time: Timestamp,
    /// When it was last used, to within the resealing interval.
    pub seen: Timestamp,
    /// When it ends, used or not.
    pub absolute_end: Timestamp,
}

impl SessionToken {
    /// The fixed binary form.
    pub fn encode(&self) -> [u8; TOKEN_LENGTH] {
        let mut out = [0; TOKEN_LENGTH];
        let none = [0; 16];
        let organization = self.organization.as_ref().map_or(&none, OrgId::as_bytes);
        let connection = self.connection.as_ref().map_or(&none, OrgId::as_bytes);
        let second_factor = self.second_factor.map_or(Timestamp::EPOCH, |second| second.at);
        out[0] = FORM;
        out[1] = (u8::from(self.organization.is_some()) * HAS_ORGANIZATION)
            | (u8::from(self.connection.is_some()) * HAS_CONNECTION)
            | self.second_factor.map_or(0, |second| HAS_SECOND_FACTOR | second.method.bits())
            | (self.method.number() << METHOD_SHIFT);
        let ids = [self.id.as_bytes(), self.user.as_bytes(), organization, connection];
        let times = [self.created, self.auth_time, self.seen, self.absolute_end, second_factor];
        let (head, tail) = out[2..].split_at_mut(4 * 16);
        for (slot, id) in head.chunks_exact_mut(16).zip(ids) {
            slot.copy_from_slice(id);
        }
        for (slot, time) in tail.chunks_exact_mut(8).zip(times) {
            slot.copy_from_slice(&time.millis().to_be_bytes());
        }
        out
    }

    /// Reads the fixed binary form; `None` if `bytes` are not exactly it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; TOKEN_LENGTH] = bytes.try_into().ok()?;
        if bytes[0] != FORM {
            return None;
        }
        let flags = bytes[1];
        let id = |index: usize| bytes[2 + index * 16..].first_chunk::<16>().copied();
        let time = |index: usize| {
            let chunk = bytes[2 + 4 * 16 + index * 8..].first_chunk::<8>()?;
            Some(Timestamp::from_millis(i64::from_be_bytes(*chunk)))
        };
        let present = |flag: u8| flags & flag != 0;
        let second_factor = if present(HAS_SECOND_FACTOR) {
            Some(SecondFactor { at: time(4)?, method: SecondMethod::of_bits(flags)? })
        } else if flags & (SECOND_LOW | (0b11 << SECOND_HIGH_SHIFT)) == 0 {
            None
        } else {
            return None;
        };
        Some(SessionToken {
            id: SessionId::from_bytes(id(0)?),
            user: UserId::from_bytes(id(1)?),
            organization: present(HAS_ORGANIZATION).then(|| id(2).map(OrgId::from_bytes)).flatten(),
            connection: present(HAS_CONNECTION).then(|| id(3).map(OrgId::from_bytes)).flatten(),
            method: Method::of_number((flags >> METHOD_SHIFT) & METHOD_BITS)?,
            created: time(0)?,
            auth_time: time(1)?,
            seen: time(2)?,
            absolute_end: time(3)?,
            second_factor,
        })
    }

    /// Whether both limits leave it alive at `now`: `idle` since it was last seen, and the absolute end.
    pub fn is_alive(&self, now: Timestamp, idle: Duration) -> bool {
        now < self.absolute_end && now < self.seen.plus(idle)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A token for tests: ids of repeated bytes, made at `now`, for a day.
    pub fn token(now: Timestamp) -> SessionToken {
        SessionToken {
            id: SessionId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            organization: Some(OrgId::from_bytes([3; 16])),
            connection: Some(OrgId::from_bytes([4; 16])),
            method: Method::Sso,
            second_factor: None,
            created: now,
            auth_time: now,
            seen: now,
            absolute_end: now.plus(Duration::from_secs(24 * 3600)),
        }
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let plain = token(now);
        let bare = SessionToken { organization: None, connection: None, method: Method::Password, ..plain };
        let ways = [Method::Sso, Method::Password, Method::MagicLink, Method::Operator];
        let seconds = [
            SecondMethod::App,
            SecondMethod::Sms,
            SecondMethod::Passkey,
            SecondMethod::RecoveryCode,
            SecondMethod::IdentityProvider,
        ];
        let strong = ways.into_iter().flat_map(|way| {
            seconds.map(|method| SessionToken {
                method: way,
                second_factor: Some(SecondFactor { at: now, method }),
                ..plain
            })
        });
        for token in [plain, bare].into_iter().chain(strong) {
            assert_eq!(SessionToken::decode(&token.encode()), Some(token));
        }
    }

    #[test]
    fn a_cookie_of_an_earlier_version_is_read_as_it_was_meant() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (number, method) in [Method::Sso, Method::Password, Method::MagicLink, Method::Operator].iter().enumerate()
        {
            let token = SessionToken { method: *method, ..token(now) };
            let mut bytes = token.encode();
            bytes[1] = HAS_ORGANIZATION | HAS_CONNECTION | (u8::try_from(number).unwrap() << METHOD_SHIFT);
            assert_eq!(SessionToken::decode(&bytes), Some(token));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let good = token(Timestamp::EPOCH).encode();
        let check = |bytes: &[u8]| assert_eq!(SessionToken::decode(bytes), None);
        check(&[]);
        check(&good[..good.len() - 1]);
        check(&[&good[..], &[0]].concat());
        let mut other_form = good;
        other_form[0] = 2;
        check(&other_form);
        for flags in [0xf0, SECOND_LOW, 1 << SECOND_HIGH_SHIFT, HAS_SECOND_FACTOR | 0xc0, HAS_SECOND_FACTOR | 0x88] {
            let mut other_method = good;
            other_method[1] = flags;
            check(&other_method);
        }
    }

    #[test]
    fn limits_end_at_their_moment() {
        let now = Timestamp::from_seconds(1_000);
        let idle = Duration::from_secs(60);
        let token = token(now);
        assert!(token.is_alive(now.plus(Duration::from_millis(59_999)), idle));
        assert!(!token.is_alive(now.plus(idle), idle));
        assert!(!token.is_alive(token.absolute_end, Duration::MAX));
    }
}
