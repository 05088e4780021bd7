//! What happens while a roster is being read.

use super::*;
use crate::directory::DirectoryError;
use crate::directory::organization::{self, OrgKind, Organization};
use crate::kernel::{ManualClock, SeededRng};
use crate::store::SledBackend;

struct Place {
    store: Store,
    rosters: Arc<Rosters>,
    acme: Organization,
}

impl Place {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(crate::kernel::Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap();
        let acme = store
            .transaction("test", async |tx: Tx| {
                let slug = "acme".parse().unwrap();
                organization::create(&tx, &SeededRng::new(1), &slug, "Acme", OrgKind::Customer).await
            })
            .await
            .unwrap();
        let rosters = Rosters::new(store.clone());
        Place { store, rosters, acme }
    }

    async fn claim(&self, domain: &str) {
        let claimed = self.store.transaction("test", async |tx: Tx| {
            claim::claim_trusted(&tx, &self.acme, &domain.parse().unwrap()).await?;
            Ok::<_, DirectoryError>(())
        });
        claimed.await.unwrap();
    }

    /// As after a whole reading.
    async fn read(&self) {
        self.rosters.roster(self.acme.id);
        self.rosters.shared.lock().renew(self.acme.id);
        let domains = domains(&self.store.reader(), self.acme.id).await.unwrap();
        self.rosters.shared.lock().begin(self.acme.id, &BTreeSet::from([self.acme.id]), &domains);
    }

    async fn work(&self) -> Work {
        let read = self.rosters.domains_if_changed(&self.store.reader(), self.acme.id).await.unwrap();
        self.rosters.work(self.acme.id, false, read)
    }
}

#[tokio::test]
async fn s40_what_changes_between_reading_the_domains_and_the_people_is_not_lost() {
    let place = Place::new().await;
    place.rosters.roster(place.acme.id);
    place.rosters.shared.lock().renew(place.acme.id);
    let before = domains(&place.store.reader(), place.acme.id).await.unwrap();
    place.claim("acme.example").await;
    {
        let mut shared = place.rosters.shared.lock();
        shared.take_in();
        // As a link would.
        shared.held.get_mut(&place.acme.id).unwrap().stale = true;
        shared.begin(place.acme.id, &BTreeSet::from([place.acme.id]), &before);
        let held = shared.held.get_mut(&place.acme.id).unwrap();
        assert!(std::mem::take(&mut held.stale), "the link is still to be read");
    }
    assert!(matches!(place.work().await, Work::Anew), "the domain is still to be read");
}

#[tokio::test]
async fn s40_a_request_that_breaks_off_leaves_the_claims_to_the_next() {
    let place = Place::new().await;
    place.claim("acme.example").await;
    place.read().await;
    assert!(matches!(place.work().await, Work::Look(_)), "all is read");
    place.claim("acme.test").await;
    let tx = place.store.reader();
    for _ in 0..2 {
        let read = place.rosters.domains_if_changed(&tx, place.acme.id).await.unwrap();
        assert_eq!(read.map(|(_, domains)| domains.len()), Some(2), "whoever read them before has broken off");
    }
    assert!(matches!(place.work().await, Work::Anew));
    place.read().await;
    assert!(matches!(place.work().await, Work::Look(_)), "all is read again");
}
