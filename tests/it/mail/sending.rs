//! The sender over a real mail server: all ways to reach it, refusals, one that is down, one that wants a login.

use std::sync::Arc;
use std::time::Duration;

use vestibule::directory::outbox::{self, Mail};
use vestibule::kernel::{Clock as _, ManualClock, SystemRng, Timestamp};
use vestibule::mail::{Mailer, Rules, SmtpServer};
use vestibule::store::{SledBackend, Store, StoreError, Tx};

use crate::world::mail_server::{MailServer, Way};
use crate::world::{Wishes, World};

/// The rules as they are, but for the rests, which a test would sit out.
fn quick() -> Rules {
    let moment = Duration::from_millis(20);
    Rules { look_every: moment, first_rest: moment, longest_rest: moment, ..Rules::default() }
}

struct Outbox {
    store: Store,
    clock: Arc<ManualClock>,
    sending: Option<tokio::task::JoinHandle<()>>,
}

impl Outbox {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let on = async |tx: Tx| outbox::switch(&tx, true).await;
        store.transaction::<_, StoreError, _, _>("test", on).await.unwrap();
        Outbox { store, clock, sending: None }
    }

    async fn queue(&self, to: &str, subject: &str, useful: Duration) {
        let mail = Mail::new(&to.parse().unwrap(), subject, "Hello\n.\nhttps://app.example/x?y=z\nGrüße\n");
        let until = self.clock.now().plus(useful);
        let queue = async |tx: Tx| outbox::queue(&tx, &SystemRng, &mail, until).await;
        assert!(self.store.transaction::<_, StoreError, _, _>("test", queue).await.unwrap());
    }

    /// Starts sending to a server, from `from`.
    fn send(&mut self, url: &str, authorities: Option<&str>, from: &str) {
        let mut server = SmtpServer::parse(url).unwrap();
        server.authorities = authorities.map(|pem| pem.as_bytes().to_vec());
        let mailer = Mailer::new(self.store.clone(), server, from.parse().unwrap(), "app.example", quick());
        self.stop();
        self.sending = Some(tokio::spawn(async move { mailer.run().await }));
    }

    /// Ends the sender wherever it is, as a crash would.
    fn stop(&mut self) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
        }
    }

    async fn waiting(&self) -> usize {
        outbox::waiting(&self.store.reader()).await.unwrap().count
    }

    /// Lets time pass, ten seconds at a time, until all is sent or given up.
    async fn until_empty(&self) {
        for _ in 0..1000 {
            if self.waiting().await == 0 {
                return;
            }
            self.clock.advance(Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} mails still wait", self.waiting().await);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.stop();
    }
}

const LONG: Duration = Duration::from_secs(3 * 3600);
const FROM: &str = "Vestibule <sign-in@app.example>";

#[tokio::test]
async fn mail_arrives_in_the_open_by_starttls_and_in_tls_with_and_without_a_login() {
    let check = async |way: Way, login: Option<&str>, scheme: &str, query: &str, expected: &str| {
        let server = MailServer::with(way, login).await;
        let mut outbox = Outbox::new().await;
        outbox.queue("ada@acme.example", "Grüße", LONG).await;
        let login = login.map(|login| format!("{login}@")).unwrap_or_default();
        let url = format!("{scheme}://{login}localhost:{}{query}", server.address.port());
        outbox.send(&url, (way != Way::Plain).then_some(server.certificate.as_str()), FROM);
        let mail = server.mail_to("ada@acme.example", 1).await;
        outbox.until_empty().await;
        assert!(mail.text.contains(expected), "{url}: {}", mail.text);
        assert!(mail.text.contains("\r\nHello\r\n.\r\nhttps://app.example/x?y=z\r\nGrüße\r\n"), "{}", mail.text);
        assert_eq!(mail.link(), "https://app.example/x?y=z");
        assert_eq!(server.arrived().len(), 1);
    };
    check(Way::Plain, None, "smtp", "", "X-Way: plain").await;
    check(Way::Plain, Some("me:secret"), "smtp", "", "X-Login: me").await;
    check(Way::StartTls, None, "smtp", "?tls=required", "X-Way: tls").await;
    check(Way::StartTls, Some("me:secret"), "smtp", "?tls=required", "X-Login: me").await;
    check(Way::Tls, Some("me:secret"), "smtps", "", "X-Login: me").await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_can_not_prove_itself_or_offers_no_starttls() {
    let check = async |way: Way, scheme: &str, query: &str, trust: bool| {
        let server = MailServer::with(way, None).await;
        let mut outbox = Outbox::new().await;
        outbox.queue("ada@acme.example", "Hello", LONG).await;
        let url = format!("{scheme}://localhost:{}{query}", server.address.port());
        outbox.send(&url, trust.then_some(server.certificate.as_str()), FROM);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!((server.arrived().len(), outbox.waiting().await), (0, 1), "{url}");
    };
    check(Way::StartTls, "smtp", "?tls=required", false).await;
    check(Way::Tls, "smtps", "", false).await;
    check(Way::Plain, "smtp", "?tls=required", true).await;
    check(Way::StartTls, "smtp", "", true).await;
}

#[tokio::test]
async fn a_refused_recipient_is_given_up_and_one_that_is_put_off_is_tried_again() {
    let server = MailServer::start().await;
    let mut outbox = Outbox::new().await;
    outbox.queue("refused@acme.example", "1", LONG).await;
    outbox.queue("later@acme.example", "2", LONG).await;
    outbox.queue("closing@acme.example", "3", LONG).await;
    outbox.queue("stale@acme.example", "4", Duration::ZERO).await;
    for number in 0..20 {
        outbox.queue(&format!("person{number}@acme.example"), "5", LONG).await;
    }
    outbox.send(&format!("smtp://{}", server.address), None, FROM);
    outbox.until_empty().await;
    let mut to: Vec<String> = server.arrived().into_iter().map(|mail| mail.to).collect();
    to.sort();
    to.retain(|to| !to.starts_with("person"));
    assert_eq!(to, ["closing@acme.example", "later@acme.example"]);
    assert_eq!(server.arrived().len(), 22);
}

#[tokio::test]
async fn a_dead_server_delays_mail_and_loses_none_and_a_killed_sender_neither() {
    let mut server = MailServer::down(Way::Plain, None);
    let mut outbox = Outbox::new().await;
    for number in 0..10 {
        outbox.queue(&format!("person{number}@acme.example"), "Hello", LONG).await;
    }
    let url = format!("smtp://{}", server.address);
    outbox.send(&url, None, FROM);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(outbox.waiting().await, 10, "nobody took them");
    outbox.send(&url, None, FROM);
    server.come_up().await;
    outbox.until_empty().await;
    for number in 0..10 {
        server.mail_to(&format!("person{number}@acme.example"), 1).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_set_up_costs_no_mail() {
    let server = MailServer::with(Way::Plain, Some("me:secret")).await;
    let mut outbox = Outbox::new().await;
    outbox.queue("ada@acme.example", "Hello", LONG).await;
    let at = |login: &str| format!("smtp://{login}{}", server.address);
    let wrong = [(at("me:wrong@"), FROM), (at(""), FROM), (at("me:secret@"), "nobody@app.example")];
    for (url, from) in wrong {
        outbox.send(&url, None, from);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((server.arrived().len(), outbox.waiting().await), (0, 1), "{url} {from}");
    }
    outbox.send(&at("me:secret@"), None, FROM);
    outbox.until_empty().await;
    server.mail_to("ada@acme.example", 1).await;
}

#[tokio::test]
async fn a_site_with_mail_tells_how_much_waits() {
    let server = MailServer::down(Way::Plain, None);
    let world = World::with(Wishes { configuration: server.configuration(), ..Wishes::default() }).await;
    let metrics = reqwest::get(format!("http://{}/metrics", world.ops)).await.unwrap().text().await.unwrap();
    for line in ["vestibule_mails_waiting 0", "vestibule_mails_total{outcome=\"sent\"} 0"] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
