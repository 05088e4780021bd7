//! Slows down whoever starts or answers more sign-ins than people do: what they write to the store must stay bounded.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

use super::page::Trouble;
use super::pending::PENDING_FOR;
use crate::kernel::{Client, Fault, FaultKind, Timestamp};

/// How many sign-ins one address may start or answer at once: a company's whole floor behind one router.
const BURST: u32 = 1000;
/// How soon the next one is allowed after that: 50 a second.
const INTERVAL: Duration = Duration::from_millis(20);
/// How many addresses are remembered; beyond that those which were quiet are forgotten, and new ones refused.
const ADDRESSES: usize = 20_000;
/// How many sign-ins may be started here within [`PENDING_FOR`], by whomever: the store keeps each that long.
const PENDING: usize = 100_000;
/// How many of these one address may have started, once half of them are taken.
const SHARE: u32 = 1000;
/// How soon one of its share is free again: all of it within ten minutes.
const SHARE_INTERVAL: Duration = Duration::from_millis(600);
/// How finely they are counted over time.
const STEP: Duration = Duration::from_secs(10);

/// The memory of who came how often.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Option<IpAddr>, Timestamp>>);

impl Throttle {
    /// Counts a request of `client`.
    ///
    /// # Errors
    /// «Too many» if that address has used up its burst and its rate.
    pub fn pass(&self, client: Client, now: Timestamp) -> Result<(), Trouble> {
        let network = client.address.map(network);
        let mut held = self.0.lock();
        if held.len() >= ADDRESSES && !held.contains_key(&network) {
            held.retain(|_, quiet| *quiet > now);
            if held.len() >= ADDRESSES {
                return Err(overloaded("more addresses start or answer sign-ins than are remembered"));
            }
        }
        // The moment at which all that this address did is forgotten: each request moves it on by one interval.
        let quiet = held.entry(network).or_insert(now);
        let next = (*quiet).max(now).plus(INTERVAL);
        if next.since(now) > INTERVAL * BURST {
            return Err(too_many("an address goes beyond its rate of sign-ins"));
        }
        *quiet = next;
        Ok(())
    }
}

/// Bounds the sign-ins that are pending, whoever starts them; once half of the places are taken, also those that one
/// address started lately, so that a few addresses leave places to the others.
#[derive(Debug, Default)]
pub struct PendingBound(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    /// How many were started since when.
    steps: VecDeque<(Timestamp, usize)>,
    /// By address, when what it started counts no more: each start moves that on by [`SHARE_INTERVAL`].
    starters: HashMap<Option<IpAddr>, Timestamp>,
}

impl PendingBound {
    /// Counts a sign-in that `client` starts.
    ///
    /// # Errors
    /// «Unavailable», if too many were started lately; «too many», if half are and this address has had its share.
    pub fn pass(&self, client: Client, now: Timestamp) -> Result<(), Trouble> {
        let mut pending = self.0.lock();
        let Pending { steps, starters } = &mut *pending;
        while steps.front().is_some_and(|(began, _)| began.plus(PENDING_FOR + STEP) <= now) {
            steps.pop_front();
        }
        let taken = steps.iter().map(|(_, count)| count).sum::<usize>();
        if taken >= PENDING {
            return Err(overloaded("more sign-ins were started lately than are kept"));
        }
        if starters.len() >= ADDRESSES {
            starters.retain(|_, quiet| *quiet > now);
        }
        let network = client.address.map(network);
        let share = SHARE_INTERVAL * SHARE;
        let next = starters.get(&network).map_or(now, |quiet| (*quiet).max(now)).plus(SHARE_INTERVAL);
        if taken >= PENDING / 2 && next.since(now) > share {
            return Err(too_many("an address has had its share of the pending sign-ins"));
        }
        if starters.len() < ADDRESSES || starters.contains_key(&network) {
            // No more is remembered than what refuses it while it goes on.
            starters.insert(network, next.min(now.plus(share + SHARE_INTERVAL)));
        }
        match steps.back_mut() {
            Some((began, count)) if now < began.plus(STEP) => *count += 1,
            _ => steps.push_back((now, 1)),
        }
        Ok(())
    }
}

fn too_many(detail: &'static str) -> Trouble {
    let public = "Too many sign-ins come from your network at this moment. Please try again in a few seconds.";
    Fault::new(FaultKind::TooMany, public, detail).into()
}

fn overloaded(detail: &'static str) -> Trouble {
    let public = "Too many sign-ins are under way at this moment. Please try again in a few minutes.";
    Fault::new(FaultKind::Unavailable, public, detail).into()
}

/// Of an IPv6 address its /64: one customer has that many addresses.
pub fn network(address: IpAddr) -> IpAddr {
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
        let pass = |number: u32, now| throttle.pass(Client::from(IpAddr::from(number.to_be_bytes())), now).is_ok();
        let last = u32::try_from(ADDRESSES).unwrap();
        assert!((0..last).all(|number| pass(number, now)));
        assert!(!pass(last, now), "a new one, and there is no place");
        assert!(pass(0, now), "one that is known");
        assert!(pass(last, now.plus(INTERVAL)), "the others were quiet by then");
        assert!(throttle.0.lock().len() <= ADDRESSES);
    }

    /// An address for each, so that none has more than its share.
    fn one_of(number: usize) -> Client {
        Client::from(IpAddr::from(u32::try_from(number % 1000).unwrap().to_be_bytes()))
    }

    #[test]
    fn pending_sign_ins_are_bounded_whoever_starts_them() {
        let (bound, now) = (PendingBound::default(), Timestamp::from_seconds(1_000));
        let later = now.plus(PENDING_FOR);
        assert!((0..PENDING).all(|number| bound.pass(one_of(number), now).is_ok()));
        assert!(bound.pass(one_of(7), now).is_err() && bound.pass(one_of(7), later).is_err());
        assert!(bound.pass(one_of(7), later.plus(STEP)).is_ok(), "those before are forgotten");
    }

    #[test]
    fn a_few_addresses_leave_places_to_the_others() {
        let (bound, now) = (PendingBound::default(), Timestamp::from_seconds(1_000));
        let few = |number: usize| one_of(number % 3);
        let taken = (0..PENDING).take_while(|number| bound.pass(few(*number), now).is_ok()).count();
        assert_eq!(taken, PENDING / 2, "half of them, and no more");
        assert!((0..3).all(|number| bound.pass(few(number), now).is_err()));
        assert!((0..SHARE).all(|_| bound.pass(one_of(500), now).is_ok()), "another address has its share");
        assert!(bound.pass(one_of(500), now).is_err(), "and no more");
        let soon = now.plus(SHARE_INTERVAL * 2);
        assert!(bound.pass(one_of(500), soon).is_ok(), "which is free again bit by bit");
    }
}
