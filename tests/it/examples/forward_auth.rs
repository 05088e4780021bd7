//! nginx and Caddy with the shipped configurations, in front of a real app, asking the real binary.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::header::COOKIE;
use reqwest::redirect::Policy;

use super::is_here;
use crate::world::person::Person;
use crate::world::{Wishes, World, ports};

/// A proxy that somebody else made; it ends when dropped.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // Asked, so that it takes its workers along.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// The shipped file with this machine's addresses in place of the example's; each must be in it.
fn shipped(name: &str, places: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/forward_auth").join(name);
    let text = std::fs::read_to_string(path).expect("the example");
    places.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{name} no longer says {from:?}");
        text.replace(from, to)
    })
}

async fn run(world: &World, name: &str, configuration: String, command: impl Fn(PathBuf) -> Command) -> Proxy {
    let file = world.path(name);
    std::fs::write(&file, configuration).unwrap();
    let log = world.path("proxy.log");
    let mut command = command(file);
    command.env("HOME", world.path("")).stdin(Stdio::null()).stdout(Stdio::null());
    let mut proxy = Proxy(command.stderr(std::fs::File::create(&log).unwrap()).spawn().expect("the proxy starts"));
    ports::wait_for(world.front.expect("a front"), || {
        let status = proxy.0.try_wait().expect("a process")?;
        Some(format!("{name}: {status}: {}", std::fs::read_to_string(&log).unwrap_or_default()))
    })
    .await;
    proxy
}

async fn nginx(world: &World) -> Proxy {
    let scratch = world.path("");
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", scratch.display()))
        .concat();
    let configuration = shipped(
        "nginx.conf",
        &[
            ("127.0.0.1:8443", world.front.unwrap().to_string()),
            ("127.0.0.1:8080", world.gate.to_string()),
            ("127.0.0.1:3000", world.app.to_string()),
            ("server_name app.example.com", "server_name localhost".to_owned()),
            ("http {", format!("http {{\naccess_log off;\n{temporary}")),
        ],
    );
    run(world, "nginx.conf", configuration, |file| {
        let mut command = Command::new("nginx");
        let settings = format!("daemon off; error_log stderr; pid {}/nginx.pid;", scratch.display());
        command.arg("-p").arg(&scratch).arg("-c").arg(file).arg("-g").arg(settings);
        command
    })
    .await
}

async fn caddy(world: &World) -> Proxy {
    let site = format!("{{\n\tadmin off\n}}\nhttp://localhost:{} {{", world.front.unwrap().port());
    let configuration = shipped(
        "Caddyfile",
        &[
            ("127.0.0.1:8080", world.gate.to_string()),
            ("127.0.0.1:3000", world.app.to_string()),
            ("app.example.com {", String::new()),
        ],
    );
    // Caddy wants the options for all sites at the top, before snippets.
    let (options, site) = site.split_once("http://").unwrap();
    let configuration = format!(
        "{options}{}",
        configuration.replacen("\n\n\t# In the order", &format!("\n\nhttp://{site}\n\t# In the order"), 1)
    );
    run(world, "Caddyfile", configuration, |file| {
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
        command
    })
    .await
}

/// Where `scripts/envoy` puts it.
fn envoy_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/envoy/bin/envoy")
}

async fn envoy(world: &World) -> Proxy {
    let port = |address: std::net::SocketAddr| format!("port_value: {}", address.port());
    let configuration = shipped(
        "envoy.yaml",
        &[
            ("port_value: 8443", port(world.front.unwrap())),
            ("port_value: 8080", port(world.gate)),
            ("port_value: 3000", port(world.app)),
            ("http://127.0.0.1:8080", format!("http://{}", world.gate)),
            ("domains: [\"app.example.com\"]", format!("domains: [\"localhost:{}\"]", world.front.unwrap().port())),
        ],
    );
    run(world, "envoy.yaml", configuration, |file| {
        let mut command = Command::new(envoy_program());
        command.args(["--use-dynamic-base-id", "--disable-hot-restart", "--concurrency", "1", "-l", "warning", "-c"]);
        command.arg(file);
        command
    })
    .await
}

/// A world that is reached through another proxy.
async fn world() -> World {
    let configuration = "[[route]]\npath = \"/public/\"\naccess = \"public\"\n".to_owned();
    World::with(Wishes { front: Some(ports::free()), configuration, ..Wishes::default() }).await
}

const FORGED: [(&str, &str); 7] = [
    ("X-Vestibule-Email", "eve@evil.example"),
    ("x_vestibule_email", "eve@evil.example"),
    ("X_Vestibule-User", "eve@evil.example"),
    ("X.Vestibule.Org", "eve@evil.example"),
    ("X-Vestibule-Role", "eve@evil.example"),
    ("X-Vestibule-Teams", "eve@evil.example"),
    ("X-Vestibule-Assertion", "eve@evil.example"),
];

/// All that the shipped configurations promise.
async fn keeps_its_promises(world: &World) {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let app = format!("{}/reports?year=2026", world.public_url);

    let script = client.get(&app).send().await.unwrap();
    assert_eq!(script.status(), 401, "a script without a session");
    let browser = client.get(&app).header("Sec-Fetch-Mode", "navigate").send().await.unwrap();
    assert_eq!(browser.status(), 302, "a browser without one");
    let location = browser.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/.vestibule/sign-in?return_to=/reports"), "{location}");

    let mut ada = Person::new(world);
    let page = ada.sign_in(world, "ada@acme.example").await;
    assert_eq!(page.status, 200, "{page:?}\n{}", world.log());
    for told in ["ada@acme.example", "verified: signed", "acme"] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }

    let cookie = ada.cookies(&world.public_url);
    let (_, seal) = cookie.split_once('=').expect("a session");
    // Side by side and apart, under both kinds of names.
    let ours = "vestibule-half=of-ours; __Host-vestibule-trusted=of-ours; middle=2; vestibule-known=of-ours";
    let more = "__Host-vestibule-login-0123456789abcdef=of-ours; vestibules=3; __Host-vestibule-known=of-ours";
    for (session, path) in [(cookie.as_str(), "reports"), (cookie.as_str(), "public/a"), ("a=b", "public/a")] {
        let mut request = client
            .get(format!("{}/{path}", world.public_url))
            .header(COOKIE, format!("before=1; {session}; {ours}; kept=yes; {more}"));
        for (name, value) in FORGED {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let shown = answer.text().await.unwrap();
        assert!(!shown.contains("eve@evil.example"), "{session} {path}: {shown}");
        assert_eq!(shown.contains("ada@acme.example"), session == cookie, "{session} {path}: {shown}");
        for theirs in ["before=1", "middle=2", "kept=yes", "vestibules=3"] {
            assert!(shown.contains(theirs), "the app's own cookies stay: {theirs} {shown}");
        }
        assert!(!shown.contains("of-ours"), "Vestibule's other cookies stay away, too: {shown}");
        assert!(!shown.contains(&seal[..20]), "the session's cookie stays away from the app: {shown}");
    }

    world.run(&["session", "revoke", "--user", "ada@acme.example"]);
    let ended = async {
        while client.get(&app).header(COOKIE, &cookie).send().await.unwrap().status() != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), ended).await.expect("a session that is revoked ends within a second");
    let two_readings = client.get(format!("{}/public/%252e%252e/reports", world.public_url)).send().await.unwrap();
    assert!(two_readings.status().is_client_error(), "{two_readings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_asks_and_tells_as_shipped() {
    if !is_here(&["nginx", "-v"]) {
        return;
    }
    let world = world().await;
    let _nginx = nginx(&world).await;
    keeps_its_promises(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_asks_and_tells_as_shipped() {
    if !is_here(&["caddy", "version"]) {
        return;
    }
    let world = world().await;
    let _caddy = caddy(&world).await;
    keeps_its_promises(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_asks_and_tells_as_shipped() {
    if !envoy_program().exists() {
        println!("not run: scripts/envoy has not fetched Envoy");
        return;
    }
    let world = world().await;
    let _envoy = envoy(&world).await;
    keeps_its_promises(&world).await;
}
