//! D4, R37, R40: which account an assertion means, and whom an IdP may speak of.

use vestibule::directory::user;
use vestibule::directory::{Origin, Refusal, member};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::{Directory, Says, says};

#[tokio::test]
async fn with_managed_access_a_stranger_of_the_domain_joins_as_member() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    assert_eq!(directory.signs_in(&acme, says("ada@acme.example")).await.err(), Some(Refusal::NotAMember));
    let none = user::find_by_email(&directory.store.reader(), &"ada@acme.example".parse().unwrap()).await.unwrap();
    assert!(none.is_none(), "a refusal makes no account");

    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, Says { first_name: Some(" Ada "), ..says("ada@acme.example") }).await.unwrap();
    assert!(ada.joined);
    assert_eq!((ada.member.role, ada.member.origin), (Role::Member, Origin::Jit));
    assert_eq!(ada.user.display_name(), "Ada");
    let again = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap();
    assert!(!again.joined);
    assert_eq!(again.user, ada.user, "a missing name blocks nothing and erases nothing");
}

#[tokio::test]
async fn r37_an_idp_speaks_for_exactly_its_organizations_domains() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let globex = directory.organization("globex", "globex.example").await;
    let globex = directory.set(&globex, "idp_managed_access", "true").await;
    directory.signs_in(&globex, says("bob@globex.example")).await.unwrap();
    for foreign in ["bob@globex.example", "ada@mail.acme.example", "ada@xacme.example", "ada@nobody.example"] {
        assert_eq!(directory.signs_in(&acme, says(foreign)).await.err(), Some(Refusal::EmailDomain), "{foreign}");
    }
}

#[tokio::test]
async fn r40_a_link_keeps_the_account_when_the_address_changes() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let before = directory.signs_in(&acme, Says { name_id: Some("00u1"), ..says("ada.king@acme.example") }).await;
    let before = before.unwrap().user;
    let after = directory.signs_in(&acme, Says { name_id: Some("00u1"), ..says("ada@acme.example") }).await;
    let after = after.unwrap().user;
    assert_eq!(after.id, before.id);
    assert_eq!(after.email.as_str(), "ada@acme.example");
    let reader = directory.store.reader();
    let old = user::find_by_email(&reader, &"ada.king@acme.example".parse().unwrap()).await.unwrap();
    assert!(old.is_none(), "the old address is free again");
}

#[tokio::test]
async fn d4_a_link_and_an_address_of_two_accounts_conflict() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    directory.signs_in(&acme, Says { name_id: Some("00u1"), ..says("ada@acme.example") }).await.unwrap();
    directory.signs_in(&acme, Says { name_id: Some("00u2"), ..says("bob@acme.example") }).await.unwrap();
    let taken = directory.signs_in(&acme, Says { name_id: Some("00u2"), ..says("ada@acme.example") }).await;
    assert_eq!(taken.err(), Some(Refusal::AccountConflict));
}

#[tokio::test]
async fn a_link_of_one_organization_is_never_used_by_another() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let globex = directory.organization("globex", "globex.example").await;
    let globex = directory.set(&globex, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada@acme.example") }).await.unwrap();
    // The same IdP, the same NameID, another organization (one Entra tenant behind two, R36).
    let bob = directory.signs_in(&globex, Says { name_id: Some("1"), ..says("bob@globex.example") }).await.unwrap();
    assert_ne!(ada.user.id, bob.user.id);
}

#[tokio::test]
async fn a_link_to_an_account_that_left_the_domains_is_void() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada@acme.example") }).await.unwrap().user;
    let moved = async |tx: Tx| {
        let mut user = ada.clone();
        user.email = "ada@elsewhere.example".parse().unwrap();
        user::save(&tx, &user).await
    };
    directory.store.transaction("test", moved).await.unwrap();
    let now = directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada@acme.example") }).await.unwrap().user;
    assert_ne!(now.id, ada.id, "acme's IdP does not reach an account of another domain");
}

#[tokio::test]
async fn whoever_is_deactivated_stays_out_until_activated() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap().user;
    for (active, expected) in [(false, Some(Refusal::Deactivated)), (true, None)] {
        let set = async |tx: Tx| user::set_active(&tx, &ada.email, active).await;
        directory.store.transaction("test", set).await.unwrap();
        assert_eq!(directory.signs_in(&acme, says("ada@acme.example")).await.err(), expected);
    }
}

#[tokio::test]
async fn a_membership_that_ended_by_hand_needs_an_invitation_without_managed_access() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let managed = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&managed, says("ada@acme.example")).await.unwrap().user;
    let acme = directory.set(&managed, "idp_managed_access", "false").await;
    let end = async |tx: Tx| member::remove(&tx, &acme, &ada).await;
    directory.store.transaction("test", end).await.unwrap();
    assert_eq!(directory.signs_in(&acme, says("ada@acme.example")).await.err(), Some(Refusal::NotAMember));
    let invite = async |tx: Tx| member::add(&tx, &acme, &ada, Role::Admin, Origin::Hand).await;
    directory.store.transaction("test", invite).await.unwrap();
    assert_eq!(directory.signs_in(&acme, says("ada@acme.example")).await.unwrap().member.role, Role::Admin);
}

#[tokio::test]
async fn sixty_four_first_sign_ins_at_once_make_one_account() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let tries = (0..64).map(|_| directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada@acme.example") }));
    let admitted = futures_util::future::join_all(tries).await;
    let ids: std::collections::HashSet<_> = admitted.into_iter().map(|one| one.expect("let in").user.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(member::list(&directory.store.reader(), acme.id, None).await.unwrap().len(), 1);
}
