//! Whatever is done to the directory is told in the same commit, as the difference that it makes, and once.

use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;

use super::outbox::{self, Delivery};
use super::{Announcer, Endpoint};
use crate::directory::member::{self, Origin};
use crate::directory::organization::{self, OrgKind, Organization};
use crate::directory::team::{self, Team};
use crate::directory::user::{self, User};
use crate::directory::{DirectoryError, team_member};
use crate::kernel::{ManualClock, Role, SeededRng, SystemRng, Timestamp};
use crate::store::{SledBackend, Store, StoreError, Tx, check_store};

/// A store where the endpoint `app` is told all, and `audit` of memberships alone.
struct Town {
    store: Store,
    rng: SeededRng,
}

fn endpoint(name: &str, filter: &str) -> Endpoint {
    Endpoint {
        name: name.parse().unwrap(),
        url: "https://app.example/".parse().unwrap(),
        secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()],
        events: vec![filter.parse().unwrap()],
    }
}

impl Town {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap();
        let endpoints = [endpoint("app", "*"), endpoint("audit", "membership.*")];
        let announcer = Announcer::new(&endpoints, Arc::new(SystemRng)).unwrap();
        Town { store: store.with_witness(announcer), rng: SeededRng::new(1) }
    }

    async fn does<T>(&self, change: impl AsyncFn(&Tx) -> Result<T, DirectoryError>) -> T {
        let change = &change;
        self.store.transaction("test", |tx: Tx| async move { change(&tx).await }).await.unwrap()
    }

    /// What was queued for an endpoint since it was asked last.
    async fn queued(&self, endpoint: &str) -> Vec<Delivery> {
        let all = outbox::due(&self.store.reader(), endpoint, 100_000).await.unwrap();
        for delivery in &all {
            let gone = async |tx: Tx| outbox::remove(&tx, delivery).await;
            assert!(self.store.transaction::<_, StoreError, _, _>("test", gone).await.unwrap());
        }
        all
    }

    /// The same in a few words each.
    async fn told(&self) -> Vec<String> {
        self.queued("app").await.iter().map(|delivery| words(&delivery.body)).collect()
    }

    async fn organization(&self, slug: &str, kind: OrgKind) -> Organization {
        self.does(async |tx| organization::create(tx, &self.rng, &slug.parse().unwrap(), slug, kind).await).await
    }

    async fn member(&self, of: &Organization, name: &str, role: Role) -> User {
        self.does(async |tx| {
            let account = user::create(tx, &self.rng, &format!("{name}@{}.example", of.slug).parse().unwrap())?;
            member::add(tx, of, &account, role, Origin::Hand).await?;
            Ok(account)
        })
        .await
    }

    async fn team(&self, of: &Organization, name: &str, role: Option<Role>) -> Team {
        self.does(async |tx| {
            let made = team::create(tx, &self.rng, of, name, Origin::Hand, None).await?;
            team::set_role(tx, &self.rng, &made, role)
        })
        .await
    }

    async fn put_in(&self, of: &Organization, team: &Team, who: &User) {
        self.does(async |tx| team_member::add(tx, &self.rng, of, team, who, Origin::Hand).await).await;
    }

    async fn is_right(&self) {
        let mut checkers = crate::directory::check::checkers();
        checkers.extend(outbox::checkers());
        assert_eq!(check_store(&self.store, &checkers).await.unwrap().findings, []);
    }
}

fn words(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let data = &body["data"];
    let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut words = vec![of(&body["type"])];
    words.push(of(&data["organization"]["slug"]));
    words.push(of(&data["team"]["name"]));
    words.push(of(&data["user"]["email"]));
    words.push(of(&data["email"]));
    words.push(of(&data["role"]));
    words.push(of(&data["team"]["role"]));
    words.push(data["effective_role"].as_str().map_or_else(String::new, |role| format!("→ {role}")));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

#[tokio::test]
async fn people_are_told_of_as_they_come_change_and_are_switched_off_and_on() {
    let town = Town::new().await;
    let acme = town.organization("acme", OrgKind::Customer).await;
    assert_eq!(town.told().await, Vec::<String>::new(), "organizations are not told of");
    let ada = town.member(&acme, "ada", Role::Member).await;
    let created = town.queued("app").await;
    let bodies: Vec<String> = created.iter().map(|one| words(&one.body)).collect();
    let expected = ["user.created ada@acme.example", "membership.created acme ada@acme.example member → member"];
    assert_eq!(bodies, expected);
    let body: Value = serde_json::from_str(&created[0].body).unwrap();
    assert_eq!(body["timestamp"], "2027-01-15T08:00:00.000Z");
    let data = serde_json::json!({
        "id": ada.id, "email": "ada@acme.example", "name": "ada@acme.example", "first_name": null, "last_name": null,
        "active": true, "created": "2027-01-15T08:00:00Z",
    });
    assert_eq!(body["data"], data);
    assert_eq!(town.queued("audit").await.len(), 1, "the other one is told of memberships alone");
    town.does(async |tx| Ok(user::save(tx, &ada).await?)).await;
    assert_eq!(town.told().await, Vec::<String>::new(), "written, and the same as before");
    let renamed = User { email: "ada.king@acme.example".parse().unwrap(), active: false, ..ada.clone() };
    town.does(async |tx| Ok(user::save(tx, &renamed).await?)).await;
    assert_eq!(town.told().await, ["user.updated ada.king@acme.example", "user.deactivated ada.king@acme.example"]);
    town.does(async |tx| user::set_active(tx, &renamed.email, true).await).await;
    assert_eq!(town.told().await, ["user.activated ada.king@acme.example"]);
    town.is_right().await;
}

#[tokio::test]
async fn what_a_transaction_does_and_undoes_is_not_told_and_what_fails_neither() {
    let town = Town::new().await;
    let acme = town.organization("acme", OrgKind::Customer).await;
    let ada = town.member(&acme, "ada", Role::Member).await;
    town.told().await;
    town.does(async |tx| {
        member::remove(tx, &acme, &ada).await?;
        member::add(tx, &acme, &ada, Role::Member, Origin::Scim).await
    })
    .await;
    let failing = async |tx: Tx| {
        member::remove(&tx, &acme, &ada).await?;
        Err::<(), _>(DirectoryError::NoTeamsHere(acme.slug.clone()))
    };
    assert!(town.store.transaction("test", failing).await.is_err());
    assert_eq!(town.told().await, Vec::<String>::new());
}

#[tokio::test]
async fn roles_are_told_of_with_what_teams_make_of_them() {
    let town = Town::new().await;
    let acme = town.organization("acme", OrgKind::Customer).await;
    let ada = town.member(&acme, "ada", Role::Member).await;
    let bob = town.member(&acme, "bob", Role::Owner).await;
    let crew = town.team(&acme, "Crew", None).await;
    town.told().await;
    let ops = town.team(&acme, "Ops", Some(Role::Admin)).await;
    assert_eq!(town.told().await, ["team.created acme Ops admin"], "made and given a role at once");
    for who in [&ada, &bob] {
        town.put_in(&acme, &crew, who).await;
        town.put_in(&acme, &ops, who).await;
    }
    let expected = [
        "team_member.added acme Crew ada@acme.example",
        "membership.updated acme ada@acme.example member → admin",
        "team_member.added acme Ops ada@acme.example admin",
        "team_member.added acme Crew bob@acme.example",
        "team_member.added acme Ops bob@acme.example admin",
    ];
    assert_eq!(town.told().await, expected, "an owner is no more by a team");
    let ops = town.does(async |tx| team::set_role(tx, &town.rng, &ops, Some(Role::BillingAdmin))).await;
    let expected =
        ["team.updated acme Ops billing_admin", "membership.updated acme ada@acme.example member → billing_admin"];
    assert_eq!(town.told().await, expected);
    town.does(async |tx| member::set_role(tx, &acme, &ada, Role::Admin).await).await;
    assert_eq!(town.told().await, ["membership.updated acme ada@acme.example admin → admin"]);
    town.does(async |tx| member::set_role(tx, &acme, &ada, Role::Admin).await).await;
    assert_eq!(town.told().await, Vec::<String>::new(), "the role that she has");
    town.does(async |tx| member::set_role(tx, &acme, &ada, Role::Member).await).await;
    town.told().await;
    town.does(async |tx| Ok(team::delete(tx, &town.rng, &ops).await?)).await;
    let mut told = town.told().await;
    let last = told.pop().unwrap();
    told.sort();
    let expected = [
        "membership.updated acme ada@acme.example member → member",
        "team_member.removed acme Ops ada@acme.example billing_admin",
        "team_member.removed acme Ops bob@acme.example billing_admin",
    ];
    assert_eq!(
        (told.as_slice(), last.as_str()),
        (&expected.map(str::to_owned)[..], "team.deleted acme Ops billing_admin")
    );
    let crew = town.does(async |tx| team::rename(tx, &town.rng, &acme, &crew, "Staff").await).await;
    town.does(async |tx| Ok(team_member::remove(tx, &town.rng, &crew, ada.id).await?)).await;
    assert_eq!(town.told().await, ["team.updated acme Staff", "team_member.removed acme Staff ada@acme.example"]);
    town.is_right().await;
}

#[tokio::test]
async fn a_membership_ends_behind_its_teams_and_one_that_sleeps_is_none() {
    let town = Town::new().await;
    let acme = town.organization("acme", OrgKind::Customer).await;
    let ada = town.member(&acme, "ada", Role::Admin).await;
    let crew = town.team(&acme, "Crew", None).await;
    town.put_in(&acme, &crew, &ada).await;
    town.told().await;
    let gone = ["team_member.removed acme Crew ada@acme.example", "membership.deleted acme ada@acme.example admin"];
    let come =
        ["membership.created acme ada@acme.example admin → admin", "team_member.added acme Crew ada@acme.example"];
    town.does(async |tx| Ok(member::put_to_sleep(tx, acme.id, ada.id).await?)).await;
    assert_eq!(town.told().await, gone);
    town.does(async |tx| member::wake(tx, &acme, &ada).await).await;
    assert_eq!(town.told().await, come);
    town.does(async |tx| Ok(member::put_to_sleep(tx, acme.id, ada.id).await?)).await;
    town.told().await;
    town.does(async |tx| Ok(team_member::remove(tx, &town.rng, &crew, ada.id).await?)).await;
    town.put_in_while_asleep(&acme, &ada).await;
    assert_eq!(town.told().await, ["membership.created acme ada@acme.example member → member"]);
    town.does(async |tx| member::remove(tx, &acme, &ada).await).await;
    assert_eq!(town.told().await, ["membership.deleted acme ada@acme.example member"]);
    town.is_right().await;
}

impl Town {
    /// Somebody of the organization adds anew whose membership sleeps.
    async fn put_in_while_asleep(&self, of: &Organization, who: &User) {
        self.does(async |tx| member::add(tx, of, who, Role::Member, Origin::Hand).await).await;
    }
}

#[tokio::test]
async fn an_organization_that_ends_tells_all_that_ends_with_it_and_an_admin_organization_nothing() {
    let town = Town::new().await;
    let acme = town.organization("acme", OrgKind::Customer).await;
    let above = town.organization("above", OrgKind::Admin).await;
    let ada = town.member(&acme, "ada", Role::Owner).await;
    let crew = town.team(&acme, "Crew", None).await;
    town.put_in(&acme, &crew, &ada).await;
    town.told().await;
    town.does(async |tx| member::add(tx, &above, &ada, Role::Member, Origin::Jit).await).await;
    assert_eq!(town.told().await, Vec::<String>::new(), "the app never sees it (D13)");
    town.does(async |tx| organization::delete(tx, &town.rng, &acme).await).await;
    let expected = [
        "team_member.removed acme Crew ada@acme.example",
        "membership.deleted acme ada@acme.example owner",
        "team.deleted acme Crew",
    ];
    assert_eq!(town.told().await, expected);
    town.does(async |tx| organization::delete(tx, &town.rng, &above).await).await;
    assert_eq!(town.told().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_an_announcer_nothing_is_queued() {
    assert!(Announcer::new(&[], Arc::new(SystemRng)).is_none());
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let store = Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap();
    let town = Town { store, rng: SeededRng::new(1) };
    let acme = town.organization("acme", OrgKind::Customer).await;
    town.member(&acme, "ada", Role::Owner).await;
    let report = check_store(&town.store, &[]).await.unwrap();
    assert!(report.tables.keys().all(|table| !table.starts_with("webhook")), "{:?}", report.tables);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_changes_at_once_none_is_lost_and_none_told_twice() {
    let town = Arc::new(Town::new().await);
    let acme = town.organization("acme", OrgKind::Customer).await;
    let crew = town.team(&acme, "Crew", None).await;
    let people: Vec<User> = town
        .does(async |tx| {
            let mut made = Vec::new();
            for number in 0..500 {
                let who = user::create(tx, &town.rng, &format!("p{number}@acme.example").parse().unwrap())?;
                member::add(tx, &acme, &who, Role::Member, Origin::Hand).await?;
                made.push(who);
            }
            Ok(made)
        })
        .await;
    assert_eq!(town.told().await.len(), 1001);
    // Each comes in by one of two, and half of them have their role changed meanwhile.
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let (town, acme, crew, who) = (Arc::clone(&town), acme.clone(), crew.clone(), people[number / 2].clone());
            tokio::task::spawn_blocking(move || {
                Handle::current().block_on(async {
                    if number % 4 == 3 {
                        town.does(async |tx| member::set_role(tx, &acme, &who, Role::Admin).await).await;
                    } else {
                        town.put_in(&acme, &crew, &who).await;
                    }
                });
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut told = town.told().await;
    told.sort();
    let mut expected: Vec<String> =
        (0..500).map(|number| format!("team_member.added acme Crew p{number}@acme.example")).collect();
    expected.extend((1..500).step_by(2).map(|n| format!("membership.updated acme p{n}@acme.example admin → admin")));
    expected.sort();
    assert_eq!(told, expected);
    town.is_right().await;
}

#[tokio::test]
async fn ten_thousand_who_come_into_a_team_at_once_are_told_in_small_rows() {
    const MANY: usize = 10_000;
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let silent =
        Town { store: Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap(), rng: SeededRng::new(1) };
    let acme = silent.organization("acme", OrgKind::Customer).await;
    let crew = silent.team(&acme, "Crew", None).await;
    let people: Vec<User> = silent
        .does(async |tx| {
            let mut made = Vec::new();
            for number in 0..MANY {
                let who = user::create(tx, &silent.rng, &format!("p{number}@acme.example").parse().unwrap())?;
                member::add(tx, &acme, &who, Role::Member, Origin::Scim).await?;
                made.push(who);
            }
            Ok(made)
        })
        .await;
    let announcer = Announcer::new(&[endpoint("app", "*")], Arc::new(SystemRng)).unwrap();
    let town = Town { store: silent.store.with_witness(announcer), rng: SeededRng::new(2) };
    for into in [true, false] {
        town.does(async |tx| {
            for who in &people {
                if into {
                    team_member::add(tx, &town.rng, &acme, &crew, who, Origin::Scim).await?;
                } else {
                    team_member::remove(tx, &town.rng, &crew, who.id).await?;
                }
            }
            Ok(())
        })
        .await;
    }
    let queued = town.queued("app").await;
    assert_eq!(queued.len(), 2 * MANY);
    let largest = queued.iter().map(|one| serde_json::to_vec(one).unwrap().len()).max();
    assert!(largest < Some(1024), "{largest:?}");
}
