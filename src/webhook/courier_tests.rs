//! The courier against endpoints that are real HTTP servers and misbehave: down, slow, refusing, gone, talking without end.

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
use crate::kernel::{Clock as _, ManualClock, SystemRng, Timestamp, WebhookId};
use crate::store::{SledBackend, Store, StoreError, Tx, check_store};

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MINUTE: Duration = Duration::from_secs(60);
/// How long anything may take: a loaded machine is slow, a broken courier never gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an endpoint answers.
#[derive(Clone, Copy)]
enum Reply {
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
struct App {
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
    async fn start(replies: &[Reply]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let seen = Seen { replies: replies.iter().copied().collect(), got: Vec::new() };
        let app = App { seen: Arc::new(Mutex::new(seen)), address: listener.local_addr().unwrap() };
        let router = Router::new().fallback(take).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        app
    }

    fn endpoint(&self, name: &str) -> Endpoint {
        endpoint(name, self.address)
    }

    fn got(&self) -> Vec<(String, i64, String)> {
        self.seen.lock().got.clone()
    }

    /// Waits until that many requests came.
    async fn until(&self, count: usize) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            if self.got().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} came", self.got().len());
    }
}

fn endpoint(name: &str, address: SocketAddr) -> Endpoint {
    Endpoint {
        name: name.parse().unwrap(),
        url: format!("http://{address}/hooks?key=k").parse().unwrap(),
        secrets: vec![format!("whsec_{SECRET}").parse().unwrap()],
        events: vec!["*".parse().unwrap()],
    }
}

struct Town {
    store: Store,
    clock: Arc<ManualClock>,
    courier: Arc<Courier>,
    ids: Ids,
    sending: Option<JoinHandle<()>>,
}

impl Town {
    async fn new(endpoints: &[Endpoint]) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let courier = courier(&store, endpoints);
        Town { store, clock, courier, ids: Ids::default(), sending: None }
    }

    fn start(&mut self) {
        let courier = Arc::clone(&self.courier);
        self.sending = Some(tokio::spawn(async move { courier.run().await }));
    }

    /// Ends the courier wherever it is, as a crash would; another one takes its place.
    fn crash(&mut self, endpoints: &[Endpoint]) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
        }
        self.courier = courier(&self.store, endpoints);
    }

    /// Queues an event of each of these subjects.
    async fn queue(&self, endpoint: &str, subjects: &[&str]) -> Vec<WebhookId> {
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

    async fn waiting(&self, endpoint: &str) -> usize {
        outbox::waiting(&self.store.reader(), endpoint).await.unwrap().count
    }

    /// Waits until so many wait; lets `step` pass each time.
    async fn until_waiting(&self, endpoint: &str, count: usize, step: Duration) {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if self.waiting(endpoint).await == count {
                return;
            }
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} wait", self.waiting(endpoint).await);
    }

    async fn dead(&self) -> Vec<Delivery> {
        outbox::dead(&self.store.reader(), None, 100).await.unwrap()
    }

    async fn is_right(&self) {
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

fn courier(store: &Store, endpoints: &[Endpoint]) -> Arc<Courier> {
    let rules = Rules {
        look_every: Duration::from_millis(10),
        answer_within: Duration::from_secs(2),
        longest_rest: Duration::from_secs(4),
        ..Rules::default()
    };
    Courier::new(store.clone(), Arc::new(SystemRng), endpoints, rules).unwrap()
}

fn ids(app: &App) -> Vec<String> {
    app.got().into_iter().map(|(id, ..)| id).collect()
}

#[tokio::test]
async fn what_is_queued_arrives_signed_and_leaves_the_outbox() {
    let app = App::start(&[]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.start();
    let mut queued = town.queue("app", &["a", "b", "a", "c"]).await;
    town.until_waiting("app", 0, Duration::ZERO).await;
    let mut got = app.got();
    got.sort();
    queued.sort();
    let expected: Vec<_> =
        queued.iter().map(|id| (id.to_string(), 1_800_000_000, format!("{{\"n\":\"{id}\"}}"))).collect();
    assert_eq!(got, expected);
    town.is_right().await;
}

#[tokio::test]
async fn what_is_refused_is_tried_by_the_schedule_under_one_id_then_dead_and_can_be_brought_back() {
    let app = App::start(&[Reply::Status(500); 10]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    let id = town.queue("app", &["a"]).await[0];
    town.start();
    let (mut tries, begin) = (1, town.clock.now());
    app.until(1).await;
    for pause in Rules::default().pauses {
        town.clock.advance(pause.checked_sub(Duration::from_secs(1)).unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(app.got().len(), tries, "not before its time: {pause:?}");
        town.clock.advance(pause / 5 + Duration::from_secs(1));
        tries += 1;
        app.until(tries).await;
    }
    town.until_waiting("app", 0, Duration::ZERO).await;
    assert_eq!(tries, 10);
    assert!(app.got().iter().all(|(told, ..)| *told == id.to_string()), "{:?}", app.got());
    let moments: Vec<i64> = app.got().iter().map(|(_, moment, _)| *moment).collect();
    assert!(moments.is_sorted() && moments[9] - begin.seconds() > 75 * 3600, "each is signed anew: {moments:?}");
    let dead = town.dead().await;
    assert_eq!((dead.len(), dead[0].id, dead[0].failures, dead[0].last.as_str()), (1, id, 10, "500"));
    let revive = async |tx: Tx| town.courier.revive(&tx, &dead[0]).await;
    assert!(town.store.transaction::<_, StoreError, _, _>("test", revive).await.unwrap());
    app.until(11).await;
    town.until_waiting("app", 0, Duration::ZERO).await;
    assert!(town.dead().await.is_empty());
    town.is_right().await;
}

#[tokio::test]
async fn neither_a_slow_nor_a_dead_endpoint_delays_another() {
    let (slow, quick) = (App::start(&[Reply::Never; 100]).await, App::start(&[]).await);
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoints = [slow.endpoint("slow"), endpoint("down", nobody), quick.endpoint("quick")];
    let mut town = Town::new(&endpoints).await;
    let names: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let subjects: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in ["slow", "down", "quick"] {
        town.queue(name, &subjects).await;
    }
    town.start();
    let start = std::time::Instant::now();
    quick.until(40).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!((town.waiting("slow").await, town.waiting("down").await), (40, 40));
    assert!(slow.got().len() <= 8, "a few at once: {}", slow.got().len());
    town.is_right().await;
}

#[tokio::test]
async fn a_dead_endpoint_is_left_alone_and_gets_all_once_it_is_there() {
    let app = App::start(&[Reply::Status(503); 12]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.queue("app", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    town.start();
    app.until(8).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.got().len(), 8, "while it rests nothing is tried");
    town.clock.advance(Duration::from_secs(1));
    app.until(9).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.got().len(), 9, "one alone, to see whether it is back");
    town.until_waiting("app", 0, Duration::from_secs(5)).await;
    assert!(town.dead().await.is_empty());
    town.is_right().await;
}

#[tokio::test]
async fn events_of_one_subject_keep_their_order_over_a_failure_and_one_that_is_refused_stops_none() {
    let app = App::start(&[Reply::Status(500)]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    let first = town.queue("app", &["a"]).await[0].to_string();
    town.start();
    app.until(1).await;
    let second = town.queue("app", &["a"]).await[0].to_string();
    town.until_waiting("app", 0, Duration::ZERO).await;
    assert_eq!(ids(&app), [&first, &first, &second].map(String::clone), "the earlier one is tried again before");
    let app = App::start(&[Reply::Status(400), Reply::Status(400)]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    let first = town.queue("app", &["a"]).await[0].to_string();
    town.start();
    app.until(1).await;
    let second = town.queue("app", &["a"]).await[0].to_string();
    town.until_waiting("app", 1, Duration::ZERO).await;
    app.until(3).await;
    assert_eq!(ids(&app), [&first, &first, &second].map(String::clone));
    town.until_waiting("app", 0, Duration::from_secs(1)).await;
    assert_eq!(ids(&app).len(), 4);
    town.is_right().await;
}

#[tokio::test]
async fn whoever_is_gone_is_sent_nothing_until_a_test_is_taken() {
    let app = App::start(&[Reply::Status(410), Reply::Status(410)]).await;
    let endpoints = [app.endpoint("app")];
    let mut town = Town::new(&endpoints).await;
    town.queue("app", &["a"]).await;
    town.start();
    app.until(1).await;
    for _ in 0..20 {
        town.clock.advance(MINUTE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    town.crash(&endpoints);
    town.start();
    town.clock.advance(MINUTE);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((app.got().len(), town.waiting("app").await), (1, 1), "a restart changes nothing");
    assert!(town.courier.states().await.unwrap()[0].gone.is_some());
    let tried = town.courier.test("app").await.unwrap().unwrap();
    assert_eq!((tried.taken, tried.answer.as_str(), tried.back), (false, "410", false));
    let tried = town.courier.test("app").await.unwrap().unwrap();
    assert_eq!((tried.taken, tried.answer.as_str(), tried.back), (true, "204", true));
    assert!(app.got()[2].2.starts_with("{\"type\":\"webhook.test\""), "{:?}", app.got());
    town.until_waiting("app", 0, MINUTE).await;
    assert_eq!(town.courier.test("ap").await.unwrap(), None);
    assert!(town.courier.states().await.unwrap()[0].gone.is_none());
    town.is_right().await;
}

#[tokio::test]
async fn a_redirect_is_no_success_and_an_endless_answer_none_that_is_waited_for() {
    let app = App::start(&[Reply::Redirect, Reply::Endless]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.queue("app", &["a"]).await;
    town.start();
    app.until(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((app.got().len(), town.waiting("app").await), (1, 1), "it is not followed");
    town.until_waiting("app", 0, Duration::from_secs(1)).await;
    assert_eq!(app.got().len(), 2);
}

#[tokio::test]
async fn a_retry_after_is_followed_for_the_whole_endpoint() {
    let app = App::start(&[Reply::Later(429, "600")]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.queue("app", &["a"]).await;
    town.start();
    app.until(1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    town.queue("app", &["b"]).await;
    town.clock.advance(Duration::from_secs(598));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.got().len(), 1, "it asked for ten minutes");
    town.until_waiting("app", 0, Duration::from_secs(1)).await;
    assert_eq!(app.got().len(), 3);
}

#[tokio::test]
async fn a_courier_that_is_killed_loses_nothing_and_the_next_waits_for_its_lease() {
    let app = App::start(&[Reply::Never; 8]).await;
    let endpoints = [app.endpoint("app")];
    let mut town = Town::new(&endpoints).await;
    let names: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let subjects: Vec<&str> = names.iter().map(String::as_str).collect();
    let queued = town.queue("app", &subjects).await;
    town.start();
    app.until(8).await;
    town.crash(&endpoints);
    town.start();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(app.got().len(), 8, "somebody else has the lease");
    town.clock.advance(MINUTE);
    town.until_waiting("app", 0, Duration::ZERO).await;
    let mut came: Vec<String> = ids(&app);
    came.sort();
    came.dedup();
    assert_eq!(came, queued.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(app.got().len(), 38, "those under way came twice, under one id");
    town.is_right().await;
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_is_configured_no_more_is_dead() {
    let app = App::start(&[]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.queue("former", &["a", "b"]).await;
    town.start();
    town.until_waiting("former", 0, Duration::ZERO).await;
    let dead = town.dead().await;
    assert_eq!(dead.len(), 2);
    assert!(dead[0].last.contains("configured"), "{:?}", dead[0].last);
    let revive = async |tx: Tx| town.courier.revive(&tx, &dead[0]).await;
    assert!(!town.store.transaction::<_, StoreError, _, _>("test", revive).await.unwrap(), "there is nobody to tell");
}
