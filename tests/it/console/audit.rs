//! The page «Audit»: newest first, filtered, verified, exported.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::{AuditEntry, OrgKind, Organization, audit};
use vestibule::kernel::{Role, SystemRng};

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/audit";

async fn note(site: &Site, acme: &Organization, count: usize, actor: &str, action: &str) {
    site.change(async |tx| {
        for number in 0..count {
            let entry = AuditEntry::new(&tx, actor, action, format!("object-{number}."));
            audit::append(&tx, &SystemRng, acme.id, &entry.changed("<b>old", "new"))?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn entries_come_newest_first_page_by_page_and_are_filtered_by_time_who_and_what() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    note(&site, &acme, 150, "ada@acme.example", "member.add").await;
    site.clock.advance(Duration::from_secs(3 * 24 * 3600));
    let mut amy_later = site.browser(&site.person(&acme, "amo@acme.example", Role::Admin).await, Some(&acme)).await;
    note(&site, &acme, 1, "bob@acme.example", "domain.claim").await;
    let page = amy_later.get(PAGE).await;
    page.says("object-149.").says("domain.claim").hides("object-40.").says("&#60;b&#62;old").hides("<b>old");
    let (_, rest) = page.body.split_once("<a href=\"").unwrap();
    let older = rest.match_indices("audit?before=").next().map(|(at, _)| &rest[at..]).unwrap();
    let older = older.split('"').next().unwrap().strip_prefix("audit").unwrap();
    amy_later.get(&format!("{PAGE}{older}")).await.says("object-40.").says("object-0.").hides("object-149.");
    let check = async |query: &str, shown: &str, hidden: &str| {
        amy_later.clone().get(&format!("{PAGE}?{query}")).await.says(shown).hides(hidden);
    };
    check("actor=BOB", "domain.claim", "object-149.").await;
    check("action=member", "object-149.", ">domain.claim").await;
    check("since=2026-11-24", "domain.claim", "object-149.").await;
    check("until=2026-11-24", "object-149.", ">domain.claim").await;
    check("since=2026-11-24&actor=ada", "Nothing that fits", "object-").await;
    let page = amy_later.get(&format!("{PAGE}?since=yesterday")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("value=\"yesterday\"").says("A time is a day");
    assert_eq!(amy.get(PAGE).await.location.split('?').next(), Some("/.vestibule/sign-in"), "the session is over");
}

#[tokio::test]
async fn the_chain_is_looked_at_whole_and_against_what_was_kept() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    note(&site, &acme, 3, "ada@acme.example", "member.add").await;
    let verify = format!("{PAGE}/verify");
    let page = amy.submit(PAGE, &verify, &[("expect", "")]).await;
    page.says("All 3 entries are there").says(">whole<");
    let (_, rest) = page.body.split_once("class=\"copy\">").unwrap();
    let end = rest.split('<').next().unwrap().to_owned();
    note(&site, &acme, 1, "ada@acme.example", "member.add").await;
    amy.submit(PAGE, &verify, &[("expect", &end)]).await.says("All 4 entries are there");
    let other = end.replacen("3:", "2:", 1);
    amy.submit(PAGE, &verify, &[("expect", &other)]).await.says("not whole").says("cut or rewritten");
    let page = amy.submit(PAGE, &verify, &[("expect", "three")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("a number and a hash").says("value=\"three\"");
}

#[tokio::test]
async fn the_export_is_a_line_of_json_for_each_entry_that_is_meant() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    note(&site, &acme, 5, "ada@acme.example", "member.add").await;
    note(&site, &acme, 1, "ada@acme.example", "domain.claim").await;
    let page = amy.get(&format!("{PAGE}/export")).await;
    let lines: Vec<serde_json::Value> = page.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!((&lines[0]["action"], &lines[5]["number"]), (&"domain.claim".into(), &1.into()), "newest first");
    let page = amy.get(&format!("{PAGE}/export?action=domain")).await;
    assert_eq!(page.body.lines().count(), 1);
    let mut member = site.comes(&acme, "bob@acme.example", Role::Member).await;
    assert_eq!(member.get(&format!("{PAGE}/export")).await.status, StatusCode::FORBIDDEN);
}
