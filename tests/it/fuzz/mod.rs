//! The fuzz targets on what is kept of earlier runs, and on the attacks and files of the other tests: no nightly compiler
//! is needed to see that they still hold. `fuzz/README.md` tells how to look for new inputs.

#[path = "../../../fuzz/targets/decoding.rs"]
mod decoding;
#[path = "../../../fuzz/targets/gate.rs"]
mod gate;
#[path = "../../../fuzz/targets/saml_bytes.rs"]
mod saml_bytes;
#[path = "../../../fuzz/targets/saml_mutated.rs"]
mod saml_mutated;
#[path = "../../../fuzz/targets/scim_filter.rs"]
mod scim_filter;
#[path = "../../../fuzz/targets/scim_patch.rs"]
mod scim_patch;
#[path = "../../../fuzz/targets/uploads.rs"]
mod uploads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::saml::{draft, world};

/// The files in the folders, as paths from the repository's root.
fn files(folders: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside =
        |folder: &&str| std::fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    folders.iter().flat_map(inside).map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

/// Runs a target on each file; at least `least` of them, so that none passes by not being there.
fn replay(target: fn(&[u8]), folders: &[&str], least: usize) {
    let files = files(folders);
    assert!(files.len() >= least, "{folders:?} hold {} files, not {least}", files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_ok(), "{}", file.display());
    }
}

#[test]
fn form_fields_and_redirects_decode_within_their_bounds() {
    replay(decoding::run, &["fuzz/seeds/decoding", "tests/saml/attacks"], 40);
}

#[test]
fn any_bytes_are_no_sign_in() {
    replay(saml_bytes::run, &["fuzz/seeds/saml_bytes", "tests/saml/attacks"], 40);
}

#[test]
fn a_changed_response_is_the_same_or_none() {
    replay(saml_mutated::run, &["fuzz/seeds/saml_mutated"], 30);
}

#[test]
fn uploads_in_any_disrepair_end_in_a_sentence() {
    replay(uploads::run, &["fuzz/seeds/uploads", "tests/saml/metadata", "tests/saml/certificates"], 20);
}

#[test]
fn what_the_gate_reads_is_read_by_others_alike() {
    replay(gate::run, &["fuzz/seeds/gate"], 30);
}

#[test]
fn s22_a_scim_filter_answers_or_is_refused() {
    replay(scim_filter::run, &["fuzz/seeds/scim_filter"], 20);
}

#[test]
fn s24_scim_bodies_end_in_a_value_or_a_refusal() {
    let dialects = ["tests/scim/entra", "tests/scim/okta", "tests/scim/onelogin"];
    replay(scim_patch::run, &[&["fuzz/seeds/scim_patch"][..], &dialects].concat(), 60);
}

#[test]
#[should_panic(expected = "fuzz/seeds/gate")]
fn a_target_that_fails_is_a_test_that_fails() {
    let folder = "fuzz/seeds/gate";
    let seed = |bytes: &[u8]| assert!(bytes.is_empty(), "a seed");
    replay(seed, &[folder], 1);
}
