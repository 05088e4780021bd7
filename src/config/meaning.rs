//! From what was typed to what it means: defaults are here, and every mistake that takes more than spelling to see.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{ConfigFile, ListenFile, LogFile, PasswordFile, SessionFile, StoreFile};
use super::read::{Mistake, Placed, Reader};
use super::tls::{self, TlsFiles, Which};
use super::{Config, Listen, Log, LogFormat, SessionLimits, addresses, dns, mail, routes, saml, scim, sms, webhook};
use crate::credential::Policy;
use crate::kernel::Timestamp;

const DEFAULT_PUBLIC_URL: &str = "http://localhost:8080";
const DEFAULT_PROXY_PORT: u16 = 8080;
const DEFAULT_SCIM_PORT: u16 = 8081;
const DEFAULT_OPS_PORT: u16 = 8082;
const DEFAULT_STORE: &str = "data";
const DEFAULT_IDLE: Duration = Duration::from_secs(8 * 3600);
const DEFAULT_ABSOLUTE: Duration = Duration::from_secs(24 * 3600);
/// The longest session that can be configured: it bounds what revocation must remember.
const LONGEST_SESSION: Duration = Duration::from_secs(30 * 24 * 3600);
/// The shortest.
const SHORTEST_SESSION: Duration = Duration::from_secs(60);
/// The longest path of a Unix socket, in bytes (Linux, `sockaddr_un`, with its NUL).
const SOCKET_PATH_LIMIT: usize = 107;
/// Log levels by their weight.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Collects what is wrong, and what is worth a word.
pub struct Meaning<'r> {
    reader: &'r Reader<'r>,
    base: &'r Path,
    now: Timestamp,
    warnings: RefCell<Vec<Mistake>>,
}

impl Meaning<'_> {
    /// Notes a mistake.
    pub fn wrong(&self, line: usize, text: impl Into<String>) {
        self.reader.report(line, text);
    }

    /// Notes a mistake in place of a value.
    pub fn missing<T>(&self, line: usize, text: &str) -> Option<T> {
        self.reader.report(line, text);
        None
    }

    /// Notes what is no mistake and yet worth a word.
    pub fn warn(&self, line: usize, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Mistake { line, text: text.into() });
    }

    /// Whether `key` may be there although it could not be read.
    pub fn may_be_meant(&self, key: &str) -> bool {
        self.reader.may_be_meant(key)
    }

    /// A path as it was typed, relative to the folder of the configuration.
    pub fn path(&self, typed: &str) -> PathBuf {
        self.base.join(typed)
    }
}

/// What `file` means, with warnings; mistakes go to `reader`. `None` if something indispensable is wrong.
pub fn of(file: ConfigFile, reader: &Reader<'_>, base: &Path, now: Timestamp) -> (Option<Config>, Vec<Mistake>) {
    let meaning = Meaning { reader, base, now, warnings: RefCell::default() };
    let config = config(&meaning, file);
    let mut warnings = meaning.warnings.into_inner();
    warnings.sort();
    (config, warnings)
}

fn config(meaning: &Meaning<'_>, file: ConfigFile) -> Option<Config> {
    // Destructured whole, so that a new key can't be forgotten.
    let ConfigFile {
        public_url,
        threads,
        trusted_proxies,
        listen,
        store,
        upstreams,
        routes: typed_routes,
        session,
        mail: typed_mail,
        sms: typed_sms,
        webhooks: typed_webhooks,
        password,
        dns: typed_dns,
        scim: typed_scim,
        saml: typed_saml,
        identity_headers,
        log,
    } = file;
    let public_url = or(public_url, DEFAULT_PUBLIC_URL.to_owned());
    let url = addresses::public_url(&public_url.value);
    let url = url.map_err(|text| meaning.wrong(public_url.line, text)).ok();
    let store = store_folder(meaning, store);
    let proxy_line = listen.proxy.as_ref().map_or(0, |proxy| proxy.line);
    let listen = listeners(meaning, listen, &store);
    if url.as_ref().is_some_and(|url| url.scheme() == "http") && listen.tls.is_some() {
        let text = "«public_url» is http, but [listen] has a certificate: browsers would need https here";
        meaning.wrong(public_url.line, text);
    }
    let in_front = trusted_proxies.as_ref().is_some_and(|list| !list.value.is_empty());
    let in_the_open = listen.tls.is_none() && !listen.proxy.ip().is_loopback() && !in_front;
    if in_the_open && url.as_ref().is_some_and(|url| url.scheme() == "https") {
        let text = "«public_url» is https, but «proxy» speaks plain HTTP: name «tls_certificate» and «tls_key», \
                    unless something in front ends TLS; then name its network in «trusted_proxies»";
        meaning.warn(proxy_line, text);
    }
    let scim = scim::settings(meaning, typed_scim, listen.scim, listen.tls.is_some(), url.as_ref());
    let upstreams = routes::upstreams(meaning, upstreams);
    let routes = routes::routes(meaning, typed_routes, &upstreams);
    let trusted = trusted_proxies.map(|list| list.value).unwrap_or_default();
    Some(Config {
        public_url: url?,
        threads: usize::try_from(threads.map_or(0, |threads| threads.value)).unwrap_or(0),
        trusted_proxies: trusted.into_iter().map(|network| network.value).collect(),
        listen,
        store,
        upstreams,
        routes,
        session: session_limits(meaning, session),
        mail: mail::settings(meaning, typed_mail),
        sms: sms::settings(meaning, typed_sms),
        webhooks: webhook::endpoints(meaning, typed_webhooks),
        password: password_policy(password),
        dns: dns::dns(meaning, typed_dns),
        scim: scim?,
        saml: saml::settings(meaning, typed_saml),
        identity_headers: headers(meaning, identity_headers),
        log: log_settings(meaning, log),
    })
}

/// What was typed, or the default, which stands on no line.
pub fn or<T>(typed: Option<Placed<T>>, default: T) -> Placed<T> {
    typed.unwrap_or(Placed { value: default, line: 0 })
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn store_folder(meaning: &Meaning<'_>, typed: StoreFile) -> PathBuf {
    let StoreFile { path, url } = typed;
    if let Some(url) = url {
        let text = "«url» (PostgreSQL) is not in this version yet: use «path», the folder of the embedded store";
        meaning.wrong(url.line, text);
    }
    let path = or(path, DEFAULT_STORE.to_owned());
    let folder = meaning.path(&path.value);
    if path.value.is_empty() {
        meaning.wrong(path.line, "«path» is empty: name a folder, such as \"data\"");
    } else if folder.is_file() {
        meaning.wrong(path.line, format!("{} is a file: «path» names a folder", folder.display()));
    }
    folder
}

fn listeners(meaning: &Meaning<'_>, typed: ListenFile, store: &Path) -> Listen {
    let ListenFile { proxy, scim, ops, admin_socket, tls_certificate, tls_key } = typed;
    let proxy = or(proxy, loopback(DEFAULT_PROXY_PORT));
    let ops = or(ops, loopback(DEFAULT_OPS_PORT));
    let scim = or(scim, loopback(DEFAULT_SCIM_PORT));
    for ((one, first), (other, second)) in
        [(("proxy", &proxy), ("ops", &ops)), (("proxy", &proxy), ("scim", &scim)), (("scim", &scim), ("ops", &ops))]
    {
        if addresses::collide(first.value, second.value) {
            let text = format!("«{one}» ({}) and «{other}» ({}) want the same port", first.value, second.value);
            let reason = "give each its own; ops never belongs on the public one";
            meaning.wrong(first.line.max(second.line), format!("{text}: {reason}"));
        }
    }
    let socket = match &admin_socket {
        Some(typed) => Placed { value: meaning.path(&typed.value), line: typed.line },
        None => Placed { value: store.join("admin.sock"), line: 0 },
    };
    if socket.value.as_os_str().len() > SOCKET_PATH_LIMIT {
        let text = "the path of the admin socket is too long for the system";
        let path = socket.value.display();
        meaning.wrong(
            socket.line,
            format!("{text} (over {SOCKET_PATH_LIMIT} bytes): set a shorter «admin_socket» than {path}"),
        );
    }
    let tls = tls_files(meaning, tls_certificate, tls_key);
    Listen { proxy: proxy.value, tls, scim: scim.value, ops: ops.value, admin_socket: socket.value }
}

fn tls_files(
    meaning: &Meaning<'_>,
    certificate: Option<Placed<String>>,
    key: Option<Placed<String>>,
) -> Option<TlsFiles> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return None,
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(one), None) => return meaning.missing(one.line, "«tls_certificate» needs «tls_key» beside it"),
        (None, Some(one)) => return meaning.missing(one.line, "«tls_key» needs «tls_certificate» beside it"),
    };
    let files = TlsFiles { certificate: meaning.path(&certificate.value), key: meaning.path(&key.value) };
    match tls::check(&files, meaning.now) {
        Ok(None) => {}
        Ok(Some(warning)) => meaning.warn(certificate.line, warning),
        Err(wrong) => {
            for (which, text) in wrong {
                let line = if which == Which::Key { key.line } else { certificate.line };
                meaning.wrong(line, text);
            }
        }
    }
    Some(files)
}

fn password_policy(typed: PasswordFile) -> Policy {
    let PasswordFile { enabled, min_length } = typed;
    let default = Policy::default();
    Policy {
        enabled: enabled.map_or(default.enabled, |enabled| enabled.value),
        min_length: min_length.map_or(default.min_length, |length| usize::try_from(length.value).unwrap_or(usize::MAX)),
    }
}

fn session_limits(meaning: &Meaning<'_>, typed: SessionFile) -> SessionLimits {
    let SessionFile { idle, absolute } = typed;
    let absolute = or(absolute, DEFAULT_ABSOLUTE);
    // Who shortens the absolute limit alone means the idle one to be no longer.
    let idle = or(idle, DEFAULT_IDLE.min(absolute.value));
    for (name, limit) in [("idle", &idle), ("absolute", &absolute)] {
        if limit.value < SHORTEST_SESSION || limit.value > LONGEST_SESSION {
            meaning.wrong(limit.line, format!("«{name}» must be from \"1m\" to \"30d\""));
        }
    }
    if idle.value > absolute.value && !meaning.may_be_meant("absolute") {
        meaning.wrong(
            idle.line.max(absolute.line),
            "«idle» is longer than «absolute», so it would never count: make it shorter",
        );
    }
    SessionLimits { idle: idle.value, absolute: absolute.value }
}

fn headers(
    meaning: &Meaning<'_>,
    typed: Vec<(&'static str, Placed<Vec<Placed<String>>>)>,
) -> Vec<(&'static str, Vec<String>)> {
    let mut seen: Vec<String> = Vec::new();
    let mut means = Vec::new();
    for (fact, names) in typed {
        for name in &names.value {
            let folded = name.value.to_ascii_lowercase().replace(['_', '.'], "-");
            if let Some(text) = wrong_header(&name.value, &folded) {
                meaning.wrong(name.line, text);
            } else if seen.contains(&folded) {
                meaning.wrong(name.line, format!("the header \"{}\" is there twice", name.value));
            }
            seen.push(folded);
        }
        means.push((fact, names.value.into_iter().map(|name| name.value).collect()));
    }
    means
}

fn wrong_header(name: &str, folded: &str) -> Option<String> {
    /// Headers that carry the request itself.
    const OWN: [&str; 10] = [
        "host",
        "cookie",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "upgrade",
        "te",
        "forwarded",
    ];
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some(format!("\"{name}\" is not the name of a header, such as \"Remote-User\""));
    }
    let taken = OWN.contains(&folded) || folded.starts_with("x-vestibule-");
    let forwarded = matches!(folded, "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto");
    (taken || forwarded).then(|| format!("the header \"{name}\" has a meaning of its own and can't carry an identity"))
}

fn log_settings(meaning: &Meaning<'_>, typed: LogFile) -> Log {
    let LogFile { level, format } = typed;
    let level = or(level, "info".to_owned());
    for directive in level.value.split(',') {
        let word = directive.rsplit('=').next().unwrap_or_default().trim();
        if !LEVELS.contains(&word.to_ascii_lowercase().as_str()) {
            let text = format!("\"{word}\" is not a level: off, error, warn, info, debug or trace is wanted");
            meaning.wrong(level.line, format!("{text}, by part if need be (\"info,vestibule::saml=debug\")"));
        }
    }
    let format = or(format, "auto".to_owned());
    let means = match format.value.as_str() {
        "auto" => LogFormat::Auto,
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => {
            meaning.wrong(format.line, format!("«format» must be auto, text or json, not \"{other}\""));
            LogFormat::Auto
        }
    };
    Log { level: level.value, format: means }
}
