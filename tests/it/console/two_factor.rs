//! The page «Two-factor»: the policy, from where it comes, and who has a factor, as far as that is theirs to know (D5, D12).

use http::StatusCode;
use vestibule::directory::{OrgKind, Organization, TwoFactor, User};
use vestibule::kernel::{Client, Role, SystemRng};
use vestibule::second_factor::{Confirmed, Person, factors};

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/two-factor";

/// Sets an authenticator app up.
pub async fn with_app(site: &Site, organization: &Organization, account: &User) {
    site.change(async |tx| {
        let client = Client::default();
        let person = Person { user: account, organization: organization.id, client, rng: &SystemRng };
        let secret = factors::set_up_app(&tx, &SystemRng, account.id, "here").await?;
        let key = totp_rs::Secret::try_from_base32(secret.text().replace(' ', "")).unwrap();
        let seconds = u64::try_from(tx.now().seconds()).unwrap();
        let code = totp_rs::Builder::new().with_secret(key).build_noncompliant().generate(seconds).to_string();
        assert_eq!(factors::confirm_app(&tx, &person, "here", &code).await?, Confirmed::Done);
        Ok(factors::new_recovery_codes(&tx, &person).await.map(|_| ())?)
    })
    .await;
}

#[tokio::test]
async fn the_policy_is_saved_audited_and_refused_with_what_was_typed() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    ada.get(PAGE).await.says("<strong>not asked for</strong>").says("does not count here");
    let fields = [("two_factor", "password"), ("grace_sign_ins", "3"), ("trusted_browser_days", "30")];
    let page = ada.submit(PAGE, PAGE, &fields).await;
    assert_eq!(page.location, format!("{PAGE}?done=saved"), "{}", page.body);
    let settings = site.now(&acme).await.settings;
    let held = (settings.two_factor, settings.grace_sign_ins, settings.trusted_browser_days);
    assert_eq!(held, (TwoFactor::Password, Some(3), Some(30)));
    ada.get(&page.location).await.says("Saved.").says("value=\"password\" checked").says("value=\"30\"");
    let page = ada.submit(PAGE, PAGE, &[("two_factor", "always"), ("grace_sign_ins", "many")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("value=\"many\"").says("value=\"always\" checked").says("role=\"alert\"");
    assert_eq!(site.now(&acme).await.settings.two_factor, TwoFactor::Password);
    let fields = [("two_factor", "off"), ("grace_sign_ins", "0"), ("trusted_browser_days", "")];
    ada.submit(PAGE, PAGE, &fields).await;
    let settings = site.now(&acme).await.settings;
    assert_eq!((settings.two_factor, settings.trusted_browser_days), (TwoFactor::Off, None));
}

#[tokio::test]
async fn d12_the_stricter_policy_of_an_admin_organization_is_told_with_its_name() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let group = site.organization("group", OrgKind::Admin).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    site.link(&group, &acme).await;
    ada.get(PAGE).await.says("<bdi>group</bdi>, its Admin organization").says("as the Admin organization has it");
    site.change(async |tx| {
        let mut changed = group.clone();
        changed.set("two_factor", "password")?;
        Ok(vestibule::directory::organization::save(&tx, &changed)?)
    })
    .await;
    ada.get(PAGE).await.says("<strong>asked for after a password").says("That is the policy of <bdi>group</bdi>");
}

#[tokio::test]
async fn d5_who_has_a_factor_is_told_of_ones_own_accounts_alone() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    site.organization("globex", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let gus = site.person(&acme, "gus@globex.example", Role::Member).await;
    site.person(&acme, "eve@acme.example", Role::Member).await;
    with_app(&site, &acme, &bob).await;
    with_app(&site, &acme, &gus).await;
    let page = ada.get(PAGE).await;
    page.says("Of 4 members, 3 have an account that is yours to look after; 1 of these have set a second factor up.");
    page.says("authenticator app; 10 recovery codes left").says("not yours to see");
    assert_eq!(page.body.matches("authenticator app").count(), 1, "of globex's nothing is told");
    page.says(&format!("<a href=\"/.vestibule/console/o/acme/members/{}\" aria-label=\"Reset", bob.id));
    let page = ada.get(&format!("{PAGE}?only=without")).await;
    page.says("eve@acme.example").hides("bob@acme.example").hides("gus@globex.example");
    // The operator sees all of it.
    site.operator().await.get(PAGE).await.says("Of 4 members, 4 have an account");

    let at = format!("/.vestibule/console/o/acme/members/{}", bob.id);
    ada.get(&at).await.says("authenticator app, since").says("10 recovery codes left");
    let page = ada.submit(&at, &at, &[("act", "reset-second-factor")]).await;
    ada.get(&page.location).await.says("The second factor is gone").hides("authenticator app");
    assert!(!factors::of(&site.store.reader(), bob.id).await.unwrap().any());
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.action.as_str(), last.actor.as_str()), ("second_factor.reset", "ada@acme.example"));
}
