//! What the directory knows of a domain that goes from one organization to another, and of memberships that sleep.

use vestibule::directory::backfill::backfill;
use vestibule::directory::check::checkers;
use vestibule::directory::{ClaimState, DirectoryError, Origin, claim, member, user};
use vestibule::kernel::{DomainName, OrgId, Role, UserId};
use vestibule::store::{Table, Tx, check_store};

use super::{Directory, says};

#[tokio::test]
async fn a_membership_that_sleeps_is_none_until_it_is_woken() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let email = "ada@acme.example".parse().unwrap();
    let add = async |tx: Tx| {
        let ada = user::create(&tx, &directory.rng, &email)?;
        member::add(&tx, &acme, &ada, Role::Owner, Origin::Hand).await?;
        Ok::<_, DirectoryError>(ada)
    };
    let ada = directory.store.transaction("test", add).await.unwrap();
    assert!(directory.signs_in(&acme, says("ada@acme.example")).await.is_ok());
    let sleep = async |tx: Tx| member::put_to_sleep(&tx, acme.id, ada.id).await;
    assert!(directory.store.transaction("test", sleep).await.unwrap().is_some());
    assert_eq!(directory.store.transaction("test", sleep).await.unwrap(), None, "it sleeps already");
    assert!(directory.signs_in(&acme, says("ada@acme.example")).await.is_err());
    let raise = async |tx: Tx| member::set_role(&tx, &acme, &ada, Role::Admin).await;
    let refused = directory.store.transaction("test", raise).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::Asleep(..)), "{refused}");
    let wake = async |tx: Tx| member::wake(&tx, &acme, &ada).await;
    assert!(directory.store.transaction("test", wake).await.unwrap());
    assert!(!directory.store.transaction("test", wake).await.unwrap(), "it is awake");
    let admitted = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap();
    assert_eq!(admitted.member.role, Role::Owner, "as before");
}

#[tokio::test]
async fn whoever_joins_anew_over_a_membership_that_sleeps_gets_nothing_of_the_old_one() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap().user;
    let change = async |tx: Tx| {
        member::set_role(&tx, &acme, &ada, Role::Owner).await?;
        Ok::<_, DirectoryError>(member::put_to_sleep(&tx, acme.id, ada.id).await?)
    };
    directory.store.transaction("test", change).await.unwrap();
    let admitted = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap();
    assert_eq!((admitted.member.role, admitted.joined), (Role::Member, true));
}

#[tokio::test]
async fn a_domain_remembers_its_former_holder_until_it_is_asked() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let globex = directory.organization("globex", "globex.example").await;
    let domain: DomainName = "acme.example".parse().unwrap();
    let move_it = async |tx: Tx| {
        let waiting = claim::claim(&tx, &directory.rng, &globex, &domain).await?;
        claim::release(&tx, &acme, &domain).await?;
        let waiting = claim::find(&tx, globex.id, &waiting.domain).await?.unwrap();
        assert_eq!(waiting.due, Some(tx.now()), "who waits for the domain is looked up at once");
        claim::claim_trusted(&tx, &globex, &domain).await?;
        let former = claim::take_former(&tx, &domain, globex.id).await?;
        let asked_again = claim::take_former(&tx, &domain, globex.id).await?;
        Ok::<_, DirectoryError>((former, asked_again))
    };
    let former = directory.store.transaction("test", move_it).await.unwrap();
    assert_eq!(former, (Some(acme.id), None));
    let back = async |tx: Tx| {
        claim::release(&tx, &globex, &domain).await?;
        let held = claim::claim_trusted(&tx, &globex, &domain).await?;
        assert_eq!(held.state, ClaimState::Verified);
        Ok::<_, DirectoryError>(claim::take_former(&tx, &domain, globex.id).await?)
    };
    assert_eq!(directory.store.transaction("test", back).await.unwrap(), None, "the same one again");
}

#[tokio::test]
async fn a_store_of_an_earlier_version_gets_the_indexes_that_it_lacks() {
    const OF_DOMAIN: Table<(DomainName, UserId), ()> = Table::new("user_by_domain");
    const CLAIMANTS: Table<(DomainName, OrgId), ()> = Table::new("claimants");
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let acme = directory.set(&acme, "idp_managed_access", "true").await;
    let ada = directory.signs_in(&acme, says("ada@acme.example")).await.unwrap().user;
    let domain: DomainName = "acme.example".parse().unwrap();
    let forget = async |tx: Tx| {
        tx.delete(&OF_DOMAIN, &(domain.clone(), ada.id));
        tx.delete(&CLAIMANTS, &(domain.clone(), acme.id));
        Ok::<_, DirectoryError>(())
    };
    directory.store.transaction("test", forget).await.unwrap();
    assert_eq!(check_store(&directory.store, &checkers()).await.unwrap().problems, 2);
    backfill(&directory.store).await.unwrap();
    assert_eq!(check_store(&directory.store, &checkers()).await.unwrap().problems, 0);
    assert_eq!(user::of_domain(&directory.store.reader(), &domain, None).await.unwrap(), [ada.id]);
}
