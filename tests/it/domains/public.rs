//! A domain that comes onto the operator's list of public mail providers: the list wins over what waits, not over what
//! holds.

use vestibule::directory::{ClaimState, DirectoryError, PublicMail};
use vestibule::proof::{Proof, ProofSettings};

use super::{DAY, Town, domain};

/// The same town, whose operator has put `listed` onto the list.
fn with_list(mut town: Town, listed: &str) -> Town {
    let settings = ProofSettings {
        servers: vec![town.dns.address],
        public_mail: PublicMail::read(listed).unwrap(),
        ..ProofSettings::default()
    };
    town.proof = Proof::new(town.store.clone(), town.rng.clone(), settings);
    town
}

#[tokio::test]
async fn what_waits_is_set_aside_and_what_holds_stays() {
    let town = Town::new().await;
    let (_, held) = town.proved("acme", "acme.test").await;
    let eve = town.organization("eve").await;
    let waiting = town.claim(&eve, "pupils.test").await;
    let town = with_list(town, "pupils.test\nacme.test");
    town.publish(&waiting);
    assert!(waiting.due.is_some());
    town.wait(DAY).await;
    let now = town.now_is(&waiting).await;
    assert_eq!((now.state, now.due), (ClaimState::Pending, None), "not even with its record: {now:?}");
    let refused = town.proof.verify(&eve, &domain("pupils.test")).await;
    assert!(matches!(refused, Err(DirectoryError::PublicMail(_))), "{refused:?}");
    assert_eq!(town.now_is(&waiting).await.due, None);
    let noted = town.audit(&eve).await;
    assert!(noted.iter().any(|(action, _)| action == "domain.set_aside"), "{noted:?}");
    assert_eq!(town.now_is(&held).await.state, ClaimState::Verified, "it is looked at as ever");
    town.dns.forget(held.domain.as_str());
    town.wait(9 * DAY).await;
    let lost = town.now_is(&held).await;
    assert_eq!(lost.state, ClaimState::Unverified, "and lost as any other");
    town.publish(&held);
    town.wait(2 * DAY).await;
    assert_eq!(town.now_is(&held).await.state, ClaimState::Unverified, "then it waits, and is set aside, too");
}
