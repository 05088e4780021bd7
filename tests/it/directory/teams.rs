//! Teams: their names, their members, what becomes of both when something ends, and that nobody is lost.

use futures_util::future::join_all;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::provisioning::token;
use vestibule::directory::{DirectoryError, Organization, Origin, Team, User, member, team, team_member, user};
use vestibule::kernel::Role;
use vestibule::store::{StoreError, Tx};

use super::Directory;
use super::check::problems;

impl Directory {
    async fn member(&self, organization: &Organization, email: &str) -> User {
        let email = email.parse().unwrap();
        let add = async |tx: Tx| {
            let made = match user::find_by_email(&tx, &email).await? {
                Some(held) => held,
                None => user::create(&tx, &self.rng, &email)?,
            };
            member::add(&tx, organization, &made, Role::Member, Origin::Hand).await?;
            Ok::<_, DirectoryError>(made)
        };
        self.store.transaction("test", add).await.expect("a member")
    }

    async fn team(&self, organization: &Organization, name: &str) -> Result<Team, DirectoryError> {
        let make = async |tx: Tx| team::create(&tx, &self.rng, organization, name, Origin::Hand, None).await;
        self.store.transaction("test", make).await
    }

    async fn put_in(&self, organization: &Organization, team: &Team, user: &User) -> Result<bool, DirectoryError> {
        let add = async |tx: Tx| team_member::add(&tx, &self.rng, organization, team, user, Origin::Hand).await;
        self.store.transaction("test", add).await
    }

    async fn take_out(&self, team: &Team, user: &User) -> bool {
        let remove = async |tx: Tx| team_member::remove(&tx, &self.rng, team, user.id).await;
        self.store.transaction("test", remove).await.unwrap()
    }

    async fn teams_of(&self, organization: &Organization, user: &User) -> Vec<String> {
        let found = team_member::of_user(&self.store.reader(), organization.id, user.id).await.unwrap();
        found.into_iter().map(|team| team.name).collect()
    }
}

#[tokio::test]
async fn a_name_is_one_team_in_whatever_case_and_in_one_organization() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let globex = directory.organization("globex", "globex.example").await;
    let ops = directory.team(&acme, " Ops ").await.unwrap();
    assert_eq!(ops.name, "Ops");
    let again = directory.team(&acme, "OPS").await;
    assert!(matches!(again, Err(DirectoryError::TeamNameTaken(..))), "{again:?}");
    directory.team(&globex, "ops").await.unwrap();
    let found = team::find_by_name(&directory.store.reader(), acme.id, "oPS").await.unwrap();
    assert_eq!(found, Some(ops.clone()));

    let rename = |name: &'static str| {
        let (directory, acme, ops) = (&directory, &acme, &ops);
        async move {
            let change = async |tx: Tx| team::rename(&tx, &directory.rng, acme, ops, name).await;
            directory.store.transaction("test", change).await
        }
    };
    assert_eq!(rename("OPS").await.unwrap().name, "OPS", "its own name in another case");
    assert_eq!(rename("Operations").await.unwrap().id, ops.id);
    assert!(problems(&directory.store).await.iter().all(|problem| !problem.contains("name")));
    let freed = team::find_by_name(&directory.store.reader(), acme.id, "operations").await.unwrap();
    assert_eq!(freed.map(|team| team.id), Some(ops.id));
}

#[tokio::test]
async fn an_admin_organization_has_no_teams() {
    let directory = Directory::new().await;
    let create = async |tx: Tx| {
        organization::create(&tx, &directory.rng, &"group".parse().unwrap(), "Group", OrgKind::Admin).await
    };
    let admin = directory.store.transaction("test", create).await.unwrap();
    let refused = directory.team(&admin, "Ops").await;
    assert!(matches!(refused, Err(DirectoryError::NoTeamsHere(_))), "{refused:?}");
}

#[tokio::test]
async fn a_team_takes_members_of_its_organization_alone() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let globex = directory.organization("globex", "globex.example").await;
    let ops = directory.team(&acme, "Ops").await.unwrap();
    let (ada, eve) =
        (directory.member(&acme, "ada@acme.example").await, directory.member(&globex, "eve@globex.example").await);
    assert!(directory.put_in(&acme, &ops, &ada).await.unwrap());
    assert!(!directory.put_in(&acme, &ops, &ada).await.unwrap(), "she is in it already");
    let refused = directory.put_in(&acme, &ops, &eve).await;
    assert!(matches!(refused, Err(DirectoryError::NotAMember(..))), "{refused:?}");
    assert_eq!(directory.teams_of(&acme, &ada).await, ["Ops"]);
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
    assert!(directory.take_out(&ops, &ada).await);
    assert!(!directory.take_out(&ops, &ada).await);
    assert_eq!(directory.teams_of(&acme, &ada).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_end_takes_its_rows_along() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let (ops, sales) = (directory.team(&acme, "Ops").await.unwrap(), directory.team(&acme, "Sales").await.unwrap());
    let (ada, bob) =
        (directory.member(&acme, "ada@acme.example").await, directory.member(&acme, "bob@acme.example").await);
    for (team, user) in [(&ops, &ada), (&ops, &bob), (&sales, &ada)] {
        directory.put_in(&acme, team, user).await.unwrap();
    }
    let leave = async |tx: Tx| member::remove(&tx, &acme, &ada).await;
    directory.store.transaction("test", leave).await.unwrap();
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
    directory.member(&acme, "ada@acme.example").await;
    assert_eq!(directory.teams_of(&acme, &ada).await, Vec::<String>::new(), "coming back brings no team back");

    let delete = async |tx: Tx| team::delete(&tx, &directory.rng, &ops).await;
    directory.store.transaction("test", delete).await.unwrap();
    assert_eq!(directory.teams_of(&acme, &bob).await, Vec::<String>::new());
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());

    directory.put_in(&acme, &sales, &bob).await.unwrap();
    let end = async |tx: Tx| organization::delete(&tx, &directory.rng, &acme).await;
    directory.store.transaction("test", end).await.unwrap();
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
    assert!(directory.store.reader().scan(&team_member::TEAM_MEMBERS, &(), None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_membership_that_slept_and_is_made_anew_brings_no_team_along() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let ops = directory.team(&acme, "Ops").await.unwrap();
    let ada = directory.member(&acme, "ada@elsewhere.example").await;
    directory.put_in(&acme, &ops, &ada).await.unwrap();
    let sleep = async |tx: Tx| member::put_to_sleep(&tx, acme.id, ada.id).await;
    directory.store.transaction("test", sleep).await.unwrap();
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
    directory.member(&acme, "ada@elsewhere.example").await;
    assert_eq!(directory.teams_of(&acme, &ada).await, Vec::<String>::new());
    assert_eq!(problems(&directory.store).await, Vec::<String>::new());
}

#[tokio::test]
async fn of_many_who_join_a_team_at_once_nobody_is_lost_and_each_change_moves_its_stamp() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let ops = directory.team(&acme, "Ops").await.unwrap();
    let mut people = Vec::new();
    for number in 0..40 {
        people.push(directory.member(&acme, &format!("p{number}@acme.example")).await);
    }
    let before = team::stamp(&directory.store.reader(), &ops).await.unwrap();
    let joined = join_all(people.iter().map(|person| directory.put_in(&acme, &ops, person))).await;
    assert!(joined.iter().all(Result::is_ok));
    let reader = directory.store.reader();
    assert_eq!(team_member::list_all(&reader, &ops).await.unwrap().len(), people.len());
    assert_ne!(team::stamp(&reader, &ops).await.unwrap().version, before.version);
    let page = team_member::list(&reader, &ops, None, 15).await.unwrap();
    let next = team_member::list(&reader, &ops, Some(page[14].0), 100).await.unwrap();
    assert_eq!((page.len(), next.len()), (15, 25));
}

#[tokio::test]
async fn whoever_joins_while_something_ends_leaves_no_row_behind() {
    for round in 0..20 {
        let directory = Directory::new().await;
        let acme = directory.organization("acme", "acme.example").await;
        let ops = directory.team(&acme, "Ops").await.unwrap();
        let ada = directory.member(&acme, "ada@acme.example").await;
        let end = async |tx: Tx| match round % 3 {
            0 => Ok(team::delete(&tx, &directory.rng, &ops).await?),
            1 => member::remove(&tx, &acme, &ada).await.map(|_| ()),
            _ => organization::delete(&tx, &directory.rng, &acme).await,
        };
        let (joined, ended) = tokio::join!(
            directory.put_in(&acme, &ops, &ada),
            directory.store.transaction::<_, DirectoryError, _, _>("test", end)
        );
        ended.unwrap();
        assert_eq!(problems(&directory.store).await, Vec::<String>::new(), "round {round}: {joined:?}");
    }
}

#[tokio::test]
async fn d2_a_role_is_set_by_hand_and_outlives_whoever_keeps_the_team() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let ops = directory.team(&acme, "Ops").await.unwrap();
    let owner = async |tx: Tx| std::future::ready(team::set_role(&tx, &directory.rng, &ops, Some(Role::Owner))).await;
    assert!(directory.store.transaction("test", owner).await.is_err(), "no team makes owners");
    let adopt = async |tx: Tx| {
        let ops = team::set_role(&tx, &directory.rng, &ops, Some(Role::Admin))?;
        team::set_origin(&tx, &directory.rng, &ops, Origin::Scim, Some("g-1".to_owned()))
    };
    let kept = directory.store.transaction("test", adopt).await.unwrap();
    assert_eq!((kept.role, kept.external_id.as_deref()), (Some(Role::Admin), Some("g-1")));
    let by_hand = async |team: &Team| team::by_hand(&directory.store.reader(), &acme, team).await;
    assert!(by_hand(&kept).await.is_ok(), "no push can come");
    let issue = async |tx: Tx| token::issue(&tx, &directory.rng, &acme).await;
    directory.store.transaction("test", issue).await.unwrap();
    assert!(matches!(by_hand(&kept).await, Err(DirectoryError::TeamIsProvisioned(..))));
    assert!(by_hand(&ops).await.is_ok());
}

#[tokio::test]
async fn damage_to_teams_is_told() {
    let check = async |damage: fn(&Tx, &Team, &User), expected: &str| {
        let directory = Directory::new().await;
        let acme = directory.organization("acme", "acme.example").await;
        let ops = directory.team(&acme, "Ops").await.unwrap();
        let ada = directory.member(&acme, "ada@acme.example").await;
        directory.put_in(&acme, &ops, &ada).await.unwrap();
        let harm = async |tx: Tx| {
            damage(&tx, &ops, &ada);
            Ok::<_, StoreError>(())
        };
        directory.store.transaction("test", harm).await.unwrap();
        let found = problems(&directory.store).await;
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected}: {found:?}");
    };
    check(|tx, ops, _| tx.delete(&team::TEAMS, &(ops.organization, ops.id)), "a team which there is not").await;
    check(
        |tx, ops, ada| tx.delete(&team_member::TEAM_MEMBERS, &(ops.organization, ops.id, ada.id)),
        "name one which they are not in",
    )
    .await;
    check(|tx, ops, ada| tx.delete(&member::MEMBERS, &(ops.organization, ada.id)), "no member of the organization")
        .await;
}
