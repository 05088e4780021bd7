//! Who is kept and may be another company's by now, or gone: S5, S32, S33, D17, G.b.

use std::sync::Arc;

use serde_json::json;
use vestibule::directory::provisioning::mapping;
use vestibule::directory::{barred, claim, member, user};
use vestibule::kernel::UserId;
use vestibule::store::Tx;

use super::admin::{group_of_companies, named};
use super::world::{Site, Tenant, filtered, ids, members};
use vestibule::directory::organization::OrgKind;

async fn lose(site: &Site, tenant: &Tenant, domain: &str) {
    site.does(async |tx| claim::release(tx, &tenant.organization, &domain.parse().unwrap()).await).await;
}

fn rename(name: &str) -> serde_json::Value {
    json!([{ "op": "replace", "path": "displayName", "value": name }])
}

#[tokio::test]
async fn s5_g_b_whose_domain_went_to_another_company_is_neither_put_in_nor_taken_out() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let globex = site.tenant("globex", "", OrgKind::Customer).await;
    named(&site, &globex, "Globex").await;
    site.link(&globex, &admin).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let (later, out) = (site.group(&admin, "Later", &[&ada]).await, site.group(&admin, "Globex", &[&ada]).await);
    assert!(site.membership(&globex, "ada@acme.example").await.is_some());
    lose(&site, &admin, "acme.example").await;
    site.tenant("hooli", "acme.example", OrgKind::Customer).await;
    site.patch(&admin, &format!("/Groups/{later}"), rename("Acme")).await.is(204);
    assert!(site.membership(&acme, "ada@acme.example").await.is_none(), "a rename");
    named(&site, &acme, "Elsewhere").await;
    named(&site, &acme, "Acme").await;
    assert!(site.membership(&acme, "ada@acme.example").await.is_none(), "a SCIM name");
    named(&site, &globex, "Elsewhere").await;
    named(&site, &globex, "Globex").await;
    site.patch(&admin, &format!("/Groups/{out}"), rename("Nothing")).await.is(204);
    site.patch(&admin, &format!("/Groups/{out}"), rename("Globex")).await.is(204);
    site.ask(&admin, "DELETE", &format!("/Groups/{out}"), None).await.is(204);
    assert!(site.membership(&globex, "ada@acme.example").await.is_some(), "untouchable");
    site.check().await;
}

#[tokio::test]
async fn s5_what_was_pushed_long_ago_wakes_no_membership() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let group = site.group(&admin, "Acme", &[&ada]).await;
    let account: UserId = ada.parse().unwrap();
    site.does(async |tx| Ok(member::put_to_sleep(tx, acme.organization.id, account).await?)).await;
    let asleep = async || {
        let held = member::record(&site.store.reader(), acme.organization.id, account).await.unwrap();
        held.is_some_and(|held| held.asleep)
    };
    let path = format!("/Groups/{group}");
    site.patch(&admin, &path, rename("Later")).await.is(204);
    site.patch(&admin, &path, rename("Acme")).await.is(204);
    named(&site, &acme, "Elsewhere").await;
    named(&site, &acme, "Acme").await;
    assert!(asleep().await);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    site.patch(&admin, &path, add).await.is(204);
    assert!(!asleep().await, "a new word of the identity provider says that this person is meant");
    site.check().await;
}

#[tokio::test]
async fn s10_whose_primary_addresss_domain_was_lost_can_be_switched_off() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    site.does(async |tx| claim::claim_trusted(tx, &acme.organization, &"old.example".parse().unwrap()).await).await;
    let sent = |address: &str, active: bool| {
        let emails = json!([{ "value": address, "primary": true }]);
        json!({ "userName": "ada@acme.example", "active": active, "emails": emails })
    };
    let made = site.post(&acme, "/Users", &sent("ada@old.example", true)).await.is(201);
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    lose(&site, &acme, "old.example").await;
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(site.patch(&acme, &path, off).await.is(200)["active"], false);
    site.ask(&acme, "PUT", &path, Some(&sent("ada@old.example", true))).await.is(200);
    assert_eq!(site.ask(&acme, "PUT", &path, Some(&sent("ada@old.example", false))).await.is(200)["active"], false);
    site.ask(&acme, "PUT", &path, Some(&sent("ada@other.example", false))).await.is(403);
    site.post(
        &acme,
        "/Users",
        &json!({ "userName": "bo@acme.example", "emails": [{ "value": "bo@old.example", "primary": true }] }),
    )
    .await
    .is(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s33_whoever_is_deleted_while_they_are_put_into_an_admins_group_leaves_no_ghost() {
    let site = Arc::new(Site::new().await);
    let (admin, acme) = group_of_companies(&site).await;
    let group = site.group(&admin, "Acme", &[]).await;
    for round in 0..40 {
        let email = format!("p{round}@acme.example");
        let id = site.person(&admin, &email).await;
        let (path, user) = (format!("/Groups/{group}"), format!("/Users/{id}"));
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let (pushing, deleting) = (Arc::clone(&site), Arc::clone(&site));
        let (pusher, deleter) = (admin.clone(), admin.clone());
        let added = tokio::spawn(async move { pushing.patch(&pusher, &path, add).await.status });
        let gone = tokio::spawn(async move { deleting.ask(&deleter, "DELETE", &user, None).await.status });
        assert_eq!((added.await.unwrap(), gone.await.unwrap()), (204, 204));
        assert!(site.membership(&acme, &email).await.is_none(), "round {round}");
        // Made again, they are in no group.
        let again = site.post(&admin, "/Users", &super::world::person(&email)).await.is(201);
        assert!(again.get("groups").is_none_or(|groups| groups == &json!([])), "{again}");
    }
    assert_eq!(members(&site.get(&admin, &format!("/Groups/{group}")).await.is(200)), Vec::<String>::new());
    site.check().await;
}

#[tokio::test]
async fn d17_what_bars_an_address_goes_with_the_person_to_the_next() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let group = site.group(&admin, "Acme", &[&ada]).await;
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    site.patch(&admin, &format!("/Groups/{group}"), remove).await.is(204);
    let changed = json!([{ "op": "replace", "path": "userName", "value": "ada.l@acme.example" }]);
    site.patch(&admin, &format!("/Users/{ada}"), changed).await.is(200);
    let is_barred = async |email: &str| {
        barred::is(&site.store.reader(), acme.organization.id, &email.parse().unwrap()).await.unwrap()
    };
    assert!(is_barred("ada.l@acme.example").await);
    assert!(!is_barred("ada@acme.example").await, "the next who has it is another person");
}

#[tokio::test]
async fn s33_whoever_is_removed_by_hand_everywhere_is_in_no_group() {
    let site = Site::new().await;
    let (admin, acme) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let group = site.group(&admin, "Acme", &[&ada]).await;
    let remove = async |of: &Tenant| {
        site.does(async |tx: &Tx| {
            let account = user::by_email(tx, &"ada@acme.example".parse().unwrap()).await?;
            member::remove(tx, &of.organization, &account).await?;
            Ok(mapping::left(tx, &of.organization, account.id).await?)
        })
        .await;
    };
    remove(&admin).await;
    assert_eq!(members(&site.get(&admin, &format!("/Groups/{group}")).await.is(200)), std::slice::from_ref(&ada));
    remove(&acme).await;
    site.add_by_hand(&admin, "ada@acme.example", vestibule::kernel::Role::Member).await;
    assert_eq!(members(&site.get(&admin, &format!("/Groups/{group}")).await.is(200)), Vec::<String>::new());
    site.check().await;
}

#[tokio::test]
async fn s33_whoever_is_in_more_than_a_thousand_groups_leaves_them_all() {
    let site = Site::new().await;
    let (admin, _) = group_of_companies(&site).await;
    let ada = site.person(&admin, "ada@acme.example").await;
    let mut last = String::new();
    for number in 0..1001 {
        last = site.group(&admin, &format!("Group {number}"), &[&ada]).await;
    }
    assert!(!last.is_empty());
    site.ask(&admin, "DELETE", &format!("/Users/{ada}"), None).await.is(204);
    let again = site.post(&admin, "/Users", &super::world::person("ada@acme.example")).await.is(201);
    assert!(again.get("groups").is_none_or(|groups| groups == &json!([])), "{again}");
}

#[tokio::test]
async fn s40_an_external_id_finds_all_who_are_seen_behind_those_who_are_hidden() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    site.does(async |tx| claim::claim_trusted(tx, &acme.organization, &"old.example".parse().unwrap()).await).await;
    for number in 0..200 {
        let domain = if number % 4 == 0 { "acme" } else { "old" };
        let body = json!({ "userName": format!("p{number}@{domain}.example"), "externalId": "same" });
        site.post(&acme, "/Users", &body).await.is(201);
    }
    lose(&site, &acme, "old.example").await;
    let found = site.get(&acme, &format!("{}&count=100", filtered("Users", "externalId eq \"same\""))).await.is(200);
    assert_eq!(ids(&found).len(), 50);
}

#[tokio::test]
async fn s32_one_person_over_the_limit_is_passed_over_and_the_push_goes_on() {
    let site = Site::new().await;
    let acme = site.customer("acme").await;
    let (ada, bo) = (site.person(&acme, "ada@acme.example").await, site.person(&acme, "bo@acme.example").await);
    for number in 0..500 {
        site.group(&acme, &format!("Team {number}"), &[&ada]).await;
    }
    let group = site.group(&acme, "One more", &[&ada, &bo]).await;
    assert_eq!(members(&site.get(&acme, &format!("/Groups/{group}")).await.is(200)), [bo]);
    site.check().await;
}
