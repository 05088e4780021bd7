//! One conversation with the mail server (RFC 5321), and what went wrong in it, told apart: the mail, or the server.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::message::{Sender, Written};
use super::server::{Security, SmtpServer};

/// How long one address of the server may take to answer a connection.
const CONNECT_FOR: Duration = Duration::from_secs(15);
/// How we may say who we are, the best first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Why a mail was not taken. Holds no words of the server: they may name the recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// This mail, for good (5yz to the recipient or the message).
    Mail(u16),
    /// This mail, for now (4yz).
    MailLater(u16),
    /// The server, whatever the mail: it is not there, or wants something else of us.
    Server(Trouble),
}

/// What is wrong with the server, or with how we are set up there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It can't be reached, or broke off.
    #[error("the mail server can't be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the mail server does not answer in time")]
    TooSlow,
    /// TLS failed.
    #[error("no TLS with the mail server: {0}")]
    Tls(String),
    /// It has no STARTTLS, and we demand it.
    #[error("the mail server offers no STARTTLS; smtps:// is TLS from the start, ?tls=none goes without")]
    NoStartTls,
    /// It does not know us.
    #[error("the mail server does not take name and password (code {0})")]
    Login(u16),
    /// It has no way to log in that we know.
    #[error("the mail server takes no name and password here")]
    NoLogin,
    /// It does not take mail from the configured sender.
    #[error("the mail server takes no mail from «from» (code {0})")]
    From(u16),
    /// Another answer that is no mail's.
    #[error("the mail server refused (code {0})")]
    Refused(u16),
    /// It does not speak SMTP as we know it.
    #[error("the mail server's answer is not understood")]
    Unclear,
}

impl Trouble {
    /// The code in metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Trouble::Unreachable(_) => "unreachable",
            Trouble::TooSlow => "too_slow",
            Trouble::Tls(_) => "tls",
            Trouble::NoStartTls => "no_starttls",
            Trouble::Login(_) | Trouble::NoLogin => "login",
            Trouble::From(_) => "from",
            Trouble::Refused(_) => "refused",
            Trouble::Unclear => "unclear",
        }
    }
}

/// An open conversation: takes one mail after the other.
pub struct Conversation(AsyncSmtpConnection);

impl Conversation {
    /// Connects, protects the way, says who we are.
    pub async fn open(server: &SmtpServer, hello: &ClientId) -> Result<Self, Failed> {
        let tls = match server.security {
            Security::Plain => None,
            Security::Tls | Security::StartTls => Some(parameters(server).map_err(Failed::Server)?),
        };
        let at_once = tls.clone().filter(|_| server.security == Security::Tls);
        let place = (server.host.as_str(), server.port);
        let connected = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT_FOR), hello, at_once, None).await;
        let mut connection = connected.map_err(|error| Failed::Server(trouble(&error)))?;
        if let Some(tls) = tls.filter(|_| server.security == Security::StartTls) {
            if !connection.can_starttls() {
                return Err(Failed::Server(Trouble::NoStartTls));
            }
            connection.starttls(tls, hello).await.map_err(|error| Failed::Server(trouble(&error)))?;
        }
        if let Some((name, password)) = &server.login {
            let credentials = Credentials::new(name.clone(), password.expose().clone());
            let known = connection.auth(&MECHANISMS, &credentials).await;
            known.map_err(|error| Failed::Server(login_trouble(&error)))?;
        }
        Ok(Conversation(connection))
    }

    /// Hands over one mail: `Ok` is the server's word that it has it.
    pub async fn hand_over(&mut self, from: &Sender, mail: &Written) -> Result<(), Failed> {
        let from = Mail::new(Some(from.address().clone()), Vec::new());
        self.0.command(from).await.map_err(|error| match status(&error) {
            Some(code) => Failed::Server(Trouble::From(code)),
            None => Failed::Server(trouble(&error)),
        })?;
        self.0.command(Rcpt::new(mail.to.clone(), Vec::new())).await.map_err(|error| of_mail(&error))?;
        self.0.command(Data).await.map_err(|error| of_mail(&error))?;
        self.0.message(&mail.bytes).await.map_err(|error| of_mail(&error))?;
        Ok(())
    }

    /// Says good-bye.
    pub async fn close(mut self) {
        let _ = self.0.quit().await;
    }
}

fn parameters(server: &SmtpServer) -> Result<TlsParameters, Trouble> {
    let wrong = |error: Error| Trouble::Tls(causes(&error));
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(authorities) = &server.authorities {
        builder = builder.certificate_store(CertificateStore::None);
        builder = builder.add_root_certificate(Certificate::from_pem(authorities).map_err(wrong)?);
    }
    builder.build_rustls().map_err(wrong)
}

/// The reply code (RFC 5321 §4.2), if the server refused in so many words.
fn status(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

fn of_mail(error: &Error) -> Failed {
    match status(error) {
        // 421: it closes the connection, whatever the mail.
        Some(421) => Failed::Server(Trouble::Refused(421)),
        // 530: it wants to know who we are, or TLS, first.
        Some(530) => Failed::Server(Trouble::Login(530)),
        Some(code) if error.is_permanent() => Failed::Mail(code),
        Some(code) => Failed::MailLater(code),
        None => Failed::Server(trouble(error)),
    }
}

fn login_trouble(error: &Error) -> Trouble {
    match status(error) {
        Some(code) => Trouble::Login(code),
        None if error.is_client() => Trouble::NoLogin,
        None => trouble(error),
    }
}

fn trouble(error: &Error) -> Trouble {
    if let Some(code) = status(error) {
        return Trouble::Refused(code);
    }
    if error.is_timeout() {
        return Trouble::TooSlow;
    }
    if error.is_tls() {
        return Trouble::Tls(causes(error));
    }
    if error.is_response() || error.is_client() {
        return Trouble::Unclear;
    }
    Trouble::Unreachable(causes(error))
}

/// The system's own words beneath an error: of sockets, names and certificates, never of a mail.
fn causes(error: &Error) -> String {
    let mut cause = error.source();
    let mut told = "no more is known".to_owned();
    while let Some(error) = cause {
        let end = error.downcast_ref::<io::Error>().is_some_and(|error| error.get_ref().is_none());
        told = error.to_string();
        if end {
            break;
        }
        cause = error.source();
    }
    told
}
