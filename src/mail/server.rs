//! Which mail server takes our mail, as one URL says it: `smtp://name:password@host:587`, `smtps://host`.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::kernel::Secret;

/// The port for submission with STARTTLS (RFC 6409 §3.1).
const SUBMISSION: u16 = 587;
/// The port for submission in TLS from the start (RFC 8314 §3.3).
const SUBMISSIONS: u16 = 465;
/// What a URL looks like, for those who wrote another.
const EXAMPLE: &str = "such as \"smtp://name:password@mail.example.com:587\"";

/// What protects the way to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the start.
    Tls,
    /// STARTTLS, demanded: without it nothing is sent.
    StartTls,
    /// Nothing.
    Plain,
}

/// A mail server that takes what we send.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What protects the way there.
    pub security: Security,
    /// Who we are there: name and password.
    pub login: Option<(String, Secret<String>)>,
    /// PEM: the authorities to trust instead of the system's.
    pub authorities: Option<Vec<u8>>,
}

impl PartialEq for SmtpServer {
    fn eq(&self, other: &Self) -> bool {
        let login =
            |server: &SmtpServer| server.login.clone().map(|(name, password)| (name, password.expose().clone()));
        let place = |server: &SmtpServer| (server.host.clone(), server.port, server.security);
        place(self) == place(other) && login(self) == login(other) && self.authorities == other.authorities
    }
}
impl Eq for SmtpServer {}

impl fmt::Debug for SmtpServer {
    /// Without name and password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SmtpServer({}:{}, {:?})", self.host, self.port, self.security)
    }
}

impl SmtpServer {
    /// Reads a URL. `smtps` is TLS from the start. `smtp` is STARTTLS, and demands it; on loopback it is plain, as it is
    /// elsewhere with `?tls=none`; `?tls=required` demands STARTTLS on loopback too.
    ///
    /// # Errors
    /// The sentence that says what is wrong and what would be right; never with the password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| format!("«smtp» must be a URL {EXAMPLE}"))?;
        let host = match url.host() {
            // Other schemes than the web's are not read as numbers by themselves.
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(format!("«smtp» must name the mail server, {EXAMPLE}")),
        };
        let number: Option<IpAddr> = host.parse().ok();
        let loopback = number.map_or(host == "localhost", |address| address.is_loopback());
        let (security, port) = match (url.scheme(), wanted_tls(&url)?) {
            ("smtps", None) => (Security::Tls, SUBMISSIONS),
            ("smtps", Some(_)) => return Err("«smtp»: smtps is TLS from the start: leave ?tls= out".to_owned()),
            ("smtp", wanted) if wanted.unwrap_or(!loopback) => (Security::StartTls, SUBMISSION),
            ("smtp", _) => (Security::Plain, SUBMISSION),
            (other, _) => return Err(format!("«smtp» begins with smtp:// or smtps://, not {other}://, {EXAMPLE}")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("«smtp» ends with the port: there is nothing behind it but ?tls=, {EXAMPLE}"));
        }
        if url.port() == Some(0) {
            return Err("«smtp»: port 0 is none".to_owned());
        }
        let login = login(&url)?;
        Ok(SmtpServer { host, port: url.port().unwrap_or(port), security, login, authorities: None })
    }

    /// Whether passwords and mail would cross a network in the open.
    pub fn is_open(&self) -> bool {
        let loopback =
            self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.security == Security::Plain && !loopback
    }
}

/// `?tls=required` or `?tls=none`.
fn wanted_tls(url: &Url) -> Result<Option<bool>, String> {
    match url.query() {
        None => Ok(None),
        Some("tls=required") => Ok(Some(true)),
        Some("tls=none") => Ok(Some(false)),
        Some(_) => Err("«smtp»: behind ? only tls=required or tls=none is known".to_owned()),
    }
}

fn login(url: &Url) -> Result<Option<(String, Secret<String>)>, String> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8().map(String::from).ok();
    let escape = "«smtp»: name and password must be percent-encoded UTF-8, such as p%40ss for p@ss";
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(format!("«smtp» needs a name and a password, or neither, {EXAMPLE}")),
        (name, Some(password)) => match (decode(name), decode(password)) {
            (Some(name), Some(password)) => Ok(Some((name, Secret::new(password)))),
            _ => Err(escape.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let check = |text: &str, host: &str, port: u16, security: Security, login: Option<(&str, &str)>| {
            let server = SmtpServer::parse(text).expect(text);
            assert_eq!((server.host.as_str(), server.port, server.security), (host, port, security), "{text}");
            let found = server.login.map(|(name, password)| (name, password.expose().clone()));
            assert_eq!(found, login.map(|(name, password)| (name.to_owned(), password.to_owned())), "{text}");
        };
        let login = Some(("ada", "p@ss:w"));
        check("smtp://ada:p%40ss%3Aw@mail.acme.example:2525", "mail.acme.example", 2525, Security::StartTls, login);
        check("smtp://mail.acme.example", "mail.acme.example", 587, Security::StartTls, None);
        check("smtps://mail.acme.example/", "mail.acme.example", 465, Security::Tls, None);
        check("smtp://127.0.0.1:25", "127.0.0.1", 25, Security::Plain, None);
        check("smtp://[::1]:25", "::1", 25, Security::Plain, None);
        check("smtp://localhost:25?tls=required", "localhost", 25, Security::StartTls, None);
        check("smtp://relay.internal:25?tls=none", "relay.internal", 25, Security::Plain, None);
        check("smtp://localhost.evil.example", "localhost.evil.example", 587, Security::StartTls, None);
        assert!(SmtpServer::parse("smtp://relay.internal:25?tls=none").unwrap().is_open());
        assert!(!SmtpServer::parse("smtp://127.0.0.1:25").unwrap().is_open());
    }

    #[test]
    fn what_is_wrong_is_said_and_the_password_never_is() {
        let check = |text: &str, expected: &str| {
            let wrong = SmtpServer::parse(text).expect_err(text);
            assert!(wrong.contains(expected) && !wrong.contains("hunter2"), "{text}: {wrong}");
        };
        check("mail.acme.example", "must be a URL");
        check("https://ada:hunter2@mail.acme.example", "not https://");
        check("smtp://ada@mail.acme.example", "needs a name and a password");
        check("smtp://:hunter2@mail.acme.example", "needs a name and a password");
        check("smtp://ada:hunter2@mail.acme.example/inbox", "ends with the port");
        check("smtp://mail.acme.example?tls=maybe", "tls=required or tls=none");
        check("smtps://mail.acme.example?tls=none", "leave ?tls= out");
        check("smtp://mail.acme.example:0", "port 0");
        check("smtp:///", "must name the mail server");
        let server = SmtpServer::parse("smtp://ada:hunter2@mail.acme.example").unwrap();
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
