//! A public checker of SCIM servers, scim2-tester, finds no failure in the running server (SCIM.md, H).

use std::path::Path;
use std::process::Command;

use crate::world::World;

/// Set where everything has to be installed, so that nothing passes by not being run.
const ALL: &str = "VESTIBULE_TEST_ALL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s15_scim2_tester_finds_no_failure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/scim2-tester/bin/python");
    if !python.exists() {
        assert!(std::env::var_os(ALL).is_none(), "{ALL} is set, and scripts/scim2-tester did not bring scim2-tester");
        println!("not run: scim2-tester is not here");
        return;
    }
    let world = World::start().await;
    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let base = format!("http://{}/scim/v2", world.scim);
    let checked = Command::new(python)
        .arg(root.join("tests/scim/conformance.py"))
        .args([&base, &token, "acme.example"])
        .output()
        .unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{told}");
    assert!(told.contains(", 0 failures"), "{told}");
}
