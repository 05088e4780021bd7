//! A hostile client: each trick is refused or neutralised, and the app never sees a forged identity.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::raw::{self, Connection, send};
use super::world::World;

/// Every identity header that the app could fall for.
const IDENTITY: [&str; 7] = [
    "x-vestibule-user",
    "x-vestibule-email",
    "x-vestibule-name",
    "x-vestibule-org",
    "x-vestibule-role",
    "x-vestibule-teams",
    "x-vestibule-assertion",
];

#[tokio::test]
async fn no_spelling_of_a_forged_identity_reaches_the_app() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    for name in IDENTITY {
        for spelling in [
            name.to_owned(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replacen('-', "_", 1),
            name.to_uppercase().replace('-', "_"),
        ] {
            let forged = [(spelling.as_str(), "forged"), ("Accept", "*/*"), (spelling.as_str(), "twice")];
            assert_eq!(raw::get(world.gate, "/public/a", &forged).await.status, 200, "{spelling}");
            assert_eq!(world.app.take_one().headers(name), [""; 0], "{spelling}");
            let signed_in = [("Cookie", cookie.as_str()), (spelling.as_str(), "forged")];
            assert_eq!(raw::get(world.gate, "/public/a", &signed_in).await.status, 200, "{spelling}");
            let received = world.app.take_one();
            assert!(!received.head.contains("forged"), "{spelling}: {}", received.head);
            assert_eq!(received.headers(name).len(), 1, "{spelling}: the true one, once");
        }
    }
}

#[tokio::test]
async fn connection_tricks_take_nothing_away_and_bring_nothing_in() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let check = async |lines: &str, expected: &[u16]| {
        let request = format!("GET /deals HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n{lines}\r\n");
        let answer = send(world.gate, request).await;
        assert!(expected.contains(&answer.status), "{lines:?}: {answer:?}");
        if answer.status == 200 {
            let received = world.app.take_one();
            assert_eq!(received.header("x-vestibule-email"), Some("ada@acme.example"), "{lines:?}");
            assert_eq!(received.headers("x-evil"), [""; 0], "{lines:?}");
            assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"), "{lines:?}");
        }
    };
    check("Connection: close, X-Vestibule-User, X-Vestibule-Email\r\n", &[200]).await;
    check("Connection: close, x-evil\r\nX-Evil: 1\r\n", &[200]).await;
    check("Connection: close\r\nConnection: x-vestibule-email\r\n", &[200]).await;
    check("Connection: close, \"x-vestibule-email\"\r\n", &[400]).await;
    check("Connection: close, X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n", &[400]).await;
    check("Connection: close, Host\r\n", &[400]).await;
    check("Connection: close, :authority\r\n", &[400]).await;
    check("Connection: close, a, b, c, d, e, f, g, h, i, j, k\r\n", &[400]).await;
}

#[tokio::test]
async fn trailers_bring_no_identity() {
    let world = World::new().await;
    let head =
        "POST /public/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Vestibule-User\r\n";
    let body = "5\r\nhello\r\n0\r\nX-Vestibule-User: forged\r\n\r\n";
    let mut connection = Connection::open(world.gate).await;
    connection.write(format!("{head}\r\n{body}").as_bytes()).await;
    connection.read_until("app /public/a").await;
    // Had the trailer gone on, it would be the head of the next request on the connection to the app.
    raw::get(world.gate, "/public/b", &[]).await;
    for received in world.app.received() {
        assert!(!received.head.contains("forged") && received.headers("trailer").is_empty(), "{}", received.head);
    }
}

#[tokio::test]
async fn forwarded_headers_of_strangers_are_not_believed() {
    let world = World::new().await;
    let forged = [
        ("X-Forwarded-For", "198.51.100.9"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X_Forwarded_For", "198.51.100.9"),
        ("Forwarded", "for=198.51.100.9"),
        ("X-Real-IP", "198.51.100.9"),
        ("X-Original-URL", "/admin/"),
        ("X-Rewrite-URL", "/admin/"),
        ("Proxy", "http://evil.example"),
    ];
    assert_eq!(raw::get(world.gate, "/public/a", &forged).await.status, 200);
    let received = world.app.take_one();
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.header("x-forwarded-host"), Some("localhost"));
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    for sign in ["198.51", "evil", "/admin"] {
        assert!(!received.head.contains(sign), "{sign}: {}", received.head);
    }
}

#[tokio::test]
async fn no_path_is_decided_on_in_one_form_and_forwarded_in_another() {
    let world = World::new().await;
    // What anybody may reach is under /public/, so whatever the app sees must be there.
    for path in [
        "/public/../deals",
        "/public/%2e%2e/deals",
        "/public/.%2E/deals",
        "/public/..%2fdeals",
        "/public/%2e%2e%2fdeals",
        "/public/..%252fdeals",
        "/public/..%5cdeals",
        "/public\\..\\deals",
        "/public/..;/deals",
        "/public//../deals",
        "//deals",
        "/public/%00",
        "/public/%0d%0aX-Vestibule-User:%20x",
        "/public/\u{1}",
        "/public/%c0%ae%c0%ae/deals",
        "/public/%",
        "/public/../../deals",
        "/publicity",
        "/PUBLIC/a",
        "/public;/deals",
        "*",
        "public/a",
        "http://localhost/deals",
        "http://evil.example/public/a",
        "http://localhost@evil.example/public/a",
    ] {
        let answer = raw::get(world.gate, path, &[]).await;
        assert!(matches!(answer.status, 400 | 401 | 421), "{path:?}: {answer:?}");
        assert!(world.app.received().is_empty(), "{path:?}");
    }
    for (path, forwarded) in [
        ("/public//a/./b/../c?x=//../y", "/public/a/c?x=//../y"),
        ("/%70ublic/%7ea", "/public/~a"),
        ("/public/a%2fb", "/public/a%2Fb"),
        ("/x/../public/a;v=1", "/public/a;v=1"),
        ("http://localhost/public/a?x", "/public/a?x"),
        ("/public/;/../a", "/public/a"),
        ("/public/a#fragment", "/public/a"),
    ] {
        assert_eq!(raw::get(world.gate, path, &[]).await.status, 200, "{path}");
        assert_eq!(world.app.take_one().target(), forwarded, "{path}");
    }
}

#[tokio::test]
async fn smuggling_forms_are_refused() {
    let world = World::new().await;
    let smuggled = "GET /admin/ HTTP/1.1\r\nHost: localhost\r\nX-Vestibule-User: forged\r\n\r\n";
    for head in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ncontent-length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: 5, 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\r\n Content-Length: 5",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\0",
        "Host: evil.example",
        ": empty",
        "A B: c",
    ] {
        let request = format!("POST /public/a HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = send(world.gate, &request).await;
        assert!(matches!(answer.status, 400 | 0), "{head:?}: {answer:?}");
        assert!(world.app.received().is_empty(), "{head:?}");
    }
    let one_line_less = format!("GET /public/a HTTP/1.1\nHost: localhost\n\n{smuggled}");
    assert_eq!(send(world.gate, one_line_less).await.status, 400);
    assert!(world.app.received().is_empty());
}

#[tokio::test]
async fn bytes_behind_a_request_are_not_another_one() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    // What follows a request at once is not taken for the next one of the same person.
    let two = format!(
        "GET /deals HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n\
         GET /deals HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    send(world.gate, two).await;
    for received in world.app.received().iter().skip(1) {
        assert_eq!(received.headers("x-vestibule-user"), [""; 0], "{}", received.head);
    }
}

#[tokio::test]
async fn methods_versions_and_hosts_that_are_not_spoken_here() {
    let world = World::new().await;
    let check = async |request: &str, expected: &[u16]| {
        let answer = send(world.gate, request).await;
        assert!(expected.contains(&answer.status), "{request:?}: {answer:?}");
        assert!(world.app.received().is_empty(), "{request:?}");
    };
    check("TRACE /public/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", &[405]).await;
    check("TRACK /public/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", &[405]).await;
    check("CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n", &[400, 405]).await;
    check("GET /public/a HTTP/1.1\r\nConnection: close\r\n\r\n", &[400]).await;
    check("GET /public/a HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", &[400]).await;
    check("GET /public/a HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", &[421]).await;
    check("GET /public/a HTTP/1.1\r\nHost: localhost:evil.example/x\r\nConnection: close\r\n\r\n", &[421]).await;
    check("GET /public/a HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n", &[400, 421]).await;
    check("GET /public/a HTTP/2.0\r\nHost: localhost\r\n\r\n", &[400, 0]).await;
    check("GET /public/a\r\nHost: localhost, at length\r\n\r\n", &[400, 0]).await;
    check("\u{16}\u{3}\u{1} not http at all, but long enough", &[400, 0]).await;
}

#[tokio::test]
async fn oversized_headers_and_paths_are_refused() {
    let world = World::new().await;
    let big = "x".repeat(33 * 1024);
    let check = async |path: &str, headers: &[(&str, &str)], expected: &[u16]| {
        let answer = raw::get(world.gate, path, headers).await;
        assert!(expected.contains(&answer.status), "{}", answer.status);
        assert!(world.app.received().is_empty());
    };
    check("/public/a", &[("X-Big", &big)], &[431]).await;
    check(&format!("/public/{big}"), &[], &[431]).await;
    check(&format!("/public/{}", "x".repeat(20 * 1024)), &[], &[414]).await;
    let many: Vec<(&str, &str)> = vec![("X-Many", "1"); 300];
    check("/public/a", &many, &[400]).await;
    assert_eq!(raw::get(world.gate, "/public/a", &[("X-Fits", &"x".repeat(16 * 1024))]).await.status, 200);
}

#[tokio::test]
async fn malformed_cookies_are_no_session_and_no_error() {
    let world = World::new().await;
    let good = world.sign_in().await;
    let value = good.split_once('=').unwrap().1;
    let mut flipped = good.clone().into_bytes();
    let middle = good.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for cookie in [
        "vestibule",
        "vestibule=",
        "vestibule=;",
        "vestibule=AAAA",
        "vestibule=%00",
        "=;=;=",
        "vestibule=\u{ff}\u{fe}",
        &flipped,
        &good[..good.len() - 1],
        &format!("{good}="),
        &format!("{good}; {good}"),
        &format!("{good}; vestibule=x"),
        &format!("__Host-vestibule={value}"),
        &format!("Vestibule={value}"),
        &format!("vestibule=\"{value}\""),
        &format!("vestibule={}", "A".repeat(8000)),
    ] {
        let answer = raw::get(world.gate, "/deals", &[("Cookie", cookie)]).await;
        assert_eq!(answer.status, 401, "{cookie:?}");
        assert_eq!(raw::get(world.gate, "/public/a", &[("Cookie", cookie)]).await.status, 200, "{cookie:?}");
        let received = world.app.take_one();
        assert_eq!(received.headers("x-vestibule-user"), [""; 0], "{cookie:?}");
        assert!(!received.head.contains(value), "{cookie:?}: the session's seal reached the app");
    }
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &good)]).await.status, 200);
}

#[tokio::test]
async fn slow_headers_hold_no_connection() {
    let world = World::new().await;
    let begun = tokio::time::Instant::now();
    let drip = async |first: &str| {
        let mut connection = Connection::open(world.gate).await;
        connection.write(first.as_bytes()).await;
        let (mut read, mut write) = connection.0.into_split();
        let drip = async move {
            while write.write_all(b"X: y\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        let gone = async move { tokio::io::copy(&mut read, &mut tokio::io::sink()).await };
        tokio::select! { () = drip => {}, _ = gone => {} }
    };
    let silent = async {
        let mut connection = Connection::open(world.gate).await;
        connection.read_to_end().await
    };
    tokio::join!(drip("GET /public/a HTTP/1.1\r\nHost: localhost\r\n"), drip("G"), silent);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(world.app.received().is_empty());
}
