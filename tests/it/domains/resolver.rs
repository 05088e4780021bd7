//! What a DNS server answers, and what that says of a record (D8).

use hickory_server::proto::op::ResponseCode;
use vestibule::directory::{ClaimState, Observation};

use super::{Town, domain, proof};
use crate::world::dns::{DnsServer, Zone};

#[tokio::test]
async fn gone_is_what_a_server_knows_to_be_gone_and_all_else_is_no_answer() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "acme.test").await;
    let record = town.proof.record(&claim).unwrap();
    let one = |text: &str| Zone::Txt(vec![vec![text.to_owned()]]);
    let (first, rest) = record.split_at(30);
    let many: Vec<Vec<String>> = (0..100).map(|n| vec![format!("{n:0>200}")]).chain([vec![record.clone()]]).collect();
    let mut rows = vec![
        (None, Observation::Gone, "NXDOMAIN: there is no such domain"),
        (Some(Zone::Txt(vec![])), Observation::Gone, "no TXT record"),
        (Some(one("v=spf1 -all")), Observation::Gone, "1 TXT records, none of them ours"),
        (Some(one("vestibule-domain-verify=old")), Observation::Gone, "a record of another token"),
        (Some(one(&record.to_lowercase())), Observation::Gone, "a record of another token"),
        (Some(Zone::Code(ResponseCode::ServFail)), Observation::Failed, "SERVFAIL"),
        (Some(Zone::Code(ResponseCode::Refused)), Observation::Failed, "REFUSED"),
        (Some(Zone::Code(ResponseCode::NotImp)), Observation::Failed, ""),
        (Some(Zone::Referral), Observation::Failed, "a referral to other servers"),
        (Some(Zone::Alias("gone.elsewhere.test.".to_owned())), Observation::Gone, "NXDOMAIN"),
        (Some(Zone::Alias("dead.elsewhere.test.".to_owned())), Observation::Failed, "SERVFAIL"),
        (Some(Zone::Drop), Observation::Failed, "no answer in time"),
    ];
    town.dns.set("dead.elsewhere.test", Zone::Code(ResponseCode::ServFail));
    let found = [
        one(&record),
        one(&format!(" {record} ")),
        Zone::Txt(vec![vec!["v=spf1 -all".to_owned()], vec![first.to_owned(), rest.to_owned()]]),
        // Too long for UDP: asked again over TCP.
        Zone::Txt(many),
        Zone::Alias("acme.elsewhere.test.".to_owned()),
    ];
    town.dns.txt("acme.elsewhere.test", &record);
    rows.extend(found.map(|zone| (Some(zone), Observation::Found, "the record is there")));
    for (zone, observation, detail) in rows {
        let told = format!("{zone:?}");
        match zone {
            Some(zone) => town.dns.set("acme.test", zone),
            None => town.dns.forget("acme.test"),
        }
        let look = town.proof.look(&claim).await;
        assert_eq!(look.observation(), observation, "{told}: {look:?}");
        assert!(look.answers[0].detail.contains(detail), "{told}: {look:?}");
        assert_eq!(look.answers[0].server, town.dns.address.to_string());
    }
}

#[tokio::test]
async fn each_server_is_asked_and_one_that_sees_the_record_is_enough() {
    let town = Town::new().await;
    let (stale, dead) = (DnsServer::start().await, DnsServer::start().await);
    dead.set("acme.test", Zone::Code(ResponseCode::ServFail));
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "acme.test").await;
    let every = proof(&town.store, &town.rng, &[&stale, &dead, &town.dns]);
    let checked = every.verify(&acme, &claim.domain).await.unwrap();
    assert_eq!(checked.claim.state, ClaimState::Pending);
    town.publish(&claim);
    let checked = every.verify(&acme, &claim.domain).await.unwrap();
    assert_eq!(checked.claim.state, ClaimState::Verified);
    let said: Vec<Observation> = town.now_is(&claim).await.answers.iter().map(|answer| answer.observation).collect();
    assert_eq!(said, [Observation::Gone, Observation::Failed, Observation::Found]);
}

#[tokio::test]
async fn a_domain_says_nothing_about_its_neighbours() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let apex = town.claim(&acme, "acme.test").await;
    let mail = town.claim(&acme, "mail.acme.test").await;
    assert_ne!(apex.token, mail.token);
    town.publish(&apex);
    for (claim, expected) in [(&apex, ClaimState::Verified), (&mail, ClaimState::Pending)] {
        let checked = town.proof.verify(&acme, &claim.domain).await.unwrap();
        assert_eq!(checked.claim.state, expected, "{}", claim.domain);
    }
}

#[tokio::test]
async fn an_international_domain_is_looked_up_by_its_a_label() {
    let town = Town::new().await;
    let acme = town.organization("acme").await;
    let claim = town.claim(&acme, "Bücher.test").await;
    assert_eq!(claim.domain, domain("xn--bcher-kva.test"));
    town.publish(&claim);
    let checked = town.proof.verify(&acme, &domain("bücher.test")).await.unwrap();
    assert_eq!(checked.claim.state, ClaimState::Verified);
}
