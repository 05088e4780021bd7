//! The programs in `examples/apps` accept a real assertion, and no other, wherever their interpreter is installed.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, header};
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{DirectoryError, user};
use vestibule::kernel::{Clock as _, SeededRng, SystemClock, SystemRng};
use vestibule::session::{Authentication, Method, NewSession, SessionError, SessionSettings, Sessions};
use vestibule::store::{SledBackend, Store, Tx};

use super::is_here;

const AUDIENCE: &str = "app";

/// A site that publishes its keys, and an assertion that it signed just now.
struct Signed {
    public_url: String,
    assertion: String,
}

async fn signed() -> Signed {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public_url = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::new(SystemClock);
    let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
    let settings = SessionSettings::new(public_url.as_str());
    let sessions = Sessions::open(store.clone(), clock, Arc::new(SystemRng), settings).await.unwrap();
    let cookie = cookie(&store, &sessions).await;
    let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
    let Authentication::SignedIn(who) = sessions.authenticate(&headers).await else { panic!("nobody is signed in") };
    let assertion = sessions.assertion(&who, &sessions.audience(AUDIENCE)).to_str().unwrap().to_owned();
    let keys = sessions.jwks();
    let keys = get(async move || ([(header::CONTENT_TYPE, "application/jwk-set+json")], keys.clone()));
    let router = Router::new().route("/.vestibule/jwks.json", keys);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Signed { public_url, assertion }
}

/// The cookie of a session of Ada's, in no organization.
async fn cookie(store: &Store, sessions: &Sessions) -> HeaderValue {
    let rng = SeededRng::new(3);
    let make = async |tx: Tx| {
        organization::create(&tx, &rng, &"acme".parse().unwrap(), "Acme", OrgKind::Customer).await?;
        let ada = user::create(&tx, &rng, &"ada@acme.example".parse().unwrap())?;
        Ok::<_, DirectoryError>(ada.id)
    };
    let ada = store.transaction("test", make).await.unwrap();
    let start = async |tx: Tx| {
        let new = NewSession::new(ada, Method::Sso, SystemClock.now());
        Ok::<_, SessionError>(sessions.start(&tx, &new).await?.set_cookie)
    };
    let set_cookie = store.transaction("test", start).await.unwrap();
    let pair = set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    pair.parse().unwrap()
}

/// Runs a program on an assertion; `None` where its interpreter is missing.
fn run(program: &[&str], public_url: &str, assertion: &str) -> Option<Output> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args([public_url, AUDIENCE]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().ok()?;
    writeln!(child.stdin.take().unwrap(), "{assertion}").unwrap();
    Some(child.wait_with_output().unwrap())
}

async fn check(runs_at_all: &[&str], program: &'static [&'static str]) {
    if !is_here(runs_at_all) {
        return;
    }
    let Signed { public_url, assertion } = signed().await;
    let run = async |assertion: String| {
        let public_url = public_url.clone();
        tokio::task::spawn_blocking(move || run(program, &public_url, &assertion).unwrap()).await.unwrap()
    };
    let genuine = run(assertion.clone()).await;
    let (said, complained) = (String::from_utf8_lossy(&genuine.stdout), String::from_utf8_lossy(&genuine.stderr));
    assert!(genuine.status.success() && said.contains("ada@acme.example"), "{program:?}: {said} {complained}");

    let [head, body, signature] = assertion.split('.').collect::<Vec<_>>()[..] else { panic!("{assertion}") };
    let other = if body.starts_with('f') { "g" } else { "f" };
    for (what, forged) in [
        ("a changed body", format!("{head}.{other}{}.{signature}", &body[1..])),
        ("no signature", format!("{head}.{body}.")),
        ("no algorithm", format!("eyJhbGciOiJub25lIn0.{body}.")),
        ("nothing", String::new()),
    ] {
        let refused = run(forged).await;
        assert!(!refused.status.success(), "{program:?} takes {what}: {}", String::from_utf8_lossy(&refused.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_app_takes_real_assertions_alone() {
    check(
        &["/usr/bin/python3", "-c", "import jwt, cryptography"],
        &["/usr/bin/python3", "examples/apps/check_assertion.py"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_app_takes_real_assertions_alone() {
    check(&["node", "--version"], &["node", "examples/apps/check_assertion.mjs"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_app_takes_real_assertions_alone() {
    check(&["go", "version"], &["go", "run", "examples/apps/check_assertion.go"]).await;
}
