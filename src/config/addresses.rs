//! Addresses: `host:port`, the public URL, listeners that would collide.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

/// A host, by name or number, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The host: a name, or a number without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Not `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHostPort;

impl FromStr for HostPort {
    type Err = NotHostPort;

    fn from_str(text: &str) -> Result<Self, NotHostPort> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Self { host: address.ip().to_string(), port: address.port() }.with_port();
        }
        let (host, port) = text.rsplit_once(':').ok_or(NotHostPort)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) {
            return Err(NotHostPort);
        }
        Self { host: host.to_owned(), port: port.parse().map_err(|_| NotHostPort)? }.with_port()
    }
}

impl HostPort {
    fn with_port(self) -> Result<Self, NotHostPort> {
        if self.port == 0 { Err(NotHostPort) } else { Ok(self) }
    }

    /// Whether the host is a number.
    pub fn is_numeric(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// A DNS server: an address in numbers, with a port unless it is 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerAddress(pub SocketAddr);

impl FromStr for ServerAddress {
    type Err = NotHostPort;

    fn from_str(text: &str) -> Result<Self, NotHostPort> {
        let alone = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        let address = alone.or_else(|_| text.parse()).map_err(|_| NotHostPort)?;
        if address.port() == 0 { Err(NotHostPort) } else { Ok(ServerAddress(address)) }
    }
}

/// Reads `public_url`: https, or http on loopback (D22); no path, query or credentials.
///
/// # Errors
/// The sentence that says what is wrong and what would be right.
pub fn public_url(text: &str) -> Result<Url, String> {
    let example = "such as \"https://app.example.com\"";
    let url = Url::parse(text).map_err(|_| format!("«public_url» must be a URL {example}, not \"{text}\""))?;
    let host = url.host().ok_or_else(|| format!("«public_url» must name a host, {example}"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" => {
            return Err(format!(
                "«public_url» must be https: plain http is for loopback alone, \
                 such as \"http://localhost:8080\", since passwords and sessions would travel in the open; \
                 write \"https://{}\"",
                text.trim_start_matches("http://")
            ));
        }
        other => return Err(format!("«public_url» must be https, not {other}, {example}")),
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        let origin = url.origin().ascii_serialization();
        return Err(format!("«public_url» must be scheme, host and port alone: write \"{origin}\""));
    }
    Ok(url)
}

/// Whether a host is this machine itself.
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether both can't be opened at once.
pub fn collide(one: SocketAddr, two: SocketAddr) -> bool {
    let same_host = one.ip() == two.ip() || one.ip().is_unspecified() || two.ip().is_unspecified();
    one.port() != 0 && one.port() == two.port() && same_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_port_is_read_as_it_is_written() {
        for good in ["127.0.0.1:3000", "[::1]:3000", "app:3000", "app.internal:80"] {
            assert_eq!(good.parse::<HostPort>().expect(good).to_string(), good);
        }
        for wrong in
            ["", "app", "app:", ":3000", "app:0", "app:70000", "http://app:3000", "a b:80", "::1:80", "app:80/"]
        {
            assert_eq!(wrong.parse::<HostPort>(), Err(NotHostPort), "{wrong}");
        }
    }

    #[test]
    fn d22_plain_http_is_for_loopback_alone() {
        for good in [
            "https://app.example.com",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "http://a.localhost",
        ] {
            assert!(public_url(good).is_ok(), "{good}");
        }
        let check = |text: &str, expected: &str| {
            let refused = public_url(text).expect_err(text);
            assert!(refused.contains(expected), "{text}: {refused}");
        };
        check("http://app.example.com", "write \"https://app.example.com\"");
        check("http://localhost.example.com", "must be https");
        check("ftp://app.example.com", "not ftp");
        check("https://app.example.com/app", "write \"https://app.example.com\"");
        check("https://me:secret@app.example.com", "alone");
        check("app.example.com", "must be a URL");
    }
}
