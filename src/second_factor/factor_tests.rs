//! How factors come, are used, and go.

use std::time::Duration;

use super::person::tests::World;
use super::*;
use crate::directory::audit;
use crate::kernel::Secret;
use crate::store::{StoreError, Tx};

const STEP: Duration = Duration::from_secs(30);

async fn try_it(world: &World, given: Answer<'_>) -> Verdict {
    match reserve(&world.store, &world.person(), given.guarded()).await.unwrap() {
        Reserved::Look(ticket) => world.run(async |tx| answer(tx, &world.person(), &ticket, given).await).await,
        Reserved::Wait(long) => panic!("a pause of {long:?}"),
    }
}

async fn recovery_codes(world: &World) -> Vec<Secret<String>> {
    world.run(async |tx| factors::new_recovery_codes(tx, &world.person()).await).await
}

async fn begun(world: &World, place: &str) -> AppSecret {
    world.run(async |tx| factors::set_up_app(tx, &*world.rng, world.user.id, place).await).await
}

async fn confirm(world: &World, place: &str, code: &str) -> Confirmed {
    world.run(async |tx| factors::confirm_app(tx, &world.person(), place, code).await).await
}

#[tokio::test]
async fn an_app_counts_from_its_first_code_on_and_each_code_once() {
    let world = World::new().await;
    let secret = begun(&world, "here").await;
    assert_eq!(begun(&world, "here").await.text(), secret.text(), "the page can be loaded again");
    assert_ne!(begun(&world, "elsewhere").await.text(), secret.text());
    let code = world.shown(&secret);
    assert_eq!(try_it(&world, Answer::App(&code)).await, Verdict::Wrong, "it does not count yet");
    assert_eq!(confirm(&world, "here", "000000").await, Confirmed::Wrong);
    assert_eq!(confirm(&world, "elsewhere", &code).await, Confirmed::Wrong);
    assert_eq!(confirm(&world, "nowhere", &code).await, Confirmed::Gone);
    assert_eq!(confirm(&world, "here", &code).await, Confirmed::Done);
    assert_eq!(try_it(&world, Answer::App(&code)).await, Verdict::Wrong, "the first code is used up");
    world.clock.advance(STEP);
    let code = world.shown(&secret);
    let right = Right { method: FactorMethod::App, recovery_left: 0 };
    assert_eq!(try_it(&world, Answer::App(&code)).await, Verdict::Right(right));
    assert_eq!(try_it(&world, Answer::App(&code)).await, Verdict::Wrong);
    world.check().await;
}

#[tokio::test]
async fn the_old_app_stays_until_the_new_one_is_confirmed() {
    let world = World::new().await;
    let old = world.app().await;
    world.clock.advance(STEP);
    let new = begun(&world, "here").await;
    assert!(matches!(try_it(&world, Answer::App(&world.shown(&old))).await, Verdict::Right(_)));
    assert_eq!(confirm(&world, "here", &world.shown(&new)).await, Confirmed::Done);
    world.clock.advance(STEP);
    assert_eq!(try_it(&world, Answer::App(&world.shown(&old))).await, Verdict::Wrong);
    assert!(matches!(try_it(&world, Answer::App(&world.shown(&new))).await, Verdict::Right(_)));
}

#[tokio::test]
async fn of_two_that_set_up_at_once_the_second_begins_anew() {
    let world = World::new().await;
    let (thief, ada) = (begun(&world, "thief").await, begun(&world, "ada").await);
    assert_eq!(confirm(&world, "ada", &world.shown(&ada)).await, Confirmed::Done);
    assert_eq!(confirm(&world, "thief", &world.shown(&thief)).await, Confirmed::Gone);
    let anew = begun(&world, "thief").await;
    assert_ne!(anew.text(), thief.text());
    // So it is, too, where everything went in the same moment.
    world.run(async |tx| factors::remove_app(tx, &world.person()).await).await;
    assert_eq!(confirm(&world, "thief", &world.shown(&anew)).await, Confirmed::Gone);
}

#[tokio::test]
async fn a_set_up_takes_an_hour_at_most() {
    let world = World::new().await;
    let secret = begun(&world, "here").await;
    world.clock.advance(factors::SET_UP_WITHIN);
    assert_eq!(confirm(&world, "here", &world.shown(&secret)).await, Confirmed::Gone);
    assert_ne!(begun(&world, "here").await.text(), secret.text());
}

#[tokio::test]
async fn recovery_codes_are_good_once_and_fresh_ones_replace_them() {
    let world = World::new().await;
    world.app().await;
    let old = recovery_codes(&world).await;
    let verdict = try_it(&world, Answer::Recovery(old[0].expose())).await;
    assert_eq!(verdict, Verdict::Right(Right { method: FactorMethod::Recovery, recovery_left: 9 }));
    assert_eq!(try_it(&world, Answer::Recovery(old[0].expose())).await, Verdict::Wrong);
    assert_eq!(try_it(&world, Answer::App(old[1].expose())).await, Verdict::Wrong, "it is no code of the app");
    let new = recovery_codes(&world).await;
    assert_eq!(try_it(&world, Answer::Recovery(old[1].expose())).await, Verdict::Wrong);
    for (used, code) in new.iter().enumerate() {
        let right = Right { method: FactorMethod::Recovery, recovery_left: 9 - used };
        assert_eq!(try_it(&world, Answer::Recovery(code.expose())).await, Verdict::Right(right));
    }
    world.check().await;
}

#[tokio::test]
async fn a_recovery_code_is_used_if_and_only_if_its_answer_counts() {
    let world = World::new().await;
    world.app().await;
    let codes = recovery_codes(&world).await;
    let ticket = async || match reserve(&world.store, &world.person(), Guarded::Recovery).await.unwrap() {
        Reserved::Look(ticket) => ticket,
        Reserved::Wait(_) => panic!("it is paused"),
    };
    let (one, two) = (ticket().await, ticket().await);
    // The caller's transaction fails behind a right answer: no session, and the code is still good.
    let fail = async |tx: Tx| {
        let verdict = answer(&tx, &world.person(), &one, Answer::Recovery(codes[0].expose())).await?;
        assert!(matches!(verdict, Verdict::Right(_)));
        Err::<(), _>(StoreError::Contention("test"))
    };
    assert!(world.store.transaction("test", fail).await.is_err());
    assert_eq!(factors::of(&world.store.reader(), world.user.id).await.unwrap().recovery.left(), 10);
    // Two at once: one is right.
    let try_one = async |ticket: &Ticket| {
        world.run(async |tx| answer(tx, &world.person(), ticket, Answer::Recovery(codes[0].expose())).await).await
    };
    let (first, second) = tokio::join!(try_one(&one), try_one(&two));
    assert!(matches!((first, second), (Verdict::Right(_), Verdict::Wrong) | (Verdict::Wrong, Verdict::Right(_))));
}

#[tokio::test]
async fn a_ticket_is_good_for_its_account_and_kind_alone() {
    let world = World::new().await;
    world.app().await;
    let codes = recovery_codes(&world).await;
    let Reserved::Look(ticket) = reserve(&world.store, &world.person(), Guarded::Codes).await.unwrap() else {
        panic!("it is paused");
    };
    let given = Answer::Recovery(codes[0].expose());
    let verdict = world.run(async |tx| answer(tx, &world.person(), &ticket, given).await).await;
    assert_eq!(verdict, Verdict::Wrong);
}

#[tokio::test]
async fn trusted_browsers_go_one_by_one_with_time_and_with_a_change_of_the_factor() {
    let world = World::new().await;
    let day = Duration::from_secs(24 * 3600);
    let user = world.user.id;
    let trust = async |name: &str| world.run(async |tx| trusted::trust(tx, &*world.rng, user, day, name).await).await;
    let is = async |token: &str| trusted::find(&world.store.reader(), user, token).await.unwrap().is_some();
    let (one, two) = (trust("Firefox").await, trust("Safari").await);
    assert!(is(&one).await && is(&two).await && !is("other").await);
    let list = trusted::of(&world.store.reader(), user).await.unwrap();
    let (id, _) = list.iter().find(|(_, browser)| browser.name == "Safari").expect("it is listed");
    assert!(world.run(async |tx| trusted::forget(tx, user, *id).await).await);
    assert!(is(&one).await && !is(&two).await);
    world.clock.advance(day);
    assert!(!is(&one).await, "its time is over");
    let three = trust("Firefox").await;
    world.app().await;
    assert!(!is(&three).await, "the factor changed");
    let mut tokens = Vec::new();
    for _ in 0..=20 {
        world.clock.advance(Duration::from_secs(1));
        tokens.push(trust("x").await);
    }
    assert!(!is(&tokens[0]).await && is(&tokens[1]).await, "the oldest made room");
    world.check().await;
}

#[tokio::test]
async fn a_reset_leaves_nothing_behind() {
    let world = World::new().await;
    let secret = world.app().await;
    let codes = recovery_codes(&world).await;
    begun(&world, "elsewhere").await;
    let token =
        world.run(async |tx| trusted::trust(tx, &*world.rng, world.user.id, Duration::from_secs(60), "x").await).await;
    for _ in 0..5 {
        reserve(&world.store, &world.person(), Guarded::Codes).await.unwrap();
    }
    assert!(world.run(async |tx| factors::remove_all(tx, world.user.id).await).await);
    assert!(!world.run(async |tx| factors::remove_all(tx, world.user.id).await).await);
    world.clock.advance(STEP);
    assert_eq!(try_it(&world, Answer::App(&world.shown(&secret))).await, Verdict::Wrong);
    assert_eq!(try_it(&world, Answer::Recovery(codes[0].expose())).await, Verdict::Wrong);
    assert!(trusted::find(&world.store.reader(), world.user.id, &token).await.unwrap().is_none());
    assert!(!factors::of(&world.store.reader(), world.user.id).await.unwrap().any());
    world.check().await;
}

#[tokio::test]
async fn with_the_last_method_the_recovery_codes_go() {
    let world = World::new().await;
    world.app().await;
    recovery_codes(&world).await;
    assert!(world.run(async |tx| factors::remove_app(tx, &world.person()).await).await);
    assert!(!world.run(async |tx| factors::remove_app(tx, &world.person()).await).await);
    assert_eq!(factors::of(&world.store.reader(), world.user.id).await.unwrap().recovery.left(), 0);
    world.check().await;
}

#[tokio::test]
async fn what_happens_is_audited_without_anything_secret() {
    let world = World::new().await;
    let secret = world.app().await;
    let codes = recovery_codes(&world).await;
    try_it(&world, Answer::Recovery(codes[0].expose())).await;
    world.run(async |tx| factors::remove_app(tx, &world.person()).await).await;
    let rows = audit::newest(&world.store.reader(), audit::OPERATOR, 20).await.unwrap();
    let actions: Vec<_> = rows.iter().map(|(_, row)| row.entry.action.as_str()).collect();
    let (set, used) = ("second_factor.recovery_codes.set", "second_factor.recovery_code.use");
    assert_eq!(actions, ["second_factor.app.set", set, used, "second_factor.app.remove"]);
    let text = format!("{rows:?}");
    assert!(!text.contains(codes[0].expose().as_str()) && !text.contains(&secret.text()));
    assert_eq!(format!("{:?}", Answer::App("123456")), "Answer(Codes)");
}
