//! Slows down whoever starts or answers more sign-ins than people do: what they write to the store must stay bounded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

use super::page::Trouble;
use crate::kernel::{Client, Fault, FaultKind, Timestamp};

/// How many sign-ins one address may start or answer at once: a company's whole floor behind one router.
const BURST: u32 = 1000;
/// How soon the next one is allowed after that: 50 a second.
const INTERVAL: Duration = Duration::from_millis(20);
/// How many addresses are remembered; beyond that those which were quiet are forgotten, then all.
const ADDRESSES: usize = 20_000;

/// The memory of who came how often.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Option<IpAddr>, Timestamp>>);

impl Throttle {
    /// Counts a request of `client`.
    ///
    /// # Errors
    /// «Too many» if that address has used up its burst and its rate.
    pub fn pass(&self, client: Client, now: Timestamp) -> Result<(), Trouble> {
        let mut held = self.0.lock();
        if held.len() >= ADDRESSES {
            held.retain(|_, full| *full > now);
            if held.len() >= ADDRESSES {
                held.clear();
            }
        }
        // The moment at which all that this address did is forgotten: each request moves it on by one interval.
        let quiet = held.entry(client.address.map(network)).or_insert(now);
        let next = (*quiet).max(now).plus(INTERVAL);
        if next.since(now) > INTERVAL * BURST {
            let public = "Too many sign-ins come from your network at this moment. Please try again in a few seconds.";
            return Err(Fault::new(FaultKind::TooMany, public, "an address goes beyond its rate of sign-ins").into());
        }
        *quiet = next;
        Ok(())
    }
}

/// Of an IPv6 address its /64: one customer has that many addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_address_has_a_burst_and_then_a_rate_of_its_own() {
        let (throttle, now) = (Throttle::default(), Timestamp::from_seconds(1_000));
        let pass = |address: &str, now| throttle.pass(client(address), now).is_ok();
        assert!((0..BURST).all(|_| pass("192.0.2.1", now)));
        assert!(!pass("192.0.2.1", now));
        assert!(pass("192.0.2.2", now), "another address");
        assert!(pass("192.0.2.1", now.plus(INTERVAL)));
        assert!(!pass("192.0.2.1", now.plus(INTERVAL)));
        assert!((0..BURST).all(|_| pass("192.0.2.1", now.plus(INTERVAL * (BURST + 1)))), "all is forgotten");
    }

    #[test]
    fn the_addresses_of_one_customer_count_together_and_memory_is_bounded() {
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff".parse().unwrap()));
        assert_ne!(network("2001:db8::1".parse().unwrap()), network("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
        let (throttle, now) = (Throttle::default(), Timestamp::EPOCH);
        for number in 0..=u32::try_from(ADDRESSES).unwrap() {
            assert!(throttle.pass(Client::from(IpAddr::from(number.to_be_bytes())), now).is_ok());
        }
        assert!(throttle.0.lock().len() <= ADDRESSES);
    }
}
