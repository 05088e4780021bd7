//! Where a request came from: the peer, or what a trusted proxy says of it. Nobody else is believed.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// `X-Forwarded-For`.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Host`.
pub const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Proto`.
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How many addresses of `X-Forwarded-For` are read, from its end.
const HOP_LIMIT: usize = 32;

/// Peers whose `X-Forwarded-*` are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts peers in these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        TrustedProxies(networks.to_vec())
    }

    /// Whether this peer is trusted. An IPv4 address in IPv6 clothes is the IPv4 address.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The client's address: the last one in the chain that is not a trusted proxy's.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let values: Vec<&HeaderValue> = headers.get_all(&FORWARDED_FOR).iter().collect();
        let hops = values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops.take(HOP_LIMIT) {
            let parsed = std::str::from_utf8(hop).ok().and_then(|text| text.trim().parse::<IpAddr>().ok());
            let Some(address) = parsed else { break };
            client = address.to_canonical();
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

/// The `X-Forwarded-*` values for the app: what the client sent is kept only if its peer is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// `X-Forwarded-For`.
    pub for_: HeaderValue,
    /// `X-Forwarded-Host`, if the request named a host.
    pub host: Option<HeaderValue>,
    /// `X-Forwarded-Proto`.
    pub proto: HeaderValue,
}

impl Forwarded {
    /// Reads them from a request before its headers are stripped. `https`: what browsers see at `public_url`.
    pub fn of(
        trusted: &TrustedProxies,
        peer: IpAddr,
        headers: &HeaderMap,
        host: Option<HeaderValue>,
        https: bool,
    ) -> Self {
        let peer = peer.to_canonical();
        let proto = HeaderValue::from_static(if https { "https" } else { "http" });
        let own = text_of(peer);
        if !trusted.contains(peer) {
            return Forwarded { for_: own, host, proto };
        }
        let mut chain: Vec<u8> = Vec::new();
        for value in headers.get_all(&FORWARDED_FOR) {
            chain.extend_from_slice(value.as_bytes());
            chain.extend_from_slice(b", ");
        }
        chain.extend_from_slice(own.as_bytes());
        let said = headers.get(&FORWARDED_PROTO).filter(|value| matches!(value.as_bytes(), b"http" | b"https"));
        Forwarded {
            for_: HeaderValue::from_bytes(&chain).unwrap_or(own),
            host: headers.get(&FORWARDED_HOST).cloned().or(host),
            proto: said.cloned().unwrap_or(proto),
        }
    }

    /// Writes them, in place of whatever was there.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(FORWARDED_FOR, self.for_);
        headers.insert(FORWARDED_PROTO, self.proto);
        if let Some(host) = self.host {
            headers.insert(FORWARDED_HOST, host);
        }
    }
}

/// An address as a header value.
fn text_of(peer: IpAddr) -> HeaderValue {
    use std::fmt::Write as _;
    // The longest address has 39 characters.
    let mut text = bytes::BytesMut::with_capacity(40);
    let written = write!(text, "{peer}");
    let value = written.ok().and_then(|()| HeaderValue::from_maybe_shared(text.freeze()).ok());
    value.unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedProxies {
        TrustedProxies::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let parse = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn the_client_is_the_last_address_that_nobody_vouches_against() {
        let check = |peer: &str, chain: &'static str, expected: &str| {
            let headers = headers(&[("x-forwarded-for", chain)]);
            let client = trusted().client(peer.parse().unwrap(), &headers);
            assert_eq!(client.to_string(), expected, "{peer} {chain}");
        };
        check("192.0.2.1", "198.51.100.9", "192.0.2.1");
        check("10.0.0.1", "198.51.100.9", "198.51.100.9");
        check("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9");
        check("10.0.0.1", "203.0.113.7, 198.51.100.9, 10.0.0.2", "198.51.100.9");
        check("10.0.0.1", "evil", "10.0.0.1");
        check("10.0.0.1", "198.51.100.9, evil, 10.9.9.9", "10.9.9.9");
        check("10.0.0.1", "", "10.0.0.1");
        check("fd00::1", "2001:db8::5", "2001:db8::5");
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        let sent = headers(&[
            ("x-forwarded-for", "198.51.100.9"),
            ("x-forwarded-host", "other.example"),
            ("x-forwarded-proto", "https"),
        ]);
        let of = |peer: &str| {
            Forwarded::of(
                &trusted(),
                peer.parse().unwrap(),
                &sent,
                Some(HeaderValue::from_static("app.example")),
                false,
            )
        };
        let stranger = of("192.0.2.1");
        assert_eq!((stranger.for_.as_bytes(), stranger.proto.as_bytes()), (&b"192.0.2.1"[..], &b"http"[..]));
        assert_eq!(stranger.host.unwrap(), "app.example");
        let friend = of("10.0.0.1");
        assert_eq!((friend.for_.as_bytes(), friend.proto.as_bytes()), (&b"198.51.100.9, 10.0.0.1"[..], &b"https"[..]));
        assert_eq!(friend.host.unwrap(), "other.example");
    }
}
