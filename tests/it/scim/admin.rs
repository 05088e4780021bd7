//! An Admin organization's provisioning: S9, S10, D15 to D18, G.c, G.f.

use serde_json::json;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::provisioning::mapping;
use vestibule::directory::{Origin, link, user};
use vestibule::kernel::Role;

use super::world::{Site, Tenant, ids, members, person};

/// An Admin organization with the domain, and one linked to it under the SCIM name.
pub async fn group_of_companies(site: &Site) -> (Tenant, Tenant) {
    let admin = site.tenant("group", "acme.example", OrgKind::Admin).await;
    let linked = site.tenant("acme", "", OrgKind::Customer).await;
    named(site, &linked, "Acme").await;
    site.link(&linked, &admin).await;
    (admin, linked)
}

/// Sets the SCIM name, as `org set` does.
pub async fn named(site: &Site, tenant: &Tenant, name: &str) {
    site.does(async |tx| {
        let before = organization::by_id(tx, tenant.organization.id).await?.unwrap();
        let mut after = before.clone();
        after.set("scim_name", name)?;
        let held = link::find(tx, before.id).await?;
        if let Some(held) = &held {
            mapping::disconnect(tx, &site.rng, held.admin, &before).await?;
        }
        organization::save(tx, &after)?;
        match held {
            Some(held) => mapping::connect(tx, &site.rng, held.admin, &after).await,
            None => Ok(()),
        }
    })
    .await;
}

#[tokio::test]
async fn s9_a_group_of_the_scim_name_makes_its_members_members_there() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let bo = site.person(&admin, "bo@acme.example").await;
    assert!(site.membership(&acme, "ada@acme.example").await.is_none(), "users go to the Admin organization");
    assert_eq!(site.membership(&admin, "ada@acme.example").await.unwrap().role, Role::Member);
    let group = site.group(&admin, "ACME", &[&ada]).await;
    let held = site.membership(&acme, "ada@acme.example").await.unwrap();
    assert_eq!((held.role, held.origin), (Role::Member, Origin::Scim));
    assert_eq!(site.post(&admin, "/Groups", &json!({ "displayName": "acme" })).await.is(409)["scimType"], "uniqueness");
    let path = format!("/Groups/{group}");
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": bo }] }]);
    site.patch(&admin, &path, add).await.is(204);
    assert!(site.membership(&acme, "bo@acme.example").await.is_some());
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{bo}\"]") }]);
    site.patch(&admin, &path, remove).await.is(204);
    assert!(site.membership(&acme, "bo@acme.example").await.is_none());
    assert!(site.membership(&admin, "bo@acme.example").await.is_some());
    let shown = site.get(&admin, &format!("/Users/{ada}")).await.is(200);
    assert_eq!(shown["groups"][0]["display"], "ACME");
    // Deactivated, they are nowhere; back, they are where they were pushed last.
    let active = |on: bool| json!([{ "op": "replace", "path": "active", "value": on }]);
    site.patch(&admin, &format!("/Users/{ada}"), active(false)).await.is(200);
    assert!(!user::by_id(&site.store.reader(), ada.parse().unwrap()).await.unwrap().unwrap().active);
    site.patch(&admin, &format!("/Users/{ada}"), active(true)).await.is(200);
    assert!(site.membership(&acme, "ada@acme.example").await.is_some());
    // The organization is never deleted: whom provisioning put in leaves, nothing else.
    site.add_by_hand(&acme, "bo@acme.example", Role::Admin).await;
    site.patch(&admin, &path, json!([{ "op": "add", "path": "members", "value": [{ "value": bo }] }])).await.is(204);
    site.ask(&admin, "DELETE", &path, None).await.is(204);
    assert!(site.membership(&acme, "ada@acme.example").await.is_none());
    assert_eq!(
        site.membership(&acme, "bo@acme.example").await.unwrap().role,
        Role::Admin,
        "D16: by hand, so they stay"
    );
    assert!(organization::by_id(&site.store.reader(), acme.organization.id).await.unwrap().is_some());
    site.check().await;
}

#[tokio::test]
async fn g_c_g_f_names_map_at_once_and_unmap_when_they_change() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let globex = site.tenant("globex", "", OrgKind::Customer).await;
    site.link(&globex, &admin).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let group = site.group(&admin, "Later", &[&ada]).await;
    let path = format!("/Groups/{group}");
    let within = async |tenant: &Tenant| site.membership(tenant, "ada@acme.example").await.is_some();
    assert!(!within(&acme).await && !within(&globex).await, "kept, without effect");
    assert_eq!(members(&site.get(&admin, &path).await.is(200)), std::slice::from_ref(&ada));
    named(&site, &globex, "later").await;
    assert!(within(&globex).await, "a name that matches later maps at once");
    let rename = |name: &str| json!([{ "op": "replace", "path": "displayName", "value": name }]);
    site.patch(&admin, &path, rename("Acme")).await.is(204);
    assert!(within(&acme).await && !within(&globex).await);
    site.patch(&admin, &path, rename("Nothing")).await.is(204);
    assert!(!within(&acme).await);
    named(&site, &acme, "Nothing").await;
    assert!(within(&acme).await);
    named(&site, &acme, "none").await;
    assert!(!within(&acme).await);
    site.check().await;
}

#[tokio::test]
async fn d16_an_admin_organization_that_ends_lets_go_of_whom_its_groups_put_in() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    site.group(&admin, "Acme", &[&ada]).await;
    site.add_by_hand(&acme, "bo@acme.example", Role::Admin).await;
    site.does(async |tx| organization::delete(tx, &site.rng, &admin.organization).await).await;
    assert!(site.membership(&acme, "ada@acme.example").await.is_none());
    assert!(site.membership(&acme, "bo@acme.example").await.is_some(), "by hand, so they stay");
    assert!(organization::by_id(&site.store.reader(), acme.organization.id).await.unwrap().is_some());
    site.check().await;
}

#[tokio::test]
async fn d15_a_scim_name_is_unique_among_the_linked_ones() {
    let site = Site::new().await;
    let (admin, _) = group_of_companies(&site).await;
    let globex = site.tenant("globex", "", OrgKind::Customer).await;
    site.link(&globex, &admin).await;
    let taken = site.store.transaction("test", async |tx: vestibule::store::Tx| {
        let mut found = organization::by_id(&tx, globex.organization.id).await?.unwrap();
        found.set("scim_name", "ACME")?;
        organization::save(&tx, &found)?;
        mapping::connect(&tx, &site.rng, admin.organization.id, &found).await
    });
    let refused = taken.await.unwrap_err().to_string();
    assert!(refused.contains("«ACME»"), "{refused}");
}

#[tokio::test]
async fn d15_the_linked_ones_people_are_the_admins_and_the_linked_ones_token_rests() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.add_by_hand(&acme, "ada@acme.example", Role::Member).await;
    assert_eq!(ids(&site.get(&admin, "/Users").await.is(200)), [ada.to_string()]);
    let made = site.post(&admin, "/Users", &person("ada@acme.example")).await.is(201);
    assert_eq!(made["id"], ada.to_string(), "adopted, no 409");
    assert!(site.membership(&admin, "ada@acme.example").await.is_some());
    for (method, path) in [("GET", "/Users"), ("GET", "/Schemas"), ("DELETE", "/Users/x")] {
        let refused = site.ask(&acme, method, path, None).await.is(403);
        assert!(refused["detail"].as_str().unwrap().contains("«group»"), "{refused}");
    }
    // D17: a delete ends what is within reach.
    site.ask(&admin, "DELETE", &format!("/Users/{ada}"), None).await.is(204);
    assert!(site.membership(&acme, "ada@acme.example").await.is_none());
    site.does(async |tx| {
        let found = organization::by_id(tx, acme.organization.id).await?.unwrap();
        mapping::disconnect(tx, &site.rng, admin.organization.id, &found).await?;
        link::leave(tx, &found).await
    })
    .await;
    site.get(&acme, "/Users").await.is(200);
    site.check().await;
}

#[tokio::test]
async fn d18_the_last_owner_of_a_linked_organization_is_skipped_in_groups_and_refused_on_the_person() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.add_by_hand(&acme, "ada@acme.example", Role::Owner).await.to_string();
    site.post(&admin, "/Users", &person("ada@acme.example")).await.is(201);
    let bo = site.person(&admin, "bo@acme.example").await;
    let group = site.group(&admin, "Acme", &[&ada, &bo]).await;
    let none = json!([{ "op": "replace", "path": "members", "value": [] }]);
    site.patch(&admin, &format!("/Groups/{group}"), none).await.is(204);
    assert!(site.membership(&acme, "ada@acme.example").await.is_some(), "the last owner is skipped");
    assert!(site.membership(&acme, "bo@acme.example").await.is_none(), "the rest of the push is done");
    for (method, body) in [("DELETE", None), ("PUT", Some(json!({ "userName": "ada@acme.example", "active": false })))]
    {
        site.ask(&admin, method, &format!("/Users/{ada}"), body.as_ref()).await.is(403);
    }
    site.check().await;
}
