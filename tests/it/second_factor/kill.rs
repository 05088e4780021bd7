//! `kill -9` between «recovery code used» and its answer: the code is used, each of ten times.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use vestibule::directory::{User, audit, user};
use vestibule::kernel::{Client, Secret, SystemClock, SystemRng, UserId};
use vestibule::second_factor::{
    Answer, CODES, Confirmed, Guarded, Person, Reserved, Verdict, answer, checkers, factors, reserve,
};
use vestibule::store::{SledBackend, Store, StoreError, Tx, check_store};

const ROUNDS: u64 = 10;
/// Names the directory for the child: a test that finds it set is the child.
const DIRECTORY: &str = "VESTIBULE_TEST_RECOVERY_DIRECTORY";

async fn open(path: &Path) -> Store {
    let backend = SledBackend::open(path).expect("it opens again");
    Store::open(backend, Arc::new(SystemClock)).await.expect("it opens again")
}

fn person(user: &User) -> Person<'_> {
    Person { user, organization: audit::OPERATOR, client: Client::default(), rng: &SystemRng }
}

/// An account with an app and recovery codes.
async fn with_codes(store: &Store) -> (User, Vec<Secret<String>>) {
    let make = async |tx: Tx| {
        let name = UserId::random(&SystemRng);
        let user = user::create(&tx, &SystemRng, &format!("{name}@acme.example").parse().expect("an address"))?;
        let secret = factors::set_up_app(&tx, &SystemRng, user.id, "here").await?;
        let key = totp_rs::Secret::try_from_base32(secret.text().replace(' ', "")).expect("Base32");
        let seconds = u64::try_from(tx.now().seconds()).expect("after the epoch");
        let code = totp_rs::Builder::new().with_secret(key).build_noncompliant().generate(seconds).to_string();
        assert_eq!(factors::confirm_app(&tx, &person(&user), "here", &code).await?, Confirmed::Done);
        let codes = factors::new_recovery_codes(&tx, &person(&user)).await?;
        Ok::<_, StoreError>((user, codes))
    };
    store.transaction("test", make).await.expect("it commits")
}

async fn use_code(store: &Store, user: &User, code: &str) -> Verdict {
    let reserved = reserve(store, &person(user), Guarded::Recovery).await.expect("it commits");
    let Reserved::Look(ticket) = reserved else { panic!("it is paused") };
    let look = async |tx: Tx| answer(&tx, &person(user), &ticket, Answer::Recovery(code)).await;
    store.transaction("test", look).await.expect("it commits")
}

/// The child: uses codes for ever. Once the transaction of one is acknowledged it tells so; then nobody is answered,
/// because it is killed. Without its variable it is no child.
#[test]
fn user_of_codes_to_be_killed() {
    let Some(path) = std::env::var_os(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let store = open(Path::new(&path)).await;
        loop {
            let (user, codes) = with_codes(&store).await;
            for code in codes {
                assert!(matches!(use_code(&store, &user, code.expose()).await, Verdict::Right(_)));
                let line = format!("used {} {}", user.email, code.expose());
                writeln!(std::io::stdout().lock(), "{line}").expect("the parent listens");
            }
        }
    });
}

fn start_child(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "second_factor::kill::user_of_codes_to_be_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// Runs the child until so many codes were used, kills it, and gives those that it had used for certain.
fn run_and_kill(path: &Path, until: usize) -> Vec<(String, String)> {
    let mut child = start_child(path);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut used, mut line) = (Vec::new(), String::new());
    while lines.read_line(&mut line).expect("the pipe is read") > 0 {
        // The last line may be cut by the kill.
        let told = line.strip_suffix('\n').and_then(|line| line.split_once("used ")).map(|(_, rest)| rest);
        if let Some((email, code)) = told.and_then(|rest| rest.split_once(' ')) {
            used.push((email.to_owned(), code.to_owned()));
            if used.len() == until {
                child.kill().expect("SIGKILL is sent");
            }
        }
        line.clear();
    }
    let status = child.wait().expect("the child has ended");
    assert!(used.len() >= until && !status.success(), "the child was killed, and did not fail by itself: {status}");
    used
}

#[test]
fn a_recovery_code_whose_use_was_committed_is_used_however_the_process_ends() {
    let place = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut total = 0;
    for round in 0..ROUNDS {
        let used = run_and_kill(place.path(), usize::try_from(1 + round * 7 % 23).expect("a number"));
        total += used.len();
        runtime.block_on(async {
            let store = open(place.path()).await;
            let (email, code) = used.last().expect("one was used");
            let last = user::by_email(&store.reader(), &email.parse().expect("an address")).await.expect("it is there");
            assert_eq!(use_code(&store, &last, code).await, Verdict::Wrong, "round {round}");
            for (email, _) in &used {
                let user = user::by_email(&store.reader(), &email.parse().expect("one")).await.expect("it is there");
                let left = factors::of(&store.reader(), user.id).await.expect("it reads").recovery.left();
                let known = used.iter().filter(|(of, _)| of == email).count();
                // Of the last account one more may have been used whose line the kill cut off.
                assert!(left <= CODES - known && left + 1 >= CODES - known, "round {round}: {left} left, {known} used");
            }
            let report = check_store(&store, &checkers()).await.expect("it checks");
            assert_eq!(report.findings, [], "round {round}");
        });
    }
    println!("{ROUNDS} kills, {total} codes used, none good again");
}
