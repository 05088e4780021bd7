//! Where a request came from: the proxy knows, and tells the other doors in the request's extensions.

use std::fmt;
use std::net::IpAddr;

/// The client of a request. Without an address: the request came over a Unix socket, or from a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The address, as the listener saw it or as a trusted proxy told it.
    pub address: Option<IpAddr>,
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        Client { address: Some(address) }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(formatter, "{address}"),
            None => formatter.write_str("unknown"),
        }
    }
}
