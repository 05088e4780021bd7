//! `ConfigFile`: exactly what was typed, each value with its line. What it means is [`Config`](super::Config)'s.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::addresses::ServerAddress;
use super::read::{Placed, Reader, Section};

/// What an address must look like.
const ADDRESS: &str = "an address and port, such as \"127.0.0.1:8080\"";
/// The most worker threads that can be asked for.
const THREADS_LIMIT: u64 = 1024;
/// The least that can be demanded of a password's length (NIST SP 800-63B §5.1.1.2), and the most.
const SHORTEST_PASSWORD: u64 = 8;
const LONGEST_PASSWORD: u64 = 64;
/// The most SMS that can be allowed in a day.
const MOST_SMS: u64 = 1_000_000;

/// A configuration file as it was typed. `None`: not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile {
    /// `public_url`
    pub public_url: Option<Placed<String>>,
    /// `threads`
    pub threads: Option<Placed<u64>>,
    /// `trusted_proxies`
    pub trusted_proxies: Option<Placed<Vec<Placed<IpNet>>>>,
    /// `[listen]`
    pub listen: ListenFile,
    /// `[store]`
    pub store: StoreFile,
    /// `[[upstream]]`
    pub upstreams: Vec<UpstreamFile>,
    /// `[[route]]`
    pub routes: Vec<RouteFile>,
    /// `[session]`
    pub session: SessionFile,
    /// `[mail]`
    pub mail: MailFile,
    /// `[sms]`
    pub sms: SmsFile,
    /// `[[webhook]]`
    pub webhooks: Vec<WebhookFile>,
    /// `[password]`
    pub password: PasswordFile,
    /// `[dns]`
    pub dns: DnsFile,
    /// `[scim]`
    pub scim: ScimFile,
    /// `[saml]`
    pub saml: SamlFile,
    /// `[identity_headers]`: further names, by the fact they carry.
    pub identity_headers: Vec<(&'static str, Placed<Vec<Placed<String>>>)>,
    /// `[log]`
    pub log: LogFile,
}

/// `[listen]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenFile {
    /// `proxy`
    pub proxy: Option<Placed<SocketAddr>>,
    /// `scim`
    pub scim: Option<Placed<SocketAddr>>,
    /// `ops`
    pub ops: Option<Placed<SocketAddr>>,
    /// `admin_socket`
    pub admin_socket: Option<Placed<String>>,
    /// `tls_certificate`
    pub tls_certificate: Option<Placed<String>>,
    /// `tls_key`
    pub tls_key: Option<Placed<String>>,
}

/// `[scim]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScimFile {
    /// `public_url`
    pub public_url: Option<Placed<String>>,
}

/// `[saml]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SamlFile {
    /// `internal_hosts`
    pub internal_hosts: Option<Placed<Vec<Placed<String>>>>,
    /// `ca`
    pub ca: Option<Placed<String>>,
}

/// `[store]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFile {
    /// `path`
    pub path: Option<Placed<String>>,
    /// `url`
    pub url: Option<Placed<String>>,
}

/// `[[upstream]]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamFile {
    /// The line of its head.
    pub line: usize,
    /// `name`
    pub name: Option<Placed<String>>,
    /// `addresses`
    pub addresses: Option<Placed<Vec<Placed<String>>>>,
    /// `protocol`
    pub protocol: Option<Placed<String>>,
    /// `audience`
    pub audience: Option<Placed<String>>,
    /// `server_name`
    pub server_name: Option<Placed<String>>,
    /// `ca`
    pub ca: Option<Placed<String>>,
}

/// `[[route]]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteFile {
    /// The line of its head.
    pub line: usize,
    /// `path`
    pub path: Option<Placed<String>>,
    /// `access`
    pub access: Option<AccessFile>,
    /// `max_age`
    pub max_age: Option<Placed<Duration>>,
    /// `upstream`
    pub upstream: Option<Placed<String>>,
}

/// `access` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessFile {
    /// A word: `public` or `signed_in`.
    Word(Placed<String>),
    /// A table of who may.
    Only {
        /// `orgs`
        orgs: Option<Placed<Vec<Placed<String>>>>,
        /// `roles`
        roles: Option<Placed<Vec<Placed<String>>>>,
        /// `teams`
        teams: Option<Placed<Vec<Placed<String>>>>,
    },
}

/// `[session]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFile {
    /// `idle`
    pub idle: Option<Placed<Duration>>,
    /// `absolute`
    pub absolute: Option<Placed<Duration>>,
}

/// `[mail]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailFile {
    /// `smtp`: may hold a password.
    pub smtp: Option<Placed<String>>,
    /// `from`
    pub from: Option<Placed<String>>,
    /// `ca`
    pub ca: Option<Placed<String>>,
}

/// `[sms]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsFile {
    /// `url`
    pub url: Option<Placed<String>>,
    /// `account`
    pub account: Option<Placed<String>>,
    /// `token`: a secret.
    pub token: Option<Placed<String>>,
    /// `from`
    pub from: Option<Placed<String>>,
    /// `daily_per_number`
    pub daily_per_number: Option<Placed<u64>>,
    /// `daily_per_organization`
    pub daily_per_organization: Option<Placed<u64>>,
}

/// `[[webhook]]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookFile {
    /// The line of its head.
    pub line: usize,
    /// `name`
    pub name: Option<Placed<String>>,
    /// `url`: may hold a key.
    pub url: Option<Placed<String>>,
    /// `allow_http`
    pub allow_http: Option<Placed<bool>>,
    /// `secret`: a secret.
    pub secret: Option<Placed<String>>,
    /// `old_secrets`: secrets.
    pub old_secrets: Option<Placed<Vec<Placed<String>>>>,
    /// `events`
    pub events: Option<Placed<Vec<Placed<String>>>>,
}

/// `[password]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordFile {
    /// `enabled`
    pub enabled: Option<Placed<bool>>,
    /// `min_length`
    pub min_length: Option<Placed<u64>>,
}

/// `[dns]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsFile {
    /// `servers`
    pub servers: Option<Placed<Vec<Placed<ServerAddress>>>>,
    /// `recheck`
    pub recheck: Option<Placed<Duration>>,
    /// `grace`
    pub grace: Option<Placed<Duration>>,
    /// `prefix`
    pub prefix: Option<Placed<String>>,
    /// `public_mail_domains`
    pub public_mail_domains: Option<Placed<String>>,
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFile {
    /// `level`
    pub level: Option<Placed<String>>,
    /// `format`
    pub format: Option<Placed<String>>,
}

impl ConfigFile {
    /// Reads the text; mistakes of spelling and type go to `reader`.
    pub fn read(reader: &Reader<'_>) -> Self {
        reader.file(|top| {
            let file = ConfigFile {
                public_url: top.text("public_url"),
                threads: top.number("threads", 0, THREADS_LIMIT),
                trusted_proxies: top.list("trusted_proxies", "networks such as \"10.0.0.0/8\""),
                listen: section(&top, "listen", listen),
                store: section(&top, "store", |store| StoreFile { path: store.text("path"), url: store.text("url") }),
                upstreams: each(&top, "upstream", upstream),
                routes: each(&top, "route", route),
                session: section(&top, "session", |session| SessionFile {
                    idle: session.duration("idle"),
                    absolute: session.duration("absolute"),
                }),
                mail: section(&top, "mail", |mail| MailFile {
                    smtp: mail.text("smtp"),
                    from: mail.text("from"),
                    ca: mail.text("ca"),
                }),
                sms: section(&top, "sms", sms),
                webhooks: each(&top, "webhook", webhook),
                password: section(&top, "password", |password| PasswordFile {
                    enabled: password.flag("enabled"),
                    min_length: password.number("min_length", SHORTEST_PASSWORD, LONGEST_PASSWORD),
                }),
                dns: section(&top, "dns", dns),
                scim: section(&top, "scim", |scim| ScimFile { public_url: scim.text("public_url") }),
                saml: section(&top, "saml", |saml| SamlFile {
                    internal_hosts: saml.list("internal_hosts", "names of hosts, such as \"adfs.acme.internal\""),
                    ca: saml.text("ca"),
                }),
                identity_headers: section(&top, "identity_headers", identity_headers),
                log: section(&top, "log", |log| LogFile { level: log.text("level"), format: log.text("format") }),
            };
            top.finish();
            file
        })
    }
}

/// Reads a table, if it is there, and reports its unknown keys.
fn section<T: Default>(top: &Section<'_>, key: &'static str, read: impl FnOnce(&Section<'_>) -> T) -> T {
    let Some(section) = top.section(key) else {
        return T::default();
    };
    let value = read(&section);
    section.finish();
    value
}

/// Reads each table of a list, and reports their unknown keys.
fn each<T>(top: &Section<'_>, key: &'static str, read: impl Fn(&Section<'_>) -> T) -> Vec<T> {
    let read = |section: Section<'_>| {
        let value = read(&section);
        section.finish();
        value
    };
    top.sections(key).into_iter().map(read).collect()
}

fn listen(listen: &Section<'_>) -> ListenFile {
    ListenFile {
        proxy: listen.parsed("proxy", ADDRESS),
        scim: listen.parsed("scim", ADDRESS),
        ops: listen.parsed("ops", ADDRESS),
        admin_socket: listen.text("admin_socket"),
        tls_certificate: listen.text("tls_certificate"),
        tls_key: listen.text("tls_key"),
    }
}

fn upstream(upstream: &Section<'_>) -> UpstreamFile {
    UpstreamFile {
        line: upstream.line(),
        name: upstream.text("name"),
        addresses: upstream.list("addresses", "hosts with ports, such as \"127.0.0.1:3000\""),
        protocol: upstream.text("protocol"),
        audience: upstream.text("audience"),
        server_name: upstream.text("server_name"),
        ca: upstream.text("ca"),
    }
}

fn route(route: &Section<'_>) -> RouteFile {
    let wanted = "\"public\", \"signed_in\", or { orgs = [], roles = [], teams = [] }";
    let access = route.text_or_section("access", wanted).map(|access| match access {
        Ok(word) => AccessFile::Word(word),
        Err(only) => {
            let read = AccessFile::Only {
                orgs: only.list("orgs", "slugs such as \"acme\""),
                roles: only.list("roles", "roles such as \"admin\""),
                teams: only.list("teams", "names of teams"),
            };
            only.finish();
            read
        }
    });
    let (path, max_age, upstream) = (route.text("path"), route.duration("max_age"), route.text("upstream"));
    RouteFile { line: route.line(), path, access, max_age, upstream }
}

fn sms(sms: &Section<'_>) -> SmsFile {
    SmsFile {
        url: sms.text("url"),
        account: sms.text("account"),
        token: sms.text("token"),
        from: sms.text("from"),
        daily_per_number: sms.number("daily_per_number", 1, MOST_SMS),
        daily_per_organization: sms.number("daily_per_organization", 1, MOST_SMS),
    }
}

fn webhook(webhook: &Section<'_>) -> WebhookFile {
    WebhookFile {
        line: webhook.line(),
        name: webhook.text("name"),
        url: webhook.text("url"),
        allow_http: webhook.flag("allow_http"),
        secret: webhook.text("secret"),
        old_secrets: webhook.list("old_secrets", "secrets such as \"whsec_…\""),
        events: webhook.list("events", "types of events, such as \"user.created\" or \"user.*\""),
    }
}

fn dns(dns: &Section<'_>) -> DnsFile {
    DnsFile {
        servers: dns.list("servers", "addresses of DNS servers, such as \"10.0.0.2\" or \"127.0.0.1:5353\""),
        recheck: dns.duration("recheck"),
        grace: dns.duration("grace"),
        prefix: dns.text("prefix"),
        public_mail_domains: dns.text("public_mail_domains"),
    }
}

fn identity_headers(headers: &Section<'_>) -> Vec<(&'static str, Placed<Vec<Placed<String>>>)> {
    let facts = super::FACTS.into_iter();
    facts
        .filter_map(|fact| headers.list(fact, "names of headers, such as \"Remote-User\"").map(|list| (fact, list)))
        .collect()
}
