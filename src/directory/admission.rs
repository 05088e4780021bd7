//! Who is let in after the IdP has spoken, and where: the rules are pure ([`entry`](super::entry), [`choose`]), the
//! transaction around them is thin.

use super::barred;
use super::claim;
use super::effective::{self, Effective};
use super::entry::{Entry, Refusal};
use super::error::DirectoryError;
use super::last_used;
use super::link;
use super::member::{self, Member, Origin};
use super::organization::{self, OrgKind, Organization};
use super::places::{self, Person, Place, Showed};
use super::sso_proof;
use super::user::{self, User};
use crate::kernel::{DomainName, EmailAddress, OrgId, Rng, Role, Timestamp};
use crate::store::{StoreError, Tx};

/// What a verified assertion says of a person.
#[derive(Clone, Debug)]
pub struct AssertedIdentity<'a> {
    /// The IdP's entity ID.
    pub idp: &'a str,
    /// The NameID, if it is stable: not transient, not absent, not itself an address (D4).
    pub stable_name_id: Option<&'a str>,
    /// The address.
    pub email: &'a EmailAddress,
    /// The given name, if it came.
    pub first_name: Option<&'a str>,
    /// The family name, if it came.
    pub last_name: Option<&'a str>,
}

/// Which organization the person is on the way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Whichever the rules say (D13).
    Any,
    /// The one that the person picked, of those the rules leave.
    Picked(OrgId),
    /// This one or none: the sign-in began at its own address.
    Only(OrgId),
}

/// What admission comes to, if nobody is refused.
#[derive(Clone, Debug)]
pub enum Admission {
    /// They are in.
    In(Box<Admitted>),
    /// Several stand open, and the person picks (D13). Nothing was written.
    Pick(Vec<Organization>),
}

/// Someone who was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The account.
    pub user: User,
    /// The organization that they enter.
    pub organization: Organization,
    /// The membership.
    pub member: Member,
    /// Whether the membership was made just now.
    pub joined: bool,
    /// Until when the connection counts, if it is that of a linked organization (D14).
    pub old_connection: Option<Timestamp>,
}

/// Admits a person on the word of the IdP of `connection`, within the caller's transaction: finds or makes the account
/// (R40, D4), updates address and names, makes the link and, if the rules say so, the membership.
///
/// # Errors
/// [`DirectoryError::Store`]; a refusal is no error but the inner value, and writes nothing.
pub async fn admit(
    tx: &Tx,
    rng: &dyn Rng,
    connection: &Organization,
    aim: Aim,
    identity: &AssertedIdentity<'_>,
) -> Result<Result<Admission, Refusal>, DirectoryError> {
    let source = effective::of_organization(tx, connection.clone()).await?;
    let (account, accounts_differ) = account(tx, &source, identity).await?;
    let person = Person { email: identity.email, account: account.as_ref(), accounts_differ };
    let place = match place(tx, &source, aim, &person).await? {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(Found::Several(organizations)) => return Ok(Ok(Admission::Pick(organizations))),
        Ok(Found::One(place)) => place,
    };
    let user = match account {
        Some(user) => user,
        None => user::create(tx, rng, identity.email)?,
    };
    let user = update(tx, &user, identity).await?;
    if let Some(name_id) = identity.stable_name_id {
        user::link(tx, connection.id, identity.idp, name_id, user.id)?;
    }
    let connected = join(tx, connection, &user, connection.kind == OrgKind::Admin).await?;
    if let Some((Member { role: Role::Owner | Role::Admin, .. }, _)) = connected {
        sso_proof::note(tx, connection.id, &user.email, identity.idp)?;
    }
    let organization = place.target.organization;
    let found = join(tx, &organization, &user, place.entry == Entry::Join).await?;
    let Some((member, joined)) = found else {
        return Err(DirectoryError::NotAMember(organization.slug, user.email));
    };
    let old_connection = source.link.map(|(link, _)| link.window_ends);
    Ok(Ok(Admission::In(Box::new(Admitted { user, organization, member, joined, old_connection }))))
}

/// Where the identity would be let in by the IdP of `connection`: writes nothing.
///
/// # Errors
/// [`StoreError`]; the inner one is the refusal.
pub async fn would_admit(
    tx: &Tx,
    connection: &Organization,
    identity: &AssertedIdentity<'_>,
) -> Result<Result<Found, Refusal>, StoreError> {
    let source = effective::of_organization(tx, connection.clone()).await?;
    let (account, accounts_differ) = account(tx, &source, identity).await?;
    let person = Person { email: identity.email, account: account.as_ref(), accounts_differ };
    place(tx, &source, Aim::Any, &person).await
}

/// The membership, made now if there is none and `joins`; and whether it was made now.
async fn join(
    tx: &Tx,
    organization: &Organization,
    user: &User,
    joins: bool,
) -> Result<Option<(Member, bool)>, DirectoryError> {
    match member::find(tx, organization.id, user.id).await? {
        Some(member) => Ok(Some((member, false))),
        None if joins => Ok(Some((member::add(tx, organization, user, Role::Member, Origin::Jit).await?, true))),
        None => Ok(None),
    }
}

/// The account that the identity means, and whether its link and its address mean different ones (D4).
async fn account(
    tx: &Tx,
    source: &Effective,
    identity: &AssertedIdentity<'_>,
) -> Result<(Option<User>, bool), StoreError> {
    let by_email = user::find_by_email(tx, identity.email).await?;
    let linked = match identity.stable_name_id {
        Some(name_id) => user::find_by_link(tx, source.organization.id, identity.idp, name_id).await?,
        None => None,
    };
    // An account keeps its link only while this connection may speak for its present address: otherwise this IdP
    // would act on somebody outside its domains.
    let linked = match linked {
        Some(user) if vouches(tx, source, &user.email.domain()).await? => Some(user),
        _ => None,
    };
    let differ = matches!((&linked, &by_email), (Some(link), Some(email)) if link.id != email.id);
    Ok((linked.or(by_email), differ))
}

/// Whether the connection of `source` may speak for addresses of `domain`: it holds the domain, or handed it over in
/// the window that still runs (D14).
async fn vouches(tx: &Tx, source: &Effective, domain: &DomainName) -> Result<bool, StoreError> {
    let Some(holder) = claim::holder(tx, domain).await? else { return Ok(false) };
    match &source.link {
        _ if holder.id == source.organization.id => Ok(true),
        Some((link, admin)) if link.in_window(tx.now()) && holder.id == admin.id => {
            link::was_moved(tx, source.organization.id, domain, admin.id).await
        }
        _ => Ok(false),
    }
}

/// Where a person can go.
pub enum Found {
    /// There.
    One(Box<Place>),
    /// To several, of which they pick one.
    Several(Vec<Organization>),
}

/// Where a person goes by the word of the IdP of `source`: writes nothing.
///
/// # Errors
/// The store's; the inner one is the refusal.
pub async fn place(
    tx: &Tx,
    source: &Effective,
    aim: Aim,
    person: &Person<'_>,
) -> Result<Result<Found, Refusal>, StoreError> {
    let connection = &source.organization;
    let (is_admin, showed) = (connection.kind == OrgKind::Admin, Showed::Sso(connection.id));
    let own = Box::new(Place { target: source.clone(), entry: places::entry(tx, source, person, showed).await? });
    let refusal = match own.entry {
        Entry::Refuse(refusal @ (Refusal::NotAMember | Refusal::Barred)) => Some(refusal),
        // The word of this IdP does not count, or not for this account: wherever they were going.
        Entry::Refuse(refusal) => return Ok(Err(refusal)),
        _ => None,
    };
    match (aim, refusal) {
        (Aim::Only(id), _) if id != connection.id => return linked(tx, connection, id, person, showed).await,
        (Aim::Only(_), Some(refusal)) if !is_admin => return Ok(Err(refusal)),
        (_, None) if !is_admin => return Ok(Ok(Found::One(own))),
        _ => {}
    }
    let (open, managed) = open(tx, source, person, showed).await?;
    let ranks: Vec<Rank> = open.iter().map(|(_, rank)| *rank).collect();
    let chosen = match aim {
        Aim::Picked(id) => open.iter().position(|(place, _)| place.target.organization.id == id).map(Choice::One),
        Aim::Any | Aim::Only(_) => Some(choose(&ranks, managed == 1)),
    };
    Ok(match chosen {
        Some(Choice::One(index)) => open.into_iter().nth(index).map(|(place, _)| Found::One(Box::new(place))),
        Some(Choice::Several) => {
            Some(Found::Several(open.into_iter().map(|(place, _)| place.target.organization).collect()))
        }
        // Whoever runs the Admin organization is at home there, if nowhere else.
        Some(Choice::Nowhere) if is_admin && places::runs(tx, connection.id, person).await? => Some(Found::One(own)),
        Some(Choice::Nowhere) | None => None,
    }
    .ok_or(refusal.unwrap_or(Refusal::NotAMember)))
}

/// The organization `id`, which must be linked to `connection` still (D13).
async fn linked(
    tx: &Tx,
    connection: &Organization,
    id: OrgId,
    person: &Person<'_>,
    showed: Showed,
) -> Result<Result<Found, Refusal>, StoreError> {
    let Some(organization) = organization::by_id(tx, id).await? else { return Ok(Err(Refusal::LinkEnded)) };
    let target = effective::of_organization(tx, organization).await?;
    if target.link.as_ref().is_none_or(|(link, _)| link.admin != connection.id) {
        return Ok(Err(Refusal::LinkEnded));
    }
    Ok(match places::entry(tx, &target, person, showed).await? {
        Entry::Refuse(refusal) => Err(refusal),
        entry => Ok(Found::One(Box::new(Place { target, entry }))),
    })
}

/// The organizations that stand open besides the connection's own, and how many of those linked to it add people
/// (D13): those linked to it, or else the third ones that the person is a member of (D11).
async fn open(
    tx: &Tx,
    source: &Effective,
    person: &Person<'_>,
    showed: Showed,
) -> Result<(Vec<(Place, Rank)>, usize), StoreError> {
    let connection = source.organization.id;
    let linked = link::linked_to(tx, connection).await?;
    let managed = linked.iter().filter(|linked| linked.settings.idp_managed_access).count();
    let mut places = Vec::new();
    for organization in linked {
        let target = effective::of_organization(tx, organization).await?;
        let entry = places::entry(tx, &target, person, showed).await?;
        places.push(Place { target, entry });
    }
    places.retain(|place| matches!(place.entry, Entry::Enter | Entry::Join));
    if places.is_empty() {
        places = places::of_member(tx, person, showed).await?;
        let third = |place: &Place| place.target.organization.kind == OrgKind::Customer && place.entry == Entry::Enter;
        places.retain(|place| place.target.organization.id != connection && third(place));
    }
    let last = match person.account {
        Some(account) => last_used::find(tx, account.id).await?,
        None => None,
    };
    let rank = |place: &Place| {
        let last = last == Some(place.target.organization.id);
        Rank { joins: place.entry == Entry::Join, last }
    };
    Ok((places.into_iter().map(|place| (place.clone(), rank(&place))).collect(), managed))
}

/// What matters of an open organization for the choice.
#[derive(Clone, Copy, Debug)]
struct Rank {
    /// The person would be added.
    joins: bool,
    /// It is the one that they were in last.
    last: bool,
}

/// Which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// That one.
    One(usize),
    /// The person picks.
    Several,
    /// There is none.
    Nowhere,
}

/// D13, pure. `only_one_adds`: one alone of the linked organizations adds people. It is entered by whoever is not in it
/// yet; otherwise the one that was entered last; and where that says nothing, the person picks.
fn choose(open: &[Rank], only_one_adds: bool) -> Choice {
    let of = |joins: bool| {
        let found = open.iter().enumerate().filter(move |(_, rank)| rank.joins == joins);
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let (joining, members) = (of(true), of(false));
    match (&joining[..], &members[..]) {
        ([], []) => Choice::Nowhere,
        ([index], _) if only_one_adds => Choice::One(*index),
        ([index], []) | (_, [index]) => Choice::One(*index),
        (_, members) => {
            let last = members.iter().find(|index| open[**index].last);
            last.map_or(Choice::Several, |index| Choice::One(*index))
        }
    }
}

/// Takes over address and names, writing only what changed.
async fn update(tx: &Tx, user: &User, identity: &AssertedIdentity<'_>) -> Result<User, StoreError> {
    let mut updated = user.clone();
    updated.email = identity.email.clone();
    if let Some(first) = identity.first_name.and_then(user::tidy_name) {
        updated.first_name = Some(first);
    }
    if let Some(last) = identity.last_name.and_then(user::tidy_name) {
        updated.last_name = Some(last);
    }
    if updated.email != user.email {
        barred::follow(tx, &user.email, &updated.email).await?;
    }
    if updated != *user {
        user::save(tx, &updated).await?;
    }
    Ok(updated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d13_which_of_the_linked_organizations_is_entered() {
        let (member, last) = (Rank { joins: false, last: false }, Rank { joins: false, last: true });
        let joins = Rank { joins: true, last: false };
        let check = |open: &[Rank], only_one_adds, expected| {
            assert_eq!(choose(open, only_one_adds), expected, "{open:?} {only_one_adds}");
        };
        check(&[], false, Choice::Nowhere);
        check(&[joins], true, Choice::One(0));
        check(&[joins, joins], false, Choice::Several);
        check(&[member], false, Choice::One(0));
        // The one that adds people is entered by whoever is not in it yet.
        check(&[last, joins], true, Choice::One(1));
        // Otherwise the last one.
        check(&[member, last, member], false, Choice::One(1));
        check(&[member, last], true, Choice::One(1));
        check(&[member, joins, joins], false, Choice::One(0));
        // Nothing says which.
        check(&[member, member], false, Choice::Several);
        check(&[member, member], true, Choice::Several);
    }
}
