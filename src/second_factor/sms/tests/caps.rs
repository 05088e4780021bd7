//! How many messages there are: for an account, to a number, and for an organization.

use super::*;
use crate::directory::{User, user};
use crate::kernel::Client;

#[tokio::test]
async fn an_account_asks_for_five_in_an_hour() {
    let town = Town::with_phone(&[], "delivered").await;
    let mut sent = 1;
    loop {
        town.world.clock.advance(Duration::from_secs(60));
        match town.ask().await {
            SmsSent::Underway => sent += 1,
            SmsSent::Wait(long) => {
                assert_eq!((sent, long), (5, Duration::from_secs(3600 - 5 * 60)));
                town.world.clock.advance(long);
                assert_eq!(town.ask().await, SmsSent::Underway);
                return;
            }
            SmsSent::NoPhone => panic!("there is one"),
        }
    }
}

/// Somebody else.
async fn person_number(town: &Town, number: usize) -> User {
    let email = format!("person{number}@acme.example").parse().unwrap();
    town.world.run(async |tx| user::create(tx, &*town.world.rng, &email)).await
}

async fn sent_for(town: &Town, who: &User, number: &str) -> SmsSent {
    let organization = audit::OPERATOR;
    let person = Person { user: who, organization, client: Client::default(), rng: &*town.world.rng };
    town.sms.send(&person, PLACE, SmsFor::SetUp(&number.parse().unwrap())).await.unwrap()
}

#[tokio::test]
async fn a_number_and_an_organization_have_daily_caps_whoever_asks() {
    let limits = |settings| SmsSettings { daily_per_number: 3, daily_per_organization: 8, ..settings };
    let town = Town::with(&[], "delivered", limits).await;
    let day = SmsSent::Wait(Duration::from_secs(24 * 3600));
    for round in 0..3 {
        assert_eq!(sent_for(&town, &person_number(&town, round).await, NUMBER).await, SmsSent::Underway);
    }
    assert_eq!(sent_for(&town, &person_number(&town, 3).await, NUMBER).await, day, "the number's");
    for round in 4..7 {
        let (who, number) = (person_number(&town, round).await, format!("+1415555010{round}"));
        assert_eq!(sent_for(&town, &who, &number).await, SmsSent::Underway);
    }
    let (who, number) = (person_number(&town, 8).await, "+14155550199");
    assert_eq!(sent_for(&town, &who, number).await, day, "the organization's, but for what is kept for answers");
    assert_eq!(town.fake.texts().len(), 6);
    town.world.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(sent_for(&town, &who, number).await, SmsSent::Underway);
    let rows = audit::newest(&town.world.store.reader(), audit::OPERATOR, 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|(_, row)| (row.entry.action.as_str(), row.entry.after.as_str())).collect();
    let limit = "second_factor.sms.limit";
    let (one, all) = ("3 messages to one number in a day", "6 messages for the organization in a day");
    assert_eq!(told, [(limit, one), (limit, all)]);
    town.world.check().await;
}

#[tokio::test]
async fn set_ups_of_strangers_take_no_answer_from_the_owner_of_a_number() {
    let limits = |settings| SmsSettings { daily_per_number: 3, daily_per_organization: 8, ..settings };
    let town = Town::with(&[], "delivered", limits).await;
    assert_eq!(town.set_up().await, SmsSent::Underway);
    assert_eq!(town.confirm(&town.fake.code()).await, Confirmed::Done);
    for round in 0..8 {
        let number = if round < 4 { NUMBER.to_owned() } else { format!("+1415555010{round}") };
        sent_for(&town, &person_number(&town, round).await, &number).await;
    }
    assert_eq!(town.fake.texts().len(), 6, "what set-ups may take");
    for _ in 0..2 {
        town.world.clock.advance(RESEND_AFTER);
        assert_eq!(town.ask().await, SmsSent::Underway);
    }
    town.world.clock.advance(RESEND_AFTER);
    assert!(matches!(town.ask().await, SmsSent::Wait(_)), "the organization's cap holds for all");
}

#[tokio::test]
async fn a_try_again_of_what_may_have_been_sent_counts_against_the_caps() {
    let check = async |stumble: Reply, tries: usize| {
        let limits = |settings| SmsSettings { daily_per_number: 2, ..settings };
        let town = Town::with(&[stumble; 9], "sent", limits).await;
        assert_eq!(town.set_up().await, SmsSent::Underway);
        town.comes_to(Delivery::Unavailable).await;
        assert_eq!(town.fake.texts().len(), tries);
    };
    check(Reply::Slow, 2).await;
    check(Reply::Status(500), 2).await;
    check(Reply::Status(503), 4).await;
    check(Reply::Status(429), 4).await;
}
