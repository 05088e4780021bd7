//! Organizations, their domains and their single sign-on.

use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{DirectoryError, SsoCertificate, SsoConnection, SsoSettings, claim, sso};
use vestibule::kernel::{DomainName, Slug, Timestamp};
use vestibule::store::Tx;

use super::Directory;

#[tokio::test]
async fn d3_a_slug_is_never_used_again() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let delete = async |tx: Tx| organization::delete(&tx, &directory.rng, &acme).await;
    directory.store.transaction("test", delete).await.unwrap();
    let slug: Slug = "acme".parse().unwrap();
    let again = async |tx: Tx| organization::create(&tx, &directory.rng, &slug, "Acme", OrgKind::Customer).await;
    let refused = directory.store.transaction("test", again).await;
    assert!(matches!(refused, Err(DirectoryError::SlugTaken(_))), "{refused:?}");
    let gone = organization::by_slug(&directory.store.reader(), &slug).await;
    assert!(matches!(gone, Err(DirectoryError::NoSuchOrganization(_))), "{gone:?}");
}

#[tokio::test]
async fn a_domain_has_one_holder_until_it_is_released() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let globex = directory.organization("globex", "globex.example").await;
    let domain: DomainName = "acme.example".parse().unwrap();
    let take = async |tx: Tx| claim::claim_trusted(&tx, &globex, &domain).await;
    let refused = directory.store.transaction("test", take).await;
    assert!(matches!(refused, Err(DirectoryError::DomainHeld(_))), "{refused:?}");

    let release = async |tx: Tx| claim::release(&tx, &acme, &domain).await;
    directory.store.transaction("test", release).await.unwrap();
    assert!(claim::holder(&directory.store.reader(), &domain).await.unwrap().is_none());
    directory.store.transaction("test", take).await.unwrap();
    let holder = claim::holder(&directory.store.reader(), &domain).await.unwrap().unwrap();
    assert_eq!(holder.slug, globex.slug);
}

#[tokio::test]
async fn of_many_that_claim_one_domain_at_once_one_gets_it() {
    let directory = Directory::new().await;
    let mut rivals = Vec::new();
    for number in 0..8 {
        rivals.push(directory.organization(&format!("rival-{number}"), &format!("rival-{number}.example")).await);
    }
    let domain: DomainName = "prize.example".parse().unwrap();
    let claims = rivals.iter().map(|rival| {
        let domain = &domain;
        directory.store.transaction("test", async move |tx: Tx| claim::claim_trusted(&tx, rival, domain).await)
    });
    let won = futures_util::future::join_all(claims).await.iter().filter(|claim| claim.is_ok()).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn deleting_an_organization_frees_its_domains() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let delete = async |tx: Tx| organization::delete(&tx, &directory.rng, &acme).await;
    directory.store.transaction("test", delete).await.unwrap();
    assert!(claim::holder(&directory.store.reader(), &"acme.example".parse().unwrap()).await.unwrap().is_none());
    directory.organization("successor", "acme.example").await;
}

fn certificate(sha256: &str) -> SsoCertificate {
    let (not_before, not_after) = (Timestamp::EPOCH, Timestamp::MAX);
    let (der_base64, subject) = ("AA==".to_owned(), "CN=idp".to_owned());
    SsoCertificate { der_base64, sha256: sha256.to_owned(), subject, not_before, not_after, added: not_before }
}

#[tokio::test]
async fn r12_r18_certificates_roll_over_and_the_last_one_stays() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let settings = SsoSettings::new("https://idp.example", "https://idp.example/sso", Timestamp::EPOCH);
    let none = SsoConnection { settings: settings.clone(), certificates: Vec::new() };
    let refused = directory.store.transaction("test", async |tx: Tx| sso::set(&tx, &acme, &none).await).await;
    assert!(matches!(refused, Err(DirectoryError::InvalidSetting(_))), "{refused:?}");

    let early = async |tx: Tx| sso::add_certificate(&tx, &acme, &certificate("aa")).await;
    assert!(matches!(directory.store.transaction("test", early).await, Err(DirectoryError::NoSso(_))));

    let one = SsoConnection { settings, certificates: vec![certificate("aa")] };
    directory.store.transaction("test", async |tx: Tx| sso::set(&tx, &acme, &one).await).await.unwrap();
    let add = async |tx: Tx| sso::add_certificate(&tx, &acme, &certificate("bb")).await;
    directory.store.transaction("test", add).await.unwrap();
    let remove = async |tx: Tx| sso::remove_certificate(&tx, &acme, "aa").await;
    directory.store.transaction("test", remove).await.unwrap();
    let last = async |tx: Tx| sso::remove_certificate(&tx, &acme, "bb").await;
    let refused = directory.store.transaction("test", last).await;
    assert!(matches!(refused, Err(DirectoryError::LastCertificate(_))), "{refused:?}");
    let left = sso::connection(&directory.store.reader(), acme.id).await.unwrap().unwrap();
    assert_eq!(left.certificates, [certificate("bb")]);
}
