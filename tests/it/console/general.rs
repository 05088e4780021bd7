//! The page «General».

use http::StatusCode;
use vestibule::directory::OrgKind;
use vestibule::kernel::Role;

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/general";

#[tokio::test]
async fn name_and_session_limits_are_saved_audited_and_refused_with_what_was_typed() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let fields = [("name", "Acme & Sons"), ("session_idle", "30m"), ("session_absolute", "")];
    let page = ada.submit(PAGE, PAGE, &fields).await;
    assert_eq!(page.location, format!("{PAGE}?done=saved"), "{}", page.body);
    ada.get(&page.location).await.says("Saved.").says("Acme &#38; Sons").says("value=\"30m\"");
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.from.as_str()), ("ada@acme.example", "192.0.2.7"), "{last:?}");

    let page = ada.submit(PAGE, PAGE, &[("name", "<b>Acme"), ("session_idle", "soon"), ("session_absolute", "")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("value=\"soon\"").says("&#60;b&#62;Acme").says("role=\"alert\"");
    assert_eq!(site.now(&acme).await.name, "Acme & Sons");
}
