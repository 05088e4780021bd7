//! Ten thousand organizations with a hundred thousand verified domains: finding the organization that an address leads
//! to, with the rules that hold there; and how long a start takes then, and how much memory. The goals: 5 µs, two seconds.
//! And a page of an organization with a hundred thousand members.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark may panic, and tells what it found"
)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use vestibule::config::Config;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{
    DirectoryError, Organization, Origin, User, claim, effective, link, member, member_index, user,
};
use vestibule::kernel::{Clock as _, DomainName, Role, SystemClock, SystemRng};
use vestibule::server::App;
use vestibule::store::{SledBackend, Store, Tx};

/// How many organizations, and how many domains each of them has verified.
const ORGANIZATIONS: usize = 10_000;
const DOMAINS_EACH: usize = 10;
/// How many members the largest organization has.
const MEMBERS: usize = 100_000;
/// Every so many, an organization is linked to an Admin organization.
const LINKED_EVERY: usize = 20;
/// How many organizations one transaction makes.
const AT_ONCE: usize = 50;

const CONFIGURATION: &str = "[[upstream]]\nname = \"app\"\naddresses = [\"127.0.0.1:3000\"]\n";

fn domain(organization: usize, number: usize) -> DomainName {
    format!("d{number}.o{organization}.example").parse().unwrap()
}

async fn create(tx: &Tx, slug: &str, kind: OrgKind) -> Result<Organization, DirectoryError> {
    organization::create(tx, &SystemRng, &slug.parse().unwrap(), slug, kind).await
}

/// Some of the organizations, each with its domains.
async fn some(tx: &Tx, group: &Organization, from: usize) -> Result<(), DirectoryError> {
    for number in from..from + AT_ONCE {
        let made = create(tx, &format!("o{number}"), OrgKind::Customer).await?;
        for each in 0..DOMAINS_EACH {
            claim::claim_trusted(tx, &made, &domain(number, each)).await?;
        }
        if number % LINKED_EVERY == 0 {
            let code = link::code(tx, &SystemRng, group)?;
            link::join(tx, &made, code.expose(), link::DEFAULT_WINDOW).await?;
        }
    }
    Ok(())
}

async fn fill(path: &Path) {
    let store = Store::open(SledBackend::open(path).unwrap(), Arc::new(SystemClock)).await.unwrap();
    let group = async |tx: Tx| create(&tx, "group", OrgKind::Admin).await;
    let group = store.transaction("fill", group).await.unwrap();
    for from in (0..ORGANIZATIONS).step_by(AT_ONCE) {
        store.transaction("fill", async |tx: Tx| some(&tx, &group, from).await).await.unwrap();
    }
}

/// The memory of this process that is in use, in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of memory");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn start(folder: &Path) -> App {
    let (config, _) = Config::parse(CONFIGURATION, folder, SystemClock.now()).expect("a configuration");
    App::open(config, Arc::new(SystemClock), Arc::new(SystemRng)).await.expect("a start")
}

fn directory(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(fill(&folder.path().join("data")));
    // The first start makes keys, which later ones find.
    drop(runtime.block_on(start(folder.path())));
    let (began, before) = (Instant::now(), memory());
    let app = runtime.block_on(start(folder.path()));
    let took = began.elapsed();
    let store = app.store().clone();

    let mut group = criterion.benchmark_group("directory");
    let mut find = |name: &str, wanted: &dyn Fn(usize) -> DomainName, found: bool| {
        let mut number = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number = (number + 7919) % ORGANIZATIONS;
                let tx = store.reader();
                let answer = effective::of_domain(&tx, &wanted(number)).now_or_never().expect("sled answers at once");
                assert_eq!(black_box(answer.unwrap()).is_some(), found);
            });
        });
    };
    find("a domain of one of ten thousand organizations", &|number| domain(number, number % DOMAINS_EACH), true);
    find("a domain that nobody has", &|number| domain(number, DOMAINS_EACH), false);
    group.finish();
    println!("a start took {took:?}; memory {before} MiB before, {} MiB after all domains were looked up", memory());
}

/// Some of the members of one organization.
async fn some_members(tx: &Tx, organization: &Organization, from: usize) -> Result<(), DirectoryError> {
    for number in from..from + AT_ONCE {
        let made = user::create(tx, &SystemRng, &format!("m{number:06}@acme.example").parse().unwrap())?;
        let (first, last) = (format!("First{}", number % 977), format!("Last{number}"));
        let named = User { first_name: Some(first), last_name: Some(last), ..made };
        user::save(tx, &named).await?;
        member::add(tx, organization, &named, Role::Member, Origin::Hand).await?;
    }
    Ok(())
}

/// A page of fifty of a hundred thousand members, anywhere in the list, and what a search finds.
fn members(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (store, acme) = runtime.block_on(async {
        let store = Store::open(SledBackend::open(folder.path()).unwrap(), Arc::new(SystemClock)).await.unwrap();
        let acme = async |tx: Tx| create(&tx, "acme", OrgKind::Customer).await;
        let acme = store.transaction("fill", acme).await.unwrap();
        for from in (0..MEMBERS).step_by(AT_ONCE) {
            store.transaction("fill", async |tx: Tx| some_members(&tx, &acme, from).await).await.unwrap();
        }
        (store, acme)
    });
    let mut group = criterion.benchmark_group("members");
    for (name, search) in [("first page", ""), ("by address", "m0500"), ("by name", "LAST77"), ("nobody", "x")] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let tx = store.reader();
                let found = member_index::page(&tx, acme.id, search, None, 50).now_or_never();
                black_box(found.expect("sled answers at once").unwrap());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, directory, members);
criterion_main!(benches);
