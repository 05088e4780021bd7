//! What the gate needs to know of the configuration, as plain typed values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::kernel::{Role, Slug};

/// The gate's part of the configuration.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The PEM files of the certificate chain and its key; `None`: plain HTTP/1.1 and h2c.
    pub tls: Option<TlsFiles>,
    /// What browsers see: scheme, host and port.
    pub public_url: Url,
    /// Peers whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The apps behind; never empty. The first one answers routes that name none.
    pub upstreams: Vec<UpstreamSettings>,
    /// Who may go where: the first match wins, and without one a session is needed.
    pub routes: Vec<RouteSettings>,
    /// Further header names for facts about the person: (name, fact).
    pub identity_headers: Vec<(String, IdentityFact)>,
    /// Whether each request leaves a line in the log (target `vestibule::access`).
    pub access_log: bool,
    /// How many files and sockets the process may open, where that is known: it bounds the connections.
    pub open_files: Option<u64>,
}

/// PEM files, read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/1.1 in TLS.
    Https,
    /// HTTP/2 in the clear.
    H2c,
    /// HTTP/2 in TLS.
    H2,
}

impl Protocol {
    /// Whether it runs in TLS.
    pub const fn is_tls(self) -> bool {
        matches!(self, Protocol::Https | Protocol::H2)
    }

    /// Whether it is HTTP/2.
    pub const fn is_h2(self) -> bool {
        matches!(self, Protocol::H2c | Protocol::H2)
    }
}

/// An app behind.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Its name.
    pub name: String,
    /// Host and port of each instance; several are balanced. Never empty.
    pub addresses: Vec<(String, u16)>,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// `aud` of the assertions that it gets.
    pub audience: String,
    /// The name that its certificate must bear; `None`: the host of the address.
    pub server_name: Option<String>,
    /// A PEM file with the authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// Who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Whoever has a session in an organization.
    SignedIn,
    /// Whoever has one and matches each list that is not empty.
    Only {
        /// Their organization is one of these.
        orgs: Vec<Slug>,
        /// Their role there is one of these.
        roles: Vec<Role>,
        /// They are in one of these teams, without letter case.
        teams: Vec<String>,
    },
}

/// A rule about a part of the app.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// With a last `/`: this path and all below it, at segment borders. Without: exactly this path.
    pub path: String,
    /// Who may.
    pub access: Access,
    /// How old their second factor may be; `None`: none is asked for.
    pub max_age: Option<Duration>,
    /// The upstream's name; `None`: the first one.
    pub upstream: Option<String>,
}

/// What can be told about a person under a header name of the app's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityFact {
    /// The account's id.
    User,
    /// The address.
    Email,
    /// The name.
    Name,
    /// The organization's slug.
    Org,
    /// The role.
    Role,
    /// The teams, a JSON array.
    Teams,
    /// The signed assertion.
    Assertion,
}

impl IdentityFact {
    /// Every fact, in the order in which they are sent.
    pub const ALL: [IdentityFact; 7] = [
        IdentityFact::User,
        IdentityFact::Email,
        IdentityFact::Name,
        IdentityFact::Org,
        IdentityFact::Role,
        IdentityFact::Teams,
        IdentityFact::Assertion,
    ];

    /// The fixed header name (CONTRACT.md).
    pub const fn header(self) -> &'static str {
        match self {
            IdentityFact::User => "x-vestibule-user",
            IdentityFact::Email => "x-vestibule-email",
            IdentityFact::Name => "x-vestibule-name",
            IdentityFact::Org => "x-vestibule-org",
            IdentityFact::Role => "x-vestibule-role",
            IdentityFact::Teams => "x-vestibule-teams",
            IdentityFact::Assertion => "x-vestibule-assertion",
        }
    }
}
