//! A world to sign in to: the real binary with a throw-away store and configuration, an app behind it, an IdP beside it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vestibule::demo::{DemoIdentityProvider, ResponseOptions, companies, sample_app};
use vestibule::kernel::{SystemClock, SystemRng};

use super::ports;

/// How long the binary may take to be ready, in steps of [`STEP`].
const STEPS: u32 = 400;
const STEP: Duration = Duration::from_millis(25);

/// What a world is like.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The site is on https, with a certificate of its own making.
    pub https: bool,
    /// How the demo's IdP protects its answers.
    pub answers: ResponseOptions,
    /// More lines for the configuration.
    pub configuration: String,
    /// Another proxy stands in front, here, and is trusted; the test starts it.
    pub front: Option<SocketAddr>,
    /// There is nothing in the store.
    pub empty: bool,
}

/// A running binary, with the demo's companies set up through its commands.
pub struct World {
    pub public_url: String,
    /// The demo's IdP: on 127.0.0.1, while the site is on localhost, so that they are different sites to a browser.
    pub idp_url: String,
    pub ops: SocketAddr,
    /// The side port, where identity providers provision.
    pub scim: SocketAddr,
    /// Where the binary listens for what is meant for the app.
    pub gate: SocketAddr,
    /// Where the app itself is.
    pub app: SocketAddr,
    /// The proxy in front.
    pub front: Option<SocketAddr>,
    /// The site's certificate, PEM, on https.
    pub certificate: Option<String>,
    directory: TempDir,
    server: Child,
    beside: Vec<JoinHandle<()>>,
}

impl World {
    /// A world on http.
    pub async fn start() -> Self {
        Self::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (gate, ops, scim) = (ports::free(), ports::free(), ports::free());
        let scheme = if wishes.https { "https" } else { "http" };
        let public_url = format!("{scheme}://localhost:{}", wishes.front.unwrap_or(gate).port());
        let app = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port for the app");
        let idp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port for the identity provider");
        let idp_url = format!("http://{}", idp.local_addr().unwrap());
        let app_address = app.local_addr().unwrap();
        let trusted = if wishes.front.is_some() { "trusted_proxies = [\"127.0.0.1/32\"]\n" } else { "" };
        let mut configuration = format!(
            "public_url = \"{public_url}\"\nthreads = 1\n{trusted}[store]\npath = \"data\"\n[[upstream]]\nname = \"app\"\n\
             addresses = [\"{app_address}\"]\n{}\n[listen]\nproxy = \"{gate}\"\nscim = \"{scim}\"\nops = \"{ops}\"\n",
            wishes.configuration
        );
        let certificate = wishes.https.then(|| {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            std::fs::write(directory.path().join("tls.crt"), made.cert.pem()).unwrap();
            std::fs::write(directory.path().join("tls.key"), made.signing_key.serialize_pem()).unwrap();
            configuration.push_str("tls_certificate = \"tls.crt\"\ntls_key = \"tls.key\"\n");
            made.cert.pem()
        });
        let clock = Arc::new(SystemClock);
        let provider =
            DemoIdentityProvider::new(&idp_url, &public_url, companies(), clock.clone(), Arc::new(SystemRng))
                .expect("an identity provider")
                .with_options(wishes.answers);
        std::fs::write(directory.path().join("vestibule.toml"), configuration).unwrap();
        for company in companies() {
            let metadata = provider.metadata(&company.slug.parse().unwrap()).expect("a company's metadata");
            std::fs::write(directory.path().join(format!("{}.xml", company.slug)), metadata).unwrap();
        }
        let app_router = sample_app(&public_url, "app", clock);
        let beside = vec![
            tokio::spawn(async move { axum::serve(app, app_router).await.unwrap() }),
            tokio::spawn(async move { axum::serve(idp, Arc::new(provider).router()).await.unwrap() }),
        ];
        let server = start_server(&directory);
        let world = World {
            public_url,
            idp_url,
            ops,
            scim,
            gate,
            app: app_address,
            front: wishes.front,
            certificate,
            directory,
            server,
            beside,
        };
        world.until_ready().await;
        if !wishes.empty {
            world.set_up();
        }
        world
    }

    /// The demo's companies, as an operator would make them.
    fn set_up(&self) {
        for company in companies() {
            let (slug, file) = (company.slug, format!("{}.xml", company.slug));
            self.run(&["org", "create", slug, "--name", company.name]);
            self.run(&["domain", "claim", slug, company.domain, "--trusted"]);
            self.run(&["sso", "set", slug, "--metadata", &self.path(&file).display().to_string()]);
            self.run(&["org", "set", slug, "idp_managed_access=true"]);
        }
    }

    /// A file of this world's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a command against the running binary; gives what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        assert!(output.status.success(), "{arguments:?}: {}", text(output.stderr));
        text(output.stdout)
    }

    /// Runs a command that may fail.
    pub fn try_run(&self, arguments: &[&str]) -> Output {
        command(&self.directory).args(arguments).output().expect("the binary runs")
    }

    /// Runs a command with something on its standard input; gives what it prints.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.try_run_with(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs a command that may fail, with something on its standard input.
    pub fn try_run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = command(&self.directory);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    /// Kills the binary (SIGKILL) and starts it again over the same store.
    pub async fn crash_and_restart(&mut self) {
        self.server.kill().expect("it is killed");
        self.server.wait().expect("it is gone");
        self.server = start_server(&self.directory);
        self.until_ready().await;
    }

    /// Waits until the binary says that it is ready.
    async fn until_ready(&self) {
        let client = reqwest::Client::new();
        let url = format!("http://{}/readyz", self.ops);
        for _ in 0..STEPS {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("not ready; its log: {}", self.log());
    }

    /// What the site shows at a path to somebody without cookies.
    pub async fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.public_url);
        reqwest::get(&url).await.expect("an answer").text().await.expect("a text")
    }

    /// What the binary has logged so far.
    pub fn log(&self) -> String {
        let mut log = String::new();
        for name in ["stdout", "stderr"] {
            let _ = write!(log, "{}", std::fs::read_to_string(self.path(name)).unwrap_or_default());
        }
        log
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for task in &self.beside {
            task.abort();
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn command(directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("--config").arg(directory.path().join("vestibule.toml")).current_dir(directory.path());
    command
}

fn start_server(directory: &TempDir) -> Child {
    let file = |name: &str| std::fs::File::create(directory.path().join(name)).expect("a log file");
    let mut command = command(directory);
    command.arg("serve").stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
    command.spawn().expect("the binary starts")
}
