//! An app that answers with whatever bytes an attacker talked it into: no cookie of ours gets out, no answer reaches
//! somebody else, and nothing passes for more than it is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vestibule::proxy::UpstreamSettings;

use super::raw::{self, Answer, Connection};
use super::world::World;

/// What the app answers next, and whether it closes then. Once it has, it answers «plain».
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Option<Act>>>);

type Act = (Vec<u8>, bool);

impl Script {
    fn set(&self, bytes: impl AsRef<[u8]>, closes: bool) {
        *self.0.lock().unwrap() = Some((bytes.as_ref().to_vec(), closes));
    }
}

const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain";

async fn world() -> (World, Script) {
    let (script, listener) = (Script::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (port, answers) = (listener.local_addr().unwrap().port(), script.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    seen.extend_from_slice(&buffer[..count]);
                    if !seen.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    seen.clear();
                    let next = answers.0.lock().unwrap().take();
                    let (bytes, closes) = next.unwrap_or_else(|| (PLAIN.to_vec(), false));
                    if stream.write_all(&bytes).await.is_err() || closes {
                        return;
                    }
                }
            });
        }
    });
    let upstream = UpstreamSettings::plain("app", vec![("127.0.0.1".to_owned(), port)]);
    (World::with(|settings| settings.upstreams = vec![upstream]).await, script)
}

async fn ask(world: &World) -> Answer {
    raw::get(world.gate, "/public/a", &[]).await
}

#[tokio::test]
async fn no_cookie_of_ours_gets_out_however_the_app_writes_it() {
    let (world, script) = world().await;
    for lines in [
        "Set-Cookie: vestibule=forged\r\n",
        "set-cookie: __Host-vestibule=forged; Path=/; Secure\r\n",
        "Set-Cookie:vestibule=forged\r\n",
        "Set-Cookie: \t vestibule =forged\r\n",
        "Set-Cookie: vestibule-login-1=forged\r\n",
        "X: y\nSet-Cookie: vestibule=forged\r\n",
        "X: y\rSet-Cookie: vestibule=forged\r\n",
        "X: y\r\n Set-Cookie: vestibule=forged\r\n",
        "Set-Cookie: a=b\r\nSet-Cookie: vestibule=forged\r\n",
        "Set-Cookie : vestibule=forged\r\n",
        "X: y\0\r\nSet-Cookie: vestibule=forged\r\n",
    ] {
        script.set(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok"), false);
        let answer = ask(&world).await;
        let cookies: Vec<&str> =
            answer.head.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie")).collect();
        assert!(!cookies.concat().contains("vestibule"), "{lines:?}: {answer:?}");
        assert!(matches!(answer.status, 200 | 502), "{lines:?}: {answer:?}");
    }
}

#[tokio::test]
async fn informational_answers_pass_and_bring_nothing_in() {
    let (world, script) = world().await;
    let cookie = world.sign_in().await;
    script.set(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\
         Set-Cookie: vestibule=forged\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal",
        false,
    );
    let answer = raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
    let all = format!("{}\r\n\r\n{}", answer.head, answer.body);
    assert!(all.contains("HTTP/1.1 200 OK") && all.ends_with("final"), "{all}");
    assert!(!all.contains("forged"), "{all}");
    script.set("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello", true);
    assert_eq!(ask(&world).await.status, 502, "a switch that nobody asked for");
    assert_eq!(ask(&world).await.body, "plain");
}

#[tokio::test]
async fn what_follows_an_answer_is_never_the_next_persons() {
    let (world, script) = world().await;
    let behind = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    for (name, first) in [
        ("behind its length", format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{behind}")),
        (
            "behind its last piece",
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{behind}"),
        ),
        ("behind a 204", format!("HTTP/1.1 204 No Content\r\n\r\n{behind}")),
        ("behind a 304", format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n{behind}")),
        (
            "behind an early 100",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 100 Continue\r\n\r\n{behind}"),
        ),
    ] {
        script.set(first, false);
        ask(&world).await;
        for _ in 0..3 {
            let next = ask(&world).await;
            assert!(!next.body.contains("poison"), "{name}: {next:?}");
            assert_eq!((next.status, next.body.as_str()), (200, "plain"), "{name}: {next:?}");
        }
    }
    // An answer to HEAD has no body, whatever it says: what comes all the same is not the next answer.
    script.set(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{behind}", behind.len()), false);
    raw::send(world.gate, "HEAD /public/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(ask(&world).await.body, "plain", "behind a HEAD");
}

#[tokio::test]
async fn answers_that_two_readers_could_read_apart_are_made_plain_or_refused() {
    let (world, script) = world().await;
    for head in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: -1",
        "Content-Length: +2",
        "Content-Length: two",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding:\x0bchunked\r\nContent-Length: 2",
    ] {
        script.set(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n2\r\nok\r\n0\r\n\r\n"), true);
        let answer = ask(&world).await;
        let framing = |line: &&str| {
            let line = line.to_ascii_lowercase();
            line.starts_with("content-length") || line.starts_with("transfer-encoding")
        };
        let framings = answer.head.lines().filter(framing).count();
        assert!(answer.status == 502 || framings == 1, "{head:?}: {answer:?}");
    }
    for bytes in [
        "",
        "\r\n\r\n",
        "hello",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 1000 High\r\n\r\n",
        "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        script.set(bytes, true);
        assert_eq!(ask(&world).await.status, 502, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let (world, script) = world().await;
    script.set("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", true);
    let answer = ask(&world).await;
    assert!(answer.status == 502 || answer.header("content-length") == Some("100"), "{answer:?}");
    script.set("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true);
    let answer = ask(&world).await;
    assert!(answer.status == 502 || !answer.body.ends_with("0\r\n\r\n"), "{answer:?}");
}

#[tokio::test]
async fn a_head_without_end_is_no_answer() {
    let (world, script) = world().await;
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X-Endless: yes\r\n".repeat(400_000));
    script.set(endless, true);
    let mut connection = Connection::open(world.gate).await;
    connection.write(b"GET /public/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let answer = tokio::time::timeout(Duration::from_secs(15), connection.read_to_end()).await.expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 502"), "{}", String::from_utf8_lossy(&answer[..answer.len().min(200)]));
}
