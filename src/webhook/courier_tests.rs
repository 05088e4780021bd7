//! The courier against endpoints that misbehave: down, slow, refusing, gone, talking without end.

use std::time::Duration;

use super::Rules;
use super::test_town::{ANSWER_WITHIN, App, MINUTE, Reply, Town, courier_that_waits, endpoint, ids};
use crate::kernel::Clock as _;
use crate::store::{StoreError, Tx};

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
    for pause in Rules::default().pauses {
        town.until_failed("app", tries).await;
        town.clock.advance(pause.checked_sub(Duration::from_secs(1)).unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(app.got().len(), usize::try_from(tries).unwrap(), "not before its time: {pause:?}");
        town.clock.advance(pause / 5 + Duration::from_secs(1));
        tries += 1;
        app.until(usize::try_from(tries).unwrap()).await;
    }
    town.until_waiting("app", 0, Duration::ZERO).await;
    assert_eq!(tries, 10);
    assert!(app.got().iter().all(|(told, ..)| *told == id.to_string()), "{:?}", app.got());
    let moments: Vec<i64> = app.got().iter().map(|(_, moment, _)| *moment).collect();
    assert!(moments.is_sorted() && moments[9] - begin.seconds() > 75 * 3600, "each is signed anew: {moments:?}");
    let dead = town.dead().await;
    assert_eq!((dead.len(), dead[0].id, dead[0].failures, dead[0].last.as_str()), (1, id, 10, "500"));
    let revive = async |tx: Tx| town.courier.revive(&tx, id).await;
    assert_eq!(town.store.transaction::<_, StoreError, _, _>("test", revive).await.unwrap(), 1);
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
    assert!(start.elapsed() < ANSWER_WITHIN, "{:?}", start.elapsed());
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
    town.until_failed("app", 8).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.got().len(), 8, "while it rests nothing is tried");
    town.clock.advance(Duration::from_secs(1));
    town.until_failed("app", 9).await;
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
    town.until_failed("app", 1).await;
    assert_eq!((app.got().len(), town.waiting("app").await), (1, 1), "it is not followed");
    town.until_waiting("app", 0, Duration::from_secs(1)).await;
    assert_eq!(app.got().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_in_time_did_not_take_it() {
    let app = App::start(&[Reply::Never]).await;
    let endpoints = [app.endpoint("app")];
    let mut town = Town::new(&endpoints).await;
    town.courier = courier_that_waits(&town.store, &endpoints, Duration::from_millis(300));
    town.queue("app", &["a"]).await;
    town.start();
    town.until_failed("app", 1).await;
    town.until_waiting("app", 0, Duration::from_secs(1)).await;
    assert_eq!(app.got().len(), 2);
}

#[tokio::test]
async fn a_retry_after_is_followed_for_the_whole_endpoint() {
    let app = App::start(&[Reply::Later(429, "600")]).await;
    let mut town = Town::new(&[app.endpoint("app")]).await;
    town.queue("app", &["a"]).await;
    town.start();
    town.until_failed("app", 1).await;
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
    let revive = async |tx: Tx| Ok((town.courier.revive(&tx, dead[0].id).await?, town.courier.revive_some(&tx).await?));
    let revived = town.store.transaction::<_, StoreError, _, _>("test", revive).await.unwrap();
    assert_eq!(revived, (0, 0), "there is nobody to tell");
}
