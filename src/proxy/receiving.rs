//! How many bodies the gate holds in memory for its own pages: none is read without a permit, so strangers can't fill
//! the memory, and one address can't take all permits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits;

/// The permits of one gate.
#[derive(Clone, Debug)]
pub struct Receiving {
    /// For bodies up to [`limits::ANSWER_BODY_LIMIT`].
    large: Arc<Semaphore>,
    /// For bodies up to [`limits::FORM_BODY_LIMIT`].
    small: Arc<Semaphore>,
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The right to hold one body, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _held: OwnedSemaphorePermit,
    clients: Arc<Mutex<HashMap<IpAddr, usize>>>,
    client: IpAddr,
}

impl Default for Receiving {
    fn default() -> Self {
        Receiving {
            large: Arc::new(Semaphore::new(limits::LARGE_BODIES)),
            small: Arc::new(Semaphore::new(limits::SMALL_BODIES)),
            clients: Arc::default(),
        }
    }
}

impl Receiving {
    /// The permit for a body of at most `limit` bytes; `None` if there is none left, for all or for this client.
    pub fn permit(&self, client: IpAddr, limit: usize) -> Option<Permit> {
        let client = network(client);
        let semaphore = if limit > limits::FORM_BODY_LIMIT { &self.large } else { &self.small };
        let mut clients = self.clients.lock();
        if clients.get(&client).is_some_and(|held| *held >= limits::BODIES_A_CLIENT) {
            return None;
        }
        let permit = Arc::clone(semaphore).try_acquire_owned().ok()?;
        *clients.entry(client).or_default() += 1;
        Some(Permit { _held: permit, clients: Arc::clone(&self.clients), client })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut clients = self.clients.lock();
        if let Some(held) = clients.get_mut(&self.client) {
            *held -= 1;
            if *held == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which is the least that anybody has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_takes_all_and_all_together_have_an_end() {
        let receiving = Receiving::default();
        let address = |number: usize| IpAddr::from([10, 0, 0, u8::try_from(number).unwrap()]);
        let limit = limits::ANSWER_BODY_LIMIT;
        let mut held: Vec<Permit> =
            (0..limits::BODIES_A_CLIENT).map(|_| receiving.permit(address(0), limit).unwrap()).collect();
        assert!(receiving.permit(address(0), limit).is_none(), "one client");
        assert!(receiving.permit(address(0), limits::FORM_BODY_LIMIT).is_none(), "of either size");
        held.extend(
            (limits::BODIES_A_CLIENT..limits::LARGE_BODIES)
                .map(|number| receiving.permit(address(1 + number / limits::BODIES_A_CLIENT), limit).unwrap()),
        );
        assert!(receiving.permit(address(200), limit).is_none(), "all together");
        assert!(receiving.permit(address(200), limits::FORM_BODY_LIMIT).is_some(), "forms have their own");
        held.clear();
        assert!(receiving.permit(address(0), limit).is_some(), "what is dropped is free again");
        assert!(receiving.clients.lock().is_empty(), "nobody is remembered for longer");
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let check = |left: &str, right: &str, same| {
            assert_eq!(network(left.parse().unwrap()) == network(right.parse().unwrap()), same, "{left} {right}");
        };
        check("2001:db8::1", "2001:db8::2:3:4:5", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.2", false);
    }
}
