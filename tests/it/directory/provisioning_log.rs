//! The log of provisioning keeps the newest of each kind, for its time, and nothing of an organization that is gone.

use vestibule::directory::provisioning_log::{self, KEPT, KEPT_FOR, TEXT_LIMIT};
use vestibule::directory::{DirectoryError, ProvisioningRequest, organization};
use vestibule::kernel::OrgId;
use vestibule::store::{StoreError, Tx};

use super::Directory;

impl Directory {
    fn request(&self, method: &str, status: u16) -> ProvisioningRequest {
        let refused = (status >= 400).then(|| "ä".repeat(TEXT_LIMIT));
        let (method, target, body) = (method.to_owned(), "/scim/v2/Users".to_owned(), String::new());
        let (at, client) = (self.store.now(), "127.0.0.1".to_owned());
        ProvisioningRequest { at, method, target, body, status, refused, took: 1, client }
    }

    async fn keep(&self, organization: OrgId, requests: &[ProvisioningRequest]) {
        let keep = async |tx: Tx| provisioning_log::record(&tx, organization, requests).await;
        self.store.transaction::<_, StoreError, _, _>("test", keep).await.unwrap();
    }

    async fn kept(&self, organization: OrgId) -> Vec<ProvisioningRequest> {
        provisioning_log::list(&self.store.reader(), organization, 10_000).await.unwrap()
    }
}

#[tokio::test]
async fn many_lookups_push_out_neither_changes_nor_refusals() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let zeta = directory.organization("zeta", "zeta.example").await;
    directory.keep(acme.id, &[directory.request("POST", 201), directory.request("GET", 404)]).await;
    directory.advance(1);
    let lookups = vec![directory.request("GET", 200); usize::try_from(KEPT).unwrap() + 5];
    directory.keep(acme.id, &lookups).await;
    let kept = directory.kept(acme.id).await;
    assert_eq!(kept.len() as u64, KEPT + 2);
    assert_eq!(kept[0].at, directory.store.now(), "newest first");
    let mut oldest: Vec<u16> = kept[kept.len() - 2..].iter().map(|request| request.status).collect();
    oldest.sort_unstable();
    assert_eq!(oldest, [201, 404]);
    let refused = kept.iter().find_map(|request| request.refused.as_ref()).unwrap();
    assert!(refused.len() <= TEXT_LIMIT, "cut, at a character's border");
    assert!(directory.kept(zeta.id).await.is_empty(), "another organization has its own");
}

#[tokio::test]
async fn a_request_is_forgotten_in_time_and_with_its_organization() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    directory.keep(acme.id, &[directory.request("POST", 201)]).await;
    directory.advance(KEPT_FOR.as_secs());
    assert!(directory.kept(acme.id).await.is_empty());
    directory.keep(acme.id, &vec![directory.request("GET", 200); 250]).await;
    let end = async |tx: Tx| organization::delete(&tx, &directory.rng, &acme).await;
    directory.store.transaction::<_, DirectoryError, _, _>("test", end).await.unwrap();
    assert!(directory.kept(acme.id).await.is_empty());
}

#[tokio::test]
async fn however_many_requests_take_a_place_it_ends_once() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let places = usize::try_from(KEPT).unwrap();
    for _ in 0..3 {
        directory.keep(acme.id, &vec![directory.request("GET", 200); 2 * places]).await;
        directory.advance(1);
    }
    directory.advance(KEPT_FOR.as_secs());
    assert_eq!(directory.store.sweep().await.unwrap(), places);
}
