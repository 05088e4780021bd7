//! A domain that changes hands takes nobody's account along; one that goes to an Admin organization does.

use std::collections::BTreeSet;
use std::time::Duration;

use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{
    ClaimState, DirectoryError, Mail, Organization, Origin, User, claim, link, member, outbox, password, transfer, user,
};
use vestibule::kernel::{Client, Role, SessionId};
use vestibule::second_factor::{Confirmed, Person, factors, trusted};
use vestibule::session::{Method, NewSession, SessionError, SessionSettings, Sessions, records};
use vestibule::store::{Tx, check_store};

use super::{DAY, Town, domain};

const IDP: &str = "https://idp.test/entity";

/// Somebody of acme.test: an owner of acme, a guest of partner, with a link, a password and a session.
async fn ada(town: &Town, acme: &Organization, partner: &Organization) -> (User, SessionId) {
    let ada = town
        .run(async |tx| {
            let ada = user::create(tx, &*town.rng, &"ada@acme.test".parse().unwrap())?;
            member::add(tx, acme, &ada, Role::Owner, Origin::Jit).await?;
            member::add(tx, partner, &ada, Role::Admin, Origin::Hand).await?;
            user::link(tx, acme.id, IDP, "00u1", ada.id)?;
            password::set(tx, ada.id, "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g")?;
            Ok(ada)
        })
        .await;
    let session = session(town, partner, &ada).await;
    (ada, session)
}

/// A session in an organization that needs nobody's single sign-on.
async fn session(town: &Town, organization: &Organization, user: &User) -> SessionId {
    let settings = SessionSettings { absolute: 30 * DAY, ..SessionSettings::new("https://app.test") };
    let sessions = Sessions::open(town.store.clone(), town.clock.clone(), town.rng.clone(), settings).await.unwrap();
    let id = Some(organization.id);
    let new = NewSession { organization: id, ..NewSession::new(user.id, Method::Password, town.store.now()) };
    let start = async |tx: Tx| Ok::<_, SessionError>(sessions.start(&tx, &new).await?.id);
    town.store.transaction("test", start).await.unwrap()
}

async fn lives(town: &Town, session: SessionId) -> bool {
    records::find(&town.store.reader(), session).await.unwrap().is_some()
}

async fn is_member(town: &Town, organization: &Organization, user: &User) -> bool {
    member::find(&town.store.reader(), organization.id, user.id).await.unwrap().is_some()
}

#[tokio::test]
async fn a_bought_domain_buys_no_accounts() {
    let town = Town::new().await;
    let (acme, held) = town.proved("acme", "acme.test").await;
    let (partner, eve) = (town.organization("partner").await, town.organization("eve").await);
    let (ada, session) = ada(&town, &acme, &partner).await;
    // Whoever is of another domain has nothing to do with it.
    let bob = town
        .run(async |tx| {
            let bob = user::create(tx, &*town.rng, &"bob@mail.acme.test".parse().unwrap())?;
            member::add(tx, &partner, &bob, Role::Member, Origin::Hand).await?;
            Ok(bob)
        })
        .await;
    let claim = town.claim(&eve, "acme.test").await;
    town.publish(&claim);
    town.wait(DAY / 2).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Pending, "acme holds it");
    assert!(lives(&town, session).await && is_member(&town, &partner, &ada).await);
    // The record of acme is gone for the week of grace: the domain is eve's as soon as it is lost.
    town.wait(9 * DAY).await;
    assert_eq!(town.now_is(&held).await.state, ClaimState::Unverified);
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Verified);
    assert!(!lives(&town, session).await, "its people's sessions end");
    let reader = town.store.reader();
    assert!(user::find_by_link(&reader, acme.id, IDP, "00u1").await.unwrap().is_none(), "the link is dropped");
    assert!(password::find(&reader, ada.id).await.unwrap().is_none(), "so is the password");
    for organization in [&acme, &partner] {
        assert!(!is_member(&town, organization, &ada).await, "{} sleeps", organization.slug);
        assert!(town.audit(organization).await.iter().any(|(action, _)| action == "member.asleep"));
    }
    assert!(is_member(&town, &partner, &bob).await);
    let told: BTreeSet<_> =
        town.mail().await.into_iter().filter(|(_, subject)| subject.contains("confirmed")).collect();
    let subject = "Members at acme.test have to be confirmed".to_owned();
    let owners = ["owner@acme-mail.test", "owner@partner-mail.test"].map(|to| (to.to_owned(), subject.clone()));
    assert_eq!(told, BTreeSet::from(owners));
    town.run(async |tx| member::wake(tx, &partner, &ada).await).await;
    assert!(is_member(&town, &partner, &ada).await && !is_member(&town, &acme, &ada).await);
    let report = check_store(&town.store, &vestibule::directory::check::checkers()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn whoever_had_the_address_keeps_no_second_factor() {
    let town = Town::new().await;
    let (acme, _) = town.proved("acme", "acme.test").await;
    let (partner, eve) = (town.organization("partner").await, town.organization("eve").await);
    let (ada, _) = ada(&town, &acme, &partner).await;
    let person = Person { user: &ada, organization: acme.id, client: Client::default(), rng: &*town.rng };
    let token = town
        .run(async |tx| {
            let secret = factors::set_up_app(tx, &*town.rng, ada.id, "here").await?;
            let key = totp_rs::Secret::try_from_base32(secret.text().replace(' ', "")).unwrap();
            let seconds = u64::try_from(tx.now().seconds()).unwrap();
            let code = totp_rs::Builder::new().with_secret(key).build_noncompliant().generate(seconds).to_string();
            assert_eq!(factors::confirm_app(tx, &person, "here", &code).await?, Confirmed::Done);
            factors::new_recovery_codes(tx, &person).await?;
            Ok(trusted::trust(tx, &*town.rng, ada.id, DAY, "Firefox").await?)
        })
        .await;
    assert!(factors::of(&town.store.reader(), ada.id).await.unwrap().any());
    town.run(async |tx| claim::release(tx, &acme, &domain("acme.test")).await).await;
    town.run(async |tx| town.proof.claim_trusted(tx, &eve, &domain("acme.test")).await).await;
    let reader = town.store.reader();
    let left = factors::of(&reader, ada.id).await.unwrap();
    assert!(!left.any() && left.recovery.left() == 0);
    assert!(trusted::find(&reader, ada.id, &token).await.unwrap().is_none());
}

#[tokio::test]
async fn who_gets_their_own_domain_back_loses_nobody() {
    let town = Town::new().await;
    let (acme, claim) = town.proved("acme", "acme.test").await;
    let partner = town.organization("partner").await;
    let (ada, session) = ada(&town, &acme, &partner).await;
    town.dns.forget("acme.test");
    town.wait(9 * DAY).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Unverified);
    town.publish(&claim);
    town.wait(DAY).await;
    assert_eq!(town.now_is(&claim).await.state, ClaimState::Verified);
    assert!(is_member(&town, &partner, &ada).await && is_member(&town, &acme, &ada).await);
    assert!(lives(&town, session).await, "not made by acme's single sign-on");
}

#[tokio::test]
async fn on_the_operators_word_a_domain_changes_hands_as_well() {
    let town = Town::new().await;
    let (acme, _) = town.proved("acme", "acme.test").await;
    let (partner, eve) = (town.organization("partner").await, town.organization("eve").await);
    let (ada, session) = ada(&town, &acme, &partner).await;
    // Who is in the new holder's organization already is so by its own choice.
    town.run(async |tx| member::add(tx, &eve, &ada, Role::Member, Origin::Hand).await).await;
    town.run(async |tx| claim::release(tx, &acme, &domain("acme.test")).await).await;
    town.run(async |tx| town.proof.claim_trusted(tx, &eve, &domain("acme.test")).await).await;
    assert!(!lives(&town, session).await && !is_member(&town, &partner, &ada).await);
    assert!(is_member(&town, &eve, &ada).await);
}

#[tokio::test]
async fn a_domain_that_is_transferred_to_the_admin_organization_has_no_gap() {
    let town = Town::new().await;
    let (acme, held) = town.proved("acme", "acme.test").await;
    let partner = town.organization("partner").await;
    let (ada, session) = ada(&town, &acme, &partner).await;
    let group = town
        .run(async |tx| organization::create(tx, &*town.rng, &"group".parse().unwrap(), "Group", OrgKind::Admin).await)
        .await;
    let move_it = async |tx: Tx| transfer::to_admin(&tx, &domain("acme.test"), &group).await;
    let refused = town.store.transaction("test", move_it).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::NotLinkedTo(..)), "{refused}");
    // The Admin organization waits for the domain too: its own claim gives way.
    town.claim(&group, "acme.test").await;
    town.run(async |tx| {
        let code = link::code(tx, &*town.rng, &group)?;
        link::join(tx, &acme, code.expose(), link::DEFAULT_WINDOW).await
    })
    .await;
    town.run(async |tx| transfer::to_admin(tx, &domain("acme.test"), &group).await).await;
    let reader = town.store.reader();
    assert_eq!(claim::holder(&reader, &domain("acme.test")).await.unwrap().unwrap().id, group.id);
    assert_eq!(claim::find(&reader, acme.id, &domain("acme.test")).await.unwrap(), None);
    assert!(lives(&town, session).await && is_member(&town, &partner, &ada).await);
    assert!(
        user::find_by_link(&reader, acme.id, IDP, "00u1").await.unwrap().is_some(),
        "D14: the old connection counts"
    );
    // The record that is in DNS goes on proving it.
    town.wait(3 * DAY).await;
    let moved = claim::find(&reader, group.id, &domain("acme.test")).await.unwrap().unwrap();
    assert_eq!((moved.state, moved.token), (ClaimState::Verified, held.token));
    assert!(moved.seen > held.seen);
    let report = check_store(&town.store, &vestibule::directory::check::checkers()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_link_that_was_mailed_is_void_for_whoever_had_the_mail_before() {
    use vestibule::directory::one_time_link::{self, Purpose};
    let town = Town::new().await;
    let (acme, _) = town.proved("acme", "acme.test").await;
    let (partner, eve) = (town.organization("partner").await, town.organization("eve").await);
    let (ada, _) = ada(&town, &acme, &partner).await;
    let tokens = town
        .run(async |tx| {
            let invitation = Purpose::Invitation { organization: partner.id };
            let mut tokens = Vec::new();
            for purpose in [invitation, Purpose::Reset] {
                tokens.push(one_time_link::issue(tx, &*town.rng, &ada, purpose).await?);
            }
            let mail = Mail::new(&ada.email, "x", "y");
            outbox::queue(tx, &*town.rng, &mail, tx.now().plus(Duration::from_secs(60))).await?;
            Ok(tokens)
        })
        .await;
    town.run(async |tx| claim::release(tx, &acme, &domain("acme.test")).await).await;
    town.run(async |tx| town.proof.claim_trusted(tx, &eve, &domain("acme.test")).await).await;
    for token in tokens {
        assert!(one_time_link::find(&town.store.reader(), &token).await.unwrap().is_none());
    }
}
