//! The page «What would happen if».

use http::StatusCode;
use vestibule::directory::OrgKind;
use vestibule::kernel::Role;

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/explain";

#[tokio::test]
async fn an_address_of_theirs_is_explained_step_by_step_and_no_other() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let page = amy.get(&format!("{PAGE}?email=amy%40acme.example")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.says("acme.example is verified for acme")
        .says(">passed<")
        .says(">stopped<")
        .says("acme has no single sign-on");
    page.hides("vestibule sso set");
    let page = amy.get(&format!("{PAGE}?email=gus%40globex.example")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("not of a domain that your organization has proved").hides("verified for globex");
    let page = amy.get(&format!("{PAGE}?email=%3Cb%3E")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("This is no e-mail address").says("value=\"&#60;b&#62;\"");
    // What they are elsewhere is not told; the operator knows.
    site.person(&globex, "amy@acme.example", Role::Owner).await;
    site.change(async |tx| {
        let amy = vestibule::directory::user::by_email(&tx, &"amy@acme.example".parse().unwrap()).await?;
        vestibule::directory::member::put_to_sleep(&tx, globex.id, amy.id).await?;
        Ok(())
    })
    .await;
    amy.get(&format!("{PAGE}?email=amy%40acme.example")).await.hides("globex");
    site.operator().await.get(&format!("{PAGE}?email=amy%40acme.example")).await.says("globex sleeps");
}
