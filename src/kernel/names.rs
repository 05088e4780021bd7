//! Names that people type: read once, held canonical, so that comparing is comparing bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, R39).
pub const EMAIL_LIMIT: usize = 254;
/// The longest domain name, in bytes without the last dot (RFC 1035 §2.3.4).
pub const DOMAIN_LIMIT: usize = 253;

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The canonical text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &*self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }
    };
}

/// What a name breaks, in a sentence that says what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(&'static str);

/// A DNS domain of an e-mail address: at least two labels, lower case, A-labels (IDNA by UTS 46, R37).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(Box<str>);
text_type!(DomainName);

impl FromStr for DomainName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        const WANTED: InvalidName = InvalidName("not a domain name: one like acme.example is wanted");
        // A full-width or ideographic dot would be folded to a plain one: nobody types that in good faith.
        if text.len() > 4 * DOMAIN_LIMIT || text.chars().any(is_folded_away) {
            return Err(WANTED);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| WANTED)?;
        let labels: Vec<&str> = ascii.split('.').collect();
        let fits = |label: &&str| !label.is_empty() && label.len() <= 63;
        let numeric_end = labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if ascii.len() > DOMAIN_LIMIT || labels.len() < 2 || !labels.iter().all(fits) || numeric_end {
            return Err(WANTED);
        }
        Ok(DomainName(ascii.into_boxed_str()))
    }
}

/// Characters that IDNA would turn into a dot or drop without a word (UTS 46 §4, default-ignorable code points).
fn is_folded_away(c: char) -> bool {
    matches!(c,
        '。' | '．' | '｡' | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// An e-mail address in canonical form: lower case, its domain in A-labels (R39).
///
/// One `@`; a local part of atext and single dots; at most 254 bytes. White space around it is trimmed,
/// anything else out of place refuses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(Box<str>);
text_type!(EmailAddress);

impl EmailAddress {
    /// The part behind the `@`.
    pub fn domain(&self) -> DomainName {
        let (_, domain) = self.0.split_once('@').unwrap_or_default();
        DomainName(domain.into())
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        const WANTED: InvalidName = InvalidName("not an e-mail address: one like ada@acme.example is wanted");
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let (local, domain) = text.split_once('@').ok_or(WANTED)?;
        let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
        let dot_atom = local.split('.').all(|part| !part.is_empty() && part.bytes().all(atext));
        if !dot_atom || local.len() > 64 || domain.contains('@') {
            return Err(WANTED);
        }
        let domain: DomainName = domain.parse().map_err(|_| WANTED)?;
        let address = format!("{}@{domain}", local.to_ascii_lowercase());
        if address.len() > EMAIL_LIMIT {
            return Err(WANTED);
        }
        Ok(EmailAddress(address.into_boxed_str()))
    }
}

/// An organization's short name in URLs and commands: `[a-z0-9-]`, 1 to 63 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Box<str>);
text_type!(Slug);

impl FromStr for Slug {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 63 || !text.bytes().all(allowed) {
            return Err(InvalidName("not a slug: 1 to 63 of a-z, 0-9 and - are wanted, like acme-inc"));
        }
        Ok(Slug(text.into()))
    }
}

/// A member's role in an organization (D1), ordered by strength: each may do what those below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Uses the app.
    Member,
    /// Sees the organization and manages its discoverability.
    BillingAdmin,
    /// Does all but owners' affairs.
    Admin,
    /// Does everything.
    Owner,
}

impl Role {
    /// Every role, in the order in which they are told.
    pub const ALL: [Role; 4] = [Role::Owner, Role::Admin, Role::BillingAdmin, Role::Member];

    /// The name that commands, headers and configuration use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::BillingAdmin => "billing_admin",
            Role::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or(InvalidName("not a role: owner, admin, billing_admin or member is wanted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r39_an_address_is_one_canonical_text_or_none() {
        let check = |typed: &str, expected: Option<&str>| {
            let read = typed.parse::<EmailAddress>().ok().map(String::from);
            assert_eq!(read.as_deref(), expected, "{typed:?}");
        };
        check("Ada@Acme.Example", Some("ada@acme.example"));
        check("  ada@acme.example\n", Some("ada@acme.example"));
        check("a.b+c@bücher.example", Some("a.b+c@xn--bcher-kva.example"));
        check("o'neil@acme.example", Some("o'neil@acme.example"));
        for wrong in [
            "",
            "ada",
            "@acme.example",
            "ada@",
            "ada@acme",
            "ada@@acme.example",
            "ada@b@acme.example",
            "a da@acme.example",
            "ada@acme.example.",
            "ada@acme..example",
            ".ada@acme.example",
            "ada.@acme.example",
            "\"ada\"@acme.example",
            "ada@acme.example,b@acme.example",
            "<ada@acme.example>",
            "ada＠acme.example",
            "ada\u{200b}@acme.example",
            "ada@acme\u{200b}.example",
            "ada@acme.example\u{200b}",
            "ada@ac\u{ad}me.example",
            "ada@\u{feff}acme.example",
            "ada@acme.exam\u{fe0f}ple",
            "ada@acme\u{202e}.example",
            "ada@acme.example\0",
            "ada@ac\nme.example",
            "ädä@acme.example",
            "ada@127.0.0.1",
            "ada@acme。example",
            "ada@acme．example",
            "ada@acme_x.example",
            "ada@-acme.example",
            "ada@[127.0.0.1]",
            "ada@acme.example:25",
        ] {
            check(wrong, None);
        }
        check(&format!("ada@{}.example", "a".repeat(64)), None);
        check(&format!("{}@acme.example", "a".repeat(65)), None);
    }

    #[test]
    fn a_domain_says_nothing_about_its_neighbours() {
        let domain = |text: &str| text.parse::<DomainName>().ok();
        assert_eq!(domain("ACME.test"), domain("acme.test"));
        assert_ne!(domain("mail.acme.test"), domain("acme.test"));
        assert_eq!(domain("test"), None);
        assert_eq!(domain("a b.test"), None);
    }

    #[test]
    fn slugs_and_roles_say_what_they_want() {
        assert!("acme-inc2".parse::<Slug>().is_ok());
        for wrong in ["", "Acme", "a_b", "a/b", "é", &"a".repeat(64)] {
            assert!(wrong.parse::<Slug>().is_err(), "{wrong}");
        }
        assert_eq!("billing_admin".parse(), Ok(Role::BillingAdmin));
        assert!("root".parse::<Role>().is_err());
    }
}
