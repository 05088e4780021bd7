//! A site on disk: a configuration, a store, and the real binary over them.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take: a loaded machine is slow, a broken server never gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port below those that the system gives to clients, so that no connection of a neighbour takes it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 5_000).unwrap_or(0);
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// What a command did.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It was done: its stdout.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "out: {}\nerr: {}", self.out, self.err);
        self.out
    }

    /// It was refused, with one sentence that has these words in it.
    #[track_caller]
    pub fn refused(self, words: &str) {
        assert_eq!(self.code, Some(1), "out: {}\nerr: {}", self.out, self.err);
        assert!(self.err.contains(words), "wanted «{words}», err: {}", self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "one sentence: {}", self.err);
        assert!(self.err.starts_with("vestibule: "), "{}", self.err);
    }
}

/// Runs the binary in `folder`.
pub fn vestibule(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    Ran::of(&command.args(arguments).current_dir(folder).output().expect("the binary runs"))
}

pub struct Site {
    pub folder: TempDir,
    pub proxy: SocketAddr,
    pub ops: SocketAddr,
}

impl Site {
    /// A configured site; nothing runs yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let site = Site { folder, proxy: loopback(free_port()), ops: loopback(free_port()) };
        let (proxy, ops) = (site.proxy, site.ops);
        let (app, scim) = (loopback(free_port()), loopback(free_port()));
        site.write(
            "vestibule.toml",
            &format!(
                "public_url = \"http://localhost:{}\"\n[listen]\nproxy = \"{proxy}\"\nops = \"{ops}\"\nscim = \"{scim}\"\n\
                 [[upstream]]\nname = \"app\"\naddresses = [\"{app}\"]\n\
                 [[route]]\npath = \"/public/\"\naccess = \"public\"\n\
                 [[route]]\npath = \"/owners/\"\naccess = {{ roles = [\"owner\"] }}\n",
                proxy.port()
            ),
        );
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file is written");
    }

    /// Runs a command here.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        vestibule(self.folder.path(), arguments)
    }

    /// Runs a command with --json, and reads its answer.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let out = self.run(&[arguments, &["--json"]].concat()).done();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// Starts the server, and waits until it is ready.
    pub fn serve(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        let log = std::fs::File::create(self.path("server.log")).expect("a log");
        command.arg("serve").current_dir(self.folder.path()).stdout(Stdio::null()).stderr(log);
        let mut server = Server { child: command.spawn().expect("the server starts") };
        let start = Instant::now();
        while TcpStream::connect(self.proxy).is_err() || !get(self.ops, "/readyz").starts_with("HTTP/1.1 200") {
            let log = || std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
            assert!(server.child.try_wait().expect("its state").is_none(), "the server ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "the server is not ready: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

/// A running server; killed when dropped.
pub struct Server {
    pub child: Child,
}

impl Server {
    /// Sends a signal, and waits for the end: exit code and how long it took.
    pub fn signal(mut self, name: &str) -> (Option<i32>, Duration) {
        let start = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
        (wait(&mut self.child).code(), start.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a process.
pub fn wait(child: &mut Child) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The answer to a plain GET, or nothing.
pub fn get(address: SocketAddr, path: &str) -> String {
    use std::io::Write as _;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", address.port())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().unwrap_or_default()
}

/// A signing certificate of some identity provider, as PEM.
pub fn certificate_pem() -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "idp.example");
    parameters.self_signed(&key).expect("a certificate").pem()
}
