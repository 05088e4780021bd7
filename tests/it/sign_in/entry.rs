//! The table of `crate::entry` again, where it is lived: each row of single sign-on as organizations, claims, a link, a
//! person, and an IdP's answer through the portal.

use std::time::Duration;

use vestibule::directory::{
    Claim, ClaimState, DirectoryError, Organization, Origin, barred, claim, link, member, user,
};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::idp::Idp;
use super::{Browser, Site};
use crate::entry::{Row, role, rows, settings};

/// The organizations of a row: acme is to be entered, the group is its Admin organization, globex is the third.
struct Stage {
    site: Site,
    group: Organization,
    group_idp: Idp,
}

impl Stage {
    async fn new(row: &Row) -> Stage {
        let site = Site::new().await;
        let (group, group_idp) = site.group().await;
        let own = settings(row.own);
        site.change(&site.acme, |acme| {
            acme.settings = own.clone();
            Ok(())
        })
        .await;
        let admins = settings(row.admin);
        site.change(&group, |group| {
            group.settings = admins.clone();
            Ok(())
        })
        .await;
        site.change(&site.globex, |globex| {
            globex.settings.require_sso = row.domain != "third";
            Ok(())
        })
        .await;
        Stage { site, group, group_idp }
    }

    /// The address that the row is about.
    fn email(row: &Row) -> &'static str {
        match row.domain.split(':').next().unwrap() {
            "own" | "moved" => "eve@acme.example",
            "admin" => "eve@group.example",
            "third" => "eve@globex.example",
            _ => "eve@nobody.example",
        }
    }

    /// Links, hands over and moves the claim to its state, once the sign-in is under way.
    async fn link(&self, row: &Row) {
        match row.link {
            "window" => self.site.join(&self.site.acme, &self.group, link::DEFAULT_WINDOW).await,
            "linked" => self.site.join(&self.site.acme, &self.group, Duration::ZERO).await,
            _ => {}
        }
        let (whose, state) = row.domain.split_once(':').unwrap_or((row.domain, ""));
        if whose == "moved" {
            self.site.hand_over(&self.site.acme, &self.group, "acme.example").await;
        }
        let holder = if whose == "own" { &self.site.acme } else { &self.group };
        let state = match state {
            "pending" => ClaimState::Pending,
            "lapsing" => ClaimState::Lapsing,
            "unverified" => ClaimState::Unverified,
            _ => return,
        };
        let domain = Stage::email(row).split_once('@').unwrap().1.parse().unwrap();
        let to_state = async |tx: Tx| {
            let held = claim::find(&tx, holder.id, &domain).await?.expect("a claim");
            claim::write(&tx, Some(&held), Some(&Claim { state, ..held.clone() })).await
        };
        self.site.store.transaction("test", to_state).await.unwrap();
    }

    async fn person(&self, row: &Row, connection: &Organization, idp: &Idp) {
        let email = Stage::email(row).parse().unwrap();
        let make = async |tx: Tx| {
            if row.also == "barred" {
                barred::bar(&tx, self.site.acme.id, &email)?;
            }
            if row.also == "differ" {
                let domain = email.domain();
                let other = user::create(&tx, &self.site.rng, &format!("other@{domain}").parse().unwrap())?;
                user::link(&tx, connection.id, &idp.entity_id, "00u9", other.id)?;
            }
            let asleep = row.role == "asleep";
            if role(row.role).is_none() && !asleep && !["off", "runs", "differ"].contains(&row.also) {
                return Ok(());
            }
            let eve = user::create(&tx, &self.site.rng, &email)?;
            if let Some(role) = role(row.role).or(asleep.then_some(Role::Member)) {
                member::add(&tx, &self.site.acme, &eve, role, Origin::Hand).await?;
            }
            if asleep {
                member::put_to_sleep(&tx, self.site.acme.id, eve.id).await?;
            }
            if row.also == "runs" {
                member::add(&tx, &self.group, &eve, Role::Owner, Origin::Hand).await?;
            }
            if row.also == "off" {
                user::set_active(&tx, &email, false).await?;
            }
            Ok::<_, DirectoryError>(())
        };
        self.site.store.transaction("test", make).await.unwrap();
    }
}

/// What comes of a row; `None` if the sign-in does not even begin at that connection.
async fn lived(row: &Row) -> Option<String> {
    let stage = Stage::new(row).await;
    let site = &stage.site;
    let mut browser: Browser = site.browser();
    let (sent, connection, idp) = match row.way {
        "own" => {
            let sent = browser.start_at("acme").await;
            stage.link(row).await;
            (sent, &site.acme, &site.acme_idp)
        }
        "admins" => {
            stage.link(row).await;
            (browser.start_at("acme").await, &stage.group, &stage.group_idp)
        }
        _ => {
            stage.link(row).await;
            (browser.ask("eve@globex.example", "/").await, &site.globex, &site.globex_idp)
        }
    };
    if !sent.destination.contains(connection.slug.as_str()) {
        return None;
    }
    stage.person(row, connection, idp).await;
    let answer = idp.answer(&sent).email(Stage::email(row));
    let answer = if row.also == "differ" { answer.name_id("00u9") } else { answer };
    let before = site.role_in(&site.acme, Stage::email(row)).await;
    browser.return_with(&answer).await;
    let code = site.last_code(connection).await;
    if code != "accepted" {
        assert!(!browser.has_session() && site.session_count().await == 0, "{row:?}");
        assert_eq!(site.role_in(&site.acme, Stage::email(row)).await, before, "{row:?}: a refusal writes nothing");
        return Some(code);
    }
    // What was put to sleep just now may end what was made in the same moment: the clock stands.
    if row.role != "asleep" {
        assert_eq!(site.only_session().await.organization, Some(site.acme.id), "{row:?}");
    }
    let origin = site.role_in(&site.acme, Stage::email(row)).await.expect("a membership").1;
    Some(if origin == Origin::Jit { "join".to_owned() } else { "enter".to_owned() })
}

#[tokio::test]
async fn what_the_table_says_is_what_the_portal_does() {
    let mut tried = 0;
    for row in rows().iter().filter(|row| ["own", "admins", "thirds"].contains(&row.way)) {
        let Some(came) = lived(row).await else { continue };
        assert_eq!(came, row.decision, "{row:?}");
        tried += 1;
    }
    assert!(tried >= 40, "{tried} rows were tried");
}
