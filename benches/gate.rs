//! What the gate adds to a request of somebody who is signed in: from the cookie header to the headers for the app.
//!
//! The goal: the whole session check under 2 µs.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, header};
use pingora::http::RequestHeader;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{DirectoryError, Origin, member, user};
use vestibule::kernel::{Role, SystemClock, SystemRng};
use vestibule::proxy::decide::{Decision, Who, decide};
use vestibule::proxy::headers::{HeaderRules, rewrite};
use vestibule::proxy::routes::Routes;
use vestibule::proxy::{Access, RouteSettings, path};
use vestibule::session::{Authentication, Method, NewSession, SessionError, SessionSettings, Sessions};
use vestibule::store::{SledBackend, Store, Tx};

/// Sessions with one person signed in, and the headers of a browser's request.
async fn prepare() -> (Arc<Sessions>, HeaderMap) {
    let clock = Arc::new(SystemClock);
    let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
    let settings = SessionSettings::new("https://app.example");
    let sessions = Sessions::open(store.clone(), clock, Arc::new(SystemRng), settings).await.unwrap();
    let people = async |tx: Tx| {
        let acme = organization::create(&tx, &SystemRng, &"acme".parse().unwrap(), "Acme", OrgKind::Customer).await?;
        let ada = user::create(&tx, &SystemRng, &"ada@acme.example".parse().unwrap())?;
        member::add(&tx, &acme, &ada, Role::Member, Origin::Hand).await?;
        Ok::<_, DirectoryError>((acme.id, ada.id))
    };
    let (acme, ada) = store.transaction("people", people).await.unwrap();
    let new = NewSession { organization: Some(acme), ..NewSession::new(ada, Method::Sso, store.now()) };
    let start = async |tx: Tx| sessions.start(&tx, &new).await;
    let started = store.transaction::<_, SessionError, _, _>("sign in", start).await.unwrap();
    let cookie = started.set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "app.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "none"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::COOKIE, HeaderValue::try_from(format!("theme=dark; {cookie}; lang=en")).unwrap());
    sessions.authenticate(&headers).await;
    (sessions, headers)
}

fn signed_in(sessions: &Sessions, headers: &HeaderMap) -> Authentication {
    let answer = sessions.authenticate(headers).now_or_never().expect("no I/O for somebody who is known");
    assert!(matches!(answer, Authentication::SignedIn(_)));
    answer
}

fn gate(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (sessions, headers) = runtime.block_on(prepare());
    let following = Arc::clone(&sessions);
    runtime.spawn(async move { following.follow().await });

    let route = RouteSettings { path: "/public/".to_owned(), access: Access::Public, max_age: None, upstream: None };
    let routes = Routes::new(&[route], &["app"]).unwrap();
    let rules = HeaderRules::new(&[]).unwrap();
    let audience = sessions.audience("app");
    let mut request = RequestHeader::build_no_case("GET", b"/deals/2026?page=2", None).unwrap();
    for (name, value) in &headers {
        request.insert_header(name.clone(), value.clone()).unwrap();
    }

    criterion.bench_function("authenticate", |bencher| {
        bencher.iter(|| black_box(signed_in(&sessions, black_box(&headers))));
    });
    criterion.bench_function("path, route, decision", |bencher| {
        let Authentication::SignedIn(who) = signed_in(&sessions, &headers) else { unreachable!() };
        bencher.iter(|| {
            let canonical = path::canonical(black_box("/deals/2026")).unwrap();
            let route = routes.find(&canonical).unwrap();
            black_box(decide(&route.access, Who::Person(&who.facts)))
        });
    });
    // One request at a time: batches of clones would measure the page faults of their memory.
    criterion.bench_function("strip and identify", |bencher| {
        let Authentication::SignedIn(who) = signed_in(&sessions, &headers) else { unreachable!() };
        bencher.iter_batched_ref(
            || request.clone(),
            |request| {
                rewrite(request, |headers| {
                    rules.strip(headers);
                    rules.identify(&who, &sessions, &audience, |name, value| {
                        headers.insert(name, value);
                    });
                });
            },
            criterion::BatchSize::PerIteration,
        );
    });
    criterion.bench_function("whole session check", |bencher| {
        bencher.iter(|| {
            let canonical = path::canonical(black_box("/deals/2026")).unwrap();
            let route = routes.find(&canonical).unwrap();
            let authentication = signed_in(&sessions, black_box(&headers));
            assert_eq!(decide(&route.access, Who::of(&authentication)), Decision::Forward);
            let Authentication::SignedIn(who) = authentication else { unreachable!() };
            rules.identify(&who, &sessions, &audience, |name, value| {
                black_box((name, value));
            });
        });
    });
}

criterion_group!(benches, gate);
criterion_main!(benches);
