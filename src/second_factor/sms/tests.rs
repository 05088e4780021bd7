//! Codes by SMS against a gateway that speaks Twilio's form and misbehaves: slow, 500, 429, accepted and undelivered.

mod caps;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::directory::audit;
use crate::kernel::Secret;
use crate::second_factor::person::tests::World;
use crate::second_factor::{
    Answer, Confirmed, FactorMethod, Guarded, Reserved, Verdict, answer, factors, phone, reserve,
};

const NUMBER: &str = "+4915123456789";
const PLACE: &str = "a sign-in";

/// How the gateway answers a message.
#[derive(Clone, Copy)]
enum Reply {
    Take,
    Slow,
    Status(u16),
    Code(u16, u32),
}

/// What was asked for: account, authorization, form.
type Asked = (String, String, HashMap<String, String>);

/// A gateway in Twilio's form.
#[derive(Default)]
struct Fake {
    /// The next answers; then it takes everything.
    replies: Mutex<VecDeque<Reply>>,
    /// What it says of every message.
    fate: Mutex<&'static str>,
    /// What it was asked to send.
    got: Mutex<Vec<Asked>>,
}

async fn take(
    State(fake): State<Arc<Fake>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let authorization = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    fake.got.lock().push((account, authorization, form));
    let reply = fake.replies.lock().pop_front().unwrap_or(Reply::Take);
    match reply {
        Reply::Take => {}
        Reply::Slow => tokio::time::sleep(Duration::from_secs(2)).await,
        Reply::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Code(status, code) => {
            let body = json!({ "code": code, "message": "The number +4915123456789 …", "status": status });
            return (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
        }
    }
    (StatusCode::CREATED, Json(json!({ "sid": "SM1", "status": "queued", "error_code": null }))).into_response()
}

async fn tell(State(fake): State<Arc<Fake>>, Path((_, message)): Path<(String, String)>) -> Response {
    assert_eq!(message, "SM1.json");
    Json(json!({ "sid": "SM1", "status": *fake.fate.lock() })).into_response()
}

impl Fake {
    async fn start(replies: &[Reply], fate: &'static str) -> (Arc<Fake>, u16) {
        let fake = Arc::new(Fake { replies: Mutex::new(replies.iter().copied().collect()), ..Fake::default() });
        *fake.fate.lock() = fate;
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(take))
            .route("/2010-04-01/Accounts/{account}/Messages/{message}", get(tell))
            .with_state(Arc::clone(&fake));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, port)
    }

    fn texts(&self) -> Vec<String> {
        self.got.lock().iter().map(|(_, _, form)| form["Body"].clone()).collect()
    }

    /// The code of the last message.
    fn code(&self) -> String {
        self.texts().last().expect("a message")[..6].to_owned()
    }
}

struct Town {
    world: World,
    sms: Arc<Sms>,
    fake: Arc<Fake>,
}

fn settings(port: u16) -> SmsSettings {
    SmsSettings {
        url: format!("http://127.0.0.1:{port}/").parse().unwrap(),
        account: "AC1".to_owned(),
        token: Secret::new("hush".to_owned()),
        from: "+15005550006".to_owned(),
        daily_per_number: 10,
        daily_per_organization: 100,
    }
}

fn quick() -> Pace {
    let millis = |list: &[u64]| list.iter().copied().map(Duration::from_millis).collect();
    let (answer_within, patience) = (Duration::from_millis(400), Duration::from_secs(3));
    Pace { answer_within, between_tries: millis(&[10, 20, 400]), between_looks: millis(&[10, 50]), patience }
}

impl Town {
    async fn new(replies: &[Reply], fate: &'static str) -> Self {
        Town::with(replies, fate, |settings| settings).await
    }

    async fn with(replies: &[Reply], fate: &'static str, change: impl FnOnce(SmsSettings) -> SmsSettings) -> Self {
        let (fake, port) = Fake::start(replies, fate).await;
        let world = World::new().await;
        let sms = Sms::at(world.store.clone(), change(settings(port)), "app.example", quick()).unwrap();
        Town { world, sms, fake }
    }

    /// One whose account has a phone already, for half a minute.
    async fn with_phone(replies: &[Reply], fate: &'static str) -> Self {
        let town = Town::new(&[], "delivered").await;
        assert_eq!(town.set_up().await, SmsSent::Underway);
        assert_eq!(town.confirm(&town.fake.code()).await, Confirmed::Done);
        *town.fake.replies.lock() = replies.iter().copied().collect();
        *town.fake.fate.lock() = fate;
        town.fake.got.lock().clear();
        town
    }

    async fn ask(&self) -> SmsSent {
        self.sms.send(&self.world.person(), PLACE, SmsFor::Answer).await.unwrap()
    }

    async fn set_up(&self) -> SmsSent {
        let number = NUMBER.parse().unwrap();
        self.sms.send(&self.world.person(), PLACE, SmsFor::SetUp(&number)).await.unwrap()
    }

    async fn confirm(&self, code: &str) -> Confirmed {
        self.world.run(async |tx| phone::confirm(tx, &self.world.person(), PLACE, code).await).await
    }

    async fn answer(&self, place: &str, code: &str) -> bool {
        let Reserved::Look(ticket) = reserve(&self.world.store, &self.world.person(), Guarded::Codes).await.unwrap()
        else {
            panic!("it is paused");
        };
        let given = Answer::Sms { place, code };
        let verdict = self.world.run(async |tx| answer(tx, &self.world.person(), &ticket, given).await).await;
        match verdict {
            Verdict::Right(right) => right.method == FactorMethod::Sms,
            Verdict::Wrong => false,
        }
    }

    async fn delivery(&self) -> Option<Delivery> {
        let found = underway(&self.world.store.reader(), self.world.user.id, PLACE).await.unwrap();
        found.map(|found| found.delivery)
    }

    /// Waits until a message is as far as that.
    async fn comes_to(&self, wanted: Delivery) {
        for _ in 0..300 {
            if self.delivery().await == Some(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it came to {:?} only, and not to {wanted:?}", self.delivery().await);
    }
}

#[tokio::test]
async fn a_code_is_sent_in_twilios_form_and_is_good_once() {
    let town = Town::with_phone(&[], "delivered").await;
    assert_eq!(town.ask().await, SmsSent::Underway);
    let (account, authorization, form) = town.fake.got.lock()[0].clone();
    let basic = base64::engine::general_purpose::STANDARD.encode("AC1:hush");
    assert_eq!((account.as_str(), authorization), ("AC1", format!("Basic {basic}")));
    assert_eq!((form["To"].as_str(), form["From"].as_str(), form.len()), (NUMBER, "+15005550006", 3));
    let code = town.fake.code();
    let text =
        format!("{code} is your code for app.example. It works once, within ten minutes.\n\n@app.example #{code}");
    assert_eq!(form["Body"], text);
    town.comes_to(Delivery::Delivered).await;
    let shown = underway(&town.world.store.reader(), town.world.user.id, PLACE).await.unwrap().expect("it is good");
    assert_eq!((shown.ending.as_str(), shown.setting_up), ("89", false));
    assert!(!town.answer("another sign-in", &code).await);
    assert!(!town.answer(PLACE, "000000").await);
    assert!(town.answer(PLACE, &format!(" {} {}", &code[..3], &code[3..])).await);
    assert!(!town.answer(PLACE, &code).await, "it works once");
    town.world.check().await;
}

#[tokio::test]
async fn a_messaging_service_can_stand_for_a_number() {
    let service = |settings| SmsSettings { from: "MG0123".to_owned(), ..settings };
    let town = Town::with(&[], "delivered", service).await;
    town.set_up().await;
    let form = town.fake.got.lock()[0].2.clone();
    assert_eq!((form["MessagingServiceSid"].as_str(), form.contains_key("From")), ("MG0123", false));
}

#[tokio::test]
async fn a_gateway_that_stumbles_is_tried_again() {
    for stumble in [Reply::Status(500), Reply::Status(503), Reply::Status(429), Reply::Slow] {
        let town = Town::with_phone(&[stumble, stumble], "sent").await;
        assert_eq!(town.ask().await, SmsSent::Underway);
        assert_eq!(town.delivery().await, Some(Delivery::Delayed), "the page says so");
        town.comes_to(Delivery::Accepted).await;
        let texts = town.fake.texts();
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().all(|text| *text == texts[0]), "the same code each time");
        assert!(town.answer(PLACE, &town.fake.code()).await);
    }
}

#[tokio::test]
async fn what_can_t_be_sent_is_given_up_and_shown() {
    let check = async |replies: &[Reply], expected: Delivery, tries: usize| {
        let town = Town::with_phone(replies, "sent").await;
        assert_eq!(town.ask().await, SmsSent::Underway);
        town.comes_to(expected).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(town.fake.texts().len(), tries, "{expected:?}");
    };
    check(&[Reply::Status(500); 9], Delivery::Unavailable, 4).await;
    check(&[Reply::Code(400, 21211)], Delivery::WrongNumber, 1).await;
    check(&[Reply::Code(400, 21610)], Delivery::WrongNumber, 1).await;
    check(&[Reply::Code(401, 20003)], Delivery::Unavailable, 1).await;
    check(&[Reply::Status(302)], Delivery::Unavailable, 1).await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_shown() {
    let town = Town::with(&[], "sent", |_| settings(1)).await;
    assert_eq!(town.set_up().await, SmsSent::Underway);
    town.comes_to(Delivery::Unavailable).await;
}

#[tokio::test]
async fn accepted_and_not_delivered_is_shown_while_the_code_is_awaited() {
    for fate in ["undelivered", "failed"] {
        let town = Town::with_phone(&[], "queued").await;
        town.ask().await;
        town.comes_to(Delivery::Accepted).await;
        *town.fake.fate.lock() = fate;
        town.comes_to(Delivery::Undelivered).await;
    }
}

#[tokio::test]
async fn a_code_lives_ten_minutes_and_the_next_one_replaces_it() {
    let town = Town::with_phone(&[], "delivered").await;
    town.ask().await;
    let first = town.fake.code();
    assert_eq!(town.ask().await, SmsSent::Wait(RESEND_AFTER), "not so soon");
    town.world.clock.advance(RESEND_AFTER);
    town.ask().await;
    let second = town.fake.code();
    assert!(!town.answer(PLACE, &first).await || first == second);
    town.world.clock.advance(GOOD_FOR);
    assert!(!town.answer(PLACE, &second).await, "too late");
    assert_eq!(town.delivery().await, None);
}

#[tokio::test]
async fn a_number_counts_once_its_code_came_back_and_the_old_one_until_then() {
    let town = Town::new(&[], "delivered").await;
    assert_eq!(town.ask().await, SmsSent::NoPhone);
    town.set_up().await;
    let code = town.fake.code();
    assert!(!town.answer(PLACE, &code).await, "it proves a number, and is no answer");
    assert_eq!(town.confirm("000000").await, Confirmed::Wrong);
    assert_eq!(town.confirm(&code).await, Confirmed::Done);
    assert_eq!(town.confirm(&code).await, Confirmed::Gone);
    town.world.clock.advance(RESEND_AFTER);
    // Another number, while the first one goes on.
    let other = "+14155550123".parse().unwrap();
    town.sms.send(&town.world.person(), "the account page", SmsFor::SetUp(&other)).await.unwrap();
    let proof = town.fake.code();
    town.ask().await;
    assert_eq!(town.fake.got.lock().last().unwrap().2["To"], NUMBER);
    assert!(town.answer(PLACE, &town.fake.code()).await);
    let confirm = async |tx: &Tx| phone::confirm(tx, &town.world.person(), "the account page", &proof).await;
    assert_eq!(town.world.run(confirm).await, Confirmed::Done);
    let now = factors::of(&town.world.store.reader(), town.world.user.id).await.unwrap().phone.expect("a phone");
    assert_eq!(now.number, other);
    assert!(town.world.run(async |tx| phone::remove(tx, &town.world.person()).await).await);
    let rows = audit::newest(&town.world.store.reader(), audit::OPERATOR, 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|(_, row)| (row.entry.before.as_str(), row.entry.after.as_str())).collect();
    let (first, second) = ("a phone whose number ends in 89", "a phone whose number ends in 23");
    assert_eq!(told, [("", first), (first, second), (second, "")]);
}

#[tokio::test]
async fn nobody_guesses_the_proof_of_a_number() {
    let town = Town::new(&[], "delivered").await;
    town.set_up().await;
    let code = town.fake.code();
    for _ in 0..5 {
        assert_eq!(town.confirm(if code == "000000" { "111111" } else { "000000" }).await, Confirmed::Wrong);
    }
    assert_eq!(town.confirm(&code).await, Confirmed::Gone);
}

#[tokio::test]
async fn a_number_whose_code_was_sent_before_another_change_counts_no_more() {
    let town = Town::new(&[], "delivered").await;
    town.set_up().await;
    let code = town.fake.code();
    town.world.app().await;
    assert_eq!(town.confirm(&code).await, Confirmed::Gone);
}

#[tokio::test]
async fn nothing_secret_shows_in_what_is_printed() {
    let town = Town::with_phone(&[], "delivered").await;
    let held = factors::of(&town.world.store.reader(), town.world.user.id).await.unwrap();
    let text = format!("{held:?} {:?}", settings(1));
    assert!(!text.contains("234567") && !text.contains("hush"), "{text}");
}
