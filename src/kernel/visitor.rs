//! Who sent a request, as the gate saw it: handed to the doors behind it in a request's extensions.

use std::net::IpAddr;

/// The connection behind a request. The gate writes it; what a client claims has no part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The client's address: the peer, or what a trusted proxy said of it.
    pub address: IpAddr,
    /// The short reference that stands in the access log, for pages that report trouble.
    pub reference: String,
}
