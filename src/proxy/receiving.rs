//! How many bodies the gate holds in memory for its own pages: none is read without a place, so strangers can't fill
//! the memory.
//!
//! Every body begins in a small place; only one that turns out larger than a form asks for a large one. When all places
//! of a size are taken, a newcomer gets the one of the slowest body of the network that holds most, or of a body that
//! hardly moves at all: so no handful of networks keeps others out, however slowly they send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::limits;

/// The places of one gate.
#[derive(Clone, Debug, Default)]
pub struct Receiving(Arc<Mutex<Places>>);

/// Who holds which, by size.
#[derive(Debug, Default)]
struct Places {
    /// For bodies up to [`limits::FORM_BODY_LIMIT`].
    small: Vec<Arc<Holding>>,
    /// For bodies up to [`limits::ANSWER_BODY_LIMIT`].
    large: Vec<Arc<Holding>>,
}

/// One body that is held.
#[derive(Debug)]
struct Holding {
    client: IpAddr,
    network: IpAddr,
    since: Instant,
    bytes: AtomicU64,
    /// How many milliseconds after its beginning the last piece came.
    last: AtomicU64,
    /// Nothing is waited for any more: it is not given up.
    whole: AtomicBool,
    given_up: AtomicBool,
    wake: Notify,
}

/// The right to hold one body, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    holding: Arc<Holding>,
    places: Receiving,
}

impl Receiving {
    /// A small place; `None` if there is none, for all or for this client.
    pub fn permit(&self, client: IpAddr, now: Instant) -> Option<Permit> {
        let (client, network) = (masked(client, 32, 64), masked(client, 24, 48));
        let mut places = self.0.lock();
        let held = places.small.iter().chain(&places.large).filter(|held| held.client == client).count();
        if held >= limits::BODIES_A_CLIENT {
            return None;
        }
        make_room(&mut places.small, limits::SMALL_BODIES, network, now)?;
        let holding = Arc::new(Holding {
            client,
            network,
            since: now,
            bytes: AtomicU64::new(0),
            last: AtomicU64::new(0),
            whole: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            wake: Notify::new(),
        });
        places.small.push(Arc::clone(&holding));
        drop(places);
        Some(Permit { holding, places: self.clone() })
    }
}

impl Permit {
    /// A piece came. `false`: the body needs a large place now, and there is none.
    pub fn piece(&self, length: usize, now: Instant) -> bool {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.holding.last.store(self.holding.age(now), Ordering::Relaxed);
        let before = self.holding.bytes.fetch_add(length, Ordering::Relaxed);
        let form = u64::try_from(limits::FORM_BODY_LIMIT).unwrap_or(u64::MAX);
        if before > form || before.saturating_add(length) <= form {
            return true;
        }
        let mut places = self.places.0.lock();
        if make_room(&mut places.large, limits::LARGE_BODIES, self.holding.network, now).is_none() {
            return false;
        }
        places.small.retain(|held| !Arc::ptr_eq(held, &self.holding));
        places.large.push(Arc::clone(&self.holding));
        true
    }

    /// The whole body is there.
    pub fn whole(&self) {
        self.holding.whole.store(true, Ordering::Relaxed);
    }

    /// Is done when the place went to somebody else.
    pub async fn given_up(&self) {
        while !self.holding.given_up.load(Ordering::Acquire) {
            self.holding.wake.notified().await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut places = self.places.0.lock();
        let Places { small, large } = &mut *places;
        for held in [small, large] {
            held.retain(|held| !Arc::ptr_eq(held, &self.holding));
        }
    }
}

impl Holding {
    /// In milliseconds.
    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX)
    }

    /// Bytes a second; a body that has just begun counts as fast.
    fn rate(&self, now: Instant) -> u64 {
        let age = self.age(now);
        if age < 1000 { u64::MAX } else { self.bytes.load(Ordering::Relaxed).saturating_mul(1000) / age }
    }

    /// Whether it hardly moves.
    fn is_stuck(&self, now: Instant) -> bool {
        let age = self.age(now);
        let is_long = |limit: Duration, millis: u64| u128::from(millis) >= limit.as_millis();
        is_long(limits::CROWDED_SILENCE, age.saturating_sub(self.last.load(Ordering::Relaxed)))
            || is_long(limits::CROWDED_GRACE, age) && self.rate(now) < limits::CROWDED_RATE
    }
}

/// Makes room for one more if need be; `None` if nobody can be asked to go.
fn make_room(held: &mut Vec<Arc<Holding>>, most: usize, network: IpAddr, now: Instant) -> Option<()> {
    if held.len() < most {
        return Some(());
    }
    let count = |network: IpAddr| held.iter().filter(|held| held.network == network).count();
    let mine = count(network);
    let waits = || held.iter().enumerate().filter(|(_, held)| !held.whole.load(Ordering::Relaxed));
    let busiest = waits().map(|(_, held)| held.network).max_by_key(|network| count(*network))?;
    let slowest = |of: &dyn Fn(&Holding) -> bool| {
        let those = waits().filter(|(_, held)| of(held));
        those.min_by_key(|(_, held)| (held.rate(now), held.bytes.load(Ordering::Relaxed))).map(|(index, _)| index)
    };
    // Taking from a network that would then still hold no less than ours.
    let index = if count(busiest) >= mine + 2 {
        slowest(&|held| held.network == busiest)
    } else {
        slowest(&|held| held.is_stuck(now))
    }?;
    let gone = held.swap_remove(index);
    gone.given_up.store(true, Ordering::Release);
    gone.wake.notify_one();
    Some(())
}

/// An address without its last bits: all that one customer of a network has, or one network.
fn masked(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !u32::MAX.checked_shr(v4).unwrap_or(0)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::MAX.checked_shr(v6).unwrap_or(0)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = limits::FORM_BODY_LIMIT + 1;

    fn address(network: usize, host: usize) -> IpAddr {
        let byte = |number: usize| u8::try_from(number).unwrap();
        IpAddr::from([10, byte(network / 256), byte(network % 256), byte(host)])
    }

    fn is_given_up(permit: &Permit) -> bool {
        permit.holding.given_up.load(Ordering::Relaxed)
    }

    /// A body that has grown large.
    fn large(receiving: &Receiving, from: IpAddr, now: Instant) -> Option<Permit> {
        receiving.permit(from, now).filter(|permit| permit.piece(LARGE, now))
    }

    #[test]
    fn one_client_has_its_limit_whatever_the_sizes() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> = (0..limits::BODIES_A_CLIENT)
            .map(|number| {
                let permit = receiving.permit(address(0, 0), now).unwrap();
                assert!(permit.piece(if number % 2 == 0 { 1 } else { LARGE }, now));
                permit
            })
            .collect();
        assert!(receiving.permit(address(0, 0), now).is_none());
        assert!(receiving.permit(address(0, 1), now).is_some());
        drop(held);
        assert!(receiving.permit(address(0, 0), now).is_some(), "what is dropped is free again");
        assert!(receiving.0.lock().small.is_empty() && receiving.0.lock().large.is_empty());
    }

    #[test]
    fn four_addresses_do_not_keep_a_fifth_out() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> =
            (0..limits::LARGE_BODIES).map(|number| large(&receiving, address(number % 4, 0), now).unwrap()).collect();
        let honest = large(&receiving, address(9, 0), now).expect("a place of theirs");
        assert_eq!(held.iter().filter(|permit| is_given_up(permit)).count(), 1);
        assert!(!is_given_up(&honest));
        assert!(large(&receiving, address(0, 1), now).is_none(), "nor does one of theirs take a place from another");
    }

    #[test]
    fn of_the_network_that_holds_most_the_slowest_goes() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> =
            (0..limits::LARGE_BODIES).map(|number| large(&receiving, address(0, number % 8), now).unwrap()).collect();
        let later = now + Duration::from_secs(5);
        for permit in held.iter().skip(1) {
            assert!(permit.piece(9999, later));
        }
        assert!(large(&receiving, address(1, 0), later).is_some());
        assert!(is_given_up(&held[0]) && !held[1..].iter().any(is_given_up));
    }

    #[test]
    fn many_networks_keep_nobody_out_by_hardly_moving() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> =
            (0..limits::LARGE_BODIES).map(|number| large(&receiving, address(number, 0), now).unwrap()).collect();
        assert!(large(&receiving, address(999, 0), now).is_none(), "all of them have just begun");
        let later = now + Duration::from_secs(60);
        for (number, permit) in held.iter().enumerate() {
            assert!(permit.piece(if number == 7 { 1 } else { 10 * 1024 * 1024 }, later));
        }
        let honest = large(&receiving, address(999, 0), later);
        assert!(honest.is_some() && is_given_up(&held[7]), "one that drips");
        assert!(large(&receiving, address(998, 0), later).is_none(), "those that move stay");
        let silent = later + limits::CROWDED_SILENCE;
        assert!(large(&receiving, address(998, 0), silent).is_some(), "and go when they stop");
    }

    #[test]
    fn a_body_that_is_whole_is_not_given_up() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> =
            (0..limits::LARGE_BODIES).map(|number| large(&receiving, address(number % 4, 0), now).unwrap()).collect();
        held.iter().for_each(Permit::whole);
        assert!(large(&receiving, address(9, 0), now).is_none());
        assert!(receiving.permit(address(9, 0), now).is_some(), "small ones do not wait for large ones");
    }

    #[test]
    fn small_places_are_shared_out_alike() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let all: Vec<_> = (0..limits::SMALL_BODIES)
            .map(|number| receiving.permit(address(number / 256, number % 256), now).unwrap())
            .collect();
        assert!(receiving.permit(address(200, 0), now).is_some());
        assert_eq!(all.iter().filter(|permit| is_given_up(permit)).count(), 1);
    }

    #[tokio::test]
    async fn who_is_given_up_hears_of_it() {
        let (receiving, now) = (Receiving::default(), Instant::now());
        let held: Vec<_> =
            (0..limits::LARGE_BODIES).map(|number| large(&receiving, address(0, number % 8), now).unwrap()).collect();
        let _honest = large(&receiving, address(9, 0), now).unwrap();
        let gone = held.iter().find(|permit| is_given_up(permit)).unwrap();
        gone.given_up().await;
        gone.given_up().await;
    }

    #[test]
    fn what_counts_as_one() {
        let check = |bits: (u32, u32), left: &str, right: &str, same| {
            let masked = |text: &str| masked(text.parse().unwrap(), bits.0, bits.1);
            assert_eq!(masked(left) == masked(right), same, "{left} {right}");
        };
        let (client, network) = ((32, 64), (24, 48));
        check(client, "2001:db8::1", "2001:db8::2:3:4:5", true);
        check(client, "2001:db8::1", "2001:db8:0:1::1", false);
        check(client, "::ffff:10.0.0.1", "10.0.0.1", true);
        check(client, "10.0.0.1", "10.0.0.2", false);
        check(network, "10.0.0.1", "10.0.0.2", true);
        check(network, "10.0.0.1", "10.0.1.1", false);
        check(network, "2001:db8::1", "2001:db8:0:1::1", true);
        check(network, "2001:db8::1", "2001:db8:1::1", false);
    }
}
