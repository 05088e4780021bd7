//! Which hosts this is: the Host of a request is an input, and another site's name is answered with 421.

use http::header::{self, HeaderValue};
use pingora::http::RequestHeader;
use url::{Host, Url};

/// The names that the gate answers to.
#[derive(Clone, Debug)]
pub struct Hosts {
    public: String,
    /// On loopback every name of loopback is the same machine.
    loopback: bool,
}

/// How a request's host compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMatch {
    /// It is `public_url`'s.
    Public,
    /// It is another name of loopback, and `public_url` is on loopback: cookies there are not those of `public_url`.
    Alias,
    /// It is somebody else's.
    Other,
}

impl Hosts {
    /// The names that follow from `public_url`.
    pub fn new(public_url: &Url) -> Self {
        let loopback = match public_url.host() {
            Some(Host::Domain(name)) => is_loopback_name(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        Hosts { public: public_url.host_str().unwrap_or_default().to_ascii_lowercase(), loopback }
    }

    /// Compares the host of a `Host` header; its port plays no part, but must be one.
    pub fn compare(&self, host: &[u8]) -> HostMatch {
        let Some(name) = without_port(host) else { return HostMatch::Other };
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.eq_ignore_ascii_case(self.public.as_bytes()) {
            return HostMatch::Public;
        }
        let text = std::str::from_utf8(name).unwrap_or_default();
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let numbers = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.loopback && (numbers || is_loopback_name(text)) { HostMatch::Alias } else { HostMatch::Other }
    }
}

fn is_loopback_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The name alone; `None` if what stands behind it is no port.
fn without_port(host: &[u8]) -> Option<&[u8]> {
    let end = match host.first() {
        Some(b'[') => host.iter().position(|byte| *byte == b']').map(|end| end + 1),
        _ => host.iter().position(|byte| *byte == b':'),
    };
    let (name, port) = host.split_at(end.unwrap_or(host.len()));
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => matches!(digits.len(), 1..=5) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port.then_some(name)
}

/// The host that a request names: `:authority` over HTTP/2, else the Host header.
pub fn of(request: &RequestHeader) -> Option<&[u8]> {
    let authority = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    authority.or_else(|| request.headers.get(header::HOST).map(HeaderValue::as_bytes))
}

/// The same as a header value, if it can be one.
pub fn value(request: &RequestHeader) -> Option<HeaderValue> {
    match request.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => request.headers.get(header::HOST).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public_url: &str, host: &str, expected: HostMatch) {
        let hosts = Hosts::new(&public_url.parse().unwrap());
        assert_eq!(hosts.compare(host.as_bytes()), expected, "{public_url} {host}");
    }

    #[test]
    fn a_public_host_is_itself_alone() {
        let url = "https://app.acme.example";
        check(url, "app.acme.example", HostMatch::Public);
        check(url, "APP.acme.example.:8443", HostMatch::Public);
        for other in
            ["app.acme.example:", "app.acme.example:x", "app.acme.example:80/x?y=<z>", "app.acme.example:123456"]
        {
            check(url, other, HostMatch::Other);
        }
        for other in ["acme.example", "evil.example", "localhost", "127.0.0.1", "", "app.acme.example@evil.example"] {
            check(url, other, HostMatch::Other);
        }
    }

    #[test]
    fn on_loopback_every_loopback_name_is_known() {
        let url = "http://localhost:8080";
        check(url, "localhost:8080", HostMatch::Public);
        check(url, "localhost", HostMatch::Public);
        check(url, "127.0.0.1:8080", HostMatch::Alias);
        check(url, "[::1]:8080", HostMatch::Alias);
        check(url, "app.localhost", HostMatch::Alias);
        check(url, "[::1]evil.example", HostMatch::Other);
        check(url, "evil.example", HostMatch::Other);
        check(url, "127.0.0.1.evil.example", HostMatch::Other);
    }
}
