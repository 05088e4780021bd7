//! What is shipped in `examples/` runs as it is written, wherever the program that it is for is installed.

mod apps;
mod forward_auth;
mod webhooks;

use std::process::Command;

/// Set where everything has to be installed, so that nothing passes by not being run.
const ALL: &str = "VESTIBULE_TEST_ALL";

/// Whether a program is here: whether this command succeeds.
fn is_here(command: &[&str]) -> bool {
    let runs = Command::new(command[0]).args(&command[1..]).output().is_ok_and(|output| output.status.success());
    assert!(runs || std::env::var_os(ALL).is_none(), "{ALL} is set, and {} does not run", command.join(" "));
    if !runs {
        println!("not run: {} is not here", command.join(" "));
    }
    runs
}
