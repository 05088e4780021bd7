//! The page «Sessions»: those in the organization, their end one by one, and all at once by an owner.

use http::StatusCode;
use vestibule::directory::OrgKind;
use vestibule::kernel::{Role, UserId};
use vestibule::session::records::{self, Scope};
use vestibule::session::{Method, NewSession, SessionError};
use vestibule::store::Tx;

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/sessions";
const END: &str = "/.vestibule/console/o/acme/sessions/end";

#[tokio::test]
async fn sessions_in_the_organization_are_listed_newest_first_and_ended() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let gus = site.person(&globex, "gus@globex.example", Role::Owner).await;
    site.browser(&gus, Some(&globex)).await;
    for _ in 0..51 {
        site.clock.advance(std::time::Duration::from_secs(1));
        site.browser(&bob, Some(&acme)).await;
    }
    let page = ada.get(PAGE).await;
    page.says("53 in this organization")
        .says("bob@acme.example")
        .hides("gus@globex.example")
        .hides("olga@acme.example");
    ada.get(&format!("{PAGE}?page=1")).await.says("olga@acme.example").says("Back to the start").hides("Next page");
    let newest = records::list(&site.store.reader(), Scope::User(bob.id)).await.unwrap()[0].id;
    let page = ada.submit(PAGE, PAGE, &[("session", &newest.to_string())]).await;
    assert_eq!(page.location, format!("{PAGE}?done=ended"), "{}", page.body);
    assert!(records::find(&site.store.reader(), newest).await.unwrap().is_none());
    for gone in [newest.to_string(), "nothing".to_owned()] {
        let page = ada.submit(PAGE, PAGE, &[("session", &gone)]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        page.says("This session is over already.");
    }
    // Another organization's, and an owner's, are not an admin's to end.
    for account in [&gus, &site.person(&globex, "olga@acme.example", Role::Member).await] {
        let session = records::list(&site.store.reader(), Scope::User(account.id)).await.unwrap()[0].id;
        let page = ada.submit(PAGE, PAGE, &[("session", &session.to_string())]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
        assert!(records::find(&site.store.reader(), session).await.unwrap().is_some());
    }
    ada.get(PAGE).await.says("An owner does that.").hides("End every session…");
    assert_eq!(ada.submit(PAGE, END, &[]).await.status, StatusCode::FORBIDDEN);
    olga.get(END).await.says("52 sessions in this organization end");
    let page = olga.submit(END, END, &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=all"));
    assert!(records::list(&site.store.reader(), Scope::Organization(acme.id)).await.unwrap().is_empty());
    assert_eq!(records::list(&site.store.reader(), Scope::User(gus.id)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_admin_organization_says_where_its_peoples_sessions_are() {
    let site = Site::new().await;
    site.organization("group", OrgKind::Admin).await;
    let page = site.operator().await.get("/.vestibule/console/o/group/sessions").await;
    page.says("Nobody is ever in an Admin organization");
}

#[tokio::test]
async fn a_person_ends_any_session_of_their_own_and_no_other_however_many_there_are() {
    const END_OWN: &str = "/.vestibule/account/sessions/end";
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let eve = site.person(&acme, "eve@acme.example", Role::Member).await;
    let mut browser = site.browser(&bob, Some(&acme)).await;
    let start = async |whose: UserId| {
        let new =
            NewSession { organization: Some(acme.id), ..NewSession::new(whose, Method::Password, site.store.now()) };
        let begin = async |tx: Tx| site.sessions.start(&tx, &new).await;
        site.store.transaction("test", begin).await.map_err(|error: SessionError| error).unwrap().id
    };
    let mut made = Vec::new();
    for _ in 0..=records::LIST_LIMIT {
        made.push(start(bob.id).await);
    }
    let listed = records::list(&site.store.reader(), Scope::User(bob.id)).await.unwrap();
    made.retain(|id| listed.iter().all(|record| record.id != *id));
    let beyond = *made.first().expect("one that the list does not reach");
    let page = browser.post(END_OWN, &[("session", &beyond.to_string())]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert!(records::find(&site.store.reader(), beyond).await.unwrap().is_none());
    let theirs = start(eve.id).await;
    let page = browser.post(END_OWN, &[("session", &theirs.to_string())]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(records::find(&site.store.reader(), theirs).await.unwrap().is_some());
}
