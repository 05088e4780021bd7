//! Where members are found: by the beginning of their address or of their name, and in that order, so that a page of a
//! hundred thousand costs what a page of fifty does.
//!
//! The rows change in the transaction that changes a membership, an address or a name. An account is written, if
//! unchanged, by whoever makes it a member, and a membership read by whoever moves its rows: of two at the same time, one
//! is run again.

use std::fmt;
use std::str::FromStr;

use super::member::{self, Member};
use super::user::{self, User};
use crate::kernel::{OrgId, UserId};
use crate::store::{Store, StoreError, Table, TableChecker, Tx, checker, decodes};

/// An index: organization, text and member.
type Index = Table<(OrgId, String, UserId), ()>;

/// Members by their address.
pub(super) const BY_EMAIL: Index = Table::new("member_by_email");
/// Members by their names, once with the given name first and once with the family name.
pub(super) const BY_NAME: Index = Table::new("member_by_name");
/// Whether the rows were made of the members that a store of an earlier version has.
const MADE: Table<String, ()> = Table::new("member_index_made");
const PLACE: &str = "made";

/// How much of a name is looked at, in characters.
const NAME_CUT: usize = 60;
/// How many rows a page looks at, at most, before it is given as it is: of names that are found twice, one is passed over.
const LOOKED_AT: usize = 1000;
/// How many rows one step of a longer work takes.
const STEP: usize = 500;
/// Sorts before every account.
const FIRST: UserId = UserId::from_bytes([0; 16]);

/// A place in the list of members: the page behind it comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    by_name: bool,
    user: UserId,
    text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{} {}", if self.by_name { 'n' } else { 'e' }, self.user, self.text)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (head, text) = text.split_once(' ').ok_or(())?;
        let (by_name, user) = match (head.strip_prefix('n'), head.strip_prefix('e')) {
            (Some(user), _) => (true, user),
            (_, Some(user)) => (false, user),
            _ => return Err(()),
        };
        Ok(Place { by_name, user: user.parse().map_err(|_| ())?, text: text.to_owned() })
    }
}

/// An address as it is searched for.
fn address(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A name as it is compared: without case, and cut.
fn name(text: &str) -> String {
    text.trim().to_uppercase().to_lowercase().chars().take(NAME_CUT).collect()
}

/// What somebody's name is found by.
fn names(user: &User) -> Vec<String> {
    let mut names = match (&user.first_name, &user.last_name) {
        (Some(first), Some(last)) => vec![name(&format!("{first} {last}")), name(&format!("{last} {first}"))],
        (Some(one), None) | (None, Some(one)) => vec![name(one)],
        (None, None) => Vec::new(),
    };
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

fn email_key(organization: OrgId, user: &User) -> (OrgId, String, UserId) {
    (organization, user.email.as_str().to_owned(), user.id)
}

/// Lists a member.
pub(super) fn list(tx: &Tx, organization: OrgId, user: &User) -> Result<(), StoreError> {
    tx.put(&BY_EMAIL, &email_key(organization, user), &())?;
    names(user).into_iter().try_for_each(|name| tx.put(&BY_NAME, &(organization, name, user.id), &()))
}

/// Lists somebody no more.
pub(super) fn unlist(tx: &Tx, organization: OrgId, user: &User) {
    tx.delete(&BY_EMAIL, &email_key(organization, user));
    for name in names(user) {
        tx.delete(&BY_NAME, &(organization, name, user.id));
    }
}

/// An account changed: where it is a member, it is listed as it is now.
pub(super) async fn moved(tx: &Tx, before: &User, after: &User) -> Result<(), StoreError> {
    if before.email == after.email && names(before) == names(after) {
        return Ok(());
    }
    for organization in member::of_user(tx, after.id).await? {
        // Read, so that whoever ends the membership meanwhile has this run again.
        if member::record(tx, organization, after.id).await?.is_some() {
            unlist(tx, organization, before);
            list(tx, organization, after)?;
        }
    }
    Ok(())
}

/// Empties the list of an organization that ends.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    for table in [&BY_EMAIL, &BY_NAME] {
        loop {
            let rows = tx.scan(table, &organization, None, STEP).await?;
            if rows.is_empty() {
                break;
            }
            for (key, ()) in &rows {
                tx.delete(table, key);
            }
        }
    }
    Ok(())
}

/// The members of an organization whose address begins with `search`, in the order of their addresses, and then those
/// whose name does: at most `limit` of those behind `after`, and the place behind them, if there are more. Without
/// `search`: all, by their addresses. A page may be shorter than `limit` though there are more.
///
/// # Errors
/// The store's.
pub async fn page(
    tx: &Tx,
    organization: OrgId,
    search: &str,
    after: Option<Place>,
    limit: usize,
) -> Result<(Vec<UserId>, Option<Place>), StoreError> {
    let (by_address, by_name) = (address(search), name(search));
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut place = after.unwrap_or_else(|| Place { by_name: false, user: FIRST, text: by_address.clone() });
    loop {
        let (table, wanted) = if place.by_name { (&BY_NAME, &by_name) } else { (&BY_EMAIL, &by_address) };
        let after = (organization, place.text.clone(), place.user);
        let rows = tx.scan(table, &organization, Some(&after), limit + 1).await?;
        let mut over = rows.len() <= limit;
        looked_at += rows.len();
        for ((_, text, user), ()) in rows {
            if !text.starts_with(wanted.as_str()) {
                over = true;
                break;
            }
            if found.len() == limit {
                return Ok((found, Some(place)));
            }
            place = Place { by_name: place.by_name, user, text };
            if !place.by_name || is_found_here_first(tx, &place, &by_address, &by_name).await? {
                found.push(user);
            }
        }
        if over && (place.by_name || by_name.is_empty()) {
            return Ok((found, None));
        }
        if over {
            place = Place { by_name: true, user: FIRST, text: by_name.clone() };
        } else if looked_at > LOOKED_AT {
            return Ok((found, Some(place)));
        }
    }
}

/// Whether somebody whose name is found was not found already, by the address or the other order of the name.
async fn is_found_here_first(tx: &Tx, place: &Place, address: &str, name: &str) -> Result<bool, StoreError> {
    let Some(user) = user::by_id(tx, place.user).await? else { return Ok(false) };
    let mut fits = names(&user).into_iter().filter(|held| held.starts_with(name));
    Ok(!user.email.as_str().starts_with(address) && fits.next().is_some_and(|first| first == place.text))
}

/// Lists the members that a store of an earlier version has, once.
pub(super) async fn backfill(store: &Store) -> Result<(), StoreError> {
    let tx = store.reader();
    if tx.get(&MADE, &PLACE.to_owned()).await?.is_some() {
        return Ok(());
    }
    let mut after: Option<(OrgId, UserId)> = None;
    loop {
        let rows = tx.scan(&member::MEMBERS, &(), after.as_ref(), STEP).await?;
        let is_last = rows.len() < STEP;
        let fill = async |tx: Tx| {
            for ((organization, user), _) in &rows {
                if let Some(user) = user::by_id(&tx, *user).await? {
                    list(&tx, *organization, &user)?;
                }
            }
            if is_last { tx.put(&MADE, &PLACE.to_owned(), &()) } else { Ok(()) }
        };
        store.transaction("list members by address", fill).await?;
        match rows.last() {
            Some((key, _)) if !is_last => after = Some(*key),
            _ => return Ok(()),
        }
    }
}

/// Whether a member is listed under address and names.
pub(super) async fn is_listed(tx: &Tx, member: &Member, user: &User) -> Result<bool, StoreError> {
    let mut listed = tx.get(&BY_EMAIL, &email_key(member.organization, user)).await?.is_some();
    for name in names(user) {
        listed &= tx.get(&BY_NAME, &(member.organization, name, user.id)).await?.is_some();
    }
    Ok(listed)
}

/// What is promised of the rows: each leads to a member of that address or name.
pub(super) fn checkers() -> Vec<TableChecker> {
    let email = checker(&BY_EMAIL, async |tx: Tx, (organization, text, id), ()| {
        let right = member_of(&tx, organization, id).await?.is_some_and(|user| user.email.as_str() == text);
        Ok((!right).then(|| "the list of members leads to nobody of that address".to_owned()))
    });
    let name = checker(&BY_NAME, async |tx: Tx, (organization, text, id), ()| {
        let right = member_of(&tx, organization, id).await?.is_some_and(|user| names(&user).contains(&text));
        Ok((!right).then(|| "the list of members leads to nobody of that name".to_owned()))
    });
    vec![email, name, decodes(&MADE)]
}

async fn member_of(tx: &Tx, organization: OrgId, id: UserId) -> Result<Option<User>, StoreError> {
    if member::record(tx, organization, id).await?.is_none() {
        return Ok(None);
    }
    user::by_id(tx, id).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::super::organization::{self, OrgKind};
    use super::super::{DirectoryError, Organization, Origin, check};
    use super::*;
    use crate::kernel::{ManualClock, Role, SystemRng, Timestamp};
    use crate::store::{SledBackend, check_store};

    struct World {
        store: Store,
        acme: Organization,
    }

    impl World {
        async fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
            let store = Store::open(SledBackend::temporary().unwrap(), clock).await.unwrap();
            let make = async |tx: Tx| {
                organization::create(&tx, &SystemRng, &"acme".parse().unwrap(), "Acme", OrgKind::Customer).await
            };
            let acme = store.transaction("test", make).await.unwrap();
            World { store, acme }
        }

        async fn run<T>(&self, change: impl AsyncFn(&Tx) -> Result<T, DirectoryError>) -> T {
            self.store.transaction("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
        }

        async fn joins(&self, email: &str, first: &str, last: &str) -> User {
            let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            self.run(async |tx| {
                let made = user::create(tx, &SystemRng, &email.parse().unwrap())?;
                let made = User { first_name: known(first), last_name: known(last), ..made };
                user::save(tx, &made).await?;
                member::add(tx, &self.acme, &made, Role::Member, Origin::Hand).await?;
                Ok(made)
            })
            .await
        }

        /// The addresses that a search finds, page by page.
        async fn found(&self, search: &str, limit: usize) -> Vec<String> {
            let (tx, mut after, mut all) = (self.store.reader(), None, Vec::new());
            loop {
                let (ids, next) = page(&tx, self.acme.id, search, after, limit).await.unwrap();
                assert!(ids.len() <= limit);
                for id in ids {
                    all.push(user::by_id(&tx, id).await.unwrap().unwrap().email.to_string());
                }
                let Some(next) = next else { return all };
                assert_eq!(next.to_string().parse(), Ok(next.clone()));
                after = Some(next);
            }
        }

        async fn problems(&self) -> usize {
            check_store(&self.store, &check::checkers()).await.unwrap().problems
        }
    }

    #[tokio::test]
    async fn members_are_found_by_the_beginning_of_address_and_name_each_once() {
        let world = World::new().await;
        world.joins("ada@acme.example", "Ada", "Lovelace").await;
        world.joins("ann.anders@acme.example", "Ann", "Anders").await;
        world.joins("zoe@acme.example", "Andrea", "Anders").await;
        world.joins("bob@acme.example", "", "").await;
        world.joins("gauss@acme.example", "Großer", "Gauß").await;
        let all = ["ada", "ann.anders", "bob", "gauss", "zoe"].map(|name| format!("{name}@acme.example"));
        for limit in [1, 2, 3, 10] {
            let check = async |search: &str, expected: &[&str]| {
                let expected: Vec<String> = expected.iter().map(|name| format!("{name}@acme.example")).collect();
                assert_eq!(world.found(search, limit).await, expected, "{search:?} by {limit}");
            };
            assert_eq!(world.found("", limit).await, all);
            check("AN", &["ann.anders", "zoe"]).await;
            check("anders", &["zoe", "ann.anders"]).await;
            check("lovelace a", &["ada"]).await;
            check("gross", &["gauss"]).await;
            check(" Ada@acme.example ", &["ada"]).await;
            check("nobody", &[]).await;
        }
    }

    #[tokio::test]
    async fn rows_follow_address_name_and_membership() {
        let world = World::new().await;
        let ada = world.joins("ada@acme.example", "Ada", "").await;
        let renamed = User { email: "countess@acme.example".parse().unwrap(), first_name: None, ..ada.clone() };
        world.run(async |tx| Ok(user::save(tx, &renamed).await?)).await;
        assert_eq!(world.found("ada", 5).await, Vec::<String>::new());
        assert_eq!(world.found("count", 5).await, ["countess@acme.example"]);
        assert_eq!(world.problems().await, 0);
        // By the account as it was before: the rows are of the one that there is.
        world.run(async |tx| member::remove(tx, &world.acme, &ada).await).await;
        assert_eq!(world.found("", 5).await, Vec::<String>::new());
        assert_eq!(world.problems().await, 0);
        world.run(async |tx| member::add(tx, &world.acme, &ada, Role::Member, Origin::Hand).await).await;
        assert_eq!(world.found("", 5).await, ["countess@acme.example"]);
        world.run(async |tx| organization::delete(tx, &SystemRng, &world.acme).await).await;
        assert_eq!(world.found("", 5).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn of_a_new_address_and_a_new_membership_at_the_same_time_none_is_lost() {
        let world = World::new().await;
        let ada = world.joins("ada@acme.example", "", "").await;
        world.run(async |tx| member::remove(tx, &world.acme, &ada).await).await;
        let renamed = User { email: "countess@acme.example".parse().unwrap(), ..ada.clone() };
        let tries = std::sync::atomic::AtomicUsize::new(0);
        let rename = async |tx: Tx| {
            user::save(&tx, &renamed).await?;
            if tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
                world.run(async |tx| member::add(tx, &world.acme, &ada, Role::Member, Origin::Hand).await).await;
            }
            Ok::<_, StoreError>(())
        };
        world.store.transaction("test", rename).await.unwrap();
        assert_eq!(world.found("", 5).await, ["countess@acme.example"]);
        assert_eq!(world.problems().await, 0);
    }

    #[tokio::test]
    async fn a_store_of_an_earlier_version_gets_its_rows_once() {
        let world = World::new().await;
        let mut expected = BTreeSet::new();
        for number in 0..3 {
            expected.insert(world.joins(&format!("u{number}@acme.example"), "U", "").await.email.to_string());
        }
        world.run(async |tx| Ok(remove_all(tx, world.acme.id).await?)).await;
        assert_eq!(world.problems().await, 3);
        backfill(&world.store).await.unwrap();
        assert_eq!(world.found("", 2).await, Vec::from_iter(expected));
        assert_eq!(world.problems().await, 0);
        world.run(async |tx| Ok(remove_all(tx, world.acme.id).await?)).await;
        backfill(&world.store).await.unwrap();
        assert_eq!(world.found("", 2).await, Vec::<String>::new(), "it was made before");
    }
}
