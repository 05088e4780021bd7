//! The sample app, without and with headers.

use axum::body::Body;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::kernel::{ManualClock, Timestamp};

async fn page(path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let app = sample_app("http://127.0.0.1:1", "app", clock);
    let request =
        headers.iter().fold(Request::builder().uri(path), |request, (name, value)| request.header(*name, *value));
    let response = app.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn it_shows_who_is_signed_in_and_every_header() {
    let headers = [
        ("x-vestibule-email", "ada@acme.example"),
        ("x-vestibule-name", "Ad%C3%A4 <b>"),
        ("x-vestibule-org", "acme"),
        ("x-vestibule-role", "owner"),
        ("accept", "text/html"),
    ];
    let (status, page) = page("/", &headers).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<strong id=\"email\">ada@acme.example</strong>"), "{page}");
    assert!(page.contains("Hello, Adä &#60;b&#62;"), "decoded, and escaped: {page}");
    let (first, rest) = (page.find("x-vestibule-email").expect("it"), page.find(">accept<").expect("the other"));
    assert!(first < rest, "Vestibule's headers come first");
}

#[tokio::test]
async fn it_says_so_when_nobody_is_signed_in_and_when_a_page_is_public() {
    let (status, nobody) = page("/reports?x=1", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(nobody.contains("Nobody is signed in") && nobody.contains("GET /reports"), "{nobody}");
    let (status, public) = page("/public/", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(public.contains("A public page"), "{public}");
}

#[tokio::test]
async fn an_assertion_whose_keys_cannot_be_had_is_not_verified() {
    let (_, page) = page("/", &[("x-vestibule-assertion", "a.b.c")]).await;
    assert!(page.contains("not verified: the keys at http://127.0.0.1:1/.vestibule/jwks.json"), "{page}");
}

#[tokio::test]
async fn long_values_are_cut() {
    let (_, page) = page("/", &[("x-long", &"é".repeat(500))]).await;
    assert!(page.contains("… (1000 bytes)"), "{page}");
}

#[tokio::test]
async fn events_come_one_by_one() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::EPOCH));
    let response = Sse::new(ticks(clock)).into_response();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let first = response.into_body().frame().await.expect("a frame").expect("no error");
    assert_eq!(first.into_data().expect("data"), "data: event 1 at 1970-01-01T00:00:00Z\n\n");
}

#[tokio::test]
async fn a_web_socket_echoes() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
    let served =
        tokio::spawn(async move { axum::serve(listener, sample_app("http://127.0.0.1:1", "app", clock)).await });
    let connected = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await;
    let (mut socket, _) = connected.expect("a handshake");
    for sent in [Message::text("hello"), Message::binary(vec![7; 3000])] {
        socket.send(sent.clone()).await.expect("sent");
        assert_eq!(socket.next().await.expect("an answer").expect("no error"), sent);
    }
    socket.close(None).await.expect("closed");
    assert!(socket.next().await.expect("an answer").expect("no error").is_close());
    served.abort();
}
