//! The life of claims, driven by a clock: a week of grace takes no week.

use std::time::Duration;

use hickory_server::proto::op::ResponseCode;
use vestibule::directory::{ClaimState, DirectoryError, claim};
use vestibule::kernel::Clock as _;
use vestibule::store::{Tx, check_store};

use super::{DAY, HOUR, NODE, Town, domain};
use crate::world::dns::Zone;

fn subjects(mail: &[(String, String)]) -> Vec<&str> {
    mail.iter().map(|(_, subject)| subject.as_str()).collect()
}

#[tokio::test]
async fn a_record_that_appears_a_day_later_is_found_by_itself() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "acme.test").await;
    town.wait(DAY).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Pending);
    assert!(town.dns.asked() > 5 && town.dns.asked() < 30, "with growing pauses: {} looks", town.dns.asked());
    town.publish(&claim);
    town.wait(DAY).await;
    let found = town.now_is(&claim).await;
    assert_eq!(found.state, ClaimState::Verified);
    assert!(found.seen.is_some());
    let looks = town.dns.asked();
    town.wait(3 * DAY).await;
    assert_eq!(town.dns.asked() - looks, 3, "daily from then on");
    assert_eq!(subjects(&town.mail().await), ["acme.test is verified"]);
}

#[tokio::test]
async fn a_record_that_is_gone_for_a_week_loses_the_domain_and_its_return_brings_it_back() {
    let town = Town::new().await;
    let (acme, claim) = town.proved("acme", "acme.test").await;
    town.dns.forget("acme.test");
    town.wait(DAY).await;
    let lapsing = town.now_is(&claim).await;
    assert_eq!(lapsing.state, ClaimState::Lapsing);
    let holder =
        async || claim::holder(&town.store.reader(), &domain("acme.test")).await.unwrap().map(|found| found.id);
    assert_eq!(holder().await, Some(acme.id), "D8: lapsing counts as verified");
    town.wait(167 * HOUR).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Lapsing);
    town.wait(HOUR).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Unverified);
    assert_eq!(holder().await, None);
    town.publish(&claim);
    town.wait(DAY).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Verified);
    assert_eq!(holder().await, Some(acme.id));
    let told = ["acme.test is verified", "acme.test: the record is gone, the domain will be lost", "acme.test is lost"];
    let told = [&told[..], &["acme.test is verified"]].concat();
    assert_eq!(subjects(&town.mail().await), told);
    let audit: Vec<_> =
        town.audit(&acme).await.into_iter().map(|(action, after)| format!("{action} {after}")).collect();
    let expected = [
        "domain.verified verified",
        "domain.lapsing lapsing",
        "domain.unverified unverified",
        "domain.verified verified",
    ];
    assert_eq!(audit, expected);
    let report = check_store(&town.store, &vestibule::directory::check::checkers()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_record_that_comes_back_within_the_week_heals() {
    let town = Town::new().await;
    let (_, claim) = town.proved("acme", "acme.test").await;
    town.dns.set("acme.test", Zone::Txt(vec![vec!["v=spf1 -all".to_owned()]]));
    town.wait(4 * DAY).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Lapsing);
    town.publish(&claim);
    town.wait(DAY / 2).await;
    let healed = town.now_is(&claim).await;
    assert_eq!((healed.state, healed.lapsing), (ClaimState::Verified, None));
    let mail = town.mail().await;
    assert_eq!(mail.last().unwrap(), &("owner@acme-mail.test".to_owned(), "acme.test: the record is back".to_owned()));
}

#[tokio::test]
async fn servfail_for_eight_days_unverifies_nothing() {
    for broken in [Zone::Code(ResponseCode::ServFail), Zone::Code(ResponseCode::Refused)] {
        let town = Town::new().await;
        let (_, claim) = town.proved("acme", "acme.test").await;
        town.dns.set("acme.test", broken.clone());
        town.wait(8 * DAY).await;
        let held = town.now_is(&claim).await;
        assert_eq!((held.state, held.lapsing), (ClaimState::Verified, None), "{broken:?}");
        assert!(held.failing.is_some() && held.checked.unwrap() > town.clock.now().minus(2 * HOUR));
        // Nor does it end a grace that runs.
        town.dns.forget("acme.test");
        town.wait(2 * HOUR).await;
        assert_eq!(town.now_is(&claim).await.state, ClaimState::Lapsing);
        town.dns.set("acme.test", broken.clone());
        town.wait(8 * DAY).await;
        assert_eq!(town.now_is(&claim).await.state, ClaimState::Lapsing, "{broken:?}");
        // The first real answer decides.
        town.dns.forget("acme.test");
        town.wait(2 * HOUR).await;
        assert_eq!(town.now_is(&claim).await.state, ClaimState::Unverified, "{broken:?}");
    }
}

#[tokio::test]
async fn silence_is_no_answer_either() {
    let town = Town::new().await;
    let (acme, claim) = town.proved("acme", "acme.test").await;
    town.dns.set("acme.test", Zone::Drop);
    town.clock.advance(9 * DAY);
    let checked = town.proof.verify(&acme, &claim.domain).await.unwrap();
    assert_eq!((checked.claim.state, checked.event), (ClaimState::Verified, None));
    assert_eq!(checked.claim.answers[0].detail, "no answer in time");
}

#[tokio::test]
async fn of_many_who_wait_one_gets_the_domain_and_the_others_are_told() {
    let town = Town::new().await;
    let (acme, globex) = (town.organization("acme").await, town.organization("globex").await);
    let (first, second) = (town.claim(&acme, "acme.test").await, town.claim(&globex, "acme.test").await);
    let records = [&first, &second].map(|claim| vec![town.proof.record(claim).unwrap()]);
    town.dns.set("acme.test", Zone::Txt(records.to_vec()));
    let name = domain("acme.test");
    let (one, other) = tokio::join!(town.proof.verify(&acme, &name), town.proof.verify(&globex, &name));
    let (one, other) = (one.unwrap().claim, other.unwrap().claim);
    assert!(one.state.holds() != other.state.holds(), "{one:?} {other:?}");
    let (loser, winner) = if one.state.holds() { (&globex, &acme) } else { (&acme, &globex) };
    let mail = town.mail().await;
    let (to, text) = (format!("owner@{}-mail.test", loser.slug), "acme.test was verified for another organization");
    assert_eq!(mail.iter().filter(|(_, subject)| subject == text).collect::<Vec<_>>(), [&(to, text.to_owned())]);
    assert!(town.audit(loser).await.iter().any(|(action, _)| action == "domain.taken"));
    let before = town.mail().await.len();
    town.wait(2 * DAY).await;
    assert_eq!(town.mail().await.len(), before, "told once");
    // The domain gets free: whoever waits for it, and has the record, gets it.
    town.run(async |tx| claim::release(tx, winner, &domain("acme.test")).await).await;
    town.wait(Duration::from_secs(1)).await;
    let held = claim::holder(&town.store.reader(), &domain("acme.test")).await.unwrap().unwrap();
    assert_eq!(held.id, loser.id);
}

#[tokio::test]
async fn domains_of_public_mail_providers_cant_be_claimed() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    for trusted in [false, true] {
        let claim = async |tx: Tx| {
            let name = domain("gmail.com");
            if trusted {
                town.proof.claim_trusted(&tx, &acme, &name).await
            } else {
                town.proof.claim(&tx, &acme, &name).await
            }
        };
        let refused = town.store.transaction("test", claim).await.unwrap_err();
        assert!(matches!(refused, DirectoryError::PublicMail(_)), "{refused}");
    }
}

#[tokio::test]
async fn the_operators_word_is_not_looked_up() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    town.run(async |tx| town.proof.claim_trusted(tx, &acme, &domain("acme.test")).await).await;
    town.wait(30 * DAY).await;
    let checked = town.proof.verify(&acme, &domain("acme.test")).await.unwrap();
    assert_eq!((checked.claim.state, town.dns.asked()), (ClaimState::Verified, 0));
}

#[tokio::test]
async fn one_node_looks_and_another_takes_over_when_it_is_gone() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    town.claim(&acme, "acme.test").await;
    town.clock.advance(HOUR);
    assert_eq!(town.proof.round(NODE).await.unwrap(), 1);
    town.clock.advance(Duration::from_secs(30));
    town.claim(&acme, "second.test").await;
    town.clock.advance(Duration::from_secs(29));
    assert_eq!(town.proof.round("other").await.unwrap(), 0);
    town.clock.advance(HOUR);
    assert_eq!(town.proof.round("other").await.unwrap(), 2, "the lease is over");
    assert_eq!(town.proof.round(NODE).await.unwrap(), 0);
}

#[tokio::test]
async fn a_claim_given_up_while_dns_is_asked_stays_given_up() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "acme.test").await;
    town.publish(&claim);
    town.run(async |tx| claim::release(tx, &acme, &claim.domain).await).await;
    assert_eq!(town.proof.check(&claim).await.unwrap(), None);
    // Claimed anew it has another token: what was seen of the old one counts for nothing.
    let anew = town.claim(&acme, "acme.test").await;
    assert_eq!(town.proof.check(&claim).await.unwrap(), None);
    assert_eq!(town.now_is(&anew).await.state, ClaimState::Pending);
}

#[tokio::test]
async fn a_search_ends_and_begins_anew_when_asked() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "acme.test").await;
    town.wait(30 * DAY).await;
    let given_up = town.now_is(&claim).await;
    assert_eq!((given_up.state, given_up.due), (ClaimState::Pending, None));
    let checked = town.proof.verify(&acme, &claim.domain).await.unwrap();
    assert!(checked.claim.due.is_some());
    town.publish(&claim);
    town.wait(HOUR).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Verified);
}
