//! A real mail server: Debian's aiosmtpd under Python, which keeps each mail that it takes as a file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ports;

/// How long a mail may take to arrive.
const PATIENCE: Duration = Duration::from_secs(180);

/// How the way to it is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    StartTls,
    Tls,
}

/// A running mail server; it ends when dropped.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate, PEM, for «localhost».
    pub certificate: String,
    process: Option<Child>,
    home: TempDir,
    arguments: Vec<String>,
}

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// To whom.
    pub to: String,
    /// Head and text, decoded.
    pub text: String,
}

impl MailServer {
    /// A mail server that takes mail from anyone on this machine.
    pub async fn start() -> Self {
        let mut server = Self::down(Way::Plain, None);
        server.come_up().await;
        server
    }

    /// One that listens that way, and wants `login` (`name:password`).
    pub async fn with(way: Way, login: Option<&str>) -> Self {
        let mut server = Self::down(way, login);
        server.come_up().await;
        server
    }

    /// One that is not up yet, at an address of its own.
    pub fn down(way: Way, login: Option<&str>) -> Self {
        let address = ports::free();
        let home = tempfile::tempdir().expect("a directory");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir(at("mail")).unwrap();
        std::fs::write(at("tls.crt"), made.cert.pem()).unwrap();
        std::fs::write(at("tls.key"), made.signing_key.serialize_pem()).unwrap();
        let shown = |name: &str| at(name).display().to_string();
        let way = match way {
            Way::Plain => "none",
            Way::StartTls => "starttls",
            Way::Tls => "wrapped",
        };
        let mut arguments: Vec<String> = vec!["--port".into(), address.port().to_string(), "--tls".into(), way.into()];
        arguments.extend(["--folder".into(), shown("mail"), "--certificate".into(), shown("tls.crt")]);
        arguments.extend(["--key".into(), shown("tls.key")]);
        if let Some(login) = login {
            arguments.extend(["--login".to_owned(), login.to_owned()]);
        }
        MailServer { address, certificate: made.cert.pem(), process: None, home, arguments }
    }

    /// Starts it, and waits until it answers.
    pub async fn come_up(&mut self) {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/world/mail_server.py");
        let log = std::fs::File::create(self.home.path().join("log")).expect("a log");
        // Debian's own Python: another one in the path would not have its packages.
        let started = Command::new("/usr/bin/python3")
            .arg(script)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let mut process = started.expect("python3 is not installed: `make test` installs it");
        let log = self.home.path().join("log");
        ports::wait_for(self.address, || {
            let status = process.try_wait().expect("a process")?;
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            Some(format!("the mail server ended with {status}: {log}"))
        })
        .await;
        self.process = Some(process);
    }

    /// `[mail]` for the configuration of a site that sends here.
    pub fn configuration(&self) -> String {
        format!("[mail]\nsmtp = \"smtp://{}\"\nfrom = \"Vestibule <sign-in@app.example>\"\n", self.address)
    }

    /// Everything that has arrived, in order.
    pub fn arrived(&self) -> Vec<Arrived> {
        let folder = std::fs::read_dir(self.home.path().join("mail")).expect("a folder");
        let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        paths.iter().map(|path| Arrived::read(&std::fs::read_to_string(path).unwrap())).collect()
    }

    /// Waits until `count` mails to `to` have arrived; gives the last of them.
    pub async fn mail_to(&self, to: &str, count: usize) -> Arrived {
        let start = Instant::now();
        loop {
            let found: Vec<Arrived> = self.arrived().into_iter().filter(|mail| mail.to == to).collect();
            if found.len() >= count {
                return found[count - 1].clone();
            }
            assert!(start.elapsed() < PATIENCE, "mail {count} to {to} never came; there is {:?}", self.arrived());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Arrived {
    fn read(raw: &str) -> Self {
        let value = |name: &str| {
            let line = raw.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line[name.len().min(line.len())..].trim().to_owned()
        };
        let quoted = value("Content-Transfer-Encoding:") == "quoted-printable";
        let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
        let body = if quoted { unquoted(body) } else { body.to_owned() };
        Arrived { to: value("X-To:"), text: format!("{head}\r\n\r\n{body}") }
    }

    /// The first link in the text.
    pub fn link(&self) -> String {
        let start = self.text.find("http").unwrap_or_else(|| panic!("a link in {}", self.text));
        self.text[start..].split_whitespace().next().unwrap().to_owned()
    }
}

/// Quoted-printable, decoded (RFC 2045 §6.7).
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &after[2..]).1,
            None => (bytes.push(b'='), rest = after).1,
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
