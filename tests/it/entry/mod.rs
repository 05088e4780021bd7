//! Who enters an organization, as one table: every row is decided by the pure function here, and those of single
//! sign-on again through the portal (`sign_in::entry`).

use vestibule::directory::entry::{Case, DomainOf, LinkStage, Way, Whose, decide};
use vestibule::directory::{ClaimState, Entry, OrgSettings, Rules};
use vestibule::kernel::Role;

/// A row of the table, as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// `own`, `admins`, `thirds` single sign-on; `password`; `mail`: a magic link.
    pub way: &'static str,
    /// Whose claim of the address's domain, and its state.
    pub domain: &'static str,
    /// `alone`, `window`, `linked`.
    pub link: &'static str,
    /// The organization's own settings: `r` require_sso, `m` idp_managed_access.
    pub own: &'static str,
    /// The Admin organization's, likewise.
    pub admin: &'static str,
    /// The role, `none`, or `asleep`.
    pub role: &'static str,
    /// `off`, `barred`, `differ`, `runs` (owner or admin of the Admin organization).
    pub also: &'static str,
    /// What comes of it.
    pub decision: &'static str,
}

const TABLE: &str = "
way       domain          link    own  admin  role    also    decision

own       own:verified    alone   -    -      member  -       enter
own       own:lapsing     alone   -    -      member  -       enter
own       own:pending     alone   -    -      member  -       email_domain
own       own:unverified  alone   -    -      member  -       email_domain
own       free            alone   m    -      member  -       email_domain
own       third           alone   m    -      owner   -       email_domain
own       third:sso       alone   m    -      none    -       email_domain
own       own:verified    alone   -    -      none    -       not_a_member
own       own:verified    alone   r    -      none    -       not_a_member
own       own:verified    alone   m    -      none    -       join
own       own:verified    alone   rm   -      none    -       join
own       own:lapsing     alone   m    -      none    -       join
own       own:verified    alone   m    -      asleep  -       join
own       own:verified    alone   -    -      asleep  -       not_a_member
own       own:verified    alone   r    -      owner   -       enter
own       own:verified    alone   m    -      none    barred  removed_by_provisioning
own       own:verified    alone   m    -      member  barred  enter
own       own:verified    alone   -    -      none    barred  not_a_member
own       own:verified    alone   m    -      member  off     account_deactivated
own       own:verified    alone   m    -      none    off     account_deactivated
own       own:verified    alone   m    -      owner   differ  account_conflict
own       own:verified    alone   m    -      none    differ  account_conflict
own       own:pending     alone   m    -      owner   differ  email_domain
own       own:pending     alone   m    -      owner   off     email_domain

own       own:verified    window  -    -      member  -       enter
own       own:verified    window  m    -      none    -       join
own       own:verified    window  -    m      none    -       not_a_member
own       moved:verified  window  -    -      member  -       enter
own       moved:lapsing   window  m    -      none    -       join
own       admin:verified  window  m    -      member  -       email_domain
own       own:verified    linked  m    -      member  -       connection_rests
own       moved:verified  linked  m    -      member  -       connection_rests
own       admin:verified  linked  m    -      member  -       connection_rests
own       own:verified    linked  m    -      none    off     connection_rests

admins    admin:verified  window  -    -      member  -       enter
admins    moved:verified  window  -    -      member  -       enter
admins    admin:lapsing   linked  -    -      admin   -       enter
admins    moved:verified  linked  -    r      member  -       enter
admins    admin:verified  linked  m    -      none    -       join
admins    admin:verified  linked  -    m      none    -       not_a_member
admins    admin:verified  linked  -    rm     none    runs    not_a_member
admins    admin:verified  linked  m    -      none    barred  removed_by_provisioning
admins    admin:verified  linked  m    -      member  off     account_deactivated
admins    admin:verified  linked  m    -      member  differ  account_conflict
admins    admin:pending   linked  m    -      member  -       email_domain
admins    own:verified    window  m    -      member  -       email_domain
admins    own:verified    linked  m    -      member  -       email_domain
admins    third           linked  m    -      member  -       email_domain

thirds    third           alone   -    -      member  -       enter
thirds    third:sso       alone   r    -      member  -       enter
thirds    third:sso       linked  -    r      member  -       enter
thirds    third           alone   m    -      none    -       not_a_member
thirds    third           alone   -    -      asleep  -       not_a_member
thirds    third           alone   -    -      member  off     account_deactivated
thirds    own:verified    alone   m    -      member  -       email_domain
thirds    admin:verified  linked  m    -      member  -       email_domain
thirds    free            alone   m    -      member  -       email_domain

password  own:verified    alone   -    -      member  -       enter
password  own:verified    alone   m    -      member  -       enter
password  own:verified    alone   m    -      none    -       not_a_member
password  own:verified    alone   -    -      asleep  -       not_a_member
password  own:verified    alone   r    -      member  -       sso_required
password  own:verified    alone   r    -      billing -       sso_required
password  own:verified    alone   r    -      owner   -       break_glass
password  own:verified    alone   r    -      admin   -       break_glass
password  own:verified    alone   r    -      owner   off     account_deactivated
password  free            alone   -    -      member  -       enter
password  free            alone   r    -      member  -       no_verified_domain
password  own:unverified  alone   r    -      member  -       no_verified_domain
password  own:unverified  alone   r    -      owner   -       break_glass
password  admin:verified  linked  r    -      member  -       enter
password  admin:verified  linked  -    r      member  -       sso_required
password  admin:verified  linked  -    r      owner   -       break_glass
password  admin:verified  linked  -    r      member  runs    break_glass
password  admin:verified  linked  -    r      none    runs    not_a_member
password  own:verified    window  -    r      member  -       sso_required
password  own:verified    linked  -    r      member  -       no_verified_domain
password  own:verified    linked  r    -      member  -       enter
password  third           alone   -    -      member  -       enter
password  third           alone   r    -      member  -       sso_required
password  third:sso       alone   -    -      member  -       sso_required
password  third:sso       alone   -    -      owner   -       sso_required
password  third:glass     alone   -    -      member  -       break_glass
password  third:glass     alone   r    -      member  -       sso_required

mail      own:verified    alone   -    -      member  -       enter
mail      own:verified    alone   r    -      member  -       sso_required
mail      own:verified    alone   r    -      owner   -       sso_required
mail      own:verified    alone   m    -      none    -       not_a_member
mail      free            alone   r    -      owner   -       no_verified_domain
mail      third:glass     alone   -    -      member  -       sso_required
mail      own:verified    alone   -    -      member  off     account_deactivated
";

/// Every row.
pub fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.trim().is_empty()).skip(1);
    let row = |line: &'static str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [way, domain, link, own, admin, role, also, decision] = columns[..] else {
            panic!("eight columns: {line}")
        };
        Row { way, domain, link, own, admin, role, also, decision }
    };
    lines.map(row).collect()
}

/// Settings as a row writes them.
pub fn settings(text: &str) -> OrgSettings {
    OrgSettings { require_sso: text.contains('r'), idp_managed_access: text.contains('m'), ..OrgSettings::default() }
}

/// A role as a row writes it; `None` for nobody and for a membership that sleeps.
pub fn role(text: &str) -> Option<Role> {
    match text {
        "none" | "asleep" => None,
        "billing" => Some(Role::BillingAdmin),
        role => Some(role.parse().expect("a role")),
    }
}

fn domain(text: &str) -> DomainOf {
    let (whose, state) = text.split_once(':').unwrap_or((text, ""));
    let holds = |state: &str| match state {
        "pending" => ClaimState::Pending.holds(),
        "verified" => ClaimState::Verified.holds(),
        "lapsing" => ClaimState::Lapsing.holds(),
        "unverified" => ClaimState::Unverified.holds(),
        other => panic!("{other} is no state"),
    };
    match whose {
        "free" => DomainOf::Nobody,
        "third" => DomainOf::Another { require_sso: !state.is_empty(), break_glass: state == "glass" },
        _ if !holds(state) => DomainOf::Nobody,
        "own" => DomainOf::Own,
        "admin" => DomainOf::Admin,
        "moved" => DomainOf::Moved,
        other => panic!("{other} is nobody's domain"),
    }
}

fn case(row: &Row) -> Case {
    let link = match row.link {
        "alone" => LinkStage::Alone,
        "window" => LinkStage::Window,
        "linked" => LinkStage::Linked,
        other => panic!("{other} is no stage of a link"),
    };
    let admin = settings(row.admin);
    let rules = Rules::of(&settings(row.own), (link != LinkStage::Alone).then_some(&admin));
    Case {
        way: match row.way {
            "own" => Way::Sso(Whose::Own),
            "admins" => Way::Sso(Whose::Admins),
            "thirds" => Way::Sso(Whose::Anothers),
            "password" => Way::Password,
            "mail" => Way::MagicLink,
            other => panic!("{other} is no way in"),
        },
        domain: domain(row.domain),
        link,
        require_sso: rules.require_sso,
        idp_managed_access: rules.idp_managed_access,
        role: role(row.role),
        runs_admin: row.also == "runs",
        accounts_differ: row.also == "differ",
        deactivated: row.also == "off",
        barred: row.also == "barred",
    }
}

#[test]
fn every_row_is_decided_as_it_is_written() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        let decided = match decide(&case(&row)) {
            Entry::Enter => "enter",
            Entry::Join => "join",
            Entry::BreakGlass => "break_glass",
            Entry::Refuse(refusal) => refusal.code(),
        };
        assert_eq!(decided, row.decision, "{row:?}");
    }
}

#[test]
fn whatever_else_is_true_an_idp_speaks_for_its_organizations_domains_alone() {
    let ways = [Whose::Own, Whose::Admins, Whose::Anothers];
    let domains = [
        DomainOf::Nobody,
        DomainOf::Admin,
        DomainOf::Own,
        DomainOf::Another { require_sso: false, break_glass: false },
    ];
    for (way, domain) in ways.into_iter().flat_map(|way| domains.map(|domain| (way, domain))) {
        let may = matches!(
            (way, domain),
            (Whose::Own, DomainOf::Own)
                | (Whose::Admins, DomainOf::Admin)
                | (Whose::Anothers, DomainOf::Another { .. })
        );
        for bits in 0..32_u8 {
            for link in [LinkStage::Alone, LinkStage::Window, LinkStage::Linked] {
                let on = |bit: u8| bits >> bit & 1 == 1;
                let case = Case {
                    way: Way::Sso(way),
                    domain,
                    link,
                    require_sso: on(0),
                    idp_managed_access: on(1),
                    role: on(2).then_some(Role::Owner),
                    runs_admin: on(3),
                    accounts_differ: false,
                    deactivated: false,
                    barred: on(4),
                };
                let let_in = matches!(decide(&case), Entry::Enter | Entry::Join | Entry::BreakGlass);
                assert!(may || !let_in, "{case:?}");
            }
        }
    }
}
