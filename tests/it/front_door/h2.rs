//! HTTP/2 in the clear, on both sides: requests side by side, gRPC trailers, streams that end with their session.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use vestibule::proxy::{Protocol, UpstreamSettings};
use vestibule::session::{Scope, records};
use vestibule::store::{StoreError, Tx};

use super::world::World;

async fn connect(gate: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(gate).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(path: &str, headers: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder().uri(format!("http://localhost{path}")).version(Version::HTTP_2);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

/// A gRPC service as far as a proxy sees it: says who called, then a trailer.
async fn grpc_app() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |request: Request<Incoming>| {
        let who = request.headers().get("x-vestibule-email").cloned().unwrap_or(HeaderValue::from_static("nobody"));
        let te = request.headers().get("te").cloned().unwrap_or(HeaderValue::from_static("none"));
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let trailers =
            HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        let frames = [Ok::<_, Infallible>(Frame::data(body)), Ok(Frame::trailers(trailers))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Ok::<_, Infallible>(Response::builder().header("x-who", who).header("x-te", te).body(body).unwrap())
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    address
}

#[tokio::test]
async fn requests_run_side_by_side_each_with_its_own_identity() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let mut sender = connect(world.gate).await;
    let forged = [("x-vestibule-user", "forged"), ("x_vestibule_user", "forged")];
    let mine = sender.send_request(request("/deals", &[("cookie", "a=b"), ("cookie", &cookie), ("cookie", "c=d")]));
    let theirs = sender.send_request(request("/public/a", &forged));
    let nobody = sender.send_request(request("/deals", &forged));
    let (mine, theirs, nobody) = tokio::join!(mine, theirs, nobody);
    assert_eq!(mine.unwrap().status(), 200);
    assert_eq!(theirs.unwrap().status(), 200);
    assert_eq!(nobody.unwrap().status(), 401);
    for received in world.app.received() {
        assert!(!received.head.contains("forged"), "{}", received.head);
        match received.target() {
            "/deals" => {
                assert_eq!(received.header("x-vestibule-email"), Some("ada@acme.example"));
                assert_eq!(received.header("cookie"), Some("a=b; c=d"));
                assert_eq!(received.header("host"), Some("localhost"));
            }
            _ => assert_eq!(received.headers("x-vestibule-email"), [""; 0]),
        }
    }
}

#[tokio::test]
async fn paths_and_hosts_are_held_to_the_same_rules() {
    let world = World::new().await;
    let mut sender = connect(world.gate).await;
    for (path, expected) in [("/public/%2e%2e/deals", 401), ("/public/..%2fdeals", 400), ("/public/../public/a", 200)] {
        assert_eq!(sender.send_request(request(path, &[])).await.unwrap().status(), expected, "{path}");
    }
    assert_eq!(world.app.take_one().target(), "/public/a");
    let elsewhere = Request::builder().uri("http://evil.example/public/a").body(Full::default()).unwrap();
    assert_eq!(sender.send_request(elsewhere).await.unwrap().status(), 421);
}

#[tokio::test]
async fn grpc_goes_through_with_its_trailers() {
    let app = grpc_app().await;
    let upstream = UpstreamSettings {
        protocol: Protocol::H2c,
        ..UpstreamSettings::plain("app", vec![("127.0.0.1".to_owned(), app.port())])
    };
    let world = World::with(|settings| settings.upstreams = vec![upstream]).await;
    let cookie = world.sign_in().await;
    let mut sender = connect(world.gate).await;
    let call = Request::builder()
        .method("POST")
        .uri("http://localhost/service/method")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("cookie", &cookie)
        .body(Full::from("\0\0\0\0\u{5}hello"))
        .unwrap();
    let answer = sender.send_request(call).await.unwrap();
    assert_eq!(answer.headers()["x-who"], "ada@acme.example");
    assert_eq!(answer.headers()["x-te"], "trailers");
    let body = answer.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert!(body.to_bytes().ends_with(b"hello"));
}

#[tokio::test]
async fn one_stream_ends_with_its_session_and_the_connection_stays() {
    let world = World::new().await;
    let (cookie, other) = (world.sign_in().await, world.sign_in().await);
    let mine = records::list(&world.store.reader(), Scope::User(world.ada.id)).await.unwrap().pop().unwrap();
    let mut sender = connect(world.gate).await;
    let mut events = sender.send_request(request("/events", &[("cookie", &cookie)])).await.unwrap().into_body();
    assert!(events.frame().await.unwrap().is_ok());
    let revoke = async |tx: Tx| records::revoke(&tx, Scope::Session(mine.id)).await;
    world.store.transaction::<_, StoreError, _, _>("revoke", revoke).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(1), async { while let Some(Ok(_)) = events.frame().await {} });
    ended.await.expect("the stream ends within a second");
    assert_eq!(sender.send_request(request("/deals", &[("cookie", &other)])).await.unwrap().status(), 200);
}
