//! The consistency check finds every index right, and each that is not.

use vestibule::directory::check::checkers;
use vestibule::directory::organization;
use vestibule::directory::{Claim, SsoSettings, claim, sso, sso_refresh};
use vestibule::kernel::{DomainName, EmailAddress, OrgId, Slug, Timestamp, UserId};
use vestibule::store::{Store, Table, Tx, check_store};

use super::{Directory, Says, says};

const BY_SLUG: Table<Slug, OrgId> = Table::new("organization_by_slug");
const BY_EMAIL: Table<EmailAddress, UserId> = Table::new("user_by_email");
const BY_USER: Table<(UserId, OrgId), ()> = Table::new("member_by_user");
const BY_ADDRESS: Table<(OrgId, String, UserId), ()> = Table::new("member_by_email");
const USERS_OF_DOMAIN: Table<(DomainName, UserId), ()> = Table::new("user_by_domain");
const CLAIMANTS: Table<(DomainName, OrgId), ()> = Table::new("claimants");
const DUE: Table<(Timestamp, OrgId, DomainName), ()> = Table::new("claim_due");
const VERIFIED: Table<DomainName, OrgId> = Table::new("claim_by_domain");

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

async fn filled() -> Directory {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada@acme.example") }).await.unwrap();
    directory.signs_in(&acme, Says { name_id: Some("1"), ..says("ada.king@acme.example") }).await.unwrap();
    let claim = async |tx: Tx| claim::claim(&tx, &directory.rng, &acme, &"acme.test".parse().unwrap()).await;
    directory.store.transaction("test", claim).await.unwrap();
    let gone = directory.organization("gone", "gone.example").await;
    let gone = directory.set(&gone, "idp_managed_access", "true").await;
    directory.signs_in(&gone, says("bob@gone.example")).await.unwrap();
    let delete = async |tx: Tx| organization::delete(&tx, &directory.rng, &gone).await;
    directory.store.transaction("test", delete).await.unwrap();
    directory
}

pub(super) async fn problems(store: &Store) -> Vec<String> {
    let report = check_store(store, &checkers()).await.unwrap();
    report.findings.into_iter().map(|finding| finding.problem).collect()
}

#[tokio::test]
async fn whatever_was_done_every_index_agrees() {
    let directory = filled().await;
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
}

#[tokio::test]
async fn each_damage_is_told() {
    let check = async |damage: fn(&Tx, OrgId, UserId), expected: &str| {
        let directory = filled().await;
        let acme = organization::by_slug(&directory.store.reader(), &"acme".parse().unwrap()).await.unwrap();
        let acme = directory.set(&acme, "idp_managed_access", "true").await;
        let ada = directory.signs_in(&acme, says("ada.king@acme.example")).await.unwrap().user;
        let harm = async |tx: Tx| {
            damage(&tx, acme.id, ada.id);
            Ok::<_, vestibule::store::StoreError>(())
        };
        directory.store.transaction("test", harm).await.unwrap();
        let found = problems(&directory.store).await;
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected}: {found:?}");
    };
    check(|tx, _, _| tx.delete(&BY_SLUG, &"acme".parse().unwrap()), "its slug does not lead to it").await;
    check(|tx, _, _| tx.delete(&BY_EMAIL, &"ada.king@acme.example".parse().unwrap()), "its address does not").await;
    check(|tx, _, ada| tx.put(&BY_EMAIL, &"x@acme.example".parse().unwrap(), &ada).unwrap(), "which does not have it")
        .await;
    check(|tx, acme, ada| tx.delete(&BY_USER, &(ada, acme)), "missing in the account's organizations").await;
    check(|tx, _, ada| tx.put(&BY_USER, &(ada, OrgId::from_bytes([9; 16])), &()).unwrap(), "is no member of").await;
    check(
        |tx, acme, ada| tx.delete(&BY_ADDRESS, &(acme, "ada.king@acme.example".to_owned(), ada)),
        "missing in the list",
    )
    .await;
    check(|tx, acme, ada| tx.put(&BY_ADDRESS, &(acme, "x".to_owned(), ada), &()).unwrap(), "nobody of that address")
        .await;
    check(|tx, _, _| tx.delete(&VERIFIED, &"acme.example".parse().unwrap()), "does not lead to it").await;
    check(|tx, acme, _| tx.put(&VERIFIED, &"x.example".parse().unwrap(), &acme).unwrap(), "no verified claim").await;
    check(|tx, _, ada| tx.delete(&USERS_OF_DOMAIN, &(domain("acme.example"), ada)), "the list of its domain").await;
    check(|tx, _, ada| tx.put(&USERS_OF_DOMAIN, &(domain("x.example"), ada), &()).unwrap(), "no address of it").await;
    check(|tx, acme, _| tx.delete(&CLAIMANTS, &(domain("acme.test"), acme)), "missing among those of its domain").await;
    check(|tx, acme, _| tx.put(&CLAIMANTS, &(domain("x.test"), acme), &()).unwrap(), "a claim which there is not")
        .await;
    let unlisted = |tx: &Tx, acme: OrgId, _: UserId| {
        let token = Some("token".to_owned());
        let claim = Claim::pending(acme, &"acme.test".parse().unwrap(), token, Timestamp::EPOCH);
        tx.put(&claim::CLAIMS, &(acme, claim.domain.clone()), &claim).unwrap();
    };
    check(unlisted, "is not on the list of checks").await;
    let early = |tx: &Tx, acme: OrgId, _: UserId| {
        tx.put(&DUE, &(Timestamp::EPOCH, acme, "acme.test".parse().unwrap()), &()).unwrap();
    };
    check(early, "for a time at which no claim wants one").await;
    let neither = |tx: &Tx, acme: OrgId, _: UserId| {
        let claim = Claim::pending(acme, &"acme.test".parse().unwrap(), None, Timestamp::EPOCH);
        tx.put(&claim::CLAIMS, &(acme, claim.domain.clone()), &claim).unwrap();
    };
    check(neither, "and never both").await;
    let settings = |tx: &Tx, acme: OrgId, _: UserId| {
        tx.put(&sso::SSO_SETTINGS, &acme, &SsoSettings::new("e", "u", Timestamp::EPOCH)).unwrap();
    };
    check(settings, "no certificate (R18)").await;
    let refresh = |tx: &Tx, acme: OrgId, _: UserId| {
        let said = sso_refresh::Said {
            sign_in_url: "u".to_owned(),
            sign_in_binding: sso::Binding::Redirect,
            sign_out_url: None,
            sign_requests: false,
            certificates: Vec::new(),
            removed: Vec::new(),
        };
        sso_refresh::keep(tx, acme, &sso_refresh::Refresh::taken(said, Timestamp::EPOCH)).unwrap();
    };
    check(refresh, "a connection that has no address of it").await;
}
