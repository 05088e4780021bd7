//! The pages «SCIM»: the token once, the log of requests, people and drift.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::provisioning::token;
use vestibule::directory::{OrgKind, ProvisioningRequest, barred, member, provisioning_log, user};
use vestibule::kernel::Role;

use super::world::{SITE, Site};

const PAGE: &str = "/.vestibule/console/o/acme/scim";

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_ended() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(PAGE).await.says(&format!("{SITE}/scim/v2")).says("SCIM is off");
    let page = amy.submit(PAGE, &format!("{PAGE}/issue"), &[]).await;
    assert_eq!((page.status, page.location.as_str()), (StatusCode::OK, ""), "in the answer, never in an address");
    let (_, rest) = page.body.split_once("vestibule_scim_").expect("a token");
    let text = format!("vestibule_scim_{}", rest.split('<').next().unwrap());
    let owner = async || token::owner(&site.store.reader(), &text).await.unwrap().map(|(id, _)| id);
    assert_eq!(owner().await, Some(acme.id));
    amy.get(PAGE).await.hides(&text).says("since 2026-11-22 10:00 UTC").hides("silent");
    for entry in site.audited(&acme).await {
        assert!(!format!("{entry:?}").contains(&text), "{entry:?}");
    }
    site.clock.advance(Duration::from_secs(73 * 3600));
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    ada.get(PAGE).await.says("Nothing has come since 2026-11-22 10:00 UTC");
    let page = ada.submit(PAGE, &format!("{PAGE}/revoke"), &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=revoked"), "{}", page.body);
    ada.get(&page.location).await.says("opens nothing any more").says("SCIM is off");
    assert_eq!(owner().await, None);
}

#[tokio::test]
async fn under_a_link_it_is_said_where_provisioning_happens() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.submit(PAGE, &format!("{PAGE}/issue"), &[]).await;
    site.link(&group, &acme).await;
    amy.get(PAGE).await.says("linked to group").says(">rests<");
}

#[tokio::test]
async fn each_request_of_the_log_has_its_page_with_what_came_as_text() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let request = |method: &str, status: u16, body: &str| ProvisioningRequest {
        at: site.store.now(),
        method: method.to_owned(),
        target: "/scim/v2/Users?filter=<b>".to_owned(),
        body: body.to_owned(),
        status,
        refused: (status >= 400).then(|| "uniqueness: taken".to_owned()),
        took: 3,
        client: "192.0.2.9".to_owned(),
    };
    let requests = [request("GET", 200, ""), request("POST", 409, "{\"a\":\"<script>\"}"), request("PATCH", 200, "{")];
    site.change(async |tx| Ok(provisioning_log::record(&tx, acme.id, &requests).await?)).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(PAGE).await.says("answered with");
    let all = format!("{PAGE}/requests");
    amy.get(&all).await.says("uniqueness: taken").says("GET").says("PATCH").says("filter=&#60;b&#62;");
    amy.get(&format!("{all}?only=changes")).await.says("PATCH").hides("POST").hides("GET ");
    let page = amy.get(&format!("{all}?only=refused")).await;
    page.says("POST").hides("PATCH");
    let (_, rest) = page.body.split_once(&format!("{all}/")).unwrap();
    let one = format!("{all}/{}", rest.split('"').next().unwrap());
    let page = amy.get(&one).await;
    page.says("uniqueness: taken").says("&#60;script&#62;").hides("<script>").says("192.0.2.9").says("409");
    let other = one.replace('-', "-9");
    assert_eq!(amy.get(&other).await.status, StatusCode::NOT_FOUND, "another is there now");
    assert_eq!(amy.get(&format!("{all}/x")).await.status, StatusCode::NOT_FOUND);
    let mut gus = site.comes(&globex, "gus@globex.example", Role::Owner).await;
    let theirs = one.replace("/o/acme/", "/o/globex/");
    assert_eq!(gus.get(&theirs).await.status, StatusCode::NOT_FOUND, "of another organization");
}

#[tokio::test]
async fn drift_names_whom_the_identity_provider_does_not_keep_and_whom_it_took_out() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let drift = format!("{PAGE}/drift");
    amy.get(&drift).await.says("SCIM is off here").hides("amy@acme.example</td>");
    amy.submit(PAGE, &format!("{PAGE}/issue"), &[]).await;
    site.person(&acme, "guest@elsewhere.example", Role::Member).await;
    let off = site.person(&acme, "off@acme.example", Role::Member).await;
    let out = site.person(&acme, "out@acme.example", Role::Member).await;
    site.change(async |tx| {
        user::set_active(&tx, &off.email, false).await?;
        member::remove(&tx, &acme, &out).await?;
        barred::bar(&tx, acme.id, &out.email)?;
        Ok(())
    })
    .await;
    let page = amy.get(&drift).await;
    page.says("3 members were looked at").says("amy@acme.example</td>").says("a member by hand");
    page.says("off@acme.example").says("switched off, and a member still");
    page.says("out@acme.example").hides("guest@elsewhere.example");
    amy.get(&format!("{PAGE}/people")).await.says("Nobody yet");
    assert_eq!(amy.get(&format!("{PAGE}/people?after=x")).await.status, StatusCode::BAD_REQUEST);
}
