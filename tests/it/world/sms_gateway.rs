//! An SMS gateway in the form of Twilio's Messages API, that does as it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::json;
use vestibule::kernel::Secret;
use vestibule::second_factor::SmsSettings;

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Told {
    /// The next answers' statuses; then it takes everything.
    statuses: VecDeque<u16>,
    /// What becomes of every message.
    fate: &'static str,
    /// Number and text of each that was asked for.
    messages: Vec<(String, String)>,
}

/// The gateway, and what it got.
#[derive(Clone)]
pub struct SmsGateway {
    told: Arc<Mutex<Told>>,
    port: u16,
}

async fn take(State(gateway): State<SmsGateway>, Form(form): Form<HashMap<String, String>>) -> Response {
    let mut told = gateway.told.lock();
    told.messages.push((form["To"].clone(), form["Body"].clone()));
    match told.statuses.pop_front() {
        Some(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        None => (StatusCode::CREATED, Json(json!({ "sid": "SM1", "status": "queued" }))).into_response(),
    }
}

async fn tell(State(gateway): State<SmsGateway>, uri: Uri) -> Response {
    assert!(uri.path().ends_with("/Messages/SM1.json"), "{uri}");
    Json(json!({ "sid": "SM1", "status": gateway.told.lock().fate })).into_response()
}

impl SmsGateway {
    /// Starts one that takes and delivers everything.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let gateway = SmsGateway { told: Arc::default(), port };
        gateway.told.lock().fate = "delivered";
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(take))
            .route("/2010-04-01/Accounts/{account}/Messages/{message}", get(tell))
            .with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        gateway
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The lines of a configuration that sends through it.
    pub fn configuration(&self) -> String {
        let url = self.url();
        format!("[sms]\nurl = \"{url}\"\naccount = \"AC1\"\ntoken = \"t\"\nfrom = \"+15005550006\"\n")
    }

    /// The same as settings.
    pub fn settings(&self) -> SmsSettings {
        SmsSettings {
            url: self.url().parse().expect("a URL"),
            account: "AC1".to_owned(),
            token: Secret::new("t".to_owned()),
            from: "+15005550006".to_owned(),
            daily_per_number: 10,
            daily_per_organization: 500,
        }
    }

    /// Says no with these statuses to what comes next.
    pub fn refuse(&self, statuses: &[u16]) {
        self.told.lock().statuses.extend(statuses);
    }

    /// Lets messages come to that from now on.
    pub fn fate(&self, fate: &'static str) {
        self.told.lock().fate = fate;
    }

    /// How many messages were asked for.
    pub fn count(&self) -> usize {
        self.told.lock().messages.len()
    }

    /// The code of the message with that number, and where it went; waits for it.
    pub async fn code(&self, number: usize) -> (String, String) {
        let start = std::time::Instant::now();
        loop {
            if let Some((to, text)) = self.told.lock().messages.get(number - 1) {
                return (to.clone(), text[..6].to_owned());
            }
            assert!(start.elapsed() < PATIENCE, "message {number} never came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
