//! What ends sessions: rows that say which are over, for every node's memory to take in. Who writes them need not know
//! what a session is.

use super::organization::LONGEST_SESSION;
use crate::kernel::{OrgId, SessionId, Timestamp, UserId};
use crate::store::{Key, StoreError, Table, Tx};

/// What was ended, and when: every session of that scope made until then is over.
pub const REVOCATIONS: Table<Scope, Timestamp> = Table::new("revocations");

/// Which sessions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every one.
    All,
    /// This one.
    Session(SessionId),
    /// All of an account.
    User(UserId),
    /// All in an organization.
    Organization(OrgId),
    /// All made by an organization's single sign-on (D6).
    Connection(OrgId),
    /// Those of an account in one organization: the membership ended.
    Membership(OrgId, UserId),
    /// Those in the first organization that the second one's single sign-on made: the link between them ended (D14).
    Through(OrgId, OrgId),
}

impl Key for Scope {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Scope::All => out.push(0),
            Scope::Session(id) => tagged(1, id, out),
            Scope::User(user) => tagged(2, user, out),
            Scope::Organization(organization) => tagged(3, organization, out),
            Scope::Connection(connection) => tagged(4, connection, out),
            Scope::Membership(organization, user) => tagged(5, &(*organization, *user), out),
            Scope::Through(organization, connection) => tagged(6, &(*organization, *connection), out),
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (tag, tail) = bytes.split_first()?;
        *bytes = tail;
        Some(match tag {
            0 => Scope::All,
            1 => Scope::Session(Key::decode(bytes)?),
            2 => Scope::User(Key::decode(bytes)?),
            3 => Scope::Organization(Key::decode(bytes)?),
            4 => Scope::Connection(Key::decode(bytes)?),
            5 => Scope::Membership(Key::decode(bytes)?, Key::decode(bytes)?),
            6 => Scope::Through(Key::decode(bytes)?, Key::decode(bytes)?),
            _ => return None,
        })
    }
}

fn tagged(tag: u8, key: &impl Key, out: &mut Vec<u8>) {
    out.push(tag);
    key.encode(out);
}

/// Ends the sessions of `scope` that were made until now, on every node within a second, and their open streams.
///
/// # Errors
/// [`StoreError`].
pub fn revoke(tx: &Tx, scope: Scope) -> Result<(), StoreError> {
    tx.put_until(&REVOCATIONS, &scope, &tx.now(), tx.now().plus(LONGEST_SESSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        let (organization, user) = (OrgId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        for scope in [
            Scope::All,
            Scope::Session(SessionId::from_bytes([3; 16])),
            Scope::User(user),
            Scope::Organization(organization),
            Scope::Connection(organization),
            Scope::Membership(organization, user),
            Scope::Through(organization, OrgId::from_bytes([4; 16])),
        ] {
            let mut bytes = Vec::new();
            scope.encode(&mut bytes);
            assert_eq!(Scope::decode(&mut bytes.as_slice()), Some(scope));
        }
        assert_eq!(Scope::decode(&mut [9].as_slice()), None);
    }
}
