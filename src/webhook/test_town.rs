//! Endpoints that are real HTTP servers and answer as they are told, and a courier over a throw-away store.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::event::Ids;
use super::outbox::{self, Delivery};
use super::{Courier, Endpoint, Rules};
use crate::kernel::{ManualClock, SystemRng, Timestamp, WebhookId};
use crate::store::{SledBackend, Store, StoreError, Tx, check_store};

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// How long anything may take: a loaded machine is slow, a broken courier never gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an endpoint may take, in these tests.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How an endpoint answers.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    Status(u16),
    Later(u16, &'static str),
    Redirect,
    Never,
    Endless,
}

#[derive(Default)]
struct Seen {
    /// The next answers; then it takes everything.
    replies: VecDeque<Reply>,
    /// Id, moment and body of each, in the order in which they came.
    got: Vec<(String, i64, String)>,
}

/// An endpoint, which looks at the signature of all it gets.
#[derive(Clone)]
pub(super) struct App {
    seen: Arc<Mutex<Seen>>,
    address: SocketAddr,
}

async fn take(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let of = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, moment, body) = (of("webhook-id"), of("webhook-timestamp"), String::from_utf8(body.to_vec()).unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    let tag = STANDARD.decode(of("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&key, format!("{id}.{moment}.{body}").as_bytes(), &tag).expect("it is signed");
    assert_eq!(of("content-type"), "application/json");
    let reply = {
        let mut seen = app.seen.lock();
        seen.got.push((id, moment.parse().unwrap(), body));
        seen.replies.pop_front().unwrap_or(Reply::Status(204))
    };
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        Reply::Status(code) => (status(code), "thanks").into_response(),
        Reply::Later(code, asked) => (status(code), [("retry-after", asked)]).into_response(),
        Reply::Redirect => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        Reply::Never => std::future::pending().await,
        Reply::Endless => {
            let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 4096])));
            Body::from_stream(chunks).into_response()
        }
    }
}

impl App {
    pub async fn start(replies: &[Reply]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let seen = Seen { replies: replies.iter().copied().collect(), got: Vec::new() };
        let app = App { seen: Arc::new(Mutex::new(seen)), address: listener.local_addr().unwrap() };
        let router = Router::new().fallback(take).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        app
    }

    pub fn endpoint(&self, name: &str) -> Endpoint {
        endpoint(name, self.address)
    }

    pub fn got(&self) -> Vec<(String, i64, String)> {
        self.seen.lock().got.clone()
    }

    /// Waits until that many requests came.
    pub async fn until(&self, count: usize) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            if self.got().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} came", self.got().len());
    }
}

pub(super) fn endpoint(name: &str, address: SocketAddr) -> Endpoint {
    Endpoint {
        name: name.parse().unwrap(),
        url: format!("http://{address}/hooks?key=k").parse().unwrap(),
        secrets: vec![format!("whsec_{SECRET}").parse().unwrap()],
        events: vec!["*".parse().unwrap()],
    }
}

pub(super) struct Town {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub courier: Arc<Courier>,
    ids: Ids,
    sending: Option<JoinHandle<()>>,
}

impl Town {
    pub async fn new(endpoints: &[Endpoint]) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let courier = courier(&store, endpoints);
        Town { store, clock, courier, ids: Ids::default(), sending: None }
    }

    pub fn start(&mut self) {
        let courier = Arc::clone(&self.courier);
        self.sending = Some(tokio::spawn(async move { courier.run().await }));
    }

    /// Ends the courier wherever it is, as a crash would; another one takes its place.
    pub fn crash(&mut self, endpoints: &[Endpoint]) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
        }
        self.courier = courier(&self.store, endpoints);
    }

    /// Queues an event of each of these subjects.
    pub async fn queue(&self, endpoint: &str, subjects: &[&str]) -> Vec<WebhookId> {
        let queue = async |tx: Tx| {
            let mut made = Vec::new();
            for (subject, id) in subjects.iter().zip(self.ids.take(tx.now(), subjects.len(), &SystemRng)) {
                outbox::queue(
                    &tx,
                    &Delivery::new(id, endpoint, "x", subject, format!("{{\"n\":\"{id}\"}}"), tx.now()),
                )?;
                made.push(id);
            }
            Ok::<_, StoreError>(made)
        };
        self.store.transaction("test", queue).await.unwrap()
    }

    pub async fn waiting(&self, endpoint: &str) -> usize {
        outbox::waiting(&self.store.reader(), endpoint).await.unwrap().count
    }

    /// Waits until so many failures of what waits are noted, in all.
    pub async fn until_failed(&self, endpoint: &str, count: u32) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            let rows = self.store.reader().scan(&outbox::QUEUE, &endpoint.to_owned(), None, 1000).await.unwrap();
            if rows.iter().map(|(_, delivery)| delivery.failures).sum::<u32>() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("there are not {count} failures");
    }

    /// Waits until so many wait; lets `step` pass each time.
    pub async fn until_waiting(&self, endpoint: &str, count: usize, step: Duration) {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if self.waiting(endpoint).await == count {
                return;
            }
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} wait", self.waiting(endpoint).await);
    }

    pub async fn dead(&self) -> Vec<Delivery> {
        outbox::dead(&self.store.reader(), None, 100).await.unwrap()
    }

    pub async fn is_right(&self) {
        assert_eq!(check_store(&self.store, &outbox::checkers()).await.unwrap().findings, []);
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
        }
    }
}

pub(super) fn courier(store: &Store, endpoints: &[Endpoint]) -> Arc<Courier> {
    courier_that_waits(store, endpoints, ANSWER_WITHIN)
}

/// One that waits so long for an answer.
pub(super) fn courier_that_waits(store: &Store, endpoints: &[Endpoint], answer_within: Duration) -> Arc<Courier> {
    let rules = Rules {
        look_every: Duration::from_millis(10),
        answer_within,
        longest_rest: Duration::from_secs(4),
        ..Rules::default()
    };
    Courier::new(store.clone(), Arc::new(SystemRng), endpoints, rules).unwrap()
}

pub(super) fn ids(app: &App) -> Vec<String> {
    app.got().into_iter().map(|(id, ..)| id).collect()
}
