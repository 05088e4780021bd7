//! Argon2id (RFC 9106) hashes of passwords, in PHC form: each says by itself what it cost, so that costs can grow.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::kernel::Rng;

/// Bytes of a salt (RFC 9106 §3.1).
const SALT: usize = 16;
/// Bytes of a hash.
const HASH: usize = 32;
/// The most that a stored hash may cost: what was not made here must not stop the server.
const MEMORY_LIMIT: u32 = 256 * 1024;

/// What hashing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What new hashes cost: 19 MiB and two passes in one lane.
    pub const NOW: Cost = Cost { memory: 19 * 1024, passes: 2, lanes: 1 };
}

/// The hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl PasswordHash {
    /// Hashes: takes some 20 milliseconds of CPU at [`Cost::NOW`].
    pub fn of(password: &str, cost: Cost, rng: &dyn Rng) -> Option<Self> {
        let salt = rng.bytes::<SALT>().to_vec();
        let hash = run(password, &salt, cost, HASH)?;
        Some(PasswordHash { cost, salt, hash })
    }

    /// A hash that no password has, to compare with where there is none: costs the same.
    pub fn of_nobody() -> Self {
        PasswordHash { cost: Cost::NOW, salt: vec![0; SALT], hash: vec![0; HASH] }
    }

    /// Whether it is this password's; compares in constant time, and costs what the hash says.
    pub fn fits(&self, password: &str) -> bool {
        let found = run(password, &self.salt, self.cost, self.hash.len());
        found.is_some_and(|found| verify_slices_are_equal(&found, &self.hash).is_ok())
    }

    /// Whether it should be made anew at today's cost.
    pub fn is_outdated(&self) -> bool {
        self.cost != Cost::NOW || self.hash.len() != HASH
    }

    /// The PHC form.
    pub fn to_text(&self) -> String {
        let Cost { memory, passes, lanes } = self.cost;
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.hash));
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
    }

    /// Reads the PHC form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let mut costs = parts.next()?.split(',');
        let mut number = |name: &str| costs.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let cost = Cost { memory: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
        let decode = |part: &str| STANDARD_NO_PAD.decode(part).ok();
        let (salt, hash) = (decode(parts.next()?)?, decode(parts.next()?)?);
        let fits = parts.next().is_none() && cost.memory <= MEMORY_LIMIT && hash.len() >= SALT;
        fits.then_some(PasswordHash { cost, salt, hash })
    }
}

fn run(password: &str, salt: &[u8], cost: Cost, length: usize) -> Option<Vec<u8>> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(length)).ok()?;
    let mut hash = vec![0; length];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    #[test]
    fn a_hash_fits_its_password_alone_and_is_read_as_it_is_written() {
        let rng = SeededRng::new(1);
        let hash = PasswordHash::of("correct horse", CHEAP, &rng).unwrap();
        let read = PasswordHash::parse(&hash.to_text()).expect("it is read");
        assert!(read == hash && read.fits("correct horse") && !read.fits("correct horse ") && !read.fits(""));
        assert!(read.is_outdated());
        assert!(hash != PasswordHash::of("correct horse", CHEAP, &rng).unwrap(), "each has a salt of its own");
        assert!(!PasswordHash::of_nobody().is_outdated() && !PasswordHash::of_nobody().fits(""));
    }

    #[test]
    fn rfc_9106_the_reference_implementations_hash_is_taken() {
        // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32`
        let known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(PasswordHash::parse(known).is_some_and(|hash| hash.fits("password")));
    }

    #[test]
    fn what_is_no_hash_of_ours_is_none() {
        for wrong in [
            "",
            "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
            "$argon2id$v=19$m=9999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$t=1,m=64,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(PasswordHash::parse(wrong).is_none(), "{wrong}");
        }
    }
}
