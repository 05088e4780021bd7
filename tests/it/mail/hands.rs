//! A domain that changes hands takes passwords and links by mail along: a bought domain buys no accounts.

use vestibule::directory::one_time_link::{self, Purpose};
use vestibule::directory::{claim, password, user};

use crate::domains::{Town, domain};

#[tokio::test]
async fn whoever_had_an_address_keeps_no_way_in_and_whoever_has_it_now_finds_none() {
    let town = Town::new().await;
    let (acme, _) = town.proved("acme", "bought.test").await;
    let (ada, links) = town
        .run(async |tx| {
            let ada = user::create(tx, &*town.rng, &"ada@bought.test".parse().unwrap())?;
            password::set(tx, ada.id, "a hash")?;
            let reset = one_time_link::issue(tx, &*town.rng, &ada, Purpose::Reset).await?;
            let invitation = Purpose::Invitation { organization: acme.id };
            Ok((ada.clone(), [reset, one_time_link::issue(tx, &*town.rng, &ada, invitation).await?]))
        })
        .await;
    let left = async || {
        let reader = town.store.reader();
        let mut left = usize::from(password::find(&reader, ada.id).await.unwrap().is_some());
        for token in &links {
            left += usize::from(one_time_link::find(&reader, token).await.unwrap().is_some());
        }
        left
    };
    assert_eq!(left().await, 3);
    town.run(async |tx| claim::release(tx, &acme, &domain("bought.test")).await).await;
    assert_eq!(left().await, 3, "nobody else has it yet");
    town.proved("globex", "bought.test").await;
    assert_eq!(left().await, 0);
}
