//! The pages «Domains»: claim, record, look, hand over, give up.

use http::StatusCode;
use vestibule::directory::{ClaimState, OrgKind, claim};
use vestibule::kernel::{Role, SystemRng};

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/domains";
const ONE: &str = "/.vestibule/console/o/acme/domains/acme.test";

/// What the page offers as the record's value.
fn record(body: &str) -> String {
    let (_, rest) = body.split_once("vestibule-domain-verify=").expect("a record");
    format!("vestibule-domain-verify={}", rest.split('<').next().unwrap())
}

#[tokio::test]
async fn a_domain_is_claimed_and_proved_by_the_record_that_its_page_shows() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(PAGE).await.says("acme.example").says("trusted").says("verified").hides("On your own word");
    let page = amy.submit(PAGE, PAGE, &[("domain", " ACME.test ")]).await;
    assert_eq!(page.location, format!("{ONE}?done=claimed"), "{}", page.body);
    let page = amy.get(&page.location).await;
    page.says("The domain is claimed. Put the record").says("pending").says(">TXT<").says("DNS was not asked yet");
    let record = record(&page.body);

    site.dns.txt("acme.test", "v=spf1 -all");
    let page = amy.submit(ONE, &format!("{ONE}/check"), &[]).await;
    assert_eq!(page.location, format!("{ONE}?done=checked"), "{}", page.body);
    let page = amy.get(&page.location).await;
    page.says("1 TXT records, none of them ours").says("not there").says(&site.dns.address.to_string()).says("pending");
    site.dns.txt("acme.test", &record);
    amy.submit(ONE, &format!("{ONE}/check"), &[]).await;
    amy.get(ONE).await.says("the record is there").says("found").says("Record last seen").says(">verified<");
    site.dns.forget("acme.test");
    amy.submit(ONE, &format!("{ONE}/check"), &[]).await;
    amy.get(ONE).await.says(">lapsing<").says("the domain is lost on 2026-11-29 10:00 UTC");
    let actions: Vec<String> = site.audited(&acme).await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions[actions.len() - 3..], ["domain.claim", "domain.verified", "domain.lapsing"]);
}

#[tokio::test]
async fn what_is_no_domain_is_refused_with_what_was_typed_and_the_operators_word_is_the_operators() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    for (typed, shown, told) in [
        ("<b>acme", "value=\"&#60;b&#62;acme\"", "This is no domain"),
        ("gmail.com", "value=\"gmail.com\"", "no organization can claim it."),
    ] {
        let page = amy.submit(PAGE, PAGE, &[("domain", typed)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
        page.says(shown).says(told).says("role=\"alert\"").hides("public_mail_domains");
    }
    let page = amy.submit(PAGE, PAGE, &[("domain", "acme.test"), ("trusted", "on")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    let find = async || claim::find(&site.store.reader(), acme.id, &"acme.test".parse().unwrap()).await.unwrap();
    assert_eq!(find().await, None);
    let mut operator = site.operator().await;
    operator.get(PAGE).await.says("On your own word");
    operator.submit(PAGE, PAGE, &[("domain", "acme.test"), ("trusted", "on")]).await;
    assert!(find().await.unwrap().trusted);
}

#[tokio::test]
async fn who_else_holds_a_domain_is_told_to_the_operator_alone() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    site.organization("globex", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let page = amy.submit(PAGE, PAGE, &[("domain", "globex.example")]).await;
    let at = page.location.clone();
    amy.get(&at).await.says("Another organization holds this domain").hides(">globex<").hides("globex holds");
    let one = format!("{PAGE}/globex.example");
    let page = amy.submit(&at, &format!("{one}/check"), &[]).await;
    amy.get(&page.location).await.hides("globex holds");
    site.operator().await.get(&at).await.says("globex holds this domain");
    // Nor does an attempt to hand over what is not theirs tell.
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let page = ada.submit(&at, &format!("{one}/transfer"), &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
    page.hides("held by");
}

#[tokio::test]
async fn a_domain_is_given_up_after_a_page_that_says_what_ends() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let one = format!("{PAGE}/acme.example/release");
    ada.get(&one).await.says("Sessions that this single sign-on made end").says("No, keep it");
    let page = ada.submit(&one, &one, &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=released"), "{}", page.body);
    ada.get(&page.location).await.says("The domain was given up.").says("There is no domain yet");
    assert_eq!(ada.get(&one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.audited(&acme).await.pop().unwrap().action, "domain.release");
}

#[tokio::test]
async fn under_a_link_domains_rest_and_an_owner_hands_them_over() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let group = site.organization("group", OrgKind::Admin).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let one = format!("{PAGE}/acme.example");
    ada.get(&one).await.hides("Hand over");
    let page = ada.submit(PAGE, &format!("{one}/transfer"), &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "it is not linked");
    site.link(&group, &acme).await;
    ada.get(PAGE).await.says("so domains claimed here rest");
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(&one).await.says("Hand over to").says("An owner does that").hides("Hand acme.example over");
    let page = amy.submit(PAGE, &format!("{one}/transfer"), &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    let page = ada.submit(PAGE, &format!("{one}/transfer"), &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=transferred"), "{}", page.body);
    let held = claim::find(&site.store.reader(), group.id, &"acme.example".parse().unwrap()).await.unwrap();
    assert_eq!(held.map(|claim| claim.state), Some(ClaimState::Verified));
    assert_eq!(site.audited(&group).await.pop().unwrap().action, "domain.transfer");
}

#[tokio::test]
async fn what_dns_says_is_shown_as_text() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    site.change(async |tx| claim::claim(&tx, &SystemRng, &acme, &"acme.test".parse().unwrap()).await.map(|_| ())).await;
    site.dns.txt("acme.test", "vestibule-domain-verify=<script>alert(1)</script>");
    amy.submit(ONE, &format!("{ONE}/check"), &[]).await;
    amy.get(ONE).await.says("=&#60;script&#62;").hides("<script>alert");
}
