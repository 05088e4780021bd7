//! The demo: ready soon, says what to do, leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::site::{Server, free_port, get, vestibule};

/// The promise is two seconds; a machine that runs other tests at once gets more.
const READY_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn the_demo_is_ready_soon_and_cleans_up() {
    let start = Instant::now();
    let port = free_port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let child = command.args(["demo", "--port", &port]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut demo = Server { child: child.expect("the demo starts") };
    let mut said = String::new();
    let lines = BufReader::new(demo.child.stdout.take().expect("its stdout")).lines();
    for line in lines {
        said.push_str(&line.expect("a line"));
        said.push('\n');
        if said.contains("Ctrl-C") {
            break;
        }
    }
    let took = start.elapsed();
    println!("the demo was ready after {took:?}");
    assert!(took < READY_WITHIN, "ready after {took:?} only");
    for words in ["ada@acme.example", "katherine@globex.example", "/metrics", "jwks.json", "logins --config "] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let url = said.split_whitespace().find(|word| word.starts_with("http://localhost:")).expect("an address");
    let address = format!("127.0.0.1:{}", url.rsplit(':').next().unwrap()).parse().expect("a port");
    assert!(get(address, "/public/").starts_with("HTTP/1.1 200"), "the app answers");
    assert!(get(address, "/").starts_with("HTTP/1.1 401"), "and is protected");
    let config =
        said.split_whitespace().find(|word| word.ends_with("vestibule.toml")).expect("a configuration").to_owned();
    let folder = Path::new(&config).parent().unwrap().to_owned();
    let listed = vestibule(&folder, &["org", "list"]).done();
    assert!(listed.contains("acme") && listed.contains("globex"), "{listed}");
    assert_eq!(demo.signal("-INT").0, Some(0));
    assert!(!folder.exists(), "{} is left behind", folder.display());
}
