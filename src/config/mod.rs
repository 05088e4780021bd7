//! The configuration: `ConfigFile` is what was typed, [`Config`] what it means. Nothing else reads files or environment.

mod addresses;
mod dns;
mod file;
mod files;
mod mail;
mod meaning;
mod read;
mod routes;
mod saml;
mod scim;
mod sms;
#[cfg(test)]
mod tests;
mod tls;
mod webhook;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::credential::Policy;
use crate::directory::PublicMail;
use crate::directory::life::Rules;
use crate::kernel::{Role, Slug, Timestamp};
use crate::saml::fetch::FetchSettings;
use crate::second_factor::SmsSettings;
use crate::webhook::Endpoint;

pub use addresses::HostPort;
pub use file::ConfigFile;
pub use files::{FileError, environment, open_files, read_bytes, read_text, readable};
pub use mail::MailSettings;
pub use read::{Mistake, Placed, Reader, Section, nearest, parse_duration};
pub use scim::ScimSettings;
pub use tls::TlsFiles;

/// Where a configuration is looked for if none is named, in this order.
pub const PLACES: [&str; 2] = ["vestibule.toml", "/etc/vestibule/vestibule.toml"];
/// The facts that `[identity_headers]` can give further names to.
pub const FACTS: [&str; 7] = ["user", "email", "name", "org", "role", "teams", "assertion"];
/// The environment variable that overrides `[log] level`.
pub const LOG_VARIABLE: &str = "VESTIBULE_LOG";

/// What a configuration means.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What browsers see: scheme, host and port; the path is `/`.
    pub public_url: Url,
    /// The proxy's worker threads; 0: one a core.
    pub threads: usize,
    /// Peers whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What is opened where.
    pub listen: Listen,
    /// The folder of the embedded store.
    pub store: PathBuf,
    /// The apps behind; never empty.
    pub upstreams: Vec<Upstream>,
    /// Who may go where; the first match wins, and without one a session is needed.
    pub routes: Vec<Route>,
    /// How long sessions live.
    pub session: SessionLimits,
    /// How mail is sent; `None`: it is not.
    pub mail: Option<MailSettings>,
    /// How codes are sent to phones; `None`: they are not.
    pub sms: Option<SmsSettings>,
    /// Who is told of people, memberships and teams; empty: nobody.
    pub webhooks: Vec<Endpoint>,
    /// Which passwords can be chosen, and whether there are any.
    pub password: Policy,
    /// How domains are proved.
    pub dns: Dns,
    /// What the side port is called.
    pub scim: ScimSettings,
    /// Where identity providers' metadata may be read.
    pub saml: FetchSettings,
    /// Further names of identity headers, by fact (one of [`FACTS`]).
    pub identity_headers: Vec<(&'static str, Vec<String>)>,
    /// What is logged, and how.
    pub log: Log,
}

/// `[listen]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The protected app and the portal.
    pub proxy: SocketAddr,
    /// TLS on `proxy`; `None`: plain.
    pub tls: Option<TlsFiles>,
    /// The side port: SCIM.
    pub scim: SocketAddr,
    /// Health, readiness, metrics.
    pub ops: SocketAddr,
    /// Administration.
    pub admin_socket: PathBuf,
}

/// How Vestibule speaks to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/1.1 in TLS.
    Https,
    /// HTTP/2 in the clear.
    H2c,
    /// HTTP/2 in TLS.
    H2,
}

impl UpstreamProtocol {
    /// Whether it runs in TLS.
    pub const fn is_tls(self) -> bool {
        matches!(self, UpstreamProtocol::Https | UpstreamProtocol::H2)
    }
}

/// `[[upstream]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Where it answers; several are balanced. Never empty.
    pub addresses: Vec<HostPort>,
    /// How it is spoken to.
    pub protocol: UpstreamProtocol,
    /// `aud` of the assertions it gets.
    pub audience: String,
    /// The name that its certificate must bear, if it runs in TLS.
    pub server_name: Option<String>,
    /// A PEM file with the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// Who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Whoever has a session.
    SignedIn,
    /// Whoever has a session and matches each list that is not empty.
    Only {
        /// Their organization is one of these.
        orgs: Vec<Slug>,
        /// Their role there is one of these.
        roles: Vec<Role>,
        /// They are in one of these teams.
        teams: Vec<String>,
    },
}

/// `[[route]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// A prefix at segment borders if it ends with `/`, else exactly this path.
    pub path: String,
    /// Who may.
    pub access: Access,
    /// How old their second factor may be; `None`: none is asked for.
    pub max_age: Option<Duration>,
    /// The name of the upstream that answers; `None`: the first one.
    pub upstream: Option<String>,
}

/// `[session]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Ends after so long without a request.
    pub idle: Duration,
    /// Ends so long after the sign-in.
    pub absolute: Duration,
}

/// `[dns]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// The servers to ask; empty: the system's resolvers.
    pub servers: Vec<SocketAddr>,
    /// How often verified domains are looked up, and how long a record may be gone.
    pub rules: Rules,
    /// What the TXT record begins with.
    pub prefix: String,
    /// Domains of public mail providers, which nobody can claim.
    pub public_mail: PublicMail,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// Lines for machines.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// What is written: `info`, or by part such as `info,vestibule::saml=debug`.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

/// A configuration that can be used, with what its writer should know all the same.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// What it means.
    pub config: Config,
    /// What is no mistake and yet worth a word.
    pub warnings: Vec<Mistake>,
}

/// Why a configuration can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file.
    #[error(
        "there is no configuration: neither vestibule.toml here nor /etc/vestibule/vestibule.toml; \
         name one with --config FILE, or try `vestibule demo`, which needs none"
    )]
    Missing,
    /// A file that can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Every mistake in it.
    #[error("{}", .mistakes.iter().map(|mistake| mistake.display(.file)).collect::<Vec<_>>().join("\n"))]
    Mistakes {
        /// The file's name as it was given.
        file: String,
        /// In the order of the lines.
        mistakes: Vec<Mistake>,
    },
}

impl Config {
    /// Reads the configuration at `path`, or at the first of [`PLACES`] that exists. `now` judges certificates.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn load(path: Option<&Path>, now: Timestamp) -> Result<Loaded, ConfigError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => PLACES.iter().map(PathBuf::from).find(|place| place.is_file()).ok_or(ConfigError::Missing)?,
        };
        let text = read_text(&path)?;
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        match Config::parse(&text, &base, now) {
            Ok((config, warnings)) => Ok(Loaded { path, config, warnings }),
            Err(mistakes) => Err(ConfigError::Mistakes { file: path.display().to_string(), mistakes }),
        }
    }

    /// Reads a configuration from its text; paths in it are relative to `base`. Gives it with its warnings.
    ///
    /// # Errors
    /// Every mistake, in the order of the lines.
    pub fn parse(text: &str, base: &Path, now: Timestamp) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
        let reader = Reader::new(text);
        let file = ConfigFile::read(&reader);
        let (config, warnings) = meaning::of(file, &reader, base, now);
        let mistakes = reader.finish();
        match config {
            Some(config) if mistakes.is_empty() => Ok((config, warnings)),
            _ => Err(mistakes),
        }
    }
}
