//! An app that takes webhooks and checks each signature by itself, with an HMAC written from RFC 2104.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;
use vestibule::kernel::{Clock as _, SystemClock};

/// How long anything may take: a loaded machine is slow, a broken server never gets there.
const PATIENCE: Duration = Duration::from_secs(60);
/// The bytes of the secret.
const KEY: [u8; 32] = [0x5a; 32];
/// SHA-256's block, in bytes.
const BLOCK: usize = 64;

#[derive(Clone)]
pub struct App {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<(String, Value)>>>,
    /// While it is shut, requests come and get no answer.
    open: watch::Sender<bool>,
}

/// HMAC-SHA256 (RFC 2104): H(key ^ opad, H(key ^ ipad, text)).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block.to_vec()
    };
    let inner = digest(&SHA256, &[pad(0x36), text.to_vec()].concat());
    digest(&SHA256, &[pad(0x5c), inner.as_ref().to_vec()].concat()).as_ref().to_vec()
}

async fn take(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, moment) = (of("webhook-id"), of("webhook-timestamp"));
    let content = [id.as_bytes(), b".", moment.as_bytes(), b".", &body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac(&KEY, &content)));
    assert_eq!(of("webhook-signature"), expected);
    let age = SystemClock.now().seconds() - moment.parse::<i64>().unwrap();
    assert!((-5..30).contains(&age), "it is {age} seconds old");
    let _ = app.open.subscribe().wait_for(|open| *open).await;
    app.got.lock().push((id, serde_json::from_slice(&body).unwrap()));
    StatusCode::OK
}

impl App {
    pub async fn start(open: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = App { address, got: Arc::default(), open: watch::channel(open).0 };
        let router = Router::new().fallback(take).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        app
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// The lines of a configuration that tells this app.
    pub fn configuration(&self, name: &str) -> String {
        let secret = STANDARD.encode(KEY);
        format!(
            "[[webhook]]\nname = \"{name}\"\nurl = \"http://{}/hooks\"\nsecret = \"whsec_{secret}\"\n",
            self.address
        )
    }

    /// All that came, each once, in the order of their ids.
    pub fn events(&self) -> Vec<Value> {
        let mut got = self.got.lock().clone();
        got.sort_by(|one, other| one.0.cmp(&other.0));
        got.dedup_by(|one, other| one.0 == other.0);
        got.into_iter().map(|(_, event)| event).collect()
    }

    /// Waits until `done` says that enough came.
    pub async fn until(&self, mut done: impl FnMut(&[Value]) -> bool) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let events = self.events();
            if done(&events) {
                return events;
            }
            assert!(start.elapsed() < PATIENCE, "came: {:?}", events.iter().map(words).collect::<Vec<_>>());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What came since `seen`, in a few words each: exactly this.
    pub async fn tells(&self, seen: &mut usize, expected: &[&str]) {
        let events = self.until(|events| events.len() >= *seen + expected.len()).await;
        let told: Vec<String> = events[*seen..].iter().map(words).collect();
        assert_eq!(told, expected);
        *seen = events.len();
    }
}

/// An event in a few words.
pub fn words(event: &Value) -> String {
    let data = &event["data"];
    let parts = [
        &event["type"],
        &data["organization"]["slug"],
        &data["team"]["name"],
        &data["user"]["email"],
        &data["email"],
        &data["role"],
    ];
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_str()).collect();
    parts.join(" ")
}
