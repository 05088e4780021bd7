//! What is there to be copied has a button, from one script of ours; no other page runs any.

use vestibule::directory::OrgKind;
use vestibule::kernel::Role;

use super::door::PAGES;
use super::world::{Page, Site};

/// Whether there is something to copy; if so the one script runs, else none does.
fn copies(page: &Page) -> bool {
    let there = page.body.contains(" class=\"copy\">");
    assert_eq!(page.body.matches("<script").count(), usize::from(there), "{}", page.body);
    let source = page.policy.split("; ").find_map(|one| one.strip_prefix("script-src "));
    let ours = vestibule::kernel::style::source_of(vestibule::console::COPY);
    assert_eq!(source, there.then_some(ours.as_str()), "{}", page.policy);
    assert_eq!(page.body.matches("<code data-name=\"").count(), page.body.matches(" class=\"copy\"").count());
    there
}

#[tokio::test]
async fn pages_with_something_to_copy_run_the_one_script_and_others_none() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    site.organization("group", OrgKind::Admin).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let mut operator = site.operator().await;
    let mut with = Vec::new();
    for rest in PAGES {
        if copies(&ada.get(&format!("/.vestibule/console/o/acme{rest}")).await) {
            with.push(*rest);
        }
    }
    assert_eq!(with, ["/scim", "/sso"]);
    let at = |page: &str| format!("/.vestibule/console/o/acme/{page}");
    assert!(copies(&operator.get(&at("sso/require")).await), "where an owner signs in");
    let claimed = ada.submit(&at("domains"), &at("domains"), &[("domain", "acme.test")]).await;
    assert!(copies(&ada.get(&claimed.location).await), "the record");
    assert!(copies(&ada.submit(&at("audit"), &at("audit/verify"), &[]).await), "number and hash");
    assert!(copies(&ada.submit(&at("scim"), &at("scim/issue"), &[]).await), "the token");
    let shared = "/.vestibule/console/o/group/shared";
    assert!(!copies(&operator.get(shared).await));
    assert!(copies(&operator.submit(shared, &format!("{shared}/code"), &[]).await), "the linking code");
    assert!(!copies(&site.stranger().get("/.vestibule/console/enter?link=%3Cscript%3E").await));
}
